//! How long the provider waits for AWS, and how it asks again.

use std::{future::Future, time::Duration};

use ports::{CallError, ErrorKind};
use tokio::time::{Instant, sleep};

/// How long a read may lag behind a write before it is believed. Bedrock documents nothing; clients in
/// the wild wait through some twenty not-founds.
pub const VISIBILITY: Duration = Duration::from_secs(30);

/// How long a new profile may take to be seen active. More than [`VISIBILITY`]: giving up costs a whole
/// replacement.
pub const ACTIVATION: Duration = Duration::from_secs(90);

/// How many calls of one kind run side by side.
pub const SIDE_BY_SIDE: usize = 8;

/// How often a call that failed for a passing reason is made, in all. The AWS adapters have tried each
/// some times before.
const ATTEMPTS: u32 = 4;

/// The pauses between attempts: 0.4, 0.8, 1.6, … at most 5 seconds.
pub fn pause(attempt: u32) -> Duration {
    Duration::from_millis(400_u64.saturating_mul(1 << attempt.min(6))).min(Duration::from_secs(5))
}

/// Calls until the outcome is known, or `ATTEMPTS` are used up. Only for calls that do no harm when
/// they are repeated.
pub async fn persist<T, F>(mut call: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut attempt = 0;
    loop {
        match call().await {
            Err(error) if error.is_transient() && attempt + 1 < ATTEMPTS => {
                tracing::warn!(%error, attempt, "a call failed and is repeated");
                sleep(pause(attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// Asks until `look` finds something, or `window` has passed.
pub async fn poll<T, E, F>(window: Duration, mut look: impl FnMut() -> F) -> Result<Option<T>, E>
where
    F: Future<Output = Result<Option<T>, E>>,
{
    let end = Instant::now() + window;
    let mut attempt = 0;
    loop {
        if let Some(found) = look().await? {
            return Ok(Some(found));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        sleep(pause(attempt).min(end.saturating_duration_since(Instant::now()))).await;
        attempt += 1;
    }
}

/// The result of taking something away, when a repetition may find that the first had its effect already:
/// that the thing is gone then counts as done. The role may only touch what carries our tags, so AWS says
/// "denied" rather than "not found" of what does not carry them any more; `is_ours` looks, within `window`,
/// because a read may lag behind the deletion.
pub async fn gone<F>(
    result: Result<(), CallError>,
    window: Duration,
    is_ours: impl Fn() -> F,
) -> Result<(), CallError>
where
    F: Future<Output = Result<bool, CallError>>,
{
    match result {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind == ErrorKind::Denied => {
            let is_gone = || async { Ok::<_, CallError>((!is_ours().await?).then_some(())) };
            match poll(window, is_gone).await {
                Ok(Some(())) => Ok(()),
                // Whether it is gone is not known, and may be known later.
                Err(unknown) if unknown.is_transient() => Err(unknown),
                _ => Err(error),
            }
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a call is made that always fails so.
    async fn calls_of(kind: ErrorKind) -> u32 {
        let mut calls = 0;
        let failing = persist(|| {
            calls += 1;
            let error =
                CallError { operation: "ssm:PutParameter", kind, code: "x".into(), message: "y".into() };
            async { Err::<(), _>(error) }
        });
        let result = tokio::time::timeout(Duration::from_secs(600), failing).await;
        assert_eq!(result.expect("it is given up").unwrap_err().kind, kind);
        calls
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_for_good_is_made_so_often_and_no_more() {
        for kind in [ErrorKind::Throttled, ErrorKind::Unknown] {
            assert_eq!(calls_of(kind).await, ATTEMPTS, "{kind:?}");
        }
        for kind in [ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Denied, ErrorKind::Invalid] {
            assert_eq!(calls_of(kind).await, 1, "{kind:?}");
        }
    }
}
