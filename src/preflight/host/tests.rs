//! Facts read from a directory in place of `/`.

use std::path::Path;

use super::*;

/// A root with these files.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units\n\
    Max processes             500                  unlimited            processes\n\
    Max open files            1024                 20000                files\n";
const STATUS: &str = "Name:\tswarm\nUid:\t1000\t1000\t1000\t1000\nThreads:\t2\n\
    CapEff:\t0000000000000000\nCpus_allowed_list:\t0-2,8\n";
const INITIAL_MAP: &str = "         0          0 4294967295\n";

#[test]
fn empty_root_has_no_facts() {
    let root = root(&[]);
    assert_eq!(HostFacts::read(root.path()), HostFacts::default());
}

#[test]
fn reads_an_ordinary_host() {
    let root = root(&[
        ("proc/self/limits", LIMITS),
        ("proc/self/status", STATUS),
        ("proc/self/uid_map", INITIAL_MAP),
        ("proc/1/status", "Uid:\t0\t0\t0\t0\nThreads:\t1\n"),
        ("proc/77/status", STATUS),
        ("proc/78/status", "Uid:\t1000\t1000\t1000\t1000\nThreads:\t5\n"),
        ("proc/sys/kernel/pid_max", "32768\n"),
        ("proc/sys/kernel/threads-max", "192730\n"),
        ("proc/loadavg", "1.99 0.82 0.41 3/98 5488\n"),
        ("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    2048 kB\n"),
        ("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
    ]);
    let wanted = HostFacts {
        nofile_hard: Some(20_000),
        nproc_soft: Some(500),
        user_threads: Some(7),
        pid_max: Some(32_768),
        threads_max: Some(192_730),
        system_threads: Some(98),
        memory_available_bytes: Some(2 << 20),
        local_ports: Some(28_232),
        cores: Some(4.0),
        ..HostFacts::default()
    };
    assert_eq!(HostFacts::read(root.path()), wanted);
}

#[test]
fn nproc_applies_neither_to_root_nor_with_capabilities() {
    let cases = [
        ("1000", "0", INITIAL_MAP, Some(500)),
        ("0", "0", INITIAL_MAP, Some(u64::MAX)),
        ("1000", "0000000001000000", INITIAL_MAP, Some(u64::MAX)),
        ("1000", "0000000000200000", INITIAL_MAP, Some(u64::MAX)),
        ("0", "000001ffffffffff", "0 1000 1\n", Some(500)),
    ];
    for (uid, capabilities, map, nproc_soft) in cases {
        let status = format!("Uid:\t{uid}\t0\t0\t0\nCapEff:\t{capabilities}\n");
        let root = root(&[
            ("proc/self/limits", LIMITS),
            ("proc/self/status", &status),
            ("proc/self/uid_map", map),
        ]);
        assert_eq!(
            HostFacts::read(root.path()).nproc_soft,
            nproc_soft,
            "{uid} {capabilities} {map}"
        );
    }
}

#[test]
fn tightest_group_of_version_2_counts() {
    let root = root(&[
        ("proc/self/cgroup", "0::/user.slice/user-1000.slice/session.scope\n"),
        ("proc/self/status", STATUS),
        ("sys/fs/cgroup/user.slice/pids.max", "900\n"),
        ("sys/fs/cgroup/user.slice/pids.current", "800\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/pids.max", "400\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/pids.current", "100\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/session.scope/pids.max", "max\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/session.scope/pids.current", "100\n"),
        ("sys/fs/cgroup/user.slice/memory.max", "max\n"),
        ("sys/fs/cgroup/user.slice/memory.current", "7\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/memory.max", "1000\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/memory.current", "700\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/memory.stat", "file 9\ninactive_file 300\n"),
        ("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n"),
        ("sys/fs/cgroup/user.slice/user-1000.slice/cpu.max", "max 100000\n"),
    ]);
    let host = HostFacts::read(root.path());
    let group = |name: &str| root.path().join("sys/fs/cgroup/user.slice").join(name);
    assert_eq!(host.pids, Some(Room { limit: 900, used: 800, directory: group("") }));
    let slice = group("user-1000.slice");
    assert_eq!(host.memory, Some(Room { limit: 1000, used: 400, directory: slice }));
    assert_eq!(host.cores, Some(1.5));
    assert!(!host.container);
}

#[test]
fn reads_groups_of_version_1_in_a_container() {
    let root = root(&[
        (".dockerenv", ""),
        (
            "proc/self/cgroup",
            "9:name=systemd:/docker/f00\n8:pids:/docker/f00\n4:memory:/docker/f00\n\
            3:cpu,cpuacct:/docker/f00\n0::/docker/f00\n",
        ),
        ("sys/fs/cgroup/pids/pids.max", "100\n"),
        ("sys/fs/cgroup/pids/pids.current", "3\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n"),
        ("sys/fs/cgroup/memory/docker/f00/memory.limit_in_bytes", "64\n"),
        ("sys/fs/cgroup/memory/docker/f00/memory.usage_in_bytes", "40\n"),
        ("sys/fs/cgroup/memory/docker/f00/memory.stat", "total_inactive_file 10\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/cpu/docker/f00/cpu.cfs_quota_us", "50000\n"),
        ("sys/fs/cgroup/cpu/docker/f00/cpu.cfs_period_us", "100000\n"),
    ]);
    let host = HostFacts::read(root.path());
    assert_eq!(host.pids.map(|room| room.left()), Some(97));
    assert_eq!(host.memory.map(|room| (room.limit, room.used)), Some((64, 30)));
    assert_eq!(host.cores, Some(0.5));
    assert!(host.container);
}

#[test]
fn malformed_files_have_no_facts() {
    let root = root(&[
        ("proc/self/limits", "Max open files  many many files\nMax processes\n"),
        ("proc/self/status", "Uid:\nCpus_allowed_list:\t3-1,x\n"),
        ("proc/self/cgroup", "0::/../..\nnonsense\n::\n"),
        ("proc/loadavg", "1.0 1.0\n"),
        ("proc/meminfo", "MemAvailable: lots\n"),
        ("proc/sys/net/ipv4/ip_local_port_range", "60999\t32768\n"),
        ("proc/sys/kernel/pid_max", "-1\n"),
        ("sys/fs/cgroup/cpu.max", "5\n"),
        ("sys/fs/cgroup/pids.max", "\n"),
    ]);
    assert_eq!(HostFacts::read(root.path()), HostFacts::default());
}

#[test]
fn reads_this_machine() {
    let host = HostFacts::read(Path::new("/"));
    assert!(host.nofile_hard.is_some_and(|limit| limit > 0));
    assert!(host.cores.is_some_and(|cores| cores > 0.0));
}
