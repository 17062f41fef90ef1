//! Reports the state of this program to the service manager by the protocol of
//! sd_notify(3): ready, stopping, a line of status, and a keep-alive for its watchdog.
//!
//! Knows nothing of units. Without `NOTIFY_SOCKET` in the environment it does nothing,
//! has no descriptor and no deadline. It never waits for the manager: a message that
//! cannot be sent is lost, and logged once.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use tracing::warn;

use crate::reactor::Status;
use crate::reactor::part::Part;
use crate::reactor::turn::Turn;
use crate::units::Tick;

/// The variables of the protocol, which are meant for this process, not for its children.
pub(in crate::reactor) const VARIABLES: [&str; 3] = [SOCKET, WATCHDOG_USEC, WATCHDOG_PID];

const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG_USEC: &str = "WATCHDOG_USEC";
const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// Least time between two lines of status, which people read.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// Least time between two keep-alives, so that a watchdog of microseconds does not keep
/// the loop awake.
const KEEP_ALIVE_EVERY_MIN: Duration = Duration::from_millis(10);

/// The service manager, if there is one.
#[derive(Debug)]
pub(in crate::reactor) struct Notify {
    manager: Option<Manager>,
}

/// A service manager that expects reports.
#[derive(Debug)]
struct Manager {
    socket: OwnedFd,
    address: SocketAddrUnix,
    /// Half of the watchdog's time, as sd_watchdog_enabled(3) recommends.
    keep_alive_every: Option<Duration>,
    keep_alive_at: Option<Tick>,
    /// No line of status before this.
    next_status: Tick,
    /// When the next line of status is due; `None` if nothing happened since the last.
    status_at: Option<Tick>,
    sent: Sent,
    warned: bool,
}

/// What the manager has received.
#[derive(Debug, Default)]
struct Sent {
    ready: bool,
    stopping: bool,
    status: String,
}

/// The variables of the environment.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    address: SocketAddrUnix,
    watchdog: Option<Duration>,
}

impl Notify {
    /// The manager that the environment names. If it cannot be reached, a warning is
    /// logged.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "addressed to the process, not to its flags")]
    pub(in crate::reactor) fn from_environment() -> Self {
        Self::new(&|name| std::env::var_os(name), std::process::id())
    }

    fn new(lookup: &dyn Fn(&str) -> Option<OsString>, own_pid: u32) -> Self {
        let manager = Wanted::read(lookup, own_pid).and_then(|wanted| {
            wanted.map(Manager::open).transpose().map_err(|errno| errno.to_string())
        });
        Self { manager: manager.map_err(unreachable).ok().flatten() }
    }

    /// When something is to be reported although nothing happens.
    #[must_use]
    fn next_deadline(&self) -> Option<Tick> {
        let manager = self.manager.as_ref()?;
        [manager.keep_alive_at, manager.status_at].into_iter().flatten().min()
    }

    /// Reports what is new, after each turn of the loop; the first report means ready.
    pub(in crate::reactor) fn report(&mut self, now: Tick, program: &dyn Status) {
        let Some(manager) = &mut self.manager else { return };
        if program.is_stopping(now) {
            manager.send_stopping();
        }
        manager.send_status(now, program);
        manager.keep_alive(now);
    }

    /// Reports that the loop has ended.
    pub(in crate::reactor) fn stopping(&mut self) {
        if let Some(manager) = &mut self.manager {
            manager.send_stopping();
        }
    }
}

/// Reports at the end of each turn, so there is nothing to do when the deadline has come.
impl Part for Notify {
    fn deadline(&self, _: &Turn<'_>) -> Option<Tick> {
        self.next_deadline()
    }
}

