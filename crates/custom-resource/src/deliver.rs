//! The answer's way out of the process.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep, timeout};

use crate::{ids::RequestId, response_url::ResponseUrl};

/// How long one PUT may take. The body is small: what takes longer has lost its way, and a new
/// connection is the better chance.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(3);

/// What an attempt gets even when the time is up; also, how long before the end no new one begins.
const LEAST_ATTEMPT: Duration = Duration::from_millis(200);

/// The first pause between attempts; each further one is twice as long, up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Carries an answer to CloudFormation.
#[async_trait]
pub trait AnswerSink: Send + Sync {
    /// PUTs `body` to `url` once: with a `Content-Type` that is there and empty, because the URL is
    /// signed so, and with an exact `Content-Length`, because a presigned URL takes no chunked body.
    /// May be called again with the same body, and may be dropped when it takes too long.
    async fn put(&self, url: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError>;
}

/// A PUT that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// A later attempt can succeed: no connection, no response in time, a server's error.
    #[error("{0}")]
    Retryable(String),
    /// It was turned away, though the URL should still be good: by what lies on the way (a proxy, the policy of a
    /// VPC endpoint), perhaps. From here no later attempt can succeed, but from another function one may.
    #[error("{0}")]
    Refused(String),
    /// None can, as with a URL that has expired.
    #[error("{0}")]
    Final(String),
}

impl PutError {
    /// What a response other than 2xx means. `detail` is the beginning of its body, in which S3 names
    /// its error: the one 4xx that passes is known by that alone (Amazon S3 API Reference, "Error
    /// responses").
    pub fn from_status(status: u16, detail: &str) -> Self {
        let text = format!("HTTP status {status}: {}", detail.trim());
        match status {
            408 | 429 | 500..=599 => Self::Retryable(text),
            400 if detail.contains("RequestTimeout") => Self::Retryable(text),
            _ => Self::Final(text),
        }
    }

    /// The same, of a URL that is still good.
    #[must_use]
    pub fn of_a_good_url(self) -> Self {
        match self {
            Self::Final(text) => Self::Refused(text),
            error => error,
        }
    }

    /// Whether a later attempt can succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Retryable(_))
    }

    /// The same without the URL, which HTTP clients like to put into their errors.
    fn without(self, url: &ResponseUrl) -> Self {
        match self {
            Self::Retryable(text) => Self::Retryable(url.cut_from(&text)),
            Self::Refused(text) => Self::Refused(url.cut_from(&text)),
            Self::Final(text) => Self::Final(url.cut_from(&text)),
        }
    }
}

/// An answer that did not reach CloudFormation while there was time. To serve the request once more may
/// help, so the function should fail: Lambda then repeats the invocation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer to request {request_id} was not delivered in {attempts} attempts: {last}")]
pub struct Undelivered {
    /// Whose answer.
    pub request_id: RequestId,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt failed with.
    pub last: PutError,
}

impl Undelivered {
    /// What the last attempt failed with, where `text` is this error's own about `request_id`.
    pub(crate) fn last_of<'a>(text: &'a str, request_id: &RequestId) -> Option<&'a str> {
        let rest = text.strip_prefix(&format!("the answer to request {request_id} was not delivered in "))?;
        rest.split_once(" attempts: ").map(|(_, last)| last)
    }
}

