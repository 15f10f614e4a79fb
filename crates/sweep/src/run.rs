//! A sweep from end to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::Duration,
};

use futures::{StreamExt, stream};
use profile::{
    arn::{Arn, Location, ProfileArn},
    fault::Faults,
    tag_policy::TagPolicy,
    tags,
};
use report::{ActionReport, ProfileRow, RegionReport, Report, SCHEMA_VERSION};
use rules::{
    finding::Finding,
    inventory::{Inventory, Part, Source, Unread},
    judge::{Criteria, Judgement, judge, judge_cost_tags, to_confirm},
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

/// How many Regions are swept side by side.
const REGIONS_SIDE_BY_SIDE: usize = 8;

/// When each part of a sweep ends, done or not.
#[derive(Debug, Clone, Copy)]
struct Timetable {
    gathering: Instant,
    acting: Instant,
    delivering: Instant,
}

impl Timetable {
    /// Two thirds of the time until `deadline` are for gathering, and a sixth each for acting and for
    /// delivering, the last seconds apart, which the result needs; of ten minutes more is for gathering.
    fn until(deadline: Instant) -> Self {
        let left = deadline.saturating_duration_since(Instant::now());
        let before = |longest: u64, share: u32| deadline - Duration::from_secs(longest).min(left / share);
        Self { gathering: before(120, 3), acting: before(60, 6), delivering: before(10, 30) }
    }
}

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
        let times = Timetable::until(deadline);
        let (mut report, compared) = self.report(deployed, &settings, home, times).await;
        deliver::log(&report);
        if is_regular {
            if settings.metrics {
                deliver::count(&report);
            }
            let undelivered =
                deliver::deliver(&report, compared, place, &self.account, times.delivering).await;
            report.undelivered.extend(undelivered);
        }
        Ok(report::result(&report, place, report::RESULT_LIMIT)?)
    }

    /// The report, and whether it could be compared with the one before.
    async fn report(
        &self,
        deployed: &Settings,
        settings: &Settings,
        home: &Location,
        times: Timetable,
    ) -> (Report, bool) {
        let started_at = self.account.clock.now();
        let here = |settings: &Settings| match settings.regions.as_slice() {
            [] => BTreeSet::from([home.region.clone()]),
            regions => regions.iter().cloned().collect(),
        };
        let (regions, configured) = (here(settings), here(deployed));

        let ports: Vec<RegionPorts> = regions.iter().map(|region| (self.in_region)(region)).collect();
        let gatherings = regions.iter().zip(&ports).map(|(region, ports)| Gathering {
            ports,
            location: Location { region: region.clone(), ..home.clone() },
            now: started_at,
            settings,
            until: times.gathering,
        });
        let gatherings: Vec<Gathering<'_>> = gatherings.collect();
        let (policy, cost_tags, previous, gathered) = futures::join!(
            self.policy(settings, home, times.gathering),
            gather::cost_tags(&self.account, settings, times.gathering),
            self.previous(deployed, settings, times.gathering),
            side_by_side(gatherings.iter().map(Gathering::inventory)),
        );
        let criteria = Criteria { rules: settings.rules.clone(), policy, thresholds: settings.thresholds };
        let shared_unread: Vec<Unread> = criteria.policy.as_ref().err().into_iter().cloned().collect();
        let may_act = shared_unread.is_empty() && cost_tags.is_ok();
        let swept = side_by_side(
            gatherings
                .iter()
                .zip(gathered)
                .map(|(gathering, inventory)| sweep(gathering, inventory, &criteria, may_act, times.acting)),
        )
        .await;

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
        // Nobody was asked, or another account pays: that there is no finding says nothing.
        let asked_for_cost = !matches!(cost_tags, Ok(None));
        if !asked_for_cost {
            undecided.insert((Rule::CostTagInactive, home.region.clone()));
        }
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
        let undecided = |rule: Rule, region: &str| {
            undecided.contains(&(rule, region.to_owned()))
                || (configured.contains(region) && !regions.contains(region))
        };
        let ((changes, unconfirmed), undelivered, compared) = match previous {
            Previous::Known(before) => {
                (report::changes(Some(&before), &findings, undecided), Vec::new(), true)
            }
            Previous::None => (report::changes(None, &findings, undecided), Vec::new(), true),
            Previous::Incomparable => (Default::default(), Vec::new(), false),
            Previous::Unread(reason) => {
                let told =
                    format!("what changed is not known, the report before could not be read: {reason}");
                (Default::default(), vec![told], false)
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
        let judged = settings.rules.iter().filter(|rule| asked_for_cost || **rule != Rule::CostTagInactive);
        let mut counts: BTreeMap<Rule, usize> = judged.map(|rule| (*rule, 0)).collect();
        for finding in &findings {
            *counts.entry(finding.rule).or_default() += 1;
        }
        let report = Report {
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
        };
        (report, compared)
    }

    /// The report before, if this one is to be compared with it.
    async fn previous(&self, deployed: &Settings, settings: &Settings, until: Instant) -> Previous {
        if !settings.judges_as(deployed) {
            return Previous::Incomparable;
        }
        deliver::previous(self.account.reports.as_deref(), until).await
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

/// Judges and acts in one Region.
async fn sweep(
    gathering: &Gathering<'_>,
    mut inventory: Inventory,
    criteria: &Criteria,
    may_act: bool,
    until: Instant,
) -> Swept {
    let settings = gathering.settings;
    let mut judgement = judge(&inventory, criteria);
    let doubted = to_confirm(&inventory, &judgement);
    if !doubted.is_empty() {
        gathering.confirm(&mut inventory, doubted).await;
        judgement = judge(&inventory, criteria);
    }
    let planned = if may_act { plan(&inventory, &judgement, &settings.actions) } else { Vec::new() };
    let names: BTreeMap<ProfileArn, String> = inventory
        .profiles()
        .iter()
        .map(|profile| (profile.record.arn.clone(), profile.record.name.clone()))
        .collect();
    let acting = Acting {
        ports: gathering.ports,
        region: &gathering.location.region,
        names: &names,
        now: gathering.now,
        dry_run: settings.dry_run,
        until,
    };
    let actions = acting.carry_out(planned).await;
    Swept { inventory, judgement, actions }
}

/// What comes of each Region, in their order, some Regions at a time.
async fn side_by_side<T>(regions: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(regions).buffered(REGIONS_SIDE_BY_SIDE).collect().await
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
