//! An account in one or several Regions, and the sweep over it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use local_aws::{CreateInferenceProfile, in_process::InProcess};
use ports::Clock;
use profile::{
    arn::{Arn, Location, ProfileArn},
    record::{StackRecord, StackResourceRecord},
    spec,
    tags::{self, KeyRecord, Owner, Tags},
};
use serde_json::Value;
use sweep::{
    AccountPorts, RegionPorts,
    run::{Failure, Sweep},
    settings::Settings,
};
use time::{OffsetDateTime, macros::datetime};
use tokio::time::Instant;

pub const ACCOUNT: &str = "123456789012";
pub const HOME: &str = "us-east-1";
pub const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/6f1b2c3d";
pub const NOVA: &str = "amazon.nova-lite-v1:0";

/// What all profiles are copied from.
fn source() -> String {
    format!("arn:aws:bedrock:{HOME}::foundation-model/{NOVA}")
}

pub struct Harness {
    pub regions: BTreeMap<String, InProcess>,
    pub environment: Vec<(&'static str, String)>,
    /// How long the function may take.
    pub timeout: Duration,
}

impl Harness {
    pub fn new() -> Self {
        Self::of(&[HOME])
    }

    /// More profiles than an account has by default.
    pub fn quota(&self, profiles: u32) {
        self.aws().account().world.switches.quota = profiles as usize;
    }

