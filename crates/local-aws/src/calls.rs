//! The log of calls: what was asked, when, by whom, and how it ended.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use crate::operation::Operation;
use crate::timestamp::Timestamp;

/// How a call ended, from where the service stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// The call did what was asked.
    Ok,
    /// The call was answered with this error.
    Error {
        /// The exception's name.
        code: String,
    },
    /// The call was carried out, and the answer was lost on its way.
    Lost {
        /// The exception that the lost answer carried; none when the call had taken effect.
        error: Option<String>,
    },
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// Counts from 1, in the order of arrival.
    pub number: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// The caller's account.
    pub account: String,
    /// The caller's Region.
    pub region: String,
    /// What was called.
    pub operation: Operation,
    /// The parameters.
    pub request: Value,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The calls so far. Counts go back to the beginning; of the calls themselves the last 100,000 are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CallLog {
    calls: VecDeque<Call>,
    counts: BTreeMap<Operation, u64>,
    total: u64,
}

const KEPT: usize = 100_000;

impl CallLog {
    /// The calls, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter()
    }

    /// The latest call.
    pub fn last(&self) -> Option<&Call> {
        self.calls.back()
    }

    /// The calls of one operation, oldest first.
    pub fn of(&self, operation: Operation) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.operation == operation)
    }

    /// How often an operation was called.
    pub fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or_default()
    }

    /// How often each operation was called; operations that were not are left out.
    pub fn counts(&self) -> &BTreeMap<Operation, u64> {
        &self.counts
    }

    /// How many calls there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn record(&mut self, mut call: Call) {
        self.total += 1;
        call.number = self.total;
        *self.counts.entry(call.operation).or_default() += 1;
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}
