//! Use of profiles and models day by day, at CloudWatch.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{Client, types::DimensionFilter};
use ports::{DailyUsage, Result};
use time::{Date, OffsetDateTime};

use crate::{
    error::{failed, unreadable},
    metrics::{DIMENSION, GET, METRIC, NAMESPACE, QUERIES, Span, results},
    page::advance,
    side_by_side::side_by_side,
};

const LIST: &str = "cloudwatch:ListMetrics";

/// How many calls of `GetMetricData` are under way at once.
const CALLS: usize = 4;

/// Seconds.
const DAY: i64 = 86_400;

pub(crate) struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The invocations of up to [`QUERIES`] ids on each of `days` days.
    async fn some(&self, ids: &[String], span: &Span, days: usize) -> Result<Vec<(String, Vec<u64>)>> {
        let mut counts = vec![vec![0; days]; ids.len()];
        results(&self.client, ids, span, |n, result| {
            let (times, values) = (result.timestamps.unwrap_or_default(), result.values.unwrap_or_default());
            if times.len() != values.len() {
                return Err(unreadable(GET, "there are not as many instants as values"));
            }
            for (at, value) in times.iter().zip(values) {
                let day = usize::try_from((at.secs() - span.start).div_euclid(DAY)).ok();
                let count: Option<&mut u64> = day.and_then(|day| counts[n].get_mut(day));
                let count = count.ok_or_else(|| unreadable(GET, "a value is of a day not asked for"))?;
                // A sum of whole numbers far below 2^53; the cast saturates.
                *count += value.round() as u64;
            }
            Ok(())
        })
        .await?;
        let used = ids.iter().cloned().zip(counts);
        Ok(used.filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect())
    }
}

