//! The report, from what was read, judged and done. Pure.

use std::collections::{BTreeMap, BTreeSet};

use profile::{
    arn::{Arn, Location},
    tags,
};
use report::{ActionReport, Changes, ProfileRow, RegionReport, Report, SCHEMA_VERSION};
use rules::{
    finding::Finding,
    inventory::{CostTags, Inventory, Part, Profile, Unread},
    judge::{Criteria, Judgement, judge_cost_tags},
    owner,
    rule::Rule,
};
use time::OffsetDateTime;

use crate::{deliver::Previous, settings::Settings};

/// What was found in one Region, and what was done about it.
pub struct Swept {
    /// What it holds.
    pub inventory: Inventory,
    /// What is wrong with it.
    pub judgement: Judgement,
    /// What was done, or would be.
    pub actions: Vec<ActionReport>,
}

/// All that a report rests on.
pub struct Evidence<'a> {
    /// Where the function runs.
    pub home: &'a Location,
    /// What it was to do.
    pub settings: &'a Settings,
    /// What the Regions were held to.
    pub criteria: Criteria,
    /// When the sweep began.
    pub started_at: OffsetDateTime,
    /// When all was read and done.
    pub finished_at: OffsetDateTime,
    /// Region by Region.
    pub swept: Vec<Swept>,
    /// Which tags allocate cost; `Ok(None)`: billing was not asked, or another account pays.
    pub cost_tags: Part<Option<CostTags>>,
}

impl Evidence<'_> {
    /// The report, and whether it could be compared with `previous`. `configured` are the Regions of the
    /// deployment, which an invocation by hand may leave out.
    pub fn report(self, previous: Previous, configured: &BTreeSet<String>) -> (Report, bool) {
        let Self { home, settings, criteria, started_at, finished_at, swept, cost_tags } = self;
        let (mut inventories, mut judgements, mut actions) = (Vec::new(), Vec::new(), Vec::new());
        for region in swept {
            judgements.push((region.inventory.location.region.clone(), region.judgement));
            inventories.push(region.inventory);
            actions.extend(region.actions);
        }
        let cost = judge_cost_tags(&inventories, &cost_tags, home, &criteria);
        judgements.push((home.region.clone(), cost));
        let is_cost_known = !matches!(cost_tags, Ok(None));

        let undecided = undecided(&judgements, is_cost_known, home);
        let (findings, silenced) = collected(judgements);
        let swept: BTreeSet<&str> =
            inventories.iter().map(|inventory| inventory.location.region.as_str()).collect();
        let (changes, unconfirmed, undelivered, compared) = compare(previous, &findings, |rule, region| {
            // A Region that only this invocation leaves out may still hold what it held.
            let is_left_out = configured.contains(region) && !swept.contains(region);
            is_left_out || undecided.contains(&(rule, region.to_owned()))
        });
        let regions = region_reports(&inventories, home, &criteria, &cost_tags);
        let report = Report {
            schema_version: SCHEMA_VERSION,
            account: home.account.clone(),
            region: home.region.clone(),
            started_at,
            finished_at,
            dry_run: settings.dry_run,
            complete: regions.iter().all(|region| region.complete),
            profiles: inventories.iter().map(|inventory| inventory.profiles().len()).sum(),
            counts: counts(&settings.rules, is_cost_known, &findings),
            silenced,
            findings,
            unconfirmed,
            changes,
            actions,
            undelivered,
            regions,
        };
        (report, compared)
    }
}

/// The rules that may have missed something, with the Region in which they may have.
fn undecided(
    judgements: &[(String, Judgement)],
    is_cost_known: bool,
    home: &Location,
) -> BTreeSet<(Rule, String)> {
    let of_each = judgements
        .iter()
        .flat_map(|(region, judgement)| judgement.undecided.iter().map(|rule| (*rule, region.clone())));
    // Where nobody was asked, that there is no finding says nothing.
    let unasked = (!is_cost_known).then(|| (Rule::CostTagInactive, home.region.clone()));
    of_each.chain(unasked).collect()
}

