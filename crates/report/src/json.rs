//! `report.json`, and the function's result.

use std::collections::BTreeMap;

use rules::{finding::Finding, inventory::Unread, rule::Rule};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use time::{Date, OffsetDateTime};

use crate::{
    data::{Report, SCHEMA_VERSION},
    text::shortened,
};

/// How long a result is at most by default, in bytes. Lambda allows 6 MB for a synchronous answer, whose
/// quotes and line breaks may be escaped once more on the way to a caller.
pub const RESULT_LIMIT: usize = 5_500_000;

/// How much of the reason why something could not be read or delivered a result tells, in bytes.
const REASON_LIMIT: usize = 500;
/// How many reasons why something was not delivered a result tells: there are fewer places than that.
const UNDELIVERED_LIMIT: usize = 8;

/// Why a report could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is of another version of the schema.
    #[error("the report is of schema version {found}, and {SCHEMA_VERSION} is what is read here")]
    Version {
        /// The version that it names.
        found: u64,
    },
    /// It is no report, or was cut.
    #[error("what is stored as the report before is none: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The whole report as JSON: `report.json`.
///
/// # Errors
///
/// None that a [`Report`] can bring about; the kind is that of `serde_json`.
pub fn to_json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string(report)
}

/// Reads a report, or a function's result, back. Properties that are not known are skipped.
///
/// # Errors
///
/// [`ReadError`], for a report of another schema version and for what is no report. For a sweep both are as
/// good as no report before.
pub fn from_json(json: &[u8]) -> Result<Report, ReadError> {
    /// What every version of a report has.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Versioned {
        schema_version: u64,
    }
    let Versioned { schema_version: found } = serde_json::from_slice(json)?;
    if found != u64::from(SCHEMA_VERSION) {
        return Err(ReadError::Version { found });
    }
    Ok(serde_json::from_slice(json)?)
}

/// The function's result: the report without the profiles of each Region, in at most `limit` bytes.
///
/// `report_place` is where the whole report is, for whoever reads the result. Where not everything fits,
/// each list gives up its end, findings the least grave ones, and says how many are left out. A list that
/// needs less than its share leaves the rest to the others. The rest takes less than 8 KB; a
/// smaller `limit` is not held.
///
/// # Errors
///
/// As [`to_json`].
pub fn result(
    report: &Report,
    report_place: Option<&str>,
    limit: usize,
) -> serde_json::Result<Box<RawValue>> {
    // The gravest first, whatever the order was.
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    let regions = report.regions.iter().map(|region| ShortRegion {
        region: &region.region,
        complete: region.complete,
        unread: region.unread.iter().map(short_reason).collect(),
        usage_since: region.usage_since,
    });

    let mut lists = Lists {
        findings: List::of(findings)?,
        regions: List::of(regions)?,
        appeared: List::of(&report.changes.appeared)?,
        gone: List::of(&report.changes.gone)?,
        actions: List::of(&report.actions)?,
        unconfirmed: List::of(&report.unconfirmed)?,
    };
    let bare = serde_json::to_string(&document(report, report_place, &Lists::default()))?.len();
    share(limit.saturating_sub(bare + OMITTED_LENGTH), lists.all());
    to_raw_value(&document(report, report_place, &lists))
}

/// The report with the lists that are told of it.
fn document<'a>(report: &'a Report, report_place: Option<&'a str>, lists: &'a Lists) -> Document<'a> {
    Document {
        schema_version: report.schema_version,
        account: &report.account,
        region: &report.region,
        started_at: report.started_at,
        finished_at: report.finished_at,
        dry_run: report.dry_run,
        complete: report.complete,
        report_place,
        profiles: report.profiles,
        counts: &report.counts,
        silenced: &report.silenced,
        findings: lists.findings.told(),
        findings_omitted: lists.findings.omitted(),
        unconfirmed: lists.unconfirmed.told(),
        unconfirmed_omitted: lists.unconfirmed.omitted(),
        changes: ShortChanges {
            since: report.changes.since,
            appeared: lists.appeared.told(),
            appeared_omitted: lists.appeared.omitted(),
            gone: lists.gone.told(),
            gone_omitted: lists.gone.omitted(),
        },
        actions: lists.actions.told(),
        actions_omitted: lists.actions.omitted(),
        undelivered: (report.undelivered.iter().take(UNDELIVERED_LIMIT))
            .map(|reason| shortened(reason, REASON_LIMIT))
            .collect(),
        regions: lists.regions.told(),
        regions_omitted: lists.regions.omitted(),
    }
}

