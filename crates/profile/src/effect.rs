//! What can be done to AWS, as data.

use std::fmt;

use crate::{arn::ProfileArn, fault::Faults, tags::Tags};

/// One thing to do. Effects of one step are independent of each other and may run side by side.
#[derive(Clone, PartialEq, Eq)]
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
    /// Wait for lagging reads to show a profile that may have been made; then read a parameter again, which may have
    /// been made meanwhile.
    SeekOwned {
        /// The parameter.
        parameter: Option<String>,
        /// The profiles that this run has removed, and reads may still show.
        but: Vec<ProfileArn>,
    },
}

/// The values of tags may come of `NoEcho` parameters, and effects are logged: only the keys are printed.
impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |tags: &Tags| tags.keys().cloned().collect::<Vec<_>>();
        match self {
            Self::CreateProfile => f.write_str("CreateProfile"),
            Self::AwaitProfile(arn) => write!(f, "AwaitProfile({arn})"),
            Self::TagProfile(arn, tags) => write!(f, "TagProfile({arn}, {:?})", keys(tags)),
            Self::UntagProfile(arn, keys) => write!(f, "UntagProfile({arn}, {keys:?})"),
            Self::DeleteProfile(arn) => write!(f, "DeleteProfile({arn})"),
            Self::CreateParameter(name, arn, tags) => {
                write!(f, "CreateParameter({name}, {arn}, {:?})", keys(tags))
            }
            Self::OverwriteParameter(name, value) => write!(f, "OverwriteParameter({name}, {value})"),
            Self::TagParameter(name, tags) => write!(f, "TagParameter({name}, {:?})", keys(tags)),
            Self::UntagParameter(name, keys) => write!(f, "UntagParameter({name}, {keys:?})"),
            Self::DeleteParameter(name) => write!(f, "DeleteParameter({name})"),
            Self::ConfirmStack => f.write_str("ConfirmStack"),
            Self::SeekOwned { parameter, .. } => {
                write!(f, "SeekOwned({})", parameter.as_deref().unwrap_or_default())
            }
        }
    }
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
