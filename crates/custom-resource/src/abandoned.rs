//! Requests whose provider died.
//!
//! [`crate::serve`] answers whatever the provider's code does, but not when there is no code any more: when
//! Lambda killed the function for its memory or at its timeout, when it could not even start, or was not run
//! for so long that its event grew too old. Lambda then hands what it knows, with the whole request, to the
//! function's OnFailure destination. [`answer`] is what that destination does:
//!
//! ```text
//! record -> Request -> Trust -> is it waited for? -> FAILED, with what happened -> AnswerSink::put
//!    |         |         |             |
//!  no record   +---------+           no: nothing
//!    |         |   nobody to tell
//!    +---------+
//! ```
//!
//! The answer names the id by which the Delete that follows finds whatever was made: the request's own, and for
//! a Create [`PhysicalId::unknown`], since nobody knows what it had come to.
//!
//! A request that CloudFormation has finished with is left alone, as when the provider had delivered its answer
//! before it died. [`Waiting`] tells, and is given little time for it: the answer comes first. It is asked twice,
//! because the provider may have died in the moment in which it had delivered, and the stack tells of that once
//! CloudFormation has read it. Whoever cannot tell says that it is waited for, because the two mistakes are not alike:
//!
//! - *Answered, though nobody waits*: CloudFormation takes one answer to a request. What comes to its URL later
//!   is read by nobody, as with any repeated delivery.
//! - *Not answered, though somebody waits*: the stack hangs until its `ServiceTimeout`, an hour by default.

use std::{panic::AssertUnwindSafe, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    answer::Answer,
    deliver::{AnswerSink, Undelivered},
    destination::{self, GivenUp},
    ids::PhysicalId,
    request::Request,
    serve::{Invocation, Opened, Served, nobody, panic_text},
    trust::Trust,
};

/// How long [`Waiting`] may take; of a short time, a third.
pub const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// After how long [`Waiting`] is asked again, when the provider may have answered in its last moment; of a short time, a
/// quarter. CloudFormation reads an answer within seconds.
pub const READ_WITHIN: Duration = Duration::from_secs(10);

/// Tells whether CloudFormation still waits for an answer.
#[async_trait]
pub trait Waiting: Send + Sync {
    /// `false` only where it is certain that CloudFormation has finished with `request`. May panic, and is
    /// dropped after [`LOOK_LIMIT`]: either counts as `true`.
    async fn is_waited_for(&self, request: &Request) -> bool;
}

/// Answers the request of a record of Lambda's OnFailure destination.
///
/// # Errors
///
/// Only when the answer could not be delivered and to try once more may help.
pub async fn answer(
    payload: Value,
    invocation: &Invocation,
    trust: &Trust,
    waiting: &dyn Waiting,
    sink: &dyn AnswerSink,
) -> Result<Served, Undelivered> {
    let start = Instant::now();
    let (request, given_up) = match destination::read(payload) {
        Ok(read) => read,
        Err(reason) => return Ok(nobody(invocation, reason)),
    };
    log_given_up(&given_up, invocation);
    let opened = match Opened::read(request, invocation, trust) {
        Ok(opened) => opened,
        Err(nobody) => return Ok(nobody),
    };
    let answer = match opened.to_do(trust) {
        Ok(request) if is_still_waited_for(request, &given_up, invocation, waiting).await => {
            failed(request, &given_up)
        }
        Ok(request) => {
            tracing::warn!(
                request_id = %request.request_id,
                "CloudFormation has finished with the request, and gets no answer"
            );
            return Ok(Served::NotWaitedFor);
        }
        Err(answer) => answer,
    };
    opened.deliver(&answer, invocation, start, sink).await
}

async fn is_still_waited_for(
    request: &Request,
    given_up: &GivenUp,
    invocation: &Invocation,
    waiting: &dyn Waiting,
) -> bool {
    if !is_waited_for(request, invocation, waiting).await {
        return false;
    }
    if given_up.tries == Some(0) {
        return true;
    }
    let left = invocation.deadline.saturating_duration_since(Instant::now());
    sleep(READ_WITHIN.min(left / 4)).await;
    is_waited_for(request, invocation, waiting).await
}

async fn is_waited_for(request: &Request, invocation: &Invocation, waiting: &dyn Waiting) -> bool {
    let left = invocation.deadline.saturating_duration_since(Instant::now());
    let limit = LOOK_LIMIT.min(left / 3);
    // Inside the catch, because what is dropped in the middle of its work can panic as well.
    let look = async { timeout(limit, waiting.is_waited_for(request)).await };
    let why = match AssertUnwindSafe(look).catch_unwind().await {
        Ok(Ok(is_waited_for)) => return is_waited_for,
        Ok(Err(_)) => format!("no answer within {} ms", limit.as_millis()),
        Err(panic) => panic_text(panic.as_ref()).to_owned(),
    };
    tracing::warn!(
        request_id = %request.request_id,
        why,
        "whether CloudFormation still waits is not known; it is answered"
    );
    true
}

fn failed(request: &Request, given_up: &GivenUp) -> Answer {
    let physical_id = request.kind.physical_id().cloned();
    let physical_id = physical_id.unwrap_or_else(|| PhysicalId::unknown(&request.logical_id));
    let reason = given_up.reason(&request.request_id, request.issued_at(), &request.response_url);
    Answer::failed(physical_id, reason)
}

