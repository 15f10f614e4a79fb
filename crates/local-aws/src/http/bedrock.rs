//! Bedrock's REST API in JSON.
//!
//! Identifiers in paths come percent-decoded, and with their slashes however they were written. An error
//! is `{"message": …}` with its name in the header `x-amzn-errortype`.

use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::{LocalAws, Reply, Request, log_last_call};
use crate::error::{Answer, ApiError};
use crate::models::ListFoundationModels;
use crate::operation::Operation;
use crate::profiles::ListInferenceProfiles;
use crate::state::Caller;

pub(super) fn handle(local: &LocalAws, caller: &Caller, request: &Request, path: &[&str]) -> Reply {
    let method = &request.method;
    let now = local.now();
    // Each arm reads its input first: what cannot be read is answered, and logged, all the same.
    macro_rules! call {
        ($operation:ident, $status:expr, $input:expr, $call:ident) => {{
            let mut world = local.world();
            let reply = match $input {
                Ok(input) => reply($status, world.$call(caller, now, &input)),
                Err(error) => reply($status, world.refuse(Operation::$operation, caller, now, error)),
            };
            log_last_call(local, &world);
            reply
        }};
    }
    let identifier = |parts: &[&str]| Ok::<_, ApiError>(parts.join("/"));
    match (method, path) {
        (&Method::POST, ["inference-profiles"]) => {
            call!(CreateInferenceProfile, 201, request.input(), create_inference_profile)
        }
        (&Method::GET, ["inference-profiles"]) => {
            call!(ListInferenceProfiles, 200, list_parameters(request), list_inference_profiles)
        }
        (&Method::GET, ["inference-profiles", id @ ..]) => {
            call!(GetInferenceProfile, 200, identifier(id), get_inference_profile)
        }
        (&Method::DELETE, ["inference-profiles", id @ ..]) => {
            call!(DeleteInferenceProfile, 200, identifier(id), delete_inference_profile)
        }
        (&Method::POST, ["tagResource"]) => call!(TagResource, 200, request.input(), tag_resource),
        (&Method::POST, ["untagResource"]) => call!(UntagResource, 200, request.input(), untag_resource),
        (&Method::POST, ["listTagsForResource"]) => {
            call!(ListTagsForResource, 200, request.input(), list_tags_for_resource)
        }
        (&Method::GET, ["foundation-models"]) => {
            let text = |name| request.parameter(name).map(str::to_owned);
            let input = ListFoundationModels {
                by_provider: text("byProvider"),
                by_customization_type: text("byCustomizationType"),
                by_output_modality: text("byOutputModality"),
                by_inference_type: text("byInferenceType"),
            };
            call!(ListFoundationModels, 200, Ok::<_, ApiError>(input), list_foundation_models)
        }
        (&Method::GET, ["foundation-models", id @ ..]) => {
            call!(GetFoundationModel, 200, identifier(id), get_foundation_model)
        }
        _ => error(ApiError::new("UnknownOperationException", "The operation is not known.")),
    }
}

fn list_parameters(request: &Request) -> Result<ListInferenceProfiles, ApiError> {
    let number = |text: &str| {
        text.parse().map_err(|_| ApiError::serialization(format!("maxResults: '{text}' is not an integer")))
    };
    Ok(ListInferenceProfiles {
        type_equals: request.parameter("type").map(str::to_owned),
        max_results: request.parameter("maxResults").map(number).transpose()?,
        next_token: request.parameter("nextToken").map(str::to_owned),
    })
}

fn reply<T: Serialize>(status: u16, answer: Answer<T>) -> Reply {
    let reply = match answer.result {
        Ok(output) => {
            let reply = Reply::json(status, &output);
            // An output without members is an empty object.
            if reply.body == b"null" { Reply { body: b"{}".to_vec(), ..reply } } else { reply }
        }
        Err(failure) => Reply::of_failure(failure, error),
    };
    Reply { delay: answer.delay, ..reply }
}

fn error(error: ApiError) -> Reply {
    let mut body = json!({"message": error.message});
    if let Some(resource) = error.resource_name {
        body["resourceName"] = Value::String(resource);
    }
    Reply { headers: vec![("x-amzn-errortype", error.code)], ..Reply::json(error.status, &body) }
}
