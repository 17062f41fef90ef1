//! Arguments → `Invocation` → run → `ExitCode`.

use std::ffi::OsString;
use std::process::ExitCode;

use ffmpeg_hls_swarm::cli::{self, UsageError};
use ffmpeg_hls_swarm::run;
use rustix::rand::{GetRandomFlags, getrandom};

#[expect(clippy::disallowed_methods, reason = "arguments and environment are read here, once")]
fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match cli::parse(&args, &|name| std::env::var_os(name), random_seed()) {
        Ok(invocation) => run::execute(invocation),
        Err(error) => {
            run::complain(&error.to_string());
            ExitCode::from(UsageError::EXIT_CODE)
        }
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
