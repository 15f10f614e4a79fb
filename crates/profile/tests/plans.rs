//! The plans of a Create, an Update and a Delete, carried out on a state that believes every effect.
//! What AWS makes of them is tested with the provider; here it is what is decided, and in which order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use profile::{
    arn::{Location, ProfileArn},
    converge::{self, Request},
    effect::{Effect, Step},
    model_source::Source,
    observed::{Observed, ObservedParameter, ObservedProfile, Phase},
    parameter::{ParameterName, ParameterPrefix},
    period::Period,
    properties::Immutable,
    record::{ProfileRecord, StackRecord, StackResourceRecord},
    removal::{self, Target},
    specification::Specification,
    tags::{self, Owner, Tags},
};
use time::OffsetDateTime;

const MODEL: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";
const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1b2c";

fn arn(id: &str) -> ProfileArn {
    ProfileArn::parse(&format!("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/{id}"))
        .unwrap()
}

fn owner() -> Owner {
    Owner { stack_id: STACK.into(), logical_id: "Profile".into() }
}

fn named(name: &str) -> Option<ParameterName> {
    let prefix = ParameterPrefix::parse("/inference-profiles").unwrap();
    Some(ParameterName::derived(name, &prefix).unwrap())
}

fn specification(description: &str) -> Specification {
    Specification {
        owner: owner(),
        location: Location {
            partition: "aws".into(),
            region: "us-east-1".into(),
            account: "123456789012".into(),
        },
        name: "search".into(),
        description: Some(description.into()),
        source: Source {
            arn: MODEL.into(),
            id: "amazon.nova-lite-v1:0".into(),
            models: vec![MODEL.into()],
            system_profile: false,
            warnings: Vec::new(),
        },
        tags: Tags::from([("owner".into(), "search".into())]),
        parameter: named("search"),
        prefix: ParameterPrefix::default(),
        existing: None,
        drain: Period::ZERO,
    }
}

fn profile_of(specification: &Specification, id: &str) -> (ProfileArn, ObservedProfile) {
    let record = ProfileRecord {
        arn: arn(id),
        name: specification.name.clone(),
        description: specification.description.clone(),
        status: "ACTIVE".into(),
        models: specification.source.models.clone(),
        created_at: None,
        updated_at: None,
    };
    (arn(id), ObservedProfile { record: Some(record), tags: Some(specification.new_profile_tags()) })
}

fn parameter_of(specification: &Specification, id: &str) -> (String, ObservedParameter) {
    let name = specification.parameter.as_ref().unwrap().as_str().to_owned();
    (name, ObservedParameter { value: arn(id).to_string(), tags: specification.parameter_tags() })
}

fn in_status(status: &str) -> Option<StackRecord> {
    Some(StackRecord { status: status.into(), tags: Tags::new(), began: None })
}

fn described(id: &str) -> Option<StackResourceRecord> {
    Some(StackResourceRecord { physical_id: Some(id.into()), status: "UPDATE_COMPLETE".into(), since: None })
}

/// A stack in `status` whose profile `id` and parameter are as `specification` says.
fn deployed(specification: &Specification, id: &str, status: &str) -> Observed {
    Observed {
        profiles: [profile_of(specification, id)].into(),
        parameters: [parameter_of(specification, id)].into(),
        stack: in_status(status),
        ..Observed::default()
    }
}

fn create(specification: &Specification) -> converge::Goal {
    goal(specification, Request::Create, Phase::Forward)
}

/// What takes an update back: from `failed` to `before`.
fn rollback(before: &Specification, failed: &Specification, current: &str) -> converge::Goal {
    let mut goal = update(before, current);
    if let Request::Update { previous_immutable, .. } = &mut goal.request {
        let (name, description) = (failed.name.clone(), failed.description.clone());
        *previous_immutable = Some(Immutable { name, description, source_id: failed.source.id.clone() });
    }
    goal
}

fn update(specification: &Specification, current: &str) -> converge::Goal {
    let request = Request::Update {
        current: Some(arn(current)),
        previous_tags: Tags::new(),
        previous_existing: None,
        previous_immutable: None,
    };
    goal(specification, request, Phase::UpdateRollback)
}

fn goal(specification: &Specification, request: Request, began: Phase) -> converge::Goal {
    converge::Goal { specification: specification.clone(), request, began, issued_at: None }
}

