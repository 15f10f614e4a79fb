//! An account, a stack in it, and the provider.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use custom_resource::{AnswerSink, Invocation, LogPlace, PutError, ResponseUrl, Trust, serve};
use function::settings::Settings;
use local_aws::{
    Switches,
    in_process::{InProcess, ParameterStore},
};
use profile::{
    record::{StackRecord, StackResourceRecord},
    tags::Tags,
};
use provider::{Ports, resource::InferenceProfile};
use serde_json::{Value, json};
use time::{Date, Month, OffsetDateTime, macros::format_description};
use tokio::time::Instant;

pub const ACCOUNT: &str = "123456789012";
pub const STACK: &str =
    "arn:aws:cloudformation:us-east-1:123456789012:stack/app/6f1b2c3d-0000-4000-8000-000000000000";
pub const LOGICAL_ID: &str = "Search";
pub const PROFILE_NAME: &str = "search";
pub const NOVA: &str = "amazon.nova-lite-v1:0";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:provider";

pub fn model_arn(id: &str) -> String {
    format!("arn:aws:bedrock:us-east-1::foundation-model/{id}")
}

pub fn profile_arn(id: &str) -> String {
    format!("arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/{id}")
}

/// What the tests' stack declares.
pub fn declared() -> Value {
    json!({
        "ServiceToken": FUNCTION,
        "InferenceProfileName": PROFILE_NAME,
        "Description": "Search: production.",
        "ModelSource": {"CopyFrom": NOVA},
        "Tags": [{"Key": "owner", "Value": "search"}],
    })
}

pub fn profile_tag(harness: &Harness, arn: &str, key: &str) -> Option<String> {
    harness.aws.account().profiles().get(arn)?.get(key).cloned()
}

