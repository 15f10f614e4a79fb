//! One profile, with what the rules need to know of it.

use profile::{
    arn::Arn,
    observed::Phase,
    record::{ProfileRecord, StackRecord},
    spec,
    tags::{self, Tags},
};

use super::{Scene, silence::IGNORE};
use crate::{
    inventory::{Profile, Stack},
    owner::{self, Sign},
    words,
};

/// A profile whose tags could be read.
pub(super) struct Case<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) record: &'a ProfileRecord,
    pub(super) tags: &'a Tags,
    pub(super) sign: Option<Sign>,
    pub(super) standing: Standing<'a>,
}

/// How a profile stands to the stack that owns it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Standing<'a> {
    /// None of ours.
    Foreign,
    /// The stack is one that cannot own here.
    Elsewhere,
    /// The stack, or what it says of its resources, could not be read.
    Unread,
    /// The stack is at work, or can still be taken back to what it was.
    InMotion,
    /// The stack is gone.
    StackGone,
    /// The stack is at rest and this is not the profile of its resource. What that is instead.
    NotInStack(Instead<'a>),
    /// The stack is at rest and this is the profile of its resource.
    Current(&'a StackRecord),
}

/// What a stack's resource is instead of a profile that names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Instead<'a> {
    /// The stack has no such resource.
    NoResource,
    /// The stack deleted it, or let go of it; its status.
    Ended(&'a str),
    /// It has this physical id.
    Other(&'a str),
    /// It has no physical id; its status.
    Nothing(&'a str),
}

impl<'a> Case<'a> {
    /// `None` when the profile's tags could not be read.
    pub(super) fn of(scene: &'a Scene<'a>, profile: &'a Profile) -> Option<Self> {
        let tags = profile.tags.as_ref().ok()?;
        let sign = owner::sign(tags);
        let standing = match &sign {
            Some(Sign::Ours(owner)) => standing(scene, owner, profile.record.arn.as_str()),
            _ => Standing::Foreign,
        };
        Some(Self { scene, record: &profile.record, tags, sign, standing })
    }

    pub(super) fn arn(&self) -> &'a str {
        self.record.arn.as_str()
    }

    pub(super) fn id(&self) -> &'a str {
        self.record.arn.id()
    }

    pub(super) fn region(&self) -> &'a str {
        &self.scene.inventory.location.region
    }

    /// Who owns the profile, if we do.
    pub(super) fn owner(&self) -> Option<&tags::Owner> {
        match &self.sign {
            Some(Sign::Ours(owner)) => Some(owner),
            _ => None,
        }
    }

    /// Whether the profile was replaced and lives on for a while.
    pub(super) fn is_draining(&self) -> bool {
        self.tags.contains_key(tags::DRAIN_UNTIL)
    }

    pub(super) fn is_adopted(&self) -> bool {
        self.tags.contains_key(tags::ADOPTED)
    }

    /// The id of the system profile that the profile was copied from, if it was and its tags record that.
    pub(super) fn copied_system_profile(&self) -> Option<&'a str> {
        let arn = Arn::parse(self.tags.get(tags::MODEL_SOURCE)?)?;
        arn.bedrock_id("inference-profile").filter(|_| arn.region == self.region())
    }

    /// Where the profile is declared, after a verb: `in the template of stack app`; `None` when it is
    /// declared nowhere that is known.
    pub(super) fn declared(&self) -> Option<String> {
        match (&self.sign, self.standing) {
            (None, _) | (_, Standing::StackGone | Standing::NotInStack(_) | Standing::Elsewhere) => None,
            (Some(Sign::Ours(_)), _) if self.is_draining() => None,
            (Some(Sign::Ours(owner)), _) => Some(format!(
                "of {} in the template of stack {}",
                owner.logical_id,
                owner::stack_name(&owner.stack_id)
            )),
            (Some(Sign::Stack(name)), _) => Some(format!("of the profile in the template of stack {name}")),
            (Some(Sign::Tool(name)), _) => Some(format!("of the profile where {name} declares it")),
        }
    }

    /// The command that puts tags on the profile. `None` stands for a value that its user has to think of.
    pub(super) fn tag_command<'t>(
        &self,
        tags: impl IntoIterator<Item = (&'t str, Option<&'t str>)>,
    ) -> String {
        let pairs = tags.into_iter().map(|(key, value)| {
            format!(" {}", words::shell(&format!("key={key},value={}", value.unwrap_or("VALUE"))))
        });
        let pairs: String = pairs.collect();
        format!(
            "aws bedrock tag-resource --region {} --resource-arn {} --tags{pairs}",
            self.region(),
            self.arn()
        )
    }

    /// The command that takes tags off the profile.
    pub(super) fn untag_command<'t>(&self, keys: impl IntoIterator<Item = &'t str>) -> String {
        let keys: String = keys.into_iter().map(|key| format!(" {}", words::shell(key))).collect();
        format!(
            "aws bedrock untag-resource --region {} --resource-arn {} --tag-keys{keys}",
            self.region(),
            self.arn()
        )
    }

    /// Whether its tags were made for it. Those of another profile may have been put on by hand.
    pub(super) fn is_genuine(&self) -> bool {
        spec::is_of(self.record, self.tags)
    }

    /// The command that deletes the profile or, when it was adopted or is not ours in truth, takes our tags off
    /// it.
    pub(super) fn removal_command(&self) -> String {
        if self.is_adopted() || self.owner().is_some() && !self.is_genuine() {
            let ours = |key: &&String| key.starts_with(tags::RESERVED_PREFIX) && *key != IGNORE;
            let ours = self.tags.keys().filter(ours);
            return self.untag_command(ours.map(String::as_str));
        }
        format!(
            "aws bedrock delete-inference-profile --region {} --inference-profile-identifier {}",
            self.region(),
            self.arn()
        )
    }

    /// When the profile was last invoked, as the end of a sentence; empty when usage could not be read.
    pub(super) fn last_use(&self) -> String {
        let Some(usage) = self.scene.usage() else { return String::new() };
        match usage.last_day(&self.record.arn) {
            Some(day) => format!("; it was last invoked on {day}"),
            None => {
                format!("; it was not invoked since {}, the first day of which usage is known", usage.since)
            }
        }
    }
}