    pub fn of(regions: &[&str]) -> Self {
        let began = datetime!(2026-03-01 12:00 UTC);
        let aws = |region: &&str| {
            let aws = InProcess::new(ACCOUNT, region, began);
            aws.account().world.state.cost_tags = Some([("owner".to_owned(), true)].into());
            ((*region).to_owned(), aws)
        };
        let environment = vec![
            ("REQUIRED_TAGS", "owner".to_owned()),
            ("REPORT_BUCKET", "reports".to_owned()),
            ("DIGEST_TOPIC", "arn:topic".to_owned()),
            ("EVENT_BUS", "default".to_owned()),
        ];
        Self { regions: regions.iter().map(aws).collect(), environment, timeout: Duration::from_secs(600) }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// The function's own Region.
    pub fn aws(&self) -> &InProcess {
        &self.regions[HOME]
    }

    pub fn now(&self) -> OffsetDateTime {
        self.aws().now()
    }

    /// A profile that somebody made by hand.
    pub fn by_hand(&self, name: &str, tags: &[(&str, &str)]) -> ProfileArn {
        let request = CreateInferenceProfile::new(name, &source());
        let request = tags.iter().fold(request, |request, (key, value)| request.tag(key, value));
        self.aws().make_profile(&request).unwrap()
    }

    /// A profile of the stack as the provider leaves it: tagged, described, published.
    pub fn declared(&self, name: &str) -> ProfileArn {
        let arn = self.owned(name, &[]);
        let owner = owner(name);
        let record = StackResourceRecord {
            physical_id: Some(arn.to_string()),
            status: "CREATE_COMPLETE".into(),
            since: None,
        };
        let mut account = self.aws().account();
        account.stacks.entry(STACK.into()).or_insert_with(|| in_status("CREATE_COMPLETE"));
        account.resources.insert((STACK.into(), owner.logical_id.clone()), record);
        account.parameters.seed(&parameter(name), arn.as_str(), owner.tags());
        arn
    }

    /// A profile with the stack's tags and `more`, of which the stack and the parameters know nothing.
    pub fn owned(&self, name: &str, more: &[(&str, &str)]) -> ProfileArn {
        let users = Tags::from([("owner".into(), "search".into())]);
        let mut all = owner(name).tags();
        all.insert(tags::PARAMETER.into(), parameter(name));
        all.insert(tags::SPEC.into(), spec::digest(name, None, &source()));
        all.insert(tags::MODEL_SOURCE.into(), source());
        all.insert(tags::TAG_KEYS.into(), KeyRecord::of(&users).as_str().to_owned());
        all.extend(users);
        all.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let all: Vec<(&str, &str)> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        self.by_hand(name, &all)
    }

    pub async fn sweep(&self, payload: Value) -> Swept {
        Swept(self.try_sweep(payload).await.unwrap())
    }

    pub async fn try_sweep(&self, payload: Value) -> Result<Value, Failure> {
        let home = Arc::new(self.aws().clone());
        let account = AccountPorts {
            cost_tags: home.clone(),
            reports: Some(home.clone()),
            events: Some(home.clone()),
            notices: Some(home.clone()),
            clock: home.clone(),
        };
        let regions = self.regions.clone();
        let in_region = move |region: &str| {
            let aws = Arc::new(regions[region].clone());
            RegionPorts {
                profiles: aws.clone(),
                tags: aws.clone(),
                models: aws.clone(),
                parameters: aws.clone(),
                parameter_names: aws.clone(),
                stacks: aws.clone(),
                stack_index: aws.clone(),
                usage: aws.clone(),
                quotas: aws,
            }
        };
        let settings = Settings::read(|name| {
            self.environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
        });
        let arn = format!("arn:aws:lambda:{HOME}:{ACCOUNT}:function:sweep");
        let arn = Arn::parse(&arn).unwrap();
        let home = Location {
            partition: arn.partition.into(),
            region: arn.region.into(),
            account: arn.account.into(),
        };
        let sweep = Sweep::new(account, in_region, settings);
        let result = sweep.run(&payload, &home, Instant::now() + self.timeout).await?;
        Ok(serde_json::from_str(result.get()).unwrap())
    }

    /// The calls of the services whose names begin so.
    pub fn calls(&self, services: &[&str]) -> usize {
        let account = self.aws().account();
        let of = |call: &&&str| services.iter().any(|service| call.starts_with(service));
        account.calls.iter().filter(of).count()
    }

    pub fn has(&self, profile: &ProfileArn) -> bool {
        self.aws().account().profiles().contains_key(profile.as_str())
    }

    pub fn value(&self, name: &str) -> Option<String> {
        self.aws().account().parameters.all().get(name).map(|parameter| parameter.value.clone())
    }

    /// The newest report in the bucket.
    pub fn kept(&self) -> Value {
        serde_json::from_slice(&self.aws().account().reports["report.json"].body).unwrap()
    }
}

pub fn owner(name: &str) -> Owner {
    Owner { stack_id: STACK.into(), logical_id: format!("Logical{name}") }
}

pub fn parameter(name: &str) -> String {
    format!("/inference-profiles/{name}")
}

pub fn in_status(status: &str) -> StackRecord {
    StackRecord { status: status.into(), tags: Tags::new(), began: None }
}

/// A result of the function.
pub struct Swept(pub Value);

impl Swept {
    /// Rule and name of each finding.
    pub fn found(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut found: Vec<_> = self.0["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| (text(&finding["rule"]), text(&finding["resource"]["name"])))
            .collect();
        found.sort();
        found
    }

    pub fn is_complete(&self) -> bool {
        self.0["complete"].as_bool().unwrap()
    }

    /// Region and source of everything that could not be read.
    pub fn unread(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut unread = Vec::new();
        for region in self.0["regions"].as_array().unwrap() {
            for part in region["unread"].as_array().unwrap() {
                unread.push((text(&region["region"]), text(&part["source"])));
            }
        }
        unread
    }

    /// Kind, name and outcome of each action.
    pub fn actions(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let actions = self.0["actions"].as_array().unwrap().iter();
        actions.map(|a| (text(&a["action"]), text(&a["name"]), text(&a["outcome"]))).collect()
    }
}

/// `(rule, name)` pairs as [`Swept::found`] gives them.
pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> =
        expected.iter().map(|(rule, name)| ((*rule).to_owned(), (*name).to_owned())).collect();
    pairs.sort();
    pairs
}
