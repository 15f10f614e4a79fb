//! A sweep from end to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use profile::{
    arn::{Arn, Location, ProfileArn},
    fault::Faults,
    tag_policy::TagPolicy,
    tags,
};
use report::{ActionReport, Changes, ProfileRow, RegionReport, Report, SCHEMA_VERSION};
use rules::{
    finding::Finding,
    inventory::{Inventory, Part, Source, Unread},
    judge::{Criteria, Judgement, judge, judge_cost_tags},
    owner,
    plan::plan,
    rule::Rule,
};
use serde_json::{Value, value::RawValue};
use tokio::time::Instant;

use crate::{
    AccountPorts, RegionPorts,
    act::Acting,
    deliver::{self, Previous},
    gather::{self, Gathering},
    settings::Settings,
};

/// How much of the function's time is kept for what comes after gathering: a third, and at most this.
const AFTERWARDS: Duration = Duration::from_secs(120);

/// How many Regions are swept side by side.
const REGIONS_SIDE_BY_SIDE: usize = 8;

/// Why there is no report at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The function is not deployed rightly.
    #[error("the sweep is not deployed rightly: {0}")]
    Settings(Faults),
    /// The invocation asks for what there is not.
    #[error("the invocation cannot be understood: {0}")]
    Payload(Faults),
    /// The report cannot be written down: a defect.
    #[error("the report cannot be written as JSON, which is a defect. Please report it: {0}")]
    Json(#[from] serde_json::Error),
}

/// The sweep of an account.
pub struct Sweep<F> {
    account: AccountPorts,
    in_region: F,
    settings: Result<Settings, Faults>,
}

/// What was found in one Region.
struct Swept {
    inventory: Inventory,
    judgement: Judgement,
    actions: Vec<ActionReport>,
}

impl<F: Fn(&str) -> RegionPorts + Sync> Sweep<F> {
    /// The sweep over `account`, and in each Region over what `in_region` gives for it.
    pub fn new(account: AccountPorts, in_region: F, settings: Result<Settings, Faults>) -> Self {
        Self { account, in_region, settings }
    }

    /// One sweep, invoked with `payload` at `home`, to be done by `deadline`. Gives the function's result.
    ///
    /// # Errors
    ///
    /// [`Failure`] when there is nothing to report. That something could not be read or delivered is told
    /// in the report.
    pub async fn run(
        &self,
        payload: &Value,
        home: &Location,
        deadline: Instant,
    ) -> Result<Box<RawValue>, Failure> {
        let deployed = self.settings.as_ref().map_err(|faults| Failure::Settings(faults.clone()))?;
        let settings = deployed.overridden(payload).map_err(Failure::Payload)?;
        let is_regular = settings.judges_as(deployed);
        let place = settings.report_bucket.as_deref().filter(|_| is_regular).map(deliver::place);
        let place = place.as_deref();
        let mut report = self.report(deployed, &settings, home, deadline).await;
        deliver::log(&report);
        if is_regular {
            let compared = report.undelivered.is_empty();
            if settings.metrics {
                deliver::count(&report);
            }
            report.undelivered.extend(deliver::deliver(&report, compared, place, &self.account).await);
        }
        Ok(report::result(&report, place, report::RESULT_LIMIT)?)
    }

