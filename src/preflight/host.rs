//! The resources of this host, read from `/proc` and `/sys/fs/cgroup`.
//!
//! Every fact may be missing: `/proc` can be masked, a limit absent. A missing fact is
//! `None`, never an estimate. Decides nothing.

use std::fs;
use std::path::Path;

use super::cgroup::{self, Room};

/// `CAP_SYS_ADMIN` and `CAP_SYS_RESOURCE` (capabilities(7)): either lifts RLIMIT_NPROC.
const NPROC_CAPABILITIES: u64 = 1 << 21 | 1 << 24;

/// The resources of this host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostFacts {
    /// Whether this process runs in a container, whose limits are set outside.
    pub container: bool,
    /// Hard RLIMIT_NOFILE; `u64::MAX` is unlimited.
    pub nofile_hard: Option<u64>,
    /// Soft RLIMIT_NPROC; `u64::MAX` if it does not apply.
    pub nproc_soft: Option<u64>,
    /// Visible threads of this user; read if RLIMIT_NPROC applies.
    pub user_threads: Option<u64>,
    /// The tightest limit of a pids control group.
    pub pids: Option<Room>,
    /// `kernel.pid_max`.
    pub pid_max: Option<u64>,
    /// `kernel.threads-max`.
    pub threads_max: Option<u64>,
    /// Threads of the whole system.
    pub system_threads: Option<u64>,
    /// Memory available without swapping (`MemAvailable`), in bytes.
    pub memory_available_bytes: Option<u64>,
    /// The tightest limit of a memory control group, in bytes.
    pub memory: Option<Room>,
    /// Ports in `net.ipv4.ip_local_port_range`.
    pub local_ports: Option<u64>,
    /// Cores that this process may use.
    pub cores: Option<f64>,
}

impl HostFacts {
    /// Reads the facts below `root`, which is `/` except in tests.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let proc = Proc(root);
        let status = proc.text("self/status");
        let nproc = proc.limit("Max processes").map(|(soft, _)| soft);
        let nproc_soft = if proc.is_exempt_from_nproc(&status) { Some(u64::MAX) } else { nproc };
        let binds = nproc_soft.is_some_and(|limit| limit != u64::MAX);
        Self {
            container: is_container(root),
            nofile_hard: proc.limit("Max open files").map(|(_, hard)| hard),
            nproc_soft,
            user_threads: if binds { proc.threads_of_user(&status) } else { None },
            pids: cgroup::pids(root),
            pid_max: proc.number("sys/kernel/pid_max"),
            threads_max: proc.number("sys/kernel/threads-max"),
            system_threads: proc.system_threads(),
            memory_available_bytes: proc.memory_available_bytes(),
            memory: cgroup::memory(root),
            local_ports: proc.local_ports(),
            cores: cores(root, &status),
        }
    }
}

/// Whether this is a container: by files of Docker and Podman, and by names of control
/// groups of Kubernetes and others.
fn is_container(root: &Path) -> bool {
    let groups = Proc(root).text("self/cgroup");
    root.join(".dockerenv").exists()
        || root.join("run/.containerenv").exists()
        || root.join("run/secrets/kubernetes.io").exists()
        || ["docker", "kubepods", "containerd", "libpod"].iter().any(|name| groups.contains(name))
}

/// The cores of the CPU affinity, or the CPU quota if it is smaller.
fn cores(root: &Path, status: &str) -> Option<f64> {
    let allowed = field(status, "Cpus_allowed_list:").and_then(count_of_list);
    [allowed.map(|count| count as f64), cgroup::cores(root)]
        .into_iter()
        .flatten()
        .min_by(f64::total_cmp)
}

/// How many numbers a list such as `0-3,8` contains (cpuset(7)).
fn count_of_list(list: &str) -> Option<u64> {
    list.split(',')
        .map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            (last.checked_sub(first)?).checked_add(1)
        })
        .sum()
}

/// The text after `name` on its line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The first number after `name` on its line.
fn first_number(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.split_whitespace().next()?.parse().ok()
}

/// `/proc` of a root directory (proc(5)).
struct Proc<'a>(&'a Path);

impl Proc<'_> {
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join("proc").join(name)).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name).trim().parse().ok()
    }

    /// The soft and the hard limit of this process.
    fn limit(&self, name: &str) -> Option<(u64, u64)> {
        let limits = self.text("self/limits");
        let mut words = field(&limits, name)?.split_whitespace();
        let mut next = || match words.next()? {
            "unlimited" => Some(u64::MAX),
            word => word.parse().ok(),
        };
        Some((next()?, next()?))
    }

    /// Whether RLIMIT_NPROC does not apply to this process (kernel/fork.c): root is
    /// exempt, and a process with one of two capabilities, except inside a user
    /// namespace.
    fn is_exempt_from_nproc(&self, status: &str) -> bool {
        let map = self.text("self/uid_map");
        let initial = map.split_whitespace().eq(["0", "0", "4294967295"]);
        let capabilities = field(status, "CapEff:")
            .and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .unwrap_or(0);
        let is_root = first_number(status, "Uid:") == Some(0);
        initial && (is_root || capabilities & NPROC_CAPABILITIES != 0)
    }

    /// Threads of all processes of the user in `own_status`.
    fn threads_of_user(&self, own_status: &str) -> Option<u64> {
        let user = first_number(own_status, "Uid:")?;
        let entries = fs::read_dir(self.0.join("proc")).ok()?;
        let threads = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.parse::<u32>().ok()?;
            let status = self.text(&format!("{name}/status"));
            (first_number(&status, "Uid:")? == user)
                .then(|| first_number(&status, "Threads:").unwrap_or(1))
        });
        Some(threads.sum())
    }

    /// Threads of the system: the second number of the fourth field of `loadavg`,
    /// `running/all`.
    fn system_threads(&self) -> Option<u64> {
        self.text("loadavg").split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
    }

    fn memory_available_bytes(&self) -> Option<u64> {
        Some(first_number(&self.text("meminfo"), "MemAvailable:")? << 10)
    }

    fn local_ports(&self) -> Option<u64> {
        let text = self.text("sys/net/ipv4/ip_local_port_range");
        let (first, last) = text.trim().split_once(char::is_whitespace)?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.trim().parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    }
}

#[cfg(test)]
mod tests;
