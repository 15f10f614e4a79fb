//! The digest that goes out when something changed: plain text, for a mail client on a phone.

use std::fmt::Write as _;

use rules::finding::{Finding, Severity};

use crate::{
    data::{Report, count_of},
    text::{count, counted, listed, moment, shortened, visible},
    wording,
};

/// How wide a line is at most.
const WIDTH: usize = 78;
/// How long a subject is at most. SNS asks for less than 100 characters of ASCII.
const SUBJECT_LIMIT: usize = 99;
/// How long the parts of the text are at most, in bytes: together 8 KB, with what is said around them.
const APPEARED_LIMIT: usize = 4_400;
const GONE_LIMIT: usize = 1_200;
const UNREAD_LIMIT: usize = 1_200;
/// How long a sentence of somebody else is at most, in bytes.
const SENTENCE_LIMIT: usize = 360;
const NAME_LIMIT: usize = 120;
const PLACE_LIMIT: usize = 500;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// At most 99 printable characters of ASCII.
    pub subject: String,
    /// At most 8 KB, in lines of at most 78 characters. Only a word that is longer, as an ARN may be, has a
    /// longer line: for itself and unbroken, so that it can be copied.
    pub text: String,
}

/// The digest of a report: what appeared, what is gone, where matters stand. `None` when neither happened.
///
/// `report_place` is where the whole report is.
pub fn mail(report: &Report, report_place: Option<&str>) -> Option<Mail> {
    if report.changes.is_empty() {
        return None;
    }
    Some(Mail { subject: subject(report), text: text(report, report_place) })
}

fn subject(report: &Report) -> String {
    let appeared = &report.changes.appeared;
    let gravest = Severity::ALL
        .into_iter()
        .map(|severity| (severity, count_of(appeared, severity)))
        .find(|(_, count)| *count > 0)
        .map(|(severity, count)| format!(" ({count} {})", severity.as_str()))
        .unwrap_or_default();
    let incomplete = if report.complete { "" } else { ", incomplete" };
    let subject = format!(
        "Inference profiles {}: {}{gravest}, {} gone{incomplete}",
        report.account,
        counted(appeared.len(), "new finding"),
        count(report.changes.gone.len()),
    );
    subject.chars().filter(|c| matches!(c, ' '..='~')).take(SUBJECT_LIMIT).collect()
}

fn text(report: &Report, report_place: Option<&str>) -> String {
    let mut text = Text::default();
    text.paragraph("", &opening(report));
    if !report.complete {
        text.blank();
        text.paragraph("", "Not everything could be read: there may be more. See the end.");
    }

    let appeared = &report.changes.appeared;
    let mut budget = Budget::new(APPEARED_LIMIT, appeared.len());
    for severity in Severity::ALL {
        let mut heading = Some(wording::severity(severity).0.to_uppercase());
        for finding in appeared.iter().filter(|finding| finding.severity == severity) {
            let item = appeared_item(report, finding);
            if budget.takes(&item) {
                if let Some(heading) = heading.take() {
                    text.heading(&format!("NEW, {heading}"));
                }
                text.blank();
                text.push(&item);
            }
        }
    }
    text.rest(&budget, "new");

    let gone = &report.changes.gone;
    if !gone.is_empty() {
        text.heading("GONE");
        text.blank();
        let mut budget = Budget::new(GONE_LIMIT, gone.len());
        for finding in gone {
            let mut item = Text::default();
            item.paragraph("- ", &title(report, finding));
            if budget.takes(&item.0) {
                text.push(&item.0);
            }
        }
        text.rest(&budget, "gone");
    }

    text.heading("IN ALL");
    text.blank();
    text.paragraph("", &totals(report));
    if !report.complete {
        unread(report, &mut text);
    }
    if let Some(place) = report_place {
        text.blank();
        text.paragraph("", "The whole report:");
        text.paragraph("", &shortened(&visible(place), PLACE_LIMIT));
    }
    text.0
}

/// Which account, when, and how it compares.
fn opening(report: &Report) -> String {
    let since = match report.changes.since {
        Some(since) => format!("Since the sweep of {}", moment(since)),
        None => "In this first sweep".to_owned(),
    };
    format!(
        "Inference profiles of account {}, swept on {}. {since}, {} appeared and {} went.",
        name(&report.account),
        moment(report.started_at),
        counted(report.changes.appeared.len(), "finding"),
        count(report.changes.gone.len()),
    )
}

