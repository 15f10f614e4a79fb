//! What a template declares: the properties of `Custom::InferenceProfile`, read and checked as far as
//! that is possible without asking AWS.
//!
//! CloudFormation sends every scalar as a string, nested ones too; lists and maps stay. A test event
//! written by hand may hold real numbers and booleans, which mean the same here.

use serde_json::{Map, Value};

use crate::{
    arn::{Arn, Location, ProfileArn},
    fault::{self, Fault, Faults, quoted},
    model_source::CopyFrom,
    parameter::{ParameterName, ParameterPrefix},
    period::Period,
    record::ProfileRecord,
    suggest::did_you_mean,
    tags::{self, Tags},
};

/// The property names, as a template writes them.
pub mod names {
    /// Required.
    pub const NAME: &str = "InferenceProfileName";
    /// Optional.
    pub const DESCRIPTION: &str = "Description";
    /// Required, holds [`COPY_FROM`].
    pub const MODEL_SOURCE: &str = "ModelSource";
    /// Required, within [`MODEL_SOURCE`].
    pub const COPY_FROM: &str = "CopyFrom";
    /// The path of [`COPY_FROM`].
    pub const COPY_FROM_PATH: &str = "ModelSource.CopyFrom";
    /// Optional list of `{Key, Value}`.
    pub const TAGS: &str = "Tags";
    /// Optional boolean, `true` by default.
    pub const PUBLISH: &str = "PublishParameter";
    /// Optional.
    pub const PARAMETER: &str = "ParameterName";
    /// Optional.
    pub const EXISTING: &str = "ExistingProfile";
    /// Optional, `0` by default.
    pub const DRAIN: &str = "DrainPeriod";
    /// Optional, `0` by default.
    pub const PROTECT: &str = "ProtectIfUsedWithin";
    /// All that a declaration may hold.
    pub const ALL: [&str; 9] =
        [NAME, DESCRIPTION, MODEL_SOURCE, TAGS, PUBLISH, PARAMETER, EXISTING, DRAIN, PROTECT];
    /// CloudFormation's own, which it may or may not send along.
    pub const CLOUDFORMATION: [&str; 2] = ["ServiceToken", "ServiceTimeout"];
}

/// A checked declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// `InferenceProfileName`.
    pub name: String,
    /// `Description`.
    pub description: Option<String>,
    /// `ModelSource.CopyFrom`, not yet resolved.
    pub copy_from: CopyFrom,
    /// `Tags`, without what the stack adds.
    pub tags: Tags,
    /// The parameter to publish; `None` when `PublishParameter` is false.
    pub parameter: Option<ParameterName>,
    /// `ExistingProfile`.
    pub existing: Option<ProfileArn>,
    /// `DrainPeriod`.
    pub drain: Period,
    /// `ProtectIfUsedWithin`.
    pub protect: Period,
}

/// A declaration as far as it could be read: what is right in it is kept, so that what only AWS can
/// judge is judged too and one answer names every fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// `InferenceProfileName`, if it is right.
    pub name: Option<String>,
    /// `Description`, if there is one and it is right.
    pub description: Option<String>,
    /// `ModelSource.CopyFrom`, if it is right.
    pub copy_from: Option<CopyFrom>,
    /// The tags that are right in shape.
    pub tags: Tags,
    /// The parameter to publish, if there is to be one and its name is right.
    pub parameter: Option<ParameterName>,
    /// What is wrong with [`Draft::parameter`] unless a stack goes back to it: it lies outside the prefix.
    pub outside_prefix: Option<Fault>,
    /// `ExistingProfile`, if there is one and it is right.
    pub existing: Option<ProfileArn>,
    /// `DrainPeriod`.
    pub drain: Period,
    /// `ProtectIfUsedWithin`.
    pub protect: Period,
}

