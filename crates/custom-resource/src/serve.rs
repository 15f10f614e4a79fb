//! A request from end to end.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};

use crate::{
    answer::{Answer, Encoded, LogPlace, Status, encode},
    deliver::{AnswerSink, PutError, Undelivered, deliver},
    fault::joined,
    ids::PhysicalId,
    request::{Addressee, EnvelopeError, Refused, Request, RequestKind},
    response_url::ResponseUrl,
    trust::Trust,
};

/// What is kept of the function's time for the answer; of a short time, a third.
pub const ANSWER_RESERVE: Duration = Duration::from_secs(10);

/// What a resource does with requests.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Does the work and says what came of it.
    ///
    /// May panic. Is dropped at `deadline`, at the point where it waits: what it must not leave half
    /// done it should not begin so late. It must wait rather than block, or it cannot be stopped.
    async fn handle(&self, request: &Request, deadline: Deadline) -> Answer;

    /// The id that a failed Create answers when [`handle`](Self::handle) did not come to its end: what
    /// the Delete that follows can find the remains by. An Update and a Delete answer the request's own
    /// id, and do not ask.
    fn fallback_physical_id(&self, request: &Request) -> PhysicalId;
}

/// The instant at which a resource's work is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline at `instant`.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// When it is.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// How long it is until then; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// What Lambda says about one invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's own id of it, which is another one than the request's.
    pub aws_request_id: String,
    /// Where its log is.
    pub log: LogPlace,
    /// When it began.
    pub began: OffsetDateTime,
    /// When Lambda kills the function.
    pub deadline: Instant,
}

/// What became of a payload that needs no repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// CloudFormation has the answer.
    Delivered {
        /// What it says.
        status: Status,
        /// How often it was sent.
        attempts: u32,
    },
    /// The answer was turned away for good, as with a URL that has expired.
    TurnedAway(PutError),
    /// There is nobody whom an answer may be sent to.
    NobodyToTell {
        /// Why.
        reason: String,
    },
    /// CloudFormation has finished with the request. Only [`crate::abandoned::answer`] asks for that.
    NotWaitedFor,
}

/// Serves one payload: reads it, has the resource do the work, and delivers the answer.
///
/// # Errors
///
/// Only when the answer could not be delivered and to serve the payload once more may help. Everything
/// else that can go wrong becomes an answer, or has nobody who could be told.
pub async fn serve(
    payload: Value,
    invocation: &Invocation,
    trust: &Trust,
    resource: &dyn Resource,
    sink: &dyn AnswerSink,
) -> Result<Served, Undelivered> {
    let start = Instant::now();
    let opened = match Opened::read(payload, invocation, trust) {
        Ok(opened) => opened,
        Err(nobody) => return Ok(nobody),
    };
    let answer = match opened.to_do(trust) {
        Ok(request) => fulfil(request, invocation, resource).await,
        Err(answer) => answer,
    };
    opened.deliver(&answer, invocation, start, sink).await
}

/// A payload that says who is to be answered, at a place that an answer may be sent to.
pub(crate) struct Opened {
    read: Result<Request, Refused>,
    addressee: Addressee,
    url: ResponseUrl,
}

impl Opened {
    /// Reads a payload; gives [`Served::NobodyToTell`] when there is nobody, and logs either.
    pub(crate) fn read(payload: Value, invocation: &Invocation, trust: &Trust) -> Result<Self, Served> {
        let read = match Request::read(payload) {
            Ok(request) => Ok(request),
            Err(EnvelopeError::Refused(refused)) => Err(*refused),
            Err(error @ EnvelopeError::Unanswerable(_)) => return Err(nobody(invocation, error.to_string())),
        };
        let (addressee, url) = match &read {
            Ok(request) => (request.addressee(), request.response_url.clone()),
            Err(refused) => (refused.addressee.clone(), refused.response_url.clone()),
        };
        let opened = Self { read, addressee, url };
        opened.log_received(invocation);
        match trust.check_url(&opened.url) {
            Ok(()) => Ok(opened),
            Err(fault) => Err(nobody(invocation, fault.to_string())),
        }
    }

