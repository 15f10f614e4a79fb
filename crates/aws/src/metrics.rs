//! Bedrock's metric of invocations, at CloudWatch.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode},
};
use ports::{CallError, ErrorKind, Result};

use crate::{
    error::{failed, unreadable},
    page::advance,
    timestamp,
};

pub(crate) const GET: &str = "cloudwatch:GetMetricData";

/// How many queries `GetMetricData` takes ("GetMetricData", `MetricDataQueries`).
pub(crate) const QUERIES: usize = 500;

// "Monitor Amazon Bedrock with Amazon CloudWatch" (Amazon Bedrock User Guide). For calls through an
// application profile the model's id is the profile's.
pub(crate) const NAMESPACE: &str = "AWS/Bedrock";
pub(crate) const METRIC: &str = "Invocations";
pub(crate) const DIMENSION: &str = "ModelId";

/// Whole periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Seconds.
    pub(crate) period: i32,
    /// Unix seconds, inclusive, on a border between periods.
    pub(crate) start: i64,
    /// Unix seconds, exclusive.
    pub(crate) end: i64,
}

/// Asks for the invocations of up to [`QUERIES`] ids, summed in each period; pages. Each piece of the answer
/// goes to `take` with the place of its id in `ids`; an id's may come in several.
pub(crate) async fn results(
    client: &Client,
    ids: &[String],
    span: &Span,
    mut take: impl FnMut(usize, MetricDataResult) -> Result<()>,
) -> Result<()> {
    let queries: Vec<MetricDataQuery> =
        ids.iter().enumerate().map(|(n, id)| query(n, id, span.period)).collect();
    let mut partial = BTreeSet::new();
    let mut token = None;
    loop {
        let page = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(timestamp::to_sdk(span.start))
            .end_time(timestamp::to_sdk(span.end))
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
            take(n, result)?;
        }
        if !advance(GET, &mut token, page.next_token)? {
            break;
        }
    }
    if partial.is_empty() { Ok(()) } else { Err(unreadable(GET, "some of the data are missing")) }
}

fn query(n: usize, id: &str, period: i32) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace(NAMESPACE)
        .metric_name(METRIC)
        .dimensions(Dimension::builder().name(DIMENSION).value(id).build())
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
pub(crate) mod tests {
    use minicbor::{Encoder, data::Tag};

    use crate::wire::Reply;

    type Cbor = Encoder<Vec<u8>>;

    /// Of a query the id, its points by Unix second, and its status.
    pub(crate) type Answered<'a> = (&'a str, &'a [(i64, f64)], &'a str);

    /// An answer in the protocol's own encoding: a list of structures, and perhaps a page token.
    pub(crate) fn page<T>(
        list: &str,
        items: &[T],
        token: Option<&str>,
        item: impl Fn(&mut Cbor, &T),
    ) -> Reply {
        let mut cbor = Encoder::new(Vec::new());
        let keys = 1 + u64::from(token.is_some());
        cbor.map(keys).unwrap().str(list).unwrap().array(items.len() as u64).unwrap();
        items.iter().for_each(|value| item(&mut cbor, value));
        if let Some(token) = token {
            cbor.str("NextToken").unwrap().str(token).unwrap();
        }
        let headers = vec![("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
        Reply::Answer(200, headers, cbor.into_writer())
    }

    /// `GetMetricData`'s answer.
    pub(crate) fn answer(results: &[Answered<'_>], token: Option<&str>) -> Reply {
        page("MetricDataResults", results, token, |cbor, (id, points, status)| {
            cbor.map(4).unwrap().str("Id").unwrap().str(id).unwrap();
            cbor.str("StatusCode").unwrap().str(status).unwrap();
            cbor.str("Timestamps").unwrap().array(points.len() as u64).unwrap();
            for (at, _) in *points {
                cbor.tag(Tag::new(1)).unwrap().i64(*at).unwrap();
            }
            cbor.str("Values").unwrap().array(points.len() as u64).unwrap();
            for (_, value) in *points {
                cbor.f64(*value).unwrap();
            }
        })
    }
}
