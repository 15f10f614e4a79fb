//! `idle`, `unattributed-usage`.

use std::collections::{BTreeMap, HashMap};

use profile::arn::{Arn, ProfileArn};
use time::{Date, Duration};

use super::{Case, Scene, docket::Docket, silence::IGNORE};
use crate::{
    finding::{Resource, ResourceKind, Severity},
    inventory::Usage,
    rule::Rule,
    thresholds::UNATTRIBUTED_DAYS,
    words,
};

/// The invocations of a profile on `day` and later, by whichever of its names CloudWatch counts them.
pub(crate) fn invocations_since(usage: &Usage, arn: &ProfileArn, day: Date) -> u64 {
    usage.invocations_since(arn.id(), day) + usage.invocations_since(arn.as_str(), day)
}

pub(super) fn judge(case: &Case<'_>, docket: &mut Docket<'_>) {
    let (true, Some(usage)) = (docket.asks(Rule::Idle), case.scene.usage()) else { return };
    let days = docket.criteria.thresholds.idle_days;
    let now = case.scene.inventory.taken_at;
    let from = now - Duration::days(i64::from(days));
    let Some(created) = case.record.created_at.filter(|created| *created < from) else { return };
    if case.is_draining() {
        return;
    }
    if usage.since > from.date() {
        docket.undecided(Rule::Idle);
        return;
    }
    if invocations_since(usage, &case.record.arn, from.date()) > 0 {
        return;
    }
    let last = usage.last_day(&case.record.arn);
    let problem = match last {
        Some(day) => format!("It was last invoked on {day}, {} ago", age(now.date() - day)),
        None if created.date() >= usage.since => {
            format!("It was not invoked once since it was made on {}", created.date())
        }
        None => format!("It was not invoked since {}, the first day of which usage is known", usage.since),
    };
    let remove = match case.declared() {
        Some(declared) => format!("remove the declaration {declared}"),
        None => format!("delete it: {}", case.removal_command()),
    };
    let ignore = case.tag_command([(IGNORE, Some(Rule::Idle.as_str()))]);
    let remedy = format!("If nobody needs it, {remove}; if it is to stay, silence this: {ignore}");
    docket.profile(case, Rule::Idle, Severity::Low, problem, remedy);
}

fn age(duration: Duration) -> String {
    words::count(duration.whole_days().unsigned_abs(), "day")
}

/// A model or system profile that is invoked by itself.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Direct<'a> {
    arn: &'a str,
    id: &'a str,
    is_system_profile: bool,
}

pub(super) fn judge_unattributed(scene: &Scene<'_>, docket: &mut Docket<'_>) {
    let inventory = scene.inventory;
    let (true, Some(usage)) = (docket.asks(Rule::UnattributedUsage), scene.usage()) else { return };
    let models = inventory.models.iter().flatten().map(|model| (&model.id, &model.arn, false));
    let systems = inventory.system_profiles.iter().flatten().map(|system| (&system.id, &system.arn, true));
    let mut known: HashMap<&str, Direct<'_>> = HashMap::new();
    for (id, arn, is_system_profile) in models.chain(systems) {
        known.insert(id, Direct { arn, id, is_system_profile });
    }
    let mut direct: BTreeMap<&Direct<'_>, u64> = BTreeMap::new();
    for model_id in usage.daily.keys() {
        let Some(what) = known.get(model_id.as_str()).or_else(|| known.get(id_of(scene, model_id)?)) else {
            continue;
        };
        let invocations = usage.invocations_within(model_id, UNATTRIBUTED_DAYS, inventory.taken_at);
        if invocations > 0 {
            *direct.entry(what).or_default() += invocations;
        }
    }
    let location = &inventory.location;
    for (what, invocations) in direct {
        let Direct { arn, id, is_system_profile } = what;
        let kind = if *is_system_profile { "system profile" } else { "model" };
        let problem = format!(
            "The {kind} was invoked {} past the application profiles within the last {}, so that cost is \
             attributed to nobody",
            words::count(invocations, "time"),
            words::count(u64::from(UNATTRIBUTED_DAYS), "day")
        );
        let models =
            format!("bedrock:InvokeModel* on arn:{}:bedrock:*::foundation-model/*", location.partition);
        // A call of a system profile carries the key as well, with that profile's ARN.
        let bar = match is_system_profile {
            true => format!(
                "allow {models} only under a condition on bedrock:InferenceProfileArn that names application \
                 profiles"
            ),
            false => format!(
                "deny {models} under the condition \
                 {{\"Null\": {{\"bedrock:InferenceProfileArn\": \"true\"}}}}"
            ),
        };
        let remedy = format!(
            "Find the callers in CloudTrail (InvokeModel and Converse with modelId {id}) and give them an \
             application profile that is copied from it; to keep others from doing the same, {bar}"
        );
        let resource = Resource { kind: ResourceKind::Model, arn: (*arn).to_owned(), name: (*id).to_owned() };
        docket.other(resource, Rule::UnattributedUsage, Severity::High, problem, remedy);
    }
}

