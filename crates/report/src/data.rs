//! The report as data, which is also its JSON. `docs/report.schema.json` describes the same.
//!
//! Lists that are empty may be left out of what is read, so that the function's result, which is cut to
//! fit, is a report too.

use std::collections::BTreeMap;

use rules::{
    finding::{Finding, Severity},
    inventory::Unread,
    rule::Rule,
};
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

/// The version of the schema. Another number means that programs have to change.
pub const SCHEMA_VERSION: u32 = 1;

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Twelve digits.
    pub account: String,
    /// Where the sweep ran.
    pub region: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When its findings were complete.
    #[serde(with = "time::serde::rfc3339")]
    pub finished_at: OffsetDateTime,
    /// Whether actions were only told, not taken.
    pub dry_run: bool,
    /// Whether everything could be read in every Region.
    pub complete: bool,
    /// How many application profiles there are in all Regions that could be read.
    pub profiles: usize,
    /// Findings by rule; every rule that was asked for is there, with 0 when nothing was found.
    pub counts: BTreeMap<Rule, usize>,
    /// Silenced findings by rule, where there are any.
    #[serde(default)]
    pub silenced: BTreeMap<Rule, usize>,
    /// What is wrong, the gravest first.
    pub findings: Vec<Finding>,
    /// Findings of the report before that this sweep could not look into.
    #[serde(default)]
    pub unconfirmed: Vec<Finding>,
    /// What changed since the report before.
    #[serde(default)]
    pub changes: Changes,
    /// What was done, or would be.
    #[serde(default)]
    pub actions: Vec<ActionReport>,
    /// What did not reach its place, in words: the bucket, the event bus, the topic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undelivered: Vec<String>,
    /// Region by Region.
    #[serde(default)]
    pub regions: Vec<RegionReport>,
}

impl Report {
    /// How many findings there are of each severity, the gravest first; 0 where there are none.
    pub fn by_severity(&self) -> [(Severity, usize); 4] {
        Severity::ALL.map(|severity| (severity, count_of(&self.findings, severity)))
    }
}

/// How many of `findings` have that severity.
pub(crate) fn count_of(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// What changed since the report before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// When the report before was begun; `None`: there was none.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// Findings that were not there before.
    #[serde(default)]
    pub appeared: Vec<Finding>,
    /// Findings that are there no more.
    #[serde(default)]
    pub gone: Vec<Finding>,
}

/// One Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionReport {
    /// `us-east-1`, …
    pub region: String,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read.
    #[serde(default)]
    pub unread: Vec<Unread>,
    /// The first day of the window that usage is told of; `None` when it could not be read.
    #[serde(default)]
    pub usage_since: Option<Date>,
    /// Its application profiles, by name. Left out of the function's result, which has a limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<ProfileRow>,
}

impl RegionReport {
    /// Whether something that `rule` rests on could not be read, so that its silence proves nothing.
    pub fn undecided(&self, rule: Rule) -> bool {
        self.unread.iter().any(|unread| rule.sources().contains(&unread.source))
    }

    /// What could not be read, by what AWS said: one refusal often has many victims.
    pub(crate) fn unread_by_reason(&self) -> Vec<(&str, Vec<&'static str>)> {
        let mut reasons: Vec<(&str, Vec<&'static str>)> = Vec::new();
        for Unread { source, reason } in &self.unread {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, sources)) => sources.push(source.as_str()),
                None => reasons.push((reason, vec![source.as_str()])),
            }
        }
        reasons
    }
}

/// One application profile, for a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileRow {
    /// Its ARN.
    pub arn: String,
    /// Its id.
    pub id: String,
    /// `inferenceProfileName`.
    pub name: String,
    /// The id of the model or system profile that it was copied from, as far as it can be told.
    pub model: String,
    /// Who owns it, in words: `Search of stack app`, `Terraform`; `None`: nobody is known to.
    #[serde(default)]
    pub owner: Option<String>,
    /// The users' tags; `None` when they could not be read.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    /// The parameter that publishes it.
    #[serde(default)]
    pub parameter: Option<String>,
    /// When it was made.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created_at: Option<OffsetDateTime>,
    /// Invocations within the window; `None` when usage could not be read.
    #[serde(default)]
    pub invocations: Option<u64>,
    /// The last day with an invocation within the window.
    #[serde(default)]
    pub last_used: Option<Date>,
    /// Day by day from the Region's `usageSince` on; empty when there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub daily: Vec<u64>,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionReport {
    /// What kind of action it is.
    pub action: ActionKind,
    /// The Region.
    pub region: String,
    /// The profile's ARN.
    pub arn: String,
    /// The profile's name.
    pub name: String,
    /// What it does, in words.
    pub description: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was skipped or failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// What kind of action it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// A replaced profile whose time had come was deleted.
    Retire,
    /// A parameter was made to hold its profile's ARN again.
    Republish,
    /// A profile that its stack left behind was deleted, or released when it had been adopted.
    DeleteOrphan,
}

impl ActionKind {
    /// As JSON spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retire => "retire",
            Self::Republish => "republish",
            Self::DeleteOrphan => "delete-orphan",
        }
    }
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It would be done if this were no dry run.
    WouldBeDone,
    /// A second look found that it was not right any more.
    Skipped,
    /// AWS refused.
    Failed,
}

impl Outcome {
    /// As a person reads it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::WouldBeDone => "would be done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}
