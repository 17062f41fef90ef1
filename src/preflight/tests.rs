//! Every check, passing and failing, in a shell and in a container.

use std::time::Duration;

use super::*;

const MEASURED: ClientCost =
    ClientCost { private_bytes: 10 << 20, start_cpu: Duration::from_millis(50), threads: 3 };

fn roomy() -> HostFacts {
    let room = |limit| Some(Room { limit, used: 10, directory: "/sys/fs/cgroup/a".into() });
    HostFacts {
        container: false,
        nofile_hard: Some(1 << 20),
        nproc_soft: Some(u64::MAX),
        user_threads: None,
        pids: room(1 << 20),
        pid_max: Some(4 << 20),
        threads_max: Some(1 << 20),
        system_threads: Some(100),
        memory_available_bytes: Some(64 << 30),
        memory: room(32 << 30),
        local_ports: Some(28_232),
        cores: Some(4.0),
    }
}

fn found(host: &HostFacts, measured: Option<ClientCost>) -> Vec<Check> {
    checks(Demand { clients: 1000, ramp_rate: 50.0, tap: false }, host, measured)
}

/// The one check that fails, as displayed.
fn only_failure(host: &HostFacts) -> (String, bool) {
    let found = found(host, Some(MEASURED));
    let failed: Vec<&Check> = found.iter().filter(|check| !check.ok()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    (failed[0].to_string(), failed[0].stops())
}

#[test]
fn a_roomy_host_passes() {
    assert!(found(&roomy(), Some(MEASURED)).iter().all(Check::ok));
}

#[test]
fn unknown_facts_pass_and_are_marked() {
    let lines: Vec<String> =
        found(&HostFacts::default(), None).iter().map(Check::to_string).collect();
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().all(|line| line.ends_with("(not checked)")), "{lines:?}");
    assert!(found(&HostFacts::default(), Some(MEASURED)).iter().all(Check::ok));
    assert!(found(&roomy(), None).iter().all(Check::ok));
}

#[test]
fn checks_pass_exactly_at_the_limit() {
    let mut host = roomy();
    host.nofile_hard = Some(3512);
    host.nproc_soft = Some(3007);
    host.user_threads = Some(7);
    host.threads_max = Some(3100);
    host.pids = Some(Room { limit: 3010, used: 10, directory: "/".into() });
    host.memory_available_bytes = Some(10_000 << 20);
    host.local_ports = Some(2000);
    host.cores = Some(2.5);
    assert!(found(&host, Some(MEASURED)).iter().all(Check::ok));
    host.nofile_hard = Some(3511);
    host.user_threads = Some(8);
    host.threads_max = Some(3099);
    host.pids = Some(Room { limit: 3010, used: 11, directory: "/".into() });
    host.memory_available_bytes = Some((10_000 << 20) - 1);
    host.local_ports = Some(1999);
    host.cores = Some(2.4);
    assert!(!found(&host, Some(MEASURED)).iter().any(Check::ok));
}

#[test]
fn failures_name_the_command_that_fixes_them() {
    type Change = fn(&mut HostFacts);
    let pids = |host: &mut HostFacts| {
        host.pids = Some(Room { limit: 500, used: 20, directory: "/sys/fs/cgroup/a".into() });
    };
    let cases: [(Change, &str, &str, bool); 7] = [
        (
            |host| host.nofile_hard = Some(1024),
            "sudo prlimit --pid $$ --nofile=3512:3512",
            "docker run --ulimit nofile=3512:3512 …",
            true,
        ),
        (
            |host| {
                host.nproc_soft = Some(2000);
                host.user_threads = Some(40);
            },
            "sudo prlimit --pid $$ --nproc=3040:3040",
            "docker run --ulimit nproc=3040:3040 …",
            true,
        ),
        (
            pids,
            "echo 3020 | sudo tee /sys/fs/cgroup/a/pids.max",
            "docker run --pids-limit 3020 …",
            true,
        ),
        (
            |host| host.pid_max = Some(3000),
            "sudo sysctl -w kernel.pid_max=3100",
            "sudo sysctl -w kernel.pid_max=3100 (on the host)",
            true,
        ),
        (
            |host| host.threads_max = Some(3000),
            "sudo sysctl -w kernel.threads-max=3100",
            "sudo sysctl -w kernel.threads-max=3100 (on the host)",
            true,
        ),
        (
            |host| host.local_ports = Some(1000),
            "sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
            "docker run --sysctl net.ipv4.ip_local_port_range='1024 65535' …",
            false,
        ),
        (|host| host.cores = Some(1.0), "-ramp-rate 20", "-ramp-rate 20", false),
    ];
    for (change, in_shell, in_container, stops) in cases {
        let mut host = roomy();
        change(&mut host);
        for (container, remedy) in [(false, in_shell), (true, in_container)] {
            host.container = container;
            let (line, stopped) = only_failure(&host);
            assert!(line.ends_with(&format!("; fix: {remedy}")), "{line}");
            assert_eq!(stopped, stops, "{line}");
        }
    }
}

#[test]
fn memory_warns_first_and_stops_beyond_twice() {
    let mut host = roomy();
    let cases = [(9_000, false), (5_000, false), (4_999, true)];
    for (available_mib, stops) in cases {
        host.memory_available_bytes = Some(available_mib << 20);
        let (line, stopped) = only_failure(&host);
        let fits = available_mib / 10;
        assert_eq!(
            line,
            format!("memory: need 10000 MiB, have {available_mib} MiB; fix: -clients {fits}")
        );
        assert_eq!(stopped, stops, "{line}");
    }
    host.memory_available_bytes = Some(64 << 30);
    host.memory = Some(Room { limit: 6 << 30, used: 1 << 30, directory: "/".into() });
    host.container = true;
    let (line, stopped) = only_failure(&host);
    assert!(line.ends_with("docker run --memory 11024m …, or -clients 512"), "{line}");
    assert!(!stopped);
}

#[test]
fn suggests_fewer_clients_than_ports() {
    let plan = Demand { clients: 40_000, ramp_rate: 1.0, tap: false };
    let check = ports(plan, &roomy());
    assert!(!check.ok() && !check.stops());
    assert_eq!(check.remedy, "-clients 32256 for an origin of one address");
}

#[test]
fn corrects_the_measured_cost() {
    let measured = ClientCost::new(1000, 3, Duration::from_millis(40));
    let wanted =
        ClientCost { private_bytes: 1100, start_cpu: Duration::from_millis(50), threads: 3 };
    assert_eq!(measured, wanted);
}

#[test]
fn most_clients_pass_every_check() {
    let plan = Demand { clients: 100, ramp_rate: 10.0, tap: false };
    let mut host = roomy();
    host.nofile_hard = Some(DESCRIPTORS_RESERVE + 250 * DESCRIPTORS_PER_CLIENT + 2);
    for (most, want) in [(500, 250), (250, 250), (249, 249), (100, 100), (0, 100)] {
        assert_eq!(room(plan, most, &host, Some(MEASURED)), want, "{most}");
    }
    // With the tap a client has two connections of two descriptors each.
    host.nofile_hard = Some(DESCRIPTORS_RESERVE + 250 * (DESCRIPTORS_PER_CLIENT + 4) + 2);
    assert_eq!(room(Demand { tap: true, ..plan }, 500, &host, Some(MEASURED)), 250);
    // A check that fails for the demand already does not lower the result.
    host.nofile_hard = Some(1);
    assert_eq!(room(plan, 500, &host, Some(MEASURED)), 100);
    assert_eq!(room(plan, 9_999, &HostFacts::default(), None), 9_999);
}
