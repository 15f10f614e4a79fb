//! Use of profiles, at CloudWatch.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use ports::{Result, Usage};
use time::OffsetDateTime;

use crate::metrics::{QUERIES, Span, results};

pub(crate) struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
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
        let span = window(since, until, OffsetDateTime::now_utc());
        let mut counts = BTreeMap::new();
        for ids in ids.chunks(QUERIES) {
            let mut sums = vec![0.0; ids.len()];
            results(&self.client, ids, &span, |n, result| {
                sums[n] += result.values.unwrap_or_default().iter().sum::<f64>();
                Ok(())
            })
            .await?;
            // Sums of whole numbers far below 2^53; the cast saturates.
            counts.extend(ids.iter().cloned().zip(sums.into_iter().map(|sum| sum.round() as u64)));
        }
        Ok(counts)
    }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Divisors of a day: the borders between periods then fall on the same instants whether they are
/// counted from the start, from midnight or from 1970.
const PERIODS: [i64; 8] = [60, 300, 900, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY];

/// At most this many data points for a profile, where the periods allow: with 500 profiles that is
/// half of the 100,800 after which an answer pages ("GetMetricData", `MaxDatapoints`).
const POINTS: i64 = 100;

/// What is asked for: whole periods, from the one that holds the window's first instant to the one that
/// holds its last. Use that lies up to a period before or after the window may therefore be counted,
/// but no use within it is missed.
///
/// `now` decides, because CloudWatch keeps older data at a coarser grain: a start more than 15 days
/// ago needs a multiple of 300 s, one more than 63 days ago of 3,600 s, or nothing comes back
/// ("MetricStat", `Period`). Half a day is kept in hand against clocks that differ.
fn window(since: OffsetDateTime, until: OffsetDateTime, now: OffsetDateTime) -> Span {
    let (since, until) = (since.unix_timestamp(), until.unix_timestamp());
    let age = now.unix_timestamp().saturating_sub(since) + DAY / 2;
    let finest = if age <= 15 * DAY {
        MINUTE
    } else if age <= 63 * DAY {
        5 * MINUTE
    } else {
        HOUR
    };
    let fits = |period: &i64| *period >= finest && until.saturating_sub(since) / period <= POINTS;
    let period = PERIODS.into_iter().find(fits).unwrap_or(DAY);
    let start = since - since.rem_euclid(period);
    let end = until + MINUTE - until.rem_euclid(MINUTE);
    // At most a day.
    Span { period: i32::try_from(period).unwrap_or(i32::MAX), start, end }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{metrics::tests::answer, wire::Server};

    const NOW: OffsetDateTime = datetime!(2026-03-13 17:49:52.5 UTC);

    fn until_now(age: Duration) -> Span {
        window(NOW - age, NOW, NOW)
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
            assert_eq!(until_now(age).period, period, "{age}");
        }
        // A short window long ago.
        for (days, period) in [(14, 60), (15, 300), (62, 300), (63, 3600), (200, 3600)] {
            let since = NOW - Duration::days(days);
            assert_eq!(window(since, since + Duration::HOUR, NOW).period, period, "{days}");
        }
    }

    #[test]
    fn a_window_is_widened_to_whole_periods_and_never_narrowed() {
        for age in [Duration::seconds(1), Duration::hours(5), Duration::days(8), Duration::days(100)] {
            let window = until_now(age);
            let since = (NOW - age).unix_timestamp();
            assert_eq!(window.start % i64::from(window.period), 0);
            assert!(window.start <= since && since - window.start < i64::from(window.period), "{age}");
            assert!(window.end > NOW.unix_timestamp() && window.end - NOW.unix_timestamp() <= 60, "{age}");
        }
    }

    async fn count(server: &Server, ids: &[&str]) -> Result<BTreeMap<String, u64>> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let until = OffsetDateTime::now_utc();
        server.aws().await.usage().invocations(&ids, until - Duration::HOUR, until).await
    }

    #[tokio::test]
    async fn invocations_are_summed_over_points_and_pages_and_default_to_none() {
        let server = Server::start([
            answer(&[("q0", &[(0, 1.0), (60, 2.0)], "PartialData"), ("q1", &[], "Complete")], Some("more")),
            answer(&[("q0", &[(120, 4.0)], "Complete")], None),
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
        let server = Server::start([answer(&[("q7", &[(0, 1.0)], "Complete")], None)]).await;
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
