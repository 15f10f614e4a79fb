//! Every call of every sequence that CloudFormation can send goes wrong once, in every way: by a single
//! failure, by one that lasts as long as the request, by a lost answer, by a function that is killed.
//! Whatever comes of it, the requests that CloudFormation sends next put things right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{Harness, LOGICAL_ID, NOVA, PROFILE_NAME, Received, STACK, declared};
use local_aws::{
    CreateInferenceProfile,
    in_process::{Account, Fault},
};
use ports::ErrorKind;
use profile::tags::Tags;
use serde_json::{Value, json};
use tokio::time::timeout;

const PARAMETER: &str = "/inference-profiles/search";
const RENAMED: &str = "/inference-profiles/renamed";

/// What CloudFormation is asked to do with the stack's one resource.
#[derive(Debug, Clone)]
enum Step {
    Create(Value),
    Update(Value),
    /// The resource is updated, a sibling fails, and everything is taken back.
    UpdateTakenBack(Value),
    /// The same, but CloudFormation only deletes the replacement.
    UpdateTakenBackByDelete(Value),
    /// The resource leaves the template.
    Drop,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// The call at this index fails.
    Once(usize, Failing),
    /// From the call at this index on, all calls of its operation fail until the request ends.
    Operation(usize, Failing),
    /// From the call at this index on, all calls fail until the request ends.
    Outage(usize, Failing),
    /// The function is killed after so many rounds of calls; Lambda delivers the request again.
    KilledAndRedelivered(usize),
    /// The function is killed after so many rounds of calls, and CloudFormation waits in vain.
    Killed(usize),
}

#[derive(Debug, Clone, Copy)]
enum Failing {
    Before(ErrorKind),
    AnswerLost,
}

/// CloudFormation, as far as one custom resource sees it.
struct CloudFormation {
    harness: Harness,
    /// The resource's id and properties; `None` while there is none.
    resource: Option<(String, Value)>,
    trouble: Trouble,
    /// Whether the stack tells of the resource while a request runs, as in progress from the instant at which
    /// the request was issued; otherwise only what an operation has come to.
    tells_progress: bool,
    /// Whether no call fails: then every request succeeds, also one whose function was killed and ran again.
    succeeds: bool,
    /// With [`Trouble::Operation`]: which operation, and how many calls of it go well.
    operation: Option<(&'static str, usize)>,
    rounds: usize,
    requests: usize,
    story: String,
    log: Vec<String>,
}

impl CloudFormation {
    fn status(&mut self, status: &str) {
        self.log.push(format!("-- {status}"));
        self.harness.status(status);
    }

    /// The stack tells that the resource of the request `part` comes to `state`. Of what an update replaced it
    /// says nothing: it names the replacement.
    fn reaches(&self, part: &Value, state: &str) {
        let (kind, id) = (part["RequestType"].as_str().unwrap(), part["PhysicalResourceId"].as_str());
        let key = (STACK.to_owned(), LOGICAL_ID.to_owned());
        let told = self.harness.aws.account().resources.get(&key).cloned();
        let is_replaced = kind == "Delete"
            && told.is_some_and(|told| told.physical_id.is_some() && told.physical_id.as_deref() != id);
        if self.tells_progress && !is_replaced {
            self.harness.resource_is(&format!("{}_{state}", kind.to_uppercase()), id);
        }
    }

