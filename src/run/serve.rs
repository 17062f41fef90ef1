//! The built-in origin as a program of its own.

use std::process::ExitCode;

use super::Fatal;
use crate::config::OriginConfig;

/// Serves until a signal.
pub(super) fn serve(_config: &OriginConfig) -> Result<ExitCode, Fatal> {
    Err(Fatal("not there yet".to_owned()))
}
