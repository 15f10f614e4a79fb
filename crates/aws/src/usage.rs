//! Use of profiles, at CloudWatch.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode},
};
use ports::{CallError, ErrorKind, Result, Usage};
use time::OffsetDateTime;

use crate::{
    error::{failed, unreadable},
    page::advance,
    timestamp,
};

const GET: &str = "cloudwatch:GetMetricData";

/// How many queries `GetMetricData` takes ("GetMetricData", `MetricDataQueries`).
const QUERIES: usize = 500;

pub(crate) struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The sums of the queries `q0`, `q1`, … of `ids`, in their order; pages.
    async fn sums(&self, ids: &[String], window: &Window) -> Result<Vec<f64>> {
        let queries: Vec<MetricDataQuery> =
            ids.iter().enumerate().map(|(n, id)| query(n, id, window.period)).collect();
        let mut sums = vec![0.0; ids.len()];
        let mut partial = BTreeSet::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(timestamp::to_sdk(window.start))
                .end_time(timestamp::to_sdk(window.end))
                .set_next_token(token.clone())
                .send()
                .await
                .map_err(failed(GET))?;
            for result in page.metric_data_results.unwrap_or_default() {
                let n = number(&result, ids.len())?;
                match &result.status_code {
                    Some(StatusCode::PartialData) => partial.insert(n),
                    Some(StatusCode::InternalError) => return Err(refused(ErrorKind::Unknown, &result)),
                    Some(StatusCode::Forbidden) => return Err(refused(ErrorKind::Denied, &result)),
                    _ => partial.remove(&n),
                };
                if let Some(sum) = sums.get_mut(n) {
                    *sum += result.values.unwrap_or_default().iter().sum::<f64>();
                }
            }
            if !advance(GET, &mut token, page.next_token)? {
                break;
            }
        }
        if partial.is_empty() { Ok(sums) } else { Err(unreadable(GET, "some of the data are missing")) }
    }
}

#[async_trait]
impl Usage for CloudWatch {
    async fn invocations(
        &self,
        profile_ids: &[String],
        since: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<BTreeMap<String, u64>> {
        let ids: Vec<String> = profile_ids.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        if until <= since {
            return Ok(ids.into_iter().map(|id| (id, 0)).collect());
        }
        let window = Window::new(since, until, OffsetDateTime::now_utc());
        let mut counts = BTreeMap::new();
        for ids in ids.chunks(QUERIES) {
            let sums = self.sums(ids, &window).await?;
            // Sums of whole numbers far below 2^53; the cast saturates.
            counts.extend(ids.iter().cloned().zip(sums.into_iter().map(|sum| sum.round() as u64)));
        }
        Ok(counts)
    }
}

/// What is asked for: whole periods, from the one that holds the window's first instant to the one that
/// holds its last. Use that lies up to a period before or after the window may therefore be counted,
/// but no use within it is missed.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    /// Seconds.
    period: i32,
    /// Unix seconds, inclusive, on a border between periods.
    start: i64,
    /// Unix seconds, exclusive.
    end: i64,
}

impl Window {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 3600;
    const DAY: i64 = 86_400;

    /// Divisors of a day: the borders between periods then fall on the same instants whether they are
    /// counted from the start, from midnight or from 1970.
    const PERIODS: [i64; 8] =
        [60, 300, 900, Self::HOUR, 3 * Self::HOUR, 6 * Self::HOUR, 12 * Self::HOUR, Self::DAY];

    /// At most this many data points for a profile, where the periods allow: with 500 profiles that is
    /// half of the 100,800 after which an answer pages ("GetMetricData", `MaxDatapoints`).
    const POINTS: i64 = 100;

