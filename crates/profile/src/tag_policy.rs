//! Which tags a profile must carry, and with which values.
//!
//! Two sources say so, both optional:
//!
//! - `RequiredTags`, the short form: `owner,project-id,env=dev|prod`. Each key must be there, in this
//!   case; after `=`, the value must be one of those given.
//! - `TagPolicy`, a document in the syntax of AWS Organizations tag policies (Organizations User Guide,
//!   "Tag policy syntax and examples"), as one writes it (`{"@@assign": …}`) or as
//!   `aws organizations describe-effective-policy --policy-type TAG_POLICY` gives it (plain values).
//!
//! How the document is read here:
//!
//! - `tag_key` fixes the case of a key; without it the key is the policy key in lower case. The same key
//!   in another case is a fault.
//! - `tag_value` lists the allowed values, case-sensitive, each with at most one `*` for any characters.
//!   No list, or an empty one, allows every value.
//! - A policy key by itself does not ask for the tag: an untagged resource is not evaluated by a tag
//!   policy. The tag is asked for when `RequiredTags` names it, or when `report_required_tag_for`
//!   ("Enforce Required tag key with IaC") names `bedrock:application-inference-profile` or all of
//!   Bedrock.
//! - `enforced_for` changes nothing: a policy that is given to this installation is held for its
//!   profiles, whatever else it is enforced for.
//! - `@@operators_allowed_for_child_policies` is skipped: it speaks to policies further down.
//!   `@@append` and `@@remove` change an inherited policy, which is not known here, so they are faults.
//!
//! In both sources `*` is free to stand for any characters because Bedrock's tags cannot contain it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    fault::{self, Fault, Faults, quoted},
    suggest::did_you_mean,
    tags::{self, RESERVED_PREFIX, Tags},
};

const REQUIRED_TAGS: &str = "RequiredTags";
const TAG_POLICY: &str = "TagPolicy";
const TAGS: &str = "Tags";

const FIELDS: [&str; 4] = ["tag_key", "tag_value", "enforced_for", "report_required_tag_for"];
const ASSIGN: &str = "@@assign";
const FOR_CHILDREN: &str = "@@operators_allowed_for_child_policies";

/// The ways in which a list of resource types names application inference profiles. AWS takes
/// `<service>:ALL_SUPPORTED` and, in older policies, `<service>:*`.
const OUR_TYPES: [&str; 5] =
    ["bedrock:application-inference-profile", "bedrock:ALL_SUPPORTED", "bedrock:*", "ALL_SUPPORTED", "*"];

/// How many allowed values a fault lists.
const LISTED: usize = 10;

/// The rules that the tags of a profile must keep; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagPolicy {
    /// By the key in lower case.
    rules: BTreeMap<String, Rule>,
}

/// What a set of tags offends against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// The policy's key, in its right case.
    pub key: String,
    /// How it is offended against.
    pub kind: OffenceKind,
    /// The values that it may have, in words: of the list that was offended or, where no list was, what all
    /// lists allow. `None`: any.
    pub allowed: Option<String>,
    /// The key that is there instead, where its case is the offence.
    pub miscased: Option<String>,
    /// The same for a person.
    pub fault: Fault,
}

/// How tags can offend against a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffenceKind {
    /// A tag that is asked for is not there, or only in another case of its key.
    Missing,
    /// A value, or the case of a key that need not be there, is not allowed.
    Value,
}

/// What holds for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// The key in its right case.
    key: String,
    /// Whether the tag must be there.
    required: bool,
    /// Whether the key must not be there in another case.
    fixes_case: bool,
    /// The value must match a pattern of each of these lists.
    allowed: Vec<Vec<String>>,
    /// What all of the lists allow, in words: see [`Rule::allowed_by_all`]. To find it compares each pattern
    /// of one list with each of the other, so it is found once.
    in_common: Option<String>,
}

