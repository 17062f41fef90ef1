//! Hosts on one machine: network namespaces, each with a virtual wire to an origin and
//! nothing else.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::program::Setup;
use super::tools::tool;

/// The origin's address in its namespace.
const ORIGIN: &str = "10.203.255.1";

/// An origin's host and other hosts; they are removed with the value.
pub(crate) struct Hosts {
    /// `None` without the right to make namespaces: then everything runs on this host.
    ip: Option<PathBuf>,
    origin: String,
    others: Vec<String>,
}

impl Hosts {
    /// This many hosts in addition to the origin's.
    pub(crate) fn new(count: usize) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let name = |of: &str| format!("hls-swarm-test-{}-{made}-{of}", std::process::id());
        let others = (0..count).map(|number| name(&number.to_string())).collect();
        let mut hosts = Self { ip: tool("ip"), origin: name("origin"), others };
        if let Some(ip) = hosts.ip.clone()
            && !hosts.build(&ip)
        {
            println!("network namespaces cannot be made here: all is on one host");
            hosts.tear_down();
            hosts.ip = None;
        }
        hosts
    }

    /// The address that the origin is to listen on.
    pub(crate) fn origin_address(&self) -> &'static str {
        if self.ip.is_some() { ORIGIN } else { "127.0.0.1" }
    }

    /// The program on the origin's host.
    pub(crate) fn at_origin(&self, setup: Setup) -> Setup {
        self.in_namespace(&self.origin, setup)
    }

    /// The program on another host, by its number.
    pub(crate) fn at(&self, host: usize, setup: Setup) -> Setup {
        self.in_namespace(&self.others[host], setup)
    }

    /// The same after a shell ran this there; `None` if everything runs on one host,
    /// which no test may change.
    pub(crate) fn at_origin_after(&self, doing: &str, setup: Setup) -> Option<Setup> {
        let ip = self.ip.as_deref()?;
        let script = format!("{doing}; exec \"$0\" \"$@\"");
        Some(setup.started_by(ip, &["netns", "exec", &self.origin, "sh", "-c", &script]))
    }

    fn in_namespace(&self, name: &str, setup: Setup) -> Setup {
        match &self.ip {
            Some(ip) => setup.started_by(ip, &["netns", "exec", name]),
            None => setup,
        }
    }

    fn build(&self, ip: &Path) -> bool {
        let origin = self.origin.as_str();
        let mut commands = vec![
            format!("netns add {origin}"),
            format!("-n {origin} link set lo up"),
            format!("-n {origin} address add {ORIGIN}/32 dev lo"),
        ];
        for (number, other) in self.others.iter().enumerate() {
            let (near, far) = (format!("10.203.{number}.1"), format!("10.203.{number}.2"));
            commands.extend([
                format!("netns add {other}"),
                format!("-n {other} link set lo up"),
                format!("-n {origin} link add wire{number} type veth peer name wire netns {other}"),
                format!("-n {origin} address add {near}/24 dev wire{number}"),
                format!("-n {other} address add {far}/24 dev wire"),
                format!("-n {origin} link set wire{number} up"),
                format!("-n {other} link set wire up"),
                format!("-n {other} route add default via {near}"),
            ]);
        }
        commands.iter().all(|command| does(ip, command))
    }

    /// Ignores errors: parts may be missing.
    fn tear_down(&self) {
        let Some(ip) = &self.ip else { return };
        for name in self.others.iter().chain([&self.origin]) {
            does(ip, &format!("netns delete {name}"));
        }
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.tear_down();
    }
}

/// A shell script for a private namespace without DNS responses: the only name server
/// is behind a wire whose other end drops everything.
const SILENT_RESOLVER: &str = "set -e
ip link set lo up
ip link add quiet type veth peer name other
ip address add 192.0.2.1/24 dev quiet
ip link set quiet up
ip link set other up
ip neighbour add 192.0.2.53 lladdr 02:00:00:00:00:01 dev quiet
mount --bind \"$CONFIGURATION\"/resolv.conf /etc/resolv.conf
mount --bind \"$CONFIGURATION\"/nsswitch.conf /etc/nsswitch.conf
exec \"$0\" \"$@\"";

/// The program on a host whose name server never responds; `None`, with a line that
/// says so, without the right to make namespaces.
pub(crate) fn with_silent_resolver(setup: Setup, folder: &Path) -> Option<Setup> {
    let (unshare, _) = (tool("unshare")?, tool("ip")?);
    std::fs::write(folder.join("resolv.conf"), "nameserver 192.0.2.53\n").unwrap();
    std::fs::write(folder.join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    let namespace = ["--mount", "--net", "sh", "-c", SILENT_RESOLVER];
    let mut tried = Command::new(&unshare);
    tried.args(namespace).arg("true").env("CONFIGURATION", folder).stdin(Stdio::null());
    if !tried.stderr(Stdio::null()).status().unwrap().success() {
        println!("skipped: no namespace with a name server of its own can be made");
        return None;
    }
    let setup = setup.started_by(&unshare, &namespace);
    Some(setup.env("CONFIGURATION", folder.to_str().unwrap()))
}

fn does(ip: &Path, command: &str) -> bool {
    let mut run = Command::new(ip);
    run.args(command.split(' ')).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    run.status().is_ok_and(|status| status.success())
}
