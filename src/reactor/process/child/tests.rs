//! Children, started and ended one by one.

use super::*;
use crate::swarm::Signal;
use crate::units::process::ExitStatus;

const SHELL: &CStr = c"/bin/sh";

fn spawn(spawner: &mut Spawner, script: &CStr) -> Child {
    spawner.spawn(SHELL, &[SHELL, c"-c", script], Stdio::default()).unwrap()
}

/// All output of a process.
fn output(child: &Child) -> String {
    child.process.reap(ReapMode::Block).unwrap().unwrap();
    let mut buffer = [0; 4096];
    let count = rustix::io::read(&child.stdout, &mut buffer).unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

#[test]
fn a_child_has_three_descriptors_either_way() {
    // Not closed by exec, like an inherited descriptor.
    let inherited = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()).unwrap();
    let mut spawner = Spawner::new(environment(&[]), None).unwrap();
    for files in [Files::TakesLow, Files::GetsAll] {
        spawner.files = files;
        let child = spawn(&mut spawner, c"exec ls /proc/self/fd");
        assert_eq!(output(&child), "0\n1\n2\n3\n", "{files:?}");
        assert_eq!(spawner.files, files);
    }
    drop(inherited);
}

#[test]
fn sends_nothing_after_the_reap() {
    let mut spawner = Spawner::new(environment(&[]), None).unwrap();
    let child = spawn(&mut spawner, c"exec sleep 1000");
    assert!(!child.process.has_ended());
    assert_eq!(child.process.reap(ReapMode::Poll), Ok(None));
    child.process.signal_group(Signal::Kill);
    let exit = child.process.reap(ReapMode::Block).unwrap().unwrap();
    assert_eq!(exit.status, ExitStatus::Signal(9));
    assert!(!child.process.has_ended());
    assert!(child.process.reaped.get());
    assert_eq!(child.process.reap(ReapMode::Poll), Err(Errno::CHILD));
    child.process.signal_group(Signal::Kill);
}

#[test]
fn a_failed_start_leaves_the_slots_empty() {
    let mut spawner = Spawner::new(environment(&[]), None).unwrap();
    let program = c"/nonexistent";
    let failed = spawner.spawn(program, &[program], Stdio::default()).unwrap_err();
    assert_eq!(failed.reason, SpawnFailureReason::NotFound);
    let is_null = |fd: &OwnedFd| {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        std::fs::read_link(path).unwrap() == std::path::Path::new("/dev/null")
    };
    assert!(spawner.slots.iter().all(is_null));
}
