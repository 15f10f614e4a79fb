//! Looks and effects by themselves, where AWS says what the account in process never does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{ACCOUNT, Harness, LOGICAL_ID, PROFILE_NAME, STACK, profile_arn};
use ports::{NewProfile, Ownership, Profiles, Result};
use profile::{
    arn::{Location, ProfileArn},
    effect::{Effect, Step},
    observed::Observed,
    record::ProfileRecord,
    tags::{Owner, Tags},
};
use provider::{
    Ports,
    apply::{self, Context},
    failure::Failure,
    observe::{self, Named, Scope},
};
use tokio::time::Instant;

fn scope() -> Scope {
    Scope {
        owner: Owner { stack_id: STACK.into(), logical_id: LOGICAL_ID.into() },
        location: Location { partition: "aws".into(), region: "us-east-1".into(), account: ACCOUNT.into() },
        until: Instant::now() + Harness::TIMEOUT,
    }
}

fn context<'a>(ports: &'a Ports, scope: &'a Scope) -> Context<'a> {
    Context {
        ports,
        scope,
        specification: None,
        current: None,
        name: None,
        request_id: "request",
        undoing: false,
        until: scope.until,
        stack_read: Instant::now(),
        issued_at: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_never_settles_is_given_up_as_a_defect() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().latency = Duration::from_secs(1);
    let (ports, scope) = (harness.ports(), scope());
    let next = |_: &Observed| Step::<()>::Effects(vec![Effect::ConfirmStack]);
    let end = apply::run(&context(&ports, &scope), &mut Observed::default(), next).await;
    assert_eq!(end, Err(Failure::Unsettled));
}

/// A Bedrock in which a profile becomes active some seconds after it can be read.
struct Slow(Instant);

#[async_trait]
impl Profiles for Slow {
    async fn get(&self, arn: &str) -> Result<ProfileRecord> {
        let status = if self.0.elapsed() < Duration::from_secs(5) { "CREATING" } else { "ACTIVE" };
        Ok(ProfileRecord {
            arn: ProfileArn::parse(arn).unwrap(),
            name: PROFILE_NAME.into(),
            description: None,
            status: status.into(),
            models: Vec::new(),
            created_at: None,
            updated_at: None,
        })
    }

    async fn create(&self, _: &NewProfile) -> Result<ProfileArn> {
        panic!("only the record is asked for")
    }

    async fn list(&self) -> Result<Vec<ProfileRecord>> {
        panic!("only the record is asked for")
    }

    async fn delete(&self, _: &ProfileArn) -> Result<()> {
        panic!("only the record is asked for")
    }

    async fn tags(&self, _: &ProfileArn) -> Result<Tags> {
        panic!("only the record is asked for")
    }

    async fn tag(&self, _: &ProfileArn, _: &Tags) -> Result<()> {
        panic!("only the record is asked for")
    }

    async fn untag(&self, _: &ProfileArn, _: &[String]) -> Result<()> {
        panic!("only the record is asked for")
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_counts_as_seen_when_it_is_active() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let ports = Ports { profiles: Arc::new(Slow(Instant::now())), ..harness.ports() };
    let (scope, arn) = (scope(), ProfileArn::parse(&profile_arn("0mbq3svia2re")).unwrap());
    let next = |observed: &Observed| match observed.profiles.get(&arn).and_then(|seen| seen.record.clone()) {
        Some(record) => Step::Settled(record.status),
        None => Step::Effects(vec![Effect::AwaitProfile(arn.clone())]),
    };
    let status = apply::run(&context(&ports, &scope), &mut Observed::default(), next).await;
    assert_eq!(status, Ok("ACTIVE".to_owned()));
}

/// An index of tags that names these.
struct Names(Vec<String>);

#[async_trait]
impl Ownership for Names {
    async fn owned_by(&self, _: &Owner) -> Result<Vec<String>> {
        Ok(self.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_elsewhere_is_not_asked_for_though_the_index_names_it() {
    let here = profile_arn("0mbq3svia2re");
    let elsewhere = [here.replace("us-east-1", "eu-west-1"), here.replace(ACCOUNT, "999999999999")];
    for (names, asks) in [(elsewhere.to_vec(), false), (vec![here], true)] {
        let harness = Harness::new("UPDATE_IN_PROGRESS");
        let ports = Ports { ownership: Arc::new(Names(names)), ..harness.ports() };
        let asked = || harness.aws.account().calls.contains(&"bedrock:ListTagsForResource");
        let (found, _) = observe::owned_profiles(&ports, &scope(), None, None).await.unwrap();
        assert!(found.is_empty());
        assert_eq!(asked(), asks, "a Delete");
        harness.aws.account().calls.clear();
        let named = Named { is_update: true, ..Named::default() };
        observe::for_convergence(&ports, &scope(), &named).await.unwrap();
        assert_eq!(asked(), asks, "an Update");
    }
}