impl Draft {
    /// Reads `properties`; every fault is collected.
    pub fn read(
        properties: &Map<String, Value>,
        location: &Location,
        prefix: &ParameterPrefix,
    ) -> (Self, Faults) {
        let mut faults = unknown_properties(properties);
        let name =
            faults.keep(required(properties, names::NAME)).and_then(|name| faults.keep(check_name(name)));
        let description = faults
            .keep(scalar(properties, names::DESCRIPTION))
            .flatten()
            .and_then(|text| faults.keep(check_description(text)));
        let copy_from = read_copy_from(properties, location, &mut faults);
        let tags = read_tags(properties.get(names::TAGS), &mut faults);
        let (parameter, outside_prefix) = read_parameter(properties, name.as_deref(), prefix, &mut faults);
        let existing = faults
            .keep(scalar(properties, names::EXISTING))
            .flatten()
            .and_then(|text| faults.keep(check_existing(&text, location)));
        let drain = period(properties, names::DRAIN, &mut faults);
        let protect = period(properties, names::PROTECT, &mut faults);
        let draft =
            Self { name, description, copy_from, tags, parameter, outside_prefix, existing, drain, protect };
        (draft, faults)
    }

    /// The declaration, once nothing is at fault ([`Draft::outside_prefix`] apart); `None` when a required part
    /// is missing.
    pub fn finish(self) -> Option<Declaration> {
        Some(Declaration {
            name: self.name?,
            description: self.description,
            copy_from: self.copy_from?,
            tags: self.tags,
            parameter: self.parameter,
            existing: self.existing,
            drain: self.drain,
            protect: self.protect,
        })
    }
}

fn read_parameter(
    properties: &Map<String, Value>,
    profile_name: Option<&str>,
    prefix: &ParameterPrefix,
    faults: &mut Faults,
) -> (Option<ParameterName>, Option<Fault>) {
    let publish = faults.keep(boolean(properties, names::PUBLISH, true));
    let declared = faults.keep(scalar(properties, names::PARAMETER));
    let (Some(publish), Some(declared)) = (publish, declared) else { return (None, None) };
    let name = match (publish, declared) {
        (false, Some(text)) => {
            faults.push(Fault::new(
                names::PARAMETER,
                format!("{} is named, but PublishParameter is false", quoted(&text)),
                "Leave one of the two out",
            ));
            None
        }
        (false, None) => None,
        (true, Some(text)) => match ParameterName::declared(names::PARAMETER, &text, prefix) {
            Ok(name) => Some(name),
            Err(fault) => match ParameterName::of_any_deployment(&text) {
                Some(name) if !prefix.holds(&text) => return (Some(name), Some(fault)),
                _ => faults.keep(Err(fault)),
            },
        },
        (true, None) => profile_name.and_then(|name| faults.keep(ParameterName::derived(name, prefix))),
    };
    (name, None)
}

/// What can be read of properties that need not be right: a Delete's, and the old ones of an Update. They may be of any
/// older shape, or what failed. Nothing here is a fault: a Delete must work from the physical id and the stack's
/// identity alone, and a rollback whatever was declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remainder {
    /// The profile's name, if it can be read.
    pub name: Option<String>,
    /// The parameter that the declaration publishes, if it can be told.
    pub parameter: Option<ParameterName>,
    /// `DrainPeriod`; zero when it cannot be read.
    pub drain: Period,
    /// `ProtectIfUsedWithin`; zero when it cannot be read.
    pub protect: Period,
    /// The declared tags that can be read.
    pub tags: Tags,
    /// `ExistingProfile`, if it can be read.
    pub existing: Option<ProfileArn>,
    /// What the declaration's profile is made with; `None` where it adopts one, or where that cannot be read.
    pub immutable: Option<Immutable>,
}

/// What a profile is made with and keeps: another one is a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Immutable {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The id of the model or system profile that it is copied from.
    pub source_id: String,
}

impl Immutable {
    /// Whether a profile with this record, as far as it can be read, and the tags `held` was made with it.
    pub fn fits(&self, record: Option<&ProfileRecord>, held: &Tags) -> bool {
        let source = held.get(tags::MODEL_SOURCE).and_then(|source| Arn::parse(source));
        let source = source.as_ref().and_then(|source| source.resource.split_once('/'));
        source.is_some_and(|(_, id)| id == self.source_id)
            && record.is_none_or(|record| record.name == self.name && record.description == self.description)
    }
}

