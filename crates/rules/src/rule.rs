//! The rules, by id.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::inventory::Source;

/// What a profile, a parameter or an account is held to. The id of each is its name in kebab-case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A profile carries no tag of a user.
    Untagged,
    /// A profile lacks a tag that the policy asks for.
    MissingRequiredTag,
    /// A profile's tag has a value, or a case of its key, that the policy does not allow.
    InvalidTagValue,
    /// The stack that owns a profile is gone.
    OrphanedStackDeleted,
    /// The stack that owns a profile lives, but the resource is another profile now, or none.
    OrphanedNotInStack,
    /// No sign of any owner of a profile exists.
    Unmanaged,
    /// The parameter that a profile records does not exist.
    ParameterMissing,
    /// The parameter that a profile records holds something else than its ARN.
    ParameterDrift,
    /// A parameter under the prefix holds the ARN of a profile that is gone.
    ParameterDangling,
    /// The tags that a stack put on a profile are not there as it put them.
    TagDrift,
    /// A profile was not invoked for long.
    Idle,
    /// A profile routes to a model in the legacy part of its life.
    ModelLegacy,
    /// A profile routes to a model that is past its end of life, or near it.
    ModelEndOfLife,
    /// What a profile was copied from is no longer offered.
    ModelUnavailable,
    /// Several profiles have one name.
    DuplicateName,
    /// The account is near its quota of inference profiles.
    QuotaNear,
    /// A model is invoked past the profiles.
    UnattributedUsage,
    /// A tag that is to allocate cost is not active as a cost allocation tag.
    CostTagInactive,
    /// A replaced profile has lived on for longer than it was to.
    DrainExpired,
}

impl Rule {
    /// Every rule, in the order in which reports list them.
    pub const ALL: [Self; 19] = [
        Self::Untagged,
        Self::MissingRequiredTag,
        Self::InvalidTagValue,
        Self::OrphanedStackDeleted,
        Self::OrphanedNotInStack,
        Self::Unmanaged,
        Self::ParameterMissing,
        Self::ParameterDrift,
        Self::ParameterDangling,
        Self::TagDrift,
        Self::Idle,
        Self::ModelLegacy,
        Self::ModelEndOfLife,
        Self::ModelUnavailable,
        Self::DuplicateName,
        Self::QuotaNear,
        Self::UnattributedUsage,
        Self::CostTagInactive,
        Self::DrainExpired,
    ];

    /// The rule's id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untagged => "untagged",
            Self::MissingRequiredTag => "missing-required-tag",
            Self::InvalidTagValue => "invalid-tag-value",
            Self::OrphanedStackDeleted => "orphaned-stack-deleted",
            Self::OrphanedNotInStack => "orphaned-not-in-stack",
            Self::Unmanaged => "unmanaged",
            Self::ParameterMissing => "parameter-missing",
            Self::ParameterDrift => "parameter-drift",
            Self::ParameterDangling => "parameter-dangling",
            Self::TagDrift => "tag-drift",
            Self::Idle => "idle",
            Self::ModelLegacy => "model-legacy",
            Self::ModelEndOfLife => "model-end-of-life",
            Self::ModelUnavailable => "model-unavailable",
            Self::DuplicateName => "duplicate-name",
            Self::QuotaNear => "quota-near",
            Self::UnattributedUsage => "unattributed-usage",
            Self::CostTagInactive => "cost-tag-inactive",
            Self::DrainExpired => "drain-expired",
        }
    }

    /// What the rule rests on. Where one of these could not be read, the rule's silence proves nothing.
    pub fn sources(self) -> &'static [Source] {
        use Source::*;
        match self {
            Self::Untagged | Self::Unmanaged => &[Profiles, Tags],
            Self::MissingRequiredTag | Self::InvalidTagValue => &[Profiles, Tags, TagPolicy],
            Self::OrphanedStackDeleted | Self::OrphanedNotInStack | Self::TagDrift => {
                &[Profiles, Tags, Stacks]
            }
            Self::ParameterMissing | Self::ParameterDrift => &[Profiles, Tags, Stacks, Parameters],
            Self::ParameterDangling => &[Profiles, Parameters],
            Self::Idle => &[Profiles, Tags, Usage],
            // Tags may silence a rule, and say what a profile was copied from.
            Self::ModelLegacy | Self::ModelEndOfLife => &[Profiles, Tags, Models],
            Self::ModelUnavailable => &[Profiles, Tags, Models, SystemProfiles],
            Self::DuplicateName | Self::DrainExpired => &[Profiles, Tags],
            Self::QuotaNear => &[Profiles, Quota],
            Self::UnattributedUsage => &[Usage, Models, SystemProfiles],
            Self::CostTagInactive => &[Profiles, Tags, TagPolicy, CostTags],
        }
    }
}

impl Rule {
    /// What else its advice goes by. Where one of these could not be read, the rule speaks all the same.
    pub(crate) fn advises_by(self) -> &'static [Source] {
        use Source::*;
        match self {
            Self::Untagged => &[Stacks, TagPolicy],
            Self::ModelLegacy | Self::ModelEndOfLife => &[Stacks, SystemProfiles],
            // Whether it still has readers.
            Self::DrainExpired => &[Stacks, Parameters],
            Self::UnattributedUsage | Self::QuotaNear | Self::ParameterDangling => &[],
            Self::MissingRequiredTag
            | Self::InvalidTagValue
            | Self::OrphanedStackDeleted
            | Self::OrphanedNotInStack
            | Self::Unmanaged
            | Self::ParameterMissing
            | Self::ParameterDrift
            | Self::TagDrift
            | Self::Idle
            | Self::ModelUnavailable
            | Self::DuplicateName
            | Self::CostTagInactive => &[Stacks],
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Rule {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_in_json_as_its_id_and_is_read_back_from_it() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
            assert_eq!(rule.as_str().parse(), Ok(rule));
            assert!(!rule.sources().is_empty());
        }
        assert_eq!("unknown".parse::<Rule>(), Err(()));
    }
}