impl Manager {
    fn open(wanted: Wanted) -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        let keep_alive_every = wanted.watchdog.map(|time| (time / 2).max(KEEP_ALIVE_EVERY_MIN));
        Ok(Self {
            socket,
            address: wanted.address,
            keep_alive_every,
            keep_alive_at: None,
            next_status: Tick::ZERO,
            status_at: None,
            sent: Sent::default(),
            warned: false,
        })
    }

    /// Sends a line of status if one is due, otherwise schedules it. The scheduled turn
    /// itself schedules no other, so that a silent swarm sleeps.
    fn send_status(&mut self, now: Tick, program: &dyn Status) {
        if now < self.next_status {
            self.status_at = Some(self.next_status);
            return;
        }
        self.next_status = now.after(STATUS_EVERY);
        self.status_at = None;
        let status = program.status(now);
        if self.sent.ready && self.sent.status == status {
            return;
        }
        // Without READY the service would never count as started, so it is sent until
        // received.
        let ready = if self.sent.ready { "" } else { "READY=1\n" };
        if self.send(&format!("{ready}STATUS={status}\n")) {
            self.sent.ready = true;
            self.sent.status = status;
        } else {
            self.status_at = Some(self.next_status);
        }
    }

    fn send_stopping(&mut self) {
        if !self.sent.stopping {
            self.sent.stopping = true;
            self.send("STOPPING=1\n");
        }
    }

    fn keep_alive(&mut self, now: Tick) {
        let Some(every) = self.keep_alive_every else { return };
        if self.keep_alive_at.is_none_or(|tick| tick <= now) {
            self.keep_alive_at = Some(now.after(every));
            self.send("WATCHDOG=1\n");
        }
    }

    /// False if the message is lost: the manager is gone, or its queue is full.
    fn send(&mut self, message: &str) -> bool {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = rustix::net::sendto(&self.socket, message.as_bytes(), flags, &self.address);
        if let Err(errno) = sent
            && !self.warned
        {
            self.warned = true;
            unreachable(errno);
        }
        sent.is_ok()
    }
}

impl Wanted {
    fn read(
        lookup: &dyn Fn(&str) -> Option<OsString>,
        own_pid: u32,
    ) -> Result<Option<Self>, String> {
        let Some(name) = lookup(SOCKET).filter(|name| !name.is_empty()) else { return Ok(None) };
        let address = match name.as_bytes() {
            [b'@', abstract_name @ ..] => SocketAddrUnix::new_abstract_name(abstract_name),
            [b'/', ..] => SocketAddrUnix::new(name.as_bytes()),
            _ => Err(Errno::AFNOSUPPORT),
        };
        let address = address.map_err(|errno| format!("{SOCKET}={}: {errno}", name.display()))?;
        let number = |name| lookup(name)?.to_str()?.parse::<u64>().ok();
        let for_us = number(WATCHDOG_PID).is_none_or(|pid| pid == u64::from(own_pid));
        let watchdog = number(WATCHDOG_USEC).filter(|&usec| for_us && usec > 0);
        Ok(Some(Self { address, watchdog: watchdog.map(Duration::from_micros) }))
    }
}

