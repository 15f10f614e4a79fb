//! Faults at work, and the log that tells of them.

use std::time::Duration;

use local_aws::{
    CreateInferenceProfile, Failure, Fault, FaultPlan, FaultRule, ListInferenceProfiles, Operation, Outcome,
};

use super::{LITE, Stand, code, error};

const CREATE: Operation = Operation::CreateInferenceProfile;
const GET: Operation = Operation::GetInferenceProfile;
const LIST: Operation = Operation::ListInferenceProfiles;

#[test]
fn an_error_before_the_effect_leaves_everything_as_it_was() {
    let mut stand = Stand::default();
    let request = CreateInferenceProfile::new("a", LITE);
    let own = Fault::Error { code: "AccessDeniedException".into(), status: None, message: Some("no".into()) };
    for (fault, expected, status) in [
        (Fault::Throttle, "ThrottlingException", 429),
        (Fault::ServerError, "InternalServerException", 500),
        (own, "AccessDeniedException", 403),
    ] {
        stand.world.faults.add(FaultRule::times(CREATE, 1, fault));
        let error = stand.refused(&request);
        assert_eq!((error.code.as_str(), error.status), (expected, status));
    }
    assert!(stand.world.profiles(&stand.caller).is_empty());
    stand.made(&request);
}

#[test]
fn a_lost_answer_comes_after_the_effect() {
    let mut stand = Stand::default();
    stand.world.faults.add(FaultRule::nth(CREATE, 1, Fault::Lost));
    let request = CreateInferenceProfile::new("a", LITE).token("t");
    assert_eq!(stand.create(&request).result, Err(Failure::Lost));
    assert_eq!(stand.names(), ["a"]);
    stand.made(&request);
    assert_eq!(stand.names(), ["a"], "the token finds the first");

    stand.world.faults.add(FaultRule::nth(Operation::DeleteInferenceProfile, 1, Fault::Lost));
    let arn = stand.made(&request);
    assert_eq!(stand.delete(&arn).result, Err(Failure::Lost));
    assert!(stand.names().is_empty());
}

#[test]
fn a_delay_is_told_with_the_answer() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    stand.world.faults.add(FaultRule::nth(GET, 1, Fault::Delay { ms: 70 }));
    assert_eq!(stand.get(&arn).delay, Duration::from_millis(70));
    assert_eq!(stand.get(&arn).delay, Duration::ZERO);
}

#[test]
fn a_stale_read_sees_what_was() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    stand.wait(500);
    stand.world.faults.add(FaultRule::times(LIST, 1, Fault::Stale { ms: 1000 }));
    stand.world.faults.add(FaultRule::times(GET, 1, Fault::Stale { ms: 1000 }));
    assert!(stand.names().is_empty());
    assert_eq!(stand.names(), ["a"]);
    assert_eq!(code(stand.get(&arn)), "ResourceNotFoundException");
    assert!(stand.get(&arn).result.is_ok());
    stand.delete(&arn).result.unwrap();
    stand.world.faults.add(FaultRule::times(GET, 1, Fault::Stale { ms: 1 }));
    assert!(stand.get(&arn).result.is_ok(), "deleted, and still seen");
}

#[test]
fn a_page_token_fails() {
    let mut stand = Stand::default();
    let _ = ["a", "b"].map(|name| stand.named(name));
    stand.world.faults.add(FaultRule::times(LIST, 1, Fault::BadPageToken));
    let first = ListInferenceProfiles { max_results: Some(1), ..ListInferenceProfiles::application() };
    let page = stand.world.list_inference_profiles(&stand.caller, stand.now, &first).result.unwrap();
    let next = ListInferenceProfiles { next_token: page.next_token, ..first };
    let failed = error(stand.world.list_inference_profiles(&stand.caller, stand.now, &next));
    assert_eq!(failed.code, "ValidationException");
    assert!(stand.world.list_inference_profiles(&stand.caller, stand.now, &next).result.is_ok());
}

#[test]
fn a_seeded_plan_gives_the_same_run_again() {
    let run = |seed| {
        let mut stand = Stand::default();
        stand.world.faults.replace(FaultPlan::seeded(seed, 0.3));
        let mut ends = Vec::new();
        for number in 0..60 {
            let answer = stand.create(&CreateInferenceProfile::new(&format!("n{number}"), LITE));
            ends.push((answer.result.map(|created| created.inference_profile_arn), answer.delay));
            stand.wait(10);
        }
        (ends, stand.world.profiles(&stand.caller))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
    let (ends, profiles) = run(1);
    let seen = ends.iter().filter(|(end, _)| end.is_ok()).count();
    assert!(seen < profiles.len() && profiles.len() < 60, "{seen} answered, {} made", profiles.len());
}

#[test]
fn the_log_tells_of_every_call() {
    let mut stand = Stand::default();
    stand.world.faults.add(FaultRule::nth(CREATE, 2, Fault::Lost));
    stand.world.faults.add(FaultRule::nth(CREATE, 3, Fault::Lost));
    stand.named("a");
    let _ = stand.create(&CreateInferenceProfile::new("b", LITE));
    let _ = stand.create(&CreateInferenceProfile::new("(", LITE));
    stand.wait(5);
    let _ = stand.get("abcdefghijkl");

    let calls: Vec<_> = stand.world.calls.iter().collect();
    assert_eq!(calls.iter().map(|call| call.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(
        calls.iter().map(|call| call.outcome.clone()).collect::<Vec<_>>(),
        [
            Outcome::Ok,
            Outcome::Lost { error: None },
            Outcome::Lost { error: Some("ValidationException".into()) },
            Outcome::Error { code: "ResourceNotFoundException".into() },
        ]
    );
    assert_eq!(calls[0].request["inferenceProfileName"], "a");
    assert_eq!(calls[3].request["inferenceProfileIdentifier"], "abcdefghijkl");
    assert_eq!(calls[3].at.to_string(), "2026-11-24T12:00:00.005000Z");
    assert_eq!((stand.world.calls.count(CREATE), stand.world.calls.count(GET)), (3, 1));
    assert_eq!(stand.world.calls.count(LIST), 0);
    assert_eq!((stand.world.calls.total(), stand.world.calls.of(CREATE).count()), (4, 3));
}
