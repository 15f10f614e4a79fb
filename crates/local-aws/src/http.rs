//! The HTTP face: the wire formats of the services, the response sink, and control.
//!
//! | path | what |
//! |---|---|
//! | `/inference-profiles…`, `/foundation-models…`, `/tagResource`, … | Bedrock, see [`bedrock`] |
//! | `POST /` with `X-Amz-Target` | the Resource Groups Tagging API, Cost Explorer, Service Quotas, see [`json`] |
//! | `/_local/responses/{token}` | the sink for CloudFormation responses, see [`responses`] |
//! | `/_local/…` | control, see [`control`] |
//!
//! The Region of a call is that of its signature's credential scope, or else the server's own; signatures
//! are not verified. The account is the server's.

pub mod bedrock;
pub mod control;
pub mod json;
pub mod responses;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::error::{ApiError, Failure};
use crate::faults::FaultPlan;
use crate::random::Random;
use crate::responses::ResponseSink;
use crate::state::Caller;
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use crate::world::World;

/// How a stand-in is set up. A reset leads back to this.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account that every call over HTTP is made in.
    pub account: String,
    /// The Region of calls that carry no signature.
    pub region: String,
    /// The positions of the switches at the start.
    pub switches: Switches,
    /// The faults at the start.
    pub faults: FaultPlan,
    /// How long every call over HTTP waits before it is carried out.
    pub latency: Duration,
    /// Whether received CloudFormation responses are printed to standard output.
    pub print_responses: bool,
    /// Whether every call is told on standard error.
    pub log_calls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            switches: Switches::default(),
            faults: FaultPlan::default(),
            latency: Duration::ZERO,
            print_responses: false,
            log_calls: false,
        }
    }
}

type Clock = Box<dyn Fn() -> OffsetDateTime + Send + Sync>;

struct Shared {
    settings: Settings,
    clock: Clock,
    world: Mutex<World>,
    responses: Mutex<ResponseSink>,
    request_ids: Mutex<Random>,
}

/// A stand-in that several hands hold: the server's, and those of tests that look on or meddle.
#[derive(Clone)]
pub struct LocalAws(Arc<Shared>);

impl fmt::Debug for LocalAws {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LocalAws").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Default for LocalAws {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl LocalAws {
    /// A stand-in on the machine's clock.
    pub fn new(settings: Settings) -> Self {
        Self::with_clock(settings, OffsetDateTime::now_utc)
    }

    /// A stand-in on another clock, for tests that must not wait.
    pub fn with_clock(
        settings: Settings,
        clock: impl Fn() -> OffsetDateTime + Send + Sync + 'static,
    ) -> Self {
        let world = Mutex::new(fresh_world(&settings));
        Self(Arc::new(Shared {
            settings,
            clock: Box::new(clock),
            world,
            responses: Mutex::default(),
            request_ids: Mutex::new(Random::seeded(0x5eed)),
        }))
    }

    /// The state machine. Do not hold the guard across an `await`.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.0.world)
    }

    /// The CloudFormation responses received. Do not hold the guard across an `await`.
    pub fn responses(&self) -> MutexGuard<'_, ResponseSink> {
        lock(&self.0.responses)
    }

    /// How it was set up.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The present, by its clock.
    pub fn now(&self) -> OffsetDateTime {
        (self.0.clock)()
    }

    /// A caller of its account, in a Region.
    pub fn caller_in(&self, region: &str) -> Caller {
        Caller::new(&self.0.settings.account, region)
    }

    /// Everything as it was at the start.
    pub fn reset(&self) {
        *self.world() = fresh_world(&self.0.settings);
        self.responses().clear();
    }

    fn request_id(&self) -> String {
        lock(&self.0.request_ids).request_id()
    }
}

fn fresh_world(settings: &Settings) -> World {
    let mut world = World::default();
    world.switches = settings.switches.clone();
    world.faults.replace(settings.faults.clone());
    world
}

/// A lock whose holder panicked is taken all the same: every change is made in one step, at the end.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server. It ends, with its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    local: LocalAws,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves a stand-in at an address; port 0 takes a free one.
    pub async fn start(local: LocalAws, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, local.clone()));
        Ok(Self { address, local, task })
    }

    /// Serves a stand-in on a free port of this machine.
    pub async fn start_local(local: LocalAws) -> io::Result<Self> {
        Self::start(local, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it serves.
    pub fn local(&self) -> &LocalAws {
        &self.local
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The connections belong to the task and end with it.
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, local: LocalAws) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept fails when the machine is out of descriptors: let some be closed.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                // Failure costs latency only.
                let _ = stream.set_nodelay(true);
                let local = local.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let local = local.clone();
                        async move { answer(&local, request).await }
                    });
                    // An error here is a client that went away, or an answer that was to be lost.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The answer was lost: told to the HTTP layer, which then closes the connection without a word.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct LostAnswer;