#[async_trait]
impl DailyUsage for CloudWatch {
    async fn active(&self) -> Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        let mut token = None;
        loop {
            // Without `RecentlyActive`, which knows three hours only: what had data in the last two weeks.
            let page = self
                .client
                .list_metrics()
                .namespace(NAMESPACE)
                .metric_name(METRIC)
                .dimensions(DimensionFilter::builder().name(DIMENSION).build())
                .set_next_token(token.clone())
                .send()
                .await
                .map_err(failed(LIST))?;
            for metric in page.metrics.unwrap_or_default() {
                // Where there are more dimensions, the metric is a part of what the one with this dimension
                // alone counts, and only that one is what `daily` asks for.
                if let [dimension] = metric.dimensions()
                    && dimension.name() == Some(DIMENSION)
                {
                    ids.extend(dimension.value.clone());
                }
            }
            if !advance(LIST, &mut token, page.next_token)? {
                return Ok(ids);
            }
        }
    }

    async fn daily(
        &self,
        model_ids: &[String],
        since: Date,
        until: Date,
    ) -> Result<BTreeMap<String, Vec<u64>>> {
        let Ok(days) = usize::try_from((until - since).whole_days() + 1) else {
            return Ok(BTreeMap::new());
        };
        let midnight = |date: Date| OffsetDateTime::new_utc(date, time::Time::MIDNIGHT).unix_timestamp();
        let span = Span { period: 86_400, start: midnight(since), end: midnight(until) + DAY };
        let ids: BTreeSet<&String> = model_ids.iter().collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        let calls: Vec<_> = ids.chunks(QUERIES).map(|ids| self.some(ids, &span, days)).collect();
        Ok(side_by_side(CALLS, calls).await?.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use time::macros::{date, datetime};

    use super::*;
    use crate::{
        metrics::tests::{answer, page},
        wire::{Reply, Server},
    };

    /// Unix seconds of a day in March 2026.
    fn march(day: i64) -> i64 {
        datetime!(2026-03-01 00:00 UTC).unix_timestamp() + (day - 1) * DAY
    }

    async fn daily(server: &Server, ids: &[&str]) -> Result<BTreeMap<String, Vec<u64>>> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        server.aws().await.daily_usage().daily(&ids, date!(2026 - 03 - 01), date!(2026 - 03 - 03)).await
    }

    #[tokio::test]
    async fn days_are_in_order_over_points_and_pages_and_an_idle_id_is_absent() {
        let server = Server::start([
            answer(
                &[("q0", &[(march(3), 4.0), (march(1), 1.0)], "PartialData"), ("q1", &[], "Complete")],
                Some("more"),
            ),
            answer(&[("q0", &[(march(2), 2.0), (march(1), 8.0)], "Complete")], None),
        ])
        .await;
        let counts = daily(&server, &["b-idle", "a-used", "a-used"]).await.unwrap();
        assert_eq!(counts, BTreeMap::from([("a-used".into(), vec![9, 2, 4])]));
        let asked = minicbor::display(&server.sent()[0].body).to_string();
        for part in [
            r#""Namespace": "AWS/Bedrock""#,
            r#""MetricName": "Invocations""#,
            r#""Name": "ModelId""#,
            r#""Value": "a-used""#,
            r#""Value": "b-idle""#,
            r#""Stat": "Sum""#,
            r#""Period": 86400"#,
            &format!(r#""StartTime": 1({:e})"#, march(1) as f64),
            &format!(r#""EndTime": 1({:e})"#, march(4) as f64),
        ] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
        assert_eq!(asked.matches("\"ModelId\"").count(), 2);
        assert_eq!(server.sent().len(), 2);
    }

    #[tokio::test]
    async fn five_hundred_ids_are_asked_for_at_a_time() {
        let server = Server::start([answer(&[], None)]).await;
        let ids: Vec<String> = (0..1001).map(|n| format!("p{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(daily(&server, &ids).await, Ok(BTreeMap::new()));
        let queries = |body: &[u8]| minicbor::display(body).to_string().matches("\"ModelId\"").count();
        let mut sizes: Vec<usize> = server.sent().iter().map(|sent| queries(&sent.body)).collect();
        sizes.sort();
        assert_eq!(sizes, [1, 500, 500]);
    }

    #[tokio::test]
    async fn data_that_are_withheld_missing_or_of_no_day_are_never_taken_for_no_use() {
        let of = |points: &[(i64, f64)], status| answer(&[("q0", points, status)], None);
        for (reply, kind) in [
            (of(&[], "Forbidden"), ErrorKind::Denied),
            (of(&[], "InternalError"), ErrorKind::Unknown),
            (of(&[(march(1), 1.0)], "PartialData"), ErrorKind::Unknown),
            (of(&[(march(4), 1.0)], "Complete"), ErrorKind::Unknown),
            (of(&[(march(1) - 1, 1.0)], "Complete"), ErrorKind::Unknown),
        ] {
            let server = Server::start([reply]).await;
            assert_eq!(daily(&server, &["p"]).await.unwrap_err().kind, kind);
        }
    }

    #[tokio::test]
    async fn nothing_is_not_asked_about() {
        let server = Server::start([]).await;
        let usage = server.aws().await.daily_usage();
        let (first, last) = (date!(2026 - 03 - 01), date!(2026 - 03 - 03));
        assert_eq!(usage.daily(&[], first, last).await, Ok(BTreeMap::new()));
        assert_eq!(usage.daily(&["p".into()], last, first).await, Ok(BTreeMap::new()));
        assert!(server.sent().is_empty());
    }

    /// `ListMetrics`' answer: of each metric the dimensions.
    fn metrics(metrics: &[&[(&str, &str)]], token: Option<&str>) -> Reply {
        page("Metrics", metrics, token, |cbor, dimensions| {
            cbor.map(1).unwrap().str("Dimensions").unwrap().array(dimensions.len() as u64).unwrap();
            for (name, value) in *dimensions {
                cbor.map(2).unwrap().str("Name").unwrap().str(name).unwrap();
                cbor.str("Value").unwrap().str(value).unwrap();
            }
        })
    }

    #[tokio::test]
    async fn active_ids_come_from_metrics_of_the_model_alone_over_all_pages() {
        let server = Server::start([
            metrics(&[&[("ModelId", "p1")], &[("ModelId", "m1"), ("ImageSize", "1024")]], Some("more")),
            metrics(&[&[("ModelId", "us.m2")], &[("ModelId", "p1")], &[("Operation", "x")]], None),
        ])
        .await;
        let active = server.aws().await.daily_usage().active().await.unwrap();
        assert_eq!(active, BTreeSet::from(["p1".into(), "us.m2".into()]));
        let sent = server.sent();
        let asked = minicbor::display(&sent[0].body).to_string();
        for part in [
            r#""Namespace": "AWS/Bedrock""#,
            r#""MetricName": "Invocations""#,
            r#""Dimensions": [{"Name": "ModelId"}]"#,
        ] {
            assert!(asked.replace("_ ", "").contains(part), "{part} in {asked}");
        }
        assert!(!asked.contains("RecentlyActive"), "{asked}");
        assert!(minicbor::display(&sent[1].body).to_string().contains(r#""NextToken": "more""#));
    }
}
