//! End to end: the messages to a service manager by the protocol of sd_notify(3). The
//! manager is a datagram socket of the test.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;

use rustix::process::Signal;
use support::fake::Fake;
use support::program::Setup;
use support::{LIMIT, folder, until};
use tempfile::TempDir;

/// The socket on which a service manager listens.
struct Manager {
    socket: UnixDatagram,
    name: String,
    folder: Option<TempDir>,
}

impl Manager {
    fn at_path() -> Self {
        let folder = folder();
        let path: PathBuf = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self::new(socket, path.to_str().unwrap().to_owned(), Some(folder))
    }

    fn abstractly() -> Self {
        let name = format!("hlsswarm-e2e-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Self::new(UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}"), None)
    }

    fn new(socket: UnixDatagram, name: String, folder: Option<TempDir>) -> Self {
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self { socket, name, folder }
    }

    /// The next message, as soon as it arrives.
    fn hears(&self) -> String {
        let mut buffer = [0; 512];
        let count = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    /// The next message that contains this line.
    fn hears_of(&self, line: &str) -> String {
        loop {
            let message = self.hears();
            if message.lines().any(|found| found == line) {
                return message;
            }
        }
    }

    /// All unread messages.
    fn rest(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 512];
        std::iter::from_fn(|| {
            let count = self.socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..count].to_vec()).unwrap())
        })
        .collect()
    }
}

fn load(fake: &Fake, manager: &Manager) -> Setup {
    Setup::faking(fake, "wait")
        .args(&["-clients", "3", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .env("NOTIFY_SOCKET", &manager.name)
}

#[test]
fn notifies_ready_status_and_stopping() {
    let (fake, manager) = (Fake::named("ffmpeg"), Manager::at_path());
    let mut program = load(&fake, &manager).start();
    let ready = manager.hears();
    assert!(ready.starts_with("READY=1\nSTATUS="), "{ready}");
    assert!(ready.ends_with(" of 3 clients active, 0 restarts\n"), "{ready}");
    // The message is true: the scrape address responds.
    program.scrape();
    manager.hears_of("STATUS=3 of 3 clients active, 0 restarts");
    program.signal(Signal::TERM);
    manager.hears_of("STOPPING=1");
    assert_eq!(program.ended().code, Some(0));
    assert!(!manager.rest().iter().any(|message| message.contains("STOPPING")));
    drop(manager.folder);
}

#[test]
fn notifies_stopping_at_the_end_of_a_run() {
    let (fake, manager) = (Fake::named("ffmpeg"), Manager::at_path());
    let program = load(&fake, &manager).args(&["-duration", "200ms"]).start();
    manager.hears_of("READY=1");
    manager.hears_of("STOPPING=1");
    assert_eq!(program.ended().code, Some(0));
}

#[test]
fn origin_notifies_over_an_abstract_socket() {
    let manager = Manager::abstractly();
    let setup = Setup::with(&["origin", "-listen", "127.0.0.1:0"]);
    let mut program = setup.env("NOTIFY_SOCKET", &manager.name).start();
    manager.hears_of("READY=1");
    program.event("origin_started");
    program.signal(Signal::TERM);
    manager.hears_of("STOPPING=1");
    assert_eq!(program.ended().code, Some(0));
}

#[test]
fn notifies_the_watchdog_while_idle() {
    let (fake, manager) = (Fake::named("ffmpeg"), Manager::at_path());
    let program = load(&fake, &manager).env("WATCHDOG_USEC", "200000").start();
    for _ in 0..5 {
        manager.hears_of("WATCHDOG=1");
    }
    program.stopped();
}

#[test]
fn clients_do_not_inherit_the_notify_socket() {
    let (fake, manager) = (Fake::named("ffmpeg"), Manager::at_path());
    let own = ("HANDED_ON", "yes");
    let setup = load(&fake, &manager).env("WATCHDOG_USEC", "60000000").env(own.0, own.1);
    let mut program = setup.start();
    let clients = program.children(3);
    assert_eq!(clients.len(), 3);
    for client in &clients {
        // The environment is set a moment after the exec.
        let mut environment = String::new();
        until("the client has an environment", || {
            environment = fs::read_to_string(format!("/proc/{}/environ", client.pid)).unwrap();
            !environment.is_empty()
        });
        assert!(environment.contains("HANDED_ON=yes"), "{environment}");
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            assert!(!environment.contains(name), "{environment}");
        }
    }
    program.stopped();
}

#[test]
fn missing_manager_costs_one_warning() {
    let (fake, manager) = (Fake::named("ffmpeg"), Manager::at_path());
    let Manager { socket, name, folder: _folder } = manager;
    drop(socket);
    let setup = Setup::faking(&fake, "wait").args(&["-clients", "1"]);
    let mut program = setup.env("NOTIFY_SOCKET", &name).env("WATCHDOG_USEC", "20000").start();
    program.event("service_manager_not_told");
    program.event("ramp_complete");
    let ended = program.stopped();
    assert_eq!(ended.events("service_manager_not_told").len(), 1);
}

#[test]
fn invalid_notify_socket_costs_one_warning() {
    let fake = Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "wait").args(&["-clients", "1"]);
    let mut program = setup.env("NOTIFY_SOCKET", "vsock:2:1").start();
    program.event("ramp_complete");
    assert_eq!(program.stopped().events("service_manager_not_told").len(), 1);
}
