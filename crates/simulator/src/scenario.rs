//! What a simulation plays: drawn from a seed, printed as it is, and shrunk to what matters.

use local_aws::{DeletedToken, MismatchedToken, RepeatedToken};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::declaration::{Declaration, SLOTS};

/// One stack's life, and all that goes wrong in it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// How AWS behaves where that is not known.
    pub facts: Facts,
    /// What the first template declares.
    pub first: Vec<Edit>,
    /// Whether and how the creation fails for a reason outside the resources.
    pub failure: Option<SiblingFailure>,
    /// What comes after it. At last the stack is deleted.
    pub updates: Vec<Update>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
}

/// How AWS behaves where its documentation says nothing, or may be either.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Whether a second profile of a name is refused.
    pub unique_names: bool,
    /// What a repeated `clientRequestToken` does.
    pub repeated_token: RepeatedToken,
    /// What it does when the other parameters differ.
    pub mismatched_token: MismatchedToken,
    /// What it does when its first profile is gone.
    pub deleted_token: DeletedToken,
    /// How late Get, List, ListTagsForResource and the tagging API see what was written, in milliseconds.
    pub lag_ms: [u64; 4],
    /// How long each call takes, in milliseconds.
    pub latency_ms: u64,
    /// Whether a stack tells of a resource while a request for it runs.
    pub tells_progress: bool,
    /// Whether `LastUpdatedTime` moves when a rollback begins.
    pub rollback_moves_time: bool,
    /// Whether a rollback sends an Update after a replacement that succeeded, or only deletes the new profile.
    pub rolls_replacements_back: bool,
    /// Whether such an Update, and the Update after a failed one, carries the id of the new profile.
    pub rollback_carries_new_id: bool,
    /// Whether the functions' role is held to its conditions on tags.
    pub conditions: bool,
    /// Whether a rollback that is continued tells, as the old properties, those that it goes back to; otherwise
    /// those of the failed update, as the first time.
    pub continued_forgets_failed: bool,
    /// `ServiceTimeout` in seconds, and whether the request tells it.
    pub service_timeout: Option<(u16, bool)>,
    /// How many seconds CloudFormation takes between two steps of an operation.
    pub pace_s: u64,
    /// With `unique_names`: how long the name of a deleted profile stays taken, in milliseconds.
    pub name_release_ms: u64,
    /// For how long a `clientRequestToken` is remembered, in milliseconds.
    pub token_memory_ms: u64,
    /// How many seconds an answer lies in its bucket before CloudFormation reads it.
    pub read_after_s: u64,
}

/// A change of the template.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Which of the stack's resources.
    pub slot: usize,
    /// What changes.
    pub change: Change,
}

/// What changes about a resource.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is declared so, whether it was before or not.
    Declare(Declaration),
    /// It leaves the template.
    Remove,
    /// Another name.
    Name(u8),
    /// Another description.
    Description(u8),
    /// Another source, or the same by another name.
    Source(u8),
    /// Other tags.
    Tags(u8),
    /// Another parameter.
    Parameter(u8),
    /// Another drain period.
    Drain(u8),
    /// Another protection.
    Protect(u8),
    /// An existing profile is adopted, or no longer.
    Adopt(bool),
    /// Something that is refused comes, or goes.
    Wrong(bool),
}

/// A sibling of the resources fails, so that the operation is taken back.
#[derive(Debug, Clone)]
pub struct SiblingFailure {
    /// How many seconds after the operation began.
    pub after_s: u16,
    /// Whether CloudFormation gives up at once what is still in progress then, or waits for it.
    pub cancels: bool,
}

/// One update of the stack.
#[derive(Debug, Clone)]
pub struct Update {
    /// What changes in the template.
    pub edits: Vec<Edit>,
    /// Whether and how it fails for a reason outside the resources.
    pub failure: Option<SiblingFailure>,
    /// How many seconds after the operation before.
    pub after_s: u32,
    /// Whether a sweep with all its actions runs, and how many seconds after the update began.
    pub sweep_after_s: Option<u16>,
    /// Whether the profiles are invoked before it.
    pub invoked: bool,
}

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// Calls of AWS, counted from the last one that is struck: so many go well, so many then do not.
    Calls {
        /// How many go well first.
        skip: u16,
        /// How many then do not.
        times: u8,
        /// What becomes of them.
        fate: CallFate,
    },
    /// The provider is killed at some await in its first attempts at a request.
    Kill {
        /// Which request, by its number.
        request: u8,
        /// When, in each of them.
        at: Vec<KillAt>,
    },
    /// PUTs of answers fail.
    Puts {
        /// How many go well first.
        skip: u8,
        /// How many then do not.
        times: u8,
        /// What becomes of them.
        fate: PutFate,
    },
    /// A request is delivered once more.
    Repeat {
        /// Which request.
        request: u8,
        /// How many seconds after it was issued.
        after_s: u16,
    },
    /// A request is delivered late.
    Late {
        /// Which request.
        request: u8,
        /// By how many seconds.
        by_s: u16,
    },
    /// The rescue function is killed, too, and tried again.
    KillRescue {
        /// In how many attempts at its first use.
        attempts: u8,
        /// After how many polls.
        polls: u8,
    },
}

