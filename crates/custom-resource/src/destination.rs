//! What Lambda tells of an invocation that it has given up, and how a person reads that.
//!
//! An asynchronous invocation that came to nothing goes to the function's OnFailure destination, as a
//! record (AWS Lambda Developer Guide, "Retaining records of asynchronous invocations"):
//!
//! ```json
//! {
//!   "version": "1.0",
//!   "timestamp": "2026-03-13T17:53:01.123Z",
//!   "requestContext": {
//!     "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
//!     "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:provider:$LATEST",
//!     "condition": "RetriesExhausted",
//!     "approximateInvokeCount": 3
//!   },
//!   "requestPayload": { "RequestType": "Create" },
//!   "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
//!   "responsePayload": { "errorType": "Runtime.ExitError", "errorMessage": "…" }
//! }
//! ```
//!
//! Only `requestContext` and `requestPayload` must be there: an event that grew too old before the function
//! ever ran has no response, and what is in the context is for people alone.

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    deliver::Undelivered,
    fault::{is_invisible, quoted},
    ids::RequestId,
    request::kind_of,
    response_url::ResponseUrl,
};

/// How many characters of Lambda's own words a reason repeats.
const SHOWN_CHARS: usize = 200;

/// Where Lambda itself says what went wrong, and not the function: it knows nothing of the request, so its
/// words hold nothing secret. Of others' errors only the type is repeated.
const LAMBDAS_OWN: [&str; 5] = ["Runtime.", "Sandbox.", "Extension.", "Function.", "Init."];

/// An invocation that Lambda has given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenUp {
    /// The function's name.
    pub(crate) function: Option<String>,
    /// Lambda's own id of the invocation.
    pub(crate) aws_request_id: Option<String>,
    /// Whether it was given up for its age, and not for its failures.
    pub(crate) too_old: bool,
    /// How often it was tried.
    pub(crate) tries: Option<u64>,
    /// When it was given up.
    pub(crate) at: Option<OffsetDateTime>,
    /// How the last try ended; `None` where Lambda does not say, as when there was none.
    pub(crate) end: Option<End>,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// `errorType`, such as `Runtime.ExitError`.
    kind: String,
    /// `errorMessage`.
    message: String,
}

/// Reads a record; gives the payload that the function was invoked with, and what became of it.
///
/// # Errors
///
/// What is wrong with it, where it is no such record.
pub(crate) fn read(payload: Value) -> Result<(Value, GivenUp), String> {
    const REMEDY: &str = "Send a record of Lambda's OnFailure destination";
    let mut fields = match payload {
        Value::Object(fields) => fields,
        other => return Err(format!("the payload: it is {}, not an object. {REMEDY}.", kind_of(&other))),
    };
    let wrong = |field: &str, found: Option<&Value>| {
        let problem = found.map_or_else(|| "missing".to_owned(), |found| kind_of(found).to_owned());
        format!("{field}: it is {problem}. {REMEDY}.")
    };
    let context = match fields.get("requestContext") {
        Some(Value::Object(context)) => context,
        found => return Err(wrong("requestContext", found)),
    };
    let given_up = GivenUp {
        function: text(context, "functionArn").and_then(function_name),
        aws_request_id: text(context, "requestId").filter(|id| is_name(id)).map(str::to_owned),
        too_old: text(context, "condition") == Some("EventAgeExceeded"),
        tries: context.get("approximateInvokeCount").and_then(Value::as_u64),
        at: text(&fields, "timestamp").and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok()),
        end: fields.get("responsePayload").and_then(End::read),
    };
    match fields.remove("requestPayload") {
        Some(request) if !request.is_null() => Ok((request, given_up)),
        found => Err(wrong("requestPayload", found.as_ref())),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

/// The name in `arn:<partition>:lambda:<region>:<account>:function:<name>[:<qualifier>]`.
fn function_name(arn: &str) -> Option<String> {
    let name = arn.split(':').nth(6)?;
    is_name(name).then(|| name.to_owned())
}

/// Whether a reason may repeat `text` as it is: the names of functions and Lambda's ids are of this kind.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// What became of a try, as far as a person can do something about it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    OutOfMemory,
    Killed,
    Stopped { seconds: Option<String> },
    NotStarted(String),
    Ended(String),
    Undelivered(String),
    Erred(String),
    NotRun,
    Untold,
}

