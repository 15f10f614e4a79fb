//! The report as one HTML file.
//!
//! It loads nothing and runs nothing, and says so in its own content security policy: what others wrote
//! into names and tags is text, whatever it looks like. Style and pictures are within the file.
//!
//! It grows by a few hundred bytes a profile. Long tables are open at their beginning and folded behind
//! that, so that a browser has little to lay out until somebody unfolds more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use rules::{
    finding::{Finding, FindingKey, ResourceKind, Severity},
    rule::Rule,
};

use crate::{
    data::{ActionReport, Outcome, ProfileRow, RegionReport, Report},
    text::{Escaped, count, counted, day, lasting, listed, moment, number},
    wording,
};

mod charts;

const STYLE: &str = include_str!("style.css");

/// How many rows of a table are open.
const OPEN_ROWS: usize = 25;
/// How many rows are folded together.
const FOLDED_ROWS: usize = 500;
/// How many tags of a profile are shown.
const TAGS: usize = 8;

/// Writes to a `String`, which cannot fail.
macro_rules! put {
    ($out:expr, $($arguments:tt)*) => {{ let _ = write!($out, $($arguments)*); }};
}
use put;

/// The report as one self-contained file, for a browser and a printer.
pub fn html(report: &Report) -> String {
    let profiles: usize = report.regions.iter().map(|region| region.inventory.len()).sum();
    let mut out = String::with_capacity(32_768 + 700 * (profiles + report.findings.len()));
    let page = Page::new(report);
    page.head(&mut out);
    out.push_str("<body>");
    page.header(&mut out);
    out.push_str("<main>");
    page.banners(&mut out);
    page.figures(&mut out);
    page.nav(&mut out);
    page.findings(&mut out);
    page.gone(&mut out);
    page.charts(&mut out);
    page.profiles(&mut out);
    page.actions(&mut out);
    page.unconfirmed(&mut out);
    page.silenced(&mut out);
    out.push_str("</main>");
    page.footer(&mut out);
    out.push_str("</body></html>\n");
    out
}