    /// One request; `None` when it gets no answer.
    async fn request(&mut self, mut part: Value) -> Option<Received> {
        self.requests += 1;
        part["RequestId"] = json!(format!("request-{}", self.requests));
        self.reaches(&part, "IN_PROGRESS");
        // Every delivery of a request was issued when the first was.
        let function = self.harness.late(self.harness.now());
        let before = self.harness.aws.account().calls.len();
        let answer = match self.trouble {
            Trouble::KilledAndRedelivered(left) | Trouble::Killed(left) => {
                let life = Duration::from_millis(500) + Duration::from_secs((left - self.rounds) as u64);
                let began = tokio::time::Instant::now();
                let first = timeout(life, function.send(part.clone())).await.ok();
                match (first, self.trouble) {
                    (Some(answer), _) => {
                        self.rounds += began.elapsed().as_secs() as usize;
                        Some(answer)
                    }
                    (None, Trouble::Killed(_)) => {
                        self.trouble = Trouble::None;
                        self.log.push(format!("killed {}", part["RequestType"]));
                        // It gives up after an hour.
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                        None
                    }
                    (None, _) => {
                        self.trouble = Trouble::None;
                        self.log.push(format!("killed {}", part["RequestType"]));
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        Some(function.send(part.clone()).await)
                    }
                }
            }
            _ => Some(function.send(part.clone()).await),
        };
        let succeeds = answer.as_ref().is_some_and(|answer| answer.body["Status"] == "SUCCESS");
        self.reaches(&part, if succeeds { "COMPLETE" } else { "FAILED" });
        let struck = match self.trouble {
            Trouble::Once(k, _) | Trouble::Outage(k, _) => Some(k),
            _ => None,
        };
        let mut account = self.harness.aws.account();
        let calls = account.calls.len();
        let of = |operation: &str| account.calls.iter().filter(|call| **call == operation).count();
        let struck = struck.is_some_and(|k| k < calls)
            || self.operation.is_some_and(|(operation, skip)| of(operation) > skip);
        if struck {
            account.faults.clear();
        }
        let made: Vec<&str> = account.calls[before..].to_vec();
        drop(account);
        self.log.push(format!(
            "{} {} -> {}  [{}]",
            part["RequestType"].as_str().unwrap(),
            part["PhysicalResourceId"],
            answer.as_ref().map_or("no answer".into(), |answer| format!(
                "{} {} {}",
                answer.body["Status"], answer.body["PhysicalResourceId"], answer.body["Reason"]
            )),
            made.join(" ")
        ));
        assert!(succeeds || !self.succeeds, "{}", self.explained("a request fails though no call did"));
        answer
    }

    fn explained(&self, what: &str) -> String {
        format!("{what}\nstory {} with {:?}\n{}", self.story, self.trouble, self.log.join("\n"))
    }

    async fn create(&mut self, properties: &Value) {
        self.status("CREATE_IN_PROGRESS");
        let answer = self.request(json!({"RequestType": "Create", "ResourceProperties": properties})).await;
        match answer {
            Some(answer) if answer.body["Status"] == "SUCCESS" => {
                let id = answer.succeeded();
                self.harness.describe(&id);
                self.resource = Some((id, properties.clone()));
                self.status("CREATE_COMPLETE");
            }
            failed => {
                let id = failed.map_or("app-Search-1ABC".into(), |answer| id_of(&answer));
                self.status("ROLLBACK_IN_PROGRESS");
                self.delete(&id, properties).await;
                self.only_foreign_things_are_left("after a failed creation");
            }
        }
    }

    /// A Delete that is repeated until it succeeds.
    async fn delete(&mut self, id: &str, properties: &Value) {
        for _ in 0..3 {
            let part =
                json!({"RequestType": "Delete", "PhysicalResourceId": id, "ResourceProperties": properties});
            if let Some(answer) = self.request(part).await {
                assert_eq!(id_of(&answer), id, "{}", self.explained("a Delete answers the id it was given"));
                if answer.body["Status"] == "SUCCESS" {
                    return;
                }
            }
        }
        panic!("{}", self.explained("a Delete does not succeed"));
    }

    /// A Delete in a clean-up, which CloudFormation gives up when it fails.
    async fn clean_up(&mut self, id: &str, properties: &Value) -> bool {
        let part =
            json!({"RequestType": "Delete", "PhysicalResourceId": id, "ResourceProperties": properties});
        let answer = self.request(part).await;
        answer.is_some_and(|answer| answer.body["Status"] == "SUCCESS")
    }

    fn state(&self) -> String {
        let (profiles, parameters) = self.harness.state();
        format!("{profiles:#?}\n{:#?}", parameters.all())
    }

    /// An Update back to what was, repeated (`ContinueUpdateRollback`) until it succeeds.
    async fn roll_back(&mut self, id: &str, to: &Value, from: &Value) -> String {
        self.status("UPDATE_ROLLBACK_IN_PROGRESS");
        for _ in 0..3 {
            let part = json!({
                "RequestType": "Update", "PhysicalResourceId": id,
                "ResourceProperties": to, "OldResourceProperties": from,
            });
            if let Some(answer) = self.request(part).await
                && answer.body["Status"] == "SUCCESS"
            {
                return answer.succeeded();
            }
        }
        panic!("{}", self.explained("a rollback does not succeed"));
    }