/// Carries a plan out on `observed`, every effect succeeding at once; `made` is the id of a profile that
/// it makes. Gives the effects in order, and how it ended.
fn carry_out<T: Clone>(
    observed: &mut Observed,
    specification: &Specification,
    next: impl Fn(&Observed) -> Step<T>,
) -> (Vec<Effect>, Step<T>) {
    let mut done = Vec::new();
    for _ in 0..20 {
        let effects = match next(observed) {
            Step::Effects(effects) => effects,
            end => return (done, end),
        };
        for effect in effects {
            apply(observed, specification, &effect);
            done.push(effect);
        }
    }
    panic!("it does not settle: {done:?}");
}

fn apply(observed: &mut Observed, specification: &Specification, effect: &Effect) {
    match effect.clone() {
        Effect::CreateProfile => {
            let (arn, mut profile) = profile_of(specification, "made00000000");
            profile.record = None;
            observed.profiles.insert(arn.clone(), profile);
            observed.journal.tagged.push(arn.clone());
            observed.journal.untagged.push(arn.clone());
            observed.journal.made_profile = Some(arn);
        }
        Effect::AwaitProfile(arn) => {
            let (_, seen) = profile_of(specification, arn.id());
            observed.profiles.get_mut(&arn).unwrap().record = seen.record;
        }
        Effect::TagProfile(arn, tags) => {
            observed.learn_tags(&arn, &tags);
            observed.journal.tagged.push(arn);
        }
        Effect::UntagProfile(arn, keys) => {
            observed.forget_tags(&arn, &keys);
            observed.journal.untagged.push(arn);
        }
        Effect::DeleteProfile(arn) => drop(observed.profiles.remove(&arn)),
        Effect::CreateParameter(name, arn, tags) => {
            observed.journal.made_parameters.push(name.clone());
            observed.parameters.insert(name, ObservedParameter { value: arn.to_string(), tags });
        }
        Effect::OverwriteParameter(name, value) => {
            observed.parameters.get_mut(&name).unwrap().value = value;
        }
        Effect::TagParameter(name, tags) => {
            observed.parameters.get_mut(&name).unwrap().tags.extend(tags);
        }
        Effect::UntagParameter(name, keys) => {
            observed.parameters.get_mut(&name).unwrap().tags.retain(|key, _| !keys.contains(key));
        }
        Effect::DeleteParameter(name) => drop(observed.parameters.remove(&name)),
        Effect::ConfirmStack => observed.journal.confirmed = true,
        Effect::SeekOwned { .. } => observed.journal.sought = true,
    }
}

fn converged(observed: &mut Observed, goal: &converge::Goal) -> (Vec<Effect>, Step<ProfileArn>) {
    carry_out(observed, &goal.specification, |observed| converge::next(goal, observed))
}

fn removed(observed: &mut Observed, goal: &removal::Goal) -> (Vec<Effect>, Step<()>) {
    let extent = goal.extent(observed);
    carry_out(observed, &specification("old"), |observed| removal::next(goal, extent, observed))
}

fn removal_of(target: Target) -> removal::Goal {
    removal::Goal {
        existing: None,
        parameter: None,
        owner: owner(),
        target,
        drain: Period::ZERO,
        protect: Period::ZERO,
        now: OffsetDateTime::UNIX_EPOCH,
        issued_at: None,
    }
}

fn refusal<T: std::fmt::Debug>(step: Step<T>) -> String {
    match step {
        Step::Refused(faults) => faults.to_string(),
        other => panic!("it was not refused: {other:?}"),
    }
}

mod creating {
    use super::*;

    #[test]
    fn makes_the_profile_sees_it_publishes_it_and_asks_whether_anybody_still_waits() {
        let specification = specification("new");
        let mut observed = Observed { stack: in_status("CREATE_IN_PROGRESS"), ..Observed::default() };
        let (effects, end) = converged(&mut observed, &create(&specification));
        let made = arn("made00000000");
        assert_eq!(
            effects,
            [
                Effect::CreateProfile,
                Effect::AwaitProfile(made.clone()),
                Effect::CreateParameter(
                    "/inference-profiles/search".into(),
                    made.clone(),
                    specification.parameter_tags()
                ),
                Effect::ConfirmStack,
            ]
        );
        assert_eq!(end, Step::Settled(made));
    }

