//! The account that the stack lives in, and what in it is somebody else's.

use std::collections::BTreeMap;

use local_aws::{
    CreateInferenceProfile, ProfileRecord, Switches,
    in_process::{Conditions, Fate, Fault, InProcess, Moment, StoredParameter},
};
use ports::ErrorKind;
use profile::{
    arn::ProfileArn,
    record::{StackRecord, StackResourceRecord},
    spec,
    tags::{self, Owner, Tags},
};
use time::{Date, Month, OffsetDateTime};

use crate::{
    declaration::{ADOPTABLE, LOGICAL_IDS, NAMESAKE, SQUATTED, source_arn},
    scenario::{CallFate, Facts, Trouble},
};

/// The account.
pub const ACCOUNT: &str = "123456789012";
/// The Region.
pub const REGION: &str = "us-east-1";
/// The stack's id.
pub const STACK: &str =
    "arn:aws:cloudformation:us-east-1:123456789012:stack/app/6f1b2c3d-0000-4000-8000-000000000000";
/// The id of another stack, which has a resource of the same logical id.
const NEIGHBOUR: &str =
    "arn:aws:cloudformation:us-east-1:123456789012:stack/neighbour/6f1b2c3d-0000-4000-8000-000000000001";

/// What was there before the stack, and must be there after it.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// The profile that may be adopted.
    pub adoptable: ProfileArn,
    /// Every profile, as it was.
    pub profiles: BTreeMap<String, ProfileRecord>,
    /// Every parameter, as it was.
    pub parameters: BTreeMap<String, StoredParameter>,
}

/// An account as `facts` say it behaves, with the stack's neighbours in it.
pub fn account(facts: &Facts) -> (InProcess, Foreign) {
    let began = Date::from_calendar_date(2026, Month::March, 1)
        .map_or(OffsetDateTime::UNIX_EPOCH, |date| date.midnight().assume_utc());
    let aws = InProcess::new(ACCOUNT, REGION, began);
    let adoptable = neighbours(&aws);
    let mut account = aws.account();
    account.latency = std::time::Duration::from_millis(facts.latency_ms);
    account.conditions = if facts.conditions { Conditions::On } else { Conditions::Off };
    account.world.switches = Switches {
        unique_names: facts.unique_names,
        name_release_ms: facts.name_release_ms,
        token_memory_ms: facts.token_memory_ms,
        repeated_token: facts.repeated_token,
        mismatched_token: facts.mismatched_token,
        deleted_token: facts.deleted_token,
        lag_get_ms: facts.lag_ms[0],
        lag_list_ms: facts.lag_ms[1],
        lag_tags_ms: facts.lag_ms[2],
        lag_tagging_api_ms: facts.lag_ms[3],
        ..Switches::default()
    };
    let foreign =
        Foreign { adoptable, profiles: account.truth(), parameters: account.parameters.all().clone() };
    drop(account);
    (aws, foreign)
}

/// Makes what is somebody else's; gives the profile that may be adopted.
fn neighbours(aws: &InProcess) -> ProfileArn {
    let make = |name: &str, held: &Tags| {
        let request = CreateInferenceProfile::new(name, &source_arn(0));
        let request = held.iter().fold(request, |request, (key, value)| request.tag(key, value));
        aws.make_profile(&request)
    };
    let note = Tags::from([("note".to_owned(), "foreign".to_owned())]);
    // The account is empty and the names are right, so each is made.
    let Ok(adoptable) = make(ADOPTABLE, &note) else { unreachable!("a profile of an empty account") };
    let owned_by = |stack: &str| {
        let mut held = Owner { stack_id: stack.to_owned(), logical_id: LOGICAL_IDS[0].to_owned() }.tags();
        held.insert(tags::SPEC.to_owned(), spec::digest("search", None, &source_arn(0)));
        held.insert(tags::MODEL_SOURCE.to_owned(), source_arn(0));
        held.extend(note.clone());
        held
    };
    // The equal of the first resource's profile: the same template, deployed once more by a neighbour.
    let equal = make(NAMESAKE, &owned_by(NEIGHBOUR)).ok();
    // A namesake of it; the neighbour's resource of the same logical id; and one that somebody put the tags of the
    // stack's own profile on.
    for (name, held) in
        [(NAMESAKE, note.clone()), ("neighbour", owned_by(NEIGHBOUR)), ("spoofed", owned_by(STACK))]
    {
        let _ = make(name, &held);
    }
    let mut draining = owned_by(STACK);
    draining.insert(tags::DRAIN_UNTIL.to_owned(), "2026-02-01T00:00:00Z".to_owned());
    let _ = make("spoofed draining", &draining);

    let mut account = aws.account();
    let theirs = StackRecord { status: "CREATE_COMPLETE".to_owned(), tags: Tags::new(), began: None };
    account.stacks.insert(NEIGHBOUR.to_owned(), theirs);
    let resource = StackResourceRecord {
        physical_id: equal.map(|arn| arn.to_string()),
        status: "CREATE_COMPLETE".to_owned(),
        since: None,
    };
    account.resources.insert((NEIGHBOUR.to_owned(), LOGICAL_IDS[0].to_owned()), resource);
    account.parameters.seed(SQUATTED, "somebody's own", Tags::new());
    account.parameters.seed("/inference-profiles/neighbour", "theirs", owned_by(NEIGHBOUR));
    account.parameters.seed("/inference-profiles/spoofed", "a password", owned_by(STACK));
    adoptable
}

/// Puts the troubles of calls into the account.
pub fn strike(aws: &InProcess, troubles: &[Trouble]) {
    let mut account = aws.account();
    for trouble in troubles {
        let Trouble::Calls { skip, times, fate } = trouble else { continue };
        let seconds = |seconds: u16| std::time::Duration::from_secs(u64::from(seconds));
        let fault = match *fate {
            CallFate::Throttled => Fault::before(Fault::ANY, ErrorKind::Throttled),
            CallFate::Failed => Fault::before(Fault::ANY, ErrorKind::Unknown),
            CallFate::Denied => Fault::before(Fault::ANY, ErrorKind::Denied),
            CallFate::AnswerLost => Fault::lost_answer(Fault::ANY),
            CallFate::SlowThere(by) => Fault::slow(Fault::ANY, Moment::Before, seconds(by)),
            CallFate::SlowBack(by) => Fault::slow(Fault::ANY, Moment::After, seconds(by)),
        };
        account.faults.add(fault.after(u32::from(*skip)).times(u32::from(*times)));
    }
}

/// A fault of a call, in words.
pub fn fault_name(moment: Moment, fate: Fate) -> &'static str {
    match (moment, fate) {
        (Moment::After, Fate::Fails(_)) => "a call has its effect, and its answer is lost",
        (_, Fate::Fails(ErrorKind::Throttled)) => "a call is throttled",
        (_, Fate::Fails(ErrorKind::Denied)) => "a call is denied",
        (_, Fate::Fails(_)) => "a call fails inside AWS",
        (Moment::Before, Fate::Waits(_)) => "a call is slow to arrive",
        (Moment::After, Fate::Waits(_)) => "a call's answer is slow",
        (_, Fate::Hangs) => "a call never ends",
    }
}
