//! The SDK's instants as the project's.

use aws_smithy_types::DateTime;
use time::{Duration, OffsetDateTime};

/// `None` for an instant outside the years that [`OffsetDateTime`] knows.
pub(crate) fn from_sdk(instant: &DateTime) -> Option<OffsetDateTime> {
    let whole = OffsetDateTime::from_unix_timestamp(instant.secs()).ok()?;
    whole.checked_add(Duration::nanoseconds(instant.subsec_nanos().into()))
}

/// Whole seconds: no call of ours needs more.
pub(crate) fn to_sdk(unix_seconds: i64) -> DateTime {
    DateTime::from_secs(unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_keeps_its_fraction_on_either_side_of_the_epoch() {
        let at = |secs, nanos| from_sdk(&DateTime::from_secs_and_nanos(secs, nanos)).unwrap();
        assert_eq!(at(1_773_424_192, 429_944_000).unix_timestamp_nanos(), 1_773_424_192_429_944_000);
        assert_eq!(at(-2, 250_000_000).unix_timestamp_nanos(), -1_750_000_000);
        assert_eq!(from_sdk(&DateTime::from_secs(i64::MAX)), None);
    }
}
