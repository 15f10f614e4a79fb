//! Metrics, in CloudWatch's embedded metric format.
//!
//! A metric costs by its name and dimensions, so there are few. All are in [`NAMESPACE`]:
//!
//! | dimensions | metrics | how many |
//! |---|---|---|
//! | `Region`, `Rule` | `Findings` | rules × Regions |
//! | `Region`, `Severity` | `Findings` | 4 × Regions |
//! | `Region` | `Profiles`, `Complete` | 2 × Regions |
//! | `Account` | `Profiles`, `Findings`, `Silenced`, `Complete`, `SweepDuration` | 5 |
//!
//! Zeros are written too, so that an alarm has data and ends, but only those that were counted: where a
//! source of a rule could not be read, the rule's `Findings` are written only if there are any, as they are
//! there in any case; the same holds for the severities of a Region that is not complete. `Complete` is 1
//! or 0: an alarm on missing data is not needed to notice that something could not be read.

use std::collections::BTreeMap;

use rules::{
    finding::{Finding, Severity},
    inventory::Source,
    rule::Rule,
};
use serde_json::{Map, Value, json};

use crate::data::{RegionReport, Report};

/// The namespace of every metric.
pub const NAMESPACE: &str = "InferenceProfileManager";

/// One metric's name, unit and value.
type Metric = (&'static str, &'static str, u64);

/// The report's metrics: each line is a whole document of the embedded metric format, to be written to the
/// log by itself. See [the specification][1].
///
/// [1]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
pub fn metrics(report: &Report) -> Vec<String> {
    let timestamp = report.finished_at.unix_timestamp_nanos() / 1_000_000;
    let line = |dimensions: &[(&str, &str)], metrics: &[Metric]| line(timestamp, dimensions, metrics);
    let mut by_rule: BTreeMap<(&str, Rule), u64> = BTreeMap::new();
    let mut by_severity: BTreeMap<(&str, Severity), u64> = BTreeMap::new();
    for Finding { rule, severity, region, .. } in &report.findings {
        *by_rule.entry((region, *rule)).or_default() += 1;
        *by_severity.entry((region, *severity)).or_default() += 1;
    }

    let duration = (report.finished_at - report.started_at).whole_milliseconds();
    let mut lines = vec![line(
        &[("Account", &report.account)],
        &[
            ("Profiles", "Count", report.profiles as u64),
            ("Findings", "Count", report.findings.len() as u64),
            ("Silenced", "Count", report.silenced.values().sum::<usize>() as u64),
            ("Complete", "None", u64::from(report.complete)),
            ("SweepDuration", "Milliseconds", u64::try_from(duration).unwrap_or_default()),
        ],
    )];
    for region in &report.regions {
        let name = region.region.as_str();
        let mut of_region = vec![("Complete", "None", u64::from(region.complete))];
        if profiles_known(region) {
            of_region.push(("Profiles", "Count", region.inventory.len() as u64));
        }
        lines.push(line(&[("Region", name)], &of_region));
        for severity in Severity::ALL {
            let count = by_severity.get(&(name, severity)).copied().unwrap_or_default();
            if count > 0 || region.complete {
                let dimensions = [("Region", name), ("Severity", severity.as_str())];
                lines.push(line(&dimensions, &[("Findings", "Count", count)]));
            }
        }
        for rule in report.counts.keys() {
            let count = by_rule.get(&(name, *rule)).copied().unwrap_or_default();
            if count > 0 || !region.undecided(*rule) {
                let dimensions = [("Region", name), ("Rule", rule.as_str())];
                lines.push(line(&dimensions, &[("Findings", "Count", count)]));
            }
        }
    }
    lines
}

fn profiles_known(region: &RegionReport) -> bool {
    region.unread.iter().all(|unread| unread.source != Source::Profiles)
}

/// One document: the metrics and their dimensions declared, and the values of both beside that.
fn line(timestamp: i128, dimensions: &[(&str, &str)], metrics: &[Metric]) -> String {
    let declared = json!({
        "Timestamp": i64::try_from(timestamp).unwrap_or_default(),
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions.iter().map(|(name, _)| *name).collect::<Vec<_>>()],
            "Metrics": metrics
                .iter()
                .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
                .collect::<Vec<_>>(),
        }],
    });
    let mut document = Map::new();
    document.insert("_aws".to_owned(), declared);
    document.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    document.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(document).to_string()
}