/// What a finding is about, in a line.
fn title(report: &Report, finding: &Finding) -> String {
    let region =
        if report.regions.len() > 1 { format!(", {}", name(&finding.region)) } else { String::new() };
    format!("{} ({}{region})", name(&finding.resource.name), finding.rule)
}

/// A name, no longer than a line or two.
fn name(text: &str) -> String {
    shortened(&visible(text), NAME_LIMIT)
}

fn appeared_item(report: &Report, finding: &Finding) -> String {
    let sentence = |text: &str| shortened(&visible(text), SENTENCE_LIMIT);
    let mut item = Text::default();
    item.paragraph("* ", &title(report, finding));
    item.paragraph("  ", &format!("{}.", sentence(&finding.problem)));
    item.paragraph("  ", &format!("To do: {}.", sentence(&finding.remedy)));
    item.0
}

fn totals(report: &Report) -> String {
    let by_severity: Vec<String> = report
        .by_severity()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, number)| format!("{} {}", count(number), severity.as_str()))
        .collect();
    let findings = match report.findings.len() {
        0 => "No finding is open".to_owned(),
        1 => format!("1 finding is open ({})", listed(&by_severity)),
        open => format!("{} findings are open ({})", count(open), listed(&by_severity)),
    };
    let mut totals = format!("{findings}, among {}.", counted(report.profiles, "profile"));
    let mut add = |number: usize, what: &str| {
        if number > 0 {
            let _ = write!(totals, " {} {what}.", counted(number, "finding"));
        }
    };
    add(report.silenced.values().sum(), "silenced by tags");
    add(report.unconfirmed.len(), "of before could not be looked into");
    totals
}

fn unread(report: &Report, text: &mut Text) {
    text.heading("WHAT COULD NOT BE READ");
    text.blank();
    let mut items = Vec::new();
    for region in report.regions.iter().filter(|region| !region.complete) {
        if region.unread.is_empty() {
            items.push(name(&region.region));
        }
        items.extend(region.unread_by_reason().into_iter().map(|(reason, sources)| {
            let reason = shortened(&visible(reason), SENTENCE_LIMIT);
            format!("{} in {}: {reason}", listed(&sources), name(&region.region))
        }));
    }
    let mut budget = Budget::new(UNREAD_LIMIT, items.len());
    for line in items {
        let mut item = Text::default();
        item.paragraph("- ", &line);
        if budget.takes(&item.0) {
            text.push(&item.0);
        }
    }
    text.rest(&budget, "unread");
}

/// How much of a list is told.
struct Budget {
    bytes: usize,
    left: usize,
    full: bool,
}

impl Budget {
    fn new(bytes: usize, items: usize) -> Self {
        Self { bytes, left: items, full: false }
    }

    /// Whether there is room for `item`. Once there was none, nothing more is taken: what is told is the
    /// beginning of the list.
    fn takes(&mut self, item: &str) -> bool {
        self.full = self.full || item.len() > self.bytes;
        if !self.full {
            self.bytes -= item.len();
            self.left -= 1;
        }
        !self.full
    }
}

/// Plain text, in lines that fit.
#[derive(Default)]
struct Text(String);

impl Text {
    fn push(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.blank();
        self.push(heading);
        self.blank();
    }

    fn rest(&mut self, budget: &Budget, what: &str) {
        if budget.left > 0 {
            self.blank();
            self.paragraph("", &format!("… and {} more {what}.", count(budget.left)));
        }
    }

    /// `text` broken between words, `lead` before its first line and as much space before the others.
    fn paragraph(&mut self, lead: &str, text: &str) {
        let indent = lead.chars().count();
        self.push(lead);
        let mut column = indent;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            if column > indent {
                if column + 1 + width > WIDTH {
                    self.blank();
                    self.0.extend(std::iter::repeat_n(' ', indent));
                    column = indent;
                } else {
                    self.0.push(' ');
                    column += 1;
                }
            }
            self.push(word);
            column += width;
        }
        self.blank();
    }
}