/// When a function is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillAt {
    /// After so many polls.
    Poll(u8),
    /// When CloudFormation has its answer, and it has not heard of that.
    Answered,
}

/// What becomes of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutFate {
    /// It is lost on its way.
    Lost,
    /// CloudFormation gets the answer, and that is not heard.
    Unheard,
    /// What lies on the provider's way turns it away; rescue has another way.
    Refused,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFate {
    /// Refused for its rate, without an effect.
    Throttled,
    /// Failed inside AWS, without an effect.
    Failed,
    /// Not allowed.
    Denied,
    /// It has its effect, and the answer is lost.
    AnswerLost,
    /// It reaches AWS only after so many seconds.
    SlowThere(u16),
    /// Its answer comes only after so many seconds.
    SlowBack(u16),
}

/// After how many seconds the adapters give an attempt up: a call is never slower than this, it fails then.
const ATTEMPT_TIMEOUT_S: u16 = 8;

/// All scenarios.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    let first = vec(declared_edit(), 1..=SLOTS);
    let updates =
        prop_oneof![1 => vec(update(), 0..=0), 4 => vec(update(), 1..=2), 1 => vec(update(), 3..=4)];
    let troubles =
        prop_oneof![1 => vec(trouble(), 0..=0), 3 => vec(trouble(), 1..=1), 3 => vec(trouble(), 2..=5)];
    (facts(), first, failure(), updates, troubles, any::<bool>()).prop_map(
        |(facts, first, failure, updates, troubles, continued_forgets_failed)| Scenario {
            facts: Facts { continued_forgets_failed, ..facts },
            first,
            failure,
            updates,
            troubles,
        },
    )
}

fn facts() -> impl Strategy<Value = Facts> {
    let lag = || prop_oneof![3 => Just(0_u64), 2 => select(vec![2_000_u64, 8_000, 20_000])];
    let lags = (lag(), lag(), lag(), lag()).prop_map(<[u64; 4]>::from);
    let tokens = (
        select(vec![RepeatedToken::FirstArn, RepeatedToken::NewProfile, RepeatedToken::Conflict]),
        select(vec![MismatchedToken::FirstArn, MismatchedToken::Conflict]),
        select(vec![DeletedToken::NewProfile, DeletedToken::FirstArn]),
    );
    let timeout = option::weighted(0.15, (select(vec![45_u16, 90, 400]), any::<bool>()));
    let switches = (
        prop::bool::weighted(0.15),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let read_after = prop_oneof![4 => Just(0_u64), 1 => Just(5_u64)];
    let seconds = (select(vec![1_u64, 15]), read_after);
    let memories =
        (select(vec![0_u64, 5_000]), prop_oneof![5 => Just(86_400_000_u64), 1 => Just(60_000_u64)]);
    (switches, tokens, lags, select(vec![0_u64, 20, 700]), timeout, seconds, memories).prop_map(
        |(switches, tokens, lag_ms, latency_ms, service_timeout, (pace_s, read_after_s), memories)| Facts {
            name_release_ms: memories.0,
            token_memory_ms: memories.1,
            unique_names: switches.0,
            repeated_token: tokens.0,
            mismatched_token: tokens.1,
            deleted_token: tokens.2,
            lag_ms,
            latency_ms,
            tells_progress: switches.1,
            rollback_moves_time: switches.2,
            rolls_replacements_back: switches.3,
            rollback_carries_new_id: switches.4,
            continued_forgets_failed: false,
            conditions: switches.5,
            service_timeout,
            pace_s,
            read_after_s,
        },
    )
}

fn declaration() -> impl Strategy<Value = Declaration> {
    let identity = (0..3_u8, 0..3_u8, 0..4_u8);
    let rest =
        (0..4_u8, parameter(), drain(), protect(), prop::bool::weighted(0.1), prop::bool::weighted(0.04));
    (identity, rest).prop_map(
        |((name, description, source), (tags, parameter, drain, protect, adopts, wrong))| Declaration {
            name,
            description,
            source,
            tags,
            parameter,
            drain,
            protect,
            adopts,
            wrong,
        },
    )
}

fn parameter() -> impl Strategy<Value = u8> {
    prop_oneof![12 => Just(0_u8), 4 => Just(1_u8), 3 => Just(2_u8), 1 => Just(3_u8)]
}

fn drain() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0_u8), 1 => Just(1_u8), 1 => Just(2_u8)]
}

