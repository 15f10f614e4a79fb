//! The function's log: one JSON object a line, as CloudWatch Logs Insights reads it.

use tracing::level_filters::LevelFilter;

/// Lambda's own setting of the level (`LoggingConfig.ApplicationLogLevel`).
const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts the log; `get` looks an environment variable up. `INFO` and above, unless Lambda says
/// otherwise.
pub fn start(get: impl Fn(&str) -> Option<String>) {
    let level = get(LEVEL).and_then(|text| text.parse().ok()).unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .init();
}