fn unreachable(why: impl fmt::Display) {
    warn!(%why, "service_manager_not_told");
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    /// A program with a status and nothing else.
    #[derive(Default)]
    struct Standing {
        status: &'static str,
        stopping: bool,
    }

    impl Status for Standing {
        fn status(&self, _: Tick) -> String {
            self.status.to_owned()
        }
        fn is_stopping(&self, _: Tick) -> bool {
            self.stopping
        }
    }

    fn at(millis: u64) -> Tick {
        Tick::ZERO.after(Duration::from_millis(millis))
    }

    /// A manager with an abstract name of this test's own, and its client.
    fn manager(name: &str, variables: &[(&str, &str)]) -> (UnixDatagram, Notify) {
        let name = format!("hlsswarm-{}-{name}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        let notify = Notify::new(
            &|asked| {
                let given = variables.iter().find(|(name, _)| *name == asked);
                let own = (asked == SOCKET).then(|| format!("@{name}").into());
                given.map(|(_, value)| value.into()).or(own)
            },
            7,
        );
        (socket, notify)
    }

    fn received(socket: &UnixDatagram) -> Vec<String> {
        let mut buffer = [0; 512];
        std::iter::from_fn(|| {
            let count = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..count]).into_owned())
        })
        .collect()
    }

    #[test]
    fn the_environment_names_a_socket_and_a_watchdog() {
        let read = |variables: &[(&str, &str)]| {
            let given = |asked: &str| {
                let found = variables.iter().find(|(name, _)| *name == asked);
                found.map(|(_, value)| OsString::from(value))
            };
            Wanted::read(&given, 7).map(|w| w.map(|w| (w.address.path().is_some(), w.watchdog)))
        };
        let path = ("NOTIFY_SOCKET", "/run/notify");
        let usec = ("WATCHDOG_USEC", "3000000");
        let three = Some(Duration::from_secs(3));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[usec]), Ok(None));
        assert_eq!(read(&[("NOTIFY_SOCKET", "")]), Ok(None));
        assert_eq!(read(&[path]), Ok(Some((true, None))));
        assert_eq!(read(&[("NOTIFY_SOCKET", "@name"), usec]), Ok(Some((false, three))));
        assert_eq!(read(&[path, usec, ("WATCHDOG_PID", "7")]), Ok(Some((true, three))));
        assert_eq!(read(&[path, usec, ("WATCHDOG_PID", "8")]), Ok(Some((true, None))));
        assert_eq!(read(&[path, ("WATCHDOG_USEC", "0")]), Ok(Some((true, None))));
        assert_eq!(read(&[path, ("WATCHDOG_USEC", "soon")]), Ok(Some((true, None))));
        for refused in ["vsock:2:1234", "run/notify", &format!("/{}", "x".repeat(200))] {
            assert!(read(&[("NOTIFY_SOCKET", refused)]).is_err(), "{refused}");
        }
    }

    #[test]
    fn without_a_manager_there_is_no_deadline() {
        let mut notify = Notify::new(&|_| None, 7);
        notify.report(at(0), &Standing::default());
        notify.stopping();
        assert_eq!(notify.next_deadline(), None);
    }

    #[test]
    fn sends_a_new_status_and_not_too_often() {
        let (socket, mut notify) = manager("status", &[]);
        let mut standing = Standing { status: "one", stopping: false };
        assert_eq!(notify.next_deadline(), None);
        notify.report(at(0), &standing);
        assert_eq!(received(&socket), ["READY=1\nSTATUS=one\n"]);
        assert_eq!(notify.next_deadline(), None);
        standing.status = "two";
        notify.report(at(1), &standing);
        assert_eq!((received(&socket), notify.next_deadline()), (vec![], Some(at(5000))));
        notify.report(at(5000), &standing);
        assert_eq!(received(&socket), ["STATUS=two\n"]);
        notify.report(at(10_000), &standing);
        assert_eq!((received(&socket), notify.next_deadline()), (vec![], None));
    }

    #[test]
    fn sends_stopping_once() {
        let (socket, mut notify) = manager("end", &[]);
        let mut standing = Standing { status: "one", stopping: false };
        notify.report(at(0), &standing);
        received(&socket);
        standing.stopping = true;
        notify.report(at(1), &standing);
        notify.report(at(2), &standing);
        notify.stopping();
        assert_eq!(received(&socket), ["STOPPING=1\n"]);
    }

    #[test]
    fn keeps_a_watchdog_alive_at_half_its_time() {
        let (socket, mut notify) = manager("sign", &[(WATCHDOG_USEC, "2000000")]);
        let standing = Standing::default();
        notify.report(at(0), &standing);
        assert_eq!(received(&socket), ["READY=1\nSTATUS=\n", "WATCHDOG=1\n"]);
        assert_eq!(notify.next_deadline(), Some(at(1000)));
        notify.report(at(999), &standing);
        assert_eq!(received(&socket), Vec::<String>::new());
        notify.report(at(1000), &standing);
        assert_eq!(received(&socket), ["WATCHDOG=1\n"]);
        assert_eq!(notify.next_deadline(), Some(at(2000)));
    }

    #[test]
    fn does_not_wait_for_a_full_queue_and_repeats_ready() {
        let (socket, mut notify) = manager("full", &[]);
        let sender = UnixDatagram::unbound().unwrap();
        sender.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        while sender.send_to_addr(b"x", &address).is_ok() {}
        notify.report(at(0), &Standing::default());
        assert_eq!(notify.next_deadline(), Some(at(5000)));
        assert!(received(&socket).iter().all(|message| message == "x"));
        notify.report(at(5000), &Standing::default());
        assert_eq!(received(&socket), ["READY=1\nSTATUS=\n"]);
        assert_eq!(notify.next_deadline(), None);
    }
}
