//! `model-legacy`, `model-end-of-life`, `model-unavailable`.

use std::collections::{BTreeSet, HashMap, HashSet};

use profile::{
    arn::Arn,
    model_source::Catalogue,
    record::{FoundationModel, SystemProfile},
    tags,
};
use time::{Duration, OffsetDateTime};

use super::{Case, docket::Docket};
use crate::{finding::Severity, inventory::Inventory, rule::Rule, words};

/// What the Region offers, by id.
pub(super) struct Models<'a> {
    inventory: &'a Inventory,
    models: Option<HashMap<&'a str, &'a FoundationModel>>,
    system_profiles: Option<HashMap<&'a str, &'a SystemProfile>>,
    /// The ids of the models that system profiles route to, in any Region.
    routed: HashSet<&'a str>,
    catalogue: Option<Catalogue>,
    /// What may follow a model, for profiles copied from it or from a system profile of this geography.
    successors: HashMap<(&'a str, &'a str), Vec<String>>,
}

impl<'a> Models<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let models = inventory.models.as_ref().ok();
        let system_profiles = inventory.system_profiles.as_ref().ok();
        Self {
            inventory,
            models: models.map(|all| all.iter().map(|model| (model.id.as_str(), model)).collect()),
            system_profiles: system_profiles
                .map(|all| all.iter().map(|system| (system.id.as_str(), system)).collect()),
            routed: system_profiles.into_iter().flatten().flat_map(routes).collect(),
            catalogue: None,
            successors: HashMap::new(),
        }
    }

    pub(super) fn judge(&mut self, case: &Case<'a>, docket: &mut Docket<'_>) {
        self.life_cycle(case, docket);
        self.unavailable(case, docket);
    }

    fn life_cycle(&mut self, case: &Case<'a>, docket: &mut Docket<'_>) {
        let Some(known) = &self.models else { return };
        let ids: BTreeSet<&str> = model_arns(case).map(|(_, id)| id).collect();
        let models: Vec<&'a FoundationModel> = ids.iter().filter_map(|id| known.get(id).copied()).collect();
        self.legacy(case, &models, docket);
        self.end_of_life(case, &models, docket);
    }

    fn legacy(&mut self, case: &Case<'a>, models: &[&'a FoundationModel], docket: &mut Docket<'_>) {
        let legacy: Vec<_> = models.iter().copied().filter(|model| model.lifecycle.legacy).collect();
        if legacy.is_empty() || !docket.asks(Rule::ModelLegacy) {
            return;
        }
        let named: Vec<String> = legacy
            .iter()
            .map(|model| match model.lifecycle.end_of_life {
                Some(end) => format!("{} (end of life on {})", model.id, end.date()),
                None => model.id.clone(),
            })
            .collect();
        let problem = format!("It routes to {}, which AWS has declared legacy", words::all(&named));
        let remedy = self.move_on(case, &legacy);
        docket.profile(case, Rule::ModelLegacy, Severity::Medium, problem, remedy);
    }

    fn end_of_life(&mut self, case: &Case<'a>, models: &[&'a FoundationModel], docket: &mut Docket<'_>) {
        let now = self.inventory.taken_at;
        let within = Duration::days(i64::from(docket.criteria.thresholds.end_of_life_days));
        let end = |model: &FoundationModel| model.lifecycle.end_of_life.filter(|end| *end - now <= within);
        let mut ending: Vec<(OffsetDateTime, &'a FoundationModel)> =
            models.iter().filter_map(|model| Some((end(model)?, *model))).collect();
        if ending.is_empty() || !docket.asks(Rule::ModelEndOfLife) {
            return;
        }
        ending.sort_by_key(|(end, model)| (*end, &model.id));
        let severity = match ending.iter().any(|(end, _)| *end <= now) {
            true => Severity::Critical,
            false => Severity::High,
        };
        let said: Vec<String> = ending
            .iter()
            .map(|(end, model)| match (*end - now).whole_days() {
                _ if *end <= now => {
                    format!("{} reached its end of life on {}, and calls of it fail", model.id, end.date())
                }
                0 => format!("{} reaches its end of life on {}, within a day", model.id, end.date()),
                days => format!(
                    "{} reaches its end of life on {}, in {}",
                    model.id,
                    end.date(),
                    words::count(days.unsigned_abs(), "day")
                ),
            })
            .collect();
        let problem = format!("It routes to a model that ends: {}", said.join("; "));
        let models: Vec<&FoundationModel> = ending.iter().map(|(_, model)| *model).collect();
        let remedy = self.move_on(case, &models);
        docket.profile(case, Rule::ModelEndOfLife, severity, problem, remedy);
    }

    /// How to come away from `models`, which are not empty.
    fn move_on(&mut self, case: &Case<'a>, models: &[&'a FoundationModel]) -> String {
        let copied = case.copied_system_profile();
        let copied =
            copied.filter(|id| self.system_profiles.as_ref().is_some_and(|all| all.contains_key(id)));
        let Some(model) = models.first() else { return String::new() };
        let geography = copied.and_then(|id| id.split('.').next()).unwrap_or_default();
        let successors = match self.successors.get(&(model.id.as_str(), geography)) {
            Some(successors) => successors.clone(),
            None => {
                let (inventory, now) = (self.inventory, self.inventory.taken_at);
                let catalogue = self.catalogue.get_or_insert_with(|| Catalogue {
                    models: inventory.models.clone().unwrap_or_default(),
                    system_profiles: inventory.system_profiles.clone().unwrap_or_default(),
                });
                let successors = catalogue.successors(&model.id, copied, now);
                self.successors.insert((&model.id, geography), successors.clone());
                successors
            }
        };
        copy_from(case, &successors)
    }

    fn unavailable(&self, case: &Case<'a>, docket: &mut Docket<'_>) {
        let region = case.region();
        let mut gone = Vec::new();
        if let Some(known) = &self.models {
            // Without a Region it may be one that only others offer, as long as anything routes there.
            let is_lost = |arn: &Arn<'_>, id: &str| match arn.region.is_empty() {
                true => self.system_profiles.is_some() && !self.routed.contains(id),
                false => arn.region == region,
            };
            let lost = model_arns(case).filter(|(arn, id)| !known.contains_key(id) && is_lost(arn, id));
            let ids: BTreeSet<&str> = lost.map(|(_, id)| id).collect();
            let ids: Vec<&str> = ids.into_iter().collect();
            if !ids.is_empty() {
                let does = if ids.len() == 1 { "a model" } else { "models" };
                gone.push(format!(
                    "it routes to {does} that {region} does not offer any more: {}",
                    words::all(&ids)
                ));
            }
        }
        let copied = case.copied_system_profile();
        if let (Some(known), Some(id)) = (&self.system_profiles, copied)
            && !known.contains_key(id)
        {
            gone.push(format!(
                "it was copied from the system profile {id}, which {region} does not offer any more"
            ));
        }
        if gone.is_empty() || !docket.asks(Rule::ModelUnavailable) {
            return;
        }
        let listed = format!(
            "{}; what is offered is listed by aws bedrock list-foundation-models --region {region} and aws bedrock \
             list-inference-profiles --region {region} --type-equals SYSTEM_DEFINED",
            copy_from(case, &[])
        );
        let problem = format!("{}, so its calls fail", words::capital(&gone.join(", and ")));
        docket.profile(case, Rule::ModelUnavailable, Severity::Critical, problem, listed);
    }
}

