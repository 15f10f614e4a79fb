//! What a call can end with besides its result.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An error as the service answers it: a code, an HTTP status and a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The exception's name: `x-amzn-errortype` or `__type` on the wire.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// The text for people.
    pub message: String,
    /// The resource concerned; only `TooManyTagsException` carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
}

/// The HTTP status that belongs to an exception's name; 400 for an unknown one.
pub fn status_of(code: &str) -> u16 {
    match code {
        "AccessDeniedException" => 403,
        "ResourceNotFoundException" | "UnknownOperationException" => 404,
        "ThrottlingException" => 429,
        "InternalServerException" | "InternalServiceException" | "InternalFailure" | "ServiceException" => {
            500
        }
        "ServiceUnavailableException" | "ServiceUnavailable" => 503,
        _ => 400,
    }
}

impl ApiError {
    /// An error with the status that belongs to its code.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), status: status_of(code), message: message.into(), resource_name: None }
    }

    /// Bedrock: the request breaks a rule.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// Bedrock: the request collides with what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new("ConflictException", message)
    }

    /// Bedrock: what the request names is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    /// Bedrock: what the request names belongs to another account.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", message)
    }

    /// Bedrock: the account has used up its quota.
    pub fn quota_exceeded(message: impl Into<String>) -> Self {
        Self::new("ServiceQuotaExceededException", message)
    }

    /// Bedrock: the resource would have more tags than it may.
    pub fn too_many_tags(resource: &str, message: impl Into<String>) -> Self {
        Self { resource_name: Some(resource.to_owned()), ..Self::new("TooManyTagsException", message) }
    }

    /// Tagging API: the request breaks a rule.
    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// Either service: the body is not what the operation takes.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The service answered with an error.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// No answer arrived. The call took effect, or failed; the caller cannot know.
    #[error("the connection was cut before an answer")]
    Lost,
}

/// What a call ends with, and how long the answer is to be held back.
///
/// The state machine has no clock, so a delay is only told: the face waits it out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Answer<T> {
    /// The result. Its effect, if any, has already happened.
    pub result: Result<T, Failure>,
    /// How long the answer takes to arrive.
    pub delay: Duration,
}

impl<T> Answer<T> {
    /// The service's error, if that is how the call ended.
    pub fn api_error(&self) -> Option<&ApiError> {
        match &self.result {
            Err(Failure::Api(error)) => Some(error),
            _ => None,
        }
    }
}