/// CloudFormation can still take these back to the resources of before, or forward to others.
const UNSETTLED: [&str; 2] = ["UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"];

/// Whether a stack in `status` is at rest, so that what it says of its resources is what it holds.
pub fn is_at_rest(status: &str) -> bool {
    Phase::of(status) == Phase::Idle && !UNSETTLED.contains(&status)
}

/// Whether a resource in `status` is none of its stack any more: deleted, or let go of.
pub fn has_ended(status: &str) -> bool {
    ["DELETE_COMPLETE", "DELETE_SKIPPED"].contains(&status)
}

pub(crate) fn standing<'a>(scene: &Scene<'a>, owner: &tags::Owner, arn: &str) -> Standing<'a> {
    let (record, resources) = match scene.inventory.stacks.get(&owner.stack_id) {
        None | Some(Err(_)) => return Standing::Unread,
        Some(Ok(Stack::Gone)) => return Standing::StackGone,
        Some(Ok(Stack::Elsewhere)) => return Standing::Elsewhere,
        Some(Ok(Stack::Lives { record, resources })) => (record, resources),
    };
    if record.status == "DELETE_COMPLETE" {
        return Standing::StackGone;
    }
    if !is_at_rest(&record.status) {
        return Standing::InMotion;
    }
    let Ok(resources) = resources else { return Standing::Unread };
    let Some(resource) = resources.get(&owner.logical_id) else {
        return Standing::NotInStack(Instead::NoResource);
    };
    let status = resource.status.as_str();
    match resource.physical_id.as_deref() {
        _ if has_ended(status) => Standing::NotInStack(Instead::Ended(status)),
        Some(physical_id) if physical_id == arn => Standing::Current(record),
        Some(physical_id) => Standing::NotInStack(Instead::Other(physical_id)),
        None => Standing::NotInStack(Instead::Nothing(status)),
    }
}
