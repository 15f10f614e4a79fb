//! Application inference profiles, at Amazon Bedrock.

use async_trait::async_trait;
use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_bedrock::{
    Client,
    config::Config,
    types::{
        InferenceProfileModel, InferenceProfileModelSource, InferenceProfileSummary, InferenceProfileType,
        Tag,
    },
};
use aws_smithy_types::DateTime;
use ports::{CallError, ErrorKind, NewProfile, Profiles, Result};
use profile::{arn::ProfileArn, record::ProfileRecord, tags::Tags};

use crate::{
    error::{failed, unbuilt, unreadable},
    page::advance,
    timestamp,
};

const CREATE: &str = "bedrock:CreateInferenceProfile";
const DELETE: &str = "bedrock:DeleteInferenceProfile";
pub(crate) const GET: &str = "bedrock:GetInferenceProfile";
const LIST: &str = "bedrock:ListInferenceProfiles";
const LIST_TAGS: &str = "bedrock:ListTagsForResource";
const TAG: &str = "bedrock:TagResource";
const UNTAG: &str = "bedrock:UntagResource";

/// The most that `ListInferenceProfiles` gives in a page ("ListInferenceProfiles", `maxResults`).
const PAGE: i32 = 1000;

pub(crate) struct Bedrock {
    client: Client,
}

impl Bedrock {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl Profiles for Bedrock {
    async fn create(&self, profile: &NewProfile) -> Result<ProfileArn> {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let made = self
            .client
            .create_inference_profile()
            .inference_profile_name(&profile.name)
            .set_description(profile.description.clone())
            .client_request_token(&profile.token)
            .model_source(InferenceProfileModelSource::CopyFrom(profile.copy_from.clone()))
            .set_tags(Some(to_sdk(CREATE, &profile.tags)?).filter(|tags| !tags.is_empty()))
            .customize()
            .config_override(once)
            .send()
            .await
            .map_err(failed(CREATE))?;
        arn(CREATE, &made.inference_profile_arn)
    }

    async fn get(&self, arn_or_id: &str) -> Result<ProfileRecord> {
        let found = self
            .client
            .get_inference_profile()
            .inference_profile_identifier(arn_or_id)
            .send()
            .await
            .map_err(failed(GET))?;
        if found.r#type != InferenceProfileType::Application {
            return Err(not_found(format!("{arn_or_id} is not an application inference profile")));
        }
        Ok(ProfileRecord {
            arn: arn(GET, &found.inference_profile_arn)?,
            name: found.inference_profile_name,
            description: described(found.description),
            status: found.status.as_str().to_owned(),
            models: model_arns(found.models),
            created_at: instant(found.created_at),
            updated_at: instant(found.updated_at),
        })
    }

    async fn list(&self) -> Result<Vec<ProfileRecord>> {
        let found = summaries(&self.client, InferenceProfileType::Application).await?;
        found
            .into_iter()
            .map(|found| {
                Ok(ProfileRecord {
                    arn: arn(LIST, &found.inference_profile_arn)?,
                    name: found.inference_profile_name,
                    description: described(found.description),
                    status: found.status.as_str().to_owned(),
                    models: model_arns(found.models),
                    created_at: instant(found.created_at),
                    updated_at: instant(found.updated_at),
                })
            })
            .collect()
    }

    async fn delete(&self, arn: &ProfileArn) -> Result<()> {
        self.client
            .delete_inference_profile()
            .inference_profile_identifier(arn.as_str())
            .send()
            .await
            .map_err(failed(DELETE))?;
        Ok(())
    }

