//! The foundation models and the system-defined profiles that AWS offers, per Region.

mod builtin;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::arns;
use crate::timestamp::Timestamp;

/// Where a model stands in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// `ACTIVE` or `LEGACY`.
    pub status: String,
    /// When it was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_of_life_time: Option<Timestamp>,
    /// When it becomes or became legacy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_time: Option<Timestamp>,
    /// When the part of the legacy period begins that costs more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_extended_access_time: Option<Timestamp>,
    /// When it cannot be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life_time: Option<Timestamp>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            status: "ACTIVE".to_owned(),
            start_of_life_time: None,
            legacy_time: None,
            public_extended_access_time: None,
            end_of_life_time: None,
        }
    }
}

impl Lifecycle {
    /// Whether the end of life has come.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.end_of_life_time.is_some_and(|end| end <= now)
    }
}

/// A foundation model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Model {
    /// The id, such as `amazon.nova-lite-v1:0`.
    pub model_id: String,
    /// The name for people.
    #[serde(default)]
    pub model_name: String,
    /// Who makes it.
    #[serde(default)]
    pub provider_name: String,
    /// `TEXT`, `IMAGE`, …
    #[serde(default = "text")]
    pub input_modalities: Vec<String>,
    /// `TEXT`, `IMAGE`, `EMBEDDING`.
    #[serde(default = "text")]
    pub output_modalities: Vec<String>,
    /// Whether it streams.
    #[serde(default)]
    pub response_streaming_supported: bool,
    /// `FINE_TUNING`, …
    #[serde(default)]
    pub customizations_supported: Vec<String>,
    /// For each Region that has the model, its `inferenceTypesSupported` there: `ON_DEMAND`,
    /// `PROVISIONED`, `INFERENCE_PROFILE`.
    pub regions: BTreeMap<String, Vec<String>>,
    /// Where it stands in its life.
    #[serde(default)]
    pub model_lifecycle: Lifecycle,
}

fn text() -> Vec<String> {
    vec!["TEXT".to_owned()]
}

impl Model {
    /// An active model, on demand in the given Regions.
    pub fn on_demand(id: &str, regions: &[&str]) -> Self {
        let types = vec!["ON_DEMAND".to_owned()];
        Self {
            model_id: id.to_owned(),
            model_name: id.rsplit('.').next().unwrap_or(id).chars().take(20).collect(),
            provider_name: id.split('.').next().unwrap_or(id).to_owned(),
            input_modalities: text(),
            output_modalities: text(),
            response_streaming_supported: true,
            customizations_supported: Vec::new(),
            regions: regions.iter().map(|region| ((*region).to_owned(), types.clone())).collect(),
            model_lifecycle: Lifecycle::default(),
        }
    }
}

/// One place that a system-defined profile routes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The model in this Region.
    Region(String),
    /// The model's ARN without a Region.
    Regionless,
    /// The model in the Region from which it is called.
    OwnRegion,
}

/// A system-defined profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemProfile {
    /// The id, such as `us.amazon.nova-lite-v1:0`.
    pub id: String,
    /// The name for people.
    #[serde(default)]
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// The model it routes to.
    pub model_id: String,
    /// The Regions from which it can be called.
    pub source_regions: BTreeSet<String>,
    /// Where it routes to, in the order of the answer.
    pub destinations: Vec<Destination>,
    /// When it was made.
    #[serde(default = "launch")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(default = "launch")]
    pub updated_at: Timestamp,
}

fn launch() -> Timestamp {
    Timestamp::date(2025, 1, 1)
}

