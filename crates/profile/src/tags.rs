//! Tags: their alphabet, the reserved ones, and who owns a thing by them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::fault::{Fault, Faults, quoted};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// What every reserved key begins with.
pub const RESERVED_PREFIX: &str = "inference-profile-manager:";

/// How many tags Bedrock is taken to allow on a profile: AWS's general limit, ours included.
pub const LIMIT: usize = 50;

/// The id of the stack that owns the thing.
pub const STACK_ID: &str = "inference-profile-manager:stack-id";
/// The logical id, within that stack, that owns the thing.
pub const LOGICAL_ID: &str = "inference-profile-manager:logical-id";
/// A short digest of the immutable properties.
pub const SPEC: &str = "inference-profile-manager:spec";
/// The resolved ARN that the profile was copied from: the Bedrock API never gives it back.
pub const MODEL_SOURCE: &str = "inference-profile-manager:model-source";
/// The name of the parameter that publishes the profile.
pub const PARAMETER: &str = "inference-profile-manager:parameter";
/// Which other tags, and their values, were put on the thing by us: see [`KeyRecord`].
pub const TAG_KEYS: &str = "inference-profile-manager:tag-keys";
/// `true` on a profile that was adopted, and is therefore released, never deleted.
pub const ADOPTED: &str = "inference-profile-manager:adopted";
/// How long the profile is to live on once replaced, as declared; absent when it is not to.
pub const DRAIN_PERIOD: &str = "inference-profile-manager:drain-period";
/// The instant (RFC 3339) from which a replaced profile may be retired.
pub const DRAIN_UNTIL: &str = "inference-profile-manager:drain-until";

/// Whether `key` is one of ours or of AWS's, and so never compared with a user's tags.
pub fn is_reserved(key: &str) -> bool {
    key.starts_with(RESERVED_PREFIX) || is_aws(key)
}

fn is_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The stack and logical id that own a profile or parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The stack's whole id, its ARN.
    pub stack_id: String,
    /// The logical id in that stack.
    pub logical_id: String,
}

impl Owner {
    /// Who owns the thing that carries `tags`.
    pub fn of(tags: &Tags) -> Option<Self> {
        Some(Self { stack_id: tags.get(STACK_ID)?.clone(), logical_id: tags.get(LOGICAL_ID)?.clone() })
    }

    /// Whether this owner owns the thing that carries `tags`.
    pub fn owns(&self, tags: &Tags) -> bool {
        Self::of(tags).as_ref() == Some(self)
    }

    /// The two tags that say so.
    pub fn tags(&self) -> Tags {
        Tags::from([
            (STACK_ID.to_owned(), self.stack_id.clone()),
            (LOGICAL_ID.to_owned(), self.logical_id.clone()),
        ])
    }
}

/// Checks one user tag against Bedrock's alphabet (`[a-zA-Z0-9\s._:/=+@-]`, key 1 to 128, value 0 to
/// 256 characters) and the reserved prefixes. `path` is that of the tag, e.g. `Tags[3]`.
pub fn check(path: &str, key: &str, value: &str) -> Faults {
    const ALPHABET: &str = "Use letters, digits, spaces and . _ : / = + @ - only";
    let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "._:/=+@-".contains(c);
    let mut faults = Faults::none();
    let key_path = format!("{path}.Key");
    if key.is_empty() || key.chars().count() > 128 {
        faults.push(Fault::new(
            &key_path,
            format!("{} has {} characters", quoted(key), key.chars().count()),
            "A tag key has 1 to 128 characters",
        ));
    } else if let Some(bad) = key.chars().find(|c| !allowed(*c)) {
        faults.push(Fault::new(
            &key_path,
            format!("{} contains {}", quoted(key), quoted(&bad.to_string())),
            ALPHABET,
        ));
    } else if is_aws(key) {
        faults.push(Fault::new(
            &key_path,
            format!("{} begins with aws:, which AWS reserves", quoted(key)),
            "Choose another key",
        ));
    } else if key.starts_with(RESERVED_PREFIX) {
        faults.push(Fault::new(
            &key_path,
            format!("{} begins with {RESERVED_PREFIX}, which this resource reserves", quoted(key)),
            "Choose another key",
        ));
    }
    let value_path = format!("{path}.Value");
    if value.chars().count() > 256 {
        faults.push(Fault::new(
            &value_path,
            format!("{} has {} characters", quoted(value), value.chars().count()),
            "A tag value has at most 256 characters",
        ));
    } else if let Some(bad) = value.chars().find(|c| !allowed(*c)) {
        faults.push(Fault::new(
            &value_path,
            format!("{} contains {}", quoted(value), quoted(&bad.to_string())),
            ALPHABET,
        ));
    }
    faults
}