/// Tries until the answer is taken, cannot be taken, or `deadline` has come; at least once. Says how
/// often it tried.
pub(crate) async fn deliver(
    sink: &dyn AnswerSink,
    url: &ResponseUrl,
    body: &[u8],
    deadline: Instant,
) -> (u32, Result<(), PutError>) {
    let mut attempts = 0;
    loop {
        attempts += 1;
        // Half of what is left at most, so that one attempt never takes the place of another.
        let limit = ATTEMPT_LIMIT.min(left(deadline) / 2).max(LEAST_ATTEMPT);
        let result = timeout(limit, sink.put(url, body.to_vec())).await;
        let error = match result {
            Ok(Ok(())) => return (attempts, Ok(())),
            Ok(Err(error)) => error.without(url),
            Err(_) => PutError::Retryable(format!("no response within {} ms", limit.as_millis())),
        };
        if !error.is_retryable() {
            return (attempts, Err(error));
        }
        tracing::warn!(attempts, %error, "the answer was not taken and is sent again");
        let backoff = FIRST_PAUSE.saturating_mul(1 << (attempts - 1).min(5)).min(LONGEST_PAUSE);
        let pause = backoff.min(left(deadline) / 4);
        if left(deadline) < pause + LEAST_ATTEMPT {
            return (attempts, Err(error));
        }
        sleep(pause).await;
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::testing::RESPONSE_URL;

    /// Does what its script says, attempt by attempt; then what it said last.
    struct Scripted {
        script: Vec<Put>,
        attempts: Mutex<Vec<Instant>>,
    }

    #[derive(Clone)]
    enum Put {
        Takes,
        Hangs,
        Fails(PutError),
    }

    impl Scripted {
        fn new(script: &[Put]) -> Self {
            Self { script: script.to_vec(), attempts: Mutex::new(Vec::new()) }
        }
    }

    #[async_trait]
    impl AnswerSink for Scripted {
        async fn put(&self, _: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
            assert_eq!(body, b"body");
            let step = {
                let mut attempts = self.attempts.lock().unwrap();
                attempts.push(Instant::now());
                self.script[(attempts.len() - 1).min(self.script.len() - 1)].clone()
            };
            match step {
                Put::Takes => Ok(()),
                Put::Hangs => std::future::pending().await,
                Put::Fails(error) => Err(error),
            }
        }
    }

    fn url() -> ResponseUrl {
        ResponseUrl::parse(RESPONSE_URL).unwrap()
    }

    fn busy() -> Put {
        Put::Fails(PutError::from_status(503, "SlowDown"))
    }

    async fn run(script: &[Put], seconds: f64) -> (u32, Result<(), PutError>, Duration) {
        let sink = Scripted::new(script);
        let start = Instant::now();
        let (attempts, result) =
            deliver(&sink, &url(), b"body", start + Duration::from_secs_f64(seconds)).await;
        assert_eq!(sink.attempts.lock().unwrap().len(), attempts as usize);
        (attempts, result, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_taken_is_sent_once() {
        assert_eq!(run(&[Put::Takes], 10.0).await, (1, Ok(()), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_sent_again() {
        let (attempts, result, elapsed) = run(&[busy(), busy(), Put::Takes], 10.0).await;
        assert_eq!((attempts, result), (3, Ok(())));
        assert_eq!(elapsed, Duration::from_millis(600));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_is_given_up_for_a_new_one() {
        let (attempts, result, elapsed) = run(&[Put::Hangs, Put::Takes], 10.0).await;
        assert_eq!((attempts, result), (2, Ok(())));
        assert_eq!(elapsed, ATTEMPT_LIMIT + FIRST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_taken_is_not_sent_again() {
        let expired = PutError::from_status(403, "<Code>AccessDenied</Code> Request has expired");
        let (attempts, result, elapsed) = run(&[Put::Fails(expired.clone()), Put::Takes], 10.0).await;
        assert_eq!((attempts, result, elapsed), (1, Err(expired), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_the_time() {
        for script in [busy(), Put::Hangs] {
            for seconds in [0.3, 1.0, 3.0, 10.0, 300.0] {
                let (attempts, result, elapsed) = run(std::slice::from_ref(&script), seconds).await;
                assert!(result.unwrap_err().is_retryable());
                assert!(elapsed <= Duration::from_secs_f64(seconds), "{elapsed:?} of {seconds}");
                assert!(attempts >= 2 || seconds < 1.0, "{attempts} attempts in {seconds} s");
                assert!(attempts < 100, "{attempts} attempts in {seconds} s");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_shrink_with_the_time_so_that_little_time_is_used_well() {
        let (attempts, _, elapsed) = run(&[busy()], 1.0).await;
        assert!(attempts > 4, "{attempts} attempts");
        assert!(elapsed > Duration::from_millis(700), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_attempt_is_made_even_when_the_time_is_up() {
        let (attempts, result, _) = run(&[Put::Takes], 0.0).await;
        assert_eq!((attempts, result), (1, Ok(())));
        let (attempts, _, elapsed) = run(&[Put::Hangs], 0.0).await;
        assert_eq!((attempts, elapsed), (1, LEAST_ATTEMPT));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_holds_the_url_loses_its_signature() {
        let query = RESPONSE_URL.split_once('?').unwrap().1;
        for text in [format!("cannot reach {RESPONSE_URL}"), format!("bad query «{query}»")] {
            let (_, result, _) = run(&[Put::Fails(PutError::Final(text))], 1.0).await;
            let shown = result.unwrap_err().to_string();
            assert!(!shown.contains("X-Amz-Signature"), "{shown}");
            assert!(shown.starts_with("cannot reach https://cloudformation-") || shown == "bad query «…»");
        }
    }

    #[test]
    fn a_status_tells_what_passes_from_what_stays() {
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert!(PutError::from_status(status, "").is_retryable(), "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 411, 412] {
            assert!(!PutError::from_status(status, "<Code>AccessDenied</Code>").is_retryable(), "{status}");
        }
        assert!(PutError::from_status(400, "<Code>RequestTimeout</Code>").is_retryable());
        assert_eq!(PutError::from_status(403, " no ").to_string(), "HTTP status 403: no");
    }
}