impl End {
    fn read(payload: &Value) -> Option<Self> {
        let (kind, message) = match payload {
            Value::Object(fields) => (text(fields, "errorType"), text(fields, "errorMessage")),
            Value::String(message) => (None, Some(message.as_str())),
            _ => (None, None),
        };
        let end = Self {
            kind: kind.unwrap_or_default().trim().to_owned(),
            message: message.unwrap_or_default().trim().to_owned(),
        };
        (!end.kind.is_empty() || !end.message.is_empty()).then_some(end)
    }

    fn cause(&self, request_id: &RequestId) -> Cause {
        let Self { kind, message } = self;
        let after = |beginning: &str| message.split_once(beginning).map(|(_, rest)| rest);
        if let Some(rest) = after("Task timed out after ") {
            let seconds = rest.split(' ').next().and_then(whole_seconds);
            return Cause::Stopped { seconds };
        }
        if let Some(last) = Undelivered::last_of(message, request_id) {
            return Cause::Undelivered(shown(last));
        }
        match kind.as_str() {
            _ if kind.starts_with("TooManyRequests") || message.contains("Rate Exceeded") => Cause::NotRun,
            "Sandbox.Timedout" => Cause::Stopped { seconds: None },
            "Runtime.OutOfMemory" => Cause::OutOfMemory,
            // The signal by which the system takes the memory back.
            _ if message.contains("signal: killed") => Cause::Killed,
            "Runtime.ExitError" => Cause::Ended(shown(after("Runtime exited ").unwrap_or(message))),
            _ if kind.starts_with("Runtime.Invalid") || message.contains("fork/exec ") => {
                Cause::NotStarted(shown(after("Error: ").unwrap_or(message)))
            }
            _ if LAMBDAS_OWN.iter().any(|own| kind.starts_with(own)) => {
                let said = after("Error: ").unwrap_or(message);
                Cause::Erred(format!("{}: {}", quoted(kind), shown(said)))
            }
            "" => Cause::Untold,
            _ => Cause::Erred(quoted(kind)),
        }
    }
}

