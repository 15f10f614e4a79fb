//! The wire: raw requests against a running server, and the program itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bedrock;
mod control;
mod json;
mod program;
mod responses;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use local_aws::http::{LocalAws, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answered {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }
}

/// Sends bytes on a connection of their own; `None` when it is closed without an answer.
pub(crate) async fn send(address: SocketAddr, request: &str) -> Option<Answered> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A connection that is cut may end with a reset instead of an end.
    let _ = stream.read_to_string(&mut answer).await;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Answered { status, headers, body: body.to_owned() })
}

/// Sends a request with a body; an empty one has no length told.
pub(crate) async fn call(
    server: &Server,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Option<Answered> {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}{length}\r\n{body}");
    send(server.address(), &request).await
}

pub(crate) async fn get(server: &Server, path: &str) -> Answered {
    call(server, "GET", path, "", "").await.unwrap()
}

pub(crate) async fn post(server: &Server, path: &str, body: &Value) -> Answered {
    call(server, "POST", path, "", &body.to_string()).await.unwrap()
}

pub(crate) async fn started() -> Server {
    Server::start_local(LocalAws::default()).await.unwrap()
}
