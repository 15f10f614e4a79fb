//! One inventory of a Region: each source once, in bulk and side by side.
//!
//! ```text
//! profiles ─┬─ tags ─ confirmations ─┬─ stacks' words for what they own
//! stacks ───┼────────────────────────┤
//!           │   parameters' names ───┴─ parameters' values
//! active ───┴─ invocations day by day
//! models, system profiles, quota
//! ```
//!
//! What could not be read, or not in time, is a part that says so. Lists and indexes lag: that a profile has
//! no tags, that a parameter's profile is gone and that a stack is gone is asked for by itself before it is
//! believed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    future::Future,
};

use futures::{StreamExt, join, stream};
use ports::{CallError, ErrorKind};
use profile::{
    arn::{Arn, Location, ProfileArn},
    record::{ProfileRecord, StackRecord, StackResourceRecord},
    tags::{self, Owner, Tags},
};
use rules::{
    inventory::{CostTags, Inventory, Parameters, Part, Profile, Source, Stack, Unread, Usage},
    thresholds::UNATTRIBUTED_DAYS,
};
use time::{Duration, OffsetDateTime};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{AccountPorts, RegionPorts, settings::Settings};

/// How many calls of one kind run side by side. The SDK's adaptive retries slow them down together where
/// AWS asks for it.
const SIDE_BY_SIDE: usize = 16;

/// How many parameters `GetParameters` takes.
const NAMES_A_CALL: usize = 10;

/// How many inference profiles an account may have in a Region unless it has a quota of its own
/// (L-40EC9882).
const DEFAULT_QUOTA: u64 = 1_000;

/// What is gathered of one Region, and until when.
pub struct Gathering<'a> {
    /// AWS, in that Region.
    pub ports: &'a RegionPorts,
    /// The Region.
    pub location: Location,
    /// The present instant.
    pub now: OffsetDateTime,
    /// What is asked for.
    pub settings: &'a Settings,
    /// The sources to ask.
    pub asked: BTreeSet<Source>,
    /// When a part that has not been read counts as unread.
    pub until: Instant,
}