/// What could not be read, with no more of the reason than a result has room for.
fn short_reason(unread: &Unread) -> Unread {
    Unread { source: unread.source, reason: shortened(&unread.reason, REASON_LIMIT) }
}

/// A result's list while it is fitted: its items as JSON, and how many of them are told.
#[derive(Default)]
struct List {
    items: Vec<Box<RawValue>>,
    told: usize,
    /// How much of the room it is entitled to, beside the others.
    weight: usize,
}

impl List {
    fn of<T: Serialize>(items: impl IntoIterator<Item = T>) -> serde_json::Result<Self> {
        let items: Vec<_> = items.into_iter().map(|item| to_raw_value(&item)).collect::<Result<_, _>>()?;
        Ok(Self { told: items.len(), items, weight: 1 })
    }

    fn told(&self) -> &[Box<RawValue>] {
        &self.items[..self.told]
    }

    fn omitted(&self) -> usize {
        self.items.len() - self.told
    }

    /// How many bytes each item takes, with the comma behind it.
    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.items.iter().map(|item| item.get().len() + 1)
    }

    /// Tells as many items as `room` has place for.
    fn fit(&mut self, room: usize) {
        let mut used = 0;
        self.told = self
            .lengths()
            .take_while(|length| {
                used += length;
                used <= room
            })
            .count();
    }
}

/// Every list of a result.
#[derive(Default)]
struct Lists {
    findings: List,
    regions: List,
    appeared: List,
    gone: List,
    actions: List,
    unconfirmed: List,
}

impl Lists {
    /// All of them, findings with half of the room and more.
    fn all(&mut self) -> Vec<&mut List> {
        self.findings.weight = 6;
        let Self { findings, regions, appeared, gone, actions, unconfirmed } = self;
        vec![findings, regions, appeared, gone, actions, unconfirmed]
    }
}

/// Divides `room` by weight: whoever needs no more than its share gets what it needs, and the rest is
/// divided among the others.
fn share(mut room: usize, mut lists: Vec<&mut List>) {
    loop {
        let weights: usize = lists.iter().map(|list| list.weight).sum();
        let (modest, greedy): (Vec<_>, Vec<_>) =
            lists.into_iter().partition(|list| list.lengths().sum::<usize>() <= room * list.weight / weights);
        if modest.is_empty() || greedy.is_empty() {
            let weights = weights.max(1);
            greedy.into_iter().for_each(|list| list.fit(room * list.weight / weights));
            return;
        }
        room -= modest.iter().map(|list| list.lengths().sum::<usize>()).sum::<usize>();
        lists = greedy;
    }
}

/// What the counts of omitted items take at most.
const OMITTED_LENGTH: usize = 6 * r#","unconfirmedOmitted":1000000000"#.len();

/// [`Report`], as a result tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    account: &'a str,
    region: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    finished_at: OffsetDateTime,
    dry_run: bool,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_place: Option<&'a str>,
    profiles: usize,
    counts: &'a BTreeMap<Rule, usize>,
    silenced: &'a BTreeMap<Rule, usize>,
    findings: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "is_zero")]
    findings_omitted: usize,
    unconfirmed: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "is_zero")]
    unconfirmed_omitted: usize,
    changes: ShortChanges<'a>,
    actions: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "is_zero")]
    actions_omitted: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    undelivered: Vec<String>,
    regions: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "is_zero")]
    regions_omitted: usize,
}

/// [`crate::Changes`], as a result tells them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShortChanges<'a> {
    #[serde(with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    appeared: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "is_zero")]
    appeared_omitted: usize,
    gone: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "is_zero")]
    gone_omitted: usize,
}

/// [`crate::RegionReport`], as a result tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShortRegion<'a> {
    region: &'a str,
    complete: bool,
    unread: Vec<Unread>,
    usage_since: Option<Date>,
}

// `skip_serializing_if` hands on a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &usize) -> bool {
    *value == 0
}
