//! The function that answers CloudFormation when the provider died.
//!
//! Lambda invokes it as the OnFailure destination of the provider: after the provider was killed for its
//! memory or at its timeout, could not start, or was not run for so long that its event grew too old. The
//! protocol is [`custom_resource::abandoned`]; this crate adds the one thing that it has to ask AWS,
//! [whether the stack still waits](waiting).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod waiting;

use custom_resource::{AnswerSink, Invocation, Served, Trust, Undelivered, abandoned};
use ports::Stacks;
use serde_json::Value;

use crate::waiting::StacksWord;

/// Answers FAILED to the request of `payload`, a record of Lambda's OnFailure destination, unless the stack has
/// finished with it.
///
/// # Errors
///
/// Only when the answer could not be delivered and another try may help.
pub async fn answer(
    payload: Value,
    invocation: &Invocation,
    trust: &Trust,
    stacks: &dyn Stacks,
    sink: &dyn AnswerSink,
) -> Result<Served, Undelivered> {
    abandoned::answer(payload, invocation, trust, &StacksWord::new(stacks), sink).await
}
