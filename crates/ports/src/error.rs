//! What a call of AWS can fail with, told apart once, at the adapter.

use std::fmt;

/// The kinds of failure that callers decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The thing is not there, or is not there yet.
    NotFound,
    /// The name is taken, or the thing is being changed by somebody else.
    Conflict,
    /// The caller may not.
    Denied,
    /// A quota is reached.
    LimitExceeded,
    /// The request is wrong in itself: repeating it does not help.
    Invalid,
    /// Refused before it had an effect, because of its rate: repeating it later helps.
    Throttled,
    /// It may or may not have had its effect: a connection was cut, an answer was late, the service
    /// failed inside. Look before repeating it.
    Unknown,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The operation as AWS and IAM name it, e.g. `bedrock:CreateInferenceProfile`.
    pub operation: &'static str,
    /// What it means.
    pub kind: ErrorKind,
    /// The service's error code, or what stands for one.
    pub code: String,
    /// The service's text.
    pub message: String,
}

impl CallError {
    /// Whether the thing was not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// Whether a later repetition can succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled | ErrorKind::Unknown)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed with {}: {}", self.operation, self.code, self.message)
    }
}

impl std::error::Error for CallError {}

/// Turns "it is not there" into `None`.
pub trait Optional<T> {
    /// `Ok(None)` for [`ErrorKind::NotFound`].
    fn optional(self) -> Result<Option<T>, CallError>;
}

impl<T> Optional<T> for Result<T, CallError> {
    fn optional(self) -> Result<Option<T>, CallError> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
