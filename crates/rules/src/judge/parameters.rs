//! `parameter-missing`, `parameter-drift`, `parameter-dangling`.

use profile::{arn::ProfileArn, tags};

use super::{Case, Scene, case::Standing, docket::Docket};
use crate::{
    finding::{Resource, ResourceKind, Severity},
    owner,
    rule::Rule,
    words::{self, quoted},
};

/// Only the current profile of a resource whose stack is at rest is to be published.
pub(super) fn judge(case: &Case<'_>, docket: &mut Docket<'_>) {
    let (Some(owner), Some(name)) = (case.owner(), case.tags.get(tags::PARAMETER)) else { return };
    if case.is_draining() {
        return;
    }
    let held = match case.standing {
        Standing::Current(_) => case.scene.value(name),
        Standing::Unread => None,
        _ => return,
    };
    let (region, arn) = (case.region(), case.arn());
    let word = words::shell(name);
    match held {
        None => {
            docket.undecided(Rule::ParameterMissing);
            docket.undecided(Rule::ParameterDrift);
        }
        Some(None) => {
            let problem =
                format!("The parameter {name}, which publishes it, does not exist, so its readers fail");
            let owned = owner.tags();
            let owned = owned.iter().map(|(key, value)| words::shell(&format!("Key={key},Value={value}")));
            let owned: Vec<String> = owned.collect();
            let remedy = format!(
                "{}make it with the tags by which stack {} knows it: aws ssm put-parameter --region {region} \
                 --name {word} --type String --value {arn} --tags {}",
                by_the_sweep(case, name),
                owner::stack_name(&owner.stack_id),
                owned.join(" ")
            );
            docket.profile(
                case,
                Rule::ParameterMissing,
                Severity::Critical,
                problem,
                words::capital(&remedy),
            );
        }
        Some(Some(value)) if value == arn => {}
        Some(Some(value)) => {
            let instead = match ProfileArn::parse(value).map(|_| case.scene.profile(value)) {
                Some(Some(other)) => {
                    format!("the ARN of another profile, {} ({})", other.record.name, other.record.arn.id())
                }
                _ => quoted(value),
            };
            let problem = format!(
                "The parameter {name}, which is to publish it, holds {instead}, so its readers do not get this profile"
            );
            let remedy = format!(
                "{}set it: aws ssm put-parameter --region {region} --name {word} --type String --overwrite \
                 --value {arn}; its history (aws ssm get-parameter-history --region {region} --name {word}) \
                 tells who changed it",
                by_the_sweep(case, name)
            );
            docket.profile(case, Rule::ParameterDrift, Severity::Critical, problem, words::capital(&remedy));
        }
    }
}

