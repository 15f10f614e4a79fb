//! Charts, as SVG within the page.
//!
//! Bars are measured in percent of the width that there is, and text in pixels: a chart is as readable on a
//! phone as on a wide screen. What a chart shows is said in words in its description.

use std::{collections::BTreeMap, fmt::Write as _};

use rules::{finding::Severity, rule::Rule};

use super::put;
use crate::{
    data::{ProfileRow, Report},
    text::{Escaped, count, counted, day, number},
    wording,
};

/// How many profiles the chart of usage names.
const PROFILES: usize = 15;
/// How high a bar with its label is, in pixels, and where in it the bar begins.
const ROW: usize = 38;
const BAR: usize = 20;
const BAR_HEIGHT: usize = 7;
/// How high a line of days is.
const SPARK: u64 = 20;

/// Findings by rule, the most first, each bar divided by severity.
pub(super) fn findings_by_rule(out: &mut String, report: &Report) {
    let mut counts: BTreeMap<Rule, BTreeMap<Severity, usize>> = BTreeMap::new();
    for finding in &report.findings {
        *counts.entry(finding.rule).or_default().entry(finding.severity).or_default() += 1;
    }
    let mut bars: Vec<(Rule, usize, BTreeMap<Severity, usize>)> = counts
        .into_iter()
        .map(|(rule, by_severity)| (rule, by_severity.values().sum(), by_severity))
        .collect();
    bars.sort_by_key(|(rule, total, _)| (std::cmp::Reverse(*total), *rule));

    out.push_str("<figure><figcaption><h3>Findings by rule</h3>");
    put!(
        out,
        "<p>{} of {}</p></figcaption>",
        counted(report.findings.len(), "finding"),
        counted(bars.len(), "rule")
    );
    out.push_str("<ul class=\"legend\">");
    for (severity, _) in report.by_severity().into_iter().filter(|(_, number)| *number > 0) {
        put!(out, "<li class=\"{}\">{}</li>", severity.as_str(), wording::severity(severity).0);
    }
    out.push_str("</ul>");

    let most = bars.iter().map(|(_, total, _)| *total).max().unwrap_or(1);
    let words: Vec<String> =
        bars.iter().map(|(rule, total, _)| format!("{rule}: {}", count(*total))).collect();
    open(out, "rules", bars.len(), "Findings by rule", &words.join(", "));
    for (at, (rule, total, by_severity)) in bars.iter().enumerate() {
        let top = at * ROW;
        label(out, top, "100%", rule.as_str(), &count(*total));
        let mut begin = 0;
        for (severity, number) in by_severity {
            put!(
                out,
                "<rect class=\"seg {}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{BAR_HEIGHT}\"/>",
                severity.as_str(),
                percent(begin, most),
                top + BAR,
                percent(*number, most),
            );
            begin += number;
        }
    }
    out.push_str("</svg></figure>\n");
}

