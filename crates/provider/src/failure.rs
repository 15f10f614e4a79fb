//! Why a request cannot be fulfilled, in the words a person gets.

use ports::{CallError, ErrorKind};
use profile::{arn::ProfileArn, fault::Faults};

/// What stops a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The declaration is wrong, or may not be fulfilled as things are.
    #[error("{0}")]
    Faults(Faults),
    /// AWS refused or did not answer.
    #[error("{error}. {}", remedy(.error))]
    Call {
        /// What AWS said.
        error: CallError,
    },
    /// The same, after a call that may have made a profile which nobody has seen since.
    #[error("{error}. {}", remedy(.error))]
    Doubtful {
        /// What AWS said last.
        error: CallError,
    },
    /// A new profile did not become active in time.
    #[error(
        "{profile} did not become active within {seconds} seconds. Try again; if it persists, ask AWS Support"
    )]
    NotActive {
        /// The profile.
        profile: ProfileArn,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The run used up its time between two effects.
    #[error("AWS was too slow to finish in time. Try again; if it persists, raise the function's timeout")]
    OutOfTime,
    /// A run that does not come to an end: a defect of the provider.
    #[error("the plan does not settle, which is a defect of the provider. Please report it, with the log")]
    Unsettled,
}

impl Failure {
    /// Whether what failed may have had its effect all the same.
    pub fn is_doubtful(&self) -> bool {
        match self {
            Self::Call { error } => error.is_transient(),
            Self::Doubtful { .. } => true,
            _ => false,
        }
    }

    /// Whether a later attempt may succeed without anybody changing anything.
    pub fn may_pass(&self) -> bool {
        self.is_doubtful() || matches!(self, Self::Call { error } if error.kind == ErrorKind::Conflict)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call { error }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

fn remedy(error: &CallError) -> &'static str {
    match error.kind {
        ErrorKind::Denied => {
            "Let the provider's role do this: look for a service control policy, a permissions boundary or \
             a changed role"
        }
        ErrorKind::LimitExceeded if error.code.contains("TooManyTags") => {
            "Remove some of its tags, here or those that others put on"
        }
        ErrorKind::LimitExceeded => {
            "Delete what is not needed or ask for a higher quota (Service Quotas; profiles: L-40EC9882)"
        }
        ErrorKind::Throttled | ErrorKind::Unknown => "Try again in some minutes",
        ErrorKind::NotFound | ErrorKind::Conflict => {
            "Somebody else may have changed it at the same time; try again"
        }
        ErrorKind::Invalid => {
            "Change what AWS names here; if your template does not hold it, please report it"
        }
    }
}
