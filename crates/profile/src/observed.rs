//! What was seen of AWS, and what this run has done to it.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use crate::{
    arn::ProfileArn,
    effect::Effect,
    record::{ParameterRecord, ProfileRecord, StackRecord, StackResourceRecord},
    spec,
    tags::{self, Owner, Tags},
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
    /// Profiles that this run deleted or released.
    pub removed: Vec<ProfileArn>,
    /// Whether this run has begun to delete names that the declaration no longer holds: from then on the
    /// new ones must stay, or neither would work.
    pub drops_names: bool,
    /// Effects of this run that failed, and may have happened all the same.
    pub doubtful: Vec<Effect>,
    /// How often a creation was answered with a conflict and nothing of ours was found behind it.
    pub conflicts: u32,
    /// Whether the stack was read again after the last effect that a cancelled request must not leave.
    pub confirmed: bool,
    /// Whether the stack was found gone on, and what it says about the resource could not be read: nobody knows
    /// then whether another delivery of this request was answered with what this one made.
    pub unsure: bool,
    /// Whether the time within which a lagging index shows what exists has been waited for, and nothing more was found
    /// that is to go.
    pub sought: bool,
}

impl Journal {
    /// Whether this run made something that must not outlive a request nobody waits for any more.
    pub fn made_anything(&self) -> bool {
        self.made_profile.is_some() || self.adopted_profile.is_some() || !self.made_parameters.is_empty()
    }
}

impl ObservedProfile {
    /// Whether `owner` owns it: its tags say so, and they were made for it. Of a profile that cannot be read
    /// yet only the tags are known; it is new, and nobody else's.
    pub fn is_owned_by(&self, owner: &Owner) -> bool {
        self.tags.as_ref().is_some_and(|held| {
            owner.owns(held) && self.record.as_ref().is_none_or(|record| spec::is_of(record, held))
        })
    }
}

impl Observed {
    /// The profiles that `owner` owns.
    pub fn owned<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = (&'a ProfileArn, &'a Tags)> {
        self.profiles.iter().filter_map(|(arn, profile)| {
            let tags = profile.tags.as_ref()?;
            profile.is_owned_by(owner).then_some((arn, tags))
        })
    }

    /// Whether a parameter with the owner's tags publishes a profile of its, or did before somebody wrote
    /// something else into it. The tags alone may have been put on what is somebody else's.
    pub fn publishes(&self, owner: &Owner, name: &str, value: &str) -> bool {
        let records = |held: &Tags| held.get(tags::PARAMETER).is_some_and(|recorded| recorded == name);
        ProfileArn::parse(value).is_some() || self.owned(owner).any(|(_, held)| records(held))
    }

    /// The tags of `arn`, if they could be read.
    pub fn tags(&self, arn: &ProfileArn) -> Option<&Tags> {
        self.profiles.get(arn)?.tags.as_ref()
    }

    /// The physical id that the stack gives for the logical id.
    pub fn described(&self) -> Option<&str> {
        self.resource.as_ref()?.physical_id.as_deref()
    }

    /// Whether the stack names `arn` as the resource, and has not deleted it.
    pub fn lives(&self, arn: &ProfileArn) -> bool {
        let is_deleted = self.resource.as_ref().is_some_and(|resource| resource.status == "DELETE_COMPLETE");
        self.described() == Some(arn.as_str()) && !is_deleted
    }

    /// Whether the stack has updated the resource, or is updating it: then its Create was answered with success.
    pub fn is_updated(&self) -> bool {
        self.resource.as_ref().is_some_and(|resource| resource.status.starts_with("UPDATE_"))
    }

    /// The phase of the stack; [`Phase::Forward`] when there is no stack to ask.
    pub fn phase(&self) -> Phase {
        self.stack.as_ref().map_or(Phase::Forward, |stack| Phase::of(&stack.status))
    }

    /// Whether the stack takes an update back, or may still be told to: it was left as it was when the update or its
    /// rollback failed.
    pub fn may_roll_back(&self) -> bool {
        let status = self.stack.as_ref().map(|stack| stack.status.as_str());
        self.phase() == Phase::UpdateRollback
            || matches!(status, Some("UPDATE_FAILED" | "UPDATE_ROLLBACK_FAILED"))
    }

    /// Whether the stack's last operation went forward and is done, save for its clean-up.
    pub fn is_forward_done(&self) -> bool {
        let status = self.stack.as_ref().map(|stack| stack.status.as_str());
        self.phase() == Phase::Cleanup || matches!(status, Some("CREATE_COMPLETE" | "UPDATE_COMPLETE"))
    }

