//! What `Fn::GetAtt` gives.
//!
//! The same keys come back on every Create and Update: CloudFormation fails each `GetAtt` of a key that
//! an Update leaves out. Only strings and lists of strings are known to work.

use std::collections::BTreeSet;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{arn::Arn, record::ProfileRecord, specification::Specification};

/// One attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A string.
    Text(String),
    /// A list of strings.
    List(Vec<String>),
}

/// The attributes of the profile `record`, which fulfils `specification`, in the order of the
/// documentation.
pub fn attributes(specification: &Specification, record: &ProfileRecord) -> Vec<(&'static str, Attribute)> {
    with_invoke_resources(specification, record, invoke_resources(specification, record))
}

/// The same in fewer bytes, for a profile of so many models that the answer would not fit:
/// `InvokeResourceArns` names each model once, with `*` for its Region. IAM takes that for every Region,
/// and the profile still decides which one is called.
pub fn compact_attributes(
    specification: &Specification,
    record: &ProfileRecord,
) -> Vec<(&'static str, Attribute)> {
    let everywhere = |arn: &String| match Arn::parse(arn) {
        Some(parts) if parts.bedrock_id("foundation-model").is_some() => {
            format!("arn:{}:bedrock:*::{}", parts.partition, parts.resource)
        }
        _ => arn.clone(),
    };
    let resources: BTreeSet<String> =
        invoke_resources(specification, record).iter().map(everywhere).collect();
    with_invoke_resources(specification, record, resources.into_iter().collect())
}

fn with_invoke_resources(
    specification: &Specification,
    record: &ProfileRecord,
    resources: Vec<String>,
) -> Vec<(&'static str, Attribute)> {
    let text = |text: &str| Attribute::Text(text.to_owned());
    let arn = record.arn.as_str();
    let mut models = record.models.clone();
    models.sort();
    models.dedup();
    let parameter = specification.parameter.as_ref().map(|name| name.as_str());
    let parameter_arn = parameter.map(|name| specification.location.parameter(name));
    vec![
        ("InferenceProfileArn", text(arn)),
        ("InferenceProfileId", text(record.arn.id())),
        ("InferenceProfileIdentifier", text(arn)),
        ("InferenceProfileName", text(&record.name)),
        ("Status", text(&record.status)),
        ("Type", text("APPLICATION")),
        ("CreatedAt", Attribute::Text(instant(record.created_at))),
        ("UpdatedAt", Attribute::Text(instant(record.updated_at))),
        ("ModelSourceArn", text(&specification.source.arn)),
        ("ModelArns", Attribute::List(models)),
        ("InvokeResourceArns", Attribute::List(resources)),
        ("ParameterName", text(parameter.unwrap_or_default())),
        ("ParameterArn", text(&parameter_arn.unwrap_or_default())),
    ]
}

/// Every resource that an IAM statement must name for `bedrock:InvokeModel*` through the profile: the
/// profile, the system profile it was copied from, and each model it may route to. From the Bedrock user
/// guide, "Prerequisites for inference profiles".
fn invoke_resources(specification: &Specification, record: &ProfileRecord) -> Vec<String> {
    let mut resources = vec![record.arn.as_str().to_owned()];
    if specification.source.system_profile {
        resources.push(specification.source.arn.clone());
    }
    let models: BTreeSet<&String> = record.models.iter().collect();
    resources.extend(models.into_iter().cloned());
    resources
}

fn instant(instant: Option<OffsetDateTime>) -> String {
    instant.and_then(|instant| instant.format(&Rfc3339).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{
        arn::{Location, ProfileArn},
        model_source::Source,
        parameter::{ParameterName, ParameterPrefix},
        period::Period,
        tags::{Owner, Tags},
    };

    const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/0mbq3svia2re";
    const SYSTEM: &str = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0";
    const EAST: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";
    const WEST: &str = "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0";

    #[test]
    fn each_attribute_has_its_own_value() {
        let prefix = ParameterPrefix::default();
        let specification = Specification {
            owner: Owner { stack_id: "stack".into(), logical_id: "Search".into() },
            location: Location {
                partition: "aws".into(),
                region: "us-east-1".into(),
                account: "123456789012".into(),
            },
            name: "search".into(),
            description: None,
            source: Source {
                arn: SYSTEM.into(),
                id: "us.amazon.nova-lite-v1:0".into(),
                models: vec![WEST.into(), EAST.into()],
                system_profile: true,
                warnings: Vec::new(),
            },
            tags: Tags::new(),
            parameter: Some(ParameterName::derived("search", &prefix).unwrap()),
            prefix,
            existing: None,
            drain: Period::ZERO,
        };
        let record = ProfileRecord {
            arn: ProfileArn::parse(ARN).unwrap(),
            name: "search".into(),
            description: None,
            status: "ACTIVE".into(),
            models: vec![WEST.into(), EAST.into()],
            created_at: Some(datetime!(2026-03-01 12:00:00 UTC)),
            updated_at: Some(datetime!(2026-03-02 13:30:00 UTC)),
        };
        let text = |text: &str| Attribute::Text(text.to_owned());
        let list = |list: &[&str]| Attribute::List(list.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(
            attributes(&specification, &record),
            [
                ("InferenceProfileArn", text(ARN)),
                ("InferenceProfileId", text("0mbq3svia2re")),
                ("InferenceProfileIdentifier", text(ARN)),
                ("InferenceProfileName", text("search")),
                ("Status", text("ACTIVE")),
                ("Type", text("APPLICATION")),
                ("CreatedAt", text("2026-03-01T12:00:00Z")),
                ("UpdatedAt", text("2026-03-02T13:30:00Z")),
                ("ModelSourceArn", text(SYSTEM)),
                ("ModelArns", list(&[EAST, WEST])),
                ("InvokeResourceArns", list(&[ARN, SYSTEM, EAST, WEST])),
                ("ParameterName", text("/inference-profiles/search")),
                (
                    "ParameterArn",
                    text("arn:aws:ssm:us-east-1:123456789012:parameter/inference-profiles/search")
                ),
            ]
        );
    }
}
