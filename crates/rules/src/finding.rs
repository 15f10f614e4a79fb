//! What a rule found.

use serde::{Deserialize, Serialize};

use crate::rule::Rule;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody's calls fail, or are about to.
    Critical,
    /// Cost is not attributed, or something is left behind.
    High,
    /// Something will have to be done.
    Medium,
    /// Worth knowing.
    Low,
}

impl Severity {
    /// Every severity, the gravest first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// As JSON and a person spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What kind of thing a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// An application inference profile.
    Profile,
    /// A parameter of Parameter Store.
    Parameter,
    /// A foundation model or system profile.
    Model,
    /// A tag key.
    TagKey,
    /// The account in a Region.
    Account,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// What kind of thing it is.
    pub kind: ResourceKind,
    /// Its ARN; of a tag key, which has none, the key.
    pub arn: String,
    /// What a person calls it.
    pub name: String,
}

/// One rule that does not hold for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Of which Region.
    pub region: String,
    /// What it is about.
    pub resource: Resource,
    /// What is wrong: a sentence without its full stop.
    pub problem: String,
    /// What to do: a sentence without its full stop.
    pub remedy: String,
}

/// What makes two findings of different sweeps the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey<'a> {
    /// The rule.
    pub rule: Rule,
    /// The Region.
    pub region: &'a str,
    /// The resource's ARN.
    pub arn: &'a str,
}

impl Finding {
    /// What makes it the same one in another sweep.
    pub fn key(&self) -> FindingKey<'_> {
        FindingKey { rule: self.rule, region: &self.region, arn: &self.resource.arn }
    }
}