    /// The request whose work is to be done, or the answer that needs none: to what is no request, to a
    /// request of a foreign stack, and to the Delete of what was never made.
    pub(crate) fn to_do(&self, trust: &Trust) -> Result<&Request, Answer> {
        let nothing_made = PhysicalId::nothing_made(&self.addressee.logical_id);
        if self.addressee.deletes.as_ref() == Some(&nothing_made) {
            return Err(Answer::success(nothing_made));
        }
        let failed = |named: Option<&PhysicalId>, reason: String| {
            Err(Answer::failed(named.cloned().unwrap_or(nothing_made), reason))
        };
        match &self.read {
            Ok(request) => match trust.check_stack(&request.stack_id) {
                Ok(()) => Ok(request),
                Err(fault) => failed(request.kind.physical_id(), fault.to_string()),
            },
            Err(refused) => failed(refused.physical_id.as_ref(), joined(&refused.faults)),
        }
    }

    /// Makes the body and delivers it.
    pub(crate) async fn deliver(
        self,
        answer: &Answer,
        invocation: &Invocation,
        start: Instant,
        sink: &dyn AnswerSink,
    ) -> Result<Served, Undelivered> {
        let encoded = encode(&self.addressee, answer, &invocation.log);
        log_reason(&encoded, &self.addressee);
        let (attempts, result) = deliver(sink, &self.url, &encoded.body, invocation.deadline).await;
        log_answered(&encoded, &self.addressee, start, attempts, &result);
        match result {
            Ok(()) => Ok(Served::Delivered { status: encoded.status, attempts }),
            Err(last @ (PutError::Retryable(_) | PutError::Refused(_))) => {
                Err(Undelivered { request_id: self.addressee.request_id, attempts, last })
            }
            Err(error @ PutError::Final(_)) => Ok(Served::TurnedAway(error)),
        }
    }

    fn log_received(&self, invocation: &Invocation) {
        let request = self.read.as_ref().ok();
        let keys: Vec<_> = request.iter().flat_map(|request| request.properties.keys()).collect();
        tracing::info!(
            request_id = %self.addressee.request_id,
            aws_request_id = invocation.aws_request_id,
            request_type = request.map(|request| request.kind.as_str()),
            resource_type = request.map(|request| request.resource_type.as_str()),
            stack_id = self.addressee.stack_id,
            logical_id = %self.addressee.logical_id,
            physical_id = request.and_then(|request| request.kind.physical_id()).map(PhysicalId::as_str),
            properties = ?keys,
            response_url = %self.url,
            "request received"
        );
    }
}

/// Has the resource do the work, and makes an answer of whatever comes.
async fn fulfil(request: &Request, invocation: &Invocation, resource: &dyn Resource) -> Answer {
    let start = Instant::now();
    let deadline = work_deadline(request, invocation);
    // Inside the catch, because what is dropped in the middle of its work can panic as well.
    let work = async { timeout_at(deadline.instant(), resource.handle(request, deadline)).await };
    let place = invocation.log.direction(&request.request_id);
    let reason = match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(answer)) => return answer,
        Ok(Err(_)) => format!(
            "The provider ran out of time: the work was stopped after {} seconds, before it was done. Try \
             again; if it persists, raise the timeout of the provider's function. What it did until then is \
             in {place}.",
            start.elapsed().as_secs(),
        ),
        Err(panic) => {
            let panic = panic_text(panic.as_ref());
            tracing::error!(request_id = %request.request_id, panic, "the resource's code panicked");
            format!(
                "The provider broke down (a panic). This is a fault of the provider, not of the template: \
                 please report it, with what is in {place}."
            )
        }
    };
    Answer::failed(fallback_physical_id(request, resource), reason)
}

/// When the work must end, so that its answer comes before Lambda kills the function, and before
/// CloudFormation stops waiting. It has waited since it issued the request, which may be delivered late, or once
/// more. When it has stopped already, what is to be done takes the time that it would have had; so does a Delete
/// of which no more is left than is kept for the answer, because what is not deleted leaks.
fn work_deadline(request: &Request, invocation: &Invocation) -> Deadline {
    let now = Instant::now();
    let waited = request.issued_at().map(|at| invocation.began - at).unwrap_or_default();
    let waited = Duration::try_from(waited).unwrap_or_default();
    let end = match request.service_timeout() {
        Some(timeout) => {
            let least = match request.kind {
                RequestKind::Delete { .. } => ANSWER_RESERVE,
                RequestKind::Create | RequestKind::Update { .. } => Duration::ZERO,
            };
            let left = timeout.checked_sub(waited).filter(|left| *left > least).unwrap_or(timeout);
            invocation.deadline.min(now + left)
        }
        None => invocation.deadline,
    };
    let remaining = end.saturating_duration_since(now);
    Deadline(now + (remaining - ANSWER_RESERVE.min(remaining / 3)))
}