impl TagPolicy {
    /// Reads the short form and the document; either may be empty. Reports every fault of both.
    pub fn parse(required_tags: &str, document: &str) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let mut policy = Self::default();
        policy.read_document(document, &mut faults);
        policy.read_required_tags(required_tags, &mut faults);
        for rule in policy.rules.values_mut() {
            rule.in_common = rule.allowed_by_all().map(|allowed| one_of(&allowed));
        }
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }

    /// The faults of `tags`, which are a profile's own with those inherited from its stack.
    pub fn judge(&self, tags: &Tags) -> Faults {
        self.offences(tags).into_iter().map(|offence| offence.fault).collect()
    }

    /// What `tags` offend against, told apart.
    pub fn offences(&self, tags: &Tags) -> Vec<Offence> {
        let mut offences = Vec::new();
        let mut by_folded: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for key in tags.keys() {
            by_folded.entry(key.to_lowercase()).or_default().push(key);
        }
        for (folded, rule) in &self.rules {
            let in_other_case =
                || by_folded.get(folded).into_iter().flatten().copied().filter(|key| **key != rule.key);
            let is_missing = rule.required && !tags.contains_key(&rule.key);
            match tags.get(&rule.key) {
                Some(value) => rule.judge_value(value, &mut offences),
                None if is_missing && in_other_case().next().is_none() => {
                    let remedy = match &rule.in_common {
                        Some(allowed) => format!("Add it with {allowed}"),
                        None => "Add it, here or to the stack".to_owned(),
                    };
                    let problem = format!("the tag {} is missing", quoted(&rule.key));
                    offences.push(rule.offence(OffenceKind::Missing, problem, remedy));
                }
                None => {}
            }
            for key in in_other_case().filter(|_| rule.fixes_case || is_missing) {
                let problem =
                    format!("the key {} is not in the case that the tag policy asks for", quoted(key));
                let kind = if is_missing { OffenceKind::Missing } else { OffenceKind::Value };
                let offence = rule.offence(kind, problem, format!("Write {}", quoted(&rule.key)));
                offences.push(Offence { miscased: Some(key.clone()), ..offence });
                if !tags.contains_key(&rule.key) {
                    rule.judge_value(&tags[key], &mut offences);
                }
            }
        }
        offences
    }

    /// The keys that the policy speaks of, each in its right case, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.rules.values().map(|rule| rule.key.as_str())
    }

    fn read_required_tags(&mut self, text: &str, faults: &mut Faults) {
        if text.trim().is_empty() {
            return;
        }
        let mut seen = BTreeMap::new();
        for (index, entry) in text.split(',').map(str::trim).enumerate() {
            let path = format!("{REQUIRED_TAGS}[{index}]");
            let Some((key, allowed)) = faults.keep(read_entry(&path, entry)) else { continue };
            let plain = |value: &String| value.replacen('*', "", 1);
            let values = allowed.iter().flatten().map(plain).map(Some).chain([None]);
            let first_fault = values
                .flat_map(|value| tags::check(&path, key, &value.unwrap_or_default()).iter().next().cloned())
                .next();
            if let Some(fault) = first_fault {
                faults.push(fault);
                continue;
            }
            if let Some(earlier) = seen.insert(key.to_lowercase(), key) {
                let problem = format!("{} was given before as {}", quoted(key), quoted(earlier));
                faults.push(Fault::new(path, problem, "Give each key once"));
                continue;
            }
            let rule = self.rules.entry(key.to_lowercase()).or_insert_with(|| Rule::new(key));
            if rule.key != key {
                let problem = format!("{} is written {} in TagPolicy", quoted(key), quoted(&rule.key));
                faults.push(Fault::new(path, problem, format!("Write {} in both", quoted(&rule.key))));
                continue;
            }
            rule.required = true;
            rule.allowed.extend(allowed);
        }
    }

    fn read_document(&mut self, text: &str, faults: &mut Faults) {
        const SHAPE: &str = "Write {\"tags\": {\"<key>\": {\"tag_key\": …, \"tag_value\": […]}}}";
        if text.trim().is_empty() {
            return;
        }
        let document: Value = match serde_json::from_str(text) {
            Ok(document) => document,
            Err(error) => {
                faults.push(Fault::new(TAG_POLICY, format!("{} is not JSON: {error}", quoted(text)), SHAPE));
                return;
            }
        };
        let Some(document) = document.as_object() else {
            faults.push(Fault::new(TAG_POLICY, "it is not a JSON object", SHAPE));
            return;
        };
        for field in document.keys().filter(|field| *field != "tags" && *field != FOR_CHILDREN) {
            faults.push_with(|| {
                let path = format!("{TAG_POLICY}.{}", fault::key(field));
                Fault::new(
                    path,
                    "a tag policy has no such field",
                    "Take it out: tags is the only one at the top",
                )
            });
        }
        let Some(statements) = document.get("tags").and_then(Value::as_object) else {
            faults.push(Fault::new(format!("{TAG_POLICY}.tags"), "it is missing or not an object", SHAPE));
            return;
        };
        for (policy_key, statement) in statements.iter().filter(|(key, _)| *key != FOR_CHILDREN) {
            let path = format!("{TAG_POLICY}.tags.{}", fault::key(policy_key));
            let Some(statement) = statement.as_object() else {
                faults.push(Fault::new(path, "it is not an object", SHAPE));
                continue;
            };
            let Some(rule) = read_statement(&path, policy_key, statement, faults) else { continue };
            if let Some(earlier) = self.rules.get(&rule.key.to_lowercase()) {
                let problem = format!("the key {} has a statement already", quoted(&earlier.key));
                faults.push(Fault::new(path, problem, "Write one for all its cases"));
                continue;
            }
            self.rules.insert(rule.key.to_lowercase(), rule);
        }
    }
}

