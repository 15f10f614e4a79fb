//! What the simulated template declares, and what must then be true.

use std::time::Duration;

use profile::{
    arn::ProfileArn,
    spec,
    tags::{self, Tags},
};
use serde_json::{Value, json};

use crate::account::{ACCOUNT, REGION};

/// How many resources a template has room for.
pub const SLOTS: usize = 3;

/// Their logical ids.
pub const LOGICAL_IDS: [&str; SLOTS] = ["Search", "Billing", "Chat"];

/// What stands in values that a template may declare `NoEcho`: no log line may hold it.
pub const NO_ECHO: &str = "noecho-phrase";

/// The names that a declaration chooses from, by slot.
const NAMES: [[&str; 3]; SLOTS] = [
    ["search", "search two", "search-3"],
    ["billing", "billing two", "billing-3"],
    ["chat", "chat two", "chat-3"],
];

const DESCRIPTIONS: [Option<&str>; 3] = [None, Some("Answers: production."), Some("Says noecho-phrase.")];

/// The name, description and source of the profile that can be adopted.
pub const ADOPTABLE: &str = "by hand";

/// A profile that somebody made by hand, with the name of one that is declared.
pub const NAMESAKE: &str = NAMES[0][0];

/// The parameter that somebody else made under the prefix.
pub const SQUATTED: &str = "/inference-profiles/squatted";

/// One resource of the template, by choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// `InferenceProfileName`.
    pub name: u8,
    /// `Description`: none, or one of two.
    pub description: u8,
    /// `ModelSource.CopyFrom`: 0 and 1 are the same model, by its id and by its ARN.
    pub source: u8,
    /// `Tags`.
    pub tags: u8,
    /// The parameter: 0 the default one, 1 one of its own, 2 none, 3 one that is somebody else's.
    pub parameter: u8,
    /// `DrainPeriod`: none, an hour, a week.
    pub drain: u8,
    /// `ProtectIfUsedWithin`: none, an hour.
    pub protect: u8,
    /// Whether it adopts the profile that somebody made by hand.
    pub adopts: bool,
    /// Whether it holds something that is refused.
    pub wrong: bool,
}

/// What cannot be changed about a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// What it is copied from.
    pub source: String,
    /// The profile that is adopted for it.
    pub existing: Option<String>,
}

impl Identity {
    /// Whether a profile is as it says.
    pub fn fits(&self, profile: &local_aws::ProfileRecord) -> bool {
        self.name == profile.name
            && self.description == profile.description
            && self.source == profile.copied_from
    }

    /// The digest of it.
    pub fn spec(&self) -> String {
        spec::digest(&self.name, self.description.as_deref(), &self.source)
    }
}

impl Declaration {
    /// What is immutable about it.
    pub fn identity(&self, slot: usize, adoptable: &ProfileArn) -> Identity {
        if self.adopts {
            return Identity {
                name: ADOPTABLE.to_owned(),
                description: None,
                source: source_arn(0),
                existing: Some(adoptable.to_string()),
            };
        }
        Identity {
            name: NAMES[slot][usize::from(self.name)].to_owned(),
            description: DESCRIPTIONS[usize::from(self.description)].map(str::to_owned),
            source: source_arn(self.source),
            existing: None,
        }
    }

    /// The parameter that it publishes.
    pub fn parameter(&self, slot: usize) -> Option<String> {
        let name = if self.adopts { ADOPTABLE } else { NAMES[slot][usize::from(self.name)] };
        match self.parameter {
            0 => Some(format!("/inference-profiles/{}", name.replace(' ', "-"))),
            1 => Some(format!("/inference-profiles/own/{}", LOGICAL_IDS[slot])),
            2 => None,
            _ => Some(SQUATTED.to_owned()),
        }
    }

    /// The tags that it declares.
    pub fn tags(&self) -> Tags {
        let all: &[(&str, &str)] = match self.tags {
            0 => &[("owner", "search")],
            1 => &[("owner", "search"), ("env", "prod")],
            2 => &[("owner", NO_ECHO), ("stage", "5")],
            _ => &[],
        };
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// Whether it is refused whatever AWS says.
    pub fn is_refused(&self) -> bool {
        self.wrong || self.parameter == 3
    }

    /// The properties as a request holds them: every scalar is a string.
    pub fn properties(&self, slot: usize, adoptable: &ProfileArn, service_timeout: Option<u16>) -> Value {
        let identity = self.identity(slot, adoptable);
        let copy_from = match (self.adopts, self.source) {
            (true, _) | (false, 0) => "amazon.nova-lite-v1:0".to_owned(),
            (false, 3) => "us.amazon.nova-lite-v1:0".to_owned(),
            (false, source) => source_arn(source),
        };
        let tags: Vec<Value> =
            self.tags().iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        let mut properties = json!({
            "ServiceToken": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:provider"),
            "InferenceProfileName": identity.name,
            "ModelSource": {"CopyFrom": copy_from},
            "Tags": tags,
            "PublishParameter": (self.parameter != 2).to_string(),
            "DrainPeriod": (PERIODS[usize::from(self.drain)].0),
            "ProtectIfUsedWithin": (PERIODS[usize::from(self.protect)].0),
        });
        if let Some(description) = identity.description {
            properties["Description"] = json!(description);
        }
        if matches!(self.parameter, 1 | 3) {
            properties["ParameterName"] = json!(self.parameter(slot));
        }
        if let Some(existing) = identity.existing {
            properties["ExistingProfile"] = json!(existing);
        }
        if let Some(seconds) = service_timeout {
            properties["ServiceTimeout"] = json!(seconds.to_string());
        }
        if self.wrong {
            properties["Descripton"] = json!("A property that does not exist.");
        }
        properties
    }
}

/// What `drain` and `protect` say, and how long that is.
pub const PERIODS: [(&str, Duration); 3] =
    [("0", Duration::ZERO), ("1h", Duration::from_secs(3_600)), ("7d", Duration::from_secs(7 * 86_400))];

/// What a source resolves to.
pub fn source_arn(source: u8) -> String {
    match source {
        0 | 1 => format!("arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-lite-v1:0"),
        2 => format!("arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-pro-v1:0"),
        _ => format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.amazon.nova-lite-v1:0"),
    }
}

/// The stack's own tags, which every profile inherits.
pub fn stack_tags() -> Tags {
    Tags::from([("cost-center".to_owned(), "42".to_owned())])
}

/// The tags on a profile or parameter that are neither ours nor AWS's.
pub fn user_tags(held: &Tags) -> Tags {
    held.iter()
        .filter(|(key, _)| !tags::is_reserved(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
