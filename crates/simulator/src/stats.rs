//! What a simulation met, so that one sees what it does not meet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::promises::{Guard, Promise};

/// Counts over one run, or over many.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Stack statuses, and how often each was reached.
    pub statuses: BTreeMap<String, u64>,
    /// Requests by kind and end.
    pub requests: BTreeMap<(&'static str, &'static str), u64>,
    /// Calls of AWS.
    pub calls: usize,
    /// Of these, how many a fault struck.
    pub struck: usize,
    /// Faults that happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Functions that were killed.
    pub kills: u64,
    /// Uses of rescue.
    pub rescues: u64,
    /// Runs in which a kill, or a clean-up that was given up, left something for the sweep.
    pub left_behind: u64,
    /// Runs in which two deliveries of one request got in each other's way, and of which less is asked.
    pub torn: u64,
    keys: Option<BTreeSet<String>>,
}

impl Stats {
    /// The stack reached a status.
    pub fn status(&mut self, status: &str) {
        *self.statuses.entry(status.to_owned()).or_default() += 1;
    }

    /// A request came to an end.
    pub fn request(&mut self, kind: &'static str, end: &'static str) {
        *self.requests.entry((kind, end)).or_default() += 1;
    }

    /// A fault happened so often.
    pub fn fault(&mut self, name: &'static str, times: u64) {
        if times > 0 {
            *self.faults.entry(name).or_default() += times;
        }
    }

    /// Every Create and Update answers the same attributes: one that is missing fails every `GetAtt` of it.
    pub fn attributes(&mut self, data: &Value, guard: &Guard) {
        let keys: BTreeSet<String> =
            data.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        match &self.keys {
            Some(before) if *before != keys => {
                guard.breach(Promise::Fulfilled, format!("the attributes are {keys:?}, before {before:?}"));
            }
            _ => self.keys = Some(keys),
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(status.clone()).or_default() += count;
        }
        for (request, count) in &other.requests {
            *self.requests.entry(*request).or_default() += count;
        }
        for (fault, count) in &other.faults {
            self.fault(fault, *count);
        }
        self.calls += other.calls;
        self.struck += other.struck;
        self.kills += other.kills;
        self.rescues += other.rescues;
        self.left_behind += other.left_behind;
        self.torn += other.torn;
    }
}

impl Stats {
    /// As a person reads it.
    pub fn told(&self, seeds: u64, seconds: f64) -> String {
        let requests: u64 = self.requests.values().sum();
        let mut lines = vec![
            format!("{seeds} seeds in {seconds:.1} s: {:.0} a second", seeds as f64 / seconds),
            format!(
                "{} steps: {requests} requests and {} calls of AWS, {} of them struck; {} requests were left to \
                 rescue; {} runs left something behind, which the sweep found; in {} two deliveries got in each other's way",
                requests as usize + self.calls,
                self.calls,
                self.struck,
                self.rescues,
                self.left_behind,
                self.torn
            ),
        ];
        let list = |title: &str, items: Vec<(String, u64)>| {
            let items: Vec<String> =
                items.iter().map(|(name, count)| format!("  {count:>9}  {name}")).collect();
            format!("{title}\n{}", items.join("\n"))
        };
        let requests = self.requests.iter().map(|((kind, end), count)| (format!("{kind}: {end}"), *count));
        lines.push(list("Requests:", requests.collect()));
        let statuses = self.statuses.iter().map(|(status, count)| (status.clone(), *count));
        lines.push(list("States of stacks:", statuses.collect()));
        let faults = self.faults.iter().map(|(fault, count)| ((*fault).to_owned(), *count));
        lines.push(list("Faults:", faults.collect()));
        lines.join("\n")
    }
}