/// The foundation models that a profile routes to: their ARNs, and their ids.
fn model_arns<'a>(case: &Case<'a>) -> impl Iterator<Item = (Arn<'a>, &'a str)> {
    foundation_models(&case.record.models)
}

/// The ids of the foundation models that a system profile routes to.
fn routes(system: &SystemProfile) -> impl Iterator<Item = &str> {
    foundation_models(&system.models).map(|(_, id)| id)
}

fn foundation_models(arns: &[String]) -> impl Iterator<Item = (Arn<'_>, &str)> {
    let arns = arns.iter().filter_map(|arn| Arn::parse(arn));
    arns.filter_map(|arn| Some((arn, arn.bedrock_id("foundation-model")?)))
}

/// How a profile comes to be copied from something else.
fn copy_from(case: &Case<'_>, successors: &[String]) -> String {
    let such = match successors {
        [] => "a model that lives on".to_owned(),
        _ => format!("a model that lives on, such as {}", words::either(successors)),
    };
    match case.declared() {
        Some(declared) => {
            let published = match case.owner().and(case.tags.get(tags::PARAMETER)) {
                Some(name) => format!("; readers of {name} get the new profile"),
                None => String::new(),
            };
            format!("Set the ModelSource {declared} to {such}{published}")
        }
        None => {
            format!("Make a profile that is copied from {such}, move the callers there, and delete this one")
        }
    }
}