impl Rule {
    fn new(key: &str) -> Self {
        let (required, fixes_case) = (false, false);
        Self { key: key.to_owned(), required, fixes_case, allowed: Vec::new(), in_common: None }
    }

    /// An offence that is none against a list of values.
    fn offence(&self, kind: OffenceKind, problem: String, remedy: String) -> Offence {
        let fault = Fault::new(TAGS, problem, remedy);
        Offence { key: self.key.clone(), kind, allowed: self.in_common.clone(), miscased: None, fault }
    }

    /// What every list allows; the first list when that is nothing, or cannot be written as a list.
    fn allowed_by_all(&self) -> Option<Vec<String>> {
        let (first, more) = self.allowed.split_first()?;
        let common = more.iter().try_fold(first.clone(), |common, list| both(&common, list));
        Some(common.filter(|common| !common.is_empty()).unwrap_or_else(|| first.clone()))
    }

    fn judge_value(&self, value: &str, offences: &mut Vec<Offence>) {
        for allowed in
            self.allowed.iter().filter(|allowed| !allowed.iter().any(|pattern| matches(pattern, value)))
        {
            let problem = format!("the tag {} is {}", quoted(&self.key), quoted(value));
            let in_right_case = allowed.iter().find(|pattern| pattern.eq_ignore_ascii_case(value));
            let remedy = match in_right_case {
                Some(right) => format!("Write {}: values are case-sensitive", quoted(right)),
                None => format!("Write {}", one_of(allowed)),
            };
            let offence = self.offence(OffenceKind::Value, problem, remedy);
            offences.push(Offence { allowed: Some(one_of(allowed)), ..offence });
        }
    }
}

/// `owner` or `env=dev|prod`.
fn read_entry<'a>(path: &str, entry: &'a str) -> Result<(&'a str, Option<Vec<String>>), Fault> {
    const SYNTAX: &str = "Write keys with commas between them, and values after =, as in owner,env=dev|prod";
    let (key, values) = match entry.split_once('=') {
        None => (entry, None),
        Some((key, values)) => (key.trim_end(), Some(values)),
    };
    if key.is_empty() {
        return Err(Fault::new(path, format!("the entry {} has no key", quoted(entry)), SYNTAX));
    }
    let Some(values) = values else { return Ok((key, None)) };
    let values = each_once(values.split('|').map(str::trim));
    if values.iter().any(String::is_empty) {
        return Err(Fault::new(path, format!("the entry {} has an empty value", quoted(entry)), SYNTAX));
    }
    for value in &values {
        check_pattern(path, value)?;
    }
    Ok((key, Some(values)))
}