    #[test]
    fn a_repeated_delivery_finds_what_the_first_made_and_only_proves_that_it_is_there() {
        let specification = specification("new");
        for (status, proves) in
            [("CREATE_IN_PROGRESS", true), ("CREATE_COMPLETE", false), ("UPDATE_IN_PROGRESS", true)]
        {
            let mut observed = deployed(&specification, "first0000000", status);
            let before = observed.profiles.clone();
            let (effects, end) = converged(&mut observed, &create(&specification));
            assert_eq!(end, Step::Settled(arn("first0000000")), "{status}");
            let expected = before.into_iter().flat_map(|(arn, held)| {
                let mark = vec![tags::DRAIN_UNTIL.to_owned()];
                [Effect::TagProfile(arn.clone(), held.tags.unwrap()), Effect::UntagProfile(arn, mark)]
            });
            let expected: Vec<Effect> = expected.filter(|_| proves).collect();
            assert_eq!(effects, expected, "{status}");
        }
    }

    #[test]
    fn what_may_be_gone_is_published_only_after_it_was_tagged() {
        let specification = specification("new");
        let mut observed = deployed(&specification, "first0000000", "UPDATE_IN_PROGRESS");
        observed.parameters.clear();
        let step = converge::next(&update(&specification, "second000000"), &observed);
        let Step::Effects(effects) = step else { panic!("{step:?}") };
        assert!(
            matches!(&*effects, [Effect::TagProfile(tagged, _)] if *tagged == arn("first0000000")),
            "{effects:?}"
        );
    }

    #[test]
    fn a_rollback_looks_for_what_was_there_before_it_makes_anything() {
        let specification = specification("new");
        let mut observed =
            Observed { stack: in_status("UPDATE_ROLLBACK_IN_PROGRESS"), ..Observed::default() };
        let (effects, _) = converged(&mut observed, &update(&specification, "second000000"));
        assert_eq!(
            effects[..2],
            [Effect::SeekOwned { parameter: None, but: Vec::new() }, Effect::CreateProfile]
        );
    }

    #[test]
    fn a_stack_that_rolls_back_makes_nothing_and_takes_back_what_was_made() {
        let specification = specification("new");
        let goal = create(&specification);
        let mut observed = Observed { stack: in_status("ROLLBACK_IN_PROGRESS"), ..Observed::default() };
        assert!(refusal(converge::next(&goal, &observed)).contains("ROLLBACK_IN_PROGRESS"));

        observed.stack = in_status("CREATE_IN_PROGRESS");
        for _ in 0..2 {
            let Step::Effects(effects) = converge::next(&goal, &observed) else { panic!() };
            effects.iter().for_each(|effect| apply(&mut observed, &specification, effect));
        }
        // The cancellation comes between the effects and the question.
        let Step::Effects(effects) = converge::next(&goal, &observed) else { panic!() };
        assert_eq!(effects, [Effect::ConfirmStack]);
        observed.journal.confirmed = true;
        observed.stack = in_status("ROLLBACK_IN_PROGRESS");
        refusal(converge::next(&goal, &observed));
        assert_eq!(
            converge::undo(&owner(), Phase::Forward, &observed),
            [
                vec![Effect::DeleteParameter("/inference-profiles/search".into())],
                vec![Effect::DeleteProfile(arn("made00000000"))],
            ]
        );
    }

    #[test]
    fn a_foreign_parameter_is_refused_before_anything_is_made() {
        let specification = specification("new");
        let mut observed = deployed(&specification, "first0000000", "CREATE_IN_PROGRESS");
        observed.profiles.clear();
        observed.parameters.values_mut().for_each(|parameter| parameter.tags.clear());
        let (effects, end) = converged(&mut observed, &create(&specification));
        assert_eq!(effects, []);
        assert!(refusal(end).starts_with("ParameterName: «/inference-profiles/search» exists"));
    }

    #[test]
    fn a_conflict_over_the_name_says_whose_it_is() {
        let specification = specification("new");
        let mut observed = Observed { stack: in_status("CREATE_IN_PROGRESS"), ..Observed::default() };
        observed.journal.conflicts = 3;
        let (other, mut profile) = profile_of(&specification, "other0000000");
        profile.tags = Some(Tags::new());
        observed.profiles.insert(other, profile);
        let text = refusal(converge::next(&create(&specification), &observed));
        assert!(text.contains("other0000000") && text.contains("ExistingProfile"), "{text}");
    }
}

mod updating {
    use super::*;

