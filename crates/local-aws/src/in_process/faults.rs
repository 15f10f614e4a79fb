//! What goes wrong in process: rules by operation, in the words of the ports.

use std::time::Duration;

use ports::ErrorKind;

/// When a fault strikes, relative to the effect of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call has no effect.
    Before,
    /// The call has its effect, and its answer is lost.
    After,
}

/// What becomes of a call that a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The caller hears this.
    Fails(ErrorKind),
    /// The caller hears nothing any more: its process is killed at this call, and whoever drives it lets go of
    /// it.
    Hangs,
    /// The call takes so much longer. Before its effect: the request is under way for so long.
    Waits(Duration),
}

/// One rule: something becomes of some calls of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The operation, as IAM names it: `bedrock:CreateInferenceProfile`; [`Fault::ANY`] for every one.
    pub operation: String,
    /// How many matching calls go well first.
    pub skip: u32,
    /// How many then fail.
    pub times: u32,
    /// Relative to the effect.
    pub moment: Moment,
    /// What becomes of them.
    pub fate: Fate,
}

impl Fault {
    /// Stands for every operation: with [`Fault::after`] it is the k-th call of all that fails.
    pub const ANY: &str = "*";

    /// The next call of `operation` fails with `kind` before it has an effect.
    pub fn before(operation: &str, kind: ErrorKind) -> Self {
        Self::at(operation, Moment::Before, Fate::Fails(kind))
    }

    /// The next call of `operation` has its effect, and its answer is lost.
    pub fn lost_answer(operation: &str) -> Self {
        Self::at(operation, Moment::After, Fate::Fails(ErrorKind::Unknown))
    }

    /// At the next call of `operation` the calling process is killed: the call never returns.
    pub fn crash(operation: &str, moment: Moment) -> Self {
        Self::at(operation, moment, Fate::Hangs)
    }

    /// The next call of `operation` takes `by` longer, before or after its effect.
    pub fn slow(operation: &str, moment: Moment, by: Duration) -> Self {
        Self::at(operation, moment, Fate::Waits(by))
    }

    fn at(operation: &str, moment: Moment, fate: Fate) -> Self {
        Self { operation: operation.to_owned(), skip: 0, times: 1, moment, fate }
    }

    /// The same, `times` times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same, after `skip` calls that go well.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }
}

/// The rules in force; the first that matches a call decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    rules: Vec<Fault>,
    strikes: Vec<(Moment, Fate)>,
}

impl FaultPlan {
    /// Adds a rule.
    pub fn add(&mut self, fault: Fault) {
        self.rules.push(fault);
    }

    /// How many calls were struck so far.
    pub fn struck(&self) -> usize {
        self.strikes.len()
    }

    /// What struck them, in order.
    pub fn strikes(&self) -> &[(Moment, Fate)] {
        &self.strikes
    }

    /// Whether one of the next so many calls may be struck.
    pub fn strikes_within(&self, calls: u32) -> bool {
        self.rules.iter().any(|rule| rule.times > 0 && rule.skip < calls)
    }

    /// Ends all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// What becomes of the call that now happens; `None` when it goes well.
    pub(super) fn strike(&mut self, operation: &str) -> Option<(Moment, Fate)> {
        let concerns = |rule: &Fault| rule.operation == operation || rule.operation == Fault::ANY;
        let rule = self.rules.iter_mut().find(|rule| concerns(rule) && rule.times > 0)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        let strike = (rule.moment, rule.fate);
        self.strikes.push(strike);
        Some(strike)
    }
}