    async fn tags(&self, arn: &ProfileArn) -> Result<Tags> {
        let found = self
            .client
            .list_tags_for_resource()
            .resource_arn(arn.as_str())
            .send()
            .await
            .map_err(failed(LIST_TAGS))?;
        Ok(found.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn tag(&self, arn: &ProfileArn, tags: &Tags) -> Result<()> {
        if tags.is_empty() {
            return Ok(());
        }
        self.client
            .tag_resource()
            .resource_arn(arn.as_str())
            .set_tags(Some(to_sdk(TAG, tags)?))
            .send()
            .await
            .map_err(failed(TAG))?;
        Ok(())
    }

    async fn untag(&self, arn: &ProfileArn, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.client
            .untag_resource()
            .resource_arn(arn.as_str())
            .set_tag_keys(Some(keys.to_vec()))
            .send()
            .await
            .map_err(failed(UNTAG))?;
        Ok(())
    }
}

/// All profiles of one type; pages. The type is checked again here.
pub(crate) async fn summaries(
    client: &Client,
    kind: InferenceProfileType,
) -> Result<Vec<InferenceProfileSummary>> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_inference_profiles()
            .type_equals(kind.clone())
            .max_results(PAGE)
            .set_next_token(token.clone())
            .send()
            .await
            .map_err(failed(LIST))?;
        let of_kind = page.inference_profile_summaries.unwrap_or_default().into_iter();
        found.extend(of_kind.filter(|profile| profile.r#type == kind));
        if !advance(LIST, &mut token, page.next_token)? {
            return Ok(found);
        }
    }
}

/// A profile that is there, but is not of the type that was asked for.
pub(crate) fn not_found(message: String) -> CallError {
    let code = "ResourceNotFoundException".into();
    CallError { operation: GET, kind: ErrorKind::NotFound, code, message }
}

/// The ARNs of a profile's models, in the API's order.
pub(crate) fn model_arns(models: Vec<InferenceProfileModel>) -> Vec<String> {
    models.into_iter().filter_map(|model| model.model_arn).collect()
}

fn arn(operation: &'static str, text: &str) -> Result<ProfileArn> {
    ProfileArn::parse(text)
        .ok_or_else(|| unreadable(operation, format!("`{text}` is not an application profile's ARN")))
}

fn described(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn instant(instant: Option<DateTime>) -> Option<time::OffsetDateTime> {
    instant.as_ref().and_then(timestamp::from_sdk)
}

fn to_sdk(operation: &'static str, tags: &Tags) -> Result<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(unbuilt(operation)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_config::timeout::TimeoutConfig;
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;
    use crate::{
        ATTEMPT_TIMEOUT, ATTEMPTS, CALL_TIMEOUT, CONNECT_TIMEOUT,
        wire::{Reply, Server},
    };

    fn arn() -> ProfileArn {
        ProfileArn::parse(&arn_of("0mbq3svia2re")).unwrap()
    }

    fn arn_of(id: &str) -> String {
        format!("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/{id}")
    }

    fn new() -> NewProfile {
        NewProfile {
            name: "shop".into(),
            description: Some("For the shop".into()),
            copy_from: "arn:source".into(),
            token: "token-1".into(),
            tags: Tags::from([("k".into(), "v".into())]),
        }
    }

    fn profile(id: &str, kind: &str) -> Value {
        json!({
            "inferenceProfileName": "shop",
            "description": "For the shop",
            "createdAt": "2026-03-13T17:49:52.429944Z",
            "updatedAt": "2026-03-13T17:50:00Z",
            "inferenceProfileArn": arn_of(id),
            "models": [
                { "modelArn": "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0" },
                { "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0" },
            ],
            "inferenceProfileId": id,
            "status": "ACTIVE",
            "type": kind,
        })
    }

    fn record() -> ProfileRecord {
        ProfileRecord {
            arn: arn(),
            name: "shop".into(),
            description: Some("For the shop".into()),
            status: "ACTIVE".into(),
            models: vec![
                "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0".into(),
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0".into(),
            ],
            created_at: Some(datetime!(2026-03-13 17:49:52.429944 UTC)),
            updated_at: Some(datetime!(2026-03-13 17:50:00 UTC)),
        }
    }

    #[tokio::test]
    async fn a_profile_is_made_with_its_token_and_tags() {
        let made = json!({ "inferenceProfileArn": arn_of("0mbq3svia2re"), "status": "ACTIVE" });
        let server = Server::start([Reply::json(made)]).await;
        assert_eq!(server.aws().await.profiles().create(&new()).await.unwrap(), arn());
        let sent = server.sent();
        assert_eq!(sent[0].line(), "POST /inference-profiles");
        let request = json!({
            "inferenceProfileName": "shop",
            "description": "For the shop",
            "clientRequestToken": "token-1",
            "modelSource": { "copyFrom": "arn:source" },
            "tags": [{ "key": "k", "value": "v" }],
        });
        assert_eq!(sent[0].json(), request);
    }

    #[tokio::test]
    async fn a_creation_is_sent_once_whatever_becomes_of_it() {
        for (reply, kind, code) in [
            (
                Reply::error(500, "InternalServerException", "oops"),
                ErrorKind::Unknown,
                "InternalServerException",
            ),
            (Reply::error(429, "ThrottlingException", "slower"), ErrorKind::Throttled, "ThrottlingException"),
            (Reply::Answer(503, vec![], vec![]), ErrorKind::Unknown, "HTTP 503"),
            (Reply::Answer(201, vec![], b"{".to_vec()), ErrorKind::Unknown, "UnreadableAnswer"),
            (Reply::json(json!({ "inferenceProfileArn": "?" })), ErrorKind::Unknown, "UnreadableAnswer"),
            (Reply::Cut, ErrorKind::Unknown, "ConnectionFailed"),
        ] {
            let server = Server::start([reply]).await;
            let error = server.aws().await.profiles().create(&new()).await.unwrap_err();
            assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error}");
            assert_eq!(server.sent().len(), 1, "{error}");
        }
    }

    #[tokio::test]
    async fn what_does_no_harm_is_repeated() {
        for failure in [
            Reply::error(500, "InternalServerException", "oops"),
            Reply::error(429, "ThrottlingException", "slower"),
            Reply::Cut,
        ] {
            let found = Reply::json(profile("0mbq3svia2re", "APPLICATION"));
            let replies = [failure.clone(), failure.clone(), failure.clone(), found];
            let server = Server::start(replies).await;
            assert_eq!(server.aws().await.profiles().get("0mbq3svia2re").await, Ok(record()));
            let server = Server::start([failure]).await;
            assert!(server.aws().await.profiles().delete(&arn()).await.unwrap_err().is_transient());
            assert_eq!(server.sent().len(), ATTEMPTS as usize);
        }
    }

    #[tokio::test]
    async fn what_is_refused_is_not_repeated() {
        let server = Server::start([Reply::error(403, "AccessDeniedException", "no")]).await;
        let error = server.aws().await.profiles().delete(&arn()).await.unwrap_err();
        assert_eq!(error.to_string(), "bedrock:DeleteInferenceProfile failed with AccessDeniedException: no");
        assert_eq!(server.sent().len(), 1);
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_not_waited_for() {
        let server = Server::start([Reply::Silence]).await;
        let mut aws = server.aws().await;
        let timeouts = aws.config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT_TIMEOUT));
        assert_eq!(timeouts.operation_timeout(), Some(CALL_TIMEOUT));
        // Long enough for the request to arrive, on a machine that is busy too.
        let short = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).build();
        aws.config = aws.config.into_builder().timeout_config(short).build();
        let error = aws.profiles().create(&new()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unknown, "TimedOut"));
        assert_eq!(server.sent().len(), 1);
    }

    #[tokio::test]
    async fn a_connection_that_cannot_be_made_is_an_unknown_outcome() {
        let mut server = Server::start([]).await;
        server.url = "http://127.0.0.1:1".into();
        let error = server.aws().await.profiles().create(&new()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unknown, "ConnectionFailed"));
    }

    #[tokio::test]
    async fn a_profile_is_read_by_arn_and_a_system_profile_is_none() {
        let mut undescribed = profile("0mbq3svia2re", "APPLICATION");
        undescribed["description"] = json!("");
        let server = Server::start([
            Reply::json(profile("0mbq3svia2re", "APPLICATION")),
            Reply::json(undescribed),
            Reply::json(profile("0mbq3svia2re", "SYSTEM_DEFINED")),
        ])
        .await;
        let profiles = server.aws().await.profiles();
        assert_eq!(profiles.get(arn().as_str()).await.unwrap(), record());
        let undescribed = ProfileRecord { description: None, ..record() };
        assert_eq!(profiles.get("0mbq3svia2re").await.unwrap(), undescribed);
        assert_eq!(profiles.get("us.nova").await.unwrap_err().kind, ErrorKind::NotFound);
        let path =
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2F0mbq3svia2re";
        assert_eq!(server.sent()[0].line(), format!("GET /inference-profiles/{path}"));
    }

    #[tokio::test]
    async fn profiles_are_listed_over_all_pages_and_system_profiles_left_out() {
        let page = |profiles: Value, token: Value| {
            Reply::json(json!({ "inferenceProfileSummaries": profiles, "nextToken": token }))
        };
        let server = Server::start([
            page(
                json!([profile("0mbq3svia2re", "APPLICATION"), profile("us", "SYSTEM_DEFINED")]),
                json!("1"),
            ),
            page(json!([]), json!("2")),
            page(json!([profile("1mbq3svia2re", "APPLICATION")]), json!(null)),
        ])
        .await;
        let found = server.aws().await.profiles().list().await.unwrap();
        assert_eq!(found[0], record());
        assert_eq!(
            found.iter().map(|profile| profile.arn.id()).collect::<Vec<_>>(),
            ["0mbq3svia2re", "1mbq3svia2re"]
        );
        let lines: Vec<String> = server.sent().iter().map(|sent| sent.line().to_owned()).collect();
        let first = "GET /inference-profiles?maxResults=1000&type=APPLICATION";
        assert_eq!(lines[0], first);
        assert_eq!(lines[2], "GET /inference-profiles?maxResults=1000&nextToken=2&type=APPLICATION");
    }

    #[tokio::test]
    async fn a_list_that_goes_in_a_circle_or_breaks_off_is_an_error_and_not_a_short_list() {
        let page = || {
            let found = json!([profile("0mbq3svia2re", "APPLICATION")]);
            Reply::json(json!({ "inferenceProfileSummaries": found, "nextToken": "1" }))
        };
        let server = Server::start([page(), page(), Reply::json(json!({}))]).await;
        let error = server.aws().await.profiles().list().await.unwrap_err();
        assert_eq!(error.code, "RepeatedPageToken");
        let server = Server::start([page(), Reply::error(400, "ValidationException", "bad token")]).await;
        assert_eq!(server.aws().await.profiles().list().await.unwrap_err().kind, ErrorKind::Invalid);
    }

    #[tokio::test]
    async fn tags_are_read_and_changed_by_arn() {
        let server = Server::start([
            Reply::json(json!({ "tags": [{ "key": "k", "value": "v" }] })),
            Reply::json(json!({})),
        ])
        .await;
        let profiles = server.aws().await.profiles();
        assert_eq!(profiles.tags(&arn()).await.unwrap(), new().tags);
        profiles.tag(&arn(), &new().tags).await.unwrap();
        profiles.untag(&arn(), &["k".into()]).await.unwrap();
        profiles.tag(&arn(), &Tags::new()).await.unwrap();
        profiles.untag(&arn(), &[]).await.unwrap();
        let sent: Vec<_> = server.sent().iter().map(|sent| (sent.line().to_owned(), sent.json())).collect();
        let tags = json!([{ "key": "k", "value": "v" }]);
        let expected = [
            ("POST /listTagsForResource".to_owned(), json!({ "resourceARN": arn().as_str() })),
            ("POST /tagResource".to_owned(), json!({ "resourceARN": arn().as_str(), "tags": tags })),
            ("POST /untagResource".to_owned(), json!({ "resourceARN": arn().as_str(), "tagKeys": ["k"] })),
        ];
        assert_eq!(sent, expected);
    }
}
