//! `report.html`: one file that loads nothing, runs nothing and is well-formed, whatever others wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use report::html;

mod samples;

const SAMPLES: [&str; 6] = ["empty", "clean", "realistic", "incomplete", "hostile", "large"];

fn page(sample: &str) -> String {
    html(&samples::named(sample).unwrap())
}

/// One tag.
#[derive(Debug, PartialEq)]
struct Tag {
    name: String,
    closes: bool,
    closes_itself: bool,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// The tags of a page in their order. Stricter than HTML: attributes are quoted, and `<` and `>` are nowhere
/// but around tags.
fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    while let Some(open) = rest.find('<') {
        assert!(!rest[..open].contains('>'), "a loose > in {:?}", &rest[..open]);
        rest = &rest[open + 1..];
        let mut quoted = false;
        let end = rest
            .find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            })
            .expect("a tag ends");
        tags.push(tag(&rest[..end]));
        rest = &rest[end + 1..];
        if tags.last().is_some_and(|tag| tag.name == "style" && !tag.closes) {
            rest = &rest[rest.find("</style>").expect("style ends")..];
        }
    }
    assert!(!rest.contains('>'));
    tags
}

fn tag(text: &str) -> Tag {
    let (text, closes_itself) = text.strip_suffix('/').map_or((text, false), |text| (text, true));
    let (text, closes) = text.strip_prefix('/').map_or((text, false), |text| (text, true));
    let (name, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "<{text}>");
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let (attribute, quoted) = rest.split_once("=\"").expect(text);
        let (value, after) = quoted.split_once('"').expect(text);
        assert!(attribute.chars().all(|c| c.is_ascii_alphabetic() || c == '-'), "{attribute} in <{text}>");
        assert!(!value.contains('<'), "<{text}>");
        attributes.push((attribute.to_owned(), value.to_owned()));
        rest = after.strip_prefix(' ').unwrap_or_else(|| {
            assert!(after.is_empty(), "<{text}>");
            after
        });
    }
    Tag { name: name.to_owned(), closes, closes_itself, attributes }
}

#[test]
fn every_tag_is_closed_in_its_place() {
    for sample in SAMPLES {
        let mut open: Vec<String> = Vec::new();
        for tag in tags(&page(sample)) {
            match tag {
                Tag { closes: true, name, .. } => assert_eq!(open.pop(), Some(name), "in {sample}"),
                Tag { closes_itself: true, .. } => {}
                Tag { name, .. } if name == "meta" => {}
                Tag { name, .. } => open.push(name),
            }
        }
        assert_eq!(open, Vec::<String>::new(), "in {sample}");
    }
}

#[test]
fn it_loads_nothing_and_runs_nothing() {
    let elements = BTreeSet::from([
        "a",
        "b",
        "bdi",
        "body",
        "caption",
        "code",
        "dd",
        "desc",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "head",
        "header",
        "html",
        "li",
        "main",
        "meta",
        "nav",
        "p",
        "path",
        "rect",
        "section",
        "small",
        "span",
        "style",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ]);
    let attributes = BTreeSet::from([
        "aria-label",
        "aria-labelledby",
        "charset",
        "class",
        "content",
        "d",
        "height",
        "href",
        "http-equiv",
        "id",
        "lang",
        "name",
        "preserveAspectRatio",
        "role",
        "scope",
        "viewBox",
        "width",
        "x",
        "y",
    ]);
    for sample in SAMPLES {
        let page = page(sample);
        for tag in tags(&page) {
            assert!(elements.contains(tag.name.as_str()), "<{}> in {sample}", tag.name);
            for (name, value) in &tag.attributes {
                assert!(attributes.contains(name.as_str()), "{name} in {sample}");
                assert!(name != "href" || value.starts_with('#'), "{value} in {sample}");
            }
        }
        let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
        for loads in ["url(", "@import", "http:", "https:", "//", "image-set", "expression("] {
            assert!(!style.contains(loads), "{loads} in the style");
        }
    }
}

#[test]
fn its_security_policy_comes_before_anything_of_others() {
    let page = page("hostile");
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
                  'unsafe-inline'; base-uri 'none'; form-action 'none'\">";
    assert!(page.find(policy).unwrap() < page.find("<title>").unwrap());
}

#[test]
fn hostile_text_changes_nothing_but_text() {
    let shape = |text: &str| -> Vec<(String, bool, Vec<String>)> {
        let tags = tags(&html(&samples::spoiled(text)));
        tags.into_iter()
            .map(|t| (t.name, t.closes, t.attributes.into_iter().map(|(name, _)| name).collect()))
            .collect()
    };
    assert_eq!(shape(samples::HOSTILE), shape("harmless"));
}

#[test]
fn hostile_text_is_shown_with_its_control_characters_visible() {
    let page = page("hostile");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src"));
    assert!(page.contains("&amp;amp;⟨U+202E⟩gpj␛[2J␀"));
    let control = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(page.chars().find(|c| control(*c)), None);
}

#[test]
fn ids_are_unique_and_every_link_leads_somewhere() {
    for sample in SAMPLES {
        let tags = tags(&page(sample));
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "in {sample}");
        for tag in &tags {
            let links = tag.attribute("href").map(|href| &href[1..]);
            let labels = tag.attribute("aria-labelledby").into_iter().flat_map(|ids| ids.split(' '));
            for id in links.into_iter().chain(labels) {
                assert!(unique.contains(id), "{id} in {sample}");
            }
        }
    }
}