fn by_the_sweep(case: &Case<'_>, name: &str) -> &'static str {
    match case.scene.is_under_prefix(name) {
        true => "let the sweep publish it again (its action republish), or ",
        false => "",
    }
}

pub(super) fn judge_dangling(scene: &Scene<'_>, docket: &mut Docket<'_>) {
    let location = &scene.inventory.location;
    let (Ok(parameters), Ok(_)) = (&scene.inventory.parameters.under_prefix, &scene.inventory.profiles)
    else {
        return;
    };
    for (name, value) in parameters {
        let named = ProfileArn::parse(value).filter(|arn| arn.is_in(location));
        let Some(arn) = named.filter(|arn| scene.is_gone(arn)) else { continue };
        let resource =
            Resource { kind: ResourceKind::Parameter, arn: location.parameter(name), name: name.clone() };
        let problem = format!(
            "It holds the ARN of the profile {}, which does not exist, so calls by its readers fail",
            arn.id()
        );
        let word = words::shell(name);
        let region = &location.region;
        let remedy = format!(
            "Make it hold the profile that its readers are to use: aws ssm put-parameter --region {region} \
             --name {word} --type String --overwrite --value ARN; or, if nobody reads it, delete it: \
             aws ssm delete-parameter --region {region} --name {word}"
        );
        docket.other(resource, Rule::ParameterDangling, Severity::Critical, problem, remedy);
    }
}

#[cfg(test)]
mod tests {
    use profile::tags;

    use crate::{
        finding::{ResourceKind, Severity},
        inventory::{Source, Stack},
        rule::Rule::{self, *},
        testing::{World, arn, unread},
    };

    const NAME: &str = "/inference-profiles/search";
    const PARAMETERS: [Rule; 3] = [ParameterMissing, ParameterDrift, ParameterDangling];

    fn managed() -> World {
        World::new().managed("p1", "search").only(&PARAMETERS)
    }

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn a_recorded_parameter_that_does_not_exist_is_missing() {
        let world = managed().parameter(NAME, None);
        assert_eq!(world.found(), ["parameter-missing search"]);
        let finding = world.finding(ParameterMissing);
        assert_eq!((finding.severity, finding.resource.kind), (Severity::Critical, ResourceKind::Profile));
        // Without the owner's tags the provider would take it for somebody else's.
        for tag in [tags::STACK_ID, tags::LOGICAL_ID] {
            assert!(finding.remedy.contains(&format!("Key={tag},Value=")), "{}", finding.remedy);
        }
    }

    #[test]
    fn a_parameter_that_holds_anything_but_the_arn_has_drifted() {
        let told = |value: &str| {
            let world = World::new().managed("p1", "search").managed("p2", "chat").only(&PARAMETERS);
            let world = world.parameter(NAME, Some(value));
            (world.found(), world.finding(ParameterDrift))
        };
        let (found, finding) = told("p1");
        assert_eq!(found, ["parameter-drift search"]);
        assert_eq!(finding.severity, Severity::Critical);
        assert!(finding.problem.contains("holds «p1»"), "{}", finding.problem);
        assert!(
            finding.remedy.contains("--overwrite --value arn:aws:bedrock:us-east-1"),
            "{}",
            finding.remedy
        );
        let (found, finding) = told(arn("p2").as_str());
        assert_eq!(found, ["parameter-drift search"]);
        assert!(finding.problem.contains("another profile, chat (p2)"), "{}", finding.problem);
        // That the profile there is gone as well is another truth.
        let (found, _) = told(arn("p9").as_str());
        assert_eq!(found, ["parameter-drift search", "parameter-dangling /inference-profiles/search"]);
    }

    #[test]
    fn only_the_current_profile_of_a_resource_at_rest_is_to_be_published() {
        for spoilt in [managed().parameter(NAME, None), managed().parameter(NAME, Some("x"))] {
            assert_eq!(spoilt.found().len(), 1);
            for world in [
                spoilt.clone().stack(Ok(Stack::Gone)),
                spoilt.clone().stack(Ok(Stack::Elsewhere)),
                spoilt.clone().no_resource("Search"),
                spoilt.clone().stack_status("UPDATE_IN_PROGRESS"),
                spoilt.clone().tag("p1", tags::DRAIN_UNTIL, "2027-01-01T00:00:00Z"),
                spoilt.clone().untag("p1", tags::PARAMETER),
                spoilt.clone().untag("p1", tags::LOGICAL_ID),
            ] {
                let judgement = world.judged();
                assert_eq!(judgement.findings, []);
                assert!(judgement.undecided.is_empty());
            }
        }
    }

    #[test]
    fn from_an_unread_stack_or_parameter_nothing_follows() {
        let spoilt = managed().parameter(NAME, None);
        let mut denied = spoilt.clone();
        denied.inventory.parameters.recorded.insert(NAME.into(), Err(unread(Source::Parameters)));
        let unknown = managed().tag("p1", tags::PARAMETER, "/elsewhere/search");
        let stack = spoilt.clone().stack(Err(unread(Source::Stacks)));
        for world in [stack, spoilt.resources_unread(), denied, unknown] {
            let judgement = world.judged();
            assert_eq!(judgement.findings, []);
            assert!(judgement.undecided.contains(&ParameterMissing), "{:?}", judgement.undecided);
            assert!(judgement.undecided.contains(&ParameterDrift), "{:?}", judgement.undecided);
        }
    }

    #[test]
    fn the_list_under_the_prefix_tells_of_names_that_nobody_asked_for_by_themselves() {
        let mut world = managed();
        world.inventory.parameters.recorded.clear();
        assert_eq!(world.found(), nothing());
        assert!(world.judged().undecided.is_empty());
        world.inventory.parameters.under_prefix.as_mut().unwrap().clear();
        assert_eq!(world.found(), ["parameter-missing search"]);
    }

    #[test]
    fn a_parameter_outside_the_prefix_is_judged_but_not_left_to_the_sweep() {
        let elsewhere = "/elsewhere/search";
        let world = managed().tag("p1", tags::PARAMETER, elsewhere).parameter(elsewhere, None);
        let remedy = world.finding(ParameterMissing).remedy;
        assert!(remedy.starts_with("Make it with the tags"), "{remedy}");
        let remedy = managed().parameter(NAME, None).finding(ParameterMissing).remedy;
        assert!(remedy.starts_with("Let the sweep publish it again"), "{remedy}");
    }

    #[test]
    fn a_parameter_dangles_when_the_profile_that_it_holds_is_gone() {
        let holding = |value: &str| managed().parameter("/inference-profiles/old", Some(value));
        let finding = holding(arn("gone").as_str()).finding(ParameterDangling);
        assert_eq!((finding.severity, finding.resource.kind), (Severity::Critical, ResourceKind::Parameter));
        assert_eq!(finding.resource.name, "/inference-profiles/old");
        assert_eq!(
            finding.resource.arn,
            "arn:aws:ssm:us-east-1:123456789012:parameter/inference-profiles/old"
        );
        for value in [
            arn("p1").as_str(),
            "gone",
            "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/gone",
            "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/gone",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
        ] {
            assert_eq!(holding(value).found(), nothing(), "{value}");
        }
        // Whether this one is gone, nobody would say.
        let world = holding(arn("gone").as_str()).unconfirmed("gone");
        assert_eq!(world.found(), nothing());
        assert!(world.judged().undecided.contains(&ParameterDangling));
        let other = world.parameter("/inference-profiles/lost", Some(arn("lost").as_str()));
        assert_eq!(other.found(), ["parameter-dangling /inference-profiles/lost"]);
        // Those outside the prefix are nobody's business here.
        assert_eq!(managed().parameter("/elsewhere", Some(arn("gone").as_str())).found(), nothing());
    }
}
