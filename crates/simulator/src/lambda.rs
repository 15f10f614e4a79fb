//! Lambda: asynchronous invocations, tried three times, some of them killed; what dies to the end goes to the
//! OnFailure destination.

use std::{
    collections::BTreeSet,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use local_aws::in_process::{Fate, InProcess};
use ports::ErrorKind;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    cloudformation::SERVICE_TIMEOUT,
    desk::{By, Desk, Sink},
    functions::{PROVIDER_TIMEOUT, Provider, RESCUE_TIMEOUT},
    promises::{Guard, Promise},
    scenario::{KillAt, PutFate, Trouble},
    trace::Trace,
};

/// How often an invocation is tried.
const ATTEMPTS: u32 = 3;

/// How old an event may be when it is tried again, as the template sets it.
const MAX_EVENT_AGE: Duration = Duration::from_secs(600);

/// From a request to its answer, when the provider dies to the end and rescue is tried three times: the longest
/// that the template's bounds allow.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(600 + 300 + 60 + 3 * 60 + 180 + 30);

/// How long rescue takes from an event that is too old, all its attempts counted.
const RESCUED: Duration = Duration::from_secs(3 * 60 + 180 + 60);

/// How many calls of AWS one invocation may make. The most are made by one that polls until it runs out of time.
const MOST_CALLS: usize = 1_500;

/// More PUTs than the provider makes of one answer.
const MINUTES_OF_PUTS: u8 = 100;

/// Lambda, with the functions in it.
pub struct Lambda {
    /// The account that the functions act on.
    pub aws: InProcess,
    /// Where they answer.
    pub desk: Arc<Desk>,
    /// What must hold.
    pub guard: Arc<Guard>,
    /// What happened.
    pub trace: Arc<Trace>,
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// How often something was killed.
    pub kills: AtomicUsize,
    /// How often rescue was used.
    pub rescues: AtomicUsize,
    /// The logical ids whose requests were killed, and those whose Creates and Updates came again.
    met: Mutex<Met>,
    repeats: AtomicUsize,
    delays: AtomicUsize,
    rescue_kills: Mutex<u8>,
}

/// Whose requests met what.
#[derive(Debug, Default)]
struct Met {
    killed: BTreeSet<String>,
    doubled: BTreeSet<String>,
    straggling: BTreeSet<String>,
}

/// How an invocation ended that did not end well.
#[derive(Debug)]
enum Death {
    Killed,
    TimedOut,
    Erred(String),
}

impl Lambda {
    /// Lambda with the provider.
    pub fn new(
        aws: InProcess,
        desk: Arc<Desk>,
        guard: Arc<Guard>,
        trace: Arc<Trace>,
        provider: Arc<dyn Provider>,
        troubles: Vec<Trouble>,
    ) -> Self {
        let rescue_kills = troubles.iter().find_map(|trouble| match trouble {
            Trouble::KillRescue { attempts, .. } => Some(*attempts),
            _ => None,
        });
        Self {
            aws,
            desk,
            guard,
            trace,
            provider,
            troubles,
            kills: AtomicUsize::new(0),
            rescues: AtomicUsize::new(0),
            met: Mutex::default(),
            repeats: AtomicUsize::new(0),
            delays: AtomicUsize::new(0),
            rescue_kills: Mutex::new(rescue_kills.unwrap_or_default()),
        }
    }

    /// What went wrong besides calls of AWS, and how often.
    pub fn happened(&self) -> [(&'static str, u64); 5] {
        let puts = self.desk.struck();
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed) as u64;
        [
            ("an answer is lost on its way", puts[0]),
            ("an answer arrives, and that is not heard", puts[1]),
            ("an answer is refused on the provider's way", puts[2]),
            ("a request is delivered again", count(&self.repeats)),
            ("a request is delivered late", count(&self.delays)),
        ]
    }

    /// By how much the first delivery of a request is late.
    pub fn lateness(&self, number: usize) -> Duration {
        let late = self.troubles.iter().find_map(|trouble| match trouble {
            Trouble::Late { request, by_s } if usize::from(*request) == number => Some(*by_s),
            _ => None,
        });
        Duration::from_secs(u64::from(late.unwrap_or_default()))
    }

    /// Whether a request is delivered so late that it may be too old to be answered.
    pub fn is_delayed(&self, number: usize) -> bool {
        self.lateness(number) + RESCUED > SERVICE_TIMEOUT
    }

