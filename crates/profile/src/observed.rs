//! What was seen of AWS, and what this run has done to it.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use crate::{
    arn::ProfileArn,
    effect::Effect,
    record::{ParameterRecord, ProfileRecord, StackRecord, StackResourceRecord},
    tags::{Owner, Tags},
};

/// Everything a decision may rest on. Whoever carries out an effect records here what came of it, so
/// that the next decision needs no second look at services whose answers lag.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Profiles that were seen, foreign ones of the same name included.
    pub profiles: BTreeMap<ProfileArn, ObservedProfile>,
    /// Parameters that exist, by name.
    pub parameters: BTreeMap<String, ObservedParameter>,
    /// The stack; `None` when CloudFormation does not know it, as in a local invocation.
    pub stack: Option<StackRecord>,
    /// What the stack says about the logical id; `None` when it does not know it.
    pub resource: Option<StackResourceRecord>,
    /// Invocations by profile id, where they were asked for.
    pub invocations: BTreeMap<String, u64>,
    /// What this run has done.
    pub journal: Journal,
}

/// One profile, as far as it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedProfile {
    /// `None` while it cannot be read yet.
    pub record: Option<ProfileRecord>,
    /// `None` while they cannot be read yet.
    pub tags: Option<Tags>,
}

/// One parameter that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedParameter {
    /// Its value.
    pub value: String,
    /// Its tags.
    pub tags: Tags,
}

impl ObservedParameter {
    /// From a record and the tags asked for besides.
    pub fn new(record: ParameterRecord, tags: Tags) -> Self {
        Self { value: record.value, tags }
    }
}

/// What this run has done so far: what an undo takes back, and what need not be done twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// The profile that this run made.
    pub made_profile: Option<ProfileArn>,
    /// The profile that this run put its tags on for the first time, with the values of the tags that it
    /// overwrote.
    pub adopted_profile: Option<(ProfileArn, Tags)>,
    /// Parameters that this run made.
    pub made_parameters: Vec<String>,
    /// Parameters that this run overwrote, with the value before.
    pub overwritten_parameters: Vec<(String, String)>,
    /// Profiles that this run put tags on: they are as written, whatever a lagging read says.
    pub tagged: Vec<ProfileArn>,
    /// Profiles that this run took tags off.
    pub untagged: Vec<ProfileArn>,
    /// Whether this run has begun to delete names that the declaration no longer holds: from then on the
    /// new ones must stay, or neither would work.
    pub drops_names: bool,
    /// Effects of this run that failed, and may have happened all the same.
    pub doubtful: Vec<Effect>,
    /// How often a creation was answered with a conflict and nothing of ours was found behind it.
    pub conflicts: u32,
    /// Whether the stack was read again after the last effect that a cancelled request must not leave.
    pub confirmed: bool,
    /// Whether the time within which a lagging index shows what exists has been waited for.
    pub sought: bool,
}

impl Journal {
    /// Whether this run made something that must not outlive a request nobody waits for any more.
    pub fn made_anything(&self) -> bool {
        self.made_profile.is_some() || self.adopted_profile.is_some() || !self.made_parameters.is_empty()
    }
}

impl Observed {
    /// The profiles that `owner` owns.
    pub fn owned<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = (&'a ProfileArn, &'a Tags)> {
        self.profiles.iter().filter_map(|(arn, profile)| {
            let tags = profile.tags.as_ref()?;
            owner.owns(tags).then_some((arn, tags))
        })
    }

    /// The tags of `arn`, if they could be read.
    pub fn tags(&self, arn: &ProfileArn) -> Option<&Tags> {
        self.profiles.get(arn)?.tags.as_ref()
    }

    /// The physical id that the stack gives for the logical id.
    pub fn described(&self) -> Option<&str> {
        self.resource.as_ref()?.physical_id.as_deref()
    }

    /// The phase of the stack; [`Phase::Forward`] when there is no stack to ask.
    pub fn phase(&self) -> Phase {
        self.stack.as_ref().map_or(Phase::Forward, |stack| Phase::of(&stack.status))
    }

    /// Whether the stack went on after a request that was issued at `issued_at`: it began another
    /// operation, or the resource reached another status. Then nobody waits for that request any more,
    /// whatever the stack is doing now. Where an instant is not known this says no.
    pub fn has_gone_on_since(&self, issued_at: Option<OffsetDateTime>) -> bool {
        let began = self.stack.as_ref().and_then(|stack| stack.began);
        let reached = self.resource.as_ref().and_then(|resource| resource.since);
        let last = began.max(reached);
        issued_at.zip(last).is_some_and(|(issued, last)| last - issued > SAME_INSTANT)
    }

