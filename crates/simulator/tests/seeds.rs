//! Twenty thousand seeds, in parts that run side by side. What a seed once showed is a test of its own among
//! the provider's `regressions`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use simulator::{
    functions::Shipped,
    run::run,
    seeds::{report, scenario},
};

fn hold(seeds: impl IntoIterator<Item = u64>) {
    for seed in seeds {
        if !run(&scenario(seed).unwrap(), Shipped::over, false).breaches.is_empty() {
            panic!("{}", report(seed, Shipped::over));
        }
    }
}

#[test]
fn seeds_from_0() {
    hold(0..5_000);
}

#[test]
fn seeds_from_5000() {
    hold(5_000..10_000);
}

#[test]
fn seeds_from_10000() {
    hold(10_000..15_000);
}

#[test]
fn seeds_from_15000() {
    hold(15_000..20_000);
}

/// A run is the same every time: without that a seed would tell nothing.
#[test]
fn a_seed_is_played_in_the_same_way_again() {
    for seed in 0..50 {
        let scenario = scenario(seed).unwrap();
        let [first, second] = [0, 1].map(|_| run(&scenario, Shipped::over, true).trace);
        assert_eq!(first, second, "seed {seed}");
    }
}

/// Hundreds of thousands are played in one process: what an account holds must not hold the account.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_over_is_forgotten() {
    let resident_kib = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    hold(0..100);
    let before = resident_kib();
    hold(100..1_100);
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 50 * 1_024, "{grown} KiB more after a thousand runs");
}
