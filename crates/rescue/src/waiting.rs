//! Whether CloudFormation still waits for the answer to a request, by what the stack says.
//!
//! A request that has been answered must not be answered again: not one whose provider had delivered its answer
//! and died afterwards, and not one that CloudFormation gave up. Nothing tells of a request itself, so what the
//! stack and the resource are doing has to tell. [`is_over`] has the rules, and says of each why it is certain.
//! All else is waited for: what cannot be read, what is not found, what could mean either.
//!
//! # Why a mistake is harmless
//!
//! *An answer that nobody waits for.* The answer to a request goes to a URL of that request alone, and
//! CloudFormation reads it once. A late FAILED cannot undo a SUCCESS that was read, nor can it reach the request
//! that came after. It could only replace a SUCCESS that was delivered and not yet read. So a request whose provider
//! may have answered in its last moment is asked about twice, [`custom_resource::abandoned::READ_WITHIN`] apart:
//! CloudFormation reads within seconds.
//!
//! *A request left without its answer.* The stack would hang until `ServiceTimeout`, an hour by default, and
//! then go on as after a failure. So each rule rests on something that excludes it: a stack at rest hangs
//! nowhere; a resource that is there is not being created, and one that is gone is not being deleted; and a
//! stack or a resource that has gone on since had to have its answer first.
//!
//! # The Delete of a replaced profile
//!
//! While CloudFormation cleans up after an update, the resource is the replacement, at rest since before the
//! Delete of the replaced profile was issued. So the resource's status alone never tells that a Delete is over,
//! except `DELETE_COMPLETE`, and its instant does only when it is later than the Delete.

use async_trait::async_trait;
use custom_resource::{Request, RequestKind, abandoned::Waiting};
use ports::{CallError, Optional, Stacks};
use profile::observed::{Issued, Kind, Observed, Phase, SAME_INSTANT};

/// What the stack says, asked when it is needed.
pub struct StacksWord<'a> {
    stacks: &'a dyn Stacks,
}

impl<'a> StacksWord<'a> {
    /// The word of the stacks that `stacks` describes.
    pub fn new(stacks: &'a dyn Stacks) -> Self {
        Self { stacks }
    }
}

#[async_trait]
impl Waiting for StacksWord<'_> {
    async fn is_waited_for(&self, request: &Request) -> bool {
        let (stack_id, logical_id) = (request.stack_id.as_str(), request.logical_id.as_str());
        let (stack, resource) =
            futures::join!(self.stacks.stack(stack_id), self.stacks.resource(stack_id, logical_id));
        let observed = Observed { stack: known(stack), resource: known(resource), ..Observed::default() };
        let issued = Issued { kind: kind(request), at: request.issued_at() };
        let is_over = is_over(&issued, &observed);
        let (stack, resource) = (observed.stack.as_ref(), observed.resource.as_ref());
        tracing::info!(
            request_id = %request.request_id,
            issued_at = ?issued.at,
            stack_status = stack.map(|stack| &*stack.status),
            stack_began = ?stack.and_then(|stack| stack.began),
            resource_status = resource.map(|resource| &*resource.status),
            resource_since = ?resource.and_then(|resource| resource.since),
            is_waited_for = !is_over,
            "what the stack says"
        );
        !is_over
    }
}

/// What was read; `None` when it is not there, or could not be read.
fn known<T>(read: Result<T, CallError>) -> Option<T> {
    read.optional().unwrap_or_else(|error| {
        tracing::warn!(%error, "what the stack says is not known");
        None
    })
}

fn kind(request: &Request) -> Kind {
    match request.kind {
        RequestKind::Create => Kind::Create,
        RequestKind::Update { .. } => Kind::Update,
        RequestKind::Delete { .. } => Kind::Delete,
    }
}

/// Whether it is certain that the stack has finished with a request:
///
/// 1. The stack is at rest, or is gone: it waits for nothing, whatever it was that came of the request.
/// 2. A Create or an Update, and the stack cleans up: it does so only after every resource is made and changed.
/// 3. A Create, and the resource is there or was changed since. A Delete, and it is gone.
/// 4. The stack began another operation after the request, or the resource reached another status
///    ([`Observed::has_gone_on_since`]). A resource that is just what the request asks for, in progress, counts
///    for neither: it is not documented whether its instant moves meanwhile.
pub fn is_over(issued: &Issued, observed: &Observed) -> bool {
    let resource = observed.resource.as_ref().map_or("", |resource| &*resource.status);
    let is_gone = observed.stack.as_ref().is_some_and(|stack| stack.status == "DELETE_COMPLETE");
    let by_phase = match (observed.phase(), issued.kind) {
        (Phase::Idle, _) => true,
        (Phase::Cleanup | Phase::RollbackCleanup, Kind::Create | Kind::Update) => true,
        _ => is_gone,
    };
    let (by_resource, in_progress) = match issued.kind {
        Kind::Create => {
            (resource == "CREATE_COMPLETE" || resource.starts_with("UPDATE_"), "CREATE_IN_PROGRESS")
        }
        Kind::Update => (false, "UPDATE_IN_PROGRESS"),
        Kind::Delete => (resource == "DELETE_COMPLETE", "DELETE_IN_PROGRESS"),
    };
    // A logical id may have been there before: what it came to then says nothing.
    let since = observed.resource.as_ref().and_then(|resource| resource.since);
    let is_of_before = since.zip(issued.at).is_some_and(|(since, issued)| issued - since > SAME_INSTANT);
    let by_resource = by_resource && !is_of_before;
    let told = match &observed.resource {
        Some(_) if resource == in_progress => &Observed { resource: None, ..observed.clone() },
        _ => observed,
    };
    by_phase || by_resource || told.has_gone_on_since(issued)
}
