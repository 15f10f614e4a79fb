//! What one account holds in one Region, as far as it could be read.

use std::collections::{BTreeMap, BTreeSet};

use profile::{
    arn::{Location, ProfileArn},
    record::{FoundationModel, ProfileRecord, StackRecord, StackResourceRecord, SystemProfile},
    tags::Tags,
};
use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

/// A part of the inventory: read whole, or not at all, and then for this reason.
pub type Part<T> = Result<T, Unread>;

/// Where a part of the inventory comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The list of application inference profiles.
    Profiles,
    /// The profiles' tags.
    Tags,
    /// Foundation models and their life cycles.
    Models,
    /// System-defined inference profiles.
    SystemProfiles,
    /// Parameter Store.
    Parameters,
    /// CloudFormation's stacks and their resources.
    Stacks,
    /// CloudWatch's metrics of Bedrock.
    Usage,
    /// The quota of inference profiles.
    Quota,
    /// The cost allocation tags of the payer account.
    CostTags,
    /// The tag policy, where a parameter holds it.
    TagPolicy,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 10] = [
        Self::Profiles,
        Self::Tags,
        Self::Models,
        Self::SystemProfiles,
        Self::Parameters,
        Self::Stacks,
        Self::Usage,
        Self::Quota,
        Self::CostTags,
        Self::TagPolicy,
    ];

    /// As a person and a report name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Tags => "tags",
            Self::Models => "models",
            Self::SystemProfiles => "system-profiles",
            Self::Parameters => "parameters",
            Self::Stacks => "stacks",
            Self::Usage => "usage",
            Self::Quota => "quota",
            Self::CostTags => "cost-tags",
            Self::TagPolicy => "tag-policy",
        }
    }
}

/// Why a part could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Which part.
    pub source: Source,
    /// What AWS said, for a person.
    pub reason: String,
}

/// What was read of one account in one Region.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// Of which partition, account and Region.
    pub location: Location,
    /// When the reading began.
    pub taken_at: OffsetDateTime,
    /// The sources that were asked. What the others hold is not in here: no rule that is judged rests on them.
    pub asked: BTreeSet<Source>,
    /// Every application inference profile.
    pub profiles: Part<Vec<Profile>>,
    /// The profiles that a parameter names and the list does not show, and of which AWS would not say
    /// whether they exist.
    pub unconfirmed: BTreeMap<ProfileArn, Unread>,
    /// Every foundation model of the Region.
    pub models: Part<Vec<FoundationModel>>,
    /// Every system profile of the Region.
    pub system_profiles: Part<Vec<SystemProfile>>,
    /// The parameters under the prefix and those that profiles name.
    pub parameters: Parameters,
    /// The stacks that profiles' own tags name, by id.
    pub stacks: BTreeMap<String, Part<Stack>>,
    /// Invocations of profiles and of models.
    pub usage: Part<Usage>,
    /// How many inference profiles the account may have in the Region.
    pub quota: Part<u64>,
}

/// One application inference profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// As Bedrock lists it.
    pub record: ProfileRecord,
    /// Its tags. What the index of tags did not show was asked for by itself, so an empty set is one.
    pub tags: Part<Tags>,
}

/// Parameters of Parameter Store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The path under which parameters are published, without a slash at its end.
    pub prefix: String,
    /// The value of every parameter under the prefix, by name.
    pub under_prefix: Part<BTreeMap<String, String>>,
    /// What was found behind each name that a profile's tags record; `None`: there is no such parameter.
    pub recorded: BTreeMap<String, Part<Option<String>>>,
}

/// A stack that a profile names as its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stack {
    /// It is deleted, or was never there.
    Gone,
    /// Its id is one of another account, Region or partition, whose stacks cannot own here: whatever is true
    /// of it, nothing follows for the profile.
    Elsewhere,
    /// It is there.
    Lives {
        /// Its status and its tags.
        record: StackRecord,
        /// What it says of its logical ids; a logical id that it does not know is absent.
        resources: Part<BTreeMap<String, StackResourceRecord>>,
    },
}

/// Invocations, by what CloudWatch calls `ModelId`: a profile's id, a model's or a system profile's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The first day of the window, in UTC.
    pub since: Date,
    /// Invocations day by day from `since` on. An id that had none is absent.
    pub daily: BTreeMap<String, Vec<u64>>,
}

impl Usage {
    /// The invocations of a profile day by day, those by its id and those by its ARN together; empty when
    /// there were none.
    pub fn of_profile(&self, profile: &ProfileArn) -> Vec<u64> {
        let by_id = self.daily.get(profile.id()).map(Vec::as_slice).unwrap_or_default();
        let by_arn = self.daily.get(profile.as_str()).map(Vec::as_slice).unwrap_or_default();
        let on = |days: &[u64], day: usize| days.get(day).copied().unwrap_or_default();
        (0..by_id.len().max(by_arn.len())).map(|day| on(by_id, day) + on(by_arn, day)).collect()
    }

    /// The invocations of `id` on the last `days` days of which the window knows, up to and including
    /// the day of `now`.
    pub fn invocations_within(&self, id: &str, days: u16, now: OffsetDateTime) -> u64 {
        self.invocations_since(id, now.date() - Duration::days(i64::from(days)))
    }

    /// The invocations of `id` on `day` and later, as far as the window reaches.
    pub fn invocations_since(&self, id: &str, day: Date) -> u64 {
        let before = usize::try_from((day - self.since).whole_days()).unwrap_or_default();
        self.daily.get(id).into_iter().flatten().skip(before).sum()
    }

    /// The last day on which a profile was invoked.
    pub fn last_day(&self, profile: &ProfileArn) -> Option<Date> {
        let day = self.of_profile(profile).iter().rposition(|count| *count > 0)?;
        Some(self.since + Duration::days(i64::try_from(day).ok()?))
    }
}

/// Which cost allocation tags are active, by key; a key that is not known there is absent.
pub type CostTags = BTreeMap<String, bool>;

impl Inventory {
    /// The profiles, as far as they could be read.
    pub fn profiles(&self) -> &[Profile] {
        self.profiles.as_deref().unwrap_or_default()
    }

    /// Everything that was asked and could not be read, each source with its first reason.
    pub fn unread(&self) -> Vec<Unread> {
        let mut all: BTreeMap<Source, Unread> = BTreeMap::new();
        let mut note = |unread: Option<&Unread>| {
            if let Some(unread) = unread.filter(|unread| self.asked.contains(&unread.source)) {
                all.entry(unread.source).or_insert_with(|| unread.clone());
            }
        };
        note(self.profiles.as_ref().err());
        self.unconfirmed.values().for_each(|unread| note(Some(unread)));
        note(self.models.as_ref().err());
        note(self.system_profiles.as_ref().err());
        note(self.parameters.under_prefix.as_ref().err());
        note(self.usage.as_ref().err());
        note(self.quota.as_ref().err());
        self.profiles().iter().for_each(|profile| note(profile.tags.as_ref().err()));
        self.parameters.recorded.values().for_each(|part| note(part.as_ref().err()));
        for stack in self.stacks.values() {
            match stack {
                Err(unread) | Ok(Stack::Lives { resources: Err(unread), .. }) => note(Some(unread)),
                Ok(_) => {}
            }
        }
        all.into_values().collect()
    }

    /// Whether every source was asked, and all of it could be read.
    pub fn is_whole(&self) -> bool {
        Source::ALL.iter().all(|source| self.asked.contains(source)) && self.unread().is_empty()
    }
}