impl Remainder {
    /// Reads what can be read.
    pub fn read(properties: &Map<String, Value>, location: &Location, prefix: &ParameterPrefix) -> Self {
        let mut faults = Faults::none();
        let name = scalar(properties, names::NAME).ok().flatten();
        let published = boolean(properties, names::PUBLISH, true).unwrap_or(true);
        let parameter = if !published {
            None
        } else if let Ok(Some(text)) = scalar(properties, names::PARAMETER) {
            ParameterName::declared(names::PARAMETER, &text, prefix).ok()
        } else {
            name.as_deref().and_then(|name| ParameterName::derived(name, prefix).ok())
        };
        let existing = scalar(properties, names::EXISTING).ok().flatten();
        let immutable = match (&existing, &name, read_copy_from(properties, location, &mut faults)) {
            (None, Some(name), Some(copy_from)) => Some(Immutable {
                name: name.clone(),
                description: scalar(properties, names::DESCRIPTION).ok().flatten(),
                source_id: copy_from.id().to_owned(),
            }),
            _ => None,
        };
        Self {
            immutable,
            parameter,
            drain: period(properties, names::DRAIN, &mut faults),
            protect: period(properties, names::PROTECT, &mut faults),
            tags: read_tags(properties.get(names::TAGS), &mut faults),
            existing: existing.and_then(|text| check_existing(&text, location).ok()),
            name,
        }
    }
}

fn unknown_properties(properties: &Map<String, Value>) -> Faults {
    let known = |key: &str| names::ALL.contains(&key) || names::CLOUDFORMATION.contains(&key);
    let mut faults = Faults::none();
    for key in properties.keys().filter(|key| !known(key)) {
        faults.push_with(|| {
            let remedy = did_you_mean(key, names::ALL)
                .unwrap_or_else(|| format!("The properties are {}", names::ALL.join(", ")));
            Fault::new(fault::key(key), "there is no such property", remedy)
        });
    }
    faults
}

/// The text of a scalar; `None` when the property is absent.
fn scalar(properties: &Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    scalar_at(name, properties.get(name))
}

fn scalar_at(path: &str, value: Option<&Value>) -> Result<Option<String>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(Fault::new(path, format!("it is {}", kind(other)), "Write a single value")),
    }
}

fn required(properties: &Map<String, Value>, name: &str) -> Result<String, Fault> {
    scalar(properties, name)?.ok_or_else(|| Fault::new(name, "it is missing", "Add it: it is required"))
}

fn boolean(properties: &Map<String, Value>, name: &str, default: bool) -> Result<bool, Fault> {
    match scalar(properties, name)? {
        None => Ok(default),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => {
            Err(Fault::new(name, format!("{} is not a boolean", quoted(&text)), "Write true or false"))
        }
    }
}

fn period(properties: &Map<String, Value>, name: &str, faults: &mut Faults) -> Period {
    let Some(text) = faults.keep(scalar(properties, name)).flatten() else { return Period::ZERO };
    faults.keep(Period::parse(name, &text)).unwrap_or(Period::ZERO)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Bedrock's pattern `([0-9a-zA-Z][ _-]?)+`: separators only one at a time, and never first. With
/// `more`, further characters count as letters do.
fn spaced_words(text: &str, more: &str) -> Result<(), String> {
    let mut after_word = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || more.contains(c) {
            after_word = true;
        } else if !" _-".contains(c) {
            return Err(format!("contains {}", quoted(&c.to_string())));
        } else if after_word {
            after_word = false;
        } else {
            return Err("has a space, _ or - at its start or after another".to_owned());
        }
    }
    Ok(())
}

fn check_text(path: &str, text: String, most: usize, more: &str, remedy: &str) -> Result<String, Fault> {
    let length = text.chars().count();
    if length == 0 || length > most {
        let problem = format!("{} has {length} characters", quoted(&text));
        return Err(Fault::new(path, problem, format!("Write 1 to {most} characters")));
    }
    match spaced_words(&text, more) {
        Ok(()) => Ok(text),
        Err(problem) => Err(Fault::new(path, format!("{} {problem}", quoted(&text)), remedy)),
    }
}

fn check_name(text: String) -> Result<String, Fault> {
    let remedy = "Use letters and digits, with single spaces, _ or - between them";
    check_text(names::NAME, text, 64, "", remedy)
}

