//! Memory of FFmpeg: which processes are reported, and which are killed.

use std::num::NonZeroU64;

use super::*;
use crate::swarm::MEMORY_WARNING_BYTES;

const KILL_0: Action = Action::Signal { client: client(0), signal: Signal::Kill };
const LIMIT_BYTES: u64 = 1_000;

fn limited() -> Settings {
    Settings { ffmpeg_memory_max: NonZeroU64::new(LIMIT_BYTES), ..settings(1) }
}

impl Driver {
    fn memory(&mut self, number: u32, resident_bytes: u64) {
        self.give(Input::MemorySeen { client: client(number), resident_bytes });
    }

    fn peak_resident_bytes(&self) -> u64 {
        self.swarm.snapshot(self.now).totals.peak_resident_bytes
    }
}

#[test]
fn much_memory_is_reported_once_for_each_process() {
    let mut driver = Driver::running(settings(1));
    let (client, mut pid) = (client(0), 100);
    for _ in 0..2 {
        driver.memory(0, MEMORY_WARNING_BYTES - 1);
        assert_eq!(driver.taken(), []);
        let resident_bytes = MEMORY_WARNING_BYTES;
        driver.memory(0, resident_bytes);
        driver.memory(0, resident_bytes + 1);
        assert_eq!(driver.reports(), [Report::MemoryHigh { client, pid, resident_bytes }]);
        assert_eq!(driver.peak_resident_bytes(), resident_bytes + 1);
        driver.die(0, ExitStatus::Code(1));
        driver.restart();
        driver.wait(Duration::from_secs(1));
        driver.taken();
        pid = 7;
    }
}

#[test]
fn a_peak_that_no_sample_saw_is_reported_at_the_exit() {
    let mut driver = Driver::running(settings(1));
    let (status, cpu) = (ExitStatus::Code(0), Duration::ZERO);
    let peak_resident_bytes = MEMORY_WARNING_BYTES;
    let exit = Exit { status, cpu, peak_resident_bytes, oom_suspected: false };
    driver.give(Input::Exited { client: client(0), exit });
    assert!(matches!(driver.reports()[..], [Report::MemoryHigh { .. }]));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!(totals.largest_client, Some(client(0)));
}

#[test]
fn many_that_grow_together_are_reported_once_a_second() {
    let mut driver = Driver::running(settings(50));
    (0..50).for_each(|number| driver.memory(number, MEMORY_WARNING_BYTES));
    assert_eq!(driver.reports().len(), MEMORY_REPORTS_PER_SEC as usize);
}

#[test]
fn one_above_the_limit_is_killed_at_once_and_restarted() {
    let mut driver = Driver::running(limited());
    driver.memory(0, LIMIT_BYTES);
    assert_eq!((driver.taken(), driver.state(0)), (vec![], State::Running));
    let (client, pid, resident_bytes) = (client(0), 100, LIMIT_BYTES + 1);
    driver.memory(0, resident_bytes);
    let limit_bytes = LIMIT_BYTES;
    let report = Report::MemoryLimit { client, pid, resident_bytes, limit_bytes };
    assert_eq!(driver.taken(), [Action::Report(report), KILL_0]);
    // It is sampled until it exits.
    driver.memory(0, resident_bytes);
    assert_eq!((driver.taken(), driver.state(0)), (vec![], State::Stopping));
    driver.die(0, ExitStatus::Signal(9));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!(totals.outcomes[Outcome::MemoryLimit.index()], 1);
    assert_eq!(driver.state(0), State::Backoff);
    driver.restart();
    driver.die(0, ExitStatus::Signal(9));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!(totals.outcomes[Outcome::Crashed.index()], 1, "the next attempt is its own");
}

#[test]
fn a_stop_soon_after_a_restart_keeps_the_reason_of_the_attempt_before() {
    let mut driver = Driver::running(Settings { stats: true, ..limited() });
    driver.memory(0, LIMIT_BYTES + 1);
    driver.die(0, ExitStatus::Signal(9));
    driver.restart();
    driver.give(Input::StopAsked);
    driver.die(0, ExitStatus::Code(255));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!(totals.outcomes[Outcome::Stopped.index()], 1);
    let kept: Vec<_> = totals.reception.kept().into_iter().map(|(o, n, _)| (o, n)).collect();
    assert_eq!(kept, [(Outcome::MemoryLimit, 1)]);
}

#[test]
fn one_that_grows_while_it_is_stopped_is_killed_and_stays_stopped() {
    let mut driver = Driver::running(limited());
    driver.give(Input::StopAsked);
    driver.taken();
    driver.memory(0, LIMIT_BYTES + 1);
    assert_eq!(driver.taken(), [KILL_0]);
    driver.die(0, ExitStatus::Signal(9));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!(totals.outcomes[Outcome::Stopped.index()], 1);
}