impl SystemProfile {
    /// A profile over the given Regions, callable from each of them.
    pub fn over(id: &str, model_id: &str, regions: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            description: format!("Routes requests to {model_id} in {}.", regions.join(", ")),
            model_id: model_id.to_owned(),
            source_regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            destinations: regions.iter().map(|region| Destination::Region((*region).to_owned())).collect(),
            created_at: launch(),
            updated_at: launch(),
        }
    }

    /// The model ARNs it routes to when called from a Region.
    pub fn models(&self, region: &str) -> Vec<String> {
        let arn = |destination: &Destination| match destination {
            Destination::Region(other) => arns::foundation_model(other, &self.model_id),
            Destination::Regionless => arns::regionless_model(region, &self.model_id),
            Destination::OwnRegion => arns::foundation_model(region, &self.model_id),
        };
        self.destinations.iter().map(arn).collect()
    }
}

/// All models and system-defined profiles. `Default` is the built-in selection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    models: Vec<Model>,
    system_profiles: Vec<SystemProfile>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { models: builtin::models(), system_profiles: builtin::system_profiles() }
    }
}

impl Catalogue {
    /// A catalogue with nothing in it.
    pub fn empty() -> Self {
        Self { models: Vec::new(), system_profiles: Vec::new() }
    }

    /// Adds a model, or puts it in the place of the one with its id.
    pub fn put_model(&mut self, model: Model) {
        match self.models.iter_mut().find(|known| known.model_id == model.model_id) {
            Some(known) => *known = model,
            None => self.models.push(model),
        }
    }

    /// Adds a system-defined profile, or puts it in the place of the one with its id.
    pub fn put_system_profile(&mut self, profile: SystemProfile) {
        match self.system_profiles.iter_mut().find(|known| known.id == profile.id) {
            Some(known) => *known = profile,
            None => self.system_profiles.push(profile),
        }
    }

    /// Takes a model away.
    pub fn remove_model(&mut self, id: &str) {
        self.models.retain(|model| model.model_id != id);
    }

    /// Takes a system-defined profile away.
    pub fn remove_system_profile(&mut self, id: &str) {
        self.system_profiles.retain(|profile| profile.id != id);
    }