fn check_description(text: String) -> Result<String, Fault> {
    let remedy = "Use letters, digits, : and . with single spaces, _ or - between them \
                  (Bedrock allows no commas, parentheses or quotes here)";
    check_text(names::DESCRIPTION, text, 200, ":.", remedy)
}

fn read_copy_from(
    properties: &Map<String, Value>,
    location: &Location,
    faults: &mut Faults,
) -> Option<CopyFrom> {
    let example = "Write ModelSource: {CopyFrom: <model or system profile, as ARN or id>}";
    let source = match properties.get(names::MODEL_SOURCE) {
        None | Some(Value::Null) => {
            faults.push(Fault::new(names::MODEL_SOURCE, "it is missing", example));
            return None;
        }
        Some(Value::Object(source)) => source,
        Some(other) => {
            faults.push(Fault::new(names::MODEL_SOURCE, format!("it is {}", kind(other)), example));
            return None;
        }
    };
    for key in source.keys().filter(|key| *key != names::COPY_FROM) {
        faults.push_with(|| {
            let path = format!("{}.{}", names::MODEL_SOURCE, fault::key(key));
            Fault::new(path, "there is no such property", "CopyFrom is the only one")
        });
    }
    let text = faults.keep(scalar_at(names::COPY_FROM_PATH, source.get(names::COPY_FROM)))?;
    let Some(text) = text else {
        faults.push(Fault::new(names::COPY_FROM_PATH, "it is missing", example));
        return None;
    };
    faults.keep(CopyFrom::parse(names::COPY_FROM_PATH, &text, location))
}

fn read_tags(value: Option<&Value>, faults: &mut Faults) -> Tags {
    let shape = "Write a list of {Key: …, Value: …}";
    let list = match value {
        None | Some(Value::Null) => return Tags::new(),
        Some(Value::Array(list)) => list,
        Some(other) => {
            faults.push(Fault::new(names::TAGS, format!("it is {}", kind(other)), shape));
            return Tags::new();
        }
    };
    let mut tags = Tags::new();
    for (index, entry) in list.iter().enumerate() {
        let path = format!("{}[{index}]", names::TAGS);
        let Value::Object(entry) = entry else {
            faults.push(Fault::new(path, format!("it is {}", kind(entry)), shape));
            continue;
        };
        for key in entry.keys().filter(|key| *key != "Key" && *key != "Value") {
            let path = || format!("{path}.{}", fault::key(key));
            faults.push_with(|| Fault::new(path(), "there is no such property", shape));
        }
        let mut part = |part: &str| {
            let path = format!("{path}.{part}");
            let text = faults.keep(scalar_at(&path, entry.get(part)))?;
            if text.is_none() {
                faults.push(Fault::new(path, "it is missing", shape));
            }
            text
        };
        let (Some(key), Some(value)) = (part("Key"), part("Value")) else { continue };
        faults.append(tags::check(&path, &key, &value));
        if tags.contains_key(&key) {
            let problem = format!("{} was given before", quoted(&key));
            faults.push(Fault::new(format!("{path}.Key"), problem, "Give each key once"));
        }
        tags.insert(key, value);
    }
    tags
}

