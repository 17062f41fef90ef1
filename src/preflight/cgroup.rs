//! The limits of this process's control groups, version 1 and version 2.
//!
//! A limit also applies to all groups below it, so every group up to the root is read
//! and the tightest limit counts (cgroups(7), and `cgroup-v2.rst` and `cgroup-v1/` of
//! the kernel's documentation). A missing file means no limit: the root has none, and a
//! container sees no group above its own.

use std::fs;
use std::path::{Path, PathBuf};

/// Limits from this value on mean none: version 1 writes `i64::MAX`, rounded down to a
/// page.
const UNLIMITED: u64 = 1 << 62;

/// A limit and its current use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The limit.
    pub limit: u64,
    /// The current use.
    pub used: u64,
    /// The control group that has the limit.
    pub directory: PathBuf,
}

impl Room {
    /// The unused part.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// The tightest limit of processes and threads; `None` if there is none.
pub(super) fn pids(root: &Path) -> Option<Room> {
    tightest(directories(root, "pids").filter_map(|directory| {
        let limit = number(&directory.join("pids.max"))?;
        let used = number(&directory.join("pids.current"))?;
        Some(Room { limit, used, directory })
    }))
}

/// The tightest limit of memory, in bytes; `None` if there is none. File pages that
/// were not used recently do not count as used: the kernel drops them first.
pub(super) fn memory(root: &Path) -> Option<Room> {
    const V2: [&str; 3] = ["memory.max", "memory.current", "inactive_file "];
    const V1: [&str; 3] =
        ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "];
    tightest(directories(root, "memory").filter_map(|directory| {
        [V2, V1].into_iter().find_map(|[limit, used, file_pages]| {
            let limit = number(&directory.join(limit))?;
            let used = number(&directory.join(used))?;
            let stat = fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
            let droppable: u64 = stat
                .lines()
                .find_map(|line| line.strip_prefix(file_pages)?.trim().parse().ok())
                .unwrap_or(0);
            let used = used.saturating_sub(droppable);
            Some(Room { limit, used, directory: directory.clone() })
        })
    }))
}

/// The tightest limit of CPU time, in cores; `None` if there is none.
pub(super) fn cores(root: &Path) -> Option<f64> {
    let of_directory = |directory: PathBuf| {
        let v2 = || {
            let text = fs::read_to_string(directory.join("cpu.max")).ok()?;
            let (quota, period) = text.trim().split_once(' ')?;
            Some((quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?))
        };
        let v1 = || {
            // A quota of -1 means none and fails to parse here.
            let quota = number(&directory.join("cpu.cfs_quota_us"))?;
            let period = number(&directory.join("cpu.cfs_period_us"))?;
            Some((quota as f64, period as f64))
        };
        v2().or_else(v1).filter(|(_, period)| *period > 0.0).map(|(quota, period)| quota / period)
    };
    directories(root, "cpu").filter_map(of_directory).min_by(f64::total_cmp)
}

fn tightest(rooms: impl Iterator<Item = Room>) -> Option<Room> {
    rooms.filter(|room| room.limit < UNLIMITED).min_by_key(Room::left)
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The groups of this process for one controller, from its own up to the root, from the
/// lines `id:controllers:path` of `/proc/self/cgroup`.
fn directories(root: &Path, controller: &str) -> impl Iterator<Item = PathBuf> {
    let lines = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mounts = root.join("sys/fs/cgroup");
    let mut found = Vec::new();
    for line in lines.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let bases = if controllers.is_empty() {
            vec![mounts.clone(), mounts.join("unified")]
        } else if controllers.split(',').any(|name| name == controller) {
            vec![mounts.join(controller)]
        } else {
            vec![]
        };
        for base in bases {
            let own = base.join(path.trim_start_matches('/'));
            let way_up = own.ancestors().take_while(|directory| directory.starts_with(&base));
            found.extend(way_up.map(Path::to_owned));
        }
    }
    found.into_iter()
}
