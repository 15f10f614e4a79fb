//! Mails, at SNS.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use ports::{Notices, Result};

use crate::error::failed;

const PUBLISH: &str = "sns:Publish";

pub(crate) struct Sns {
    client: Client,
    topic: String,
}

impl Sns {
    pub(crate) fn new(config: &SdkConfig, topic: &str) -> Self {
        Self { client: Client::new(config), topic: topic.to_owned() }
    }
}

#[async_trait]
impl Notices for Sns {
    async fn send(&self, subject: &str, text: &str) -> Result<()> {
        let notice = self.client.publish().topic_arn(&self.topic).subject(subject).message(text);
        notice.send().await.map_err(failed(PUBLISH))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;

    use crate::wire::{Reply, Server};

    #[tokio::test]
    async fn a_notice_is_published_to_the_topic() {
        let done =
            "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
        let error = "<Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>no</Message></Error>";
        let refusal = Reply::xml(403, &format!("<ErrorResponse>{error}</ErrorResponse>"));
        let server = Server::start([Reply::xml(200, done), refusal]).await;
        let notices = server.aws().await.notices("arn:topic");
        notices.send("3 findings", "one\ntwo & three").await.unwrap();
        let expected = "Action=Publish&Version=2010-03-31&TopicArn=arn%3Atopic&\
            Message=one%0Atwo%20%26%20three&Subject=3%20findings";
        assert_eq!(server.sent()[0].text(), expected);
        let error = notices.send("s", "t").await.unwrap_err();
        assert_eq!((error.operation, error.kind), ("sns:Publish", ErrorKind::Denied));
    }
}
