//! The inventory with the maps that rules ask.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use profile::{
    arn::ProfileArn,
    parameter::{ParameterName, ParameterPrefix},
};

use crate::inventory::{Inventory, Profile, Usage};

/// An inventory, indexed.
pub(crate) struct Scene<'a> {
    pub(crate) inventory: &'a Inventory,
    profiles: BTreeMap<&'a str, &'a Profile>,
    /// The names of the parameters that hold a profile's ARN.
    holders: HashMap<&'a str, BTreeSet<&'a str>>,
    prefix: Option<ParameterPrefix>,
}

impl<'a> Scene<'a> {
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let profiles = inventory.profiles().iter().map(|profile| (profile.record.arn.as_str(), profile));
        let parameters = &inventory.parameters;
        let listed = parameters.under_prefix.iter().flatten();
        let recorded = parameters.recorded.iter();
        let recorded = recorded.filter_map(|(name, part)| Some((name, part.as_ref().ok()?.as_ref()?)));
        let mut holders: HashMap<&'a str, BTreeSet<&'a str>> = HashMap::new();
        for (name, value) in listed.chain(recorded) {
            if ProfileArn::parse(value).is_some() {
                holders.entry(value).or_default().insert(name);
            }
        }
        Self {
            inventory,
            profiles: profiles.collect(),
            holders,
            prefix: ParameterPrefix::parse(&parameters.prefix).ok(),
        }
    }

    /// Every profile once, by ARN.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &'a Profile> + '_ {
        self.profiles.values().copied()
    }

    pub(crate) fn profile(&self, arn: &str) -> Option<&'a Profile> {
        self.profiles.get(arn).copied()
    }

    /// Whether there is no profile `arn`, as far as the list of profiles, if it was read, and AWS tell.
    pub(crate) fn is_gone(&self, arn: &ProfileArn) -> bool {
        self.profile(arn.as_str()).is_none() && !self.inventory.unconfirmed.contains_key(arn)
    }

    pub(crate) fn profile_count(&self) -> usize {
        self.profiles.len()
    }

    /// The parameters that hold `arn`, in alphabetical order.
    pub(crate) fn holders(&self, arn: &str) -> impl Iterator<Item = &'a str> + '_ {
        self.holders.get(arn).into_iter().flatten().copied()
    }

    /// Whether a parameter lies under the prefix, and so is for these functions to touch.
    pub(crate) fn is_under_prefix(&self, name: &str) -> bool {
        self.prefix.as_ref().is_some_and(|prefix| ParameterName::recorded(name, prefix).is_some())
    }

    /// What is behind the name of a parameter that a profile records, `Some(None)` when there is nothing:
    /// what was found when it was asked for by itself or, where it was not, what the list under the prefix
    /// shows. `None` when neither could be read.
    pub(crate) fn value(&self, name: &str) -> Option<Option<&'a str>> {
        let parameters = &self.inventory.parameters;
        let value = match (parameters.recorded.get(name), &parameters.under_prefix) {
            (Some(Ok(value)), _) => value.as_ref(),
            (None, Ok(listed)) if self.is_under_prefix(name) => listed.get(name),
            _ => return None,
        };
        Some(value.map(String::as_str))
    }

    /// Usage, if it was read.
    pub(crate) fn usage(&self) -> Option<&'a Usage> {
        self.inventory.usage.as_ref().ok()
    }
}
