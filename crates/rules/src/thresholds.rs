//! From when on a rule speaks.

/// The bounds of the rules that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Days without an invocation after which a profile is idle.
    pub idle_days: u16,
    /// Days before a model's end of life from which on it is a finding.
    pub end_of_life_days: u16,
    /// Percent of the quota of inference profiles from which on it is a finding.
    pub quota_share: u8,
}

impl Default for Thresholds {
    /// A month, a quarter, four fifths.
    fn default() -> Self {
        Self { idle_days: 30, end_of_life_days: 90, quota_share: 80 }
    }
}

/// How many days back a model that is called past the profiles is told: those in which CloudWatch's
/// `ListMetrics` shows what had data, without which nobody knows what to ask for.
pub const UNATTRIBUTED_DAYS: u16 = 14;
