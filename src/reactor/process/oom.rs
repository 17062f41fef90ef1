//! Whether the OOM killer killed a process.
//!
//! The kernel does not report that to the parent, but it counts the kills of each control
//! group (`memory.events` of version 2, `memory.oom_control` of version 1, cgroups(7)),
//! and of the whole host (`oom_kill` of `/proc/vmstat`, proc(5)). The count of our own
//! group is preferred, since it contains our children and few other processes. A risen
//! count is a suspicion only: it does not name the process.

use std::fs;
use std::path::{Path, PathBuf};

/// Reads the kernel's count when a process was killed.
#[derive(Debug)]
pub struct OomWatch {
    /// The file that holds the count; `None` if no such file may be read.
    file: Option<PathBuf>,
    counted: u64,
    /// Kills that were counted and not yet attributed to a process.
    unclaimed: u64,
}

impl OomWatch {
    /// A watch that counts from now on. `root` is `/` except in tests.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let found = candidates(root).find_map(|file| Some((count(&file)?, file)));
        let (counted, file) = found.map_or((0, None), |(counted, file)| (counted, Some(file)));
        Self { file, counted, unclaimed: 0 }
    }

    /// A process that we did not kill was ended by SIGKILL. True if the OOM killer killed
    /// more processes than were attributed before. Reads one small file.
    pub fn suspects(&mut self) -> bool {
        if let Some(now) = self.file.as_deref().and_then(count) {
            self.unclaimed += now.saturating_sub(self.counted);
            self.counted = now;
        }
        let suspected = self.unclaimed > 0;
        self.unclaimed = self.unclaimed.saturating_sub(1);
        suspected
    }
}

/// Files that may hold the count, the best one first. In a container the group's path is
/// that of the host or `/`, and the files of its group are at the top.
fn candidates(root: &Path) -> impl Iterator<Item = PathBuf> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let path_of = |wanted: fn(&str) -> bool| {
        let path = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            wanted(controllers).then_some(path)
        });
        path.unwrap_or("/").trim_start_matches('/').to_owned()
    };
    let mounts = root.join("sys/fs/cgroup");
    let v2 = mounts.join(path_of(str::is_empty));
    let memory = mounts.join("memory");
    let v1 = memory.join(path_of(|names| names.split(',').any(|name| name == "memory")));
    [
        v2.join("memory.events"),
        mounts.join("memory.events"),
        v1.join("memory.oom_control"),
        memory.join("memory.oom_control"),
        root.join("proc/vmstat"),
    ]
    .into_iter()
}

/// The count in such a file: all of them have a line `oom_kill N`.
fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = "low 0\nhigh 0\nmax 7\noom 3\noom_kill N\noom_group_kill 0\n";
    const CONTROL: &str = "oom_kill_disable 0\nunder_oom 0\noom_kill N\n";
    const VMSTAT: &str = "nr_free_pages 17\noom_kill N\nzone_reclaim_success 9\n";

    fn write(root: &Path, file: &str, template: &str, count: u64) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, template.replace('N', &count.to_string())).unwrap();
    }

    #[test]
    fn reads_each_kind_of_count() {
        for (groups, file, template) in [
            ("0::/a.slice/b.scope\n", "sys/fs/cgroup/a.slice/b.scope/memory.events", EVENTS),
            ("0::/\n", "sys/fs/cgroup/memory.events", EVENTS),
            ("0::/docker/host-path\n", "sys/fs/cgroup/memory.events", EVENTS),
            ("4:cpu:/x\n3:rdma,memory:/m\n", "sys/fs/cgroup/memory/m/memory.oom_control", CONTROL),
            ("3:memory:/docker/x\n", "sys/fs/cgroup/memory/memory.oom_control", CONTROL),
            ("0::/a.slice\n", "proc/vmstat", VMSTAT),
            ("", "proc/vmstat", VMSTAT),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path();
            write(root, "proc/self/cgroup", groups, 0);
            write(root, file, template, 5);
            let mut watch = OomWatch::new(root);
            assert!(!watch.suspects(), "{file}: earlier kills do not count");
            write(root, file, template, 7);
            let suspected = [watch.suspects(), watch.suspects(), watch.suspects()];
            assert_eq!(suspected, [true, true, false], "{file}");
        }
    }

    #[test]
    fn prefers_the_count_of_our_group() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        write(root, "proc/self/cgroup", "0::/g\n", 0);
        write(root, "sys/fs/cgroup/g/memory.events", EVENTS, 0);
        write(root, "proc/vmstat", VMSTAT, 0);
        let mut watch = OomWatch::new(root);
        write(root, "proc/vmstat", VMSTAT, 1);
        assert!(!watch.suspects());
    }

    #[test]
    fn suspects_nothing_without_a_count() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!OomWatch::new(directory.path()).suspects());
    }
}