fn log_given_up(given_up: &GivenUp, invocation: &Invocation) {
    tracing::error!(
        aws_request_id = invocation.aws_request_id,
        function = given_up.function,
        function_request_id = given_up.aws_request_id,
        tries = given_up.tries,
        too_old = given_up.too_old,
        "the provider did not come to its end"
    );
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::{
        answer::{LogPlace, Status},
        deliver::PutError,
        response_url::ResponseUrl,
        testing::{FUNCTION, create, delete, update, with, without},
    };

    /// What the one who is asked does.
    #[derive(Clone, Copy)]
    enum Says {
        Yes,
        YesThenNo,
        No,
        Hangs,
        Panics,
    }

    struct Asked {
        says: Says,
        times: AtomicUsize,
    }

    #[async_trait]
    impl Waiting for Asked {
        async fn is_waited_for(&self, _: &Request) -> bool {
            let times = self.times.fetch_add(1, Ordering::Relaxed);
            match self.says {
                Says::Yes => true,
                Says::YesThenNo => times == 0,
                Says::No => false,
                Says::Hangs => std::future::pending().await,
                Says::Panics => panic!("out of bounds"),
            }
        }
    }

    #[derive(Default)]
    struct Bucket(Mutex<Vec<Vec<u8>>>);

    #[async_trait]
    impl AnswerSink for Bucket {
        async fn put(&self, _: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
            self.0.lock().unwrap().push(body);
            Ok(())
        }
    }

    /// What became of the record of a request, and the answer to it.
    async fn answered(request: Value, says: Says) -> (Served, Option<Value>) {
        let record = json!({"requestContext": {}, "requestPayload": request});
        answered_to(record, says).await
    }

    async fn answered_to(record: Value, says: Says) -> (Served, Option<Value>) {
        let asked = Asked { says, times: AtomicUsize::new(0) };
        let invocation = Invocation {
            aws_request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into(),
            log: LogPlace::default(),
            began: datetime!(2026-03-01 12:00:00 UTC),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let (trust, bucket) = (Trust::new::<&str, &str>(FUNCTION, []), Bucket::default());
        let served = answer(record, &invocation, &trust, &asked, &bucket).await.unwrap();
        let mut bodies = bucket.0.into_inner().unwrap();
        assert!(bodies.len() <= 1);
        (served, bodies.pop().map(|body| serde_json::from_slice(&body).unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_fails_under_an_id_that_a_delete_can_work_from() {
        for (request, id) in [(create(), "unknown-for-Thing"), (update(), "thing-1"), (delete(), "thing-1")] {
            let (served, answer) = answered(request, Says::Yes).await;
            assert_eq!(served, Served::Delivered { status: Status::Failed, attempts: 1 });
            assert_eq!(answer.unwrap()["PhysicalResourceId"], id);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_gets_no_answer() {
        for request in [create(), update(), delete()] {
            assert_eq!(answered(request, Says::No).await, (Served::NotWaitedFor, None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_answered_in_the_last_moment_is_not_answered_again_once_it_is_read() {
        let start = Instant::now();
        assert_eq!(answered(create(), Says::YesThenNo).await, (Served::NotWaitedFor, None));
        assert_eq!(start.elapsed().as_secs(), READ_WITHIN.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_never_run_is_answered_at_once() {
        let context = json!({"condition": "EventAgeExceeded", "approximateInvokeCount": 0});
        let record = json!({"requestContext": context, "requestPayload": create()});
        let start = Instant::now();
        let (_, answer) = answered_to(record, Says::YesThenNo).await;
        assert_eq!(answer.unwrap()["Status"], "FAILED");
        assert_eq!(start.elapsed().as_secs(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_cannot_tell_is_given_up_soon_and_the_answer_is_sent() {
        for says in [Says::Hangs, Says::Panics] {
            let start = Instant::now();
            let (_, answer) = answered(create(), says).await;
            assert_eq!(answer.unwrap()["Status"], "FAILED");
            let limit = LOOK_LIMIT * 2 + READ_WITHIN + Duration::from_millis(3);
            assert!(start.elapsed() <= limit, "{:?}", start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_needs_no_work_is_answered_as_the_provider_would() {
        let nothing = with(delete(), "PhysicalResourceId", json!("nothing-was-made-for-Thing"));
        let (served, _) = answered(nothing, Says::Panics).await;
        assert_eq!(served, Served::Delivered { status: Status::Success, attempts: 1 });
        let (_, answer) = answered(without(create(), "ResourceType"), Says::Panics).await;
        let answer = answer.unwrap();
        assert_eq!(answer["Reason"], "ResourceType: it is missing. Send a string.");
        assert_eq!(answer["PhysicalResourceId"], "nothing-was-made-for-Thing");
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_be_answered_is_not() {
        for request in [
            json!("Create"),
            without(create(), "ResponseURL"),
            with(create(), "ResponseURL", json!("https://evil.org/?s=1")),
        ] {
            let (served, answer) = answered(request, Says::Yes).await;
            assert!(matches!(served, Served::NobodyToTell { .. }), "{served:?}");
            assert_eq!(answer, None);
        }
    }
}
