//! The built-in origin as a child process, for a demo.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;
use url::Url;

use crate::config::LogFormat;
use crate::origin::faults::Recipe;
use crate::reactor::blocking::run::{end_gently, start};
use crate::reactor::blocking::wait::Wait;
use crate::reactor::process::child::{Child, Process, Stdio};

/// Longest time until the origin listens.
const START_TIME: Duration = Duration::from_secs(10);

/// Longest time until it ends when asked: it has nothing to finish, and the swarm's
/// shutdown has its own limit.
const END_GRACE: Duration = Duration::from_millis(500);

/// Longest first line, in bytes: a URL of a loopback address.
const LINE_BYTES: usize = 256;

/// This program, even if its file was moved or deleted.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// A running origin; ended when dropped. It cannot outlive this process: the kernel
/// ends it as well.
#[derive(Debug)]
pub(super) struct DemoOrigin {
    process: Rc<Process>,
    url: Url,
}

impl DemoOrigin {
    /// Starts the origin on a free port and waits until it listens, or until `stop` is
    /// readable. With `quiet` its log is discarded.
    ///
    /// # Errors
    /// It cannot be started, or does not print its URL.
    pub(super) fn start(
        format: LogFormat,
        faults: &[Recipe],
        seed: u64,
        quiet: bool,
        stop: BorrowedFd<'_>,
    ) -> io::Result<Self> {
        let format = match format {
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        };
        let mut args: Vec<OsString> =
            ["origin", "-listen", "127.0.0.1:0", "-log-level", "warn", "-log-format", format]
                .iter()
                .map(Into::into)
                .collect();
        args.extend(["-seed".into(), seed.to_string().into()]);
        for fault in faults {
            args.extend(["-fault".into(), fault.to_string().into()]);
        }
        // Its log lines go to our stderr; a pipe would have no reader.
        let nowhere = quiet.then(|| File::options().write(true).open("/dev/null")).transpose()?;
        let stderr = match &nowhere {
            Some(nowhere) => nowhere.as_fd(),
            None => rustix::stdio::stderr(),
        };
        let stdio = Stdio { stderr: Some(stderr), ..Stdio::default() };
        let child = start(Path::new(OWN_PROGRAM), &args, stdio)
            .map_err(|failure| io::Error::from_raw_os_error(failure.errno))?;
        let said = first_line(&child, Wait::new(START_TIME, Some(stop)));
        let url = said.and_then(|line| Url::parse(line.trim()).map_err(io::Error::other));
        match url {
            Ok(url) => Ok(Self { process: Rc::new(child.process), url }),
            Err(error) => {
                end_gently(&child.process, Duration::ZERO);
                Err(error)
            }
        }
    }

    /// The master playlist it serves.
    #[must_use]
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Its process.
    #[must_use]
    pub(super) fn process(&self) -> &Rc<Process> {
        &self.process
    }
}

impl Drop for DemoOrigin {
    fn drop(&mut self) {
        end_gently(&self.process, END_GRACE);
    }
}

fn first_line(child: &Child, wait: Wait<'_>) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.contains(&b'\n') && line.len() < LINE_BYTES {
        wait.readable(&[child.stdout.as_fd()])?;
        let mut buffer = [0; LINE_BYTES];
        match rustix::io::read(&child.stdout, &mut buffer) {
            Ok(0) => return Err(io::Error::other("the built-in origin exited at once")),
            Ok(count) => line.extend(buffer.iter().take(count)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let first = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(first).into_owned())
}
