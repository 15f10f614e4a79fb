//! The Resource Groups Tagging API in JSON 1.1: the operation is named by the header `X-Amz-Target`, an
//! error by the member `__type` of its body.

use hyper::Method;
use serde::Serialize;
use serde_json::json;

use super::{LocalAws, Reply, Request, log_last_call};
use crate::error::{Answer, ApiError};
use crate::operation::{Operation, Service};
use crate::state::Caller;

const TARGET_PREFIX: &str = "ResourceGroupsTaggingAPI_20170126.";

pub(super) fn handle(local: &LocalAws, caller: &Caller, request: &Request) -> Reply {
    let operation = request
        .header("x-amz-target")
        .and_then(|target| target.strip_prefix(TARGET_PREFIX))
        .and_then(Operation::named)
        .filter(|operation| operation.service() == Service::Tagging && request.method == Method::POST);
    let Some(operation) = operation else {
        return Reply { status: 400, ..error(ApiError::new("UnknownOperationException", "")) };
    };
    let now = local.now();
    let mut world = local.world();
    macro_rules! call {
        ($call:ident) => {
            match request.input() {
                Ok(input) => reply(world.$call(caller, now, &input)),
                Err(error) => reply(world.refuse(operation, caller, now, error)),
            }
        };
    }
    let reply = match operation {
        Operation::GetResources => call!(get_resources),
        Operation::GetTagKeys => call!(get_tag_keys),
        Operation::GetTagValues => call!(get_tag_values),
        Operation::TagResources => call!(tag_resources),
        // The filter above lets only this one be left.
        _ => call!(untag_resources),
    };
    log_last_call(local, &world);
    reply
}

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

fn reply<T: Serialize>(answer: Answer<T>) -> Reply {
    let reply = match answer.result {
        Ok(output) => Reply { content_type: CONTENT_TYPE, ..Reply::json(200, &output) },
        Err(failure) => Reply::of_failure(failure, error),
    };
    Reply { delay: answer.delay, ..reply }
}

fn error(error: ApiError) -> Reply {
    let body = json!({"__type": error.code, "Message": error.message});
    Reply { content_type: CONTENT_TYPE, ..Reply::json(error.status, &body) }
}