fn read_statement(
    path: &str,
    policy_key: &str,
    statement: &Map<String, Value>,
    faults: &mut Faults,
) -> Option<Rule> {
    for field in statement.keys().filter(|field| !FIELDS.contains(&field.as_str()) && *field != FOR_CHILDREN)
    {
        faults.push_with(|| {
            let remedy = did_you_mean(field, FIELDS)
                .unwrap_or_else(|| format!("The fields are {}", FIELDS.join(", ")));
            let path = format!("{path}.{}", fault::key(field));
            Fault::new(path, "a tag policy has no such field here", remedy)
        });
    }
    let mut assigned = |field: &str| {
        let path = format!("{path}.{field}");
        let value =
            statement.get(field).and_then(|value| faults.keep(read_operators(&path, value)).flatten());
        (path, value)
    };
    let (key_path, key) = assigned("tag_key");
    let (values_path, values) = assigned("tag_value");
    let (required_path, required_for) = assigned("report_required_tag_for");
    let (enforced_path, enforced_for) = assigned("enforced_for");

    let key = match key {
        None => policy_key.to_lowercase(),
        Some(Value::String(key)) => key.clone(),
        Some(_) => {
            faults.push(Fault::new(key_path, "it is not a string", "Write the key in its right case"));
            return None;
        }
    };
    if key.to_lowercase() != policy_key.to_lowercase() {
        let problem =
            format!("{} is not the policy key {} in another case", quoted(&key), quoted(policy_key));
        faults.push(Fault::new(key_path, problem, "Write the same key in both places"));
        return None;
    }
    if key.is_empty() {
        faults.push(Fault::new(path, "the key is empty", "Write the tag's key"));
        return None;
    }
    let folded = key.to_ascii_lowercase();
    if let Some(reserved) = ["aws:", RESERVED_PREFIX].iter().find(|reserved| folded.starts_with(**reserved)) {
        let problem =
            format!("{} begins with {reserved}, and such tags are not the user's to set", quoted(&key));
        faults.push(Fault::new(path, problem, "Take the statement out"));
        return None;
    }

    let mut rule = Rule { fixes_case: true, ..Rule::new(&key) };
    if let Some(values) = values.and_then(|values| faults.keep(read_strings(&values_path, values))) {
        for value in &values {
            faults.keep(check_pattern(&values_path, value));
        }
        rule.allowed.extend((!values.is_empty()).then_some(values));
    }
    if let Some(types) = required_for.and_then(|types| faults.keep(read_strings(&required_path, types))) {
        rule.required = types.iter().any(|named| OUR_TYPES.contains(&named.as_str()));
    }
    if let Some(types) = enforced_for {
        faults.keep(read_strings(&enforced_path, types));
    }
    Some(rule)
}

/// The value of a setting, without its operator; `None` when the setting only speaks to child policies.
fn read_operators<'a>(path: &str, setting: &'a Value) -> Result<Option<&'a Value>, Fault> {
    let Some(operators) = setting.as_object() else { return Ok(Some(setting)) };
    let other = operators.keys().find(|operator| *operator != ASSIGN && *operator != FOR_CHILDREN);
    match other.map(String::as_str) {
        None => Ok(operators.get(ASSIGN)),
        Some(operator @ ("@@append" | "@@remove")) => Err(Fault::new(
            path,
            format!("{operator} changes an inherited policy, which is not known here"),
            "Write @@assign with the whole setting, or give the effective policy of \
             aws organizations describe-effective-policy",
        )),
        Some(operator) => {
            let problem = format!("{} is no operator of tag policies", quoted(operator));
            Err(Fault::new(path, problem, "Write @@assign"))
        }
    }
}

fn read_strings(path: &str, value: &Value) -> Result<Vec<String>, Fault> {
    let strings = value
        .as_array()
        .and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(each_once));
    strings.ok_or_else(|| {
        let problem = format!("{} is not a list of strings", quoted(&value.to_string()));
        Fault::new(path, problem, "Write [\"…\", \"…\"]")
    })
}

/// The values in their order, without those that came before.
fn each_once<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    values.into_iter().filter(|value| seen.insert(*value)).map(str::to_owned).collect()
}

/// AWS takes one wildcard a value: `*@example.com`, and not `*@*.com`.
fn check_pattern(path: &str, pattern: &str) -> Result<(), Fault> {
    if pattern.matches('*').count() > 1 {
        let problem = format!("{} has more than one *", quoted(pattern));
        return Err(Fault::new(path, problem, "Write at most one * in each value"));
    }
    Ok(())
}

/// Whether `value` matches `pattern`, in which one `*` stands for any characters, or for none.
fn matches(pattern: &str, value: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == value,
        Some((start, end)) => value.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
    }
}

/// The patterns of what both lists allow. `None` when two patterns have values in common that no pattern of
/// one `*` stands for, such as `a*` and `*b`.
fn both(one: &[String], other: &[String]) -> Option<Vec<String>> {
    let mut common = Vec::new();
    let mut seen = BTreeSet::new();
    for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
        let narrower = match (covers(a, b), covers(b, a)) {
            (true, _) => b,
            (_, true) => a,
            (false, false) if overlap(a, b) => return None,
            (false, false) => continue,
        };
        if seen.insert(narrower) {
            common.push(narrower.clone());
        }
    }
    Some(common)
}

/// Whether `pattern` allows whatever `other` allows.
fn covers(pattern: &str, other: &str) -> bool {
    match (pattern.split_once('*'), other.split_once('*')) {
        (Some((start, end)), Some((from, to))) => from.starts_with(start) && to.ends_with(end),
        (None, Some(_)) => false,
        (_, None) => matches(pattern, other),
    }
}

