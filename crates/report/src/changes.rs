//! What changed since the report before.

use std::collections::{BTreeMap, BTreeSet};

use rules::{
    finding::{Finding, FindingKey, Severity},
    rule::Rule,
};

use crate::data::{Changes, Report};

/// Compares the findings of a sweep with the report before, and gives what changed and what of the report
/// before could not be looked into.
///
/// - *Appeared*: found now, and neither a finding nor unconfirmed before, or not as grave as it is now.
///   Without a report before, all.
/// - *Gone*: a finding or unconfirmed before, not found now, and decided now.
/// - *Unconfirmed*: the same, but `undecided` now. It stays unconfirmed, sweep after sweep, until it is
///   found again or gone.
///
/// `undecided(rule, region)` says that the silence of `rule` in `region` proves nothing: the rule was not
/// asked for in this sweep, a source of it could not be read, or the Region was not looked at. A Region or
/// a rule that a single sweep leaves out is undecided. One that the settings do not name any more is not:
/// nobody will look there again, so its findings go. Only the caller knows which of the two it is.
pub fn changes(
    previous: Option<&Report>,
    findings: &[Finding],
    undecided: impl Fn(Rule, &str) -> bool,
) -> (Changes, Vec<Finding>) {
    let Some(previous) = previous else {
        return (Changes { since: None, appeared: findings.to_vec(), gone: Vec::new() }, Vec::new());
    };
    let known = || previous.findings.iter().chain(&previous.unconfirmed);
    let before: BTreeMap<FindingKey<'_>, Severity> =
        known().map(|finding| (finding.key(), finding.severity)).collect();
    // The graver severity is the lesser one.
    let is_new =
        |finding: &&Finding| before.get(&finding.key()).is_none_or(|before| finding.severity < *before);
    let appeared = findings.iter().filter(is_new).cloned().collect();

    // Also what is told a second time is not told twice.
    let mut told: BTreeSet<FindingKey<'_>> = findings.iter().map(Finding::key).collect();
    let (unconfirmed, gone) = known()
        .filter(|finding| told.insert(finding.key()))
        .cloned()
        .partition(|finding| undecided(finding.rule, &finding.region));
    (Changes { since: Some(previous.started_at), appeared, gone }, unconfirmed)
}

impl Changes {
    /// Whether nothing appeared and nothing is gone.
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.gone.is_empty()
    }

    /// The findings that appeared, to look others up in.
    pub(crate) fn appeared_keys(&self) -> BTreeSet<FindingKey<'_>> {
        self.appeared.iter().map(Finding::key).collect()
    }
}
