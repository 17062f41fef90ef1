//! What a user can do about an errno, one line each.
//!
//! Does not know the purpose of a program that could not be started.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The remedy for a resource that this host has run out of, whatever failed; `None` if
/// the remedy depends on what failed.
#[must_use]
pub fn of_host(error: &io::Error) -> Option<&'static str> {
    Some(match error.raw_os_error()? {
        libc::EMFILE => {
            "this process may open too few files: raise the limit with `ulimit -n 1024`, \
             LimitNOFILE= or `docker run --ulimit nofile=1024`"
        }
        libc::ENFILE => {
            "this host may open no more files: raise fs.file-max with sysctl, or end what holds \
             them"
        }
        libc::EAGAIN => {
            "this user or container may start no more processes: raise the limit with `ulimit -u`, \
             TasksMax= or `docker run --pids-limit`"
        }
        libc::ENOMEM => "this host or container has no memory left: free some, or give it more",
        _ => return None,
    })
}

/// Why a server could not listen, in one line with the remedy. `flag` names the source of
/// the address, such as `with -listen`.
#[must_use]
pub fn of_listen(address: SocketAddr, error: &io::Error, flag: &str) -> String {
    let choice = match error.kind() {
        ErrorKind::AddrInUse => "another process listens there; choose another port",
        ErrorKind::AddrNotAvailable => "this host has no such address; choose one of its own",
        ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
        _ => match of_host(error) {
            Some(remedy) => return format!("cannot listen on {address}: {error}; {remedy}"),
            None => "choose another address",
        },
    };
    format!("cannot listen on {address}: {error}; {choice} {flag}")
}

/// An error with the remedy of this host, if there is one.
#[must_use]
pub fn with_remedy(error: &io::Error) -> String {
    match of_host(error) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    }
}

/// Why a program cannot be started, with the remedy; `install` is the remedy for a
/// program that is missing or unusable.
#[must_use]
pub fn of_start(program: &Path, errno: i32, install: &str) -> String {
    let shown = program.display();
    let error = io::Error::from_raw_os_error(errno);
    if let Some(remedy) = of_host(&error) {
        return format!("{shown} cannot be started: {error}; {remedy}");
    }
    if let Err(error) = File::options().read(true).write(true).open("/dev/null") {
        return format!(
            "{shown} cannot be started: /dev/null cannot be opened: {error}; mount /dev, or make \
             it by `mknod -m 666 /dev/null c 1 3`"
        );
    }
    let mode = program.metadata().map(|file| file.permissions().mode());
    let why = match (errno, mode) {
        (libc::ENOENT, Ok(_)) => "the interpreter or loader that it names is missing".to_owned(),
        (libc::ENOENT | libc::ENOTDIR, _) => {
            return format!("not found: no file {shown}; {install}");
        }
        (libc::EACCES | libc::EPERM, _) if program.is_dir() => {
            return format!("{shown} is a folder; name the file in it, or {install}");
        }
        (libc::EACCES | libc::EPERM, Ok(mode)) if mode & 0o111 == 0 => {
            return format!("{shown} may not be executed: run `chmod +x {shown}`, or {install}");
        }
        (libc::EACCES | libc::EPERM, _) => {
            "this user may not reach or execute it, or its file system is mounted noexec".to_owned()
        }
        (libc::ETXTBSY, _) => {
            return format!("{shown} is being written; start again when that is done");
        }
        (libc::ENOEXEC, _) => {
            "it is no program for this kind of processor, nor a script with #!".to_owned()
        }
        _ => error.to_string(),
    };
    format!("{shown} cannot be started: {why}; {install}")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs::{self, Permissions};
    use std::os::fd::AsFd;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::reactor::blocking::run::{CaptureError, CaptureLimits, capture};

    /// The message for a program that the kernel refuses.
    fn message(program: &Path) -> String {
        let (stop, _asks) = io::pipe().unwrap();
        let limits = CaptureLimits { time: Duration::from_secs(20), bytes: 10, stop: stop.as_fd() };
        match capture(program, &[OsString::from("-version")], limits) {
            Err(CaptureError::Spawn(failure)) => of_start(program, failure.errno, "INSTALL"),
            other => panic!("{}: {other:?}", program.display()),
        }
    }

    fn file(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn each_refusal_of_a_program_has_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let busy = file(folder, "busy", "#!/bin/sh\n", 0o755);
        let _writes = File::options().append(true).open(&busy).unwrap();
        for (program, why, installs) in [
            (folder.join("missing"), "not found", true),
            (folder.to_owned(), "is a folder", true),
            (file(folder, "plain", "", 0o644), "chmod +x", true),
            (file(folder, "orphan", "#!/nonexistent/sh\n", 0o755), "interpreter or loader", true),
            (file(folder, "garbage", "garbage", 0o755), "no program for this kind", true),
            (busy, "is being written", false),
        ] {
            let line = message(&program);
            assert!(line.contains(why) && !line.contains('\n'), "{line}");
            assert_eq!(line.contains("INSTALL"), installs, "{line}");
        }
    }

    #[test]
    fn a_shortage_of_the_host_is_no_reason_to_install_anything() {
        for (errno, word) in [
            (libc::EMFILE, "ulimit -n"),
            (libc::ENFILE, "fs.file-max"),
            (libc::EAGAIN, "ulimit -u"),
            (libc::ENOMEM, "memory"),
        ] {
            let line = of_start(Path::new("/usr/bin/ffmpeg"), errno, "INSTALL");
            assert!(line.contains(word) && !line.contains("INSTALL"), "{line}");
            let line = with_remedy(&io::Error::from_raw_os_error(errno));
            assert!(line.contains(word), "{line}");
        }
    }
}
