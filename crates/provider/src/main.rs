//! Entry point of the provider function: settings, clients, run.

use std::{process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
