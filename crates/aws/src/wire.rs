//! A server for tests: keeps what it is sent, byte for byte, and answers what it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{Region, retry::RetryConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{ATTEMPTS, Aws, http::Http, loader};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// `GET /inference-profiles?type=APPLICATION`
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
    }

    /// Every value of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, &'static str)>, Vec<u8>),
    /// Closes the connection.
    Cut,
    /// Says nothing, and leaves the connection open.
    Silence,
}

impl Reply {
    pub(crate) fn json(body: serde_json::Value) -> Self {
        Self::Answer(200, vec![], body.to_string().into_bytes())
    }

    pub(crate) fn error(status: u16, code: &'static str, message: &str) -> Self {
        // Bedrock names the error in the header, the JSON protocols in the body.
        let body = serde_json::json!({ "__type": code, "message": message });
        Self::Answer(status, vec![("x-amzn-errortype", code)], body.to_string().into_bytes())
    }

    pub(crate) fn xml(status: u16, body: &str) -> Self {
        Self::Answer(status, vec![], body.as_bytes().to_vec())
    }
}

/// The server; gives its replies in turn, and the last one again and again.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let server = Self { url, sent: Arc::clone(&sent) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&sent), Arc::clone(&replies)));
            }
        });
        server
    }

    /// All that came so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// AWS as this server plays it, without the pauses before a repetition.
    pub(crate) async fn aws(&self) -> Aws {
        let http = Http::new(ProxyConfig::disabled());
        let pause = Duration::from_millis(1);
        let config = loader(&http)
            .endpoint_url(&self.url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(pause))
            .load()
            .await;
        Aws { config, http }
    }
}

async fn converse(mut stream: TcpStream, sent: Arc<Mutex<Vec<Sent>>>, replies: Arc<Mutex<VecDeque<Reply>>>) {
    while let Some(request) = read(&mut stream).await {
        sent.lock().unwrap().push(request);
        let reply = {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
        };
        match reply.expect("a server has a reply") {
            Reply::Answer(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head += &format!("{name}: {value}\r\n");
                }
                head += "\r\n";
                stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
            }
            Reply::Cut => return,
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Sent> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let body = bytes.split_off(end + 4);
    bytes.truncate(end);
    let mut request = Sent { head: String::from_utf8(bytes).unwrap(), body };
    let length = request.header("content-length").first().map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}
