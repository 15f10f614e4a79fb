//! The state machine in process: each rule of the operations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod lag;
mod models;
mod profiles;
mod switches;
mod tagging_api;
mod tags;

use local_aws::{
    Answer, ApiError, Caller, CreateInferenceProfile, Failure, ListInferenceProfiles, ProfileSummary, World,
};
use time::{Duration, OffsetDateTime};

pub(crate) const LITE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";
pub(crate) const GLOBAL: &str =
    "arn:aws:bedrock:us-east-1:000000000000:inference-profile/global.amazon.nova-2-lite-v1:0";

/// A world, a caller, and a clock that moves only when told.
pub(crate) struct Stand {
    pub(crate) world: World,
    pub(crate) caller: Caller,
    pub(crate) now: OffsetDateTime,
}

impl Default for Stand {
    fn default() -> Self {
        Self {
            world: World::default(),
            caller: Caller::new("000000000000", "us-east-1"),
            // 2026-11-24 12:00 UTC
            now: OffsetDateTime::from_unix_timestamp(1_795_521_600).unwrap(),
        }
    }
}

impl Stand {
    pub(crate) fn wait(&mut self, milliseconds: i64) {
        self.now += Duration::milliseconds(milliseconds);
    }

    pub(crate) fn create(&mut self, request: &CreateInferenceProfile) -> Answer<local_aws::CreatedProfile> {
        self.world.create_inference_profile(&self.caller, self.now, request)
    }

    /// Creates a profile, which must work, and gives its ARN.
    #[track_caller]
    pub(crate) fn made(&mut self, request: &CreateInferenceProfile) -> String {
        self.create(request).result.unwrap().inference_profile_arn
    }

    /// Creates a profile of this name, which must work, and gives its ARN.
    #[track_caller]
    pub(crate) fn named(&mut self, name: &str) -> String {
        self.made(&CreateInferenceProfile::new(name, LITE))
    }

    /// Creates, which must fail, and changes nothing.
    #[track_caller]
    pub(crate) fn refused(&mut self, request: &CreateInferenceProfile) -> ApiError {
        let before = self.world.state.clone();
        let error = error(self.create(request));
        assert_eq!(self.world.state, before, "a refused request has no effect");
        error
    }

    pub(crate) fn get(&mut self, identifier: &str) -> Answer<ProfileSummary> {
        self.world.get_inference_profile(&self.caller, self.now, identifier)
    }

    pub(crate) fn delete(&mut self, identifier: &str) -> Answer<()> {
        self.world.delete_inference_profile(&self.caller, self.now, identifier)
    }

    /// The names in a listing of the application profiles.
    #[track_caller]
    pub(crate) fn names(&mut self) -> Vec<String> {
        let request = ListInferenceProfiles::application();
        let page = self.world.list_inference_profiles(&self.caller, self.now, &request).result.unwrap();
        page.inference_profile_summaries.into_iter().map(|profile| profile.inference_profile_name).collect()
    }
}

/// The service's error of an answer, which must have one.
#[track_caller]
pub(crate) fn error<T: std::fmt::Debug>(answer: Answer<T>) -> ApiError {
    match answer.result {
        Err(Failure::Api(error)) => error,
        other => panic!("expected an error of the service, got {other:?}"),
    }
}

/// The code of an error.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    error(answer).code
}