    #[test]
    fn tags_change_in_place_and_the_dropped_go_while_those_of_others_stay() {
        let before = specification("same");
        let mut after = before.clone();
        after.tags = Tags::from([("team".into(), "a".into())]);
        let mut observed = deployed(&before, "first0000000", "UPDATE_IN_PROGRESS");
        observed.learn_tags(&arn("first0000000"), &Tags::from([("by-hand".into(), "x".into())]));
        let (_, end) = converged(&mut observed, &update(&after, "first0000000"));
        assert_eq!(end, Step::Settled(arn("first0000000")));
        let held = observed.tags(&arn("first0000000")).unwrap();
        assert_eq!(held.get("team").map(String::as_str), Some("a"));
        assert_eq!(held.get("by-hand").map(String::as_str), Some("x"));
        assert!(!held.contains_key("owner"));
        assert_eq!(observed.parameters["/inference-profiles/search"].tags, after.parameter_tags());
    }

    #[test]
    fn an_immutable_change_makes_a_second_profile_and_leaves_the_first() {
        let (before, after) = (specification("old"), specification("new"));
        let mut observed = deployed(&before, "first0000000", "UPDATE_IN_PROGRESS");
        let (effects, end) = converged(&mut observed, &update(&after, "first0000000"));
        assert_eq!(end, Step::Settled(arn("made00000000")));
        let seen = effects.iter().position(|e| matches!(e, Effect::AwaitProfile(_))).unwrap();
        let moved = effects.iter().position(|e| matches!(e, Effect::OverwriteParameter(..))).unwrap();
        assert!(seen < moved, "the parameter must not move to a profile that was not seen: {effects:?}");
        assert_eq!(observed.profiles[&arn("first0000000")], profile_of(&before, "first0000000").1);
        assert!(!effects.iter().any(|e| matches!(e, Effect::DeleteProfile(_) | Effect::DeleteParameter(_))));
    }

    #[test]
    fn a_profile_that_is_not_active_yet_is_waited_for_before_it_is_published() {
        let specification = specification("same");
        let mut observed = deployed(&specification, "first0000000", "UPDATE_IN_PROGRESS");
        observed.parameters = [parameter_of(&specification, "second000000")].into();
        for profile in observed.profiles.values_mut() {
            profile.record.as_mut().unwrap().status = "CREATING".into();
        }
        let (effects, end) = converged(&mut observed, &update(&specification, "first0000000"));
        let first = arn("first0000000");
        let published =
            Effect::OverwriteParameter("/inference-profiles/search".into(), first.as_str().into());
        assert_eq!(effects.first(), Some(&Effect::AwaitProfile(first.clone())));
        assert_eq!(effects.last(), Some(&published));
        assert_eq!(end, Step::Settled(first));
    }

    #[test]
    fn a_rollback_finds_the_original_and_points_the_parameter_back() {
        let (before, after) = (specification("old"), specification("new"));
        for current in ["second000000", "first0000000"] {
            let mut observed = deployed(&before, "first0000000", "UPDATE_ROLLBACK_IN_PROGRESS");
            observed.profiles.extend([profile_of(&after, "second000000")]);
            observed.parameters.extend([parameter_of(&after, "second000000")]);
            let (_, end) = converged(&mut observed, &rollback(&before, &after, current));
            assert_eq!(end, Step::Settled(arn("first0000000")), "{current}");
            let value = &observed.parameters["/inference-profiles/search"].value;
            assert_eq!(value, arn("first0000000").as_str());
            // CloudFormation deletes the second one itself when it knows it; otherwise nobody would.
            let stays = observed.profiles.contains_key(&arn("second000000"));
            assert_eq!(stays, current == "second000000");
        }
    }

    /// What a rollback from `failed` to «old» leaves of a stack with «old» and a stray «stray», which was made so many
    /// seconds after the update began.
    fn left_of_a_stray(stray: &str, failed: &str, made_after_s: i64) -> usize {
        let before = specification("old");
        let began = OffsetDateTime::UNIX_EPOCH + time::Duration::days(1);
        let mut observed = deployed(&before, "first0000000", "UPDATE_ROLLBACK_IN_PROGRESS");
        observed.stack.as_mut().unwrap().began = Some(began);
        let (arn_of_stray, mut profile) = profile_of(&specification(stray), "stray0000000");
        profile.record.as_mut().unwrap().created_at = Some(began + time::Duration::seconds(made_after_s));
        observed.profiles.insert(arn_of_stray, profile);
        let goal = rollback(&before, &specification(failed), "first0000000");
        let (_, end) = converged(&mut observed, &goal);
        assert_eq!(end, Step::Settled(arn("first0000000")));
        observed.profiles.len()
    }

