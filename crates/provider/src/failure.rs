//! Why a request cannot be fulfilled, in the words a person gets.

use ports::{CallError, ErrorKind};
use profile::fault::Faults;

/// What stops a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The declaration is wrong, or may not be fulfilled as things are.
    #[error("{0}")]
    Faults(Faults),
    /// AWS refused or did not answer.
    #[error("{error}. {}", remedy(.error.kind))]
    Call {
        /// What AWS said.
        error: CallError,
    },
    /// A new profile did not become active in time.
    #[error("{0} did not become active within {1} seconds. Try again; if it persists, ask AWS Support")]
    NotActive(String, u64),
    /// The run used up its time between two effects.
    #[error("AWS was too slow to finish in time. Try again; if it persists, raise the function's timeout")]
    OutOfTime,
    /// A run that does not come to an end: a defect of the provider.
    #[error("the plan did not settle after {0} rounds, which is a defect of the provider. Please report it")]
    Unsettled(usize),
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

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Denied => {
            "Let the provider's role do this: look for a service control policy, a permissions boundary or \
             a changed role"
        }
        ErrorKind::LimitExceeded => {
            "Delete what is not needed or ask for a higher quota (Service Quotas; profiles: L-40EC9882)"
        }
        ErrorKind::Throttled | ErrorKind::Unknown => "Try again in some minutes",
        ErrorKind::NotFound | ErrorKind::Conflict => {
            "Somebody else may have changed it at the same time; try again"
        }
        ErrorKind::Invalid => "This is how AWS judges the request; change the property that it names",
    }
}
