//! Can this host do it?
//!
//! Each check is a pure function of what the run wants ([`Plan`]), of what the
//! host has ([`Host`]) and of what one FFmpeg costs ([`Measured`]). A fact that
//! is unknown (a masked `/proc`, no cgroup) makes its check pass and say so.
//! `run` reads the facts, measures FFmpeg and stops at a hard check that failed.

mod cgroup;
mod check;
mod host;
mod measure;

pub use cgroup::Room;
pub use check::{Amount, Check, Severity};
pub use host::Host;
pub use measure::{MEASURE_INPUT_BYTES, MEASURE_TIME_LIMIT, Measured, measure_arguments};

/// Descriptors the swarm holds for a client: its pidfd and two pipes.
pub const DESCRIPTORS_PER_CLIENT: u64 = 3;

/// Descriptors for all else: connections of scrapers, the loop's own, and those
/// that are open for a moment while a child is started.
pub const DESCRIPTORS_RESERVE: u64 = 512;

/// Connections of a client at one time: its playlist and its segment, seen with
/// one variant and `-http_multiple 0`. Each further variant adds one to two.
const CONNECTIONS_PER_CLIENT: u64 = 2;

/// Threads of a client where FFmpeg could not be measured; 5.1 has one, 9.0 three.
const THREADS_PER_CLIENT: u64 = 1;

/// Local ports of an address when all but the privileged ones are given out.
const PORTS_AT_MOST: u64 = 64_512;

/// Memory checks are hard from this multiple of what is available. What FFmpeg
/// was measured to need differs from stream to stream, by a third or so; beyond
/// twice the memory there is no doubt that the kernel would kill.
const MEMORY_HARD_FACTOR: u64 = 2;

/// What a run wants of its host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Clients to keep up.
    pub clients: u32,
    /// Clients started a second.
    pub ramp_rate: f64,
}

/// Every check that applies, the hard ones first.
#[must_use]
pub fn checks(plan: Plan, host: &Host, measured: Option<Measured>) -> Vec<Check> {
    let mut checks = vec![descriptors(plan, host), user_processes(plan, host, measured)];
    checks.extend(host.pids.as_ref().map(|room| cgroup_processes(plan, host, room, measured)));
    checks.extend([
        system_processes(plan, host, measured),
        memory(plan, host, measured),
        ports(plan, host),
        start_rate(plan, host, measured),
    ]);
    checks
}

/// The most clients, up to `most`, with which no check fails that passes with those
/// of the plan; those of the plan where one fails already.
#[must_use]
pub fn room(plan: Plan, most: u32, host: &Host, measured: Option<Measured>) -> u32 {
    let fits = |clients| checks(Plan { clients, ..plan }, host, measured).iter().all(Check::ok);
    let (mut room, mut too_many) = (plan.clients, most.max(plan.clients).saturating_add(1));
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

fn descriptors(plan: Plan, host: &Host) -> Check {
    let need = u64::from(plan.clients) * DESCRIPTORS_PER_CLIENT + DESCRIPTORS_RESERVE;
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

/// Threads of all clients, which is what the kernel counts as processes.
fn threads(plan: Plan, measured: Option<Measured>) -> u64 {
    let each = measured.map_or(THREADS_PER_CLIENT, |measured| u64::from(measured.threads).max(1));
    u64::from(plan.clients) * each
}

/// RLIMIT_NPROC, which binds everyone but root and the privileged (setrlimit(2)).
fn user_processes(plan: Plan, host: &Host, measured: Option<Measured>) -> Check {
    let need = threads(plan, measured);
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

fn cgroup_processes(plan: Plan, host: &Host, room: &Room, measured: Option<Measured>) -> Check {
    let need = threads(plan, measured);
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

/// `pid_max` and `threads-max` of the kernel; threads take process ids too.
fn system_processes(plan: Plan, host: &Host, measured: Option<Measured>) -> Check {
    let need = threads(plan, measured);
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

fn memory(plan: Plan, host: &Host, measured: Option<Measured>) -> Check {
    let clients = u64::from(plan.clients);
    let each = measured.map(|measured| measured.private_bytes.max(1));
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

/// A port is taken for each connection to the same address and port of an origin.
fn ports(plan: Plan, host: &Host) -> Check {
    let need = u64::from(plan.clients) * CONNECTIONS_PER_CLIENT;
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

fn start_rate(plan: Plan, host: &Host, measured: Option<Measured>) -> Check {
    let have = host.cores.zip(measured).map(|(cores, measured)| {
        // A start cannot cost nothing; a microsecond stands for what was too short to see.
        cores / measured.start_cpu.as_secs_f64().max(1e-6)
    });
    Check {
        name: "starts a second",
        severity: Severity::Soft,
        need: Some(Amount::PerSecond(plan.ramp_rate)),
        have: have.map(Amount::PerSecond),
        remedy: format!("-ramp-rate {:.0}", have.unwrap_or(1.0).floor().max(1.0)),
    }
}

#[cfg(test)]
mod tests;