impl Gathering<'_> {
    /// Reads all that the settings ask for.
    pub async fn inventory(&self) -> Inventory {
        let ports = self.ports;
        let prefix = self.settings.shared.prefix.as_str();
        let stacks = self.read(Source::Stacks, ports.stack_index.stacks());
        let (tell_listed, listed) = oneshot::channel();
        let (tagged, models, system_profiles, under_prefix, known_stacks, usage, quota) = join!(
            self.profiles(tell_listed),
            self.read(Source::Models, ports.models.foundation_models()),
            self.read(Source::SystemProfiles, ports.models.system_profiles()),
            self.under_prefix(prefix),
            stacks,
            self.usage(listed),
            self.quota(),
        );
        let (profiles, unconfirmed) = match (tagged, &under_prefix) {
            (Ok(profiles), Ok(values)) => {
                let (profiles, unconfirmed) = self.with_unlisted(profiles, values).await;
                (Ok(profiles), unconfirmed)
            }
            (profiles, _) => (profiles, BTreeMap::new()),
        };
        let seen = profiles.as_deref().unwrap_or_default();
        let (recorded, stacks) =
            join!(self.recorded(seen, under_prefix.as_ref().ok()), self.stacks(seen, known_stacks));
        Inventory {
            location: self.location.clone(),
            taken_at: self.now,
            asked: self.asked.clone(),
            profiles,
            unconfirmed,
            models,
            system_profiles,
            parameters: Parameters { prefix: prefix.to_owned(), under_prefix, recorded },
            stacks,
            usage,
            quota,
        }
    }

    /// Reads the tags of `doubted` once more, each by itself: the index of tags lags behind the service.
    pub async fn confirm(&self, inventory: &mut Inventory, doubted: Vec<ProfileArn>) {
        let Ok(profiles) = &mut inventory.profiles else { return };
        let mut asked = self.tags_of_each(doubted).await;
        let mut confirmed = Vec::with_capacity(asked.len());
        for profile in profiles {
            if let Some(tags) = asked.remove(&profile.record.arn) {
                profile.tags = tags;
                confirmed.push(profile.clone());
            }
        }
        // They may name other stacks and parameters than before; what is known is not asked for again.
        let Inventory { stacks, parameters: Parameters { under_prefix, recorded, .. }, .. } = inventory;
        let held = |profile: &Profile| profile.tags.as_ref().ok().cloned().unwrap_or_default();
        let names_new_stack = |profile: &&Profile| {
            Owner::of(&held(profile)).is_some_and(|owner| !stacks.contains_key(&owner.stack_id))
        };
        let names_new_parameter = |profile: &&Profile| {
            held(profile).get(tags::PARAMETER).is_some_and(|name| !recorded.contains_key(name))
        };
        let of_new_stacks: Vec<Profile> = confirmed.iter().filter(names_new_stack).cloned().collect();
        let of_new_parameters: Vec<Profile> = confirmed.iter().filter(names_new_parameter).cloned().collect();
        let (new_values, new_stacks) = join!(
            self.recorded(&of_new_parameters, under_prefix.as_ref().ok()),
            self.stacks(&of_new_stacks, Ok(BTreeMap::new())),
        );
        recorded.extend(new_values);
        stacks.extend(new_stacks);
    }

    async fn tags_of_each(&self, arns: Vec<ProfileArn>) -> BTreeMap<ProfileArn, Part<Tags>> {
        let asked = each(arns, |arn| async move {
            let tags = self.read(Source::Tags, self.ports.profiles.tags(&arn)).await;
            (arn, tags)
        })
        .await;
        asked.into_iter().collect()
    }

    /// A part, unless AWS refuses it or the time for it is over.
    async fn read<T>(&self, source: Source, call: impl Future<Output = ports::Result<T>>) -> Part<T> {
        self.ask(source, call).await.map_err(|error| unread(source, error))
    }

    /// What AWS answers; nothing is called where the source is not among those to ask.
    async fn ask<T>(
        &self,
        source: Source,
        call: impl Future<Output = ports::Result<T>>,
    ) -> Result<T, Trouble> {
        if self.asked.contains(&source) {
            in_time(source, self.until, call).await
        } else {
            Err(Trouble::NotAsked)
        }
    }

    /// The list of profiles with the tags of each. Whose figures are to be asked for is told as soon as the list
    /// is there.
    async fn profiles(&self, tell_listed: oneshot::Sender<Vec<String>>) -> Part<Vec<Profile>> {
        let listed = self.read(Source::Profiles, self.ports.profiles.list()).await?;
        let _ = tell_listed.send(self.to_look_back_for(&listed));
        Ok(self.with_tags(listed).await)
    }

    async fn with_tags(&self, records: Vec<ProfileRecord>) -> Vec<Profile> {
        let arns: Vec<ProfileArn> = records.iter().map(|record| record.arn.clone()).collect();
        let mut indexed = match self.read(Source::Tags, self.ports.tags.tags_of(&arns)).await {
            Ok(indexed) => indexed,
            Err(unread) => {
                let without = |record| Profile { record, tags: Err(unread.clone()) };
                return records.into_iter().map(without).collect();
            }
        };
        // The index leaves out what never had a tag, and lags behind what just got one.
        indexed.retain(|_, tags| !tags.is_empty());
        let missing: Vec<ProfileArn> = arns.into_iter().filter(|arn| !indexed.contains_key(arn)).collect();
        let mut confirmed = self.tags_of_each(missing).await;
        records
            .into_iter()
            .map(|record| {
                let tags = match indexed.remove(&record.arn) {
                    Some(tags) => Ok(tags),
                    None => confirmed.remove(&record.arn).unwrap_or_else(|| Ok(Tags::new())),
                };
                Profile { record, tags }
            })
            .collect()
    }

    /// Adds what the list does not show yet, but parameters name; and tells of what it is not known whether
    /// it is there.
    async fn with_unlisted(
        &self,
        mut profiles: Vec<Profile>,
        values: &BTreeMap<String, String>,
    ) -> (Vec<Profile>, BTreeMap<ProfileArn, Unread>) {
        let listed: BTreeSet<&ProfileArn> = profiles.iter().map(|profile| &profile.record.arn).collect();
        let named = values.values().filter_map(|value| ProfileArn::parse(value));
        let unlisted: BTreeSet<ProfileArn> =
            named.filter(|arn| arn.is_in(&self.location) && !listed.contains(arn)).collect();
        let asked = each(unlisted, |arn| async move {
            let found = self.ask(Source::Profiles, self.ports.profiles.get(arn.as_str())).await;
            (arn, found)
        })
        .await;
        let (mut found, mut unconfirmed) = (Vec::new(), BTreeMap::new());
        for (arn, answer) in asked {
            match answer {
                Ok(record) => found.push(record),
                // An id that Bedrock finds malformed is nobody's.
                Err(Trouble::Call(error)) if is_absent(&error) => {}
                Err(trouble) => {
                    unconfirmed.insert(arn, unread(Source::Profiles, trouble));
                }
            }
        }
        profiles.extend(self.with_tags(found).await);
        (profiles, unconfirmed)
    }

    /// Names and values of what lies under the prefix.
    async fn under_prefix(&self, prefix: &str) -> Part<BTreeMap<String, String>> {
        let names = self.read(Source::Parameters, self.ports.parameter_names.under(prefix)).await?;
        let batches: Vec<Vec<String>> = names.chunks(NAMES_A_CALL).map(<[String]>::to_vec).collect();
        let values = each(batches, |names| async move { self.values(&names).await }).await;
        Ok(values.into_iter().collect::<Part<Vec<_>>>()?.into_iter().flatten().collect())
    }

    async fn values(&self, names: &[String]) -> Part<BTreeMap<String, String>> {
        let records = self.read(Source::Parameters, self.ports.parameters.get(names)).await?;
        Ok(records.into_iter().map(|(name, record)| (name, record.value)).collect())
    }

    /// What is behind the names that profiles' tags record. Those that the list under the prefix does not
    /// show are asked for: the list lags, and some lie elsewhere.
    async fn recorded(
        &self,
        profiles: &[Profile],
        under_prefix: Option<&BTreeMap<String, String>>,
    ) -> BTreeMap<String, Part<Option<String>>> {
        let names: BTreeSet<&String> = profiles
            .iter()
            .filter_map(|profile| profile.tags.as_ref().ok())
            .filter(|held| Owner::of(held).is_some())
            .filter_map(|held| held.get(tags::PARAMETER))
            .filter(|name| name.starts_with('/'))
            .collect();
        let (listed, unlisted): (Vec<&String>, Vec<&String>) =
            names.into_iter().partition(|name| under_prefix.is_some_and(|values| values.contains_key(*name)));
        let mut recorded: BTreeMap<String, Part<Option<String>>> = BTreeMap::new();
        for name in listed {
            recorded.insert(name.clone(), Ok(under_prefix.and_then(|values| values.get(name)).cloned()));
        }
        // A deployment with another prefix may have published elsewhere. The role does not reach that, which
        // is no fault of this one; and one name there would fail the whole call.
        let prefix = format!("{}/", self.settings.shared.prefix.as_str());
        let (within, elsewhere): (Vec<&String>, Vec<&String>) =
            unlisted.into_iter().partition(|name| name.starts_with(&prefix));
        let batches = |names: &[&String], size: usize| -> Vec<Vec<String>> {
            names.chunks(size).map(|names| names.iter().map(|name| (*name).clone()).collect()).collect()
        };
        let all = batches(&within, NAMES_A_CALL).into_iter().chain(batches(&elsewhere, 1));
        let asked = each(all, |names| async move {
            let read = self.ask(Source::Parameters, self.ports.parameters.get(&names)).await;
            (names, read)
        })
        .await;
        for (names, read) in asked {
            let is_elsewhere = names.iter().all(|name| !name.starts_with(&prefix));
            if let (true, Err(Trouble::Call(error))) = (is_elsewhere, &read)
                && error.kind == ErrorKind::Denied
            {
                tracing::info!(%error, ?names, "a parameter of another deployment's prefix is not looked at");
                continue;
            }
            let mut values = read.map_err(|trouble| unread(Source::Parameters, trouble));
            for name in names {
                let value = match &mut values {
                    Ok(values) => Ok(values.remove(&name).map(|record| record.value)),
                    Err(unread) => Err(unread.clone()),
                };
                recorded.insert(name, value);
            }
        }
        recorded
    }

    /// The stacks that profiles name as their owners, and what each says of its logical ids.
    async fn stacks(
        &self,
        profiles: &[Profile],
        known: Part<BTreeMap<String, StackRecord>>,
    ) -> BTreeMap<String, Part<Stack>> {
        let named: BTreeSet<String> = profiles
            .iter()
            .filter_map(|profile| Owner::of(profile.tags.as_ref().ok()?))
            .map(|owner| owner.stack_id)
            .collect();
        let known = match known {
            Ok(known) => known,
            Err(unread) => return named.into_iter().map(|id| (id, Err(unread.clone()))).collect(),
        };
        let known = &known;
        let asked = each(named, |id| async move {
            let stack = self.stack(&id, known.get(&id)).await;
            (id, stack)
        })
        .await;
        asked.into_iter().collect()
    }

    async fn stack(&self, id: &str, known: Option<&StackRecord>) -> Part<Stack> {
        let record = match (known, is_stack_of(id, &self.location)) {
            (Some(record), _) => record.clone(),
            (None, Some(false)) => return Ok(Stack::Elsewhere),
            // What is no stack's id was never one.
            (None, None) => return Ok(Stack::Gone),
            // A deleted stack is not listed; a new one is perhaps not listed yet.
            (None, Some(true)) => match self.ask(Source::Stacks, self.ports.stacks.stack(id)).await {
                Ok(record) => record,
                Err(Trouble::Call(error)) if is_absent(&error) => return Ok(Stack::Gone),
                Err(trouble) => return Err(unread(Source::Stacks, trouble)),
            },
        };
        if record.status == "DELETE_COMPLETE" {
            return Ok(Stack::Gone);
        }
        let resources = self.resources(id).await;
        Ok(Stack::Lives { record, resources })
    }

    async fn resources(&self, id: &str) -> Part<BTreeMap<String, StackResourceRecord>> {
        self.read(Source::Stacks, self.ports.stack_index.resources(id)).await
    }

    /// Invocations of all that was active, and of the profiles whose idleness only older figures tell.
    async fn usage(&self, listed: oneshot::Receiver<Vec<String>>) -> Part<Usage> {
        let mut ids = self.read(Source::Usage, self.ports.usage.active()).await?;
        // Without a list of profiles there is nothing to look back for.
        ids.extend(listed.await.unwrap_or_default());
        let ids: Vec<String> = ids.into_iter().collect();
        let today = self.now.date();
        let since = today - Duration::days(i64::from(self.window_days()));
        let daily = self.read(Source::Usage, self.ports.usage.daily(&ids, since, today)).await?;
        Ok(Usage { since, daily })
    }

    /// The profiles whose figures lie further back than what tells of everything active.
    fn to_look_back_for(&self, listed: &[ProfileRecord]) -> Vec<String> {
        if self.window_days() <= UNATTRIBUTED_DAYS {
            return Vec::new();
        }
        let old = self.now - Duration::days(i64::from(UNATTRIBUTED_DAYS));
        let made_before = listed.iter().filter(|record| record.created_at.is_none_or(|made| made < old));
        made_before.map(|record| record.arn.id().to_owned()).collect()
    }

    /// How many days back usage is asked for.
    fn window_days(&self) -> u16 {
        let settings = self.settings;
        let orphan_idle =
            if settings.actions.delete_orphans { settings.actions.orphan_idle.whole_days() } else { 0 };
        // A part of a day counts as one, and both ends of the window are days.
        let orphan_idle = u16::try_from(orphan_idle).unwrap_or(u16::MAX).saturating_add(1);
        settings.thresholds.idle_days.max(UNATTRIBUTED_DAYS).max(orphan_idle).min(455)
    }

    async fn quota(&self) -> Part<u64> {
        let asked = self.ask(Source::Quota, self.ports.quotas.inference_profiles()).await;
        match asked {
            Err(Trouble::Call(error)) if is_absent(&error) => Ok(DEFAULT_QUOTA),
            asked => asked.map_err(|trouble| unread(Source::Quota, trouble)),
        }
    }
}

