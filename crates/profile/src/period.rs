//! Lengths of time, as a template writes them: `0`, `30s`, `15m`, `12h`, `7d`, `2w`.

use std::fmt;

use time::Duration;

use crate::fault::{Fault, quoted};

/// The units and their seconds. Of two texts of one length, the one with the earlier unit is shown,
/// so that a week reads `7d`.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

const SYNTAX: &str = "Write 0, or one whole number and one unit: 30s, 15m, 12h, 7d or 2w";

/// A whole number of seconds, from none to 455 days.
///
/// The upper bound is how long CloudWatch keeps a metric (CloudWatch User Guide, "Metrics retention"):
/// nothing can be said of a profile's use before that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u64);

impl Period {
    /// No time at all, which is also what an absent property means.
    pub const ZERO: Self = Self(0);

    /// The longest period: 455 days.
    pub const LONGEST: Self = Self(455 * 86_400);

    /// Reads `text`, the value of the property at `path`.
    pub fn parse(path: &str, text: &str) -> Result<Self, Fault> {
        let fault = |problem: &str, remedy: String| {
            Err(Fault::new(path, format!("{} {problem}", quoted(text)), remedy))
        };
        let number_ends = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(number_ends);
        if text.starts_with('-') {
            return fault("is negative", SYNTAX.to_owned());
        }
        if number.is_empty() {
            return fault("does not begin with a whole number", SYNTAX.to_owned());
        }
        let is_zero = number.bytes().all(|digit| digit == b'0');
        if unit.is_empty() && is_zero {
            return Ok(Self::ZERO);
        }
        if unit.is_empty() {
            let remedy = match (guessed(number, "d"), guessed(number, "h")) {
                (Some(days), Some(hours)) => format!("Write {days} if days are meant, or {hours} for hours"),
                _ => SYNTAX.to_owned(),
            };
            return fault("has no unit", remedy);
        }
        let Some((_, seconds)) = UNITS.iter().find(|(letter, _)| unit.chars().eq([*letter])) else {
            let remedy = guessed(number, unit).map_or(SYNTAX.to_owned(), |guess| format!("Write {guess}"));
            return fault(&format!("has {} for its unit", quoted(unit)), remedy);
        };
        match number.parse::<u64>().ok().and_then(|number| number.checked_mul(*seconds)) {
            Some(total) if total <= Self::LONGEST.0 => Ok(Self(total)),
            _ => fault(
                "is too long",
                format!("Write at most {}, which is how long CloudWatch keeps its figures", Self::LONGEST),
            ),
        }
    }

    /// The same length, for reckoning with instants.
    pub fn as_duration(&self) -> Duration {
        Duration::seconds(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

/// What somebody means who writes `7 days` or `12H`; nothing for a month, which `m` is not, and nothing
/// that is no period either.
fn guessed(number: &str, unit: &str) -> Option<String> {
    let unit = unit.trim();
    if unit == "M" {
        return None;
    }
    let letter = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 's',
        "m" | "min" | "mins" | "minute" | "minutes" => 'm',
        "h" | "hr" | "hrs" | "hour" | "hours" => 'h',
        "d" | "day" | "days" => 'd',
        "w" | "wk" | "wks" | "week" | "weeks" => 'w',
        _ => return None,
    };
    let number = number.trim_start_matches('0');
    let (_, seconds) = UNITS.iter().find(|(unit, _)| *unit == letter)?;
    let total = number.parse::<u64>().ok()?.checked_mul(*seconds)?;
    (total <= Period::LONGEST.0).then(|| format!("{number}{letter}"))
}

impl fmt::Display for Period {
    /// The shortest text that reads as this period: `0` for none, `1d` for 24 hours, `90m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ZERO {
            return f.write_str("0");
        }
        let shortest = UNITS
            .iter()
            .filter(|(_, seconds)| self.0.is_multiple_of(*seconds))
            .map(|(letter, seconds)| format!("{}{letter}", self.0 / seconds))
            .min_by_key(String::len);
        f.write_str(&shortest.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> i64 {
        Period::parse("DrainPeriod", text).unwrap().as_duration().whole_seconds()
    }

    fn fault(text: &str) -> String {
        Period::parse("DrainPeriod", text).unwrap_err().to_string()
    }

    #[test]
    fn a_number_and_a_unit_is_a_period() {
        assert_eq!(seconds("0"), 0);
        assert_eq!(seconds("0d"), 0);
        assert_eq!(seconds("30s"), 30);
        assert_eq!(seconds("15m"), 900);
        assert_eq!(seconds("12h"), 43_200);
        assert_eq!(seconds("7d"), 604_800);
        assert_eq!(seconds("2w"), 1_209_600);
    }

    #[test]
    fn a_period_is_at_most_what_cloudwatch_remembers() {
        assert_eq!(Period::parse("P", "455d").unwrap(), Period::LONGEST);
        let too_long = "is too long. Write at most 65w, which is how long CloudWatch keeps its figures.";
        assert_eq!(fault("456d"), format!("DrainPeriod: «456d» {too_long}"));
        assert!(fault("99999999999999999999999d").ends_with(too_long));
        assert!(fault("18446744073709551615w").ends_with(too_long));
    }

    #[test]
    fn a_missing_unit_is_asked_for_with_the_number_given() {
        assert_eq!(
            fault("30"),
            "DrainPeriod: «30» has no unit. Write 30d if days are meant, or 30h for hours."
        );
    }

    #[test]
    fn what_was_nearly_right_is_answered_with_what_is() {
        assert_eq!(fault("7 days"), "DrainPeriod: «7 days» has « days» for its unit. Write 7d.");
        assert!(fault("12H").ends_with("Write 12h."));
        assert!(fault("2 weeks").ends_with("Write 2w."));
    }

    #[test]
    fn only_what_is_a_period_is_proposed() {
        assert!(fault("500").ends_with(&format!("has no unit. {SYNTAX}.")));
        assert!(fault("400").ends_with("Write 400d if days are meant, or 400h for hours."));
        assert!(
            fault("393120001 seconds").ends_with(&format!("{SYNTAX}.")),
            "not a tenth of what was written"
        );
        assert!(fault("0000000012 hours").ends_with("Write 12h."));
    }

    #[test]
    fn everything_else_is_refused_with_the_syntax() {
        for text in ["", " ", "d", "-1d", "+1d", "1.5h", "1h30m", "3M", "1y", "P7D", "7d ", "٣d", "1\u{0}d"]
        {
            let fault = fault(text);
            assert!(fault.starts_with("DrainPeriod: «"), "{fault}");
            assert!(fault.contains("Write "), "{fault}");
        }
        assert!(fault("-1d").contains("is negative"));
        assert!(fault("3M").ends_with(&format!("{SYNTAX}.")), "a month is not three minutes");
    }

    #[test]
    fn a_period_is_shown_in_its_shortest_text() {
        for (written, shown) in
            [("0s", "0"), ("24h", "1d"), ("1w", "7d"), ("14d", "2w"), ("90m", "90m"), ("3600s", "1h")]
        {
            assert_eq!(Period::parse("P", written).unwrap().to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same_period(total in 0..=Period::LONGEST.0) {
            let period = Period(total);
            prop_assert_eq!(Period::parse("P", &period.to_string()).unwrap(), period);
        }

        #[test]
        fn any_text_is_a_period_or_a_fault(text in "\\PC{0,12}|[0-9]{0,4}[smhdw ]{0,2}") {
            let _ = Period::parse("P", &text);
        }
    }
}
