//! The program `local-aws` itself.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::json;

use super::send;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_local-aws"))
}

/// A running program, ended at the latest when it is dropped.
struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    ready: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = out.next().unwrap().unwrap();
        Self { child, out, ready }
    }

    async fn send(&self, request: &str) -> super::Answered {
        let address = self.ready.split("http://").nth(1).unwrap().split(' ').next().unwrap();
        send(address.parse().unwrap(), request).await.unwrap()
    }

    fn signalled(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_says_when_it_is_ready_and_ends_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut running = Running::start(&["--account", "111122223333", "--switch", "quota=3"]);
        assert!(running.ready.ends_with("(account 111122223333, region us-east-1)"), "{}", running.ready);
        let answer =
            running.send("GET /_local/switches HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert_eq!(answer.json()["quota"], 3);
        assert_eq!(running.signalled(signal), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn it_prints_the_responses_it_receives() {
    let mut running = Running::start(&[]);
    let body = json!({"Status": "SUCCESS"}).to_string();
    let length = body.len();
    let head = "PUT /_local/responses/abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let answer = running.send(&format!("{head}content-length: {length}\r\n\r\n{body}")).await;
    assert_eq!(answer.status, 200);
    let line = running.out.next().unwrap().unwrap();
    assert!(
        line.starts_with("CloudFormation response abc, 20 bytes, accepted, but it breaks rules:"),
        "{line}"
    );
    assert_eq!(running.signalled("-TERM"), Some(0));
}

#[test]
fn a_wrong_command_line_is_told_with_what_to_do() {
    let Output { status, stderr, stdout } = program().args(["--prot", "1"]).output().unwrap();
    assert_eq!(status.code(), Some(2));
    assert_eq!(String::from_utf8(stderr).unwrap(), "local-aws: --prot is not an option; --help lists them\n");
    assert!(stdout.is_empty());
}

#[test]
fn a_taken_port_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let Output { status, stderr, .. } = program().args(["--port", &port]).output().unwrap();
    assert_eq!(status.code(), Some(2));
    assert!(String::from_utf8(stderr).unwrap().contains(&format!("127.0.0.1:{port}")));
}
