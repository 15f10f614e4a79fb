//! Serves the stand-in over HTTP until it is told to end.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use local_aws::FaultPlan;
use local_aws::http::{LocalAws, Server, Settings};
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
local-aws: Amazon Bedrock's inference profiles, foundation models and tags on this machine

Usage: local-aws [OPTIONS]

Options:
  --port N             port to listen on; 0 takes a free one      [default: 4599]
  --host ADDRESS       address to listen on                       [default: 127.0.0.1]
  --account ID         account of every call                      [default: 000000000000]
  --region NAME        Region of calls without a signature        [default: us-east-1]
  --switch NAME=VALUE  move a switch; may be repeated
  --latency-ms N       let every call wait so long                [default: 0]
  --fault-seed N       seed of the injected faults                [default: 0]
  --fault-rate P       let about this share of the calls fail     [default: 0]
  --log                tell of every call on standard error
  --switches           list the switches with their defaults, and end
  --help, --version

It listens for Bedrock, for the Resource Groups Tagging API and, for one operation each, for Cost Explorer
(ListCostAllocationTags) and Service Quotas (GetServiceQuota) on the same port. Point clients at it:

  export AWS_ENDPOINT_URL_BEDROCK=http://127.0.0.1:4599
  export AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API=http://127.0.0.1:4599
  export AWS_ENDPOINT_URL_COST_EXPLORER=http://127.0.0.1:4599
  export AWS_ENDPOINT_URL_SERVICE_QUOTAS=http://127.0.0.1:4599
  aws bedrock list-inference-profiles --type-equals APPLICATION

The Region of a call is that of its signature. Responses of CloudFormation custom resources are taken at
/_local/responses/{token} and printed to standard output.

Control: GET /_local/health, state, calls, switches, faults, cost-tags, catalogue, responses;
PUT /_local/switches, cost-tags; POST /_local/faults, models, system-profiles, reset; DELETE /_local/faults, calls, responses.
";

/// What the command line asks for.
#[derive(Debug)]
enum Command {
    Serve { address: SocketAddr, settings: Box<Settings> },
    Print(String),
}

fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut settings = Settings { print_responses: true, ..Settings::default() };
    let (mut host, mut port) = (IpAddr::V4(Ipv4Addr::LOCALHOST), 4599u16);
    let (mut seed, mut rate) = (0u64, 0f64);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, given) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument, None),
        };
        let mut value =
            || given.clone().or_else(|| arguments.next()).ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--port" => port = number(&name, &value()?)?,
            "--host" => host = number(&name, &value()?)?,
            "--account" => settings.account = value()?,
            "--region" => settings.region = value()?,
            "--switch" => settings.switches.set(&value()?).map_err(|error| error.to_string())?,
            "--latency-ms" => settings.latency = Duration::from_millis(number(&name, &value()?)?),
            "--fault-seed" => seed = number(&name, &value()?)?,
            "--fault-rate" => rate = number(&name, &value()?)?,
            "--log" => settings.log_calls = true,
            "--switches" => {
                let switches = serde_json::to_string_pretty(&settings.switches);
                return Ok(Command::Print(switches.map_err(|error| error.to_string())?));
            }
            "--help" | "-h" => return Ok(Command::Print(HELP.trim_end().to_owned())),
            "--version" => return Ok(Command::Print(env!("CARGO_PKG_VERSION").to_owned())),
            unknown => return Err(format!("{unknown} is not an option; --help lists them")),
        }
    }
    let digits = settings.account.len() == 12 && settings.account.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(format!("--account {}: an account id has 12 digits", settings.account));
    }
    if !(0.0..=1.0).contains(&rate) {
        return Err(format!("--fault-rate {rate}: a rate is from 0 to 1"));
    }
    if rate > 0.0 {
        settings.faults = FaultPlan::seeded(seed, rate);
    }
    Ok(Command::Serve { address: SocketAddr::new(host, port), settings: Box::new(settings) })
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("{name} {text}: {error}"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match parse(std::env::args().skip(1)) {
        Ok(Command::Print(text)) => {
            println!("{text}");
            Ok(())
        }
        Ok(Command::Serve { address, settings }) => {
            serve(address, *settings).await.map_err(|error| format!("{address}: {error}"))
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-aws: {error}");
            ExitCode::from(2)
        }
    }
}

async fn serve(address: SocketAddr, settings: Settings) -> std::io::Result<()> {
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let place = format!("account {}, region {}", settings.account, settings.region);
    let server = Server::start(LocalAws::new(settings), address).await?;
    println!("local-aws listens on {} ({place})", server.url());
    std::io::stdout().flush()?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(|&argument| argument.to_owned()))
    }

    fn served(arguments: &[&str]) -> (SocketAddr, Settings) {
        match parsed(arguments) {
            Ok(Command::Serve { address, settings }) => (address, *settings),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_read_in_both_forms() {
        let (address, settings) = served(&[
            "--port=1234",
            "--host",
            "0.0.0.0",
            "--account",
            "111122223333",
            "--region=eu-west-1",
            "--switch",
            "unique_names=true",
            "--switch=lag-list-ms=50",
            "--latency-ms",
            "20",
        ]);
        assert_eq!(address.to_string(), "0.0.0.0:1234");
        assert_eq!((settings.account.as_str(), settings.region.as_str()), ("111122223333", "eu-west-1"));
        assert!(settings.switches.unique_names);
        assert_eq!(settings.switches.lag_list_ms, 50);
        assert_eq!(settings.latency, Duration::from_millis(20));
        assert_eq!(served(&[]).0.to_string(), "127.0.0.1:4599");
    }

    #[test]
    fn faults_are_there_when_a_rate_is() {
        assert_eq!(served(&["--fault-seed", "5"]).1.faults, FaultPlan::default());
        assert_eq!(served(&["--fault-seed", "5", "--fault-rate", "0.1"]).1.faults, FaultPlan::seeded(5, 0.1));
    }

    #[test]
    fn wrong_options_are_told() {
        let cases: [(&[&str], &str); 7] = [
            (&["--port", "x"], "--port x: invalid digit"),
            (&["--port"], "--port needs a value"),
            (&["--prot", "1"], "--prot is not an option"),
            (&["--account", "12"], "12 digits"),
            (&["--switch", "nothing=1"], "nothing=1"),
            (&["--fault-rate", "2"], "from 0 to 1"),
            (&["extra"], "extra is not an option"),
        ];
        for (arguments, expected) in cases {
            let error = parsed(arguments).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn help_names_every_option() {
        let Ok(Command::Print(help)) = parsed(&["--help"]) else { panic!() };
        for option in ["--port", "--account", "--region", "--switch", "--latency-ms", "--fault-seed", "--log"]
        {
            assert!(help.contains(option), "{option}");
        }
        let Ok(Command::Print(switches)) = parsed(&["--switches"]) else { panic!() };
        assert!(switches.contains("repeated_token"));
    }
}