#[cfg(test)]
mod tests {
    use profile::tags;
    use time::Duration;

    use crate::{
        finding::Severity,
        inventory::Source,
        rule::Rule::{self, *},
        testing::{MODEL, NEXT_MODEL, NOW, SYSTEM_PROFILE, World, model_arn, system_arn},
    };

    const MODELS: [Rule; 3] = [ModelLegacy, ModelEndOfLife, ModelUnavailable];

    fn managed() -> World {
        World::new().managed("p1", "search").only(&MODELS)
    }

    fn bare(models: &[String]) -> World {
        let world = World::new().bare("p1", "search", &[]).only(&MODELS);
        world.edit("p1", |profile| profile.record.models = models.to_vec())
    }

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn a_legacy_model_is_told_with_what_may_follow_it() {
        let world = managed().model(MODEL, true, None);
        assert_eq!(world.found(), ["model-legacy search"]);
        let finding = world.finding(ModelLegacy);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.problem, "It routes to amazon.nova-lite-v1:0, which AWS has declared legacy");
        assert_eq!(
            finding.remedy,
            "Set the ModelSource of Search in the template of stack app to a model that lives on, such as \
             us.amazon.nova-2-lite-v1:0; readers of /inference-profiles/search get the new profile"
        );
        let finding = bare(&[model_arn("us-east-1", MODEL)]).model(MODEL, true, None).finding(ModelLegacy);
        assert_eq!(
            finding.remedy,
            "Make a profile that is copied from a model that lives on, such as amazon.nova-2-lite-v1:0, \
             move the callers there, and delete this one"
        );
    }

    #[test]
    fn a_model_s_end_is_told_from_the_days_that_are_set_and_is_critical_once_it_is_past() {
        let ends = |from_now: Duration| managed().model(MODEL, false, Some(NOW + from_now));
        let severity = |from_now| ends(from_now).finding(ModelEndOfLife).severity;
        assert_eq!(ends(Duration::days(90) + Duration::SECOND).found(), nothing());
        assert_eq!(severity(Duration::days(90)), Severity::High);
        assert_eq!(severity(Duration::SECOND), Severity::High);
        assert_eq!(severity(Duration::ZERO), Severity::Critical);
        let problem = |from_now| ends(from_now).finding(ModelEndOfLife).problem;
        assert_eq!(
            problem(Duration::days(10)),
            "It routes to a model that ends: amazon.nova-lite-v1:0 reaches its end of life on 2026-03-25, in 10 days"
        );
        assert!(
            problem(-Duration::DAY).contains("reached its end of life on 2026-03-14, and calls of it fail")
        );
        let mut hasty = ends(Duration::days(10));
        hasty.criteria.thresholds.end_of_life_days = 9;
        assert_eq!(hasty.found(), nothing());
    }

    #[test]
    fn legacy_and_near_its_end_are_two_findings_and_several_models_are_one() {
        let both = [MODEL, NEXT_MODEL].map(|id| model_arn("us-east-1", id));
        let world = bare(&both).model(MODEL, true, Some(NOW + Duration::days(9))).model(
            NEXT_MODEL,
            true,
            Some(NOW - Duration::DAY),
        );
        assert_eq!(world.found(), ["model-end-of-life search", "model-legacy search"]);
        assert_eq!(world.finding(ModelEndOfLife).severity, Severity::Critical);
        let problem = world.finding(ModelLegacy).problem;
        assert!(
            problem.contains(MODEL) && problem.contains("amazon.nova-2-lite-v1:0 (end of life"),
            "{problem}"
        );
    }

    #[test]
    fn a_life_cycle_is_looked_up_by_id_whatever_the_region_of_the_arn() {
        for region in ["us-east-1", "", "eu-west-1"] {
            let world = bare(&[model_arn(region, MODEL)]).model(MODEL, true, None);
            assert_eq!(world.found(), ["model-legacy search"], "{region}");
        }
        assert_eq!(bare(&[]).model(MODEL, true, Some(NOW)).found(), nothing());
        assert_eq!(bare(&["junk".into(), "arn:aws:bedrock:::x/y".into()]).found(), nothing());
    }

    #[test]
    fn a_model_that_the_region_no_longer_has_is_unavailable() {
        for region in ["us-east-1", ""] {
            let world = bare(&[model_arn(region, MODEL), model_arn("eu-west-1", MODEL)]).no_model(MODEL);
            let world = world.no_system_profile(SYSTEM_PROFILE);
            let finding = world.finding(ModelUnavailable);
            assert_eq!(finding.severity, Severity::Critical);
            assert_eq!(
                finding.problem,
                "It routes to a model that us-east-1 does not offer any more: amazon.nova-lite-v1:0, \
                 so its calls fail"
            );
        }
        // Another Region's models are not listed here.
        assert_eq!(bare(&[model_arn("eu-west-1", MODEL)]).no_model(MODEL).found(), nothing());
    }

    #[test]
    fn a_model_without_a_region_is_there_while_a_system_profile_routes_to_it() {
        let world = |region: &str| bare(&[model_arn(region, MODEL)]).no_model(MODEL);
        assert_eq!(world("").found(), nothing());
        assert_eq!(world("us-east-1").found(), ["model-unavailable search"]);
        let gone = world("").no_system_profile(SYSTEM_PROFILE);
        assert_eq!(gone.found(), ["model-unavailable search"]);
        // A list of system profiles that is unread may have held one.
        let unread = gone.unread(Source::SystemProfiles).judged();
        assert_eq!(unread.findings, []);
        assert_eq!(unread.undecided, [ModelUnavailable].into());
        // Both ways to the same model.
        let both = bare(&["", "us-east-1"].map(|region| model_arn(region, MODEL))).no_model(MODEL);
        assert!(both.finding(ModelUnavailable).problem.contains("a model that us-east-1 does not offer"));
    }

    #[test]
    fn a_system_profile_that_is_gone_is_unavailable_by_the_tag_that_records_it() {
        let world = managed().no_system_profile(SYSTEM_PROFILE);
        assert!(world.finding(ModelUnavailable).problem.contains("system profile us.amazon.nova-lite-v1:0"));
        assert_eq!(world.clone().untag("p1", tags::MODEL_SOURCE).found(), nothing());
        let source = model_arn("us-east-1", MODEL);
        assert_eq!(world.clone().tag("p1", tags::MODEL_SOURCE, &source).found(), nothing());
        let elsewhere = system_arn("us.x").replace("us-east-1", "us-west-2");
        assert_eq!(world.clone().tag("p1", tags::MODEL_SOURCE, &elsewhere).found(), nothing());
        let problem = world.no_model(MODEL).finding(ModelUnavailable).problem;
        assert!(problem.contains("any more: amazon.nova-lite-v1:0, and it was copied from"), "{problem}");
    }

    #[test]
    fn what_is_read_is_judged_while_the_other_list_is_unread() {
        let world = managed().no_system_profile(SYSTEM_PROFILE).model(MODEL, true, None);
        let no_models = world.clone().unread(Source::Models);
        assert_eq!(no_models.found(), ["model-unavailable search"]);
        assert_eq!(no_models.judged().undecided, MODELS.into());
        let no_system = world.unread(Source::SystemProfiles);
        assert_eq!(no_system.found(), ["model-legacy search"]);
        assert_eq!(no_system.judged().undecided, [ModelUnavailable].into());
    }
}
