//! Arguments → `Config` → run → `ExitCode`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use ffmpeg_hls_swarm::cli::{self, UsageError};
use ffmpeg_hls_swarm::config::Invocation;
use rustix::rand::{GetRandomFlags, getrandom};

/// Exit code of a run that failed.
const FAILED: u8 = 1;

#[expect(clippy::disallowed_methods, reason = "arguments and environment are read here, once")]
fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match cli::parse(&args, &|name| std::env::var_os(name), random_seed()) {
        Ok(Invocation::Print(text)) => print(&text),
        Ok(Invocation::Load(_) | Invocation::Origin(_)) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "ffmpeg-hls-swarm: {error}");
            ExitCode::from(UsageError::EXIT_CODE)
        }
    }
}

/// Writes to stdout. A reader that has gone, as in `-help | head`, is no failure.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(FAILED),
        _ => ExitCode::SUCCESS,
    }
}

/// A seed from the kernel; 0 where it has none to give, which still is a seed
/// and is printed.
fn random_seed() -> u64 {
    let mut seed = [0; 8];
    match getrandom(&mut seed, GetRandomFlags::NONBLOCK) {
        Ok(_) => u64::from_ne_bytes(seed),
        Err(_) => 0,
    }
}