    /// `now` decides, because CloudWatch keeps older data at a coarser grain: a start more than 15 days
    /// ago needs a multiple of 300 s, one more than 63 days ago of 3,600 s, or nothing comes back
    /// ("MetricStat", `Period`). Half a day is kept in hand against clocks that differ.
    fn new(since: OffsetDateTime, until: OffsetDateTime, now: OffsetDateTime) -> Self {
        let (since, until) = (since.unix_timestamp(), until.unix_timestamp());
        let age = now.unix_timestamp().saturating_sub(since) + Self::DAY / 2;
        let finest = if age <= 15 * Self::DAY {
            Self::MINUTE
        } else if age <= 63 * Self::DAY {
            5 * Self::MINUTE
        } else {
            Self::HOUR
        };
        let fits = |period: &i64| *period >= finest && until.saturating_sub(since) / period <= Self::POINTS;
        let period = Self::PERIODS.into_iter().find(fits).unwrap_or(Self::DAY);
        let start = since - since.rem_euclid(period);
        let end = until + Self::MINUTE - until.rem_euclid(Self::MINUTE);
        // At most a day.
        Self { period: i32::try_from(period).unwrap_or(i32::MAX), start, end }
    }
}

/// The metric is named in "Monitor Amazon Bedrock with Amazon CloudWatch" (Amazon Bedrock User Guide); for calls
/// through an application profile its `ModelId` is the profile's id.
fn query(n: usize, profile_id: &str, period: i32) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace("AWS/Bedrock")
        .metric_name("Invocations")
        .dimensions(Dimension::builder().name("ModelId").value(profile_id).build())
        .build();
    MetricDataQuery::builder()
        .id(format!("q{n}"))
        .metric_stat(MetricStat::builder().metric(metric).period(period).stat("Sum").build())
        .build()
}

fn number(result: &MetricDataResult, count: usize) -> Result<usize> {
    let n = result.id.as_deref().and_then(|id| id.strip_prefix('q')).and_then(|n| n.parse().ok());
    n.filter(|n| *n < count).ok_or_else(|| unreadable(GET, "a result belongs to no query"))
}

