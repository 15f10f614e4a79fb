//! Inference profiles: create, get, list, delete.

use serde::{Deserialize, Serialize};

use crate::arns::{self, Arn};
use crate::catalogue::{Lifecycle, SystemProfile};
use crate::constraints::{
    Check, IDEMPOTENCY_TOKEN, MODEL_SOURCE, PAGE_TOKEN, PROFILE_DESCRIPTION, PROFILE_IDENTIFIER,
    PROFILE_NAME, Rule,
};
use crate::error::ApiError;
use crate::paging;
use crate::state::{Caller, NewProfile, Profile, State, UsedToken, View};
use crate::switches::{DeletedToken, ListWithoutType, MismatchedToken, RepeatedToken, Switches};
use crate::tags::{self, Tag};
use crate::timestamp::Timestamp;

/// Application profiles are answered with this `type`.
pub const APPLICATION: &str = "APPLICATION";
/// System-defined profiles are answered with this `type`.
pub const SYSTEM_DEFINED: &str = "SYSTEM_DEFINED";

/// The source of a new profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelSource {
    /// The ARN of a foundation model or of a system-defined profile.
    pub copy_from: Option<String>,
}

/// The input of CreateInferenceProfile. What is `None` was not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateInferenceProfile {
    /// The name, required.
    pub inference_profile_name: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The idempotency token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
    /// The source, required.
    pub model_source: Option<ModelSource>,
    /// The tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

impl CreateInferenceProfile {
    /// A request with a name and a source.
    pub fn new(name: &str, copy_from: &str) -> Self {
        Self {
            inference_profile_name: Some(name.to_owned()),
            model_source: Some(ModelSource { copy_from: Some(copy_from.to_owned()) }),
            ..Self::default()
        }
    }

    /// The request with a description.
    #[must_use]
    pub fn description(self, text: &str) -> Self {
        Self { description: Some(text.to_owned()), ..self }
    }

    /// The request with an idempotency token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        Self { client_request_token: Some(token.to_owned()), ..self }
    }

    /// The request with one more tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.get_or_insert_default().push(Tag::new(key, value));
        self
    }
}

/// The answer of CreateInferenceProfile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedProfile {
    /// The ARN. Its last part is the id.
    pub inference_profile_arn: String,
    /// Always `ACTIVE`.
    pub status: String,
}

/// One model of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileModel {
    /// Its ARN; without a Region for a global route.
    pub model_arn: String,
}

/// A profile as Get and List answer it: neither its source nor its tags are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileSummary {
    /// The name.
    pub inference_profile_name: String,
    /// The description, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The ARN.
    pub inference_profile_arn: String,
    /// The models it routes to.
    pub models: Vec<ProfileModel>,
    /// The id.
    pub inference_profile_id: String,
    /// Always `ACTIVE`.
    pub status: String,
    /// `APPLICATION` or `SYSTEM_DEFINED`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The input of ListInferenceProfiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListInferenceProfiles {
    /// `APPLICATION` or `SYSTEM_DEFINED`; the query parameter is `type`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_equals: Option<String>,
    /// 1 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl ListInferenceProfiles {
    /// The application profiles, with as many on a page as there may be.
    pub fn application() -> Self {
        Self { type_equals: Some(APPLICATION.to_owned()), max_results: Some(1000), next_token: None }
    }
}

/// The answer of ListInferenceProfiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedProfiles {
    /// One page.
    pub inference_profile_summaries: Vec<ProfileSummary>,
    /// There when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// What a profile's identifier names.
