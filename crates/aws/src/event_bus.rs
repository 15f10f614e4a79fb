//! Events, at EventBridge.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use ports::{ErrorKind, Event, EventBus, Result};
use tokio::time::sleep;

use crate::{
    error::{failed, kind_of, unreadable},
    side_by_side::side_by_side,
};

const PUT: &str = "events:PutEvents";

/// What rules match our events by.
const SOURCE: &str = "inference-profile-manager";

/// How many events `PutEvents` takes ("PutEvents", `Entries`).
const EVENTS: usize = 10;

/// How many bytes all events of a call may have together. EventBridge takes up to 1 MB ("PutEvents"), but
/// what a rule hands them on to, SQS or Lambda, may take no more than this.
const BYTES: usize = 256 * 1024;

/// How many calls are under way at once.
const CALLS: usize = 4;

/// How often an event that is refused for a passing reason is put again.
const REPETITIONS: u32 = 4;

/// How long to wait before the first repetition; before each further one, twice as long.
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) struct EventBridge {
    client: Client,
    bus: String,
    pause: Duration,
}

impl EventBridge {
    pub(crate) fn new(config: &SdkConfig, bus: &str) -> Self {
        Self { client: Client::new(config), bus: bus.to_owned(), pause: PAUSE }
    }

    /// What became of each of up to [`EVENTS`] events.
    async fn some(&self, events: &[&Event]) -> Result<Vec<PutEventsResultEntry>> {
        let entry = |event: &&Event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.bus)
                .source(SOURCE)
                .detail_type(event.detail_type)
                .detail(&event.detail)
                .set_resources(Some(event.resources.clone()))
                .build()
        };
        let entries = events.iter().map(entry).collect();
        let answer = self.client.put_events().set_entries(Some(entries)).send().await.map_err(failed(PUT))?;
        let outcomes = answer.entries.unwrap_or_default();
        if outcomes.len() != events.len() {
            return Err(unreadable(PUT, "there are not as many outcomes as events"));
        }
        Ok(outcomes)
    }
}

#[async_trait]
impl EventBus for EventBridge {
    async fn put(&self, events: &[Event]) -> Result<usize> {
        // One that is too large would have its whole call refused.
        let (mut waiting, too_large): (Vec<&Event>, Vec<&Event>) =
            events.iter().partition(|event| size(event) <= BYTES);
        let mut refused = too_large.len();
        for event in too_large {
            tracing::warn!(detail_type = event.detail_type, bytes = size(event), "event too large");
        }
        for repetition in 0..=REPETITIONS {
            if waiting.is_empty() {
                break;
            }
            if repetition > 0 {
                sleep(self.pause * 2_u32.pow(repetition - 1)).await;
            }
            let calls = batches(&waiting);
            let calls: Vec<_> = calls.iter().map(|events| self.some(events)).collect();
            let outcomes = side_by_side(CALLS, calls).await?.into_iter().flatten();
            let mut again = Vec::new();
            for (event, outcome) in waiting.iter().zip(outcomes) {
                let Some(code) = outcome.error_code else { continue };
                let passing = matches!(kind_of(&code, 400), ErrorKind::Throttled | ErrorKind::Unknown);
                if passing && repetition < REPETITIONS {
                    again.push(*event);
                } else {
                    tracing::warn!(
                        detail_type = event.detail_type,
                        code,
                        message = outcome.error_message,
                        "event refused"
                    );
                    refused += 1;
                }
            }
            waiting = again;
        }
        Ok(refused)
    }
}

/// As EventBridge counts it; no event of ours tells a time.
fn size(event: &Event) -> usize {
    let resources = event.resources.iter().map(String::len).sum::<usize>();
    SOURCE.len() + event.detail_type.len() + event.detail.len() + resources
}