/// Which tags we put on a thing, small enough for one tag value.
///
/// Tags that a template drops must go, tags that others put on must stay, and neither the previous
/// stack tags nor the previous template are to be had when it matters (a rollback, a release, a sweep).
/// So each key that we write leaves five characters of its digest in the tag [`TAG_KEYS`], and all of them
/// with their values five more behind a `=`: the 50 keys of the limit need 256 characters, which is what a
/// value may have. A foreign key is taken for ours once in about 2^24 (50 keys, 30 bits each), and a
/// changed value for the one that was written once in 2^30.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRecord(String);

/// How tags differ from what a [`KeyRecord`] says was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagDrift {
    /// This many of the tags are gone.
    Removed(usize),
    /// All of the keys are there, but not every value is the one that was written.
    Changed,
}

impl KeyRecord {
    const WIDTH: usize = 5;
    /// Stands before the digest of the values; no digest contains it.
    const VALUES: char = '=';

    /// The record of the tags that we write; empty when there are none.
    pub fn of<'a>(written: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let written: BTreeMap<&String, &String> = written.into_iter().collect();
        if written.is_empty() {
            return Self::default();
        }
        let mut marks: Vec<String> = written.keys().map(|key| Self::mark(key)).collect();
        marks.sort();
        marks.dedup();
        Self(format!("{}{}{}", marks.concat(), Self::VALUES, Self::values(written)))
    }

    /// The record that a thing's tags hold; empty when there is none.
    pub fn read(tags: &Tags) -> Self {
        Self(tags.get(TAG_KEYS).cloned().unwrap_or_default())
    }

    /// Whether `key` was put there by us.
    pub fn contains(&self, key: &str) -> bool {
        let mark = Self::mark(key);
        self.marks().chunks(Self::WIDTH).any(|chunk| chunk == mark.as_bytes())
    }

    /// How `held`, the tags of the thing that this record was read from, differ from what was written.
    pub fn drift(&self, held: &Tags) -> Option<TagDrift> {
        let ours: BTreeMap<&String, &String> =
            held.iter().filter(|(key, _)| !is_reserved(key) && self.contains(key)).collect();
        let removed = (self.marks().len() / Self::WIDTH).saturating_sub(ours.len());
        let written = self.0.split_once(Self::VALUES).map(|(_, values)| values);
        match written {
            _ if removed > 0 => Some(TagDrift::Removed(removed)),
            Some(written) if written != Self::values(ours) => Some(TagDrift::Changed),
            _ => None,
        }
    }

    /// The tag's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn marks(&self) -> &[u8] {
        self.0.split(Self::VALUES).next().unwrap_or_default().as_bytes()
    }

    fn mark(key: &str) -> String {
        Self::short(Sha256::digest(key.as_bytes()))
    }

    fn values(written: BTreeMap<&String, &String>) -> String {
        let mut digest = Sha256::new();
        for (key, value) in written {
            // No tag contains the separator.
            digest.update(format!("{key}\0{value}\0"));
        }
        Self::short(digest.finalize())
    }

    fn short(digest: impl IntoIterator<Item = u8>) -> String {
        const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";
        digest.into_iter().take(Self::WIDTH).map(|byte| char::from(DIGITS[usize::from(byte % 64)])).collect()
    }
}

