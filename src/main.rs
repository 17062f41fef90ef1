//! Arguments → `Invocation` → run → `ExitCode`.

use std::ffi::OsString;
use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;

use ffmpeg_hls_swarm::cli::{self, painted, takes_colour};
use ffmpeg_hls_swarm::config::Invocation;
use ffmpeg_hls_swarm::run;
use rustix::rand::{GetRandomFlags, getrandom};

#[expect(clippy::disallowed_methods, reason = "arguments and environment are read here, once")]
fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let env = |name: &str| std::env::var_os(name);
    match cli::parse(&args, &env, random_seed(), &run::read_input) {
        Ok(Invocation::Help(text)) if takes_colour(stdout().is_terminal(), &env) => {
            run::execute(Invocation::Help(painted(&text)))
        }
        Ok(invocation) => run::execute(invocation),
        Err(error) => run::refuse(&error.to_string()),
    }
}

/// A seed from the kernel; 0 if it has none, which is a valid seed and is printed.
fn random_seed() -> u64 {
    let mut seed = [0; 8];
    match getrandom(&mut seed, GetRandomFlags::NONBLOCK) {
        Ok(_) => u64::from_ne_bytes(seed),
        Err(_) => 0,
    }
}
