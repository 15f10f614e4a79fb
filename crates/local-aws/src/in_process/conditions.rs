//! The conditions on tags that the role of the functions sets, for tests that must hold under them.
//!
//! IAM judges by the tags that the request brings and by those that the resource carries. What is not there
//! carries none: so AWS says "denied" of it where a condition asks for a tag, not "not found".

use ports::{CallError, ErrorKind};
use profile::tags::{ADOPTED, STACK_ID, Tags};

use super::parameters;

/// Whether IAM's conditions hold, as `template.yaml` writes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conditions {
    /// Every call is allowed.
    #[default]
    Off,
    /// What is made is born ours; only what is ours is deleted, and only what is ours or becomes ours is tagged.
    On,
}

impl Conditions {
    fn hold(self) -> bool {
        self == Self::On
    }

    /// Whether a profile may be made with these tags.
    pub(super) fn may_make(self, born_with: &Tags) -> bool {
        !self.hold() || born_with.contains_key(STACK_ID)
    }

    /// Whether `put` may be put on what carries `held`.
    pub(super) fn may_tag(self, held: Option<&Tags>, put: &Tags) -> bool {
        !self.hold() || put.contains_key(STACK_ID) || is_ours(held)
    }

    /// Whether a profile that carries `held` may be deleted.
    pub(super) fn may_delete(self, held: Option<&Tags>) -> bool {
        !self.hold() || is_ours(held) && held.is_some_and(|held| !held.contains_key(ADOPTED))
    }

    /// Whether tags may be taken off what carries `held`, or a parameter that carries them be deleted.
    pub(super) fn may_take_away(self, held: Option<&Tags>) -> bool {
        !self.hold() || is_ours(held)
    }
}

fn is_ours(held: Option<&Tags>) -> bool {
    held.is_some_and(|held| held.contains_key(STACK_ID))
}

pub(super) fn denied(operation: &'static str) -> CallError {
    parameters::error(
        operation,
        ErrorKind::Denied,
        "AccessDeniedException",
        "no identity-based policy allows the action",
    )
}