/// Keeps what would have reached CloudFormation.
#[derive(Default)]
struct Recorder(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl AnswerSink for Recorder {
    async fn put(&self, _: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
        self.0.lock().unwrap().push(body);
        Ok(())
    }
}

/// One answer as CloudFormation got it.
pub struct Received {
    pub body: Value,
}

impl Received {
    /// The physical id of a success.
    pub fn succeeded(&self) -> String {
        assert_eq!(self.body["Status"], "SUCCESS", "{:#}", self.body);
        self.body["PhysicalResourceId"].as_str().unwrap().to_owned()
    }

    /// The reason of a failure.
    pub fn failed(&self) -> String {
        assert_eq!(self.body["Status"], "FAILED", "{:#}", self.body);
        self.body["Reason"].as_str().unwrap().to_owned()
    }
}

#[derive(Clone)]
pub struct Harness {
    pub aws: InProcess,
    pub environment: Vec<(&'static str, &'static str)>,
    /// When the requests were issued that are sent: now, unless they are late.
    pub issued: Option<OffsetDateTime>,
    function: String,
}

impl Harness {
    /// The function's timeout.
    pub const TIMEOUT: Duration = Duration::from_secs(300);

    /// An empty account with one stack in `status`.
    pub fn new(status: &'static str) -> Self {
        let began = Date::from_calendar_date(2026, Month::March, 1).unwrap().midnight().assume_utc();
        let harness = Self::of_account(ACCOUNT, began);
        harness.status(status);
        harness
    }

    /// An empty account without stacks, whose clock shows `began`.
    pub fn of_account(account: &str, began: OffsetDateTime) -> Self {
        let aws = InProcess::new(account, "us-east-1", began);
        let function = format!("arn:aws:lambda:us-east-1:{account}:function:provider");
        Self { aws, environment: Vec::new(), issued: None, function }
    }

    /// The stack goes on to `status`. As CloudFormation documents it, only the beginning of a creation or
    /// of an update is told; whether that of a rollback is, is not documented.
    pub fn status(&self, status: &str) {
        let tags = Tags::from([("cost-center".into(), "42".into()), ("owner".into(), "the stack".into())]);
        let before = self.aws.account().stacks.get(STACK).and_then(|stack| stack.began);
        let begins = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"].contains(&status);
        let began = if begins { Some(self.now()) } else { before };
        self.aws.account().stacks.insert(STACK.into(), StackRecord { status: status.into(), tags, began });
    }

    /// What the account's clock shows.
    pub fn now(&self) -> OffsetDateTime {
        ports::Clock::now(&self.aws)
    }

    /// The same, for requests that were issued at `issued` and come only now.
    pub fn late(&self, issued: OffsetDateTime) -> Self {
        Self { issued: Some(issued), ..self.clone() }
    }

    /// The stack names `physical_id` as the current one.
    pub fn describe(&self, physical_id: &str) {
        self.resource_is("UPDATE_COMPLETE", Some(physical_id));
    }

    /// The stack's resource reaches `status` now, and is called `physical_id`.
    pub fn resource_is(&self, status: &str, physical_id: Option<&str>) {
        let record = StackResourceRecord {
            physical_id: physical_id.map(str::to_owned),
            status: status.into(),
            since: Some(self.now()),
        };
        self.aws.account().resources.insert((STACK.into(), LOGICAL_ID.into()), record);
    }

    pub fn switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.aws.account().world.switches);
    }

    /// The profile is invoked now.
    pub fn used(&self, arn: &str) {
        let now = ports::Clock::now(&self.aws);
        let id = arn.rsplit('/').next().unwrap().to_owned();
        self.aws.account().invocations.entry(id).or_default().push(now);
    }

    /// The value of the stack's parameter.
    pub fn published(&self) -> Option<String> {
        let account = self.aws.account();
        account.parameters.all().get("/inference-profiles/search").map(|parameter| parameter.value.clone())
    }

    /// All profiles with their tags, and all parameters.
    pub fn state(&self) -> (BTreeMap<String, Tags>, ParameterStore) {
        let account = self.aws.account();
        (account.profiles(), account.parameters.clone())
    }

    /// Nothing is left.
    pub fn is_empty(&self) {
        let account = self.aws.account();
        assert_eq!(account.profiles().keys().collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(account.parameters.all().keys().collect::<Vec<_>>(), Vec::<&String>::new());
    }

    /// There is one profile, published, with the tags of the declaration and of the stack.
    pub fn holds_exactly(&self, arn: &str, declared: &Value) {
        let profiles = self.aws.account().profiles();
        assert_eq!(profiles.keys().collect::<Vec<_>>(), [arn]);
        let held: Tags = profiles[arn]
            .iter()
            .filter(|(key, _)| !profile::tags::is_reserved(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut wanted = Tags::from([("cost-center".into(), "42".into())]);
        for tag in declared["Tags"].as_array().unwrap() {
            wanted.insert(tag["Key"].as_str().unwrap().into(), tag["Value"].as_str().unwrap().into());
        }
        assert_eq!(held, wanted);
        assert_eq!(self.published().as_deref(), Some(arn));
        let account = self.aws.account();
        assert_eq!(account.parameters.all().len(), 1);
        assert_eq!(account.parameters.all()["/inference-profiles/search"].tags["owner"], wanted["owner"]);
    }

    /// After each change: the parameter exists and holds the ARN of a living profile.
    pub fn watch_readers(&self, name: &'static str) -> Arc<Mutex<Vec<String>>> {
        let violations = Arc::new(Mutex::new(Vec::new()));
        let seen = violations.clone();
        self.aws.watch(move |account, operation| {
            let value = account.parameters.all().get(name).map(|parameter| parameter.value.clone());
            if !value.as_ref().is_some_and(|value| account.profiles().contains_key(value)) {
                seen.lock().unwrap().push(format!("after {operation} the parameter holds {value:?}"));
            }
        });
        violations
    }

    pub async fn create(&self, properties: &Value) -> Received {
        self.send(json!({"RequestType": "Create", "ResourceProperties": properties})).await
    }

    pub async fn update(&self, id: &str, properties: &Value, old: &Value) -> Received {
        // Another update is another request.
        let number = self.aws.account().calls.len();
        self.send(json!({
            "RequestType": "Update",
            "RequestId": format!("update-{number}"),
            "PhysicalResourceId": id,
            "ResourceProperties": properties,
            "OldResourceProperties": old,
        }))
        .await
    }

    pub async fn delete(&self, id: &str, properties: &Value) -> Received {
        self.send(json!({
            "RequestType": "Delete",
            "PhysicalResourceId": id,
            "ResourceProperties": properties,
        }))
        .await
    }

    /// Sends a request of the stack; what `part` leaves out is filled in.
    pub async fn send(&self, part: Value) -> Received {
        let signed = self.issued.unwrap_or_else(|| self.now());
        let date = signed.format(format_description!("[year][month][day]T[hour][minute][second]Z")).unwrap();
        let url = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer";
        let mut payload = json!({
            "RequestId": "1f2e3d4c-0000-4000-8000-000000000001",
            "StackId": STACK,
            "ResponseURL": format!("{url}?X-Amz-Date={date}&X-Amz-Signature=secret"),
            "ResourceType": "Custom::InferenceProfile",
            "LogicalResourceId": LOGICAL_ID,
        });
        payload.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        let mut received = self.deliver(payload).await;
        assert_eq!(received.len(), 1, "exactly one answer");
        let bytes = received.remove(0);
        assert!(bytes.len() <= 4096);
        Received { body: serde_json::from_slice(&bytes).unwrap() }
    }

    /// All that the provider reaches.
    pub fn ports(&self) -> Ports {
        let aws = Arc::new(self.aws.clone());
        Ports {
            profiles: aws.clone(),
            models: aws.clone(),
            ownership: aws.clone(),
            parameters: aws.clone(),
            stacks: aws.clone(),
            usage: aws.clone(),
            clock: aws,
        }
    }

    /// Delivers any payload; gives the bodies that reached CloudFormation.
    pub async fn deliver(&self, payload: Value) -> Vec<Vec<u8>> {
        let environment = self.environment.clone();
        let settings = Settings::read(|name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        let sink = Recorder::default();
        let resource = InferenceProfile::new(self.ports(), settings);
        let trust = Trust::new(&self.function, self.environment.clone());
        let log =
            LogPlace { group: Some("/aws/lambda/provider".into()), stream: Some("2026/03/01/[1]abc".into()) };
        let (began, deadline) = (self.now(), Instant::now() + Self::TIMEOUT);
        let invocation = Invocation { aws_request_id: "9a8b7c6d".into(), log, began, deadline };
        serve(payload, &invocation, &trust, &resource, &sink).await.unwrap();
        sink.0.into_inner().unwrap()
    }
}
