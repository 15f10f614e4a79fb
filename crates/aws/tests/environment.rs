//! What the environment decides: endpoints, Region and credentials. A process cannot change its own
//! environment safely, so each test runs one of those below that are ignored in a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use profile::tags::Owner;

/// A server that keeps the heads of the requests it is sent, and answers with an empty JSON object.
struct Server {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = [0; 16384];
                let read = stream.read(&mut bytes).unwrap();
                kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..read]).into_owned());
                let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Runs [`calls`] with this environment and no other; gives what it printed.
fn run(environment: &[(&str, &str)]) -> String {
    run_test("calls", environment)
}

fn run_test(name: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test]
#[ignore = "run by the others, in an environment of theirs"]
async fn calls() {
    let aws = aws::Aws::from_environment().await;
    let owner = Owner { stack_id: "s".into(), logical_id: "l".into() };
    println!("profiles: {:?}", aws.profiles().list().await);
    println!("owned: {:?}", aws.ownership().owned_by(&owner).await);
    println!("parameters: {:?}", aws.parameters().get(&["/p".into()]).await);
}

#[tokio::test]
#[ignore = "run by the others, in an environment of theirs"]
async fn sends() {
    let aws = aws::Aws::from_environment().await;
    let (reports, tags) = (aws.report_store("reports"), aws.cost_allocation_tags());
    let (written, read) = tokio::join!(reports.write("r.json", "application/json", vec![]), tags.active());
    println!("written: {written:?}\nread: {read:?}");
}

const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "session"),
];

#[test]
fn a_service_s_own_endpoint_goes_before_the_common_one_and_nothing_else_is_asked() {
    let [common, bedrock, tagging, metadata] = [(); 4].map(|()| Server::start());
    let mut environment = vec![
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", &common.url),
        ("AWS_ENDPOINT_URL_BEDROCK", &bedrock.url),
        ("AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API", &tagging.url),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url),
    ];
    environment.extend(CREDENTIALS);
    let printed = run(&environment);
    assert!(printed.contains("profiles: Ok([])\nowned: Ok([])\nparameters: Ok({})\n"), "{printed}");

    let only = |server: &Server| {
        let [head] = <[String; 1]>::try_from(server.heads()).unwrap();
        head
    };
    let head = only(&bedrock);
    assert!(head.starts_with("GET /inference-profiles?"), "{head}");
    assert!(head.contains("/eu-west-1/bedrock/aws4_request"), "{head}");
    assert!(head.contains("x-amz-security-token: session"), "{head}");
    assert!(head.contains("app/inference-profile-manager"), "{head}");
    assert!(only(&tagging).contains("ResourceGroupsTaggingAPI_20170126.GetResources"));
    assert!(only(&common).contains("AmazonSSM.GetParameters"));
    assert_eq!(metadata.heads(), Vec::<String>::new());
}

#[test]
fn without_a_region_calls_fail_saying_so() {
    let mut environment = vec![("AWS_EC2_METADATA_DISABLED", "true")];
    environment.extend(CREDENTIALS);
    let printed = run(&environment);
    assert_eq!(printed.matches("Missing Region").count(), 3, "{printed}");
}

#[test]
fn without_credentials_calls_are_refused() {
    let server = Server::start();
    let environment = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", server.url.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let printed = run(&environment);
    assert_eq!(printed.matches("kind: Denied, code: \"NoCredentials\"").count(), 3, "{printed}");
    assert_eq!(server.heads(), Vec::<String>::new());
}

#[test]
fn a_bucket_is_a_host_of_aws_and_a_path_of_an_endpoint_that_stands_in_for_it() {
    // Nothing is below this name, as nothing is below that of a machine in a network.
    let named = |server: &Server| server.url.replace("127.0.0.1", "localhost");
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        let [server, other] = [(); 2].map(|()| Server::start());
        let (url, other_url) = (named(&server), named(&other));
        let mut environment = vec![
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL_COST_EXPLORER", other_url.as_str()),
            (variable, url.as_str()),
        ];
        environment.extend(CREDENTIALS);
        let printed = run_test("sends", &environment);
        assert!(printed.contains("written: Ok(())\nread: Ok({})\n"), "{printed}");
        assert!(other.heads()[0].contains("ListCostAllocationTags"));
        assert!(server.heads()[0].starts_with("PUT /reports/r.json?x-id=PutObject HTTP/1.1"));
    }

    // A proxy is told where a client wants to go.
    let proxy = Server::start();
    let mut environment = vec![("AWS_REGION", "eu-west-1"), ("HTTPS_PROXY", proxy.url.as_str())];
    environment.extend(CREDENTIALS);
    run_test("sends", &environment);
    let asked: BTreeSet<String> =
        proxy.heads().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    // Cost Explorer is not in the Region that was named, and is found all the same.
    let expected = [
        "CONNECT ce.us-east-1.amazonaws.com:443 HTTP/1.1",
        "CONNECT reports.s3.eu-west-1.amazonaws.com:443 HTTP/1.1",
    ];
    assert_eq!(asked, expected.map(str::to_owned).into());
}
