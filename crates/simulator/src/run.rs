//! One scenario, played from its beginning to its end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::{
    account,
    cloudformation::CloudFormation,
    desk::Desk,
    functions::Make,
    lambda::Lambda,
    log::Reader,
    promises::{Breach, Guard, Promise},
    scenario::Scenario,
    stats::Stats,
    trace::Trace,
};

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The promises that were broken, the first first.
    pub breaches: Vec<Breach>,
    /// What was met.
    pub stats: Stats,
    /// What happened, if that was asked for.
    pub trace: Vec<String>,
}

/// No run takes longer than this, by its own clock: all waiting in it is bounded.
const LONGEST: Duration = Duration::from_secs(60 * 86_400);

/// Plays a scenario with the provider that `make` makes.
pub fn run(scenario: &Scenario, make: Make, traced: bool) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let what = format!("no runtime: {error}");
            let breaches = vec![Breach::now(Promise::OneAnswer, what)];
            return Run { breaches, stats: Stats::default(), trace: Vec::new() };
        }
    };
    let _ = Reader::take_leak();
    let mut run = runtime.block_on(async {
        let trace = Arc::new(Trace::new(traced));
        let _reads = tracing::subscriber::set_default(Reader::new(trace.clone()));
        play(scenario, make, trace).await
    });
    if let Some(line) = Reader::take_leak() {
        run.breaches.push(Breach::now(Promise::SecretsStayIn, format!("in the log: {line}")));
    }
    run
}

async fn play(scenario: &Scenario, make: Make, trace: Arc<Trace>) -> Run {
    let (aws, foreign) = account::account(&scenario.facts);
    let guard = Arc::new(Guard::over(foreign));
    let (watching, told) = (guard.clone(), trace.clone());
    // A clock of its own: what the account holds must not hold the account, or no run would ever be forgotten.
    let (began, instant) = (ports::Clock::now(&aws), Instant::now());
    aws.watch(move |account, operation| {
        told.line(|| format!("    {operation}"));
        watching.after(account, began + instant.elapsed(), operation);
    });
    account::strike(&aws, &scenario.troubles);
    let desk = Arc::new(Desk::new(
        guard.clone(),
        Duration::from_secs(scenario.facts.read_after_s),
        &scenario.troubles,
    ));
    let lambda = Arc::new(Lambda::new(
        aws.clone(),
        desk.clone(),
        guard.clone(),
        trace.clone(),
        make(&aws),
        scenario.troubles.clone(),
    ));
    let engine = CloudFormation::new(
        aws.clone(),
        scenario.facts.clone(),
        guard.clone(),
        desk.clone(),
        lambda.clone(),
        trace.clone(),
    );
    let stats = timeout(LONGEST, engine.play(scenario)).await;
    if stats.is_err() {
        guard.breach(Promise::OneAnswer, "the run does not come to an end");
    }
    let mut stats = stats.unwrap_or_default();
    stats.kills = lambda.kills.load(Ordering::Relaxed) as u64;
    stats.rescues = lambda.rescues.load(Ordering::Relaxed) as u64;
    for (moment, fate) in aws.account().faults.strikes() {
        stats.fault(account::fault_name(*moment, *fate), 1);
    }
    stats.fault("a function is killed", stats.kills);
    for (name, count) in lambda.happened() {
        stats.fault(name, count);
    }
    for change in guard.take_changes() {
        trace.line(|| change);
    }
    let mut breaches = guard.breaches();
    if let Some(torn_at) = desk.torn_at() {
        stats.torn = 1;
        breaches.retain(|breach| breach.promise.outlasts_a_tear() || breach.at < torn_at);
    }
    Run { breaches, stats, trace: trace.lines() }
}