/// What several parts of the page need.
struct Page<'a> {
    report: &'a Report,
    /// What appeared since the report before. Empty if there was none: then everything is new, and a mark
    /// says nothing.
    new: BTreeSet<FindingKey<'a>>,
    /// The rules that found something of a profile, by its ARN, with the gravest severity of each.
    of_profile: BTreeMap<&'a str, BTreeMap<Rule, Severity>>,
    /// The rules of which something could not be read, with the Regions where.
    undecided: BTreeMap<Rule, Vec<&'a str>>,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report) -> Self {
        let mut of_profile: BTreeMap<&str, BTreeMap<Rule, Severity>> = BTreeMap::new();
        for finding in report.findings.iter().filter(|f| f.resource.kind == ResourceKind::Profile) {
            let rules = of_profile.entry(&finding.resource.arn).or_default();
            let gravest = rules.entry(finding.rule).or_insert(finding.severity);
            *gravest = finding.severity.min(*gravest);
        }
        let mut undecided: BTreeMap<Rule, Vec<&str>> = BTreeMap::new();
        for region in &report.regions {
            for rule in report.counts.keys().filter(|rule| region.undecided(**rule)) {
                undecided.entry(*rule).or_default().push(&region.region);
            }
        }
        let new = match report.changes.since {
            Some(_) => report.changes.appeared_keys(),
            None => BTreeSet::new(),
        };
        Self { report, new, of_profile, undecided }
    }

    fn several_regions(&self) -> bool {
        self.report.regions.len() > 1
    }

    fn head(&self, out: &mut String) {
        put!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <meta name=\"referrer\" content=\"no-referrer\">\
             <meta name=\"robots\" content=\"noindex\">\
             <title>Inference profiles of account {}, {}</title><style>{STYLE}</style></head>\n",
            Escaped(&self.report.account),
            moment(self.report.started_at),
        );
    }

    fn header(&self, out: &mut String) {
        let report = self.report;
        let regions: Vec<&str> = report.regions.iter().map(|region| region.region.as_str()).collect();
        put!(
            out,
            "<header><p class=\"over\">Inference Profile Manager</p>\
             <h1>Inference profiles of account {}</h1><p class=\"when\">{} · {} · took {}{}</p>\
             <p class=\"lede\">{}</p></header>\n",
            Escaped(&report.account),
            Escaped(&listed(&regions)),
            moment(report.started_at),
            lasting(report.finished_at - report.started_at),
            if report.dry_run { " · dry run" } else { "" },
            self.lede(),
        );
    }

    /// The report in two sentences.
    fn lede(&self) -> String {
        let report = self.report;
        let profiles = counted(report.profiles, "profile");
        let by_severity: Vec<String> = report
            .by_severity()
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .map(|(severity, number)| format!("{} {}", count(number), severity.as_str()))
            .collect();
        let found = match (report.findings.len(), report.complete) {
            (0, false) => "Nothing was found in what could be read.".to_owned(),
            (0, true) if report.profiles == 0 => "There is no profile, and nothing is wrong.".to_owned(),
            (0, true) => format!("Nothing is wrong among {profiles}."),
            (1, _) => format!("1 finding among {profiles}: {}.", by_severity[0]),
            (number, _) => format!("{} findings among {profiles}: {}.", count(number), listed(&by_severity)),
        };
        let changes = &report.changes;
        let changed = match changes.since {
            None => "It could not be compared with a report before.".to_owned(),
            Some(since) if changes.is_empty() => format!("Nothing changed since {}.", moment(since)),
            Some(since) => format!(
                "Since {}, {} appeared and {} went.",
                moment(since),
                count(changes.appeared.len()),
                count(changes.gone.len())
            ),
        };
        format!("{found} {changed}")
    }

    /// What keeps the report from being whole.
    fn banners(&self, out: &mut String) {
        let report = self.report;
        if !report.undelivered.is_empty() {
            out.push_str(
                "<section class=\"banner\"><h2>Not everything could be compared or delivered</h2><ul>",
            );
            for reason in &report.undelivered {
                put!(out, "<li>{}</li>", Escaped(reason));
            }
            out.push_str("</ul></section>\n");
        }
        if report.complete {
            return;
        }
        out.push_str(
            "<section class=\"banner\"><h2>Not everything could be read</h2>\
             <p>What follows is true, but there may be more. Nothing is concluded from what is missing: \
             no profile looks clean, orphaned or gone because of it.</p><ul>",
        );
        for region in report.regions.iter().filter(|region| !region.complete) {
            if region.unread.is_empty() {
                put!(out, "<li><b>{}</b></li>", Escaped(&region.region));
            }
            for (reason, sources) in region.unread_by_reason() {
                put!(
                    out,
                    "<li><b>{}</b> in {}<span class=\"why\">{}</span></li>",
                    listed(&sources),
                    Escaped(&region.region),
                    Escaped(reason)
                );
            }
        }
        out.push_str("</ul>");
        self.undecided(out);
        out.push_str("</section>\n");
    }

    /// The rules that could not be decided, as a paragraph.
    fn undecided(&self, out: &mut String) {
        let mut by_regions: BTreeMap<&[&str], Vec<&str>> = BTreeMap::new();
        for (rule, regions) in &self.undecided {
            by_regions.entry(regions).or_default().push(rule.as_str());
        }
        for (regions, rules) in by_regions {
            put!(out, "<p>Undecided in {}: ", Escaped(&listed(regions)));
            if rules.len() == self.report.counts.len() {
                out.push_str("every rule.</p>");
            } else {
                codes(out, &rules);
                out.push_str(".</p>");
            }
        }
    }

    fn figures(&self, out: &mut String) {
        let report = self.report;
        let mut figures = vec![("all", "Profiles", report.profiles, "")];
        for (severity, number) in report.by_severity() {
            figures.push((severity.as_str(), wording::severity(severity).0, number, ""));
        }
        if report.changes.since.is_some() {
            figures.push(("all", "Appeared", report.changes.appeared.len(), "+"));
            figures.push(("all", "Gone", report.changes.gone.len(), "−"));
        }
        figures.push(("all", "Silenced", report.silenced.values().sum(), ""));
        out.push_str("<dl class=\"figures\">");
        for (class, name, value, sign) in figures {
            let (class, sign) = if value == 0 { ("none", "") } else { (class, sign) };
            put!(out, "<div class=\"{class}\"><dt>{name}</dt><dd>{sign}{}</dd></div>", count(value));
        }
        out.push_str("</dl>\n");
    }

    fn nav(&self, out: &mut String) {
        let report = self.report;
        let parts = [
            ("findings", "Findings", true),
            ("gone", "Gone", !report.changes.gone.is_empty()),
            ("charts", "Charts", true),
            ("profiles", "Profiles", true),
            ("actions", "Actions", !report.actions.is_empty()),
            ("unconfirmed", "Unconfirmed", !report.unconfirmed.is_empty()),
            ("silenced", "Silenced", !report.silenced.is_empty()),
        ];
        out.push_str("<nav aria-label=\"Parts of the report\"><ul>");
        for (id, name, _) in parts.into_iter().filter(|(.., there)| *there) {
            put!(out, "<li><a href=\"#{id}\">{name}</a></li>");
        }
        out.push_str("</ul></nav>\n");
    }

    fn findings(&self, out: &mut String) {
        let report = self.report;
        out.push_str("<section id=\"findings\"><h2>Findings</h2>");
        if report.findings.is_empty() {
            out.push_str(if report.complete {
                "<p class=\"after\">None. Every rule that was asked for holds.</p>"
            } else {
                "<p class=\"after\">None in what could be read.</p>"
            });
        }
        let mut groups: BTreeMap<(Severity, Rule), Vec<&Finding>> = BTreeMap::new();
        for finding in &report.findings {
            groups.entry((finding.severity, finding.rule)).or_default().push(finding);
        }
        for severity in Severity::ALL {
            let of_severity: Vec<_> = groups.iter().filter(|((of, _), _)| *of == severity).collect();
            if of_severity.is_empty() {
                continue;
            }
            let (name, meaning) = wording::severity(severity);
            put!(
                out,
                "<section class=\"severity {}\"><h3>{name} <small>{meaning}</small></h3>",
                severity.as_str()
            );
            for ((_, rule), findings) in of_severity {
                self.group(out, severity, *rule, findings);
            }
            out.push_str("</section>\n");
        }
        self.without(out);
        out.push_str("</section>\n");
    }

    /// The findings of one rule and severity. What all of them have in common is said once.
    fn group(&self, out: &mut String, severity: Severity, rule: Rule, findings: &[&Finding]) {
        let (name, why) = wording::rule(rule);
        put!(
            out,
            "<section class=\"rule\" id=\"{}-{rule}\"><h4>{name} <span class=\"n\">{}</span> \
             <code>{rule}</code></h4><p class=\"soft\">{why}</p>",
            severity.as_str(),
            count(findings.len()),
        );
        if let [one] = findings {
            out.push_str("<p class=\"one\">");
            self.resource(out, one);
            let (problem, remedy) = (Escaped(&one.problem), Escaped(&one.remedy));
            put!(out, "</p><p>{problem}.</p><p class=\"do\"><b>What to do:</b> {remedy}.</p></section>");
            return;
        }
        let problem = in_common(findings, |finding| &finding.problem);
        let remedy = in_common(findings, |finding| &finding.remedy);
        if let Some(problem) = problem {
            put!(out, "<p>{}.</p>", Escaped(problem));
        }
        if let Some(remedy) = remedy {
            put!(out, "<p class=\"do\"><b>What to do:</b> {}.</p>", Escaped(remedy));
        }
        let (class, columns): (_, &[&str]) = match (problem, remedy) {
            (Some(_), Some(_)) => ("", &[]),
            (None, Some(_)) => ("f2", &["Resource", "What is wrong"]),
            (Some(_), None) => ("f2", &["Resource", "What to do"]),
            (None, None) => ("f", &["Resource", "What is wrong", "What to do"]),
        };
        let label = |finding: &&Finding| finding.resource.name.clone();
        if columns.is_empty() {
            folded(out, "<ul class=\"names\">", "</ul>", findings, label, |out, finding| {
                out.push_str("<li>");
                self.resource(out, finding);
                out.push_str("</li>");
            });
        } else {
            let head = table_head(class, name, columns);
            folded(out, &head, "</tbody></table>", findings, label, |out, finding| {
                out.push_str("<tr><th scope=\"row\">");
                self.resource(out, finding);
                out.push_str("</th>");
                for (in_common, text) in [(problem, &finding.problem), (remedy, &finding.remedy)] {
                    if in_common.is_none() {
                        put!(out, "<td>{}</td>", Escaped(text));
                    }
                }
                out.push_str("</tr>");
            });
        }
        out.push_str("</section>");
    }

    /// What a finding is about: its name, whether it is new, and what tells it from others of that name.
    fn resource(&self, out: &mut String, finding: &Finding) {
        put!(out, "<bdi>{}</bdi>", Escaped(&finding.resource.name));
        if self.new.contains(&finding.key()) {
            out.push_str("<span class=\"new\">new</span>");
        }
        let local = local_part(&finding.resource.arn);
        let region = if self.several_regions() { finding.region.as_str() } else { "" };
        let local = if local == finding.resource.name { "" } else { local };
        if !local.is_empty() || !region.is_empty() {
            let between = if local.is_empty() || region.is_empty() { "" } else { " · " };
            put!(out, "<code>{}{between}{}</code>", Escaped(local), Escaped(region));
        }
    }

    /// The rules that found nothing.
    fn without(&self, out: &mut String) {
        let clean: Vec<&str> = self
            .report
            .counts
            .iter()
            .filter(|(rule, count)| **count == 0 && !self.undecided.contains_key(rule))
            .map(|(rule, _)| rule.as_str())
            .collect();
        if !clean.is_empty() {
            out.push_str("<p class=\"after\">Rules that hold everywhere: ");
            codes(out, &clean);
            out.push_str(".</p>");
        }
    }

    fn gone(&self, out: &mut String) {
        let gone = &self.report.changes.gone;
        if gone.is_empty() {
            return;
        }
        out.push_str("<section id=\"gone\"><h2>Gone since the report before</h2>");
        self.plain_findings(out, "Findings that are gone", gone);
        out.push_str("</section>\n");
    }

    fn unconfirmed(&self, out: &mut String) {
        let unconfirmed = &self.report.unconfirmed;
        if unconfirmed.is_empty() {
            return;
        }
        out.push_str(
            "<section id=\"unconfirmed\"><h2>Unconfirmed</h2><p class=\"after\">Findings of the report \
             before that this sweep could not look into. They are neither confirmed nor gone.</p>",
        );
        self.plain_findings(out, "Unconfirmed findings", unconfirmed);
        out.push_str("</section>\n");
    }

    /// Findings one by one, with their rules.
    fn plain_findings(&self, out: &mut String, caption: &str, findings: &[Finding]) {
        let head = table_head("f2", caption, &["Resource", "What was wrong"]);
        let label = |finding: &Finding| finding.resource.name.clone();
        folded(out, &head, "</tbody></table>", findings, label, |out, finding| {
            out.push_str("<tr><th scope=\"row\">");
            self.resource(out, finding);
            put!(
                out,
                "</th><td>{}<small>{} · {}</small></td></tr>",
                Escaped(&finding.problem),
                finding.severity.as_str(),
                finding.rule
            );
        });
    }

    fn charts(&self, out: &mut String) {
        out.push_str("<section id=\"charts\"><h2>Charts</h2><div class=\"charts\">");
        if !self.report.findings.is_empty() {
            charts::findings_by_rule(out, self.report);
        }
        charts::usage_by_profile(out, self.report);
        out.push_str("</div></section>\n");
    }

    fn profiles(&self, out: &mut String) {
        put!(
            out,
            "<section id=\"profiles\"><h2>Profiles <span class=\"n\">{}</span></h2>",
            count(self.report.profiles)
        );
        for region in &self.report.regions {
            if self.several_regions() {
                put!(
                    out,
                    "<section><h3>{} <span class=\"n\">{}</span></h3>",
                    Escaped(&region.region),
                    count(region.inventory.len())
                );
            }
            self.profiles_of(out, region);
            if self.several_regions() {
                out.push_str("</section>\n");
            }
        }
        out.push_str("</section>\n");
    }

    fn profiles_of(&self, out: &mut String, region: &RegionReport) {
        if region.inventory.is_empty() {
            out.push_str(if region.complete {
                "<p class=\"after\">There are none.</p>"
            } else {
                "<p class=\"after\">None could be read.</p>"
            });
            return;
        }
        let usage = match region.usage_since {
            Some(since) => format!("Use is counted since {}.", day(since)),
            None => "Use could not be read.".to_owned(),
        };
        put!(out, "<p class=\"after\">{usage}</p>");
        let columns = ["Profile", "Model", "Owner", "Tags", "Parameter", "Last use", "Findings"];
        let class = if region.complete { "p" } else { "p partly" };
        let head = table_head(class, &format!("Profiles in {}", Escaped(&region.region)), &columns);
        let label = |row: &ProfileRow| row.name.clone();
        folded(out, &head, "</tbody></table>", &region.inventory, label, |out, row| {
            self.profile(out, row);
        });
    }

    /// A row. What is not there leaves its cell empty, which the style fills with a dash or hides; `?` is what
    /// could not be read.
    fn profile(&self, out: &mut String, row: &ProfileRow) {
        put!(
            out,
            "<tr><th scope=\"row\">{}<code>{}</code></th><td>{}</td><td>",
            Escaped(&row.name),
            Escaped(&row.id),
            Escaped(&row.model)
        );
        match &row.owner {
            Some(owner) => put!(out, "{}", Escaped(owner)),
            None => out.push_str("<span>nobody known</span>"),
        }
        out.push_str("</td><td>");
        match &row.tags {
            None => out.push('?'),
            Some(tags) => {
                for (tag, value) in tags.iter().take(TAGS) {
                    put!(out, "<span>{}={}</span>", Escaped(tag), Escaped(value));
                }
                if tags.len() > TAGS {
                    put!(out, "<span>and {} more</span>", count(tags.len() - TAGS));
                }
            }
        }
        out.push_str("</td><td>");
        put!(out, "{}", Escaped(row.parameter.as_deref().unwrap_or_default()));
        out.push_str("</td><td>");
        match (row.last_used, row.invocations) {
            (_, None) => out.push('?'),
            (None, Some(_)) => {}
            (Some(last), Some(invocations)) => {
                put!(out, "{last}<small>{} times</small>", number(invocations))
            }
        }
        out.push_str("</td><td>");
        for (rule, severity) in self.of_profile.get(row.arn.as_str()).into_iter().flatten() {
            let severity = severity.as_str();
            put!(out, "<a class=\"{severity}\" href=\"#{severity}-{rule}\">{rule}</a>");
        }
        out.push_str("</td></tr>\n");
    }

    fn actions(&self, out: &mut String) {
        let actions = &self.report.actions;
        if actions.is_empty() {
            return;
        }
        out.push_str("<section id=\"actions\"><h2>Actions</h2>");
        if self.report.dry_run {
            out.push_str("<p class=\"after\">This was a dry run: nothing was changed.</p>");
        }
        let head = table_head("a", "Actions", &["Profile", "Outcome", "Action", "Reason"]);
        let label = |action: &ActionReport| action.name.clone();
        folded(out, &head, "</tbody></table>", actions, label, |out, action| {
            let class = match action.outcome {
                Outcome::Done => " class=\"done\"",
                Outcome::Failed => " class=\"failed\"",
                Outcome::WouldBeDone | Outcome::Skipped => "",
            };
            let region = match self.several_regions() {
                true => format!(" · {}", action.region),
                false => String::new(),
            };
            put!(
                out,
                "<tr><th scope=\"row\">{}<code>{}{}</code></th><td><span{class}>{}</span></td>\
                 <td>{}<small>{}</small></td><td>{}</td></tr>",
                Escaped(&action.name),
                Escaped(local_part(&action.arn)),
                Escaped(&region),
                action.outcome.in_words(),
                Escaped(&action.description),
                action.action.as_str(),
                Escaped(action.reason.as_deref().unwrap_or_default()),
            );
        });
        out.push_str("</section>\n");
    }

    fn silenced(&self, out: &mut String) {
        let silenced = &self.report.silenced;
        if silenced.is_empty() {
            return;
        }
        put!(
            out,
            "<section id=\"silenced\"><h2>Silenced</h2><p class=\"after\">Findings that a profile’s tag \
             <code>inference-profile-manager:ignore</code> keeps out of this report.</p>{}",
            table_head("s", "Silenced findings by rule", &["Rule", "Findings"])
        );
        for (rule, number) in silenced {
            let (name, _) = wording::rule(*rule);
            put!(out, "<tr><th scope=\"row\">{name}<code>{rule}</code></th><td>{}</td></tr>", count(*number));
        }
        out.push_str("</tbody></table></section>\n");
    }

    fn footer(&self, out: &mut String) {
        put!(
            out,
            "<footer><p>Swept from {} by the Inference Profile Manager. The same as data, with full ARNs and \
             all tags, is in <code>report.json</code>, schema version {}.</p></footer>",
            Escaped(&self.report.region),
            self.report.schema_version
        );
    }
}

