//! Events for EventBridge.

use rules::finding::{Finding, ResourceKind};
use serde::Serialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::{
    data::Report,
    log::{Status, statuses},
    text::shortened,
};

/// The `detail-type` of an event about one finding.
pub const FINDING_EVENT: &str = "Inference Profile Finding";
/// The `detail-type` of the event about a whole sweep.
pub const SWEEP_EVENT: &str = "Inference Profile Sweep";

/// How long a text within an event is at most, in bytes. An entry of EventBridge has 256 KB: JSON may take
/// six bytes for one, and an event has five texts. Reasons have less, as there may be many of them.
const TEXT_LIMIT: usize = 2_000;
const REASON_LIMIT: usize = 300;
/// How many reasons of each kind a sweep's event tells.
const UNREAD_LIMIT: usize = 50;

/// One event, but for its source, which whoever puts it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEvent {
    /// `detail-type`: [`FINDING_EVENT`] or [`SWEEP_EVENT`].
    pub detail_type: &'static str,
    /// The detail: a JSON object.
    pub detail: String,
    /// The ARN of what it is about, if that has one.
    pub resources: Vec<String>,
}

/// The `detail` of a [`FINDING_EVENT`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingDetail<'a> {
    account: &'a str,
    region: &'a str,
    rule: &'static str,
    severity: &'static str,
    status: Status,
    resource: ResourceDetail,
    problem: String,
    remedy: String,
    sweep_started_at: &'a str,
}

/// What a finding is about.
#[derive(Serialize)]
struct ResourceDetail {
    kind: ResourceKind,
    arn: String,
    name: String,
}

/// One event for each finding, whose status is `new` or `open`, one for each that is gone, `resolved`, and
/// at last one for the sweep.
///
/// What is unconfirmed has no event: nothing is known about it. `report_place` is where the whole report is.
pub fn events(report: &Report, report_place: Option<&str>) -> Vec<ReportEvent> {
    let started_at = timestamp(report);
    let mut events: Vec<ReportEvent> =
        statuses(report).map(|(finding, status)| about(report, finding, status, &started_at)).collect();
    events.push(ReportEvent {
        detail_type: SWEEP_EVENT,
        detail: of_sweep(report, report_place, &started_at).to_string(),
        resources: Vec::new(),
    });
    events
}

/// When the sweep began, as JSON has it.
fn timestamp(report: &Report) -> String {
    // Only a year of more than four digits cannot be written.
    report.started_at.format(&Rfc3339).unwrap_or_default()
}

fn about(report: &Report, finding: &Finding, status: Status, started_at: &str) -> ReportEvent {
    let arn = shortened(&finding.resource.arn, TEXT_LIMIT);
    let detail = FindingDetail {
        account: &report.account,
        region: &finding.region,
        rule: finding.rule.as_str(),
        severity: finding.severity.as_str(),
        status,
        resource: ResourceDetail {
            kind: finding.resource.kind,
            arn: arn.clone(),
            name: shortened(&finding.resource.name, TEXT_LIMIT),
        },
        problem: shortened(&finding.problem, TEXT_LIMIT),
        remedy: shortened(&finding.remedy, TEXT_LIMIT),
        sweep_started_at: started_at,
    };
    ReportEvent {
        detail_type: FINDING_EVENT,
        detail: json!(detail).to_string(),
        resources: if arn.starts_with("arn:") { vec![arn] } else { Vec::new() },
    }
}

fn of_sweep(report: &Report, report_place: Option<&str>, started_at: &str) -> Value {
    let by_severity: serde_json::Map<String, Value> = report
        .by_severity()
        .into_iter()
        .map(|(severity, count)| (severity.as_str().to_owned(), json!(count)))
        .collect();
    let unread = report.regions.iter().flat_map(|region| {
        region.unread.iter().map(|unread| {
            json!({
                "region": region.region,
                "source": unread.source,
                "reason": shortened(&unread.reason, REASON_LIMIT),
            })
        })
    });
    let undelivered = report.undelivered.iter().map(|reason| shortened(reason, REASON_LIMIT));
    json!({
        "account": report.account,
        "region": report.region,
        "regions": report.regions.iter().map(|region| region.region.as_str()).collect::<Vec<_>>(),
        "startedAt": started_at,
        "finishedAt": report.finished_at.format(&Rfc3339).unwrap_or_default(),
        "dryRun": report.dry_run,
        "complete": report.complete,
        "unread": unread.take(UNREAD_LIMIT).collect::<Vec<_>>(),
        "undelivered": undelivered.take(UNREAD_LIMIT).collect::<Vec<_>>(),
        "profiles": report.profiles,
        "findings": report.findings.len(),
        "bySeverity": by_severity,
        "counts": report.counts,
        "silenced": report.silenced.values().sum::<usize>(),
        "unconfirmed": report.unconfirmed.len(),
        "appeared": report.changes.appeared.len(),
        "gone": report.changes.gone.len(),
        "reportPlace": report_place.map(|place| shortened(place, TEXT_LIMIT)),
    })
}
