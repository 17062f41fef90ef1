//! Checks whether this host can run the load.
//!
//! Each check is a pure function of the run's requirements ([`Demand`]), the host's
//! resources ([`HostFacts`]) and the cost of one FFmpeg ([`ClientCost`]). If a fact is
//! unknown (a masked `/proc`, no cgroup), its check passes and says so. `run` reads the
//! facts, measures FFmpeg and stops at a hard check that failed.

mod cgroup;
mod check;
mod host;
mod measure;

pub use cgroup::Room;
pub use check::{Amount, Check, Severity};
pub use host::HostFacts;
pub use measure::{ClientCost, MEASURE_INPUT_BYTES, MEASURE_TIME_LIMIT, measure_arguments};

/// Descriptors that the swarm holds for a client: its pidfd and two pipes.
pub const DESCRIPTORS_PER_CLIENT: u64 = 3;

/// Descriptors of the tap for each connection of a client: its own end, and the
/// connection to the origin.
const DESCRIPTORS_PER_CONNECTION: u64 = 2;

/// Descriptors for everything else: connections of scrapers, the loop's own, and those
/// open briefly while a child is started.
pub const DESCRIPTORS_RESERVE: u64 = 512;

/// Simultaneous connections of a client: its playlist and its segment, observed with
/// one variant and `-http_multiple 0`. Each further variant adds one to two.
const CONNECTIONS_PER_CLIENT: u64 = 2;

/// Threads of a client if FFmpeg could not be measured; 5.1 has one, 9.0 three.
const THREADS_PER_CLIENT: u64 = 1;

/// Most local ports of an address: all but the privileged ones.
const PORTS_AT_MOST: u64 = 64_512;

/// Memory checks are hard from this multiple of the available memory. The need of
/// FFmpeg varies between streams by about a third; beyond twice the memory the kernel
/// would certainly kill processes.
const MEMORY_HARD_FACTOR: u64 = 2;

/// What a run requires of its host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Target number of clients.
    pub clients: u32,
    /// Clients started a second.
    pub ramp_rate: f64,
    /// Whether the tap carries the clients' traffic.
    pub tap: bool,
}

impl Demand {
    /// Descriptors that the swarm holds for a client.
    const fn descriptors_per_client(self) -> u64 {
        let carried =
            if self.tap { CONNECTIONS_PER_CLIENT * DESCRIPTORS_PER_CONNECTION } else { 0 };
        DESCRIPTORS_PER_CLIENT + carried
    }
}

/// Every check that applies, the hard ones first.
#[must_use]
pub fn checks(demand: Demand, host: &HostFacts, cost: Option<ClientCost>) -> Vec<Check> {
    let mut checks = vec![descriptors(demand, host), user_processes(demand, host, cost)];
    checks.extend(host.pids.as_ref().map(|room| cgroup_processes(demand, host, room, cost)));
    checks.extend([
        system_processes(demand, host, cost),
        memory(demand, host, cost),
        ports(demand, host),
        start_rate(demand, host, cost),
    ]);
    checks
}

/// The most clients, up to `most`, at which every check passes that passes for the
/// demanded number; that number itself if a check fails already.
#[must_use]
pub fn room(demand: Demand, most: u32, host: &HostFacts, cost: Option<ClientCost>) -> u32 {
    let fits = |clients| checks(Demand { clients, ..demand }, host, cost).iter().all(Check::ok);
    let (mut room, mut too_many) = (demand.clients, most.max(demand.clients).saturating_add(1));
    if !fits(room) {
        return room;
    }
    while too_many - room > 1 {
        let between = room + (too_many - room) / 2;
        if fits(between) {
            room = between;
        } else {
            too_many = between;
        }
    }
    room
}

fn descriptors(demand: Demand, host: &HostFacts) -> Check {
    let need = u64::from(demand.clients) * demand.descriptors_per_client() + DESCRIPTORS_RESERVE;
    Check {
        name: "file descriptors",
        severity: Severity::Hard,
        need: Some(Amount::Count(need)),
        have: host.nofile_hard.map(Amount::Count),
        remedy: if host.container {
            format!("docker run --ulimit nofile={need}:{need} …")
        } else {
            format!("sudo prlimit --pid $$ --nofile={need}:{need}")
        },
    }
}

/// Threads of all clients, which the kernel counts as processes.
fn threads(demand: Demand, cost: Option<ClientCost>) -> u64 {
    let each = cost.map_or(THREADS_PER_CLIENT, |cost| u64::from(cost.threads).max(1));
    u64::from(demand.clients) * each
}