    /// Whether the stack went on after a request was issued: it began another operation, or the resource
    /// reached another status. Then the request is stale, whatever the stack is doing now. Where an instant
    /// is not known this says no.
    pub fn has_gone_on_since(&self, issued: &Issued) -> bool {
        let is_later = |instant: Option<OffsetDateTime>, tolerance: Duration| {
            instant.zip(issued.at).is_some_and(|(instant, issued)| instant - issued > tolerance)
        };
        if is_later(self.stack.as_ref().and_then(|stack| stack.began), SAME_INSTANT) {
            return true;
        }
        let Some(resource) = &self.resource else { return false };
        let is_at_rest = !resource.status.ends_with("_IN_PROGRESS");
        let tolerance = match issued.kind {
            // CloudFormation tells a creation twice: when it begins, and when the resource has an id.
            Kind::Create if resource.status == "CREATE_IN_PROGRESS" => return false,
            Kind::Create | Kind::Update if is_at_rest => WHOLE_SECOND,
            Kind::Create | Kind::Update | Kind::Delete => SAME_INSTANT,
        };
        is_later(resource.since, tolerance)
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

/// When CloudFormation issued a request, and what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// What the request asks for.
    pub kind: Kind,
    /// The instant, where it is known: in whole seconds, so up to one too early.
    pub at: Option<OffsetDateTime>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A resource that is to appear.
    Create,
    /// A resource that is to change.
    Update,
    /// A resource, or what was one, that is to go.
    Delete,
}

/// How much later than a request an instant may be, and still be the one at which the request was issued:
/// CloudFormation's hosts write the two down each by its own clock. So a stale request is taken for one that
/// is waited for when the stack went on within this time after the request was issued, however late it comes.
pub const SAME_INSTANT: Duration = Duration::seconds(10);

/// The same for a resource at rest. While a Create or an Update is waited for, its resource is in progress, or
/// is still told as it was before the request: only the fraction of a second that the request does not tell
/// is allowed for.
const WHOLE_SECOND: Duration = Duration::seconds(1);

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

    const KINDS: [Kind; 3] = [Kind::Create, Kind::Update, Kind::Delete];

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_773_000_000 + seconds).unwrap()
    }

    /// A stack that began at an instant, and its resource, which reached its status at another.
    fn stack(began: Option<i64>, resource: Option<(&str, i64)>) -> Observed {
        Observed {
            stack: Some(StackRecord { status: String::new(), tags: Tags::new(), began: began.map(at) }),
            resource: resource.map(|(status, since)| StackResourceRecord {
                physical_id: None,
                status: status.into(),
                since: Some(at(since)),
            }),
            ..Observed::default()
        }
    }

    #[test]
    fn a_stack_has_gone_on_when_it_or_the_resource_is_newer_than_the_request() {
        for kind in KINDS {
            let issued = Issued { kind, at: Some(at(100)) };
            assert!(stack(Some(111), None).has_gone_on_since(&issued), "{kind:?}");
            assert!(stack(Some(0), Some(("UPDATE_IN_PROGRESS", 111))).has_gone_on_since(&issued), "{kind:?}");
            for observed in [
                stack(None, None),
                stack(Some(0), Some(("UPDATE_COMPLETE", 101))),
                stack(Some(110), None),
                stack(None, Some(("UPDATE_IN_PROGRESS", 110))),
                Observed::default(),
            ] {
                assert!(!observed.has_gone_on_since(&issued), "{kind:?} {observed:?}");
            }
            let unknown = Issued { kind, at: None };
            assert!(
                !stack(Some(999), Some(("UPDATE_COMPLETE", 999))).has_gone_on_since(&unknown),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_resource_at_rest_is_not_one_that_a_create_or_an_update_is_waited_for() {
        for status in ["UPDATE_COMPLETE", "CREATE_FAILED", "DELETE_COMPLETE"] {
            let observed = stack(Some(0), Some((status, 102)));
            let gone_on = KINDS.map(|kind| observed.has_gone_on_since(&Issued { kind, at: Some(at(100)) }));
            assert_eq!(gone_on, [true, true, false], "{status}");
        }
    }

    #[test]
    fn a_creation_is_told_as_in_progress_more_than_once() {
        let observed = stack(Some(0), Some(("CREATE_IN_PROGRESS", 999)));
        let gone_on = KINDS.map(|kind| observed.has_gone_on_since(&Issued { kind, at: Some(at(100)) }));
        assert_eq!(gone_on, [false, true, true]);
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
