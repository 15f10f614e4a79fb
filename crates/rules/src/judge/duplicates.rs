//! `duplicate-name`.

use std::collections::HashMap;

use profile::tags;

use super::{Case, Scene, docket::Docket};
use crate::{finding::Severity, rule::Rule, words};

/// How many others a finding names.
const NAMED: usize = 5;

/// The ids of the profiles of each name, those that drain left out, in order.
pub(super) fn names<'a>(scene: &Scene<'a>) -> HashMap<&'a str, Vec<&'a str>> {
    let mut names: HashMap<&'a str, Vec<&'a str>> = HashMap::new();
    for profile in scene.profiles() {
        if profile.tags.as_ref().is_ok_and(|tags| !tags.contains_key(tags::DRAIN_UNTIL)) {
            names.entry(&profile.record.name).or_default().push(profile.record.arn.id());
        }
    }
    names
}

pub(super) fn judge(case: &Case<'_>, names: &HashMap<&str, Vec<&str>>, docket: &mut Docket<'_>) {
    let same = names.get(case.record.name.as_str()).map(Vec::as_slice).unwrap_or_default();
    if case.is_draining() || same.len() < 2 {
        return;
    }
    let others: Vec<&str> = same.iter().filter(|id| **id != case.id()).take(NAMED).copied().collect();
    let more = same.len() - 1 - others.len();
    let kind = if same.len() == 2 { "profile has" } else { "profiles have" };
    let problem = format!("Another {kind} the same name: {}", words::some(&others, more));
    let problem = if same.len() == 2 { problem } else { problem.replacen("Another", "Other", 1) };
    let remedy = format!(
        "Find out which one callers use (CloudWatch, AWS/Bedrock, ModelId = {}), move them to one, and delete \
         the rest or make them anew under names of their own",
        words::either(&[&[case.id()], others.as_slice()].concat())
    );
    docket.profile(case, Rule::DuplicateName, Severity::Medium, problem, remedy);
}

#[cfg(test)]
mod tests {
    use profile::tags;

    use crate::{
        finding::Severity,
        inventory::Source,
        rule::Rule::*,
        testing::{World, told, unread},
    };

    fn named(names: &[&str]) -> World {
        let all = names.iter().enumerate();
        let world = all.fold(World::new(), |world, (n, name)| world.bare(&format!("p{n}"), name, &[]));
        world.only(&[DuplicateName])
    }

    #[test]
    fn profiles_of_one_name_are_a_finding_each_that_names_the_others() {
        let judgement = named(&["a", "b", "a"]).judged();
        let problems: Vec<_> = judgement.findings.iter().map(|finding| finding.problem.as_str()).collect();
        assert_eq!(
            problems,
            ["Another profile has the same name: p2", "Another profile has the same name: p0"]
        );
        assert!(judgement.findings.iter().all(|finding| finding.severity == Severity::Medium));
        assert_eq!(named(&["a", "A", "a "]).found(), Vec::<String>::new());
        let many = named(&["a"; 8]).judged().findings;
        assert_eq!(many[7].problem, "Other profiles have the same name: p0, p1, p2, p3, p4 and 2 more");
    }

    #[test]
    fn a_replaced_profile_that_lives_on_may_have_its_successor_s_name() {
        let world = named(&["a", "a"]).tag("p0", tags::DRAIN_UNTIL, "2027-01-01T00:00:00Z");
        assert_eq!(world.found(), Vec::<String>::new());
        assert_eq!(
            told(&named(&["a", "a", "a"]).tag("p0", tags::DRAIN_UNTIL, "x").judged().findings).len(),
            2
        );
    }

    #[test]
    fn what_may_be_draining_for_all_that_is_known_is_no_duplicate() {
        let world = named(&["a", "a"]).edit("p0", |profile| profile.tags = Err(unread(Source::Tags)));
        let judgement = world.judged();
        assert_eq!(judgement.findings, []);
        assert_eq!(judgement.undecided, [DuplicateName].into());
    }
}