/// RLIMIT_NPROC, which applies to all but root and privileged processes (setrlimit(2)).
fn user_processes(demand: Demand, host: &HostFacts, cost: Option<ClientCost>) -> Check {
    let need = threads(demand, cost);
    let used = host.user_threads.unwrap_or(0);
    let limit = need + used;
    Check {
        name: "processes of this user",
        severity: Severity::Hard,
        need: Some(Amount::Count(need)),
        have: host.nproc_soft.map(|limit| Amount::Count(limit.saturating_sub(used))),
        remedy: if host.container {
            format!("docker run --ulimit nproc={limit}:{limit} …")
        } else {
            format!("sudo prlimit --pid $$ --nproc={limit}:{limit}")
        },
    }
}

fn cgroup_processes(
    demand: Demand,
    host: &HostFacts,
    room: &Room,
    cost: Option<ClientCost>,
) -> Check {
    let need = threads(demand, cost);
    let limit = room.used + need;
    Check {
        name: "processes of this cgroup",
        severity: Severity::Hard,
        need: Some(Amount::Count(need)),
        have: Some(Amount::Count(room.left())),
        remedy: if host.container {
            format!("docker run --pids-limit {limit} …")
        } else {
            format!("echo {limit} | sudo tee {}", room.directory.join("pids.max").display())
        },
    }
}

/// `pid_max` and `threads-max` of the kernel; threads take process ids as well.
fn system_processes(demand: Demand, host: &HostFacts, cost: Option<ClientCost>) -> Check {
    let need = threads(demand, cost);
    let used = host.system_threads.unwrap_or(0);
    let limits = [("kernel.pid_max", host.pid_max), ("kernel.threads-max", host.threads_max)];
    let tightest = limits
        .into_iter()
        .filter_map(|(name, limit)| Some((name, limit?)))
        .min_by_key(|(_, limit)| *limit);
    Check {
        name: "processes of this system",
        severity: Severity::Hard,
        need: Some(Amount::Count(need)),
        have: tightest.map(|(_, limit)| Amount::Count(limit.saturating_sub(used))),
        remedy: format!(
            "sudo sysctl -w {}={}{}",
            tightest.map_or("kernel.pid_max", |(name, _)| name),
            need + used,
            if host.container { " (on the host)" } else { "" }
        ),
    }
}

fn memory(demand: Demand, host: &HostFacts, cost: Option<ClientCost>) -> Check {
    let clients = u64::from(demand.clients);
    let each = cost.map(|cost| cost.private_bytes.max(1));
    let need = each.map(|each| each.saturating_mul(clients));
    let in_cgroup = host.memory.as_ref().map(Room::left);
    let have = [host.memory_available_bytes, in_cgroup].into_iter().flatten().min();
    let hopeless = need.zip(have).is_some_and(|(need, have)| need / MEMORY_HARD_FACTOR > have);
    let fits = have.zip(each).map_or(0, |(have, each)| have / each);
    let limit = need.unwrap_or(0) + host.memory.as_ref().map_or(0, |room| room.used);
    Check {
        name: "memory",
        severity: if hopeless { Severity::Hard } else { Severity::Soft },
        need: need.map(Amount::Bytes),
        have: have.map(Amount::Bytes),
        remedy: if host.container && in_cgroup == have {
            format!("docker run --memory {}m …, or -clients {fits}", limit.div_ceil(1 << 20))
        } else {
            format!("-clients {fits}")
        },
    }
}

/// Each connection to the same address and port of an origin needs a local port.
fn ports(demand: Demand, host: &HostFacts) -> Check {
    let need = u64::from(demand.clients) * CONNECTIONS_PER_CLIENT;
    let command = if host.container {
        "docker run --sysctl net.ipv4.ip_local_port_range='1024 65535' …"
    } else {
        "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'"
    };
    Check {
        name: "local ports",
        severity: Severity::Soft,
        need: Some(Amount::Count(need)),
        have: host.local_ports.map(Amount::Count),
        remedy: if need <= PORTS_AT_MOST {
            command.to_owned()
        } else {
            format!(
                "-clients {} for an origin of one address",
                PORTS_AT_MOST / CONNECTIONS_PER_CLIENT
            )
        },
    }
}

fn start_rate(demand: Demand, host: &HostFacts, cost: Option<ClientCost>) -> Check {
    let have = host.cores.zip(cost).map(|(cores, cost)| {
        // A start takes some time; assume a microsecond if it was too short to measure.
        cores / cost.start_cpu.as_secs_f64().max(1e-6)
    });
    Check {
        name: "starts a second",
        severity: Severity::Soft,
        need: Some(Amount::PerSecond(demand.ramp_rate)),
        have: have.map(Amount::PerSecond),
        remedy: format!("-ramp-rate {:.0}", have.unwrap_or(1.0).floor().max(1.0)),
    }
}

#[cfg(test)]
mod tests;