    /// A model by id, wherever it is.
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.model_id == id)
    }

    /// A model by id, if the Region has it, and how it can be used there.
    pub fn model_in(&self, region: &str, id: &str) -> Option<(&Model, &[String])> {
        let model = self.model(id)?;
        model.regions.get(region).map(|types| (model, types.as_slice()))
    }

    /// The models of a Region.
    pub fn models_in<'a>(&'a self, region: &'a str) -> impl Iterator<Item = (&'a Model, &'a [String])> {
        self.models.iter().filter_map(|model| Some((model, model.regions.get(region)?.as_slice())))
    }

    /// A system-defined profile by id, if it can be called from the Region.
    pub fn system_profile_in(&self, region: &str, id: &str) -> Option<&SystemProfile> {
        let known = self.system_profiles.iter().find(|profile| profile.id == id)?;
        known.source_regions.contains(region).then_some(known)
    }

    /// The system-defined profiles that can be called from a Region.
    pub fn system_profiles_in<'a>(&'a self, region: &'a str) -> impl Iterator<Item = &'a SystemProfile> {
        self.system_profiles.iter().filter(move |profile| profile.source_regions.contains(region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: fn() -> Timestamp = || Timestamp::date(2026, 11, 24);

    #[test]
    fn every_system_profile_leads_to_models_that_exist() {
        let catalogue = Catalogue::default();
        for profile in &catalogue.system_profiles {
            for source in &profile.source_regions {
                assert!(
                    catalogue.model_in(source, &profile.model_id).is_some(),
                    "{} in {source}",
                    profile.id
                );
                assert!(!profile.models(source).is_empty(), "{}", profile.id);
            }
            for destination in &profile.destinations {
                if let Destination::Region(region) = destination {
                    assert!(
                        catalogue.model_in(region, &profile.model_id).is_some(),
                        "{} to {region}",
                        profile.id
                    );
                }
            }
        }
    }

    #[test]
    fn ids_are_distinct_and_texts_fit_the_api() {
        let catalogue = Catalogue::default();
        let ids: BTreeSet<_> = catalogue.models.iter().map(|model| &model.model_id).collect();
        assert_eq!(ids.len(), catalogue.models.len());
        let ids: BTreeSet<_> = catalogue.system_profiles.iter().map(|profile| &profile.id).collect();
        assert_eq!(ids.len(), catalogue.system_profiles.len());
        for model in &catalogue.models {
            assert!((1..=20).contains(&model.model_name.chars().count()), "{}", model.model_name);
            assert!(crate::constraints::MODEL_IDENTIFIER.matches(&model.model_id), "{}", model.model_id);
        }
        assert!(catalogue.system_profiles.iter().all(|profile| profile.name.len() <= 64));
    }

    #[test]
    fn every_stage_of_life_and_every_way_of_use_is_there() {
        let catalogue = Catalogue::default();
        for region in ["us-east-1", "us-west-2", "us-east-2", "eu-west-1", "eu-central-1", "ap-northeast-1"] {
            let models: Vec<_> = catalogue.models_in(region).collect();
            let only = |wanted: &str| models.iter().any(|(_, types)| types.iter().all(|t| t == wanted));
            assert!(only("ON_DEMAND") && only("INFERENCE_PROFILE"), "{region}");
            let life =
                |wanted: &dyn Fn(&Lifecycle) -> bool| models.iter().any(|(m, _)| wanted(&m.model_lifecycle));
            assert!(life(&|l| l.status == "ACTIVE" && l.end_of_life_time.is_none()), "{region}");
            assert!(life(&|l| l.status == "LEGACY" && !l.is_over(TODAY())), "{region}");
            assert!(life(&|l| l.is_over(TODAY())), "{region}");
        }
        assert!(catalogue.models_in("us-east-1").any(|(_, types)| types == ["PROVISIONED"]));
        assert!(catalogue.models_in("us-gov-west-1").count() >= 2);
        assert!(catalogue.models_in("ap-southeast-2").count() >= 2);
        assert_eq!(catalogue.models_in("nowhere-1").count(), 0);
    }

    #[test]
    fn a_global_profile_lists_the_model_without_a_region_and_then_here() {
        let catalogue = Catalogue::default();
        let profile = catalogue.system_profile_in("us-east-1", "global.amazon.nova-2-lite-v1:0").unwrap();
        assert_eq!(
            profile.models("us-east-1"),
            [
                "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0",
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0"
            ]
        );
    }

    #[test]
    fn profiles_are_of_their_geography_unsorted_and_may_have_more_than_five_models() {
        let catalogue = Catalogue::default();
        assert!(catalogue.system_profile_in("eu-west-1", "us.amazon.nova-lite-v1:0").is_none());
        assert!(catalogue.system_profile_in("eu-west-1", "eu.amazon.nova-lite-v1:0").is_some());
        let us = catalogue.system_profile_in("us-east-1", "us.amazon.nova-lite-v1:0").unwrap();
        let models = us.models("us-east-1");
        assert!(!models.is_sorted());
        let apac = catalogue.system_profile_in("ap-northeast-1", "apac.amazon.nova-lite-v1:0").unwrap();
        assert!(apac.models("ap-northeast-1").len() > 5);
        let gov = catalogue.system_profiles_in("us-gov-west-1").next().unwrap();
        assert!(gov.models("us-gov-west-1").iter().all(|arn| arn.starts_with("arn:aws-us-gov:")));
    }

    #[test]
    fn what_is_put_twice_replaces() {
        let mut catalogue = Catalogue::empty();
        catalogue.put_model(Model::on_demand("a.b", &["us-east-1"]));
        catalogue.put_model(Model::on_demand("a.b", &["us-west-2"]));
        assert_eq!(catalogue.models.len(), 1);
        assert!(catalogue.model_in("us-east-1", "a.b").is_none());
        catalogue.put_system_profile(SystemProfile::over("us.a.b", "a.b", &["us-west-2"]));
        catalogue.remove_model("a.b");
        catalogue.remove_system_profile("us.a.b");
        assert_eq!(catalogue, Catalogue::empty());
    }
}