/// Which tags allocate cost; `Ok(None)`: billing is another account's, or is not asked.
pub async fn cost_tags(ports: &AccountPorts, settings: &Settings, until: Instant) -> Part<Option<CostTags>> {
    if !settings.cost_tags || !settings.sources().contains(&Source::CostTags) {
        return Ok(None);
    }
    match in_time(Source::CostTags, until, ports.cost_tags.active()).await {
        Ok(active) => Ok(Some(active)),
        Err(Trouble::Call(error)) if is_absent(&error) => {
            tracing::info!(%error, "the cost allocation tags are not this account's to read");
            Ok(None)
        }
        Err(trouble) => Err(unread(Source::CostTags, trouble)),
    }
}

/// The text of the tag policy, where a parameter holds it.
pub async fn policy_text(ports: &RegionPorts, name: &str, until: Instant) -> Part<Option<String>> {
    let names = [name.to_owned()];
    let read = in_time(Source::TagPolicy, until, ports.parameters.get(&names)).await;
    let mut values = read.map_err(|trouble| unread(Source::TagPolicy, trouble))?;
    Ok(values.remove(name).map(|record| record.value))
}

/// Why a call gave nothing.
enum Trouble {
    Call(CallError),
    Late,
    NotAsked,
}

impl Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Late => f.write_str("it was not read within the time that the function has"),
            Self::NotAsked => f.write_str("no rule that is judged rests on it"),
        }
    }
}

