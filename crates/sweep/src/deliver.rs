//! The report, to everybody who is to have it.

use std::{fmt::Display, future::Future};

use ports::{Event, ReportStore};
use report::{Level, Report};
use time::macros::format_description;
use tokio::time::{Instant, timeout_at};

use crate::AccountPorts;

/// The newest report, as data.
pub const LATEST_JSON: &str = "report.json";
/// The newest report, for people.
pub const LATEST_HTML: &str = "report.html";
/// What the keys of all reports begin with.
pub const HISTORY: &str = "history/";

/// The report before.
pub enum Previous {
    /// There it is.
    Known(Box<Report>),
    /// There was none, or one that this version does not understand.
    None,
    /// This sweep judges otherwise than the deployment's own, and is not compared.
    Incomparable,
    /// Whether there was one is not known, for this reason: nothing can be said of changes.
    Unread(String),
}

/// Reads the report before, until `until`.
pub async fn previous(store: Option<&dyn ReportStore>, until: Instant) -> Previous {
    let Some(store) = store else { return Previous::None };
    let Ok(read) = timeout_at(until, store.read(LATEST_JSON)).await else {
        return Previous::Unread("it did not come in time".to_owned());
    };
    match read {
        Ok(bytes) => match report::from_json(&bytes) {
            Ok(report) => Previous::Known(Box::new(report)),
            Err(error) => {
                tracing::warn!(%error, "the report before is not understood, and counts as none");
                Previous::None
            }
        },
        Err(error) if error.is_not_found() => Previous::None,
        Err(error) => Previous::Unread(error.to_string()),
    }
}

/// Where a person finds the newest report in the bucket.
pub fn place(bucket: &str) -> String {
    format!("s3://{bucket}/{LATEST_HTML}")
}

/// Keeps and sends the report. Gives what did not reach its place, for a person: one failure does not keep
/// the others back. `compared`: whether the report could be compared with the one before; if not, that one
/// stays the one that the next sweep compares with.
pub async fn deliver(
    report: &Report,
    compared: bool,
    place: Option<&str>,
    ports: &AccountPorts,
    until: Instant,
) -> Vec<String> {
    let (kept, put, told) = futures::join!(
        in_time("the report was not kept", until, keep(report, compared, ports.reports.as_deref())),
        in_time("the events were not put", until, put(report, place, ports)),
        in_time("the digest was not sent", until, tell(report, place, ports)),
    );
    let undelivered: Vec<String> = [kept, put, told].into_iter().filter_map(Result::err).collect();
    for reason in &undelivered {
        tracing::error!(reason, "not delivered");
    }
    undelivered
}

async fn in_time(
    failure: &str,
    until: Instant,
    delivery: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let late = |_| Err(format!("{failure}: the time that the function has was over"));
    timeout_at(until, delivery).await.unwrap_or_else(late)
}

/// The findings as lines of the log.
pub fn log(report: &Report) {
    for line in report::log_lines(report) {
        macro_rules! log_at {
            ($level:ident) => {
                tracing::$level!(
                    account = line.account,
                    region = line.region,
                    rule = line.rule,
                    severity = line.severity,
                    status = line.status,
                    resource_kind = ?line.resource_kind,
                    resource_arn = line.resource_arn,
                    resource_name = line.resource_name,
                    problem = line.problem,
                    remedy = line.remedy,
                    "finding"
                )
            };
        }
        match line.level {
            Level::Error => log_at!(error),
            Level::Warn => log_at!(warn),
            Level::Info => log_at!(info),
        }
    }
}

/// The figures for CloudWatch, which reads the embedded metric format from lines that are nothing else.
pub fn count(report: &Report) {
    for line in report::metrics(report) {
        println!("{line}");
    }
}

async fn keep(report: &Report, compared: bool, store: Option<&dyn ReportStore>) -> Result<(), String> {
    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";
    let Some(store) = store else { return Ok(()) };
    let failed = |error: &dyn Display| format!("the report was not kept: {error}");
    let json = report::to_json(report).map_err(|error| failed(&error))?.into_bytes();
    let html = report::html(report).into_bytes();
    let format = format_description!("[year]-[month]-[day]/[hour][minute][second]");
    let at = report.started_at.format(format).map_err(|error| failed(&error))?;
    let history = |ending: &str| format!("{HISTORY}{at}.{ending}");
    let (json_key, html_key) = (history("json"), history("html"));
    let written = futures::try_join!(
        store.write(&json_key, JSON, json.clone()),
        store.write(&html_key, HTML, html.clone()),
        store.write(LATEST_HTML, HTML, html),
    );
    written.map_err(|error| failed(&error))?;
    if !compared {
        return Ok(());
    }
    // Last: it is what the next sweep compares with.
    store.write(LATEST_JSON, JSON, json).await.map_err(|error| failed(&error))
}

async fn put(report: &Report, place: Option<&str>, ports: &AccountPorts) -> Result<(), String> {
    let Some(bus) = &ports.events else { return Ok(()) };
    let events: Vec<Event> = report::events(report, place)
        .into_iter()
        .map(|event| Event {
            detail_type: event.detail_type,
            detail: event.detail,
            resources: event.resources,
        })
        .collect();
    match bus.put(&events).await {
        Ok(0) => Ok(()),
        Ok(refused) => Err(format!("the event bus refused {refused} of {} events", events.len())),
        Err(error) => Err(format!("the events were not put: {error}")),
    }
}

async fn tell(report: &Report, place: Option<&str>, ports: &AccountPorts) -> Result<(), String> {
    let (Some(topic), Some(mail)) = (&ports.notices, report::mail(report, place)) else { return Ok(()) };
    topic.send(&mail.subject, &mail.text).await.map_err(|error| format!("the digest was not sent: {error}"))
}