    /// Removes a tag set's keys from a profile's observed tags.
    pub fn forget_tags(&mut self, arn: &ProfileArn, keys: &[String]) {
        if let Some(tags) = self.profiles.get_mut(arn).and_then(|profile| profile.tags.as_mut()) {
            tags.retain(|key, _| !keys.contains(key));
        }
    }

    /// Adds tags to a profile's observed tags.
    pub fn learn_tags(&mut self, arn: &ProfileArn, tags: &Tags) {
        self.profiles.entry(arn.clone()).or_default().tags.get_or_insert_default().extend(tags.clone());
    }
}

/// How far two instants of CloudFormation may lie apart and still be one: a request is issued when its
/// resource goes into progress, the two are written down by different hosts, and one in whole seconds. A
/// delivery that comes again does so after a minute, or after the time that CloudFormation waits.
const SAME_INSTANT: Duration = Duration::seconds(10);

/// What a stack is doing, as far as it matters to one of its resources. From the stack status codes in
/// the CloudFormation user guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It creates or updates.
    Forward,
    /// It takes an update back.
    UpdateRollback,
    /// It removes what an update replaced or dropped.
    Cleanup,
    /// It removes what a failed update had made.
    RollbackCleanup,
    /// It is being deleted, its creation is being taken back, or it is gone: nothing of it may stay.
    Ending,
    /// Nothing is going on.
    Idle,
}

impl Phase {
    /// The phase that a stack status stands for. A status that is not known counts as
    /// [`Phase::Forward`]: it must not stop a request that somebody waits for.
    pub fn of(status: &str) -> Self {
        match status {
            "UPDATE_ROLLBACK_IN_PROGRESS" => Self::UpdateRollback,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => Self::Cleanup,
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => Self::RollbackCleanup,
            "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "ROLLBACK_IN_PROGRESS" => Self::Ending,
            status if status.ends_with("_COMPLETE") || status.ends_with("_FAILED") => Self::Idle,
            _ => Self::Forward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_gone_on_when_it_or_the_resource_is_newer_than_the_request() {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(1_773_000_000 + seconds).unwrap();
        let observed = |began: Option<i64>, since: Option<i64>| Observed {
            stack: Some(StackRecord { status: String::new(), tags: Tags::new(), began: began.map(at) }),
            resource: since.map(|since| StackResourceRecord {
                physical_id: None,
                status: String::new(),
                since: Some(at(since)),
            }),
            ..Observed::default()
        };
        let issued = Some(at(100));
        assert!(observed(Some(111), None).has_gone_on_since(issued));
        assert!(observed(Some(0), Some(111)).has_gone_on_since(issued));
        for (began, since) in
            [(None, None), (Some(0), Some(100)), (Some(110), None), (None, Some(110)), (Some(110), Some(0))]
        {
            assert!(!observed(began, since).has_gone_on_since(issued), "{began:?} {since:?}");
        }
        assert!(!observed(Some(999), Some(999)).has_gone_on_since(None));
        assert!(!Observed::default().has_gone_on_since(issued));
    }

    #[test]
    fn every_documented_stack_status_has_its_phase() {
        use Phase::*;
        for (status, phase) in [
            ("CREATE_IN_PROGRESS", Forward),
            ("CREATE_COMPLETE", Idle),
            ("CREATE_FAILED", Idle),
            ("REVIEW_IN_PROGRESS", Forward),
            ("UPDATE_IN_PROGRESS", Forward),
            ("UPDATE_COMPLETE", Idle),
            ("UPDATE_FAILED", Idle),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Cleanup),
            ("UPDATE_ROLLBACK_IN_PROGRESS", UpdateRollback),
            ("UPDATE_ROLLBACK_FAILED", Idle),
            ("UPDATE_ROLLBACK_COMPLETE", Idle),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", RollbackCleanup),
            ("ROLLBACK_IN_PROGRESS", Ending),
            ("ROLLBACK_COMPLETE", Idle),
            ("ROLLBACK_FAILED", Idle),
            ("DELETE_IN_PROGRESS", Ending),
            ("DELETE_COMPLETE", Ending),
            ("DELETE_FAILED", Idle),
        ] {
            assert_eq!(Phase::of(status), phase, "{status}");
        }
    }
}
