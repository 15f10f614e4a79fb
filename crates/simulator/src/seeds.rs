//! From a seed to a scenario, and from a scenario that breaks a promise to the smallest that does.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    functions::Make,
    run::{Run, run},
    scenario::{Scenario, scenarios},
};

/// How many smaller scenarios are tried.
const TRIALS: u32 = 1_500;

/// The scenario of a seed. It is the same on every machine, for as long as scenarios are drawn in the same way.
pub fn scenario(seed: u64) -> Option<Scenario> {
    Some(tree(seed)?.current())
}

fn tree(seed: u64) -> Option<impl ValueTree<Value = Scenario>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    scenarios().new_tree(&mut runner).ok()
}

/// The smallest scenario found from a seed that still breaks the promise which the seed breaks first; `None` when
/// it breaks none.
pub fn shrunk(seed: u64, make: Make) -> Option<(Scenario, Run)> {
    let mut tree = tree(seed)?;
    let promise = run(&tree.current(), make, false).breaches.first()?.promise;
    let breaks = |scenario: &Scenario| {
        run(scenario, make, false).breaches.first().is_some_and(|breach| breach.promise == promise)
    };
    let mut smallest = tree.current();
    let mut trials = 0;
    let mut goes_on = tree.simplify();
    while goes_on && trials < TRIALS {
        trials += 1;
        let candidate = tree.current();
        if breaks(&candidate) {
            smallest = candidate;
            goes_on = tree.simplify();
        } else {
            goes_on = tree.complicate();
        }
    }
    let told = run(&smallest, make, true);
    Some((smallest, told))
}

/// A broken promise as a person reads it: what broke, the smallest scenario, and what happened in it.
pub fn report(seed: u64, make: Make) -> String {
    let Some((scenario, run)) = shrunk(seed, make) else { return format!("seed {seed} breaks no promise") };
    let breaches: Vec<String> = run.breaches.iter().map(|breach| format!("  {breach}")).collect();
    format!(
        "seed {seed} breaks a promise:\n{}\n\nthe smallest scenario found that does:\n{scenario:#?}\n\nwhat happened:\n{}\n",
        breaches.join("\n"),
        run.trace.join("\n"),
    )
}