    /// Whether anything but calls and PUTs goes wrong with a request.
    pub fn is_troubled(&self, number: usize) -> bool {
        self.troubles.iter().any(|trouble| match trouble {
            Trouble::Kill { request, .. }
            | Trouble::Repeat { request, .. }
            | Trouble::Late { request, .. } => usize::from(*request) == number,
            _ => false,
        })
    }

    /// Whether a request is killed.
    pub fn is_to_be_killed(&self, number: usize) -> bool {
        let kills = |trouble: &Trouble| matches!(trouble, Trouble::Kill { request, .. } if usize::from(*request) == number);
        self.troubles.iter().any(kills)
    }

    /// Whether a request is delivered more than once.
    pub fn is_repeated(&self, number: usize) -> bool {
        self.troubles.iter().any(|trouble| match trouble {
            Trouble::Repeat { request, .. } => usize::from(*request) == number,
            _ => false,
        })
    }

    /// How many calls were denied so far, which does not pass by itself.
    pub fn denials(&self) -> usize {
        let account = self.aws.account();
        let strikes = account.faults.strikes().iter();
        strikes.filter(|(_, fate)| *fate == Fate::Fails(ErrorKind::Denied)).count()
    }

    /// Whether a request for this logical id was killed so far.
    pub fn was_killed(&self, logical_id: &str) -> bool {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).killed.contains(logical_id)
    }

    /// Whether a Create or an Update of this logical id came again so far.
    pub fn was_doubled(&self, logical_id: &str) -> bool {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).doubled.contains(logical_id)
    }

    /// Whether answers are lost on their way, or arrive unheard.
    pub fn has_lost_puts(&self) -> bool {
        self.troubles.iter().any(|trouble| matches!(trouble, Trouble::Puts { .. }))
    }

    /// Whether answers are lost for so long that rescue must deliver them, and something else keeps functions from
    /// answering this request: then nobody may.
    pub fn is_cut_off(&self, number: usize) -> bool {
        let others = self.troubles.iter().filter(|trouble| match trouble {
            Trouble::Calls { .. } | Trouble::Repeat { .. } => false,
            // What is turned away from the provider leaves the more of what is lost for rescue.
            Trouble::Puts { .. } | Trouble::KillRescue { .. } => true,
            Trouble::Kill { request, .. } | Trouble::Late { request, .. } => usize::from(*request) == number,
        });
        self.loses_answers_for_long() && others.count() > 1
    }

    /// Whether answers are lost for minutes.
    pub fn loses_answers_for_long(&self) -> bool {
        let is_long = |trouble: &Trouble| matches!(trouble, Trouble::Puts { times, fate: PutFate::Lost, .. } if *times > MINUTES_OF_PUTS);
        self.troubles.iter().any(is_long)
    }

    /// Whether the provider does not hear for minutes that an answer arrived, whether it does or not: then it errs, and is
    /// run again.
    pub fn errs_for_want_of_delivery(&self) -> bool {
        let is_long =
            |trouble: &Trouble| matches!(trouble, Trouble::Puts { times, .. } if *times > MINUTES_OF_PUTS);
        self.troubles.iter().any(is_long)
    }

    /// Whether a request of this logical id came again, or late, so far.
    pub fn straggled(&self, logical_id: &str) -> bool {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).straggling.contains(logical_id)
    }

    fn straggles(&self, payload: &Value) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).straggling.insert(logical_id(payload));
    }

    /// Whether one of these requests comes again, or late.
    pub fn has_stragglers(&self, requests: Range<usize>) -> bool {
        self.troubles.iter().any(|trouble| match trouble {
            Trouble::Repeat { request, .. } | Trouble::Late { request, .. } => {
                requests.contains(&usize::from(*request))
            }
            _ => false,
        })
    }

    /// Delivers a request, and whatever of it comes again.
    pub async fn deliver(self: Arc<Self>, number: usize, payload: Value) {
        let issued = Instant::now();
        let repeats: Vec<Duration> = self
            .troubles
            .iter()
            .filter_map(|trouble| match trouble {
                Trouble::Repeat { request, after_s } if usize::from(*request) == number => {
                    Some(Duration::from_secs(u64::from(*after_s)))
                }
                _ => None,
            })
            .collect();
        let repeated = repeats.into_iter().map(|after| {
            let (lambda, payload) = (self.clone(), payload.clone());
            async move {
                sleep(after).await;
                lambda.repeat(number, payload, issued).await;
            }
        });
        let first = async {
            let late = self.lateness(number);
            if !late.is_zero() {
                self.delays.fetch_add(1, Ordering::Relaxed);
                self.straggles(&payload);
                sleep(late).await;
            }
            self.first(number, payload.clone(), issued).await;
        };
        futures::join!(first, futures::future::join_all(repeated));
    }

    async fn repeat(&self, number: usize, payload: Value, issued: Instant) {
        self.repeats.fetch_add(1, Ordering::Relaxed);
        self.straggles(&payload);
        if payload["RequestType"] != "Delete" {
            self.met.lock().unwrap_or_else(PoisonError::into_inner).doubled.insert(logical_id(&payload));
        }
        self.trace.line(|| {
            format!(
                "request {number} is delivered again, {} s after it was issued",
                issued.elapsed().as_secs()
            )
        });
        let end = self.attempt(number, ATTEMPTS, payload).await;
        self.trace.line(|| format!("that delivery of request {number} ended: {}", told(&end)));
    }

    async fn first(&self, number: usize, payload: Value, issued: Instant) {
        let mut last = None;
        let mut attempt = 0;
        let condition = loop {
            if issued.elapsed() > MAX_EVENT_AGE {
                break "EventAgeExceeded";
            }
            if attempt == ATTEMPTS {
                break "RetriesExhausted";
            }
            match self.attempt(number, attempt, payload.clone()).await {
                Ok(()) => return,
                Err(death) => {
                    self.trace.line(|| format!("attempt {attempt} at request {number} ended: {death:?}"));
                    last = Some(death);
                }
            }
            attempt += 1;
            if attempt < ATTEMPTS {
                sleep(Duration::from_secs(60 * u64::from(attempt))).await;
            }
        };
        self.rescue(number, &payload, condition, attempt, last).await;
    }

    /// One invocation of the provider.
    async fn attempt(&self, number: usize, attempt: u32, payload: Value) -> Result<(), Death> {
        let kill_at = self.troubles.iter().find_map(|trouble| match trouble {
            Trouble::Kill { request, at } if usize::from(*request) == number => {
                at.get(usize::try_from(attempt).ok()?).copied()
            }
            _ => None,
        });
        let sink = Sink::of(&self.desk, By::Provider);
        let concerns = logical_id(&payload);
        let made = AtomicUsize::new(0);
        let invocation =
            Counted { future: Box::pin(self.provider.invoke(payload, &sink)), aws: &self.aws, made: &made };
        let kill = kill_at.map(|at| Kill::of(at, &sink));
        let end = mortal(invocation, kill, PROVIDER_TIMEOUT).await;
        let made = made.into_inner();
        if made > MOST_CALLS {
            self.guard.breach(Promise::CallsBounded, format!("request {number} made {made} calls"));
        }
        if matches!(end, Err(Death::Killed)) {
            self.kills.fetch_add(1, Ordering::Relaxed);
            self.met.lock().unwrap_or_else(PoisonError::into_inner).killed.insert(concerns);
        }
        if matches!(end, Err(Death::Erred(_)))
            && self.desk.accepted(number).is_some()
            && !self.has_lost_puts()
        {
            let what = format!("request {number} errs although it was answered, so that it is run again");
            self.guard.breach(Promise::RepeatsHarmless, what);
        }
        if matches!(end, Err(Death::TimedOut)) {
            self.guard
                .breach(Promise::OneAnswer, format!("request {number} ran into the function's timeout"));
        }
        end
    }

    /// The OnFailure destination.
    async fn rescue(&self, number: usize, request: &Value, condition: &str, tried: u32, last: Option<Death>) {
        self.rescues.fetch_add(1, Ordering::Relaxed);
        let error = match &last {
            None => Value::Null,
            Some(Death::Killed) => json!({
                "errorType": "Runtime.ExitError",
                "errorMessage": "RequestId: 8476a536 Error: Runtime exited with error: signal: killed",
            }),
            Some(Death::TimedOut) => {
                json!({"errorMessage": "2026-03-01T00:00:00Z 8476a536 Task timed out after 300.00 seconds"})
            }
            Some(Death::Erred(text)) => json!({"errorType": "Undelivered", "errorMessage": text}),
        };
        let mut record = json!({
            "version": "1.0",
            "timestamp": "2026-03-01T00:00:00.000Z",
            "requestContext": {
                "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "functionArn": format!(
                    "arn:aws:lambda:{}:{}:function:provider:$LATEST", crate::account::REGION, crate::account::ACCOUNT
                ),
                "condition": condition,
                "approximateInvokeCount": tried,
            },
            "requestPayload": request,
        });
        if !error.is_null() {
            record["responseContext"] =
                json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
            record["responsePayload"] = error;
        }
        for attempt in 0..ATTEMPTS {
            let kill = self.rescue_polls().map(Kill::InPolls);
            let sink = Sink::of(&self.desk, By::Rescue);
            let struck = self.aws.account().faults.struck();
            let end =
                mortal(self.provider.rescue(&self.aws, record.clone(), &sink), kill, RESCUE_TIMEOUT).await;
            self.trace.line(|| format!("rescue of request {number}, attempt {attempt}: {}", told(&end)));
            // What the stack says may be kept from it, and then it answers.
            if self.desk.was_overwritten(number) && self.aws.account().faults.struck() == struck {
                let what = format!("rescue replaces the answer to request {number} before it is read");
                self.guard.breach(Promise::OneAnswer, what);
            }
            match end {
                Ok(()) => return,
                Err(Death::TimedOut) => {
                    self.guard.breach(Promise::OneAnswer, "rescue ran into its timeout".to_owned());
                }
                Err(_) => {}
            }
            sleep(Duration::from_secs(60 * u64::from(attempt + 1))).await;
        }
    }

    /// After how many polls the next use of rescue is killed.
    fn rescue_polls(&self) -> Option<usize> {
        let mut left = self.rescue_kills.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.checked_sub(1)?;
        self.troubles.iter().find_map(|trouble| match trouble {
            Trouble::KillRescue { polls, .. } => Some(usize::from(*polls)),
            _ => None,
        })
    }
}