    #[test]
    fn a_rollback_of_a_change_in_place_leaves_the_equal_of_what_it_restores() {
        // Another delivery of the Create made it, and the stack may name it.
        assert_eq!(left_of_a_stray("old", "old", -60), 2);
    }

    #[test]
    fn a_rollback_leaves_what_was_there_before_and_is_not_what_failed() {
        assert_eq!(left_of_a_stray("older", "new", -60), 2);
        assert_eq!(left_of_a_stray("new", "new", -60), 1);
    }

    #[test]
    fn a_rollback_that_does_not_tell_what_failed_removes_what_was_made_since_the_update_began() {
        assert_eq!(left_of_a_stray("new", "old", 5), 1);
        assert_eq!(left_of_a_stray("new", "old", -60), 2);
    }

    #[test]
    fn a_failed_update_of_a_renamed_parameter_is_taken_back_whole() {
        let (before, mut after) = (specification("old"), specification("new"));
        after.parameter = named("search-2");
        let mut observed = deployed(&before, "first0000000", "UPDATE_ROLLBACK_IN_PROGRESS");
        observed.profiles.extend([profile_of(&after, "second000000")]);
        observed.parameters.extend([parameter_of(&after, "second000000")]);
        let (_, end) = converged(&mut observed, &rollback(&before, &after, "first0000000"));
        assert_eq!(end, Step::Settled(arn("first0000000")));
        assert_eq!(observed.profiles.keys().collect::<Vec<_>>(), [&arn("first0000000")]);
        assert_eq!(observed.parameters.keys().collect::<Vec<_>>(), ["/inference-profiles/search"]);
    }

    #[test]
    fn a_parameter_is_renamed_without_a_moment_in_which_neither_name_works() {
        let (before, mut after) = (specification("same"), specification("same"));
        after.parameter = named("search-2");
        let mut observed = deployed(&before, "first0000000", "UPDATE_IN_PROGRESS");
        let (effects, _) = converged(&mut observed, &update(&after, "first0000000"));
        let made = effects.iter().position(|e| matches!(e, Effect::CreateParameter(..))).unwrap();
        let gone = effects.iter().position(|e| matches!(e, Effect::DeleteParameter(_))).unwrap();
        assert!(made < gone, "{effects:?}");
        assert_eq!(observed.parameters.keys().collect::<Vec<_>>(), ["/inference-profiles/search-2"]);
    }

    #[test]
    fn what_the_declaration_changed_is_written_even_if_a_lagging_read_shows_it_done() {
        let specification = specification("same");
        let mut observed = deployed(&specification, "first0000000", "UPDATE_IN_PROGRESS");
        let parameter = specification.reserved_tags()[tags::PARAMETER].clone();
        let goal = converge::Goal {
            specification: specification.clone(),
            request: Request::Update {
                current: Some(arn("first0000000")),
                previous_tags: Tags::from([
                    ("owner".into(), "x".into()),
                    ("extra".into(), "y".into()),
                    (tags::PARAMETER.into(), parameter),
                ]),
                previous_existing: None,
                previous_immutable: None,
            },
            began: Phase::UpdateRollback,
            issued_at: None,
        };
        let (effects, end) = converged(&mut observed, &goal);
        assert_eq!(end, Step::Settled(arn("first0000000")));
        let record = specification.new_profile_tags()[tags::TAG_KEYS].clone();
        let put = Tags::from([("owner".into(), "search".into()), (tags::TAG_KEYS.into(), record)]);
        assert_eq!(
            effects,
            [
                Effect::UntagProfile(arn("first0000000"), vec!["extra".into()]),
                Effect::TagProfile(arn("first0000000"), put),
            ]
        );
    }

    #[test]
    fn an_update_that_nobody_waits_for_changes_nothing() {
        let (before, after) = (specification("old"), specification("new"));
        let mut observed = deployed(&after, "second000000", "UPDATE_COMPLETE");
        let (effects, end) = converged(&mut observed, &update(&before, "zeroth000000"));
        assert_eq!(effects, []);
        assert!(refusal(end).contains("out of date"));
        let (effects, end) = converged(&mut observed, &update(&after, "first0000000"));
        assert_eq!((effects, end), (Vec::new(), Step::Settled(arn("second000000"))));
    }