/// The id in the ARN of a foundation model or system profile that is named from this Region.
fn id_of<'t>(scene: &Scene<'_>, text: &'t str) -> Option<&'t str> {
    let arn = Arn::parse(text)?;
    let here = arn.region.is_empty() || arn.region == scene.inventory.location.region;
    let id = arn.bedrock_id("foundation-model").or_else(|| arn.bedrock_id("inference-profile"));
    id.filter(|_| here)
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use crate::{
        finding::{ResourceKind, Severity},
        inventory::Source,
        rule::Rule::*,
        testing::{MODEL, NOW, SYSTEM_PROFILE, World, arn, model_arn, system_arn},
    };

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    fn unused() -> World {
        World::new().managed("p1", "search").unused("p1").only(&[Idle])
    }

    #[test]
    fn a_profile_is_idle_after_the_days_that_are_set() {
        let finding = unused().finding(Idle);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(
            finding.problem,
            "It was not invoked since 2026-01-29, the first day of which usage is known"
        );
        assert!(finding.remedy.contains("remove the declaration of Search in the template of stack app"));
        // The window is longer than the days; what lies before them does not count, but is told.
        let finding = unused().used("p1", 31, 9).finding(Idle);
        assert_eq!(finding.problem, "It was last invoked on 2026-02-12, 31 days ago");
        assert_eq!(unused().used("p1", 30, 1).found(), nothing());
        assert_eq!(unused().used("p1", 0, 1).found(), nothing());
        let mut patient = unused().used("p1", 31, 9);
        patient.criteria.thresholds.idle_days = 31;
        assert_eq!(patient.found(), nothing());
    }

    #[test]
    fn calls_that_cloudwatch_counts_by_the_arn_count_too() {
        assert_eq!(unused().used(arn("p1").as_str(), 3, 1).found(), nothing());
    }

    #[test]
    fn a_profile_must_be_old_enough_to_be_idle() {
        let made = |at| unused().edit("p1", |profile| profile.record.created_at = at).found();
        assert_eq!(made(Some(NOW - Duration::days(30))), nothing());
        assert_eq!(made(Some(NOW - Duration::days(30) - Duration::SECOND)), ["idle search"]);
        assert_eq!(made(None), nothing());
        let young = unused().edit("p1", |profile| profile.record.created_at = Some(NOW - Duration::days(40)));
        assert_eq!(young.finding(Idle).problem, "It was not invoked once since it was made on 2026-02-03");
    }

    #[test]
    fn a_draining_profile_is_meant_to_fall_idle() {
        assert_eq!(unused().drains("p1", "2027-01-01T00:00:00Z").found(), nothing());
    }

    #[test]
    fn a_window_that_is_too_short_tells_nothing() {
        let judgement = unused().usage_since(NOW.date() - Duration::days(29)).judged();
        assert_eq!(judgement.findings, []);
        assert_eq!(judgement.undecided, [Idle].into());
        assert_eq!(unused().usage_since(NOW.date() - Duration::days(30)).found(), ["idle search"]);
    }

    #[test]
    fn models_and_system_profiles_that_are_invoked_by_themselves_are_unattributed_usage() {
        let world = World::new().managed("p1", "search").used(MODEL, 2, 6).used(SYSTEM_PROFILE, 14, 1);
        assert_eq!(
            world.found(),
            ["unattributed-usage amazon.nova-lite-v1:0", "unattributed-usage us.amazon.nova-lite-v1:0"]
        );
        let findings = world.judged().findings;
        assert_eq!(findings[0].resource.arn, model_arn("us-east-1", MODEL));
        assert_eq!(findings[1].resource.arn, system_arn(SYSTEM_PROFILE));
        for finding in &findings {
            assert_eq!((finding.severity, finding.resource.kind), (Severity::High, ResourceKind::Model));
        }
        assert!(findings[0].problem.starts_with("The model was invoked 6 times past"));
        assert!(findings[0].remedy.contains(r#"{"Null": {"bedrock:InferenceProfileArn": "true"}}"#));
        // Its calls carry that key, so such a condition would not catch them.
        assert!(findings[1].problem.starts_with("The system profile was invoked 1 time past"));
        assert!(findings[1].problem.contains("within the last 14 days"), "{}", findings[1].problem);
        assert!(!findings[1].remedy.contains("Null"), "{}", findings[1].remedy);
    }

    #[test]
    fn usage_of_days_gone_by_and_of_other_things_is_not_unattributed() {
        let world = World::new()
            .used(MODEL, 15, 100)
            .used("unknown.model", 0, 1)
            .used("0mbq3svia2re", 0, 1)
            .used(arn("p1").as_str(), 0, 1)
            .used(&model_arn("eu-west-1", MODEL), 0, 1)
            .used("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/x", 0, 1);
        assert_eq!(world.found(), nothing());
    }

    #[test]
    fn one_model_by_several_names_is_one_finding() {
        let world = World::new().used(MODEL, 0, 1).used(&model_arn("us-east-1", MODEL), 0, 2).used(
            &model_arn("", MODEL),
            0,
            4,
        );
        assert!(world.finding(UnattributedUsage).problem.contains("7 times"));
        assert_eq!(World::new().used(&system_arn(SYSTEM_PROFILE), 0, 1).found().len(), 1);
    }

    #[test]
    fn system_profiles_are_told_while_models_are_unread() {
        let world = World::new().used(MODEL, 0, 1).used(SYSTEM_PROFILE, 0, 1).unread(Source::Models);
        assert_eq!(world.found(), ["unattributed-usage us.amazon.nova-lite-v1:0"]);
        assert!(world.judged().undecided.contains(&UnattributedUsage));
        assert!(!world.judged().undecided.contains(&Idle));
    }
}