fn check_existing(text: &str, location: &Location) -> Result<ProfileArn, Fault> {
    let is_id = text.len() == 12 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let arn = if is_id {
        format!(
            "arn:{}:bedrock:{}:{}:application-inference-profile/{text}",
            location.partition, location.region, location.account
        )
    } else {
        text.to_owned()
    };
    let Some(profile) = ProfileArn::parse(&arn) else {
        let system = Arn::parse(text).and_then(|arn| arn.bedrock_id("inference-profile")).is_some();
        let problem = if system {
            "is a system profile, which nobody can own"
        } else {
            "is no application inference profile"
        };
        return Err(Fault::new(
            names::EXISTING,
            format!("{} {problem}", quoted(text)),
            "Write the ARN or the id (12 letters and digits) of an application inference profile",
        ));
    };
    if !profile.is_in(location) {
        return Err(Fault::new(
            names::EXISTING,
            format!("{} lies in another account, Region or partition", quoted(text)),
            format!("Name a profile of account {} in {}", location.account, location.region),
        ));
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn here() -> Location {
        Location { partition: "aws".into(), region: "us-east-1".into(), account: "123456789012".into() }
    }

    fn read(properties: Value) -> (Draft, Vec<String>) {
        let prefix = ParameterPrefix::parse("/inference-profiles").unwrap();
        let (draft, faults) = Draft::read(properties.as_object().unwrap(), &here(), &prefix);
        (draft, faults.iter().map(Fault::to_string).collect())
    }

    /// The faults of an otherwise right declaration in which `name` is `value`.
    fn faults_with(name: &str, value: Value) -> Vec<String> {
        let mut properties = json!({
            "InferenceProfileName": "search",
            "ModelSource": {"CopyFrom": "amazon.nova-lite-v1:0"},
        });
        properties[name] = value;
        read(properties).1
    }

    #[test]
    fn a_full_declaration_is_read_with_its_scalars_as_strings() {
        let (draft, faults) = read(json!({
            "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provider",
            "ServiceTimeout": "300",
            "InferenceProfileName": "team search",
            "Description": "Search v2: production.",
            "ModelSource": {"CopyFrom": "us.amazon.nova-lite-v1:0"},
            "Tags": [{"Key": "owner", "Value": "search"}, {"Key": "cost", "Value": "5"}],
            "PublishParameter": "true",
            "ExistingProfile": "0mbq3svia2re",
            "DrainPeriod": "12h",
            "ProtectIfUsedWithin": "7d",
        }));
        assert_eq!(faults, Vec::<String>::new());
        let declaration = draft.finish().unwrap();
        assert_eq!(declaration.name, "team search");
        assert_eq!(declaration.parameter.unwrap().as_str(), "/inference-profiles/team-search");
        assert_eq!(declaration.existing.unwrap().id(), "0mbq3svia2re");
        assert_eq!(declaration.tags["cost"], "5");
        assert_eq!(declaration.drain.to_string(), "12h");
    }

    #[test]
    fn real_numbers_and_booleans_mean_what_their_strings_mean() {
        let (draft, faults) = read(json!({
            "InferenceProfileName": 5,
            "ModelSource": {"CopyFrom": "amazon.nova-lite-v1:0"},
            "Tags": [{"Key": "n", "Value": 5}, {"Key": "b", "Value": true}],
            "PublishParameter": false,
            "DrainPeriod": 0,
        }));
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(draft.name.as_deref(), Some("5"));
        assert_eq!(draft.parameter, None);
        assert_eq!(draft.tags["b"], "true");
    }

    #[test]
    fn a_false_that_arrives_as_a_string_is_false() {
        for text in ["false", "False", "FALSE"] {
            let (draft, faults) = read(json!({
                "InferenceProfileName": "a",
                "ModelSource": {"CopyFrom": "amazon.nova-lite-v1:0"},
                "PublishParameter": text,
            }));
            assert_eq!((draft.parameter, faults.len()), (None, 0), "{text}");
        }
    }

    #[test]
    fn all_faults_are_reported_at_once_in_the_order_of_the_properties() {
        let (_, faults) = read(json!({
            "Descripton": "x",
            "Description": "a, b",
            "Tags": "owner=me",
            "PublishParameter": "yes",
            "DrainPeriod": "soon",
        }));
        let paths: Vec<&str> = faults.iter().map(|fault| fault.split(':').next().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "Descripton",
                "InferenceProfileName",
                "Description",
                "ModelSource",
                "Tags",
                "PublishParameter",
                "DrainPeriod"
            ]
        );
    }

    #[test]
    fn an_unknown_property_is_answered_with_the_nearest_known_name() {
        let faults = faults_with("InferenceProfilName", json!("x"));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("InferenceProfilName: there is no such property."), "{}", faults[0]);
        assert!(faults[0].contains("InferenceProfileName"), "{}", faults[0]);
    }

    #[test]
    fn names_keep_to_bedrock_s_pattern() {
        for name in ["a", "0-a_b c", "trailing-", &"x".repeat(64)] {
            assert_eq!(faults_with("InferenceProfileName", json!(name)), Vec::<String>::new(), "{name}");
        }
        for name in ["", "-a", "a--b", "a  b", "a.b", "é", "a\nb", &"x".repeat(65)] {
            let faults = faults_with("InferenceProfileName", json!(name));
            assert!(
                faults.iter().any(|fault| fault.starts_with("InferenceProfileName: ")),
                "{name}: {faults:?}"
            );
        }
    }

    #[test]
    fn descriptions_may_hold_colons_and_dots_but_no_commas_or_parentheses() {
        for text in ["Search: v1.2", "..", "a_b-c"] {
            assert_eq!(faults_with("Description", json!(text)), Vec::<String>::new(), "{text}");
        }
        for text in ["", "a, b", "a (b)", "a; b", "a  b", &"x".repeat(201)] {
            let faults = faults_with("Description", json!(text));
            assert!(faults.iter().any(|fault| fault.starts_with("Description: ")), "{text}: {faults:?}");
        }
    }

    #[test]
    fn wrong_types_are_named_with_what_would_be_right() {
        assert_eq!(
            faults_with("InferenceProfileName", json!(["a"])),
            ["InferenceProfileName: it is a list. Write a single value."]
        );
        assert_eq!(
            faults_with("Tags", json!({"owner": "me"})),
            ["Tags: it is a map. Write a list of {Key: …, Value: …}."]
        );
        assert_eq!(
            faults_with("Tags", json!(["owner"])),
            ["Tags[0]: it is a string. Write a list of {Key: …, Value: …}."]
        );
        assert_eq!(
            faults_with("PublishParameter", json!("1")),
            ["PublishParameter: «1» is not a boolean. Write true or false."]
        );
        let faults = faults_with("ModelSource", json!("amazon.nova-lite-v1:0"));
        assert!(
            faults[0].starts_with("ModelSource: it is a string. Write ModelSource: {CopyFrom:"),
            "{faults:?}"
        );
        let faults = faults_with("ModelSource", json!({"copyFrom": "amazon.nova-lite-v1:0"}));
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_tag_given_twice_or_in_half_is_a_fault() {
        let tags =
            json!([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}, {"Key": "b"}, {"Value": "c"}]);
        assert_eq!(
            faults_with("Tags", tags),
            [
                "Tags[1].Key: «a» was given before. Give each key once.",
                "Tags[2].Value: it is missing. Write a list of {Key: …, Value: …}.",
                "Tags[3].Key: it is missing. Write a list of {Key: …, Value: …}.",
            ]
        );
    }

    #[test]
    fn only_an_application_profile_of_this_account_and_region_can_be_adopted() {
        for text in [
            "0mbq3svia2r",
            "us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/0mbq3svia2re",
            "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/0mbq3svia2re",
        ] {
            let faults = faults_with("ExistingProfile", json!(text));
            assert!(faults.len() == 1 && faults[0].starts_with("ExistingProfile: "), "{text}: {faults:?}");
        }
    }

    #[test]
    fn a_parameter_name_contradicts_not_publishing() {
        let faults = read(json!({
            "InferenceProfileName": "a",
            "ModelSource": {"CopyFrom": "amazon.nova-lite-v1:0"},
            "PublishParameter": "false",
            "ParameterName": "/inference-profiles/a",
        }))
        .1;
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("ParameterName: "));
    }

    #[test]
    fn a_delete_reads_what_it_can_of_any_shape() {
        let prefix = ParameterPrefix::parse("/inference-profiles").unwrap();
        let read = |value: Value| Remainder::read(value.as_object().unwrap(), &here(), &prefix);
        assert_eq!(read(json!({})), Remainder::default());
        let odd = read(json!({
            "InferenceProfileName": "a b",
            "ModelSource": 7,
            "Tags": {"x": []},
            "DrainPeriod": "soon",
            "ProtectIfUsedWithin": "1d",
            "Unknown": null,
        }));
        assert_eq!(odd.parameter.unwrap().as_str(), "/inference-profiles/a-b");
        assert_eq!(odd.drain, Period::ZERO);
        assert_eq!(odd.protect.to_string(), "1d");
    }
}