    #[test]
    fn a_stale_update_of_a_stack_that_is_not_known_says_so_in_a_sentence() {
        let (before, after) = (specification("old"), specification("new"));
        let mut observed = deployed(&before, "first0000000", "UPDATE_IN_PROGRESS");
        observed.stack = None;
        let since = Some(OffsetDateTime::UNIX_EPOCH + time::Duration::days(1));
        observed.resource = described("first0000000").map(|record| StackResourceRecord { since, ..record });
        let late =
            converge::Goal { issued_at: Some(OffsetDateTime::UNIX_EPOCH), ..update(&after, "first0000000") };
        let text = refusal(converge::next(&late, &observed));
        assert!(text.contains("it is out of date: its stack does not wait for it."), "{text}");
    }

    #[test]
    fn a_profile_that_lost_our_tags_is_not_doubled() {
        let (before, after) = (specification("old"), specification("new"));
        let mut observed = deployed(&before, "first0000000", "UPDATE_IN_PROGRESS");
        observed.profiles.values_mut().for_each(|profile| profile.tags = Some(Tags::new()));
        let (effects, end) = converged(&mut observed, &update(&after, "first0000000"));
        assert_eq!(effects, []);
        assert!(refusal(end).contains(tags::STACK_ID));
    }
}

mod adopting {
    use super::*;

    fn adoption() -> (Specification, Observed) {
        let mut specification = specification("by hand");
        specification.existing = Some(arn("byhand000000"));
        let (existing, mut profile) = profile_of(&specification, "byhand000000");
        profile.tags = Some(Tags::from([("owner".into(), "search".into()), ("note".into(), "mine".into())]));
        let observed = Observed {
            profiles: [(existing, profile)].into(),
            stack: in_status("CREATE_IN_PROGRESS"),
            ..Observed::default()
        };
        (specification, observed)
    }

    #[test]
    fn takes_the_profile_over_and_releases_it_as_it_was() {
        let (mut specification, mut observed) = adoption();
        specification.tags.insert("team".into(), "a".into());
        let before = observed.tags(&arn("byhand000000")).cloned();
        let (effects, end) = converged(&mut observed, &create(&specification));
        assert_eq!(end, Step::Settled(arn("byhand000000")));
        assert!(!effects.contains(&Effect::CreateProfile));
        assert_eq!(observed.tags(&arn("byhand000000")).unwrap()[tags::ADOPTED], "true");

        observed.stack = in_status("DELETE_IN_PROGRESS");
        // What a Delete looks at does not hold what the Create did.
        observed.journal = Default::default();
        let goal = removal_of(Target::Profile(arn("byhand000000")));
        let (effects, end) = removed(&mut observed, &goal);
        assert_eq!(end, Step::Settled(()));
        assert!(!effects.iter().any(|e| matches!(e, Effect::DeleteProfile(_))), "{effects:?}");
        assert_eq!(observed.tags(&arn("byhand000000")).cloned(), before);
        assert!(observed.parameters.is_empty());
    }

    #[test]
    fn makes_the_profile_ours_before_it_takes_any_tag_off_it() {
        let (specification, mut observed) = adoption();
        // Left over from another life, and dropped by the declaration that adopts.
        let stray = Tags::from([(tags::DRAIN_UNTIL.into(), "2030-01-01T00:00:00Z".into())]);
        observed.learn_tags(&arn("byhand000000"), &stray);
        observed.stack = in_status("UPDATE_IN_PROGRESS");
        let goal = converge::Goal {
            specification: specification.clone(),
            request: Request::Update {
                current: Some(arn("first0000000")),
                previous_tags: Tags::from([(tags::DRAIN_PERIOD.into(), "7d".into())]),
                previous_existing: None,
                previous_immutable: None,
            },
            began: Phase::Forward,
            issued_at: None,
        };
        let (effects, end) = converged(&mut observed, &goal);
        assert_eq!(end, Step::Settled(arn("byhand000000")));
        let tagged = effects.iter().position(|e| matches!(e, Effect::TagProfile(..))).unwrap();
        let untagged = effects.iter().position(|e| matches!(e, Effect::UntagProfile(..))).unwrap();
        assert!(tagged < untagged, "{effects:?}");
        assert!(!observed.tags(&arn("byhand000000")).unwrap().contains_key(tags::DRAIN_UNTIL));
    }

    #[test]
    fn differences_are_listed_all_together() {
        let (mut specification, observed) = adoption();
        specification.name = "other".into();
        specification.description = None;
        specification.source.models = vec!["arn:aws:bedrock:us-east-1::foundation-model/m".into()];
        let text = refusal(converge::next(&create(&specification), &observed));
        for path in ["InferenceProfileName: ", "Description: ", "ModelSource.CopyFrom: "] {
            assert!(text.contains(path), "{text}");
        }
    }

