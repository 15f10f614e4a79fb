//! Points in time as the Bedrock API writes them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

/// A point in time in UTC, to the microsecond: the precision of the API's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// The point in time, cut to the microsecond.
    pub fn new(at: OffsetDateTime) -> Self {
        let at = at.to_offset(UtcOffset::UTC);
        Self(at.replace_microsecond(at.microsecond()).unwrap_or(at))
    }

    /// Midnight of a day in UTC. A day that does not exist gives the Unix epoch.
    pub fn date(year: i32, month: u8, day: u8) -> Self {
        let date = Month::try_from(month)
            .ok()
            .and_then(|month| Date::from_calendar_date(year, month, day).ok())
            .map(|date| date.midnight().assume_utc());
        Self(date.unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// This point in time, some milliseconds earlier.
    pub fn earlier(self, milliseconds: u64) -> Self {
        let by = Duration::milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        Self(self.0.checked_sub(by).unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// The point in time as the `time` crate has it.
    pub fn get(self) -> OffsetDateTime {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0;
        let (hour, minute, second) = at.to_hms();
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match at.microsecond() {
            0 => write!(out, "Z"),
            fraction => write!(out, ".{fraction:06}Z"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        OffsetDateTime::parse(&text, &Rfc3339).map(Self::new).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_recorded_answer() {
        let text = "\"2026-03-13T17:49:52.429944Z\"";
        let at: Timestamp = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&at).unwrap(), text);
        assert_eq!(Timestamp::date(2026, 11, 24).to_string(), "2026-11-24T00:00:00Z");
    }

    #[test]
    fn is_cut_to_the_microsecond_and_moved_to_utc() {
        let offset = UtcOffset::from_hms(2, 0, 0).unwrap();
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_500_000_000_000_001_999).unwrap();
        let same = Timestamp::new(at.to_offset(offset));
        assert_eq!(same.to_string(), "2017-07-14T02:40:00.000001Z");
        assert_eq!(same.earlier(1_000).to_string(), "2017-07-14T02:39:59.000001Z");
    }
}
