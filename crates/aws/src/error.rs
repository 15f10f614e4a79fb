//! The SDK's failures as [`CallError`]s: the one place where they are told apart.

use std::{error::Error, fmt::Write as _};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{metadata::ProvideErrorMetadata, operation::BuildError};
use ports::{CallError, ErrorKind};

/// What the failure of `operation` (as IAM names it) means. For use with `map_err`.
pub(crate) fn failed<E>(operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    move |error| {
        let failure = call_error(operation, &error);
        // S3 has a header of its own.
        let header = |name| error.raw_response().and_then(|raw| raw.headers().get(name));
        let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
        tracing::debug!(
            operation,
            kind = ?failure.kind,
            code = failure.code,
            message = failure.message,
            aws_request_id = request_id,
            "call failed"
        );
        failure
    }
}

fn call_error<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, code) = match error {
        // A success that does not parse; the SDK takes it for an error of the service.
        SdkError::ServiceError(answer) if answer.raw().status().is_success() => {
            (ErrorKind::Unknown, UNREADABLE)
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code();
            let message = answer.err().message().map_or_else(|| chain(error), str::to_owned);
            let kind = kind_of(code.unwrap_or_default(), status);
            let code = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
            return CallError { operation, kind, code, message };
        }
        SdkError::ConstructionFailure(_) => (ErrorKind::Invalid, "RequestNotBuilt"),
        // Nothing was sent, but it is the environment that is wrong, not the request.
        SdkError::DispatchFailure(_) if source_is::<CredentialsError>(error) => {
            (ErrorKind::Denied, "NoCredentials")
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => (ErrorKind::Unknown, "TimedOut"),
        SdkError::TimeoutError(_) => (ErrorKind::Unknown, "TimedOut"),
        SdkError::DispatchFailure(_) => (ErrorKind::Unknown, "ConnectionFailed"),
        SdkError::ResponseError(_) => (ErrorKind::Unknown, UNREADABLE),
        _ => (ErrorKind::Unknown, "Unknown"),
    };
    CallError { operation, kind, code: code.into(), message: chain(error) }
}

const UNREADABLE: &str = "UnreadableAnswer";

/// An answer that arrived but does not say what it must.
pub(crate) fn unreadable(operation: &'static str, message: impl Into<String>) -> CallError {
    CallError { operation, kind: ErrorKind::Unknown, code: UNREADABLE.into(), message: message.into() }
}

/// A request that the SDK would not build.
pub(crate) fn unbuilt(operation: &'static str) -> impl Fn(BuildError) -> CallError {
    move |error| CallError {
        operation,
        kind: ErrorKind::Invalid,
        code: "RequestNotBuilt".into(),
        message: chain(&error),
    }
}

/// What an error code means, or where it is not one of those known here, the status (see "Common
/// Errors" in each service's API Reference).
pub(crate) fn kind_of(code: &str, status: u16) -> ErrorKind {
    let name = code.strip_suffix("Exception").unwrap_or(code);
    let name = name.strip_suffix("Error").unwrap_or(name);
    match name {
        // `TooManyUpdates` of Parameter Store: another update of the same parameter is under way.
        "Throttling"
        | "Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "BandwidthLimitExceeded"
        | "ProvisionedThroughputExceeded"
        | "PriorRequestNotComplete"
        | "SlowDown"
        | "KMSThrottling"
        | "TooManyUpdates" => ErrorKind::Throttled,
        "Conflict" | "ParameterAlreadyExists" | "AlreadyExists" | "ResourceInUse" | "OperationAborted" => {
            ErrorKind::Conflict
        }
        "AccessDenied"
        | "Authorization"
        | "NotAuthorized"
        | "KMSAccessDenied"
        | "DependencyAccessDenied"
        | "UnauthorizedOperation"
        | "UnrecognizedClient"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "OptInRequired"
        | "RequestExpired" => ErrorKind::Denied,
        "ResourceNotFound" | "ParameterNotFound" | "InvalidResourceId" | "NoSuchResource" | "NoSuchKey"
        | "NoSuchBucket" => ErrorKind::NotFound,
        // An endpoint that is not the service's, and a bucket of another Region.
        "UnknownOperation" | "InvalidAction" | "PermanentRedirect" => ErrorKind::Invalid,
        "ServiceQuotaExceeded"
        | "LimitExceeded"
        | "ResourceLimitExceeded"
        | "TooManyTags"
        | "ParameterLimitExceeded"
        | "ParameterMaxVersionLimitExceeded" => ErrorKind::LimitExceeded,
        "Internal"
        | "InternalServer"
        | "InternalService"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "PaginationTokenExpired" => ErrorKind::Unknown,
        _ => match status {
            401 | 403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            408 => ErrorKind::Unknown,
            409 => ErrorKind::Conflict,
            429 => ErrorKind::Throttled,
            400..=499 => ErrorKind::Invalid,
            _ => ErrorKind::Unknown,
        },
    }
}

fn source_is<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<T>())
}

