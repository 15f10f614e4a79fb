//! The state machine: the state, the switches, the faults and the log, behind typed operations.
//!
//! It does no input or output and has no clock. Every operation takes the caller and the present, and
//! gives an [`Answer`]: the result and how long it is to be held back. The same operations at the same
//! times give the same answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::calls::{Call, CallLog, Outcome};
use crate::catalogue::Catalogue;
use crate::cost_tags::{CostAllocationTags, ListCostAllocationTags};
use crate::error::{Answer, ApiError, Failure};
use crate::faults::Faults;
use crate::models::{FoundationModel, ListFoundationModels, ListedModels};
use crate::operation::Operation;
use crate::profiles::{
    CreateInferenceProfile, CreatedProfile, ListInferenceProfiles, ListedProfiles, ProfileSummary,
};
use crate::quotas::{GetServiceQuota, Quota};
use crate::state::{Caller, ProfileRecord, State, View};
use crate::switches::Switches;
use crate::tagging_api::{
    FailedResources, GetResources, GetTagKeys, GetTagValues, Resources, TagKeys, TagResources, TagValues,
    UntagResources,
};
use crate::tags::{ListTagsForResource, ListedTags, TagResource, UntagResource};
use crate::timestamp::Timestamp;

/// The stand-in. `Default` has the built-in catalogue, no profiles, no faults and default switches.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct World {
    /// What calls change.
    pub state: State,
    /// How the uncertain is decided.
    pub switches: Switches,
    /// What goes wrong.
    pub faults: Faults,
    /// What was called.
    pub calls: CallLog,
    /// The latest moment seen. Time does not run backwards here, whatever a caller's clock does.
    latest: Option<Timestamp>,
}

impl World {
    /// A world with another catalogue.
    pub fn with_catalogue(catalogue: Catalogue) -> Self {
        Self { state: State::new(catalogue), ..Self::default() }
    }

    /// The application profiles of an account and Region by ARN, as they truly are, without lag or log.
    pub fn profiles(&self, caller: &Caller) -> BTreeMap<String, ProfileRecord> {
        self.state.profiles(caller)
    }

    /// CreateInferenceProfile.
    pub fn create_inference_profile(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &CreateInferenceProfile,
    ) -> Answer<CreatedProfile> {
        self.call(Operation::CreateInferenceProfile, caller, now, request, None, |state, view, switches| {
            state.create_inference_profile(caller, view, switches, request)
        })
    }

    /// GetInferenceProfile, by ARN or id.
    pub fn get_inference_profile(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        identifier: &str,
    ) -> Answer<ProfileSummary> {
        let request = json!({"inferenceProfileIdentifier": identifier});
        self.call(Operation::GetInferenceProfile, caller, now, &request, None, |state, view, switches| {
            state.get_inference_profile(caller, view, switches, identifier)
        })
    }

    /// ListInferenceProfiles.
    pub fn list_inference_profiles(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &ListInferenceProfiles,
    ) -> Answer<ListedProfiles> {
        let token = request.next_token.as_deref();
        self.call(Operation::ListInferenceProfiles, caller, now, request, token, |state, view, switches| {
            state.list_inference_profiles(caller, view, switches, request)
        })
    }

    /// DeleteInferenceProfile, by ARN or id.
    pub fn delete_inference_profile(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        identifier: &str,
    ) -> Answer<()> {
        let request = json!({"inferenceProfileIdentifier": identifier});
        self.call(Operation::DeleteInferenceProfile, caller, now, &request, None, |state, view, switches| {
            state.delete_inference_profile(caller, view, switches, identifier)
        })
    }

    /// TagResource.
    pub fn tag_resource(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &TagResource,
    ) -> Answer<()> {
        self.call(Operation::TagResource, caller, now, request, None, |state, view, switches| {
            state.tag_resource(caller, view, switches, request)
        })
    }

    /// UntagResource.
    pub fn untag_resource(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &UntagResource,
    ) -> Answer<()> {
        self.call(Operation::UntagResource, caller, now, request, None, |state, view, switches| {
            state.untag_resource(caller, view, switches, request)
        })
    }

    /// ListTagsForResource.
    pub fn list_tags_for_resource(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &ListTagsForResource,
    ) -> Answer<ListedTags> {
        self.call(Operation::ListTagsForResource, caller, now, request, None, |state, view, switches| {
            state.list_tags_for_resource(caller, view, switches, request)
        })
    }

