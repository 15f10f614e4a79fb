//! The digest of what cannot be changed about a profile, kept in its tag `spec`.
//!
//! It tells two declarations apart without the old template, and it tells whether a profile's tags were made
//! for it: whoever copies our tags to another profile by hand brings a digest that is not that profile's.

use sha2::{Digest, Sha256};

use crate::{
    record::ProfileRecord,
    tags::{self, Tags},
};

/// A short digest of the immutable properties: the name, the description, and the ARN that the source
/// resolves to, so that writing an id instead of an ARN replaces nothing.
pub fn digest(name: &str, description: Option<&str>, source: &str) -> String {
    let immutable = serde_json::json!([name, description, source]);
    Sha256::digest(immutable.to_string().as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Whether the tags `held` were made for the profile `record`: their digest is that of its own name and
/// description, and of the source that they name. Bedrock gives no source back to compare that with.
pub fn is_of(record: &ProfileRecord, held: &Tags) -> bool {
    let (Some(spec), Some(source)) = (held.get(tags::SPEC), held.get(tags::MODEL_SOURCE)) else {
        return false;
    };
    let described = record.description.as_deref();
    // A profile to adopt may show an empty description where its declaration has none.
    let is_empty = described.is_none_or(str::is_empty);
    let descriptions = if is_empty { [None, Some("")] } else { [described, described] };
    descriptions.iter().any(|description| *spec == digest(&record.name, *description, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::ProfileArn;

    const SOURCE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";

    fn record(name: &str, description: Option<&str>) -> ProfileRecord {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/0mbq3svia2re";
        ProfileRecord {
            arn: ProfileArn::parse(arn).unwrap(),
            name: name.into(),
            description: description.map(str::to_owned),
            status: "ACTIVE".into(),
            models: vec![SOURCE.into()],
            created_at: None,
            updated_at: None,
        }
    }

    fn tags_for(name: &str, description: Option<&str>) -> Tags {
        Tags::from([
            (tags::SPEC.into(), digest(name, description, SOURCE)),
            (tags::MODEL_SOURCE.into(), SOURCE.into()),
        ])
    }

    #[test]
    fn tags_are_of_the_profile_that_they_were_made_for_only() {
        let held = tags_for("search", Some("Search."));
        assert!(is_of(&record("search", Some("Search.")), &held));
        assert!(!is_of(&record("billing", Some("Search.")), &held));
        assert!(!is_of(&record("search", Some("Billing.")), &held));
        assert!(!is_of(&record("search", None), &held));
        for key in [tags::SPEC, tags::MODEL_SOURCE] {
            let mut less = held.clone();
            less.remove(key);
            assert!(!is_of(&record("search", Some("Search.")), &less), "{key}");
        }
        let mut other = held;
        other.insert(tags::MODEL_SOURCE.into(), "arn:aws:bedrock:us-east-1::foundation-model/x".into());
        assert!(!is_of(&record("search", Some("Search.")), &other));
    }

    #[test]
    fn an_empty_description_is_none() {
        for (declared, shown) in [(None, Some("")), (None, None), (Some(""), None), (Some(""), Some(""))] {
            assert!(is_of(&record("search", shown), &tags_for("search", declared)), "{declared:?} {shown:?}");
        }
    }
}