/// An error's text with those of its causes.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&error| error.source()) {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};
    use ports::ErrorKind::{Conflict, Denied, Invalid, LimitExceeded, NotFound, Throttled, Unknown};

    use super::*;

    type Failure = SdkError<ErrorMetadata, HttpResponse>;

    fn refusal(status: u16, code: Option<&str>) -> Failure {
        let mut error = ErrorMetadata::builder();
        if let Some(code) = code {
            error = error.code(code).message("because");
        }
        Failure::service_error(error.build(), answer(status))
    }

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    #[test]
    fn every_refusal_has_its_kind() {
        for (status, code, kind) in [
            // Bedrock
            (400, "ValidationException", Invalid),
            (400, "ConflictException", Conflict),
            (400, "TooManyTagsException", LimitExceeded),
            (400, "ServiceQuotaExceededException", LimitExceeded),
            (403, "AccessDeniedException", Denied),
            (404, "ResourceNotFoundException", NotFound),
            (429, "ThrottlingException", Throttled),
            (500, "InternalServerException", Unknown),
            // Parameter Store
            (400, "ParameterAlreadyExists", Conflict),
            (400, "ParameterNotFound", NotFound),
            (400, "InvalidResourceId", NotFound),
            (400, "ParameterLimitExceeded", LimitExceeded),
            (400, "ParameterMaxVersionLimitExceeded", LimitExceeded),
            (400, "TooManyTagsError", LimitExceeded),
            (400, "TooManyUpdates", Throttled),
            (400, "ThrottlingException", Throttled),
            (400, "HierarchyLevelLimitExceededException", Invalid),
            (400, "ParameterPatternMismatchException", Invalid),
            (400, "InternalServerError", Unknown),
            // The tagging API
            (400, "ThrottledException", Throttled),
            (400, "InvalidParameterException", Invalid),
            (400, "PaginationTokenExpiredException", Unknown),
            (500, "InternalServiceException", Unknown),
            // CloudFormation and CloudWatch
            (400, "Throttling", Throttled),
            (400, "ValidationError", Invalid),
            (403, "AccessDenied", Denied),
            (400, "RequestLimitExceeded", Throttled),
            (400, "LimitExceeded", LimitExceeded),
            (500, "InternalServiceFault", Unknown),
            (404, "UnknownOperationException", Invalid),
            (400, "InvalidAction", Invalid),
            // Service Quotas
            (400, "NoSuchResourceException", NotFound),
            (400, "DependencyAccessDeniedException", Denied),
            (500, "ServiceException", Unknown),
            // S3
            (404, "NoSuchKey", NotFound),
            (404, "NoSuchBucket", NotFound),
            (301, "PermanentRedirect", Invalid),
            (409, "OperationAborted", Conflict),
            (500, "InternalError", Unknown),
            // SNS
            (403, "AuthorizationError", Denied),
            (404, "NotFound", NotFound),
            (400, "KMSThrottling", Throttled),
            (400, "KMSAccessDenied", Denied),
            (400, "InvalidParameter", Invalid),
            // EventBridge
            (400, "InternalException", Unknown),
            // All
            (400, "TooManyRequestsException", Throttled),
            (400, "LimitExceededException", LimitExceeded),
            (400, "UnrecognizedClientException", Denied),
            (400, "ExpiredTokenException", Denied),
            (403, "ExpiredToken", Denied),
            (403, "InvalidSignatureException", Denied),
            (400, "RequestTimeoutException", Unknown),
            (503, "ServiceUnavailable", Unknown),
            (503, "SlowDown", Throttled),
            (409, "SomethingNew", Conflict),
            (418, "SomethingNew", Invalid),
        ] {
            let error = call_error("a:B", &refusal(status, Some(code)));
            let expected = CallError { operation: "a:B", kind, code: code.into(), message: "because".into() };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        for (status, kind) in [
            (400, Invalid),
            (401, Denied),
            (403, Denied),
            (404, NotFound),
            (408, Unknown),
            (409, Conflict),
            (413, Invalid),
            (429, Throttled),
            (500, Unknown),
            (502, Unknown),
            (307, Unknown),
        ] {
            let error = call_error("a:B", &refusal(status, None));
            assert_eq!((error.kind, error.code), (kind, format!("HTTP {status}")));
        }
    }

    #[test]
    fn what_may_have_had_its_effect_is_unknown_and_what_was_never_sent_is_not() {
        let no_credentials = CredentialsError::not_loaded("none");
        for (error, kind, code, message) in [
            (
                Failure::construction_failure("bad"),
                Invalid,
                "RequestNotBuilt",
                "failed to construct request: bad",
            ),
            (Failure::timeout_error("late"), Unknown, "TimedOut", "request has timed out: late"),
            (
                Failure::dispatch_failure(ConnectorError::timeout("late".into())),
                Unknown,
                "TimedOut",
                "dispatch failure: timeout: late",
            ),
            (
                Failure::dispatch_failure(ConnectorError::io("refused".into())),
                Unknown,
                "ConnectionFailed",
                "dispatch failure: io error: refused",
            ),
            (
                Failure::dispatch_failure(ConnectorError::other(no_credentials.into(), None)),
                Denied,
                "NoCredentials",
                "dispatch failure: other: the credential provider was not enabled: none",
            ),
            (refusal(200, None), Unknown, "UnreadableAnswer", "service error: Error"),
            (
                Failure::response_error("not JSON", answer(200)),
                Unknown,
                "UnreadableAnswer",
                "response error: not JSON",
            ),
        ] {
            let expected = CallError { operation: "a:B", kind, code: code.into(), message: message.into() };
            assert_eq!(call_error("a:B", &error), expected);
        }
    }
}