    async fn report(
        &self,
        deployed: &Settings,
        settings: &Settings,
        home: &Location,
        deadline: Instant,
    ) -> Report {
        let started_at = self.account.clock.now();
        let left = deadline.saturating_duration_since(Instant::now());
        let until = deadline - AFTERWARDS.min(left / 3);
        let here = |settings: &Settings| match settings.regions.as_slice() {
            [] => vec![home.region.clone()],
            regions => regions.to_vec(),
        };
        let regions: BTreeSet<String> = here(settings).into_iter().collect();

        let (policy, cost_tags, previous) = futures::join!(
            self.policy(settings, home, until),
            gather::cost_tags(&self.account, settings, until),
            self.previous(deployed, settings),
        );
        let criteria = Criteria { rules: settings.rules.clone(), policy, thresholds: settings.thresholds };
        let shared_unread: Vec<Unread> = criteria.policy.as_ref().err().into_iter().cloned().collect();
        let may_act = shared_unread.is_empty() && cost_tags.is_ok();
        let names: Vec<&String> = regions.iter().collect();
        let mut swept = Vec::with_capacity(names.len());
        for some in names.chunks(REGIONS_SIDE_BY_SIDE) {
            let sweeps =
                some.iter().map(|region| self.region(region, home, settings, &criteria, may_act, until));
            swept.extend(join_all(sweeps).await);
        }

        let (mut inventories, mut judgements, mut actions) = (Vec::new(), Vec::new(), Vec::new());
        for region in swept {
            inventories.push(region.inventory);
            judgements.push(region.judgement);
            actions.extend(region.actions);
        }
        let cost = judge_cost_tags(&inventories, &cost_tags, home, &criteria);

        let mut undecided: BTreeSet<(Rule, String)> = BTreeSet::new();
        for (inventory, judgement) in inventories.iter().zip(&judgements) {
            let region = &inventory.location.region;
            undecided.extend(judgement.undecided.iter().map(|rule| (*rule, region.clone())));
        }
        undecided.extend(cost.undecided.iter().map(|rule| (*rule, home.region.clone())));
        let mut findings: Vec<Finding> = Vec::new();
        let mut silenced: BTreeMap<Rule, usize> = BTreeMap::new();
        for judgement in judgements.into_iter().chain([cost]) {
            for finding in &judgement.silenced {
                *silenced.entry(finding.rule).or_default() += 1;
            }
            findings.extend(judgement.findings);
        }
        findings.sort_by(|a, b| (a.severity, a.rule, &a.region).cmp(&(b.severity, b.rule, &b.region)));

        // A Region that only this invocation leaves out may still hold what it held.
        let configured: BTreeSet<String> = here(deployed).into_iter().collect();
        let (changes, unconfirmed, undelivered) = match previous {
            Previous::Incomparable => (Changes::default(), Vec::new(), Vec::new()),
            Previous::Unread(reason) => {
                let told =
                    format!("what changed is not known, the report before could not be read: {reason}");
                (Changes::default(), Vec::new(), vec![told])
            }
            previous => {
                let previous = match &previous {
                    Previous::Known(report) => Some(&**report),
                    _ => None,
                };
                let (changes, unconfirmed) = report::changes(previous, &findings, |rule, region| {
                    undecided.contains(&(rule, region.to_owned()))
                        || (configured.contains(region) && !regions.contains(region))
                });
                (changes, unconfirmed, Vec::new())
            }
        };
        let cost_unread = cost_tags.as_ref().err().cloned();
        let mut region_reports: Vec<RegionReport> =
            inventories.iter().map(|inventory| region_report(inventory, &shared_unread)).collect();
        let at_home = region_reports.iter().position(|region| region.region == home.region).unwrap_or(0);
        if let (Some(unread), Some(region)) = (cost_unread, region_reports.get_mut(at_home)) {
            region.unread.push(unread);
            region.complete = false;
        }
        let mut counts: BTreeMap<Rule, usize> = settings.rules.iter().map(|rule| (*rule, 0)).collect();
        for finding in &findings {
            *counts.entry(finding.rule).or_default() += 1;
        }
        Report {
            schema_version: SCHEMA_VERSION,
            account: home.account.clone(),
            region: home.region.clone(),
            started_at,
            finished_at: self.account.clock.now(),
            dry_run: settings.dry_run,
            complete: region_reports.iter().all(|region| region.complete),
            profiles: inventories.iter().map(|inventory| inventory.profiles().len()).sum(),
            counts,
            silenced,
            findings,
            unconfirmed,
            changes,
            actions,
            undelivered,
            regions: region_reports,
        }
    }

    /// Gathers, judges and acts in one Region.
    async fn region(
        &self,
        region: &str,
        home: &Location,
        settings: &Settings,
        criteria: &Criteria,
        may_act: bool,
        until: Instant,
    ) -> Swept {
        let ports = (self.in_region)(region);
        let now = self.account.clock.now();
        let location = Location { region: region.to_owned(), ..home.clone() };
        let inventory = Gathering { ports: &ports, location, now, settings, until }.inventory().await;
        let judgement = judge(&inventory, criteria);
        let planned = if may_act { plan(&inventory, &judgement, &settings.actions) } else { Vec::new() };
        let names: BTreeMap<ProfileArn, String> = inventory
            .profiles()
            .iter()
            .map(|profile| (profile.record.arn.clone(), profile.record.name.clone()))
            .collect();
        let acting = Acting { ports: &ports, region, names: &names, now, dry_run: settings.dry_run };
        let actions = acting.carry_out(planned).await;
        Swept { inventory, judgement, actions }
    }

    /// The report before, if this one is to be compared with it.
    async fn previous(&self, deployed: &Settings, settings: &Settings) -> Previous {
        if !settings.judges_as(deployed) {
            return Previous::Incomparable;
        }
        deliver::previous(self.account.reports.as_deref()).await
    }

    /// The tag policy, which may lie in a parameter of the function's own Region.
    async fn policy(&self, settings: &Settings, home: &Location, until: Instant) -> Part<TagPolicy> {
        let text = match settings.shared.policy_parameter() {
            None => None,
            Some(name) => gather::policy_text(&(self.in_region)(&home.region), name, until).await?,
        };
        let read = settings.shared.tag_policy(text.as_deref());
        read.map_err(|faults| Unread { source: Source::TagPolicy, reason: faults.to_string() })
    }
}

fn region_report(inventory: &Inventory, shared_unread: &[Unread]) -> RegionReport {
    let mut unread = inventory.unread();
    unread.extend(shared_unread.iter().cloned());
    let mut rows: Vec<ProfileRow> =
        inventory.profiles().iter().map(|profile| row(profile, inventory)).collect();
    rows.sort_by(|a, b| (&a.name, &a.arn).cmp(&(&b.name, &b.arn)));
    RegionReport {
        region: inventory.location.region.clone(),
        complete: unread.is_empty(),
        unread,
        usage_since: inventory.usage.as_ref().ok().map(|usage| usage.since),
        inventory: rows,
    }
}

fn row(profile: &rules::inventory::Profile, inventory: &Inventory) -> ProfileRow {
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
    ProfileRow {
        arn: record.arn.to_string(),
        id: id.to_owned(),
        name: record.name.clone(),
        model: model.unwrap_or_default().to_owned(),
        owner: held.and_then(owner::sign).map(|sign| sign.describe()),
        tags: held.map(users),
        parameter: held.and_then(|held| held.get(tags::PARAMETER)).cloned(),
        created_at: record.created_at,
        invocations: usage.map(|usage| usage.invocations(id)),
        last_used: usage.and_then(|usage| usage.last_day(id)),
        daily: usage.and_then(|usage| usage.daily.get(id)).cloned().unwrap_or_default(),
    }
}