fn refused(kind: ErrorKind, result: &MetricDataResult) -> CallError {
    let code = result.status_code.as_ref().map(StatusCode::as_str).unwrap_or_default().to_owned();
    let message = result.messages().iter().filter_map(|message| message.value.as_deref());
    let message = message.collect::<Vec<_>>().join("; ");
    CallError { operation: GET, kind, code, message }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::wire::{Reply, Server};

    const NOW: OffsetDateTime = datetime!(2026-03-13 17:49:52.5 UTC);

    fn window(age: Duration) -> Window {
        Window::new(NOW - age, NOW, NOW)
    }

    #[test]
    fn a_window_is_asked_for_in_periods_that_cloudwatch_still_keeps() {
        for (age, period) in [
            (Duration::minutes(1), 60),
            (Duration::hours(1), 60),
            (Duration::hours(12), 900),
            (Duration::days(1), 900),
            (Duration::days(7), 3 * 3600),
            (Duration::days(30), 12 * 3600),
            (Duration::days(90), 86_400),
            (Duration::days(455), 86_400),
        ] {
            assert_eq!(window(age).period, period, "{age}");
        }
        // A short window long ago.
        for (days, period) in [(14, 60), (15, 300), (62, 300), (63, 3600), (200, 3600)] {
            let since = NOW - Duration::days(days);
            assert_eq!(Window::new(since, since + Duration::HOUR, NOW).period, period, "{days}");
        }
    }

    #[test]
    fn a_window_is_widened_to_whole_periods_and_never_narrowed() {
        for age in [Duration::seconds(1), Duration::hours(5), Duration::days(8), Duration::days(100)] {
            let window = window(age);
            let since = (NOW - age).unix_timestamp();
            assert_eq!(window.start % i64::from(window.period), 0);
            assert!(window.start <= since && since - window.start < i64::from(window.period), "{age}");
            assert!(window.end > NOW.unix_timestamp() && window.end - NOW.unix_timestamp() <= 60, "{age}");
        }
    }

    /// `GetMetricData`'s answer in the protocol's own encoding.
    fn answer(results: &[(&str, &[f64], &str)], token: Option<&str>) -> Reply {
        let mut cbor = minicbor::Encoder::new(Vec::new());
        let keys = 1 + u64::from(token.is_some());
        cbor.map(keys).unwrap().str("MetricDataResults").unwrap().array(results.len() as u64).unwrap();
        for (id, values, status) in results {
            cbor.map(3).unwrap().str("Id").unwrap().str(id).unwrap();
            cbor.str("StatusCode").unwrap().str(status).unwrap();
            cbor.str("Values").unwrap().array(values.len() as u64).unwrap();
            for value in *values {
                cbor.f64(*value).unwrap();
            }
        }
        if let Some(token) = token {
            cbor.str("NextToken").unwrap().str(token).unwrap();
        }
        let headers = vec![("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
        Reply::Answer(200, headers, cbor.into_writer())
    }

    async fn count(server: &Server, ids: &[&str]) -> Result<BTreeMap<String, u64>> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let until = OffsetDateTime::now_utc();
        server.aws().await.usage().invocations(&ids, until - Duration::HOUR, until).await
    }

    #[tokio::test]
    async fn invocations_are_summed_over_points_and_pages_and_default_to_none() {
        let server = Server::start([
            answer(&[("q0", &[1.0, 2.0], "PartialData"), ("q1", &[], "Complete")], Some("more")),
            answer(&[("q0", &[4.0], "Complete")], None),
        ])
        .await;
        let counts = count(&server, &["used", "idle", "used"]).await.unwrap();
        // In the order of the ids: `idle` is q0.
        assert_eq!(counts, BTreeMap::from([("idle".into(), 7), ("used".into(), 0)]));
        let sent = server.sent();
        assert_eq!(sent.len(), 2);
        let asked = minicbor::display(&sent[0].body).to_string();
        for part in [
            r#""Namespace": "AWS/Bedrock""#,
            r#""MetricName": "Invocations""#,
            r#""Name": "ModelId""#,
            r#""Value": "idle""#,
            r#""Value": "used""#,
            r#""Stat": "Sum""#,
            r#""Period": 60"#,
        ] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
        assert!(minicbor::display(&sent[1].body).to_string().contains(r#""NextToken": "more""#));
    }

    #[tokio::test]
    async fn five_hundred_profiles_are_asked_for_at_a_time() {
        let server = Server::start([answer(&[], None)]).await;
        let ids: Vec<String> = (0..1001).map(|n| format!("p{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(count(&server, &ids).await.unwrap().len(), 1001);
        let queries = |body: &[u8]| minicbor::display(body).to_string().matches("\"ModelId\"").count();
        let sizes: Vec<usize> = server.sent().iter().map(|sent| queries(&sent.body)).collect();
        assert_eq!(sizes, [500, 500, 1]);
    }

    #[tokio::test]
    async fn data_that_are_withheld_or_missing_are_never_taken_for_no_use() {
        for (status, kind) in [
            ("Forbidden", ErrorKind::Denied),
            ("InternalError", ErrorKind::Unknown),
            ("PartialData", ErrorKind::Unknown),
        ] {
            let server = Server::start([answer(&[("q0", &[], status)], None)]).await;
            assert_eq!(count(&server, &["p"]).await.unwrap_err().kind, kind, "{status}");
        }
        let server = Server::start([answer(&[("q7", &[1.0], "Complete")], None)]).await;
        assert_eq!(count(&server, &["p"]).await.unwrap_err().kind, ErrorKind::Unknown);
    }

    #[tokio::test]
    async fn an_empty_window_is_not_asked_about() {
        let server = Server::start([]).await;
        let usage = server.aws().await.usage();
        let counts = usage.invocations(&["p".into()], NOW, NOW).await.unwrap();
        assert_eq!(counts, BTreeMap::from([("p".into(), 0)]));
        assert!(server.sent().is_empty());
    }
}
