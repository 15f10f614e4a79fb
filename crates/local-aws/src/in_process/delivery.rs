//! Where the functions leave what they found: a bucket, an event bus and a topic.

use std::time::Duration;

use async_trait::async_trait;
use ports::{ErrorKind, Event, Result};
use serde_json::{Map, Value};

use super::{InProcess, parameters::error};

/// An object of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// As it was given.
    pub content_type: String,
    /// As it was given.
    pub body: Vec<u8>,
}

/// What was sent to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// In one line.
    pub subject: String,
    /// As many lines as it takes.
    pub text: String,
}

/// How many events a call takes, and how large one and a mail may be.
const EVENTS: usize = 10;
const BYTES: usize = 256 * 1024;

#[async_trait]
impl ports::ReportStore for InProcess {
    async fn read(&self, key: &str) -> Result<Vec<u8>> {
        const OPERATION: &str = "s3:GetObject";
        self.call(OPERATION, false, |account, _, _| {
            let found = account.reports.get(key).map(|report| report.body.clone());
            let absent = || error(OPERATION, ErrorKind::NotFound, "NoSuchKey", key);
            (found.ok_or_else(absent), Duration::ZERO)
        })
        .await
    }

    async fn write(&self, key: &str, content_type: &'static str, body: Vec<u8>) -> Result<()> {
        self.call("s3:PutObject", true, |account, _, _| {
            let report = StoredReport { content_type: content_type.to_owned(), body };
            account.reports.insert(key.to_owned(), report);
            (Ok(()), Duration::ZERO)
        })
        .await
    }
}

#[async_trait]
impl ports::EventBus for InProcess {
    async fn put(&self, events: &[Event]) -> Result<usize> {
        let mut refused = 0;
        for events in events.chunks(EVENTS) {
            refused += self
                .call("events:PutEvents", true, |account, _, _| {
                    let mut refused = 0;
                    for event in events {
                        let object = serde_json::from_str::<Map<String, Value>>(&event.detail).is_ok();
                        let sound = object && event.detail.len() <= BYTES;
                        if sound && account.refused_events > 0 {
                            account.refused_events -= 1;
                            refused += 1;
                        } else if sound {
                            account.events.push(event.clone());
                        } else {
                            refused += 1;
                        }
                    }
                    (Ok(refused), Duration::ZERO)
                })
                .await?;
        }
        Ok(refused)
    }
}

#[async_trait]
impl ports::Notices for InProcess {
    async fn send(&self, subject: &str, text: &str) -> Result<()> {
        const OPERATION: &str = "sns:Publish";
        let line = subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let sound = line
            && (1..100).contains(&subject.len())
            && subject.starts_with(|first: char| !first.is_ascii_whitespace())
            && (1..=BYTES).contains(&text.len());
        self.call(OPERATION, true, |account, _, _| {
            if !sound {
                return (
                    Err(error(OPERATION, ErrorKind::Invalid, "InvalidParameter", subject)),
                    Duration::ZERO,
                );
            }
            account.mails.push(Mail { subject: subject.to_owned(), text: text.to_owned() });
            (Ok(()), Duration::ZERO)
        })
        .await
    }
}