/// A request, read whole and taken apart.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The parts of the path, percent-decoded one by one.
    pub(crate) path: Vec<String>,
    /// The parameters of the query, decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: impl hyper::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap_or("(not text)"))
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; an empty one counts as an object without members.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(body)
    }

    /// The body of an operation of the API.
    pub(crate) fn input<T: serde::de::DeserializeOwned>(&self) -> Result<T, ApiError> {
        let wrong = |error: serde_json::Error| ApiError::serialization(error.to_string());
        let body: Value = self.json().map_err(wrong)?;
        // A list in the place of a structure would be read member by member.
        let is_structure = |value: &Value| value.is_object() || value.is_null();
        let elements = ["tags", "TagFilters"].iter().filter_map(|list| body.get(list)?.as_array()).flatten();
        let structures = elements.chain(body.get("modelSource")).chain([&body]);
        if let Some(other) = structures.into_iter().find(|value| !is_structure(value)) {
            return Err(ApiError::serialization(format!("{other} is not a structure")));
        }
        serde_json::from_value(body).map_err(wrong)
    }

    /// The Region in the credential scope of the signature.
    fn region(&self) -> Option<&str> {
        let (_, scope) = self.header(AUTHORIZATION)?.split_once("Credential=")?;
        let region = scope.split(',').next()?.split('/').nth(2)?;
        (!region.is_empty()).then_some(region)
    }

    fn caller(&self, local: &LocalAws) -> Caller {
        local.caller_in(self.region().unwrap_or(&local.settings().region))
    }
}

/// An answer before it is put on the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    /// The connection is cut in the place of the answer.
    pub(crate) lost: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: serde_json::to_vec(body).unwrap_or_default(),
            delay: Duration::ZERO,
            lost: false,
        }
    }

    pub(crate) fn lost() -> Self {
        Self { lost: true, ..Self::json(200, &()) }
    }

    pub(crate) fn of_failure(failure: Failure, error: impl FnOnce(ApiError) -> Self) -> Self {
        match failure {
            Failure::Lost => Self::lost(),
            Failure::Api(api) => error(api),
        }
    }
}

/// Requests are small; anything near this is not for us.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

async fn answer(
    local: &LocalAws,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, LostAnswer> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_REQUEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(respond(local, control::problem(413, "the body cannot be read"))),
    };
    let request = Request {
        method: head.method,
        path: head.uri.path().split('/').skip(1).map(decode).collect(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: head.headers,
        body,
    };
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let reply = match path.as_slice() {
        ["_local", "responses", rest @ ..] => responses::handle(local, &request, rest),
        ["_local", rest @ ..] => control::handle(local, &request, rest),
        path => {
            wait(local.settings().latency).await;
            let caller = request.caller(local);
            match path {
                [""] => json::handle(local, &caller, &request),
                path => bedrock::handle(local, &caller, &request, path),
            }
        }
    };
    wait(reply.delay).await;
    if reply.lost { Err(LostAnswer) } else { Ok(respond(local, reply)) }
}

/// Waits; not even for a tick of the timer when there is nothing to wait for.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn respond(local: &LocalAws, reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(reply.content_type));
    for (name, value) in reply.headers.into_iter().chain([("x-amzn-requestid", local.request_id())]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// Tells of the latest call, when that is asked for.
pub(crate) fn log_last_call(local: &LocalAws, world: &World) {
    if local.settings().log_calls
        && let Some(call) = world.calls.last()
    {
        let outcome = serde_json::to_string(&call.outcome).unwrap_or_default();
        eprintln!("{} {} {} {} {outcome}", call.at, call.region, call.operation, call.request);
    }
}

/// The present, as the sink writes it down.
pub(crate) fn timestamp(local: &LocalAws) -> Timestamp {
    Timestamp::new(local.now())
}

/// Percent-decodes a part of a path. What is not an escape stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let escape = match bytes.get(at..at + 3) {
            Some([b'%', high, low]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                plain.push(high * 16 + low);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The parameters of a query.
fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let plain = |text: &str| decode(&text.replace('+', " "));
        (plain(key), plain(value))
    };
    parts.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_decoded() {
        assert_eq!(decode("arn%3Aaws%2fx"), "arn:aws/x");
        assert_eq!(decode("a%zz%4"), "a%zz%4");
        assert_eq!(decode("%C3%A4+"), "ä+");
        let expected = [("type", "A B"), ("nextToken", "a+b"), ("flag", "")];
        assert_eq!(pairs("type=A+B&&nextToken=a%2Bb&flag"), expected.map(|(k, v)| (k.into(), v.into())));
    }

    #[test]
    fn the_region_is_that_of_the_credential_scope() {
        let request = |authorization: Option<&'static str>| Request {
            method: Method::GET,
            path: Vec::new(),
            query: Vec::new(),
            headers: authorization
                .map(|text| (AUTHORIZATION, HeaderValue::from_static(text)))
                .into_iter()
                .collect(),
            body: Bytes::new(),
        };
        let local = LocalAws::default();
        let region = |authorization| request(authorization).caller(&local).region;
        let signed =
            "AWS4-HMAC-SHA256 Credential=AKID/20261124/eu-west-1/bedrock/aws4_request, SignedHeaders=host";
        assert_eq!(region(Some(signed)), "eu-west-1");
        for other in [None, Some("Bearer token"), Some("AWS4-HMAC-SHA256 Credential=AKID//"), Some("x")] {
            assert_eq!(region(other), "us-east-1");
        }
    }
}