async fn in_time<T>(
    source: Source,
    until: Instant,
    call: impl Future<Output = ports::Result<T>>,
) -> Result<T, Trouble> {
    match timeout_at(until, call).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => {
            tracing::debug!(source = source.as_str(), %error, "a part could not be read");
            Err(Trouble::Call(error))
        }
        Err(_) => Err(Trouble::Late),
    }
}

fn unread(source: Source, trouble: Trouble) -> Unread {
    Unread { source, reason: trouble.to_string() }
}

/// What AWS does not know, or finds malformed, is not there. That goes for services too: billing and Service
/// Quotas are not offered in every partition, nor by every stand-in, and not every account has a value there.
fn is_absent(error: &CallError) -> bool {
    matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid)
}

/// Whether `id` is that of a stack in `location`; `None` when it is no stack's id.
pub(crate) fn is_stack_of(id: &str, location: &Location) -> Option<bool> {
    let arn = Arn::parse(id).filter(|arn| arn.service == "cloudformation")?;
    arn.resource.strip_prefix("stack/")?;
    let here = arn.partition == location.partition
        && arn.region == location.region
        && arn.account == location.account;
    Some(here)
}

/// Asks for each item side by side, a bounded number at a time.
async fn each<I, T, F>(items: impl IntoIterator<Item = I>, ask: impl Fn(I) -> F) -> Vec<T>
where
    F: Future<Output = T>,
{
    stream::iter(items.into_iter().map(ask).collect::<Vec<_>>())
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await
}
