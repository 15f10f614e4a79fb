//! What AWS reports, in the project's own words.

use time::OffsetDateTime;

use crate::{arn::ProfileArn, tags::Tags};

/// An application inference profile as `GetInferenceProfile` and `ListInferenceProfiles` show it.
/// Neither tells the tags or the source that it was copied from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRecord {
    /// Its ARN.
    pub arn: ProfileArn,
    /// `inferenceProfileName`; whether it is unique in an account and Region is not documented.
    pub name: String,
    /// `None` when the profile was made without one.
    pub description: Option<String>,
    /// `ACTIVE` is the only documented value.
    pub status: String,
    /// Every model ARN that the profile may route to, in the API's order. Those of a global profile
    /// may have no Region.
    pub models: Vec<String>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it last changed.
    pub updated_at: Option<OffsetDateTime>,
}

impl ProfileRecord {
    /// Whether the profile can be invoked.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

/// A system-defined (cross-Region) inference profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemProfile {
    /// `us.anthropic.claude-…`, `global.…`
    pub id: String,
    /// Its ARN in the calling account and Region.
    pub arn: String,
    /// The models it routes to.
    pub models: Vec<String>,
}

/// A foundation model of the Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundationModel {
    /// `amazon.nova-lite-v1:0`
    pub id: String,
    /// Its ARN in the calling Region.
    pub arn: String,
    /// Whether `ON_DEMAND` is among its inference types; without it, it is reached through a system
    /// profile only.
    pub on_demand: bool,
    /// Its life cycle.
    pub lifecycle: Lifecycle,
}

/// Where a model stands in its life cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Whether the status is `LEGACY`.
    pub legacy: bool,
    /// From when on calls fail, if it is known.
    pub end_of_life: Option<OffsetDateTime>,
}

/// A parameter's value; its tags are asked for separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterRecord {
    /// The value.
    pub value: String,
}

/// A stack as `DescribeStacks` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRecord {
    /// `CREATE_IN_PROGRESS`, …
    pub status: String,
    /// The stack's own tags, which its resources inherit.
    pub tags: Tags,
    /// When it was made or, if that is later, when its last update began.
    pub began: Option<OffsetDateTime>,
}

/// What a stack says about one of its logical ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResourceRecord {
    /// The current physical id; `None` while there is none.
    pub physical_id: Option<String>,
    /// `CREATE_COMPLETE`, …
    pub status: String,
    /// When that status was reached.
    pub since: Option<OffsetDateTime>,
}
