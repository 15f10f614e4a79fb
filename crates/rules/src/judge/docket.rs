//! What has been found so far.

use std::cmp::Ordering;

use super::{Case, Criteria, Judgement, silence, unread_sources};
use crate::{
    finding::{Finding, Resource, ResourceKind, Severity},
    inventory::Inventory,
    rule::Rule,
};

/// Collects findings of the rules that are asked for.
pub(super) struct Docket<'a> {
    pub(super) criteria: &'a Criteria,
    region: &'a str,
    judgement: Judgement,
}

impl<'a> Docket<'a> {
    pub(super) fn new(criteria: &'a Criteria, region: &'a str) -> Self {
        Self { criteria, region, judgement: Judgement::default() }
    }

    /// Whether `rule` is asked for.
    pub(super) fn asks(&self, rule: Rule) -> bool {
        self.criteria.rules.contains(&rule)
    }

    /// Marks every rule undecided that rests on something unread.
    pub(super) fn note_unread(&mut self, inventory: &Inventory) {
        let unread = unread_sources(inventory, self.criteria);
        let here = Rule::ALL.into_iter().filter(|rule| *rule != Rule::CostTagInactive);
        for rule in here.filter(|rule| rule.sources().iter().any(|source| unread.contains(source))) {
            self.undecided(rule);
        }
    }

    /// Marks a rule as one that may have missed something.
    pub(super) fn undecided(&mut self, rule: Rule) {
        if self.asks(rule) {
            self.judgement.undecided.insert(rule);
        }
    }

    /// Adds a finding about a profile, which may silence it.
    pub(super) fn profile(
        &mut self,
        case: &Case<'_>,
        rule: Rule,
        severity: Severity,
        problem: String,
        remedy: String,
    ) {
        let resource = Resource {
            kind: ResourceKind::Profile,
            arn: case.arn().to_owned(),
            name: case.record.name.clone(),
        };
        let list = match silence::silences(case.tags, rule) {
            true => &mut self.judgement.silenced,
            false => &mut self.judgement.findings,
        };
        if self.criteria.rules.contains(&rule) {
            list.push(Finding { rule, severity, region: self.region.to_owned(), resource, problem, remedy });
        }
    }

    /// Adds a finding about something else.
    pub(super) fn other(
        &mut self,
        resource: Resource,
        rule: Rule,
        severity: Severity,
        problem: String,
        remedy: String,
    ) {
        if self.asks(rule) {
            let region = self.region.to_owned();
            self.judgement.findings.push(Finding { rule, severity, region, resource, problem, remedy });
        }
    }

    pub(super) fn close(mut self) -> Judgement {
        self.judgement.findings.sort_by(in_order);
        self.judgement.silenced.sort_by(in_order);
        self.judgement
    }
}

fn in_order(left: &Finding, right: &Finding) -> Ordering {
    fn key(finding: &Finding) -> (Severity, Rule, &str, &str) {
        (finding.severity, finding.rule, &finding.resource.name, &finding.resource.arn)
    }
    key(left).cmp(&key(right))
}