/// The tags of the parameter that publishes the profile which carries `held`: those that say who owns both,
/// and those that we put on the profile, which a parameter carries as well.
pub fn published_tags(held: &Tags) -> Tags {
    let record = KeyRecord::read(held);
    let shared = |key: &str| record.contains(key) || [STACK_ID, LOGICAL_ID, TAG_KEYS].contains(&key);
    held.iter().filter(|(key, _)| shared(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(key: &str, value: &str) -> Vec<String> {
        check("Tags[0]", key, value).iter().map(|fault| fault.path.clone()).collect()
    }

    #[test]
    fn bedrock_s_alphabet_is_kept() {
        assert!(check("Tags[0]", "team:cost/center_1", "a b@c.d=e+f-g").is_empty());
        assert!(check("Tags[0]", "k", "").is_empty());
        assert_eq!(problems("a,b", "ok"), ["Tags[0].Key"]);
        assert_eq!(problems("ok", "a(b)"), ["Tags[0].Value"]);
        assert_eq!(problems("", &"x".repeat(257)), ["Tags[0].Key", "Tags[0].Value"]);
        assert_eq!(problems(&"k".repeat(129), ""), ["Tags[0].Key"]);
    }

    #[test]
    fn reserved_keys_are_refused_in_any_case_that_aws_refuses() {
        assert_eq!(problems("aws:x", ""), ["Tags[0].Key"]);
        assert_eq!(problems("AWS:x", ""), ["Tags[0].Key"]);
        assert_eq!(problems("inference-profile-manager:spec", ""), ["Tags[0].Key"]);
        assert!(problems("awsome", "").is_empty());
    }

    #[test]
    fn a_key_record_of_a_full_set_fits_a_tag_value_and_finds_its_own_keys_only() {
        let written: Tags = (0..LIMIT).map(|n| (format!("key-{n}"), "value".to_owned())).collect();
        let record = KeyRecord::of(&written);
        assert!(record.as_str().len() <= 256);
        assert!(written.keys().all(|key| record.contains(key)));
        assert!(!record.contains("another"));
        assert!(check("Tags[0]", "k", record.as_str()).is_empty());
        assert_eq!(KeyRecord::of(&Tags::new()).as_str(), "");
    }

    #[test]
    fn a_key_record_tells_tags_that_were_taken_off_or_changed_from_those_that_others_put_on() {
        let written = Tags::from([("owner".into(), "a".into()), ("stage".into(), "b".into())]);
        let record = KeyRecord::of(&written);
        let with = |key: &str, value: &str| {
            let mut held = written.clone();
            held.insert(key.into(), value.into());
            held
        };
        assert_eq!(record.drift(&written), None);
        assert_eq!(record.drift(&with("foreign", "c")), None);
        assert_eq!(record.drift(&with(SPEC, "c")), None);
        assert_eq!(record.drift(&with("owner", "c")), Some(TagDrift::Changed));
        let mut held = written.clone();
        held.remove("owner");
        assert_eq!(record.drift(&held), Some(TagDrift::Removed(1)));
        assert_eq!(KeyRecord::default().drift(&written), None);
        // A record of keys only says nothing of values.
        let keys_only = KeyRecord(record.0.split('=').next().unwrap().to_owned());
        assert_eq!(keys_only.drift(&with("owner", "c")), None);
    }

    #[test]
    fn ownership_needs_both_ids() {
        let owner = Owner { stack_id: "s".into(), logical_id: "l".into() };
        let mut tags = owner.tags();
        assert!(owner.owns(&tags));
        tags.insert(LOGICAL_ID.into(), "other".into());
        assert!(!owner.owns(&tags));
        tags.remove(LOGICAL_ID);
        assert_eq!(Owner::of(&tags), None);
    }

    #[test]
    fn a_parameter_carries_its_profile_s_owner_and_written_tags_and_nothing_else() {
        let written = Tags::from([("owner".into(), "search".into())]);
        let mut published = Owner { stack_id: "s".into(), logical_id: "l".into() }.tags();
        published.extend(written.clone());
        published.insert(TAG_KEYS.into(), KeyRecord::of(&written).as_str().to_owned());
        let mut held = published.clone();
        for key in [SPEC, MODEL_SOURCE, PARAMETER, DRAIN_PERIOD, ADOPTED, "foreign"] {
            held.insert(key.into(), "x".into());
        }
        assert_eq!(published_tags(&held), published);
    }
}
