//! What the account holds: the profiles of each account and Region, and the catalogue.
//!
//! Nothing is forgotten at once. A profile keeps its deletion and its earlier tags for a while, so that an
//! operation which lags reads the state as of an earlier moment; this alone makes staleness consistent.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::random::Random;
use crate::timestamp::Timestamp;

/// Who calls, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The account, 12 digits.
    pub account: String,
    /// The Region.
    pub region: String,
}

impl Caller {
    /// A caller of an account in a Region.
    pub fn new(account: &str, region: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned() }
    }
}

/// The moment of a call, and how much earlier a fault makes it read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) now: Timestamp,
    pub(crate) stale_ms: u64,
}

impl View {
    /// The moment whose state a read with this lag sees.
    pub(crate) fn as_of(&self, lag_ms: u64) -> Timestamp {
        self.now.earlier(lag_ms.saturating_add(self.stale_ms))
    }
}

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The tags of a profile from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TagVersion {
    since: Timestamp,
    tags: Tags,
}

/// An application profile, with all that the API never gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) copied_from: String,
    pub(crate) models: Vec<String>,
    pub(crate) client_request_token: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    first_tagged_at: Option<Timestamp>,
    history: Vec<TagVersion>,
}

impl Profile {
    pub(crate) fn exists_at(&self, at: Timestamp) -> bool {
        self.created_at <= at && self.deleted_at.is_none_or(|deleted| at < deleted)
    }

    /// The tags as they were; before the first, as they were at first.
    pub(crate) fn tags_at(&self, at: Timestamp) -> &Tags {
        static NONE: Tags = Tags::new();
        let version = self.history.iter().rev().find(|version| version.since <= at);
        version.or(self.history.first()).map_or(&NONE, |version| &version.tags)
    }

    /// The tags as they are.
    pub(crate) fn tags(&self) -> &Tags {
        static NONE: Tags = Tags::new();
        self.history.last().map_or(&NONE, |version| &version.tags)
    }

    /// Whether it ever had a tag up to that moment.
    pub(crate) fn was_tagged_at(&self, at: Timestamp) -> bool {
        self.first_tagged_at.is_some_and(|first| first <= at)
    }

    /// Sets the tags, and forgets versions that ended before `horizon`.
    pub(crate) fn set_tags(&mut self, tags: Tags, now: Timestamp, horizon: Timestamp) {
        if !tags.is_empty() {
            self.first_tagged_at.get_or_insert(now);
        }
        if self.history.last().is_none_or(|version| version.tags != tags) {
            self.history.push(TagVersion { since: now, tags });
        }
        let ended = self.history.iter().skip(1).take_while(|version| version.since <= horizon).count();
        self.history.drain(..ended);
    }
}

/// What CreateInferenceProfile remembers of a `clientRequestToken`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsedToken {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// A digest of the other parameters.
    pub(crate) parameters: u64,
}

/// One account in one Region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    next: u64,
    /// By sequence number, which is the order of creation and of every listing.
    living: BTreeMap<u64, Profile>,
    /// In the order of deletion.
    deleted: VecDeque<Profile>,
    ids: BTreeMap<String, u64>,
    names: BTreeMap<String, u64>,
    pub(crate) tokens: BTreeMap<String, UsedToken>,
}

/// What a new profile is made of.
pub(crate) struct NewProfile {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) copied_from: String,
    pub(crate) models: Vec<String>,
    pub(crate) client_request_token: Option<String>,
    pub(crate) tags: Tags,
}

impl Place {
    pub(crate) fn count(&self) -> usize {
        self.living.len()
    }

    pub(crate) fn living(&self, id: &str) -> Option<&Profile> {
        self.living.get(self.ids.get(id)?)
    }

    pub(crate) fn living_mut(&mut self, id: &str) -> Option<&mut Profile> {
        self.living.get_mut(self.ids.get(id)?)
    }

    /// The profile with this id as of a moment, alive or since deleted.
    pub(crate) fn profile_at(&self, id: &str, at: Timestamp) -> Option<&Profile> {
        let deleted = || self.deleted.iter().find(|profile| profile.id == id);
        self.living(id).or_else(deleted).filter(|profile| profile.exists_at(at))
    }

    /// The profiles as of a moment that come after a sequence number, in order.
    pub(crate) fn profiles_at(&self, at: Timestamp, after: Option<u64>) -> impl Iterator<Item = &Profile> {
        let first = after.map_or(0, |sequence| sequence.saturating_add(1));
        let mut gone: Vec<&Profile> = self
            .deleted
            .iter()
            .filter(|profile| profile.sequence >= first && profile.exists_at(at))
            .collect();
        gone.sort_by_key(|profile| profile.sequence);
        let living = self.living.range(first..).map(|(_, profile)| profile);
        merge(gone.into_iter(), living.filter(move |profile| profile.exists_at(at)))
    }

    /// Whether a name is taken, or was deleted less than `release_ms` ago.
    pub(crate) fn name_is_taken(&self, name: &str, now: Timestamp, release_ms: u64) -> bool {
        let still_held = |profile: &Profile| {
            profile.name == name
                && profile.deleted_at.is_some_and(|deleted| now.earlier(release_ms) < deleted)
        };
        self.names.contains_key(name) || (release_ms > 0 && self.deleted.iter().any(still_held))
    }