fn fallback_physical_id(request: &Request, resource: &dyn Resource) -> PhysicalId {
    if let Some(physical_id) = request.kind.physical_id() {
        return physical_id.clone();
    }
    let fallback = AssertUnwindSafe(|| resource.fallback_physical_id(request));
    std::panic::catch_unwind(fallback).unwrap_or_else(|panic| {
        let panic = panic_text(panic.as_ref());
        tracing::error!(request_id = %request.request_id, panic, "the resource's code panicked");
        PhysicalId::unknown(&request.logical_id)
    })
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "(not a text)"
    }
}

pub(crate) fn nobody(invocation: &Invocation, reason: String) -> Served {
    tracing::error!(
        aws_request_id = invocation.aws_request_id,
        reason,
        "there is nobody whom an answer may be sent to"
    );
    Served::NobodyToTell { reason }
}

/// The whole reason; the answer may hold it cut, and then sends its reader here.
fn log_reason(encoded: &Encoded, addressee: &Addressee) {
    if let Some(reason) = &encoded.reason {
        tracing::error!(request_id = %addressee.request_id, reason, "the request failed");
    }
}

fn log_answered(
    encoded: &Encoded,
    addressee: &Addressee,
    start: Instant,
    attempts: u32,
    result: &Result<(), PutError>,
) {
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    macro_rules! answered {
        ($level:ident, $($field:tt)*) => {
            tracing::$level!(
                request_id = %addressee.request_id,
                status = %encoded.status,
                physical_id = %encoded.physical_id,
                bytes = encoded.body.len(),
                attempts,
                duration_ms,
                $($field)*
            )
        };
    }
    match result {
        Ok(()) => answered!(info, "answer delivered"),
        Err(error) => answered!(error, %error, "answer not delivered"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc, Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use serde_json::json;
    use time::macros::{datetime, format_description};
    use tokio::time::sleep;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::{
        answer::{Data, MAX_BODY_BYTES},
        testing::{FUNCTION, RESPONSE_URL, STACK, create, delete, update, with, without},
    };

    const BEGAN: OffsetDateTime = datetime!(2026-03-01 12:00:00 UTC);
    const REQUEST_ID: &str = "77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10";

    fn id(text: &str) -> PhysicalId {
        PhysicalId::parse(text).unwrap()
    }

    /// What the resource under test does.
    enum Does {
        Answers(Answer),
        Hangs,
        Takes(Duration),
        Panics,
        PanicsLater,
        PanicsWhenStopped,
    }

    struct Thing {
        does: Does,
        fallback_panics: bool,
        calls: AtomicUsize,
        deadline: Mutex<Option<Duration>>,
    }

    impl Thing {
        fn that(does: Does) -> Self {
            Self { does, fallback_panics: false, calls: AtomicUsize::new(0), deadline: Mutex::new(None) }
        }

        fn calls(&self) -> usize {
            self.calls.load(Ordering::Relaxed)
        }
    }

    struct PanicsOnDrop;

    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("dropped");
            }
        }
    }

    #[async_trait]
    impl Resource for Thing {
        async fn handle(&self, _: &Request, deadline: Deadline) -> Answer {
            self.calls.fetch_add(1, Ordering::Relaxed);
            *self.deadline.lock().unwrap() = Some(deadline.remaining());
            match &self.does {
                Does::Answers(answer) => answer.clone(),
                Does::Hangs => std::future::pending().await,
                Does::Takes(time) => {
                    sleep(*time).await;
                    Answer::success(id("thing-1"))
                }
                Does::Panics => panic!("index out of {}", "bounds"),
                Does::PanicsLater => {
                    sleep(Duration::from_secs(1)).await;
                    panic!("later")
                }
                Does::PanicsWhenStopped => {
                    let _guard = PanicsOnDrop;
                    std::future::pending().await
                }
            }
        }

        fn fallback_physical_id(&self, request: &Request) -> PhysicalId {
            assert!(!self.fallback_panics, "no fallback either");
            id(&format!("fallback-{}", request.logical_id))
        }
    }

    /// A sink that takes what comes after it has failed some times.
    #[derive(Default)]
    struct Bucket {
        failures: Mutex<Vec<PutError>>,
        hangs: bool,
        bodies: Mutex<Vec<Vec<u8>>>,
        urls: Mutex<Vec<String>>,
    }

    impl Bucket {
        fn failing(failures: &[PutError]) -> Self {
            Self { failures: Mutex::new(failures.to_vec()), ..Self::default() }
        }

        /// The one answer that was taken.
        fn answer(&self) -> Value {
            let bodies = self.bodies.lock().unwrap();
            assert_eq!(bodies.len(), 1, "one answer");
            assert!(bodies[0].len() <= MAX_BODY_BYTES);
            assert_eq!(*self.urls.lock().unwrap(), [RESPONSE_URL]);
            serde_json::from_slice(&bodies[0]).unwrap()
        }

        fn is_empty(&self) -> bool {
            self.bodies.lock().unwrap().is_empty()
        }
    }

    #[async_trait]
    impl AnswerSink for Bucket {
        async fn put(&self, url: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            if let Some(error) = self.failures.lock().unwrap().pop() {
                return Err(error);
            }
            self.bodies.lock().unwrap().push(body);
            self.urls.lock().unwrap().push(url.reveal().to_owned());
            Ok(())
        }
    }

    fn invocation(seconds: u64) -> Invocation {
        Invocation {
            aws_request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into(),
            log: LogPlace { group: Some("/aws/lambda/provider".into()), stream: Some("s1".into()) },
            began: BEGAN,
            deadline: Instant::now() + Duration::from_secs(seconds),
        }
    }

    fn trust() -> Trust {
        Trust::new::<&str, &str>(FUNCTION, [])
    }

    async fn served(payload: Value, thing: &Thing, bucket: &Bucket) -> Result<Served, Undelivered> {
        serve(payload, &invocation(120), &trust(), thing, bucket).await
    }

    fn delivered(status: Status) -> Result<Served, Undelivered> {
        Ok(Served::Delivered { status, attempts: 1 })
    }

    /// Serves `payload` with a resource that must not be called, and gives the FAILED answer.
    async fn refusal(payload: Value) -> Value {
        let (thing, bucket) = (Thing::that(Does::Panics), Bucket::default());
        assert_eq!(served(payload, &thing, &bucket).await, delivered(Status::Failed));
        assert_eq!(thing.calls(), 0);
        let answer = bucket.answer();
        assert_eq!(answer["Status"], "FAILED");
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_gets_the_resources_answer() {
        for payload in [create(), update(), delete()] {
            let answer = Answer::Success {
                physical_id: id("thing-1"),
                data: [("Name", "n")].into_iter().collect(),
                compact: None,
                no_echo: false,
            };
            let (thing, bucket) = (Thing::that(Does::Answers(answer)), Bucket::default());
            assert_eq!(served(payload, &thing, &bucket).await, delivered(Status::Success));
            assert_eq!(thing.calls(), 1);
            assert_eq!(
                bucket.answer(),
                json!({
                    "Status": "SUCCESS", "PhysicalResourceId": "thing-1", "StackId": STACK,
                    "RequestId": REQUEST_ID, "LogicalResourceId": "Thing", "Data": {"Name": "n"},
                })
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_answered_as_a_fault_of_the_provider() {
        for does in [Does::Panics, Does::PanicsLater, Does::PanicsWhenStopped] {
            let (thing, bucket) = (Thing::that(does), Bucket::default());
            assert_eq!(served(create(), &thing, &bucket).await, delivered(Status::Failed));
            let answer = bucket.answer();
            assert_eq!(
                answer["Reason"],
                "The provider broke down (a panic). This is a fault of the provider, not of the template: \
                 please report it, with what is in the log group /aws/lambda/provider, stream s1, under \
                 request id 77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10."
            );
            assert_eq!(answer["PhysicalResourceId"], "fallback-Thing");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_resource_that_hangs_is_answered_for_before_the_function_dies() {
        for (seconds, stopped_after) in [(120, 110), (30, 20), (15, 10), (3, 2)] {
            let (thing, bucket) = (Thing::that(Does::Hangs), Bucket::default());
            let start = Instant::now();
            let result = serve(create(), &invocation(seconds), &trust(), &thing, &bucket).await;
            assert_eq!(result, delivered(Status::Failed));
            assert_eq!(start.elapsed().as_secs(), stopped_after);
            assert_eq!(thing.deadline.lock().unwrap().unwrap().as_secs(), stopped_after);
            let answer = bucket.answer();
            let reason = answer["Reason"].as_str().unwrap();
            assert!(reason.contains(&format!("stopped after {stopped_after} seconds")), "{reason}");
            assert!(reason.contains(&format!("stream s1, under request id {REQUEST_ID}")), "{reason}");
            assert_eq!(answer["PhysicalResourceId"], "fallback-Thing");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_resource_that_is_slow_but_in_time_is_waited_for() {
        let (thing, bucket) = (Thing::that(Does::Takes(Duration::from_secs(109))), Bucket::default());
        assert_eq!(served(create(), &thing, &bucket).await, delivered(Status::Success));
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_comes_before_cloudformation_stops_waiting() {
        let mut payload = create();
        payload["ResourceProperties"]["ServiceTimeout"] = json!("60");
        let (thing, bucket) = (Thing::that(Does::Hangs), Bucket::default());
        let start = Instant::now();
        assert_eq!(served(payload, &thing, &bucket).await, delivered(Status::Failed));
        assert_eq!(start.elapsed().as_secs(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_late_is_answered_before_cloudformation_stops_waiting_or_has_all_its_time() {
        // Seconds from the request to its delivery, and for how long the work may go on.
        let of_create = [(-5, 50), (0, 50), (30, 20), (59, 0), (60, 50), (7_000, 50)];
        let of_delete = [(-5, 50), (0, 50), (30, 20), (49, 7), (50, 50), (59, 50), (60, 50), (7_000, 50)];
        let creates = of_create.map(|times| (create(), times)).into_iter();
        for (mut payload, (late, stopped_after)) in creates.chain(of_delete.map(|times| (delete(), times))) {
            payload["ResourceProperties"]["ServiceTimeout"] = json!("60");
            let issued = BEGAN - time::Duration::seconds(late);
            let date =
                issued.format(format_description!("[year][month][day]T[hour][minute][second]Z")).unwrap();
            payload["ResponseURL"] = json!(format!("{RESPONSE_URL}&X-Amz-Date={date}"));
            let (thing, bucket) = (Thing::that(Does::Hangs), Bucket::default());
            let start = Instant::now();
            assert_eq!(served(payload.clone(), &thing, &bucket).await, delivered(Status::Failed));
            assert_eq!(start.elapsed().as_secs(), stopped_after, "{late} seconds late");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_without_time_left_still_answers() {
        let (thing, bucket) = (Thing::that(Does::Hangs), Bucket::default());
        let result = serve(create(), &invocation(0), &trust(), &thing, &bucket).await;
        assert_eq!(result, delivered(Status::Failed));
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_midway_keeps_the_id_that_cloudformation_knows() {
        for payload in [update(), delete()] {
            for does in [Does::Panics, Does::Hangs] {
                let thing = Thing { fallback_panics: true, ..Thing::that(does) };
                let bucket = Bucket::default();
                assert_eq!(served(payload.clone(), &thing, &bucket).await, delivered(Status::Failed));
                assert_eq!(bucket.answer()["PhysicalResourceId"], "thing-1");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_on_top_of_a_panic_is_answered() {
        let thing = Thing { fallback_panics: true, ..Thing::that(Does::Panics) };
        let bucket = Bucket::default();
        assert_eq!(served(create(), &thing, &bucket).await, delivered(Status::Failed));
        assert_eq!(bucket.answer()["PhysicalResourceId"], "unknown-for-Thing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_delete_is_answered_with_the_id_it_named() {
        let answer = Answer::success(id("another"));
        let (thing, bucket) = (Thing::that(Does::Answers(answer)), Bucket::default());
        assert_eq!(served(delete(), &thing, &bucket).await, delivered(Status::Success));
        assert_eq!(bucket.answer()["PhysicalResourceId"], "thing-1");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_request_type_is_answered_with_the_known_ones() {
        let answer = refusal(with(update(), "RequestType", json!("Import"))).await;
        assert_eq!(answer["Reason"], "RequestType: «Import» is not known. Send Create, Update or Delete.");
        assert_eq!(answer["PhysicalResourceId"], "thing-1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_physical_id_is_answered_with_one_that_destroys_nothing() {
        for payload in [update(), delete()] {
            let answer = refusal(without(payload, "PhysicalResourceId")).await;
            assert_eq!(answer["Reason"], "PhysicalResourceId: it is missing. Send a string.");
            assert_eq!(answer["PhysicalResourceId"], "nothing-was-made-for-Thing");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stack_of_another_account_or_region_is_told_and_nothing_is_done() {
        for foreign in
            [STACK.replace("123456789012", "999999999999"), STACK.replace("us-east-1", "eu-west-1")]
        {
            for (payload, physical_id) in
                [(create(), "nothing-was-made-for-Thing"), (update(), "thing-1"), (delete(), "thing-1")]
            {
                let answer = refusal(with(payload, "StackId", json!(foreign))).await;
                let reason = answer["Reason"].as_str().unwrap();
                assert!(
                    reason.contains("its provider runs in account 123456789012 in us-east-1"),
                    "{reason}"
                );
                assert_eq!(answer["StackId"], foreign);
                assert_eq!(answer["PhysicalResourceId"], physical_id);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stack_id_that_is_none_is_told_verbatim() {
        let answer = refusal(with(create(), "StackId", json!("shop"))).await;
        assert_eq!(answer["StackId"], "shop");
        assert!(answer["Reason"].as_str().unwrap().starts_with("StackId: «shop» is not the ARN of a stack."));
    }

    #[tokio::test(start_paused = true)]
    async fn the_delete_after_a_refused_create_succeeds_and_touches_nothing() {
        let foreign = STACK.replace("123456789012", "999999999999");
        for refused in [with(create(), "StackId", json!(foreign)), without(create(), "ResourceType")] {
            let physical_id = refusal(refused.clone()).await["PhysicalResourceId"].clone();
            let cleanup =
                with(with(refused, "RequestType", json!("Delete")), "PhysicalResourceId", physical_id);
            let (thing, bucket) = (Thing::that(Does::Panics), Bucket::default());
            assert_eq!(served(cleanup, &thing, &bucket).await, delivered(Status::Success));
            assert_eq!(thing.calls(), 0);
            assert_eq!(bucket.answer()["PhysicalResourceId"], "nothing-was-made-for-Thing");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_and_nothing_is_done_when_nobody_can_be_trusted() {
        for (payload, reason) in [
            (json!("Create"), "the payload: it is a string, not an object."),
            (without(create(), "ResponseURL"), "ResponseURL: it is missing."),
            (without(create(), "RequestId"), "RequestId: it is missing."),
            (
                with(create(), "ResponseURL", json!("https://evil.org/?s=1")),
                "ResponseURL: https://evil.org/… is not",
            ),
            (
                with(create(), "ResponseURL", json!("http://localhost:4566/x")),
                "ResponseURL: http://localhost:4566/… is not",
            ),
            (
                with(with(create(), "ResponseURL", json!("https://evil.org/")), "RequestType", json!("Poke")),
                "ResponseURL: https://evil.org/… is not",
            ),
        ] {
            let (thing, bucket) = (Thing::that(Does::Panics), Bucket::default());
            match served(payload, &thing, &bucket).await {
                Ok(Served::NobodyToTell { reason: told }) => assert!(told.starts_with(reason), "{told}"),
                other => panic!("{other:?}"),
            }
            assert_eq!(thing.calls(), 0);
            assert!(bucket.is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_local_run_is_served_without_a_functions_arn() {
        let trust = Trust::new("provider", [("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")]);
        let payload = with(create(), "ResponseURL", json!("http://localhost:4566/answers/1"));
        let (thing, bucket) = (Thing::that(Does::Answers(Answer::success(id("a")))), Bucket::default());
        let result = serve(payload, &invocation(30), &trust, &thing, &bucket).await;
        assert_eq!(result, delivered(Status::Success));
        assert_eq!(*bucket.urls.lock().unwrap(), ["http://localhost:4566/answers/1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_put_is_repeated_and_the_work_is_not() {
        let lost = PutError::Retryable("connection reset".into());
        let thing = Thing::that(Does::Answers(Answer::success(id("a"))));
        let bucket = Bucket::failing(&[lost.clone(), lost.clone(), lost]);
        assert_eq!(
            served(create(), &thing, &bucket).await,
            Ok(Served::Delivered { status: Status::Success, attempts: 4 })
        );
        assert_eq!(thing.calls(), 1);
        bucket.answer();
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_took_fails_the_invocation_before_its_end() {
        let thing = Thing::that(Does::Hangs);
        let bucket = Bucket { hangs: true, ..Bucket::default() };
        let start = Instant::now();
        let error = served(create(), &thing, &bucket).await.unwrap_err();
        assert_eq!(error.request_id.as_str(), REQUEST_ID);
        assert!(error.attempts >= 3, "{error}");
        assert!(start.elapsed() <= Duration::from_secs(120), "{:?}", start.elapsed());
        assert!(
            error
                .to_string()
                .starts_with(&format!("the answer to request {REQUEST_ID} was not delivered in"))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_turned_away_is_not_worth_another_invocation() {
        let expired = PutError::from_status(403, "Request has expired");
        let thing = Thing::that(Does::Answers(Answer::success(id("a"))));
        let bucket = Bucket::failing(std::slice::from_ref(&expired));
        assert_eq!(served(create(), &thing, &bucket).await, Ok(Served::TurnedAway(expired)));
        assert!(bucket.is_empty());
    }

    /// From another function it may get through: Lambda's next attempt, or whoever is told of the last.
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_refused_on_its_way_fails_the_invocation() {
        let refused = PutError::from_status(403, "no way through this proxy").of_a_good_url();
        let thing = Thing::that(Does::Answers(Answer::success(id("a"))));
        let bucket = Bucket::failing(std::slice::from_ref(&refused));
        let error = served(create(), &thing, &bucket).await.unwrap_err();
        assert_eq!((error.attempts, error.last), (1, refused));
        assert!(bucket.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_that_does_not_fit_is_answered_as_failed() {
        let data: Data = [("Big", "x".repeat(5000))].into_iter().collect();
        let answer = Answer::Success { physical_id: id("a"), data, compact: None, no_echo: false };
        let (thing, bucket) = (Thing::that(Does::Answers(answer)), Bucket::default());
        assert_eq!(served(create(), &thing, &bucket).await, delivered(Status::Failed));
        assert!(bucket.answer()["Reason"].as_str().unwrap().contains("The largest is Big"));
    }

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Captured {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// Serves `payload` and gives the lines of the log, at whatever level.
    async fn logged(payload: Value, does: Does, failures: &[PutError]) -> Vec<Value> {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
        let subscriber = subscriber.with_writer(captured.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let _ = served(payload, &Thing::that(does), &Bucket::failing(failures)).await;
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("X-Amz-Signature") && !text.contains("c5b8"), "{text}");
        assert!(!text.contains("large") && !text.contains("small"), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_has_a_line_for_the_request_and_one_for_the_answer() {
        let lines = logged(update(), Does::Takes(Duration::from_millis(1500)), &[]).await;
        let fields: Vec<_> = lines.iter().map(|line| line["fields"].clone()).collect();
        assert_eq!(
            fields,
            [
                json!({
                    "message": "request received", "request_id": REQUEST_ID,
                    "aws_request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                    "request_type": "Update", "resource_type": "Custom::Thing", "stack_id": STACK,
                    "logical_id": "Thing", "physical_id": "thing-1",
                    "properties": "[\"ServiceToken\", \"Size\"]",
                    "response_url":
                        "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/…",
                }),
                json!({
                    "message": "answer delivered", "request_id": REQUEST_ID, "status": "SUCCESS",
                    "physical_id": "thing-1", "bytes": 236, "attempts": 1, "duration_ms": 1500,
                }),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_has_the_whole_reason_and_what_a_panic_said() {
        let reason = "why ".repeat(2000);
        let lines = logged(create(), Does::Answers(Answer::failed(id("a"), reason.clone())), &[]).await;
        assert_eq!(lines[1]["fields"]["reason"], reason.trim());
        assert_eq!(lines[1]["fields"]["request_id"], REQUEST_ID);
        let lines = logged(create(), Does::Panics, &[]).await;
        assert_eq!(lines[1]["fields"]["panic"], "index out of bounds");
        assert_eq!(lines[1]["fields"]["request_id"], REQUEST_ID);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_goes_wrong_prints_the_signature() {
        let telling = |text: &str| format!("{text} {RESPONSE_URL}");
        for failures in [
            vec![PutError::Retryable(telling("no connection to"))],
            vec![PutError::Final(telling("turned away by"))],
        ] {
            let lines = logged(create(), Does::Answers(Answer::success(id("a"))), &failures).await;
            assert!(lines.iter().any(|line| line["fields"]["error"].is_string()), "{lines:?}");
        }
        logged(
            with(create(), "ResponseURL", json!("https://evil.org/?X-Amz-Signature=c5b8")),
            Does::Panics,
            &[],
        )
        .await;
        logged(without(create(), "RequestId"), Does::Panics, &[]).await;
    }
}
