//! A sweep from end to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::Duration,
};

use futures::{StreamExt, stream};
use profile::{
    arn::{Location, ProfileArn},
    fault::Faults,
    tag_policy::TagPolicy,
};
use report::Report;
use rules::{
    inventory::{Inventory, Part, Source, Unread},
    judge::{Criteria, judge, to_confirm},
    plan::plan,
};
use serde_json::{Value, value::RawValue};
use tokio::time::Instant;

use crate::{
    AccountPorts, RegionPorts,
    act::Acting,
    deliver::{self, Previous},
    evidence::{Evidence, Swept},
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
        let regions = regions(settings, home);
        let ports: Vec<RegionPorts> = regions.iter().map(|region| (self.in_region)(region)).collect();
        let asked = settings.sources();
        let gathering = |(region, ports)| Gathering {
            ports,
            location: Location { region: String::clone(region), ..home.clone() },
            now: started_at,
            settings,
            asked: asked.clone(),
            until: times.gathering,
        };
        let gatherings: Vec<Gathering<'_>> = regions.iter().zip(&ports).map(gathering).collect();
        let (policy, cost_tags, previous, gathered) = futures::join!(
            self.policy(settings, home, times.gathering),
            gather::cost_tags(&self.account, settings, times.gathering),
            self.previous(deployed, settings, times.gathering),
            side_by_side(gatherings.iter().map(Gathering::inventory)),
        );

        let criteria = Criteria { rules: settings.rules.clone(), policy, thresholds: settings.thresholds };
        let may_act = criteria.policy.is_ok() && cost_tags.is_ok();
        let gathered = gatherings.iter().zip(gathered);
        let swept = side_by_side(
            gathered.map(|(region, inventory)| sweep(region, inventory, &criteria, may_act, times.acting)),
        )
        .await;

        let finished_at = self.account.clock.now();
        let evidence = Evidence { home, settings, criteria, started_at, finished_at, swept, cost_tags };
        evidence.report(previous, &self::regions(deployed, home))
    }

    /// The report before, if this one is to be compared with it.
    async fn previous(&self, deployed: &Settings, settings: &Settings, until: Instant) -> Previous {
        if !settings.judges_as(deployed) {
            return Previous::Incomparable;
        }
        deliver::previous(self.account.reports.as_deref(), until).await
    }

    /// The tag policy, which may lie in a parameter of the function's own Region; none where no rule rests on it.
    async fn policy(&self, settings: &Settings, home: &Location, until: Instant) -> Part<TagPolicy> {
        if !settings.sources().contains(&Source::TagPolicy) {
            return Ok(TagPolicy::default());
        }
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

/// The Regions that `settings` name, or else `home`'s.
fn regions(settings: &Settings, home: &Location) -> BTreeSet<String> {
    match settings.regions.as_slice() {
        [] => BTreeSet::from([home.region.clone()]),
        regions => regions.iter().cloned().collect(),
    }
}