/// Whether two patterns, neither of which covers the other, may have values in common.
fn overlap(one: &str, other: &str) -> bool {
    let (Some((from, to)), Some((start, end))) = (one.split_once('*'), other.split_once('*')) else {
        return false;
    };
    (from.starts_with(start) || start.starts_with(from)) && (to.ends_with(end) || end.ends_with(to))
}

/// The allowed values for a remedy.
fn one_of(allowed: &[String]) -> String {
    let listed: Vec<String> = allowed.iter().take(LISTED).map(|value| quoted(value)).collect();
    let more =
        if allowed.len() > LISTED { format!(" or another of {}", allowed.len()) } else { String::new() };
    let wildcard =
        if allowed.iter().any(|value| value.contains('*')) { " (* is any characters)" } else { "" };
    match listed.as_slice() {
        [only] => format!("{only}{wildcard}"),
        _ => format!("one of {}{more}{wildcard}", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the User Guide writes a policy.
    const WRITTEN: &str = r#"{"tags": {"costcenter": {
        "tag_key": {"@@assign": "CostCenter", "@@operators_allowed_for_child_policies": ["@@none"]},
        "tag_value": {"@@assign": ["100", "200*", "*@example.com"]},
        "enforced_for": {"@@assign": ["secretsmanager:ALL_SUPPORTED"]}
    }}}"#;

    /// The same as `describe-effective-policy` gives it.
    const EFFECTIVE: &str = r#"{"tags": {"costcenter": {"tag_key": "CostCenter", "tag_value": ["100", "200*", "*@example.com"]}}}"#;

    fn tags(tags: &[(&str, &str)]) -> Tags {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn judged(policy: &TagPolicy, given: &[(&str, &str)]) -> Vec<String> {
        policy.judge(&tags(given)).iter().map(ToString::to_string).collect()
    }

    fn refused(required_tags: &str, document: &str) -> Vec<String> {
        TagPolicy::parse(required_tags, document).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_offence_says_what_may_be_there_and_what_is_there_instead() {
        let policy = TagPolicy::parse("owner,stage=dev|prod", "").unwrap();
        let offences = policy.offences(&tags(&[("Owner", "a"), ("stage", "test")]));
        let told: Vec<_> = offences
            .iter()
            .map(|offence| {
                (&*offence.key, offence.kind, offence.allowed.as_deref(), offence.miscased.as_deref())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("owner", OffenceKind::Missing, None, Some("Owner")),
                ("stage", OffenceKind::Value, Some("one of «dev», «prod»"), None),
            ]
        );
    }

    #[test]
    fn an_offence_names_the_list_that_was_offended_or_what_all_lists_allow() {
        let allowed = |required: &str, document: &[&str], given: &[(&str, &str)]| {
            let document = serde_json::json!({"tags": {"env": {"tag_value": document}}}).to_string();
            let policy = TagPolicy::parse(required, &document).unwrap();
            let offences = policy.offences(&tags(given)).into_iter();
            offences.map(|offence| (offence.allowed.unwrap(), offence.fault.remedy)).collect::<Vec<_>>()
        };
        let told = |list: &str, remedy: &str| vec![(list.to_owned(), format!("{remedy} {list}"))];
        let list = ["dev", "prod", "test"];
        assert_eq!(allowed("env=dev|prod", &list, &[("env", "test")]), told("one of «dev», «prod»", "Write"));
        let mut both = told("one of «dev», «prod», «test»", "Write");
        both.extend(told("one of «dev», «prod»", "Write"));
        assert_eq!(allowed("env=dev|prod", &list, &[("env", "x")]), both);
        for (required, document, in_common) in [
            ("env=prod|dev|stage", &list[..], "one of «dev», «prod»"),
            ("env=prod-1|dev", &["prod*", "dev"], "one of «prod-1», «dev»"),
            ("env=prod*|x*y", &["prod-*", "xay", "z*"], "one of «prod-*», «xay» (* is any characters)"),
            // Nothing, and what no list of patterns can say.
            ("env=stage", &list, "one of «dev», «prod», «test»"),
            ("env=*-1", &["prod*"], "«prod*» (* is any characters)"),
        ] {
            assert_eq!(allowed(required, document, &[]), told(in_common, "Add it with"), "{required}");
        }
        // The case of a key is no matter of a list.
        let miscased = allowed("env=dev|prod", &list, &[("Env", "dev")]);
        assert_eq!(miscased, [("one of «dev», «prod»".to_owned(), "Write «env»".to_owned())]);
    }

    #[test]
    fn without_a_policy_every_tag_is_right() {
        let policy = TagPolicy::parse("", " ").unwrap();
        assert_eq!(policy, TagPolicy::default());
        assert!(policy.judge(&tags(&[("any", "thing")])).is_empty());
        assert!(policy.judge(&Tags::new()).is_empty());
    }

    #[test]
    fn the_short_form_asks_for_keys_and_values() {
        let policy = TagPolicy::parse(" owner, project-id ,env = dev | prod", "").unwrap();
        assert_eq!(policy.keys().collect::<Vec<_>>(), ["env", "owner", "project-id"]);
        assert!(
            judged(&policy, &[("owner", "me"), ("project-id", "7"), ("env", "prod"), ("more", "")])
                .is_empty()
        );
        assert_eq!(
            judged(&policy, &[("project-id", ""), ("env", "qa")]),
            [
                "Tags: the tag «env» is «qa». Write one of «dev», «prod».",
                "Tags: the tag «owner» is missing. Add it, here or to the stack.",
            ]
        );
        assert_eq!(
            judged(&policy, &[("owner", "me"), ("project-id", "7")]),
            ["Tags: the tag «env» is missing. Add it with one of «dev», «prod»."]
        );
    }

    #[test]
    fn a_required_key_in_another_case_is_named() {
        let policy = TagPolicy::parse("owner", "").unwrap();
        assert_eq!(
            judged(&policy, &[("Owner", "me")]),
            ["Tags: the key «Owner» is not in the case that the tag policy asks for. Write «owner»."]
        );
        assert!(
            judged(&policy, &[("Owner", "me"), ("owner", "me")]).is_empty(),
            "the short form fixes no case"
        );
    }

    #[test]
    fn a_written_and_an_effective_policy_mean_the_same() {
        let policy = TagPolicy::parse("", WRITTEN).unwrap();
        assert_eq!(policy, TagPolicy::parse("", EFFECTIVE).unwrap());
        assert_eq!(policy.keys().collect::<Vec<_>>(), ["CostCenter"]);
    }

    #[test]
    fn a_policy_key_fixes_the_case_and_the_values_of_a_tag_that_is_there() {
        let policy = TagPolicy::parse("", WRITTEN).unwrap();
        for right in ["100", "200", "200-x", "me@example.com", "@example.com"] {
            assert!(judged(&policy, &[("CostCenter", right)]).is_empty(), "{right}");
        }
        assert!(judged(&policy, &[]).is_empty(), "a policy key alone does not ask for the tag");
        assert_eq!(
            judged(&policy, &[("CostCenter", "1000")]),
            [
                "Tags: the tag «CostCenter» is «1000». Write one of «100», «200*», «*@example.com» (* is any characters)."
            ]
        );
        assert_eq!(
            judged(&policy, &[("costCenter", "300")]),
            [
                "Tags: the key «costCenter» is not in the case that the tag policy asks for. Write «CostCenter».",
                "Tags: the tag «CostCenter» is «300». \
                 Write one of «100», «200*», «*@example.com» (* is any characters).",
            ]
        );
        assert_eq!(
            judged(&policy, &[("costCenter", "300"), ("CostCenter", "100")]),
            [
                "Tags: the key «costCenter» is not in the case that the tag policy asks for. Write «CostCenter»."
            ]
        );
    }

    #[test]
    fn values_are_case_sensitive() {
        let policy = TagPolicy::parse("env=dev|prod", "").unwrap();
        assert_eq!(
            judged(&policy, &[("env", "Prod")]),
            ["Tags: the tag «env» is «Prod». Write «prod»: values are case-sensitive."]
        );
    }

    #[test]
    fn without_a_tag_key_the_case_is_lower() {
        let policy = TagPolicy::parse("", r#"{"tags": {"Color": {}}}"#).unwrap();
        assert_eq!(policy.keys().collect::<Vec<_>>(), ["color"]);
        assert_eq!(judged(&policy, &[("Color", "red")]).len(), 1);
    }

    #[test]
    fn an_empty_list_of_values_allows_all() {
        let policy = TagPolicy::parse("", r#"{"tags": {"color": {"tag_value": {"@@assign": []}}}}"#).unwrap();
        assert!(judged(&policy, &[("color", "any")]).is_empty());
    }

    #[test]
    fn a_tag_is_required_when_the_report_names_inference_profiles() {
        for (resource_type, required) in [
            ("bedrock:application-inference-profile", true),
            ("bedrock:ALL_SUPPORTED", true),
            ("bedrock:*", true),
            ("bedrock:agent", false),
            ("ec2:ALL_SUPPORTED", false),
        ] {
            let document = format!(
                r#"{{"tags": {{"owner": {{"report_required_tag_for": {{"@@assign": ["ec2:instance", "{resource_type}"]}}}}}}}}"#
            );
            let policy = TagPolicy::parse("", &document).unwrap();
            assert_eq!(!judged(&policy, &[]).is_empty(), required, "{resource_type}");
        }
    }

    #[test]
    fn both_sources_hold_together() {
        let policy = TagPolicy::parse("CostCenter=100|300", WRITTEN).unwrap();
        assert!(judged(&policy, &[("CostCenter", "100")]).is_empty());
        assert_eq!(judged(&policy, &[("CostCenter", "200")]).len(), 1);
        assert_eq!(judged(&policy, &[("CostCenter", "300")]).len(), 1);
        assert_eq!(judged(&policy, &[]).len(), 1);
    }

    #[test]
    fn what_no_tag_could_satisfy_is_a_fault_of_the_policy() {
        assert_eq!(
            refused("costcenter", WRITTEN),
            [
                "RequiredTags[0]: «costcenter» is written «CostCenter» in TagPolicy. Write «CostCenter» in both."
            ]
        );
    }

    #[test]
    fn the_short_form_s_faults_name_the_entry() {
        for (text, fault) in [
            ("owner,,env", "RequiredTags[1]: the entry «» has no key."),
            ("owner,", "RequiredTags[1]: the entry «» has no key."),
            ("=x", "RequiredTags[0]: the entry «=x» has no key."),
            ("env=", "RequiredTags[0]: the entry «env=» has an empty value."),
            ("env=dev||prod", "RequiredTags[0]: the entry «env=dev||prod» has an empty value."),
            ("a,Owner,owner", "RequiredTags[2]: «owner» was given before as «Owner». Give each key once."),
            ("a(b)", "RequiredTags[0].Key: «a(b)» contains «(»."),
            ("env=a;b", "RequiredTags[0].Value: «a;b» contains «;»."),
            ("env=*a*", "RequiredTags[0]: «*a*» has more than one *."),
            ("aws:x", "RequiredTags[0].Key: «aws:x» begins with aws:"),
            (
                "inference-profile-manager:spec",
                "RequiredTags[0].Key: «inference-profile-manager:spec» begins",
            ),
        ] {
            let faults = refused(text, "");
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].starts_with(fault), "{faults:?}");
        }
        assert_eq!(refused("env=,a(b),owner", "").len(), 2, "every fault is reported");
    }

    #[test]
    fn a_document_s_faults_name_the_place() {
        for (document, fault) in [
            ("[", "TagPolicy: «[» is not JSON"),
            ("[]", "TagPolicy: it is not a JSON object"),
            ("{}", "TagPolicy.tags: it is missing"),
            (r#"{"tags": []}"#, "TagPolicy.tags: it is missing or not an object"),
            (r#"{"Statement": [], "tags": {}}"#, "TagPolicy.Statement: a tag policy has no such field"),
            (r#"{"tags": {"a": "b"}}"#, "TagPolicy.tags.a: it is not an object"),
            (
                r#"{"tags": {"a": {"tag_values": []}}}"#,
                "TagPolicy.tags.a.tag_values: a tag policy has no such field here. Perhaps you mean tag_value",
            ),
            (
                r#"{"tags": {"a": {"tag_key": "b"}}}"#,
                "TagPolicy.tags.a.tag_key: «b» is not the policy key «a»",
            ),
            (r#"{"tags": {"a": {"tag_key": 1}}}"#, "TagPolicy.tags.a.tag_key: it is not a string"),
            (
                r#"{"tags": {"a": {"tag_value": [1]}}}"#,
                "TagPolicy.tags.a.tag_value: «[1]» is not a list of strings",
            ),
            (
                r#"{"tags": {"a": {"tag_value": ["*a*"]}}}"#,
                "TagPolicy.tags.a.tag_value: «*a*» has more than one *",
            ),
            (
                r#"{"tags": {"a": {"enforced_for": "x"}}}"#,
                "TagPolicy.tags.a.enforced_for: «\"x\"» is not a list",
            ),
            (
                r#"{"tags": {"a": {"tag_value": {"@@append": []}}}}"#,
                "TagPolicy.tags.a.tag_value: @@append changes an inherited policy",
            ),
            (
                r#"{"tags": {"a": {"tag_value": {"@@remove": []}}}}"#,
                "TagPolicy.tags.a.tag_value: @@remove changes an inherited policy",
            ),
            (
                r#"{"tags": {"a": {"tag_key": {"@@assing": "A"}}}}"#,
                "TagPolicy.tags.a.tag_key: «@@assing» is no operator",
            ),
            (r#"{"tags": {"": {}}}"#, "TagPolicy.tags.«»: the key is empty"),
            (r#"{"tags": {"A": {}, "a": {}}}"#, "TagPolicy.tags.a: the key «a» has a statement already"),
            (r#"{"tags": {"AWS:x": {}}}"#, "TagPolicy.tags.AWS:x: «aws:x» begins with aws:"),
            (
                r#"{"tags": {"inference-profile-manager:spec": {}}}"#,
                "TagPolicy.tags.inference-profile-manager:spec: «inference",
            ),
        ] {
            let faults = refused("", document);
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].starts_with(fault), "{faults:?}");
        }
    }

    #[test]
    fn operators_for_child_policies_do_no_harm_anywhere() {
        let none = r#""@@operators_allowed_for_child_policies": ["@@none"]"#;
        let document = format!(r#"{{{none}, "tags": {{{none}, "a": {{{none}, "tag_value": {{{none}}}}}}}}}"#);
        assert!(judged(&TagPolicy::parse("", &document).unwrap(), &[("a", "any")]).is_empty());
    }

    #[test]
    fn a_value_that_is_given_twice_counts_once() {
        let twice = TagPolicy::parse("n=a|b|a", "").unwrap();
        assert_eq!(twice, TagPolicy::parse("n=a|b", "").unwrap());
        let document = r#"{"tags": {"n": {"tag_value": ["a", "b", "a"]}}}"#;
        assert_eq!(
            judged(&TagPolicy::parse("", document).unwrap(), &[("n", "x")]),
            ["Tags: the tag «n» is «x». Write one of «a», «b»."]
        );
    }

    #[test]
    fn a_long_list_of_values_is_cut_in_a_fault() {
        let values: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let policy = TagPolicy::parse(&format!("n={}", values.join("|")), "").unwrap();
        assert!(judged(&policy, &[("n", "x")])[0].ends_with("«9» or another of 40."));
    }

    proptest! {
        #[test]
        fn a_wildcard_stands_for_any_characters(start in "[a-c]{0,4}", middle in "[a-c]{0,4}", end in "[a-c]{0,4}") {
            let pattern = format!("{start}*{end}");
            let value = format!("{start}{middle}{end}");
            prop_assert!(matches(&pattern, &value));
            prop_assert!(pattern == "*" || !matches(&pattern, "-"));
        }

        #[test]
        fn a_value_that_overlaps_itself_is_no_match(value in "[a-c]{1,4}") {
            let pattern = format!("{value}*{value}");
            prop_assert!(!matches(&pattern, &value));
        }

        #[test]
        fn what_all_lists_allow_is_what_each_of_them_does(
            one in proptest::collection::vec("[ab]{0,2}[*]?[ab]{1,2}", 1..3),
            other in proptest::collection::vec("[ab]{0,2}[*]?[ab]{1,2}", 1..3),
            value in "[ab]{1,4}",
        ) {
            let allows = |list: &[String]| list.iter().any(|pattern| matches(pattern, &value));
            if let Some(common) = both(&one, &other) {
                prop_assert_eq!(allows(&common), allows(&one) && allows(&other));
            }
        }

        #[test]
        fn a_tag_written_as_a_fault_says_is_right(
            value in "[a-c]{1,2}",
            allowed in proptest::collection::vec("[a-c]{1,2}", 1..4),
        ) {
            let policy = TagPolicy::parse(&format!("env={}", allowed.join("|")), "").unwrap();
            let right = allowed.contains(&value);
            prop_assert_eq!(policy.judge(&tags(&[("env", &value)])).is_empty(), right);
            prop_assert!(policy.judge(&tags(&[("env", &allowed[0])])).is_empty());
        }

        #[test]
        fn any_text_is_a_policy_or_faults(required in "\\PC{0,40}", document in "\\PC{0,40}") {
            let _ = TagPolicy::parse(&required, &document);
        }
    }
}
