//! The services in JSON 1.1: the operation is named by the header `X-Amz-Target`, an error by the member
//! `__type` of its body.

use hyper::Method;
use serde::Serialize;
use serde_json::json;

use super::{LocalAws, Reply, Request, log_last_call};
use crate::error::{Answer, ApiError};
use crate::operation::{Operation, Service};
use crate::state::Caller;

/// What their targets begin with.
const SERVICES: [(&str, Service); 3] = [
    ("ResourceGroupsTaggingAPI_20170126", Service::Tagging),
    ("AWSInsightsIndexService", Service::CostExplorer),
    ("ServiceQuotasV20190624", Service::ServiceQuotas),
];

fn operation(target: &str) -> Option<Operation> {
    let (service, operation) = target.split_once('.')?;
    let (_, service) = SERVICES.into_iter().find(|(prefix, _)| *prefix == service)?;
    Operation::named(operation).filter(|operation| operation.service() == service)
}

pub(super) fn handle(local: &LocalAws, caller: &Caller, request: &Request) -> Reply {
    let operation = request.header("x-amz-target").and_then(operation);
    let Some(operation) = operation.filter(|_| request.method == Method::POST) else {
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
        Operation::ListCostAllocationTags => call!(list_cost_allocation_tags),
        Operation::GetServiceQuota => call!(get_service_quota),
        // The table above lets only this one be left.
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