fn protect() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(0_u8), 1 => Just(1_u8)]
}

fn slot() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0_usize), 2 => Just(1_usize), 1 => Just(2_usize)]
}

fn declared_edit() -> impl Strategy<Value = Edit> {
    (slot(), declaration())
        .prop_map(|(slot, declaration)| Edit { slot, change: Change::Declare(declaration) })
}

fn edit() -> impl Strategy<Value = Edit> {
    let change = prop_oneof![
        1 => declaration().prop_map(Change::Declare),
        1 => Just(Change::Remove),
        2 => (0..3_u8).prop_map(Change::Name),
        2 => (0..3_u8).prop_map(Change::Description),
        3 => (0..4_u8).prop_map(Change::Source),
        2 => (0..4_u8).prop_map(Change::Tags),
        2 => parameter().prop_map(Change::Parameter),
        1 => drain().prop_map(Change::Drain),
        1 => protect().prop_map(Change::Protect),
        1 => any::<bool>().prop_map(Change::Adopt),
        1 => prop::bool::weighted(0.3).prop_map(Change::Wrong),
    ];
    (slot(), change).prop_map(|(slot, change)| Edit { slot, change })
}

fn failure() -> impl Strategy<Value = Option<SiblingFailure>> {
    let after = prop_oneof![0..4_u16, 0..120_u16];
    let failure = (after, any::<bool>()).prop_map(|(after_s, cancels)| SiblingFailure { after_s, cancels });
    option::weighted(0.25, failure)
}

fn update() -> impl Strategy<Value = Update> {
    let after = prop_oneof![3 => 1..120_u32, 2 => 120..10_000_u32, 1 => 10_000..200_000_u32];
    (vec(edit(), 1..=3), failure(), after, option::weighted(0.1, 0..60_u16), prop::bool::weighted(0.2))
        .prop_map(|(edits, failure, after_s, sweep_after_s, invoked)| Update {
            edits,
            failure,
            after_s,
            sweep_after_s,
            invoked,
        })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let fate = prop_oneof![
        3 => Just(CallFate::Throttled),
        2 => Just(CallFate::Failed),
        2 => Just(CallFate::Denied),
        4 => Just(CallFate::AnswerLost),
        2 => (1..=ATTEMPT_TIMEOUT_S).prop_map(CallFate::SlowThere),
        1 => (1..=ATTEMPT_TIMEOUT_S).prop_map(CallFate::SlowBack),
    ];
    let skip = prop_oneof![2 => 0..12_u16, 3 => 0..40_u16, 1 => 0..120_u16];
    let times = prop_oneof![3 => Just(1_u8), 2 => 2..6_u8, 1 => 6..60_u8];
    let request = || prop_oneof![3 => 0..3_u8, 2 => 0..10_u8];
    let seconds = || prop_oneof![2 => 0..20_u16, 2 => 20..400_u16, 1 => 400..9_000_u16];
    let kill_at = || prop_oneof![6 => (0..60_u8).prop_map(KillAt::Poll), 1 => Just(KillAt::Answered)];
    let attempts = prop_oneof![2 => Just(1_usize), 1 => Just(2_usize), 2 => Just(3_usize)];
    // The provider puts an answer some eighty times before it gives up.
    let put_times = prop_oneof![9 => 1..6_u8, 1 => Just(160_u8)];
    let put_fate =
        prop_oneof![2 => Just(PutFate::Lost), 2 => Just(PutFate::Unheard), 1 => Just(PutFate::Refused)];
    let soon = || (0..12_u8).prop_map(KillAt::Poll);
    let kills = prop_oneof![
        3 => (kill_at(), attempts).prop_map(|(at, attempts)| vec![at; attempts]),
        1 => (soon(), soon(), kill_at()).prop_map(|(first, second, third)| vec![first, second, third]),
    ];
    prop_oneof![
        8 => (skip, times, fate).prop_map(|(skip, times, fate)| Trouble::Calls { skip, times, fate }),
        4 => (request(), kills).prop_map(|(request, at)| Trouble::Kill { request, at }),
        2 => (0..8_u8, put_times, put_fate)
            .prop_map(|(skip, times, fate)| Trouble::Puts { skip, times, fate }),
        2 => (request(), seconds()).prop_map(|(request, after_s)| Trouble::Repeat { request, after_s }),
        1 => (request(), seconds()).prop_map(|(request, by_s)| Trouble::Late { request, by_s }),
        1 => (1..3_u8, 0..10_u8).prop_map(|(attempts, polls)| Trouble::KillRescue { attempts, polls }),
    ]
}
