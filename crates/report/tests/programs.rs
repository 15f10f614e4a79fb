//! What programs read: JSON, events, metrics, log lines; and the mail, whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use report::{
    FINDING_EVENT, Level, NAMESPACE, RESULT_LIMIT, ReadError, Report, SWEEP_EVENT, events, from_json,
    log_lines, mail, metrics, result, to_json,
};
use rules::{
    finding::{FindingKey, Severity},
    inventory::{Source, Unread},
    rule::Rule,
};
use serde_json::{Value, json};

mod samples;

const PLACE: &str = "s3://reports-123456789012/sweeps/2026-03-01/report.html";

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn result_of(report: &Report, limit: usize) -> Value {
    value(result(report, Some(PLACE), limit).unwrap().get())
}

mod json_of_a_report {
    use super::*;

    #[test]
    fn is_the_whole_report() {
        insta::assert_json_snapshot!(value(&to_json(&samples::small()).unwrap()));
    }

    #[test]
    fn is_read_back_as_the_same_report() {
        for sample in ["empty", "clean", "realistic", "incomplete", "hostile"] {
            let report = samples::named(sample).unwrap();
            assert_eq!(from_json(to_json(&report).unwrap().as_bytes()).unwrap(), report);
        }
    }

    #[test]
    fn of_another_version_is_told_from_what_is_no_report() {
        let other = json!({"schemaVersion": 2, "whatever": []}).to_string();
        assert!(matches!(from_json(other.as_bytes()), Err(ReadError::Version { found: 2 })));
        let whole = to_json(&samples::small()).unwrap();
        for bad in [&whole[..whole.len() / 2], "", "[]", "{\"schemaVersion\":1}"] {
            assert!(matches!(from_json(bad.as_bytes()), Err(ReadError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn may_have_properties_that_are_not_known() {
        let mut json = value(&to_json(&samples::small()).unwrap());
        json["later"] = json!({"a": 1});
        json["findings"][0]["later"] = json!(2);
        assert_eq!(from_json(json.to_string().as_bytes()).unwrap(), samples::small());
    }
}

mod a_result {
    use super::*;

    #[test]
    fn is_the_report_without_profiles_and_with_its_place() {
        insta::assert_json_snapshot!(result_of(&samples::small(), RESULT_LIMIT));
    }

    #[test]
    fn that_fits_omits_nothing_and_is_read_back_as_a_report() {
        let mut report = samples::realistic();
        let read = from_json(result(&report, None, RESULT_LIMIT).unwrap().get().as_bytes()).unwrap();
        report.regions.iter_mut().for_each(|region| region.inventory.clear());
        assert_eq!(read, report);
    }

    #[test]
    fn is_never_longer_than_its_limit_and_says_how_much_is_omitted() {
        let mut report = samples::large(2_000);
        report.unconfirmed = report.findings.clone();
        report.changes.gone = report.findings.clone();
        report.findings.reverse();
        for limit in [4_000, 5_000, 20_000, 100_000, 400_000, 1_000_000] {
            let json = result(&report, Some(PLACE), limit).unwrap();
            assert!(json.get().len() <= limit, "{} > {limit}", json.get().len());
            let json = value(json.get());
            let omitted = |value: &Value| value.as_u64().unwrap_or_default() as usize;
            let told = |value: &Value| value.as_array().unwrap().len();
            for (list, all) in [("findings", &report.findings), ("unconfirmed", &report.unconfirmed)] {
                assert_eq!(told(&json[list]) + omitted(&json[format!("{list}Omitted")]), all.len());
            }
            let changes = &json["changes"];
            assert_eq!(told(&changes["gone"]) + omitted(&changes["goneOmitted"]), report.changes.gone.len());
            assert_eq!(told(&json["regions"]), 1, "what is small is not cut for what is large");
            // What is told is worth the room: most of it is used.
            let least = if limit < 20_000 { 0 } else { limit * 9 / 10 };
            assert!(json.to_string().len() >= least.min(900_000), "{}", json.to_string().len());
        }
    }

    #[test]
    fn gives_up_the_least_grave_findings() {
        let mut report = samples::large(2_000);
        report.findings.reverse();
        let json = result_of(&report, 100_000);
        let severities: Vec<Severity> = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| serde_json::from_value(finding["severity"].clone()).unwrap())
            .collect();
        assert!(severities.is_sorted());
        let high = report.findings.iter().filter(|finding| finding.severity == Severity::High).count();
        assert!(severities.len() < report.findings.len());
        assert_eq!(
            severities.iter().filter(|severity| **severity == Severity::High).count(),
            high.min(severities.len())
        );
    }

    #[test]
    fn tells_what_was_not_delivered() {
        let mut report = samples::small();
        report.undelivered = vec!["ä".repeat(10_000); 20];
        let json = result_of(&report, 10_000);
        let told = json["undelivered"].as_array().unwrap();
        assert!(told.len() == 8 && told.iter().all(|reason| reason.as_str().unwrap().len() <= 500));
        assert!(json.to_string().len() <= 10_000);
    }

    #[test]
    fn shortens_a_long_reason() {
        let mut report = samples::incomplete();
        report.regions[0].unread[0].reason = "ä".repeat(10_000);
        let json = result_of(&report, RESULT_LIMIT);
        let reason = json["regions"][0]["unread"][0]["reason"].as_str().unwrap();
        assert!(reason.len() <= 500 && reason.ends_with('…'), "{reason}");
    }
}

mod an_event {
    use super::*;

    fn details(report: &Report) -> Vec<(&'static str, Value)> {
        events(report, Some(PLACE)).iter().map(|event| (event.detail_type, value(&event.detail))).collect()
    }

    #[test]
    fn goes_out_for_each_finding_for_each_that_is_gone_and_for_the_sweep() {
        let events: Vec<Value> = events(&samples::small(), Some(PLACE))
            .into_iter()
            .map(|event| {
                json!({"detail-type": event.detail_type, "resources": event.resources, "detail": value(&event.detail)})
            })
            .collect();
        insta::assert_json_snapshot!(events);
    }

    #[test]
    fn says_of_a_finding_whether_it_is_new_open_or_resolved() {
        let report = samples::realistic();
        let statuses = |status: &str| {
            details(&report)
                .into_iter()
                .filter(|(kind, detail)| *kind == FINDING_EVENT && detail["status"] == status)
                .count()
        };
        assert_eq!(["new", "open", "resolved"].map(statuses), [4, 8, 2]);
        assert_eq!(details(&report).last().unwrap().0, SWEEP_EVENT);
    }

    #[test]
    fn is_silent_about_what_is_unconfirmed() {
        let report = samples::incomplete();
        let arns: BTreeSet<String> = report.unconfirmed.iter().map(|f| f.resource.arn.clone()).collect();
        assert_eq!(arns.len(), 2);
        for (_, detail) in details(&report) {
            assert!(!arns.contains(detail["resource"]["arn"].as_str().unwrap_or_default()), "{detail}");
        }
        assert_eq!(details(&report).last().unwrap().1["unconfirmed"], 2);
    }

    #[test]
    fn names_a_resource_only_by_an_arn() {
        let mut report = samples::small();
        report.findings[0].resource.arn = "cost-center".to_owned();
        let events = events(&report, None);
        assert!(events[0].resources.is_empty());
        assert_eq!(events[1].resources, [report.findings[1].resource.arn.clone()]);
    }

    #[test]
    fn stays_within_what_event_bridge_takes_whatever_it_tells() {
        let endless = "\u{1}".repeat(500_000);
        let mut report = samples::spoiled(&endless);
        report.account = samples::ACCOUNT.to_owned();
        report.region = "us-east-1".to_owned();
        for finding in report.findings.iter_mut().chain(&mut report.changes.gone) {
            finding.region = "us-east-1".to_owned();
        }
        for region in &mut report.regions {
            region.region = "us-east-1".to_owned();
            region.unread = vec![Unread { source: Source::Tags, reason: endless.clone() }; 400];
        }
        for event in events(&report, Some(&endless)) {
            let size = event.detail.len() + event.resources.iter().map(String::len).sum::<usize>();
            assert!(size < 250_000, "{} takes {size} bytes", event.detail_type);
        }
    }
}

mod metrics_of_a_report {
    use super::*;

    /// What the specification of the embedded metric format asks of a document.
    fn check(line: &str) -> Value {
        assert!(!line.contains('\n'));
        let document = value(line);
        let aws = &document["_aws"];
        assert_eq!(aws["Timestamp"], 1_772_344_804_230_u64);
        for directive in aws["CloudWatchMetrics"].as_array().unwrap() {
            assert_eq!(directive["Namespace"], NAMESPACE);
            for set in directive["Dimensions"].as_array().unwrap() {
                let set = set.as_array().unwrap();
                assert!((1..=30).contains(&set.len()));
                for name in set {
                    let value = document[name.as_str().unwrap()].as_str().unwrap();
                    assert!((1..=1024).contains(&value.len()));
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                assert!(document[metric["Name"].as_str().unwrap()].is_number());
                assert!(["Count", "None", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()));
            }
        }
        document
    }

    #[test]
    fn are_lines_of_the_embedded_metric_format() {
        for sample in ["empty", "clean", "realistic", "incomplete", "large"] {
            metrics(&samples::named(sample).unwrap()).iter().for_each(|line| drop(check(line)));
        }
        insta::assert_snapshot!(metrics(&samples::small()).join("\n"));
    }

    fn findings(report: &Report, region: &str, rule: Rule) -> Option<u64> {
        let mut values = metrics(report)
            .iter()
            .map(|line| value(line))
            .filter(|line| line["Region"] == region && line["Rule"] == rule.as_str())
            .map(|line| line["Findings"].as_u64().unwrap())
            .collect::<Vec<_>>();
        assert!(values.len() <= 1);
        values.pop()
    }

    #[test]
    fn tell_zero_where_it_was_counted_and_nothing_where_it_was_not() {
        let report = samples::realistic();
        assert_eq!(findings(&report, "us-east-1", Rule::Untagged), Some(3));
        assert_eq!(findings(&report, "eu-west-1", Rule::Idle), Some(0));

        let report = samples::incomplete();
        assert_eq!(findings(&report, "us-east-1", Rule::UnattributedUsage), Some(1), "found all the same");
        assert_eq!(findings(&report, "us-east-1", Rule::DuplicateName), Some(0));
        assert_eq!(findings(&report, "eu-west-1", Rule::DuplicateName), None, "the Region could not be read");
        let lines: Vec<Value> = metrics(&report).iter().map(|line| value(line)).collect();
        let europe = lines.iter().filter(|line| line["Region"] == "eu-west-1").collect::<Vec<_>>();
        assert_eq!(europe.len(), 1, "{europe:?}");
        assert_eq!((&europe[0]["Complete"], &europe[0]["Profiles"]), (&json!(0), &Value::Null));
    }

    #[test]
    fn leave_out_rules_that_were_not_asked_for() {
        let mut report = samples::clean();
        report.counts = [(Rule::Idle, 0)].into();
        assert_eq!(findings(&report, "us-east-1", Rule::Idle), Some(0));
        assert_eq!(findings(&report, "us-east-1", Rule::Untagged), None);
    }
}

mod a_log_line {
    use super::*;

    #[test]
    fn is_flat_and_there_for_each_finding_and_each_that_is_gone() {
        let report = samples::small();
        let lines: Vec<_> =
            log_lines(&report).map(|line| (line.level, serde_json::to_value(line).unwrap())).collect();
        for (_, line) in &lines {
            assert!(line.as_object().unwrap().values().all(|value| value.is_string()), "{line}");
        }
        insta::assert_json_snapshot!(
            lines.iter().map(|(level, line)| json!([format!("{level:?}"), line])).collect::<Vec<_>>()
        );
    }

    #[test]
    fn has_the_level_of_its_severity() {
        let report = samples::realistic();
        let level = |name: &str, status: &str| {
            log_lines(&report)
                .find(|line| line.resource_name == name && line.status == status)
                .map(|line| line.level)
        };
        assert_eq!(level("fraud-notes", "new"), Some(Level::Error));
        assert_eq!(level("notebook-anna", "open"), Some(Level::Warn));
        assert_eq!(level("experiment-ranking", "open"), Some(Level::Info));
        assert_eq!(
            level("document-search", "resolved"),
            Some(Level::Info),
            "it was critical, and is no more"
        );
    }
}

mod the_mail {
    use super::*;

    #[test]
    fn is_a_digest_that_a_person_reads() {
        for (name, report) in [("realistic", samples::realistic()), ("incomplete", samples::incomplete())] {
            let mail = mail(&report, Some(PLACE)).unwrap();
            insta::assert_snapshot!(name, format!("{}\n\n{}", mail.subject, mail.text));
        }
    }

    #[test]
    fn is_not_sent_when_nothing_appeared_and_nothing_is_gone() {
        assert_eq!(mail(&samples::clean(), Some(PLACE)), None);
        let mut report = samples::clean();
        report.unconfirmed = samples::realistic().findings;
        assert_eq!(mail(&report, None), None, "what is unconfirmed is no change");
        report.changes.gone = samples::realistic().changes.gone;
        assert!(mail(&report, None).is_some());
    }

    #[test]
    fn fits_whatever_it_tells() {
        let mut many = samples::large(10_000);
        many.changes.appeared = many.findings.clone();
        many.changes.gone = many.findings.clone();
        let mut unread = samples::incomplete();
        unread.regions = vec![unread.regions[1].clone(); 30];
        let endless = samples::spoiled(&"word and more ".repeat(10_000));
        for report in [many, unread, endless, samples::hostile(), samples::realistic()] {
            let mail = mail(&report, Some(&PLACE.repeat(100))).unwrap();
            assert!((1..100).contains(&mail.subject.len()));
            assert!(mail.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", mail.subject);
            assert!(mail.text.len() <= 8_192, "{} bytes", mail.text.len());
            for line in mail.text.lines() {
                let word = !line.trim_start_matches(['*', '-', ' ']).contains(' ');
                assert!(word || line.chars().count() <= 78, "{line}");
                assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
            }
        }
    }

    #[test]
    fn says_how_much_it_does_not_tell() {
        let mut report = samples::large(2_000);
        report.changes.appeared = report.findings.clone();
        let text = mail(&report, None).unwrap().text;
        let told = text.lines().filter(|line| line.starts_with("* ")).count();
        assert!(told > 5);
        assert!(text.contains(&format!("… and {} more new.", report.findings.len() - told)), "{text}");
    }

    #[test]
    fn begins_with_the_gravest() {
        let mut report = samples::realistic();
        report.changes.appeared = report.findings.iter().rev().cloned().collect();
        let text = mail(&report, None).unwrap().text;
        let at = |heading: &str| text.find(heading).unwrap();
        assert!(at("NEW, CRITICAL") < at("NEW, HIGH"));
        assert!(at("NEW, HIGH") < at("GONE"));
    }
}

mod changes {
    use super::*;

    /// A report before with these findings and these unconfirmed.
    fn before(findings: &[usize], unconfirmed: &[usize]) -> Report {
        let all = samples::realistic().findings;
        let mut report = samples::empty();
        report.findings = findings.iter().map(|at| all[*at].clone()).collect();
        report.unconfirmed = unconfirmed.iter().map(|at| all[*at].clone()).collect();
        report
    }

    /// Which of the findings appeared, are gone, are unconfirmed.
    fn compare(
        before: Option<&Report>,
        now: &[usize],
        undecided: impl Fn(Rule, &str) -> bool,
    ) -> [Vec<usize>; 3] {
        let all = samples::realistic().findings;
        let keys: Vec<FindingKey<'_>> = all.iter().map(|finding| finding.key()).collect();
        let now: Vec<_> = now.iter().map(|at| all[*at].clone()).collect();
        let (changes, unconfirmed) = report::changes(before, &now, undecided);
        assert_eq!(changes.since, before.map(|report| report.started_at));
        [changes.appeared, changes.gone, unconfirmed].map(|findings| {
            findings.iter().map(|f| keys.iter().position(|key| *key == f.key()).unwrap()).collect()
        })
    }

    const NOTHING: [Vec<usize>; 3] = [const { Vec::new() }; 3];
    const DECIDED: fn(Rule, &str) -> bool = |_, _| false;

    #[test]
    fn everything_appears_when_there_was_no_report_before() {
        assert_eq!(compare(None, &[0, 1], DECIDED), [vec![0, 1], vec![], vec![]]);
    }

    #[test]
    fn what_was_there_neither_appears_nor_goes() {
        assert_eq!(compare(Some(&before(&[0], &[])), &[0], DECIDED), NOTHING);
    }

    #[test]
    fn what_became_graver_appears_again_and_what_became_less_grave_does_not() {
        let mut previous = before(&[0], &[]);
        previous.findings[0].severity = Severity::Low;
        let now = samples::realistic().findings[..1].to_vec();
        assert!(now[0].severity < Severity::Low, "it is graver now");
        let (changes, _) = report::changes(Some(&previous), &now, DECIDED);
        assert_eq!((changes.appeared, changes.gone), (now.clone(), vec![]));
        let mut report = samples::empty();
        report.findings = now;
        let (changes, _) = report::changes(Some(&report), &previous.findings, DECIDED);
        assert!(changes.is_empty());
    }

    #[test]
    fn what_is_not_found_any_more_is_gone() {
        assert_eq!(compare(Some(&before(&[0, 1], &[])), &[1, 2], DECIDED), [vec![2], vec![0], vec![]]);
    }

    #[test]
    fn what_could_not_be_looked_into_is_unconfirmed_and_not_gone() {
        // The second finding is of Europe.
        let undecided = |_, region: &str| region == "eu-west-1";
        assert_eq!(compare(Some(&before(&[0, 1], &[])), &[], undecided), [vec![], vec![0], vec![1]]);
        let undecided = |rule, _: &str| rule == Rule::ParameterDrift;
        assert_eq!(compare(Some(&before(&[0, 1], &[])), &[], undecided), [vec![], vec![1], vec![0]]);
    }

    #[test]
    fn what_is_unconfirmed_stays_so_until_it_is_found_or_gone() {
        let previous = before(&[], &[0]);
        assert_eq!(compare(Some(&previous), &[], |_, _| true), [vec![], vec![], vec![0]]);
        assert_eq!(compare(Some(&previous), &[0], DECIDED), NOTHING, "it is nothing new");
        assert_eq!(compare(Some(&previous), &[], DECIDED), [vec![], vec![0], vec![]]);
    }

    #[test]
    fn what_is_found_is_not_unconfirmed_though_its_rule_is_undecided() {
        assert_eq!(compare(Some(&before(&[0], &[])), &[0, 1], |_, _| true), [vec![1], vec![], vec![]]);
    }

    #[test]
    fn the_same_finding_told_twice_goes_once() {
        assert_eq!(compare(Some(&before(&[0, 0], &[0])), &[], DECIDED), [vec![], vec![0], vec![]]);
    }
}