/// All findings, the gravest first, and how many are silenced by rule.
fn collected(judgements: Vec<(String, Judgement)>) -> (Vec<Finding>, BTreeMap<Rule, usize>) {
    let (mut findings, mut silenced) = (Vec::new(), BTreeMap::new());
    for (_, judgement) in judgements {
        for finding in &judgement.silenced {
            *silenced.entry(finding.rule).or_default() += 1;
        }
        findings.extend(judgement.findings);
    }
    // Within a rule and Region they keep their order, which is that of the names.
    findings.sort_by(|a: &Finding, b: &Finding| {
        (a.severity, a.rule, &a.region).cmp(&(b.severity, b.rule, &b.region))
    });
    (findings, silenced)
}

/// What changed, what could not be looked into, what to tell a person, and whether there was a comparison.
fn compare(
    previous: Previous,
    findings: &[Finding],
    undecided: impl Fn(Rule, &str) -> bool,
) -> (Changes, Vec<Finding>, Vec<String>, bool) {
    let before = match previous {
        Previous::Known(report) => Some(report),
        Previous::None => None,
        Previous::Incomparable => return (Changes::default(), Vec::new(), Vec::new(), false),
        Previous::Unread(reason) => {
            let told = format!("what changed is not known, the report before could not be read: {reason}");
            return (Changes::default(), Vec::new(), vec![told], false);
        }
    };
    let (changes, unconfirmed) = report::changes(before.as_deref(), findings, undecided);
    (changes, unconfirmed, Vec::new(), true)
}

/// Findings by rule, those that nobody could look into left out.
fn counts(rules: &BTreeSet<Rule>, is_cost_known: bool, findings: &[Finding]) -> BTreeMap<Rule, usize> {
    let judged = rules.iter().filter(|rule| is_cost_known || **rule != Rule::CostTagInactive);
    let mut counts: BTreeMap<Rule, usize> = judged.map(|rule| (*rule, 0)).collect();
    for finding in findings {
        *counts.entry(finding.rule).or_default() += 1;
    }
    counts
}

/// Region by Region. The tag policy is every Region's; that billing could not be asked is told once.
fn region_reports(
    inventories: &[Inventory],
    home: &Location,
    criteria: &Criteria,
    cost_tags: &Part<Option<CostTags>>,
) -> Vec<RegionReport> {
    let at_home = inventories.iter().position(|inventory| inventory.location.region == home.region);
    let tells_cost = at_home.unwrap_or(0);
    let report = |(index, inventory): (usize, &Inventory)| {
        let mut unread = inventory.unread();
        unread.extend(criteria.policy.as_ref().err().cloned());
        unread.extend(cost_tags.as_ref().err().filter(|_| index == tells_cost).cloned());
        region_report(inventory, unread)
    };
    inventories.iter().enumerate().map(report).collect()
}

fn region_report(inventory: &Inventory, unread: Vec<Unread>) -> RegionReport {
    let mut profiles: Vec<&Profile> = inventory.profiles().iter().collect();
    profiles.sort_by(|a, b| (&a.record.name, &a.record.arn).cmp(&(&b.record.name, &b.record.arn)));
    RegionReport {
        region: inventory.location.region.clone(),
        complete: unread.is_empty(),
        unread,
        usage_since: inventory.usage.as_ref().ok().map(|usage| usage.since),
        inventory: profiles.into_iter().map(|profile| row(profile, inventory)).collect(),
    }
}

fn row(profile: &Profile, inventory: &Inventory) -> ProfileRow {
    let record = &profile.record;
    let id = record.arn.id();
    let held = profile.tags.as_ref().ok();
    let source = held.and_then(|held| held.get(tags::MODEL_SOURCE)).or(record.models.first());
    let model = source.and_then(|arn| Arn::parse(arn)?.resource.split_once('/')).map(|(_, id)| id);
    let users = |held: &tags::Tags| {
        held.iter()
            .filter(|(key, _)| owner::is_user_tag(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let usage = inventory.usage.as_ref().ok();
    let daily = usage.map(|usage| usage.of_profile(&record.arn));
    ProfileRow {
        arn: record.arn.to_string(),
        id: id.to_owned(),
        name: record.name.clone(),
        model: model.unwrap_or_default().to_owned(),
        owner: held.and_then(owner::sign).map(|sign| sign.describe()),
        tags: held.map(users),
        parameter: held.and_then(|held| held.get(tags::PARAMETER)).cloned(),
        created_at: record.created_at,
        invocations: daily.as_ref().map(|daily| daily.iter().sum()),
        last_used: usage.and_then(|usage| usage.last_day(&record.arn)),
        daily: daily.unwrap_or_default(),
    }
}