    #[test]
    fn a_profile_of_another_stack_is_refused_a_native_one_too() {
        let (specification, observed) = adoption();
        for (key, value) in [
            (tags::STACK_ID, "arn:aws:cloudformation:us-east-1:123456789012:stack/other/9"),
            ("aws:cloudformation:stack-id", "arn:aws:cloudformation:us-east-1:123456789012:stack/native/9"),
        ] {
            let mut observed = observed.clone();
            let marks = Tags::from([
                (key.into(), value.into()),
                (tags::LOGICAL_ID.into(), "Other".into()),
                ("aws:cloudformation:stack-name".into(), "native".into()),
            ]);
            observed.learn_tags(&arn("byhand000000"), &marks);
            let text = refusal(converge::next(&create(&specification), &observed));
            assert!(text.starts_with("ExistingProfile: ") && text.contains("belongs to"), "{text}");
        }
    }

    #[test]
    fn a_profile_that_is_gone_is_refused() {
        let (specification, mut observed) = adoption();
        observed.profiles.clear();
        let text = refusal(converge::next(&create(&specification), &observed));
        assert!(text.starts_with("ExistingProfile: there is no application inference profile"), "{text}");
    }
}

mod removing {
    use super::*;

    /// A stack in `status` that replaced `first` by `second`; the parameter follows the second.
    fn replaced(status: &str) -> Observed {
        let (before, after) = (specification("old"), specification("new"));
        let mut observed = deployed(&after, "second000000", status);
        observed.profiles.extend([profile_of(&before, "first0000000")]);
        observed.resource = described(arn("second000000").as_str());
        observed
    }

    #[test]
    fn the_end_of_a_stack_takes_everything_parameters_first() {
        for status in ["DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"] {
            let mut observed = replaced(status);
            let drains = Tags::from([(tags::DRAIN_UNTIL.into(), "2030-01-01T00:00:00Z".into())]);
            observed.learn_tags(&arn("first0000000"), &drains);
            let (effects, end) = removed(&mut observed, &removal_of(Target::Profile(arn("second000000"))));
            assert_eq!(end, Step::Settled(()));
            assert!(observed.profiles.is_empty() && observed.parameters.is_empty(), "{effects:?}");
            assert!(matches!(effects[0], Effect::DeleteParameter(_)));
        }
    }