/// As few calls as keep the order and the limits.
fn batches<'a>(events: &[&'a Event]) -> Vec<Vec<&'a Event>> {
    let mut batches: Vec<Vec<&Event>> = Vec::new();
    let mut bytes = 0;
    for event in events {
        let size = size(event);
        match batches.last_mut() {
            Some(batch) if batch.len() < EVENTS && bytes + size <= BYTES => batch.push(event),
            _ => {
                batches.push(vec![event]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    batches
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::{Reply, Server};

    fn event(n: usize) -> Event {
        Event {
            detail_type: "Finding",
            detail: json!({ "n": n }).to_string(),
            resources: vec!["arn:a".into()],
        }
    }

    fn large(n: usize, bytes: usize) -> Event {
        Event { detail: format!(r#"{{"n":{n},"x":"{}"}}"#, "x".repeat(bytes)), ..event(0) }
    }

    /// An answer with these error codes; an empty one stands for success.
    fn answer(codes: &[&str]) -> Reply {
        let entry = |code: &&str| match *code {
            "" => json!({ "EventId": "e" }),
            code => json!({ "ErrorCode": code, "ErrorMessage": "because" }),
        };
        let entries: Vec<Value> = codes.iter().map(entry).collect();
        let failed = codes.iter().filter(|code| !code.is_empty()).count();
        Reply::json(json!({ "FailedEntryCount": failed, "Entries": entries }))
    }

    async fn bus(server: &Server) -> EventBridge {
        EventBridge { pause: Duration::from_millis(1), ..EventBridge::new(&server.aws().await.config, "bus") }
    }

    /// The numbers of the events of each request.
    fn put(server: &Server) -> Vec<Vec<u64>> {
        let number = |entry: &Value| {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            detail["n"].as_u64().unwrap()
        };
        let numbers = |request: Value| request["Entries"].as_array().unwrap().iter().map(number).collect();
        server.sent().iter().map(|sent| numbers(sent.json())).collect()
    }

    #[tokio::test]
    async fn events_are_put_on_the_bus_with_their_source() {
        let server = Server::start([answer(&[""])]).await;
        assert_eq!(server.aws().await.event_bus("arn:bus").put(&[event(1)]).await, Ok(0));
        let sent = server.sent();
        assert_eq!(sent[0].header("x-amz-target"), ["AWSEvents.PutEvents"]);
        let entry = json!({
            "EventBusName": "arn:bus",
            "Source": "inference-profile-manager",
            "DetailType": "Finding",
            "Detail": r#"{"n":1}"#,
            "Resources": ["arn:a"],
        });
        assert_eq!(sent[0].json(), json!({ "Entries": [entry] }));
    }

    #[test]
    fn a_call_has_ten_events_at_most_and_no_more_bytes_than_it_may() {
        let sizes = |events: &[Event]| {
            let events: Vec<&Event> = events.iter().collect();
            batches(&events).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&(0..21).map(event).collect::<Vec<_>>()), [10, 10, 1]);
        let third = BYTES / 3;
        let events: Vec<Event> = [third, third, third, 1, 1].map(|bytes| large(0, bytes)).into();
        assert_eq!(sizes(&events), [2, 3]);
    }

    #[tokio::test]
    async fn what_is_refused_for_a_passing_reason_is_put_again_and_nothing_else() {
        let server = Server::start([
            answer(&["", "ThrottlingException", "NotAuthorizedForSourceException", "InternalFailure"]),
            answer(&["InternalException", ""]),
            answer(&[""]),
        ])
        .await;
        let events: Vec<Event> = (0..4).map(event).collect();
        assert_eq!(bus(&server).await.put(&events).await, Ok(1));
        assert_eq!(put(&server), [vec![0, 1, 2, 3], vec![1, 3], vec![1]]);
    }

    #[tokio::test]
    async fn repetitions_end() {
        let server = Server::start([answer(&["ThrottlingException"])]).await;
        assert_eq!(bus(&server).await.put(&[event(0)]).await, Ok(1));
        assert_eq!(server.sent().len(), 1 + REPETITIONS as usize);
    }

    #[tokio::test]
    async fn an_event_that_fits_no_call_is_refused_by_itself() {
        let server = Server::start([answer(&[""])]).await;
        assert_eq!(bus(&server).await.put(&[large(0, BYTES), event(1)]).await, Ok(1));
        assert_eq!(put(&server), [[1]]);
    }

    #[tokio::test]
    async fn an_answer_that_does_not_tell_of_every_event_and_a_refused_call_are_errors() {
        for (reply, kind) in [
            (answer(&[]), ErrorKind::Unknown),
            (Reply::error(400, "AccessDeniedException", "no"), ErrorKind::Denied),
        ] {
            let server = Server::start([reply]).await;
            assert_eq!(bus(&server).await.put(&[event(0)]).await.unwrap_err().kind, kind);
        }
        let server = Server::start([]).await;
        assert_eq!(bus(&server).await.put(&[]).await, Ok(0));
        assert!(server.sent().is_empty());
    }
}