fn logical_id(payload: &Value) -> String {
    payload["LogicalResourceId"].as_str().unwrap_or_default().to_owned()
}

fn told(end: &Result<(), Death>) -> String {
    match end {
        Ok(()) => "well".to_owned(),
        Err(death) => format!("{death:?}"),
    }
}

/// Runs an invocation until its end, its timeout, or until it is killed at one of its awaits.
async fn mortal(
    invocation: impl Future<Output = Result<(), String>> + Send,
    kill: Option<Kill<'_>>,
    limit: Duration,
) -> Result<(), Death> {
    let life = Life { future: Box::pin(invocation), kill };
    match timeout(limit, life).await {
        Err(_) => Err(Death::TimedOut),
        Ok(None) => Err(Death::Killed),
        Ok(Some(Err(error))) => Err(Death::Erred(error)),
        Ok(Some(Ok(()))) => Ok(()),
    }
}

/// An invocation whose calls of AWS are counted: what is called while it is polled, it calls.
struct Counted<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    aws: &'a InProcess,
    made: &'a AtomicUsize,
}

impl<T> Future for Counted<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let before = self.aws.account().calls.len();
        let polled = self.future.as_mut().poll(context);
        self.made.fetch_add(self.aws.account().calls.len() - before, Ordering::Relaxed);
        polled
    }
}

/// When an invocation is killed.
enum Kill<'a> {
    /// In so many polls.
    InPolls(usize),
    /// When its answer was taken.
    Answered(&'a Sink<'a>),
}

impl<'a> Kill<'a> {
    fn of(at: KillAt, sink: &'a Sink<'a>) -> Self {
        match at {
            KillAt::Poll(polls) => Self::InPolls(usize::from(polls)),
            KillAt::Answered => Self::Answered(sink),
        }
    }
}

/// A future that ends when it is killed, and then gives nothing.
struct Life<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    kill: Option<Kill<'a>>,
}

impl<T> Future for Life<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut self.kill {
            Some(Kill::InPolls(0)) => return Poll::Ready(None),
            Some(Kill::InPolls(polls)) => *polls -= 1,
            Some(Kill::Answered(sink)) if sink.has_answered() => return Poll::Ready(None),
            Some(Kill::Answered(_)) | None => {}
        }
        self.future.as_mut().poll(context).map(Some)
    }
}