/// What `text` is of all of the findings, if it is the same.
fn in_common<'a>(findings: &[&'a Finding], text: impl Fn(&'a Finding) -> &'a str) -> Option<&'a str> {
    let (first, others) = findings.split_first()?;
    let first = text(first);
    others.iter().all(|other| text(other) == first).then_some(first)
}

/// The part of an ARN that tells it from others of its kind in one account and Region.
fn local_part(arn: &str) -> &str {
    let Some(resource) = arn.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) else {
        return arn;
    };
    match resource.split_once('/') {
        // A parameter's name begins with the slash.
        Some(("parameter", name)) => &resource[resource.len() - name.len() - 1..],
        Some((_, name)) => name,
        None => resource,
    }
}

/// Ids, one after another.
fn codes(out: &mut String, ids: &[&str]) {
    for (at, id) in ids.iter().enumerate() {
        let between = if at == 0 { "" } else { ", " };
        put!(out, "{between}<code>{id}</code>");
    }
}

/// A table up to its first row. `caption` is HTML, for those who hear the page.
fn table_head(class: &str, caption: &str, columns: &[&str]) -> String {
    let mut out =
        format!("<table class=\"{class}\"><caption class=\"hidden\">{caption}</caption><thead><tr>");
    for column in columns {
        put!(out, "<th scope=\"col\">{column}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    out
}

/// A list of which the beginning is open, and the rest folded in parts that say from where to where they go.
fn folded<T>(
    out: &mut String,
    open: &str,
    close: &str,
    items: &[T],
    label: impl Fn(&T) -> String,
    mut item: impl FnMut(&mut String, &T),
) {
    let mut part = |out: &mut String, items: &[T]| {
        out.push_str(open);
        items.iter().for_each(|one| item(out, one));
        out.push_str(close);
    };
    // Nobody wants to unfold three rows.
    let open_rows = if items.len() <= OPEN_ROWS + OPEN_ROWS / 5 { items.len() } else { OPEN_ROWS };
    let (first, rest) = items.split_at(open_rows);
    part(out, first);
    let mut from = open_rows + 1;
    for chunk in rest.chunks(FOLDED_ROWS) {
        let to = from + chunk.len() - 1;
        put!(out, "<details><summary>{} to {} of {}", count(from), count(to), count(items.len()));
        if let [begin, .., end] = chunk {
            put!(out, ": {} to {}", Escaped(&label(begin)), Escaped(&label(end)));
        }
        out.push_str("</summary>");
        part(out, chunk);
        out.push_str("</details>\n");
        from = to + 1;
    }
}
