//! CloudFormation's custom resource protocol: request, deadline, answer.
//!
//! A custom resource is a promise between CloudFormation and a function. CloudFormation hands the
//! function a *request* (Create, Update or Delete) together with a presigned URL, and then waits, up to
//! an hour, for one small JSON document at that URL: the *answer*. Nothing else counts. What the
//! function returns, and whether it fails, CloudFormation never sees; a function that dies in silence
//! hangs the stack for that hour, and once more while the stack rolls back.
//!
//! So everything here serves one sentence: **each request gets exactly one answer, in time, that
//! CloudFormation accepts, and only CloudFormation gets it.** [`serve`] keeps it:
//!
//! ```text
//! payload -> Request -> Trust -> Resource::handle -> Answer -> encode -> AnswerSink::put
//!               |          |             |                        |            |
//!          bad envelope  foreign    panic, no time            too large      refused,
//!               |        stack           |                        |         unreachable
//!               +----------+-------------+------------------------+            |
//!                          FAILED, with the reason                         once more
//! ```
//!
//! - [`Request::read`] takes raw JSON. A runtime that fails to deserialise a payload never calls its
//!   handler, so the envelope is read by hand, and what is needed to answer is read before anything
//!   that can be wrong.
//! - [`Trust`] decides to whom an answer may go, and whose requests are carried out: CloudFormation's
//!   own bucket for the function's Region, and stacks of the function's own account and Region.
//! - A [`Resource`] does the work. It may panic and it may hang: it is given a [`Deadline`], and is
//!   stopped while there is still time to answer.
//! - [`encode`] makes the body, at most [`MAX_BODY_BYTES`] long whatever went in.
//! - An [`AnswerSink`] carries it out of the process.
//!
//! Where the function itself dies, out of memory or at its timeout, [`abandoned`] answers in its place.
//!
//! The rules come from the pages "CloudFormation custom resource request and response reference" and
//! "Custom resource response objects" of the AWS CloudFormation User Guide. What a resource *is* the
//! crate does not know; nor does it know an SDK or an HTTP client.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod abandoned;
mod answer;
mod deliver;
mod destination;
mod fault;
mod ids;
mod request;
mod response_url;
mod serve;
#[cfg(test)]
mod testing;
mod trust;

pub use answer::{Answer, Data, DataValue, Encoded, LogPlace, MAX_BODY_BYTES, Status, encode};
pub use deliver::{AnswerSink, PutError, Undelivered};
pub use fault::Fault;
pub use ids::{LogicalId, PhysicalId, RequestId, StackId};
pub use request::{Addressee, EnvelopeError, Properties, Refused, Request, RequestKind};
pub use response_url::ResponseUrl;
pub use serve::{ANSWER_RESERVE, Deadline, Invocation, Resource, Served, serve};
pub use trust::{Home, Trust};