/// `300.00` as `300`.
fn whole_seconds(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_number = (1..=6).contains(&whole.len()) && digits(whole) && digits(fraction);
    let fraction = fraction.trim_end_matches('0');
    is_number.then(|| if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// Somebody's words in one line, shortened.
fn shown(text: &str) -> String {
    let visible: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    let short: String = line.chars().take(SHOWN_CHARS).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

impl GivenUp {
    /// What happened, how often it was tried, what to do, and where the log is.
    pub(crate) fn reason(
        &self,
        request_id: &RequestId,
        issued_at: Option<OffsetDateTime>,
        url: &ResponseUrl,
    ) -> String {
        let cause = match &self.end {
            Some(End { kind, message }) => {
                End { kind: kind.clone(), message: url.cut_from(message) }.cause(request_id)
            }
            None if self.too_old => Cause::NotRun,
            None => Cause::Untold,
        };
        let function = match &self.function {
            Some(name) => format!("the function {name}"),
            None => "its function".to_owned(),
        };
        let (what, remedy) = match &cause {
            Cause::OutOfMemory => ("ran out of memory".to_owned(), format!("Give {function} more memory")),
            Cause::Killed => (
                "was killed, most likely because it ran out of memory".to_owned(),
                format!("Give {function} more memory"),
            ),
            Cause::Stopped { seconds } => {
                let after = seconds.iter().map(|seconds| format!(" after {seconds} seconds"));
                let what = format!("was stopped at its timeout{}", after.collect::<String>());
                (what, "See in its log what it waited for".to_owned())
            }
            Cause::NotStarted(said) => (
                format!("could not start ({said})"),
                format!("Build {function} for the processors that it runs on, deploy it"),
            ),
            Cause::Ended(said) => (
                format!("ended before it had answered (its process exited {said})"),
                "See in its log why".to_owned(),
            ),
            Cause::Undelivered(said) => (
                format!("could not deliver its answer ({said})"),
                format!(
                    "Let {function} reach Amazon S3 (its VPC, a proxy or an endpoint's policy may be in the way)"
                ),
            ),
            Cause::Erred(said) => (format!("failed with {said}"), "See in its log why".to_owned()),
            Cause::NotRun => (
                format!(
                    "was not run {}, because Lambda throttled it or failed itself",
                    self.waited(issued_at)
                ),
                format!("Free or reserve concurrency for {function}"),
            ),
            Cause::Untold => {
                ("failed, and Lambda does not say how".to_owned(), "See in its log why".to_owned())
            }
        };
        let tried = match (&cause, self.tries) {
            (Cause::NotRun, _) | (_, None | Some(0)) => String::new(),
            (_, Some(1)) => ", in its only try".to_owned(),
            (_, Some(tries)) => format!(", in the last of {tries} tries"),
        };
        let too_old = match &cause {
            Cause::NotRun => "",
            _ if self.too_old => "; then the request was too old for another",
            _ => "",
        };
        let place = match &cause {
            Cause::NotRun => "CloudWatch shows it as Throttles of that function.".to_owned(),
            _ => self.place(request_id),
        };
        format!("The provider {what}{tried}{too_old}. {remedy}, and run the stack operation again. {place}")
    }

    /// For how long it was not run.
    fn waited(&self, issued_at: Option<OffsetDateTime>) -> String {
        let waited = self.at.zip(issued_at).map(|(at, issued)| (at - issued).whole_seconds());
        match waited.map(|seconds| (seconds + 30) / 60) {
            Some(1) => "for a minute".to_owned(),
            Some(minutes) if minutes > 1 => format!("for {minutes} minutes"),
            _ => "in time".to_owned(),
        }
    }

    /// Where the log is. It is in the group that Lambda names after the function, unless somebody chose another.
    fn place(&self, request_id: &RequestId) -> String {
        let group = match &self.function {
            Some(name) => format!("The log is in the log group /aws/lambda/{name}"),
            None => "The log is that of the provider's function".to_owned(),
        };
        match &self.aws_request_id {
            Some(id) => format!("{group}, under Lambda's request id {id}."),
            None => format!("{group}, under request id {request_id}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        deliver::PutError,
        testing::{RESPONSE_URL, create, with, without},
    };

    fn record() -> Value {
        json!({
            "version": "1.0",
            "timestamp": "2026-03-13T17:53:01.123Z",
            "requestContext": {
                "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:provider:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": create(),
        })
    }

    fn request_id() -> RequestId {
        RequestId::parse("77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10").unwrap()
    }

    fn reason(record: Value) -> String {
        let (_, given_up) = read(record).unwrap();
        given_up.reason(&request_id(), None, &ResponseUrl::parse(RESPONSE_URL).unwrap())
    }

    /// The beginning of the reason where the last try ended so.
    fn what(kind: &str, message: &str) -> String {
        let reason =
            reason(with(record(), "responsePayload", json!({"errorType": kind, "errorMessage": message})));
        let what = reason.split(", in the last of 3 tries").next().unwrap().split(". ").next().unwrap();
        what.strip_prefix("The provider ").unwrap().to_owned()
    }

    #[test]
    fn a_record_gives_the_request_and_what_became_of_it() {
        let (request, given_up) = read(record()).unwrap();
        assert_eq!(request, create());
        assert_eq!(
            given_up,
            GivenUp {
                function: Some("provider".into()),
                aws_request_id: Some("8476a536-e9f4-11e8-9739-2dfe598c3fcd".into()),
                too_old: false,
                tries: Some(3),
                at: Some(time::macros::datetime!(2026-03-13 17:53:01.123 UTC)),
                end: None,
            }
        );
    }

    #[test]
    fn what_is_no_record_is_told_with_what_would_be_one() {
        let remedy = "Send a record of Lambda's OnFailure destination.";
        for (payload, problem) in [
            (json!("Create"), "the payload: it is a string, not an object."),
            (create(), "requestContext: it is missing."),
            (with(record(), "requestContext", json!([])), "requestContext: it is a list."),
            (without(record(), "requestPayload"), "requestPayload: it is missing."),
            (with(record(), "requestPayload", Value::Null), "requestPayload: it is null."),
        ] {
            assert_eq!(read(payload).unwrap_err(), format!("{problem} {remedy}"));
        }
    }

    #[test]
    fn all_that_is_for_people_only_may_be_missing_or_anything() {
        for (context, payload) in [
            (json!({}), Value::Null),
            (json!({"requestId": 7, "functionArn": "provider", "approximateInvokeCount": "3"}), json!(7)),
            (json!({"requestId": "a b", "functionArn": "a:b:c:d:e:f:g h", "condition": "?"}), json!({})),
            (json!({"requestId": "", "functionArn": "a:b:c:d:e:f:", "approximateInvokeCount": 0}), json!("")),
        ] {
            let record = with(without(record(), "timestamp"), "requestContext", context);
            assert_eq!(
                reason(with(record, "responsePayload", payload)),
                "The provider failed, and Lambda does not say how. See in its log why, and run the stack operation \
                 again. The log is that of the provider's function, under request id \
                 77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10."
            );
        }
    }

    #[test]
    fn what_lambda_says_is_told_in_plain_words() {
        for (kind, message, expected) in [
            ("Runtime.OutOfMemory", "", "ran out of memory"),
            (
                "Runtime.ExitError",
                "RequestId: 8476a536 Error: Runtime exited with error: signal: killed",
                "was killed, most likely because it ran out of memory",
            ),
            (
                "Runtime.ExitError",
                "RequestId: 8476a536 Error: Runtime exited with error: signal: aborted",
                "ended before it had answered (its process exited with error: signal: aborted)",
            ),
            (
                "Runtime.ExitError",
                "RequestId: 8476a536 Error: Runtime exited without providing a reason",
                "ended before it had answered (its process exited without providing a reason)",
            ),
            (
                "Sandbox.Timedout",
                "RequestId: 8476a536 Error: Task timed out after 300.00 seconds",
                "was stopped at its timeout after 300 seconds",
            ),
            // As Lambda wrote it before it had types for it.
            (
                "",
                "2026-03-13T17:53:01.123Z 8476a536 Task timed out after 3.51 seconds",
                "was stopped at its timeout after 3.51 seconds",
            ),
            ("Sandbox.Timedout", "", "was stopped at its timeout"),
            ("", "Task timed out after all those seconds", "was stopped at its timeout"),
            (
                "Runtime.InvalidEntrypoint",
                "RequestId: 8476a536 Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap]",
                "could not start (Couldn't find valid bootstrap(s): [/var/task/bootstrap])",
            ),
            (
                "Runtime.Unknown",
                "RequestId: 8476a536 Error: something\n new.",
                "failed with «Runtime.Unknown»: something new",
            ),
            (
                "TooManyRequestsException",
                "",
                "was not run in time, because Lambda throttled it or failed itself",
            ),
            ("", "Rate Exceeded.", "was not run in time, because Lambda throttled it or failed itself"),
            // Not Lambda's own words: they may hold anything.
            ("Panic", "the secret", "failed with «Panic»"),
            ("", "the secret", "failed, and Lambda does not say how"),
        ] {
            assert_eq!(what(kind, message), expected, "{kind} {message}");
        }
    }

    #[test]
    fn an_answer_that_was_not_delivered_is_known_by_its_own_error() {
        let error = Undelivered {
            request_id: request_id(),
            attempts: 62,
            last: PutError::from_status(503, "SlowDown"),
        };
        assert_eq!(
            what("alloc::boxed::Box<dyn Error>", &error.to_string()),
            "could not deliver its answer (HTTP status 503: SlowDown)"
        );
        let of_another = Undelivered { request_id: RequestId::parse("another").unwrap(), ..error };
        assert_eq!(what("Error", &of_another.to_string()), "failed with «Error»");
    }

    #[test]
    fn how_often_it_was_tried_is_told() {
        let tried = |tries: Value, condition: &str| {
            let mut record = with(record(), "responsePayload", json!({"errorType": "Runtime.OutOfMemory"}));
            record["requestContext"]["approximateInvokeCount"] = tries;
            record["requestContext"]["condition"] = json!(condition);
            reason(record).split_once(". ").unwrap().0.replace("The provider ran out of memory", "")
        };
        assert_eq!(tried(json!(1), "RetriesExhausted"), ", in its only try");
        assert_eq!(tried(json!(2), "RetriesExhausted"), ", in the last of 2 tries");
        assert_eq!(tried(json!(0), "RetriesExhausted"), "");
        assert_eq!(
            tried(json!(2), "EventAgeExceeded"),
            ", in the last of 2 tries; then the request was too old for another"
        );
    }
}