    async fn update(&mut self, properties: &Value, sibling_fails: Option<bool>) {
        let Some((id, old)) = self.resource.clone() else { return };
        let before = self.state();
        self.status("UPDATE_IN_PROGRESS");
        let part = json!({
            "RequestType": "Update", "PhysicalResourceId": id,
            "ResourceProperties": properties, "OldResourceProperties": old,
        });
        let answer = self.request(part).await.filter(|answer| answer.body["Status"] == "SUCCESS");
        let Some(new) = answer.map(|answer| answer.succeeded()) else {
            let back = self.roll_back(&id, &old, properties).await;
            assert_eq!(back, id, "{}", self.explained("a rollback answers the original id"));
            self.status("UPDATE_ROLLBACK_COMPLETE");
            self.is_restored(&before);
            return;
        };
        match sibling_fails {
            None => {
                self.harness.describe(&new);
                self.resource = Some((new.clone(), properties.clone()));
                if new != id {
                    self.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
                    self.clean_up(&id, &old).await;
                }
                self.status("UPDATE_COMPLETE");
            }
            Some(by_delete) => {
                if !by_delete || new == id {
                    let back = self.roll_back(&new, &old, properties).await;
                    assert_eq!(back, id, "{}", self.explained("a rollback answers the original id"));
                }
                self.harness.describe(&id);
                let mut cleaned = true;
                if new != id {
                    self.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
                    cleaned = self.clean_up(&new, properties).await;
                }
                self.status("UPDATE_ROLLBACK_COMPLETE");
                if cleaned {
                    self.is_restored(&before);
                }
            }
        }
    }

    fn is_restored(&self, before: &str) {
        let after = self.state();
        assert!(after == before, "{}\nbefore {before}\nafter {after}", self.explained("a rollback restores"));
    }

    async fn play(&mut self, step: &Step) {
        match step {
            Step::Create(properties) => self.create(properties).await,
            Step::Update(properties) => self.update(properties, None).await,
            Step::UpdateTakenBack(properties) => self.update(properties, Some(false)).await,
            Step::UpdateTakenBackByDelete(properties) => self.update(properties, Some(true)).await,
            Step::Drop => {
                let Some((id, properties)) = self.resource.take() else { return };
                self.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
                self.delete(&id, &properties).await;
                self.only_foreign_things_are_left("after the resource left the template");
            }
        }
    }

    async fn end(&mut self) {
        if let Some((id, properties)) = self.resource.take() {
            // Somebody deletes the stack, later than any read lags.
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.status("DELETE_IN_PROGRESS");
            self.delete(&id, &properties).await;
        }
        self.only_foreign_things_are_left("after the stack's end");
    }

