//! One run, readable as a table of contents.

mod backdrop;
mod board;
mod check;
mod conclusion;
mod demo_origin;
mod exporters;
mod health;
mod host;
mod input;
mod load;
mod look_up;
mod merge;
mod plan;
mod recorder;
mod report;
mod serve;
mod summary_file;
mod summary_reader;
mod target_duration;
mod tools;

pub use input::read_input;

use std::fmt;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use tracing::Level;

use self::conclusion::Conclusion;
use crate::config::{Invocation, LogConfig, LogFormat, LogLevel};
use crate::http::redact::Masking;
use crate::reactor::host::journal::{Format, Journal, for_people};
use crate::reactor::host::signals::{Signals, StopSignal, ignore_others};
use crate::reactor::host::{remedy, stdout};

/// Executes the invocation and returns the exit code.
///
/// 0 if the run finished or was stopped gracefully; 1 if it could not start, no process
/// ever started, no client ever received media, or a health check failed; 130 or 143 if
/// a second signal forced its end.
#[must_use]
pub fn execute(invocation: Invocation) -> ExitCode {
    ignore_others();
    let done = match invocation {
        Invocation::Print(text) | Invocation::Help(text) => {
            print(&text).map(|()| Conclusion::Finished)
        }
        Invocation::LookUp(name) => look_up::look_up(&name).map(|()| Conclusion::Finished),
        Invocation::Load(config) => load::load(&config),
        Invocation::Origin(config) => serve::serve(&config),
        Invocation::Merge(config) => merge::merge(&config),
        Invocation::HealthCheck(address) => health::check(address).map(|()| Conclusion::Finished),
        Invocation::Report(config) => report::make(&config),
    };
    let conclusion = done.unwrap_or_else(|fatal| {
        complain(&fatal.to_string());
        Conclusion::Failed
    });
    conclusion.exit_code()
}

/// Rejects a command line that cannot be carried out: reports `why` and returns the
/// exit code.
#[must_use]
pub fn refuse(why: &str) -> ExitCode {
    complain(why);
    Conclusion::BadUsage.exit_code()
}

/// Why a run ends before its loop starts: one line with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fatal(String);

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Fatal {
    fn from_display(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Writes a line for the user to standard error, after the program's name, masked and
/// escaped.
fn complain(line: &str) {
    let shown = for_people(line, &Masking::default());
    let _ = stdout::write_stderr(format!("ffmpeg-hls-swarm: {shown}\n").as_bytes());
}

/// Blocks the signals, so that a stop request before the loop is not lost.
fn take_signals() -> Result<Signals, Fatal> {
    Signals::block()
        .map_err(|error| Fatal(format!("signals cannot be read: {}", remedy::with_remedy(&error))))
}

/// The error for a stop request before the loop.
fn stopped_by(signal: StopSignal) -> Fatal {
    Fatal(format!("stopped by {} before anything was started", signal.name()))
}

/// Writes to standard output. A reader that closed it early is not an error.
///
/// # Errors
/// The text could not be written, or was not read in time.
fn print(text: &str) -> Result<(), Fatal> {
    printed(stdout::write_all(text.as_bytes()))
}

/// Converts the result of writing to standard output.
fn printed(written: io::Result<()>) -> Result<(), Fatal> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Fatal(format!("cannot write to stdout: {error}; give it a reader or a file")))
        }
        _ => Ok(()),
    }
}

fn install_journal(log: LogConfig, masking: &Masking) -> Journal {
    let level = match log.level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let format = match log.format {
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Text,
    };
    Journal::install(level, format, masking.clone())
}