#[test]
fn those_who_hear_it_are_told_the_same() {
    for sample in SAMPLES {
        let tags = tags(&page(sample));
        assert_eq!(tags[0].attribute("lang"), Some("en"));
        let mut level = 0;
        for tag in tags.iter().filter(|tag| !tag.closes) {
            if let Some(heading) = tag.name.strip_prefix('h').and_then(|level| level.parse::<u8>().ok()) {
                assert!(heading <= level + 1, "h{heading} after h{level} in {sample}");
                level = heading;
            }
            match tag.name.as_str() {
                "th" => assert!(tag.attribute("scope").is_some(), "in {sample}"),
                "svg" if tag.attribute("class") == Some("chart") => {
                    assert_eq!(tag.attribute("role"), Some("img"));
                    assert!(tag.attribute("aria-labelledby").is_some());
                }
                _ => {}
            }
        }
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name && !tag.closes).count();
        assert_eq!(count("h1"), 1);
        assert_eq!(count("table"), count("caption"));
    }
}

#[test]
fn it_holds_every_finding_profile_and_action() {
    for sample in ["realistic", "incomplete", "large"] {
        let report = samples::named(sample).unwrap();
        let page = html(&report);
        for finding in report.findings.iter().chain(&report.unconfirmed).chain(&report.changes.gone) {
            assert!(
                page.contains(&finding.problem) && page.contains(&finding.remedy.replace('\'', "&#39;"))
                    || report.unconfirmed.contains(finding)
                    || report.changes.gone.contains(finding)
            );
            assert!(
                page.contains(&format!("<bdi>{}</bdi>", finding.resource.name)),
                "{}",
                finding.resource.name
            );
        }
        for row in report.regions.iter().flat_map(|region| &region.inventory) {
            assert!(page.contains(&format!("{}<code>{}</code></th>", row.name, row.id)));
        }
        for action in &report.actions {
            assert!(page.contains(&action.description));
        }
    }
}

#[test]
fn what_could_not_be_read_is_said_and_looks_neither_clean_nor_empty() {
    let page = page("incomplete");
    assert!(page.contains("Not everything could be read"));
    assert!(page.contains("<b>usage</b> in us-east-1"));
    assert!(page.contains("is not authorized to perform: cloudwatch:GetMetricData"));
    assert!(page.contains(
        "Undecided in us-east-1 and eu-west-1: <code>idle</code>, <code>unattributed-usage</code>"
    ));
    assert!(page.contains("None could be read."), "the other Region’s profiles");
    let holds = &page[page.find("Rules that hold everywhere").unwrap_or(page.len())..];
    let holds = &holds[..holds.find("</p>").unwrap_or_default()];
    assert_eq!(holds, "", "every rule is undecided somewhere");

    let clean = self::page("clean");
    assert!(!clean.contains("Not everything could be read"));
    assert!(clean.contains("Every rule that was asked for holds."));
}

#[test]
fn what_was_not_delivered_is_said() {
    let mut report = samples::clean();
    assert!(!html(&report).contains("could be compared or delivered"));
    report.undelivered.push("the report before could not be read: <denied>".to_owned());
    assert!(html(&report).contains("<li>the report before could not be read: &lt;denied&gt;</li>"));
}

#[test]
fn what_findings_have_in_common_is_said_once() {
    let page = page("large");
    assert_eq!(page.matches("It carries no tag of a user").count(), 1);
    assert_eq!(page.matches("Delete it if nobody needs it").count(), 1);
    assert!(page.contains("26 to 286 of 286: support-tenant-00175 to legal-tenant-01995"));
}

#[test]
fn its_size_is_linear_in_the_profiles_and_small_for_each() {
    let size = |profiles| html(&samples::large(profiles)).len();
    let sizes = [1_000, 2_000, 4_000, 8_000].map(size);
    for pair in sizes.windows(2) {
        assert!(pair[1] < pair[0] * 21 / 10, "{sizes:?}");
    }
    assert!(sizes[3] / 8_000 < 600, "{} bytes a profile", sizes[3] / 8_000);
}

/// The relative luminance of `#rgb` or `#rrggbb`, as WCAG defines it.
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap();
    let step = digits.len() / 3;
    let channel = |at: usize| {
        let part = digits[at * step..(at + 1) * step].repeat(3 - step);
        let value = f64::from(u8::from_str_radix(&part, 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

#[test]
fn its_colours_can_be_read_by_day_and_by_night() {
    let page = page("empty");
    // The colours of each `:root{…}`: by day, and by night.
    let themes: Vec<BTreeMap<&str, &str>> = page
        .split(":root{")
        .skip(1)
        .map(|theme| theme[..theme.find('}').unwrap()].split(';'))
        .map(|rules| rules.filter_map(|rule| rule.trim().strip_prefix("--")?.split_once(':')).collect())
        .collect();
    assert_eq!(themes.len(), 2);
    for theme in themes {
        for ground in ["paper", "fill", "warn-paper"] {
            for ink in ["ink", "soft", "accent", "critical", "high", "medium", "low", "good"] {
                let (ground, ink) = (luminance(theme[ground]), luminance(theme[ink]));
                let contrast = (ground.max(ink) + 0.05) / (ground.min(ink) + 0.05);
                assert!(contrast >= 4.5, "{contrast:.2} in {theme:?}");
            }
        }
    }
}
