//! What can be done to AWS, as data.

use crate::{arn::ProfileArn, fault::Faults, tags::Tags};

/// One thing to do. Effects of one step are independent of each other and may run side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make the profile of the specification.
    CreateProfile,
    /// Wait until the profile can be read and is active.
    AwaitProfile(ProfileArn),
    /// Add or overwrite tags of a profile.
    TagProfile(ProfileArn, Tags),
    /// Remove tags of a profile.
    UntagProfile(ProfileArn, Vec<String>),
    /// Delete a profile.
    DeleteProfile(ProfileArn),
    /// Make a parameter with this name, value and these tags.
    CreateParameter(String, ProfileArn, Tags),
    /// Put another value into a parameter of ours.
    OverwriteParameter(String, String),
    /// Add or overwrite tags of a parameter.
    TagParameter(String, Tags),
    /// Remove tags of a parameter.
    UntagParameter(String, Vec<String>),
    /// Delete a parameter of ours.
    DeleteParameter(String),
    /// Read the stack again: does anybody still wait for this request?
    ConfirmStack,
    /// Wait for lagging reads to show a profile that may have been made.
    SeekOwned,
}

/// The next thing a run has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// Carry these out, record what came of them, and ask again.
    Effects(Vec<Effect>),
    /// Nothing is left to do.
    Settled(T),
    /// It cannot be done, for these reasons; nothing more may be changed but what this run made.
    Refused(Faults),
}
