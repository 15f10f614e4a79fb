//! What Lambda tells of an invocation, in this project's words.

use std::time::SystemTime;

use custom_resource::{Invocation, LogPlace};
use lambda_runtime::Context;
use time::OffsetDateTime;
use tokio::time::Instant;

/// When Lambda stops the invocation.
pub fn deadline(context: &Context) -> Instant {
    Instant::now() + context.deadline().duration_since(SystemTime::now()).unwrap_or_default()
}

/// The invocation of a function that answers CloudFormation. Outside of Lambda there may be no log to name.
pub fn invocation(context: &Context) -> Invocation {
    let named = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
    Invocation {
        aws_request_id: context.request_id.clone(),
        log: LogPlace {
            group: named(&context.env_config.log_group),
            stream: named(&context.env_config.log_stream),
        },
        began: OffsetDateTime::now_utc(),
        deadline: deadline(context),
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use lambda_runtime::Config;

    use super::*;

    #[test]
    fn an_invocation_is_told_with_its_log_and_its_end_or_without() {
        let mut context = Context::default();
        context.request_id = "9a8b7c6d".to_owned();
        let in_a_minute = SystemTime::now() + Duration::from_secs(60);
        let since = in_a_minute.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from(since.as_millis()).unwrap();
        let without = invocation(&context);
        assert_eq!((without.log.group, without.log.stream), (None, None));
        let left = without.deadline - Instant::now();
        assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60), "{left:?}");

        context.env_config = Arc::new(Config {
            log_group: "/aws/lambda/provider".into(),
            log_stream: "2026/03/01/[1]abc".into(),
            ..Config::default()
        });
        context.deadline = 0;
        let told = invocation(&context);
        assert_eq!(told.aws_request_id, "9a8b7c6d");
        assert_eq!(told.log.group.as_deref(), Some("/aws/lambda/provider"));
        assert_eq!(told.log.stream.as_deref(), Some("2026/03/01/[1]abc"));
        assert!(told.deadline <= Instant::now(), "what is over has no time left");
    }
}