pub(crate) enum Named<'a> {
    /// An application profile, by its id.
    Application(&'a str),
    /// A system-defined one.
    System(&'a SystemProfile),
}

const COPY_FROM: &str = "copyFrom must be a valid inference profile model source ARN.";
/// In the listing, application profiles come after any number of system-defined ones.
const APPLICATIONS: u64 = 1 << 40;

fn gone(identifier: &str) -> ApiError {
    ApiError::not_found(format!("The inference profile '{identifier}' could not be found."))
}

fn application_summary(profile: &Profile) -> ProfileSummary {
    ProfileSummary {
        inference_profile_name: profile.name.clone(),
        description: profile.description.clone(),
        created_at: profile.created_at,
        updated_at: profile.created_at,
        inference_profile_arn: profile.arn.clone(),
        models: profile.models.iter().map(|arn| ProfileModel { model_arn: arn.clone() }).collect(),
        inference_profile_id: profile.id.clone(),
        status: "ACTIVE".to_owned(),
        kind: APPLICATION.to_owned(),
    }
}

fn system_summary(profile: &SystemProfile, caller: &Caller) -> ProfileSummary {
    let models = profile.models(&caller.region).into_iter();
    ProfileSummary {
        inference_profile_name: profile.name.clone(),
        description: Some(profile.description.clone()).filter(|text| !text.is_empty()),
        created_at: profile.created_at,
        updated_at: profile.updated_at,
        inference_profile_arn: arns::system_profile(&caller.account, &caller.region, &profile.id),
        models: models.map(|model_arn| ProfileModel { model_arn }).collect(),
        inference_profile_id: profile.id.clone(),
        status: "ACTIVE".to_owned(),
        kind: SYSTEM_DEFINED.to_owned(),
    }
}

impl State {
    pub(crate) fn create_inference_profile(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &CreateInferenceProfile,
    ) -> Result<CreatedProfile, ApiError> {
        let name = request.inference_profile_name.as_deref();
        let source = request.model_source.as_ref();
        let copy_from = source.and_then(|source| source.copy_from.as_deref());
        let given_tags = request.tags.as_deref().unwrap_or_default();

        let mut check = Check::default();
        check.required("inferenceProfileName", name, Rule::new(1, 64, PROFILE_NAME));
        let description = Rule::new(1, 200, PROFILE_DESCRIPTION).sensitive();
        check.optional("description", request.description.as_deref(), description);
        let token = Rule::new(1, 256, IDEMPOTENCY_TOKEN);
        check.optional("clientRequestToken", request.client_request_token.as_deref(), token);
        match source {
            None => check.missing("modelSource"),
            Some(_) => check.required("modelSource.copyFrom", copy_from, Rule::new(1, 2048, MODEL_SOURCE)),
        }
        tags::check_list(&mut check, given_tags);
        check.finish()?;
        let tags = tags::distinct(given_tags)?;
        if tags.len() > tags::LIMIT {
            return Err(tags::too_many(name.unwrap_or_default()));
        }

        if let Some(first) = self.first_of_token(caller, view, switches, request)? {
            return Ok(first);
        }
        let copy_from = copy_from.unwrap_or_default();
        let models = self.source_models(caller, view.now, copy_from)?;
        let name = name.unwrap_or_default();
        let place = self.place(caller);
        let taken =
            |place: &crate::state::Place| place.name_is_taken(name, view.now, switches.name_release_ms);
        if switches.unique_names && place.is_some_and(taken) {
            return Err(ApiError::conflict(format!(
                "An inference profile with the name '{name}' already exists."
            )));
        }
        if place.map_or(0, |place| place.count()) >= switches.quota {
            return Err(ApiError::quota_exceeded(format!(
                "The number of inference profiles exceeds the quota of {} for the account in this Region.",
                switches.quota
            )));
        }

        let id = self.new_id(caller);
        let arn = arns::application_profile(&caller.account, &caller.region, &id);
        let place = self.place_mut(caller);
        place.forget(view.now.earlier(switches.retention_ms()));
        if let Some(token) = &request.client_request_token {
            let used =
                UsedToken { arn: arn.clone(), id: id.clone(), at: view.now, parameters: digest(request) };
            place.tokens.insert(token.clone(), used);
        }
        let new = NewProfile {
            id,
            arn,
            name: name.to_owned(),
            description: request.description.clone(),
            copied_from: copy_from.to_owned(),
            models,
            client_request_token: request.client_request_token.clone(),
            tags,
        };
        let arn = place.insert(new, view.now).arn.clone();
        Ok(created(arn))
    }

    /// What a repeated `clientRequestToken` is answered with; `None` when a profile is to be made.
    fn first_of_token(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &CreateInferenceProfile,
    ) -> Result<Option<CreatedProfile>, ApiError> {
        let token = request.client_request_token.as_deref();
        let remembered = self.place(caller).zip(token).and_then(|(place, token)| {
            let used = place.tokens.get(token)?;
            (view.now.earlier(switches.token_memory_ms) < used.at).then_some((place, used))
        });
        let Some((place, used)) = remembered else { return Ok(None) };
        let conflict = || {
            Err(ApiError::conflict("The clientRequestToken was used before, for another inference profile."))
        };
        match switches.repeated_token {
            RepeatedToken::NewProfile => return Ok(None),
            RepeatedToken::Conflict => return conflict(),
            RepeatedToken::FirstArn => {}
        }
        if switches.deleted_token == DeletedToken::NewProfile && place.living(&used.id).is_none() {
            return Ok(None);
        }
        if switches.mismatched_token == MismatchedToken::Conflict && used.parameters != digest(request) {
            return conflict();
        }
        Ok(Some(created(used.arn.clone())))
    }

    /// The models that a profile copied from this ARN routes to.
    fn source_models(
        &self,
        caller: &Caller,
        now: Timestamp,
        copy_from: &str,
    ) -> Result<Vec<String>, ApiError> {
        let region = caller.region.as_str();
        let invalid = || ApiError::validation(COPY_FROM);
        let arn = Arn::parse(copy_from)
            .filter(|arn| arn.region == region && arn.partition == arns::partition_of(region))
            .ok_or_else(invalid)?;
        let alive = |id: &str, life: &Lifecycle| match life.end_of_life_time.filter(|end| *end <= now) {
            None => Ok(()),
            Some(end) => Err(ApiError::validation(format!(
                "The model {id} reached the end of its life on {end} and can no longer be used."
            ))),
        };
        if arn.kind == "foundation-model" {
            let (model, types) = self.catalogue.model_in(region, arn.id).ok_or_else(invalid)?;
            if !arn.account.is_empty() {
                return Err(invalid());
            }
            alive(arn.id, &model.model_lifecycle)?;
            if !types.iter().any(|kind| kind == "ON_DEMAND") {
                return Err(ApiError::validation(format!(
                    "The model {} does not support on-demand throughput. Use a system-defined inference \
                     profile that contains this model as the model source.",
                    arn.id
                )));
            }
            return Ok(vec![copy_from.to_owned()]);
        }
        let own = arn.account.is_empty() || arn.account == caller.account;
        let profile = self.catalogue.system_profile_in(region, arn.id).filter(|_| own).ok_or_else(invalid)?;
        let life = self.catalogue.model(&profile.model_id).map(|model| &model.model_lifecycle);
        life.map_or(Ok(()), |life| alive(&profile.model_id, life))?;
        Ok(profile.models(region))
    }

    /// What an identifier names. An application profile is not looked up yet.
    pub(crate) fn named<'a>(&'a self, caller: &Caller, identifier: &'a str) -> Result<Named<'a>, ApiError> {
        let mut check = Check::default();
        let rule = Rule::new(1, 2048, PROFILE_IDENTIFIER);
        check.required("inferenceProfileIdentifier", Some(identifier), rule);
        check.finish()?;
        let system = |id: &str| self.catalogue.system_profile_in(&caller.region, id).map(Named::System);
        let Some(arn) = Arn::parse(identifier) else {
            return Ok(system(identifier).unwrap_or(Named::Application(identifier)));
        };
        if arn.region != caller.region || arn.partition != arns::partition_of(&caller.region) {
            return Err(ApiError::validation("The provided inference profile ARN is not of this Region."));
        }
        let for_system = arn.kind == "inference-profile";
        if arn.account != caller.account && !(for_system && arn.account.is_empty()) {
            return Err(ApiError::access_denied("You are not authorized to access this inference profile."));
        }
        if for_system {
            system(arn.id).ok_or_else(|| gone(identifier))
        } else {
            Ok(Named::Application(arn.id))
        }
    }

    pub(crate) fn get_inference_profile(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        identifier: &str,
    ) -> Result<ProfileSummary, ApiError> {
        match self.named(caller, identifier)? {
            Named::System(profile) => Ok(system_summary(profile, caller)),
            Named::Application(id) => {
                let as_of = view.as_of(switches.lag_get_ms);
                let profile = self.place(caller).and_then(|place| place.profile_at(id, as_of));
                profile.map(application_summary).ok_or_else(|| gone(identifier))
            }
        }
    }

    pub(crate) fn delete_inference_profile(
        &mut self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        identifier: &str,
    ) -> Result<(), ApiError> {
        let id = match self.named(caller, identifier)? {
            Named::Application(id) => id.to_owned(),
            Named::System(_) => {
                return Err(ApiError::validation("A system-defined inference profile cannot be deleted."));
            }
        };
        if self.place(caller).is_none_or(|place| place.living(&id).is_none()) {
            return Err(gone(identifier));
        }
        let place = self.place_mut(caller);
        place.forget(view.now.earlier(switches.retention_ms()));
        place.delete(&id, view.now);
        Ok(())
    }

    pub(crate) fn list_inference_profiles(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &ListInferenceProfiles,
    ) -> Result<ListedProfiles, ApiError> {
        let mut check = Check::default();
        check.one_of("type", request.type_equals.as_deref(), &[SYSTEM_DEFINED, APPLICATION]);
        check.range("maxResults", request.max_results, 1, 1000);
        check.optional("nextToken", request.next_token.as_deref(), Rule::new(1, 2048, PAGE_TOKEN));
        check.finish()?;

        let (system, application) = match request.type_equals.as_deref() {
            Some(SYSTEM_DEFINED) => (true, false),
            Some(_) => (false, true),
            None => (true, switches.list_without_type == ListWithoutType::All),
        };
        let scope = format!("profiles/{}/{}/{system}/{application}", caller.account, caller.region);
        let after = match &request.next_token {
            None => None,
            Some(token) => Some(
                paging::position(&scope, token)
                    .ok_or_else(|| ApiError::validation("The provided nextToken is invalid."))?,
            ),
        };

        let systems = self.catalogue.system_profiles_in(&caller.region).filter(|_| system).zip(0..);
        let systems = systems
            .filter(|(_, place)| after.is_none_or(|after| *place > after))
            .map(|(profile, place)| (place, Entry::System(profile)));
        let after_applications = after.and_then(|after| after.checked_sub(APPLICATIONS));
        let as_of = view.as_of(switches.lag_list_ms);
        let applications = self
            .place(caller)
            .filter(|_| application)
            .into_iter()
            .flat_map(|place| place.profiles_at(as_of, after_applications))
            .map(|profile| (APPLICATIONS + profile.sequence, Entry::Application(profile)));

        let asked = request.max_results.and_then(|size| usize::try_from(size).ok());
        let size = switches.page(asked.unwrap_or(switches.default_page_size)).max(1);
        let mut entries: Vec<(u64, Entry<'_>)> = systems.chain(applications).take(size + 1).collect();
        let more = entries.len() > size;
        entries.truncate(size);
        let last = entries.last().map(|(place, _)| *place).filter(|_| more);
        let summary = |(_, entry): (u64, Entry<'_>)| match entry {
            Entry::System(profile) => system_summary(profile, caller),
            Entry::Application(profile) => application_summary(profile),
        };
        Ok(ListedProfiles {
            inference_profile_summaries: entries.into_iter().map(summary).collect(),
            next_token: last.map(|place| paging::token(&scope, place)),
        })
    }
}

enum Entry<'a> {
    System(&'a SystemProfile),
    Application(&'a Profile),
}

fn created(arn: String) -> CreatedProfile {
    CreatedProfile { inference_profile_arn: arn, status: "ACTIVE".to_owned() }
}

/// A digest of the parameters that a repeated token has to come with.
fn digest(request: &CreateInferenceProfile) -> u64 {
    let others = CreateInferenceProfile { client_request_token: None, ..request.clone() };
    paging::fnv1a(serde_json::to_vec(&others).unwrap_or_default().into_iter())
}