    pub(crate) fn insert(&mut self, new: NewProfile, now: Timestamp) -> &Profile {
        let sequence = self.next;
        self.next += 1;
        self.ids.insert(new.id.clone(), sequence);
        *self.names.entry(new.name.clone()).or_default() += 1;
        let mut profile = Profile {
            sequence,
            id: new.id,
            arn: new.arn,
            name: new.name,
            description: new.description,
            copied_from: new.copied_from,
            models: new.models,
            client_request_token: new.client_request_token,
            created_at: now,
            deleted_at: None,
            first_tagged_at: None,
            history: Vec::new(),
        };
        profile.set_tags(new.tags, now, now);
        self.living.entry(sequence).or_insert(profile)
    }

    /// Deletes a living profile; `false` when there is none with this id.
    pub(crate) fn delete(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(mut profile) = self.ids.remove(id).and_then(|sequence| self.living.remove(&sequence)) else {
            return false;
        };
        if let Some(count) = self.names.get_mut(&profile.name) {
            *count -= 1;
            if *count == 0 {
                self.names.remove(&profile.name);
            }
        }
        profile.deleted_at = Some(now);
        self.deleted.push_back(profile);
        true
    }

    /// Forgets what was deleted before `horizon`.
    pub(crate) fn forget(&mut self, horizon: Timestamp) {
        let old = |profile: &Profile| profile.deleted_at.is_some_and(|deleted| deleted < horizon);
        while self.deleted.front().is_some_and(old) {
            self.deleted.pop_front();
        }
    }
}

/// Merges two runs that are each in the order of sequence numbers.
fn merge<'a>(
    left: impl Iterator<Item = &'a Profile>,
    right: impl Iterator<Item = &'a Profile>,
) -> impl Iterator<Item = &'a Profile> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(l), Some(r)) if l.sequence < r.sequence => left.next(),
        (Some(_), None) => left.next(),
        _ => right.next(),
    })
}

/// Everything that calls can change, and the catalogue.
///
/// A call without an effect leaves it equal to what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The models and system-defined profiles.
    pub catalogue: Catalogue,
    /// The user-defined tag keys that billing knows, and whether each is active; `None` when another account
    /// pays for this one.
    pub cost_tags: Option<BTreeMap<String, bool>>,
    accounts: BTreeMap<String, BTreeMap<String, Place>>,
    ids: Random,
}

impl Default for State {
    fn default() -> Self {
        Self::new(Catalogue::default())
    }
}

/// An application profile as it truly is, without any lag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileRecord {
    /// The name.
    pub name: String,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The `copyFrom` of its creation, which the API never gives back.
    pub copied_from: String,
    /// The model ARNs it routes to.
    pub models: Vec<String>,
    /// The tags.
    pub tags: Tags,
    /// The token of its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl State {
    /// A state without profiles.
    pub fn new(catalogue: Catalogue) -> Self {
        Self {
            catalogue,
            cost_tags: Some(BTreeMap::new()),
            accounts: BTreeMap::new(),
            ids: Random::seeded(0x0b3d_70c4),
        }
    }

    /// The application profiles of an account and Region by ARN, as they truly are: what a test compares
    /// before and after.
    pub fn profiles(&self, caller: &Caller) -> BTreeMap<String, ProfileRecord> {
        let record = |profile: &Profile| ProfileRecord {
            name: profile.name.clone(),
            description: profile.description.clone(),
            copied_from: profile.copied_from.clone(),
            models: profile.models.clone(),
            tags: profile.tags().clone(),
            client_request_token: profile.client_request_token.clone(),
            created_at: profile.created_at,
        };
        let living = self.place(caller).into_iter().flat_map(|place| place.living.values());
        living.map(|profile| (profile.arn.clone(), record(profile))).collect()
    }

    /// The application profiles of every account and Region: account, Region, ARN.
    pub fn all_profiles(&self) -> BTreeMap<String, BTreeMap<String, BTreeMap<String, ProfileRecord>>> {
        let regions = |account: &str, places: &BTreeMap<String, Place>| {
            let records = |region: &String| (region.clone(), self.profiles(&Caller::new(account, region)));
            places.keys().map(records).collect()
        };
        self.accounts.iter().map(|(account, places)| (account.clone(), regions(account, places))).collect()
    }

    pub(crate) fn place(&self, caller: &Caller) -> Option<&Place> {
        self.accounts.get(&caller.account)?.get(&caller.region)
    }

    pub(crate) fn place_mut(&mut self, caller: &Caller) -> &mut Place {
        self.accounts.entry(caller.account.clone()).or_default().entry(caller.region.clone()).or_default()
    }

    /// An id that no living profile of the place has.
    pub(crate) fn new_id(&mut self, caller: &Caller) -> String {
        loop {
            let id = self.ids.id(12);
            if self.place(caller).is_none_or(|place| place.living(&id).is_none()) {
                return id;
            }
        }
    }
}