    fn only_foreign_things_are_left(&self, when: &str) {
        let (profiles, parameters) = self.harness.state();
        let left: Vec<_> = profiles
            .iter()
            .filter(|(_, held)| held.get("note").map(String::as_str) != Some("foreign"))
            .map(|(arn, _)| arn.clone())
            .chain(parameters.all().keys().filter(|name| !name.ends_with("/foreign")).cloned())
            .collect();
        assert!(left.is_empty(), "{}", self.explained(&format!("{left:?} are left {when}")));
    }
}

fn id_of(answer: &Received) -> String {
    answer.body["PhysicalResourceId"].as_str().unwrap().to_owned()
}

/// Every parameter of ours holds an existing profile, and a stack that published does so at any moment.
fn watch(harness: &Harness) -> Arc<Mutex<Vec<String>>> {
    let violations = Arc::new(Mutex::new(Vec::new()));
    let seen = violations.clone();
    harness.aws.watch(move |account: &mut Account, operation| {
        let profiles = account.profiles();
        for (name, parameter) in account.parameters.all() {
            if !profiles.contains_key(&parameter.value) {
                seen.lock().unwrap().push(format!("after {operation} {name} holds a profile that is gone"));
            }
        }
        let status = account.stacks.get(STACK).map(|stack| stack.status.clone()).unwrap_or_default();
        let lives = status.starts_with("UPDATE_IN")
            || status.starts_with("UPDATE_ROLLBACK")
            || status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
                && account.resources.contains_key(&(STACK.to_owned(), LOGICAL_ID.to_owned()))
                && account.stacks.contains_key("published");
        let published = [PARAMETER, RENAMED].iter().any(|name| account.parameters.all().contains_key(*name));
        if lives && account.stacks.contains_key("published") && !published {
            seen.lock().unwrap().push(format!("after {operation} no name works"));
        }
    });
    violations
}

/// One run of a story, with reads that lag by so many milliseconds; gives the calls it made and the
/// rounds it took.
async fn run(
    name: &str,
    steps: &[Step],
    lag: u64,
    tells_progress: bool,
    trouble: Trouble,
) -> (Vec<&'static str>, usize) {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    // Somebody else's: of the same name, and one to adopt.
    let foreign = [
        CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA)).tag("note", "foreign"),
        CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
            .description("Search: production.")
            .tag("note", "foreign")
            .tag("unit", "them"),
    ];
    let made: Vec<_> = foreign.iter().map(|request| harness.aws.make_profile(request).unwrap()).collect();
    harness.aws.account().parameters.seed("/inference-profiles/foreign", made[0].as_str(), Tags::new());
    let foreign_state = harness.state();
    let steps: Vec<Step> = steps.iter().map(|step| adopting(step, made[1].as_str())).collect();
    match trouble {
        Trouble::Once(k, failing) => {
            let fault = fault(Fault::ANY, failing).after(k as u32);
            harness.aws.account().faults.add(fault);
        }
        Trouble::Outage(k, failing) => {
            let fault = fault(Fault::ANY, failing).after(k as u32).times(1000);
            harness.aws.account().faults.add(fault);
        }
        Trouble::None | Trouble::Operation(..) | Trouble::Killed(_) | Trouble::KilledAndRedelivered(_) => {}
    }
    // Rounds of calls are told by the seconds they take.
    harness.aws.account().latency = Duration::from_secs(1);
    harness.switches(|switches| {
        (switches.lag_list_ms, switches.lag_get_ms) = (lag, lag);
        (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (lag, lag);
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    let violations = watch(&harness);
    let mut cloudformation = CloudFormation {
        harness: harness.clone(),
        resource: None,
        trouble,
        tells_progress,
        succeeds: matches!(trouble, Trouble::None | Trouble::KilledAndRedelivered(_)),
        operation: None,
        rounds: 0,
        requests: 0,
        story: name.into(),
        log: Vec::new(),
    };
    if let Trouble::Operation(k, failing) = trouble {
        // The calls of the undisturbed run tell which operation the k-th call is.
        let calls = Box::pin(run(name, &steps, lag, tells_progress, Trouble::None)).await.0;
        let operation = calls[k];
        let skip = calls[..k].iter().filter(|call| **call == operation).count();
        harness.aws.account().faults.add(fault(operation, failing).after(skip as u32).times(50));
        cloudformation.operation = Some((operation, skip));
    }
    let began = tokio::time::Instant::now();
    for step in &steps {
        if cloudformation.resource.is_some() {
            let record = harness.aws.account().stacks[STACK].clone();
            harness.aws.account().stacks.insert("published".into(), record);
        }
        if matches!(step, Step::Drop) {
            harness.aws.account().stacks.remove("published");
        }
        cloudformation.play(step).await;
    }
    harness.aws.account().stacks.remove("published");
    cloudformation.end().await;
    let rounds = began.elapsed().as_secs() as usize;
    let stranded = violations.lock().unwrap().clone();
    assert!(stranded.is_empty(), "{}", cloudformation.explained(&format!("{stranded:#?}")));
    let state = harness.state();
    assert!(
        state == foreign_state,
        "{}\nbefore {:#?}\nafter {:#?}",
        cloudformation.explained("foreign things changed"),
        foreign_state,
        state
    );
    let calls = harness.aws.account().calls.clone();
    (calls, rounds)
}

fn adopting(step: &Step, arn: &str) -> Step {
    let adopt = |properties: &Value| {
        let mut properties = properties.clone();
        if properties.get("ExistingProfile").is_some() {
            properties["ExistingProfile"] = json!(arn);
        }
        properties
    };
    match step {
        Step::Create(properties) => Step::Create(adopt(properties)),
        Step::Update(properties) => Step::Update(adopt(properties)),
        Step::UpdateTakenBack(properties) => Step::UpdateTakenBack(adopt(properties)),
        Step::UpdateTakenBackByDelete(properties) => Step::UpdateTakenBackByDelete(adopt(properties)),
        Step::Drop => Step::Drop,
    }
}

fn fault(operation: &str, failing: Failing) -> Fault {
    match failing {
        Failing::Before(kind) => Fault::before(operation, kind),
        Failing::AnswerLost => Fault::lost_answer(operation),
    }
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut properties = declared();
    for (name, value) in changes {
        properties[*name] = value.clone();
    }
    properties
}

fn stories() -> Vec<(&'static str, Vec<Step>)> {
    use Step::*;
    let tagged =
        || with(&[("Tags", json!([{"Key": "owner", "Value": "other"}, {"Key": "x", "Value": "y"}]))]);
    let replaced = || {
        with(&[("Description", json!("Another one")), ("Tags", json!([{"Key": "owner", "Value": "other"}]))])
    };
    let renamed = || with(&[("ParameterName", json!(RENAMED))]);
    let both = || with(&[("ParameterName", json!(RENAMED)), ("Description", json!("Another one"))]);
    // A tag that the profile to adopt does not have: what it has is theirs.
    let adopted =
        || with(&[("ExistingProfile", json!("")), ("Tags", json!([{"Key": "team", "Value": "search"}]))]);
    vec![
        ("create", vec![Create(declared())]),
        ("in place", vec![Create(declared()), Update(tagged())]),
        ("in place, taken back", vec![Create(declared()), UpdateTakenBack(tagged())]),
        ("replacement", vec![Create(declared()), Update(replaced())]),
        ("replacement, taken back", vec![Create(declared()), UpdateTakenBack(replaced())]),
        ("replacement, deleted only", vec![Create(declared()), UpdateTakenBackByDelete(replaced())]),
        ("renamed parameter", vec![Create(declared()), Update(renamed())]),
        ("renamed parameter, taken back", vec![Create(declared()), UpdateTakenBack(renamed())]),
        ("both", vec![Create(declared()), Update(both())]),
        ("both, taken back", vec![Create(declared()), UpdateTakenBack(both())]),
        ("both, deleted only", vec![Create(declared()), UpdateTakenBackByDelete(both())]),
        ("dropped", vec![Create(declared()), Drop]),
        ("replacement, dropped", vec![Create(declared()), Update(replaced()), Drop]),
        ("adoption", vec![Create(adopted())]),
        ("adoption, dropped", vec![Create(adopted()), Drop]),
        ("adoption, replaced", vec![Create(adopted()), Update(replaced())]),
        ("adopted later", vec![Create(declared()), Update(adopted())]),
        ("adopted later, taken back", vec![Create(declared()), UpdateTakenBack(adopted())]),
        ("adopted later, deleted only", vec![Create(declared()), UpdateTakenBackByDelete(adopted())]),
    ]
}

const FAILING: [Failing; 4] = [
    Failing::Before(ErrorKind::Throttled),
    Failing::Before(ErrorKind::Unknown),
    Failing::Before(ErrorKind::Denied),
    Failing::AnswerLost,
];

/// Runs every story with each of the troubles that `troubles` makes of its numbers of calls and rounds. In
/// every second run the stack tells of the resource while a request runs; which, changes from one group of
/// four to the next, because as many kinds of failure follow each other.
fn every(troubles: impl Fn(usize, usize) -> Vec<Trouble>) {
    let mut broken: Vec<String> = Vec::new();
    let mut runs = 0;
    for ((name, steps), lag) in stories().into_iter().flat_map(|story| [(story.clone(), 0), (story, 8_000)]) {
        let play = |tells_progress: bool, trouble: Trouble| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let steps = steps.clone();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                runtime.block_on(async {
                    timeout(Duration::from_secs(86_400), run(name, &steps, lag, tells_progress, trouble))
                        .await
                        .unwrap()
                })
            }))
            .map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "?".into()))
        };
        let mut play = |tells_progress: bool, trouble: Trouble| {
            let told = if tells_progress { "progress told" } else { "results told" };
            let problem =
                |problem| broken.push(format!("## {name}, lag {lag}, {told} / {trouble:?}\n{problem}"));
            play(tells_progress, trouble).map_err(problem).ok()
        };
        let (Some((calls, rounds)), Some(_)) = (play(false, Trouble::None), play(true, Trouble::None)) else {
            continue;
        };
        for trouble in troubles(calls.len(), rounds) {
            runs += 1;
            play((runs + runs / 4) % 2 == 0, trouble);
        }
    }
    assert!(broken.is_empty(), "{} of {runs} runs are broken:\n\n{}", broken.len(), broken.join("\n\n"));
}

fn each_call(trouble: impl Fn(usize, Failing) -> Trouble) {
    every(|calls, _| (0..calls).flat_map(|k| FAILING.map(|failing| trouble(k, failing))).collect());
}

#[test]
fn a_call_that_fails_once() {
    each_call(Trouble::Once);
}

#[test]
fn an_operation_that_fails_until_the_request_ends() {
    each_call(Trouble::Operation);
}

#[test]
fn an_outage_until_the_request_ends() {
    each_call(Trouble::Outage);
}

#[test]
fn a_function_that_is_killed_and_runs_again() {
    every(|_, rounds| (0..=rounds).map(Trouble::KilledAndRedelivered).collect());
}

#[test]
fn a_function_that_is_killed_and_never_answers() {
    every(|_, rounds| (0..=rounds).map(Trouble::Killed).collect());
}
