//! Findings as lines of a structured log.

use rules::finding::{Finding, ResourceKind, Severity};
use serde::Serialize;

use crate::data::Report;

/// How a finding stands against the report before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was not there before.
    New,
    /// It was there before.
    Open,
    /// It is there no more.
    Resolved,
}

impl Status {
    /// As JSON spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// At which level a finding is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Critical findings.
    Error,
    /// High ones.
    Warn,
    /// The others, and what is resolved.
    Info,
}

/// One finding as one line of a structured log: no field holds another structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine<'a> {
    /// Twelve digits.
    pub account: &'a str,
    /// The finding's Region.
    pub region: &'a str,
    /// The rule's id.
    pub rule: &'static str,
    /// `critical`, `high`, `medium`, `low`.
    pub severity: &'static str,
    /// `new`, `open`, `resolved`.
    pub status: &'static str,
    /// `profile`, `parameter`, …
    pub resource_kind: ResourceKind,
    /// The ARN of what it is about; of a tag key, the key.
    pub resource_arn: &'a str,
    /// What a person calls it.
    pub resource_name: &'a str,
    /// What is wrong.
    pub problem: &'a str,
    /// What to do.
    pub remedy: &'a str,
    /// At which level it belongs in the log.
    #[serde(skip)]
    pub level: Level,
}

/// A line for each finding, and for each that is gone. They are made one by one, as they are asked for.
pub fn log_lines(report: &Report) -> impl Iterator<Item = LogLine<'_>> {
    statuses(report).map(|(finding, status)| LogLine {
        account: &report.account,
        region: &finding.region,
        rule: finding.rule.as_str(),
        severity: finding.severity.as_str(),
        status: status.as_str(),
        resource_kind: finding.resource.kind,
        resource_arn: &finding.resource.arn,
        resource_name: &finding.resource.name,
        problem: &finding.problem,
        remedy: &finding.remedy,
        level: match (status, finding.severity) {
            (Status::Resolved, _) | (_, Severity::Medium | Severity::Low) => Level::Info,
            (_, Severity::Critical) => Level::Error,
            (_, Severity::High) => Level::Warn,
        },
    })
}

/// Every finding with how it stands, and then what is gone.
pub(crate) fn statuses(report: &Report) -> impl Iterator<Item = (&Finding, Status)> {
    let new = report.changes.appeared_keys();
    let status =
        move |finding: &Finding| if new.contains(&finding.key()) { Status::New } else { Status::Open };
    let found = report.findings.iter().map(move |finding| (finding, status(finding)));
    found.chain(report.changes.gone.iter().map(|finding| (finding, Status::Resolved)))
}