/// The most used profiles with their days, and all others together.
pub(super) fn usage_by_profile(out: &mut String, report: &Report) {
    out.push_str("<figure><figcaption><h3>Usage by profile</h3>");
    let Some(since) = report.regions.iter().filter_map(|region| region.usage_since).min() else {
        out.push_str("<p>Usage could not be read.</p></figcaption></figure>");
        return;
    };
    let rows = report.regions.iter().flat_map(|region| &region.inventory);
    let mut used: Vec<(&ProfileRow, u64)> = rows
        .filter_map(|row| row.invocations.filter(|number| *number > 0).map(|number| (row, number)))
        .collect();
    if used.is_empty() {
        put!(out, "<p>No profile was invoked since {}.</p></figcaption></figure>", day(since));
        return;
    }
    used.sort_by_key(|(row, number)| (std::cmp::Reverse(*number), &row.name, &row.arn));
    let all: u64 = used.iter().map(|(_, number)| number).sum();
    put!(
        out,
        "<p>{} invocations of {} since {}; the lines show them day by day</p></figcaption>",
        number(all),
        counted(used.len(), "profile"),
        day(since)
    );

    let (named, others) = used.split_at(used.len().min(PROFILES));
    let rest: u64 = others.iter().map(|(_, number)| number).sum();
    let mut bars: Vec<(&str, u64, &[u64])> =
        named.iter().map(|(row, number)| (row.name.as_str(), *number, row.daily.as_slice())).collect();
    // The scale is that of the named ones: many others together would make them all look like nothing.
    let most = bars.iter().map(|(_, number, _)| *number).max().unwrap_or(1);
    let scale = if rest > most { ", not to scale" } else { "" };
    let others_name = format!("{} others{scale}", count(others.len()));
    if !others.is_empty() {
        bars.push((&others_name, rest, &[]));
    }
    let words: Vec<String> =
        bars.iter().map(|(name, value, _)| format!("{name}: {}", number(*value))).collect();
    open(out, "usage", bars.len(), "Usage by profile", &words.join(", "));
    for (at, (name, value, daily)) in bars.iter().enumerate() {
        let top = at * ROW;
        label(out, top, "74%", name, &number(*value));
        put!(
            out,
            "<rect class=\"{}\" y=\"{}\" width=\"{}%\" height=\"{BAR_HEIGHT}\"/>",
            if at < named.len() { "bar" } else { "rest" },
            top + BAR,
            // The bars leave a quarter to the lines.
            percent((*value).min(most) * 74, most * 100),
        );
        spark(out, top + 8, daily);
    }
    out.push_str("</svg></figure>\n");
}

/// A chart's element, what it is, and what it says.
fn open(out: &mut String, id: &str, rows: usize, title: &str, description: &str) {
    put!(
        out,
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" width=\"100%\" height=\"{}\">\
         <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{}</desc>",
        rows * ROW,
        Escaped(description)
    );
}

/// What a bar stands for and how much it is, above it, and the bar's ground. A long name is clipped.
fn label(out: &mut String, top: usize, width: &str, name: &str, value: &str) {
    let (name, baseline, ground) = (Escaped(name), top + 13, top + BAR);
    put!(
        out,
        "<svg width=\"{width}\" height=\"100%\"><svg width=\"76%\" height=\"100%\"><text y=\"{baseline}\">{name}</text>\
         </svg><text class=\"v\" x=\"100%\" y=\"{baseline}\">{value}</text></svg>\
         <rect class=\"bg\" y=\"{ground}\" width=\"{width}\" height=\"{BAR_HEIGHT}\"/>"
    );
}

/// A line of days, in the last fifth of the width.
fn spark(out: &mut String, top: usize, daily: &[u64]) {
    let most = daily.iter().copied().max().unwrap_or_default();
    if daily.len() < 2 || most == 0 {
        return;
    }
    put!(
        out,
        "<svg x=\"79%\" y=\"{top}\" width=\"21%\" height=\"{SPARK}\" viewBox=\"0 -1 {} {}\" \
         preserveAspectRatio=\"none\"><path class=\"spark\" d=\"",
        daily.len() - 1,
        SPARK + 2
    );
    for (at, value) in daily.iter().enumerate() {
        let height = u128::from(*value) * u128::from(SPARK) / u128::from(most);
        put!(out, "{}{at} {}", if at == 0 { 'M' } else { 'L' }, u128::from(SPARK) - height);
    }
    out.push_str("\"/></svg>");
}

/// `part` of `whole` in percent, with one decimal, rounded up so that little is not nothing.
fn percent(part: impl TryInto<u128>, whole: impl TryInto<u128>) -> String {
    let (part, whole) = (part.try_into().unwrap_or_default(), whole.try_into().unwrap_or_default().max(1));
    let tenths = (part * 1000).div_ceil(whole);
    format!("{}.{}", tenths / 10, tenths % 10)
}
