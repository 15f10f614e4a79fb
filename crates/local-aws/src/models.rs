//! Foundation models: get and list.

use serde::{Deserialize, Serialize};

use crate::arns::{self, Arn};
use crate::catalogue::{Lifecycle, Model};
use crate::constraints::{Check, MODEL_IDENTIFIER, Pattern, Rule};
use crate::error::ApiError;
use crate::state::{Caller, State, View};
use crate::switches::{Switches, UnknownModel};

/// A model as Get and List answer it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelDetails {
    /// The ARN in the caller's Region.
    pub model_arn: String,
    /// The id.
    pub model_id: String,
    /// The name for people.
    pub model_name: String,
    /// Who makes it.
    pub provider_name: String,
    /// `TEXT`, `IMAGE`, …
    pub input_modalities: Vec<String>,
    /// `TEXT`, `IMAGE`, `EMBEDDING`.
    pub output_modalities: Vec<String>,
    /// Whether it streams.
    pub response_streaming_supported: bool,
    /// `FINE_TUNING`, …
    pub customizations_supported: Vec<String>,
    /// `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`.
    pub inference_types_supported: Vec<String>,
    /// Where it stands in its life.
    pub model_lifecycle: Lifecycle,
}

/// The answer of GetFoundationModel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundationModel {
    /// The model.
    pub model_details: ModelDetails,
}

/// The input of ListFoundationModels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListFoundationModels {
    /// Only models of this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_provider: Option<String>,
    /// Only models that can be customised so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_customization_type: Option<String>,
    /// Only models that give this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_output_modality: Option<String>,
    /// Only models that can be used so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_inference_type: Option<String>,
}

/// The answer of ListFoundationModels, which has no pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedModels {
    /// The models of the Region.
    pub model_summaries: Vec<ModelDetails>,
}

const PROVIDER: Pattern = Pattern::new("[A-Za-z0-9- ]{1,63}", |value| {
    (1..=63).contains(&value.len()) && value.chars().all(|c| c.is_ascii_alphanumeric() || " -".contains(c))
});

fn details(model: &Model, types: &[String], region: &str) -> ModelDetails {
    ModelDetails {
        model_arn: arns::foundation_model(region, &model.model_id),
        model_id: model.model_id.clone(),
        model_name: model.model_name.clone(),
        provider_name: model.provider_name.clone(),
        input_modalities: model.input_modalities.clone(),
        output_modalities: model.output_modalities.clone(),
        response_streaming_supported: model.response_streaming_supported,
        customizations_supported: model.customizations_supported.clone(),
        inference_types_supported: types.to_vec(),
        model_lifecycle: model.model_lifecycle.clone(),
    }
}

impl State {
    pub(crate) fn get_foundation_model(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        identifier: &str,
    ) -> Result<FoundationModel, ApiError> {
        let mut check = Check::default();
        check.required("modelIdentifier", Some(identifier), Rule::new(1, 2048, MODEL_IDENTIFIER));
        check.finish()?;
        let region = caller.region.as_str();
        let id = match Arn::parse(identifier) {
            None => identifier,
            Some(arn) if arn.region == region && arn.partition == arns::partition_of(region) => arn.id,
            Some(_) => return Err(ApiError::validation("The provided model identifier is invalid.")),
        };
        let hidden =
            |model: &Model| switches.hide_end_of_life_models && model.model_lifecycle.is_over(view.now);
        let found = self.catalogue.model_in(region, id).filter(|(model, _)| !hidden(model));
        let (model, types) = found.ok_or_else(|| match switches.unknown_model {
            UnknownModel::NotFound => {
                ApiError::not_found(format!("Could not resolve the foundation model from '{identifier}'."))
            }
            UnknownModel::Validation => ApiError::validation("The provided model identifier is invalid."),
        })?;
        Ok(FoundationModel { model_details: details(model, types, region) })
    }

    pub(crate) fn list_foundation_models(
        &self,
        caller: &Caller,
        view: View,
        switches: &Switches,
        request: &ListFoundationModels,
    ) -> Result<ListedModels, ApiError> {
        let mut check = Check::default();
        check.optional("byProvider", request.by_provider.as_deref(), Rule::new(1, 63, PROVIDER));
        let customizations = ["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"];
        check.one_of("byCustomizationType", request.by_customization_type.as_deref(), &customizations);
        let modalities = ["TEXT", "IMAGE", "EMBEDDING"];
        check.one_of("byOutputModality", request.by_output_modality.as_deref(), &modalities);
        check.one_of("byInferenceType", request.by_inference_type.as_deref(), &["ON_DEMAND", "PROVISIONED"]);
        check.finish()?;

        let has = |wanted: &Option<String>, all: &[String]| {
            wanted.as_ref().is_none_or(|wanted| all.iter().any(|one| one.eq_ignore_ascii_case(wanted)))
        };
        let models = self.catalogue.models_in(&caller.region).filter(|(model, types)| {
            has(&request.by_provider, std::slice::from_ref(&model.provider_name))
                && has(&request.by_customization_type, &model.customizations_supported)
                && has(&request.by_output_modality, &model.output_modalities)
                && has(&request.by_inference_type, types)
                && !(switches.hide_end_of_life_models && model.model_lifecycle.is_over(view.now))
        });
        let model_summaries = models.map(|(model, types)| details(model, types, &caller.region)).collect();
        Ok(ListedModels { model_summaries })
    }
}
