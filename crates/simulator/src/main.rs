//! `simulate`: plays seeds, and says what it met.

use std::{
    env,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use simulator::{
    functions::{Make, Shipped},
    run::run,
    seeds::{report, scenario},
    stats::Stats,
};

const HELP: &str = "simulate [--seeds N] [--first SEED] [--seconds S] [--one SEED]";

struct Options {
    first: u64,
    seeds: u64,
    seconds: Option<u64>,
    one: Option<u64>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { first: 0, seeds: 20_000, seconds: None, one: None };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut number = || {
            let text = arguments.next().unwrap_or_default();
            text.parse::<u64>().map_err(|_| format!("{name} needs a number, not «{text}»\n{HELP}"))
        };
        match name.as_str() {
            "--seeds" => options.seeds = number()?,
            "--first" => options.first = number()?,
            "--seconds" => options.seconds = Some(number()?),
            "--one" => options.one = Some(number()?),
            other => return Err(format!("«{other}» is not known\n{HELP}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let make: Make = Shipped::over;
    if let Some(seed) = options.one {
        let breaks = scenario(seed).is_some_and(|scenario| !run(&scenario, make, false).breaches.is_empty());
        println!("{}", report(seed, make));
        return if breaks { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let began = Instant::now();
    let (next, played) = (AtomicU64::new(options.first), AtomicU64::new(0));
    let (total, broken) = (Mutex::new(Stats::default()), Mutex::new(Vec::new()));
    let last = match options.seconds {
        Some(_) => u64::MAX,
        None => options.first.saturating_add(options.seeds),
    };
    let is_over = || options.seconds.is_some_and(|seconds| began.elapsed() > Duration::from_secs(seconds));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut stats = Stats::default();
                while !is_over() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        break;
                    }
                    let Some(scenario) = scenario(seed) else { continue };
                    let run = run(&scenario, make, false);
                    played.fetch_add(1, Ordering::Relaxed);
                    stats.add(&run.stats);
                    if let Some(breach) = run.breaches.first() {
                        broken
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((seed, breach.to_string()));
                    }
                }
                total.lock().unwrap_or_else(PoisonError::into_inner).add(&stats);
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort();
    println!("{}", total.told(played.into_inner(), seconds));
    if broken.is_empty() {
        println!("No promise was broken.");
        return ExitCode::SUCCESS;
    }
    println!("{} seeds broke a promise:", broken.len());
    for (seed, breach) in broken.iter().take(40) {
        println!("  {seed:>8}  {breach}");
    }
    println!("\n{}", report(broken[0].0, make));
    ExitCode::FAILURE
}