    #[test]
    fn a_clean_up_takes_the_replaced_profile_only() {
        // Emulators clean up while the stack still says that it updates.
        for status in ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS"] {
            let mut observed = replaced(status);
            let (effects, end) = removed(&mut observed, &removal_of(Target::Profile(arn("first0000000"))));
            assert_eq!(end, Step::Settled(()));
            assert_eq!(effects, [Effect::DeleteProfile(arn("first0000000"))], "{status}");
        }
    }

    #[test]
    fn a_rollback_s_clean_up_takes_the_abandoned_profile_and_the_parameter_goes_back() {
        let mut observed = replaced("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        let (effects, end) = removed(&mut observed, &removal_of(Target::Profile(arn("second000000"))));
        assert_eq!(end, Step::Settled(()));
        assert_eq!(
            effects,
            [
                Effect::OverwriteParameter(
                    "/inference-profiles/search".into(),
                    arn("first0000000").to_string()
                ),
                Effect::DeleteProfile(arn("second000000")),
            ]
        );
    }

    #[test]
    fn a_replaced_profile_drains_when_its_successor_says_so_and_repeats_change_nothing() {
        let mut observed = replaced("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        let week = Tags::from([(tags::DRAIN_PERIOD.into(), "7d".into())]);
        observed.learn_tags(&arn("second000000"), &week);
        let goal = removal_of(Target::Profile(arn("first0000000")));
        let (_, end) = removed(&mut observed, &goal);
        assert_eq!(end, Step::Settled(()));
        let held = observed.tags(&arn("first0000000")).unwrap();
        assert_eq!(held[tags::DRAIN_UNTIL], "1970-01-08T00:00:00Z");

        let later = removal::Goal { now: goal.now + time::Duration::days(1), ..goal };
        let (effects, _) = removed(&mut observed, &later);
        assert_eq!(effects, []);
    }

    #[test]
    fn a_successor_that_only_the_parameter_or_the_stack_shows_is_a_successor() {
        for hide in ["the index", "the index and the stack", "the index and the parameter"] {
            let mut observed = replaced("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
            observed.profiles.remove(&arn("second000000"));
            if hide.ends_with("stack") {
                observed.resource = None;
            }
            if hide.ends_with("parameter") {
                observed.parameters.clear();
            }
            let draining = Tags::from([(tags::DRAIN_UNTIL.into(), "2030-01-01T00:00:00Z".into())]);
            let (older, mut profile) = profile_of(&specification("older"), "older0000000");
            profile.tags.as_mut().unwrap().extend(draining);
            observed.profiles.insert(older.clone(), profile);
            removed(&mut observed, &removal_of(Target::Profile(arn("first0000000"))));
            assert!(observed.profiles.contains_key(&older), "{hide}");
        }
    }

    #[test]
    fn a_resource_that_left_its_template_takes_its_draining_profiles_with_it() {
        let specification = specification("old");
        let mut observed = deployed(&specification, "first0000000", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        let (older, mut profile) = profile_of(&specification, "older0000000");
        let draining = Tags::from([(tags::DRAIN_UNTIL.into(), "2030-01-01T00:00:00Z".into())]);
        profile.tags.as_mut().unwrap().extend(draining);
        observed.profiles.insert(older, profile);
        observed.resource = described(arn("first0000000").as_str());
        removed(&mut observed, &removal_of(Target::Profile(arn("first0000000"))));
        assert!(observed.profiles.is_empty() && observed.parameters.is_empty());
    }

    #[test]
    fn a_stale_delete_of_the_living_profile_touches_nothing() {
        let specification = specification("old");
        let mut observed = deployed(&specification, "first0000000", "UPDATE_COMPLETE");
        observed.resource = described(arn("first0000000").as_str());
        for target in [Target::Profile(arn("first0000000")), Target::Unknown, Target::Nothing] {
            let (effects, end) = removed(&mut observed, &removal_of(target));
            assert_eq!((effects, end), (Vec::new(), Step::Settled(())));
        }
    }

    #[test]
    fn what_was_never_there_is_removed_at_once_but_a_cancelled_create_is_looked_for() {
        let mut observed = Observed { stack: in_status("ROLLBACK_IN_PROGRESS"), ..Observed::default() };
        let (effects, end) = removed(&mut observed, &removal_of(Target::Nothing));
        assert_eq!((effects, end), (Vec::new(), Step::Settled(())));
        let (effects, end) = removed(&mut observed, &removal_of(Target::Profile(arn("first0000000"))));
        assert_eq!((effects, end), (Vec::new(), Step::Settled(())));
        let (effects, end) = removed(&mut observed, &removal_of(Target::Unknown));
        assert_eq!(
            (effects, end),
            (vec![Effect::SeekOwned { parameter: None, but: Vec::new() }], Step::Settled(()))
        );
    }

    #[test]
    fn nothing_foreign_is_removed() {
        let other = Owner { stack_id: STACK.into(), logical_id: "Other".into() };
        let specification = Specification { owner: other, ..specification("old") };
        let mut observed = deployed(&specification, "first0000000", "DELETE_IN_PROGRESS");
        let (effects, end) = removed(&mut observed, &removal_of(Target::Profile(arn("first0000000"))));
        assert_eq!((effects, end), (Vec::new(), Step::Settled(())));
    }

    #[test]
    fn a_profile_in_use_is_protected_from_its_end_and_drains_after_a_replacement() {
        let protect = Period::parse("ProtectIfUsedWithin", "7d").unwrap();
        let goal = removal::Goal { protect, ..removal_of(Target::Profile(arn("first0000000"))) };

        let mut observed = deployed(&specification("old"), "first0000000", "DELETE_IN_PROGRESS");
        observed.invocations.insert("first0000000".into(), 3);
        let (effects, end) = removed(&mut observed, &goal);
        assert_eq!(effects, []);
        let text = refusal(end);
        assert!(text.contains("invoked 3 times within the last 7d"), "{text}");

        let mut observed = replaced("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        observed.invocations.insert("first0000000".into(), 3);
        let (_, end) = removed(&mut observed, &goal);
        assert_eq!(end, Step::Settled(()));
        assert_eq!(observed.tags(&arn("first0000000")).unwrap()[tags::DRAIN_UNTIL], "1970-01-08T00:00:00Z");

        let mut observed = deployed(&specification("old"), "first0000000", "ROLLBACK_IN_PROGRESS");
        observed.invocations.insert("first0000000".into(), 3);
        removed(&mut observed, &goal);
        assert!(observed.profiles.is_empty(), "what a failed creation made is nobody's good state");
    }
}