    /// GetFoundationModel, by ARN or id.
    pub fn get_foundation_model(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        identifier: &str,
    ) -> Answer<FoundationModel> {
        let request = json!({"modelIdentifier": identifier});
        self.call(Operation::GetFoundationModel, caller, now, &request, None, |state, view, switches| {
            state.get_foundation_model(caller, view, switches, identifier)
        })
    }

    /// ListFoundationModels.
    pub fn list_foundation_models(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &ListFoundationModels,
    ) -> Answer<ListedModels> {
        self.call(Operation::ListFoundationModels, caller, now, request, None, |state, view, switches| {
            state.list_foundation_models(caller, view, switches, request)
        })
    }

    /// GetResources.
    pub fn get_resources(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &GetResources,
    ) -> Answer<Resources> {
        let token = request.pagination_token.as_deref();
        self.call(Operation::GetResources, caller, now, request, token, |state, view, switches| {
            state.get_resources(caller, view, switches, request)
        })
    }

    /// GetTagKeys.
    pub fn get_tag_keys(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &GetTagKeys,
    ) -> Answer<TagKeys> {
        let token = request.pagination_token.as_deref();
        self.call(Operation::GetTagKeys, caller, now, request, token, |state, view, switches| {
            state.get_tag_keys(caller, view, switches, request)
        })
    }

    /// GetTagValues.
    pub fn get_tag_values(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &GetTagValues,
    ) -> Answer<TagValues> {
        let token = request.pagination_token.as_deref();
        self.call(Operation::GetTagValues, caller, now, request, token, |state, view, switches| {
            state.get_tag_values(caller, view, switches, request)
        })
    }

    /// TagResources.
    pub fn tag_resources(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &TagResources,
    ) -> Answer<FailedResources> {
        self.call(Operation::TagResources, caller, now, request, None, |state, view, switches| {
            state.tag_resources(caller, view, switches, request)
        })
    }

    /// UntagResources.
    pub fn untag_resources(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &UntagResources,
    ) -> Answer<FailedResources> {
        self.call(Operation::UntagResources, caller, now, request, None, |state, view, switches| {
            state.untag_resources(caller, view, switches, request)
        })
    }

    /// ListCostAllocationTags of Cost Explorer.
    pub fn list_cost_allocation_tags(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &ListCostAllocationTags,
    ) -> Answer<CostAllocationTags> {
        let token = request.next_token.as_deref();
        self.call(Operation::ListCostAllocationTags, caller, now, request, token, |state, _, switches| {
            state.list_cost_allocation_tags(switches, request)
        })
    }

    /// GetServiceQuota of Service Quotas.
    pub fn get_service_quota(
        &mut self,
        caller: &Caller,
        now: OffsetDateTime,
        request: &GetServiceQuota,
    ) -> Answer<Quota> {
        self.call(Operation::GetServiceQuota, caller, now, request, None, |_, _, switches| {
            request.quota(caller, switches)
        })
    }

    /// A call whose body could not be read, for the log.
    pub fn refuse(
        &mut self,
        operation: Operation,
        caller: &Caller,
        now: OffsetDateTime,
        error: ApiError,
    ) -> Answer<()> {
        self.call(operation, caller, now, &Value::Null, None, |_, _, _| Err(error))
    }

    fn call<T>(
        &mut self,
        operation: Operation,
        caller: &Caller,
        now: OffsetDateTime,
        request: &impl Serialize,
        page_token: Option<&str>,
        work: impl FnOnce(&mut State, View, &Switches) -> Result<T, ApiError>,
    ) -> Answer<T> {
        let now = self.latest.map_or(Timestamp::new(now), |latest| latest.max(Timestamp::new(now)));
        self.latest = Some(now);
        let with_page_token = page_token.is_some_and(|token| !token.is_empty());
        let decision = self.faults.decide(operation, with_page_token);
        let result = match decision.error {
            Some(error) => Err(error),
            None => work(&mut self.state, View { now, stale_ms: decision.stale_ms }, &self.switches),
        };
        let code = result.as_ref().err().map(|error| error.code.clone());
        let outcome = match (decision.lost, code) {
            (true, error) => Outcome::Lost { error },
            (false, Some(code)) => Outcome::Error { code },
            (false, None) => Outcome::Ok,
        };
        self.calls.record(Call {
            number: 0,
            at: now,
            account: caller.account.clone(),
            region: caller.region.clone(),
            operation,
            request: serde_json::to_value(request).unwrap_or(Value::Null),
            outcome,
        });
        let result = if decision.lost { Err(Failure::Lost) } else { result.map_err(Failure::Api) };
        Answer { result, delay: Duration::from_millis(decision.delay_ms) }
    }
}
