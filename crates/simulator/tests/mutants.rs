//! The simulation sees: each deliberate bug is noticed within its number of seeds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use simulator::{
    mutants::{MUTANTS, Mutant},
    run::run,
    seeds::scenario,
};

/// The first seed in which the bug breaks its promise.
fn noticed(mutant: &Mutant) -> Option<(u64, String)> {
    (0..mutant.seeds).find_map(|seed| {
        let run = run(&scenario(seed).unwrap(), mutant.make, false);
        let breach = run.breaches.into_iter().find(|breach| breach.promise == mutant.breaks)?;
        Some((seed, breach.to_string()))
    })
}

#[test]
fn every_deliberate_bug_is_noticed() {
    let (next, missed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(mutant) = MUTANTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match noticed(mutant) {
                        Some((seed, breach)) => println!("{}\n    seed {seed}: {breach}", mutant.name),
                        None => missed.lock().unwrap().push(mutant.name),
                    }
                }
            });
        }
    });
    assert!(MUTANTS.len() >= 15);
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not noticed: {missed:#?}");
}
