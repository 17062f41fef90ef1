//! A loop that stood still: the span counts for no client, whether only this program
//! was stopped or the whole host with its clients.

use super::*;
use crate::stats::Histogram;

const SECOND: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(15);

/// What stands still.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Frozen {
    Nothing,
    /// This program alone: its clients continue to write to their pipes.
    Program,
    /// The clients as well.
    Host,
}

/// A client that plays a live stream of segments of 2 s, and falls 1 s behind in
/// every 10 s if it is `slow`.
struct Player {
    driver: Driver,
    media_ms: u64,
    seconds: u64,
    slow: bool,
    unread: String,
}

impl Player {
    fn new(slow: bool) -> Self {
        let driver = Driver::running(Settings { stats: true, ..settings(1) });
        Self { driver, media_ms: 6_000, seconds: 0, slow, unread: String::new() }
    }

    /// A second of the client's life: what it prints is not read yet.
    fn lives(&mut self) {
        self.seconds += 1;
        let stuck = self.slow && self.seconds.is_multiple_of(10);
        self.media_ms += if stuck { 0 } else { 1_000 };
        let media_us = self.media_ms * 1_000;
        self.unread.push_str(&format!("out_time_us={media_us}\nprogress=continue\n"));
    }

    fn is_read(&mut self) {
        let text = std::mem::take(&mut self.unread);
        let (client, pipe) = (client(0), Pipe::Stdout);
        let bytes = text.as_bytes();
        self.driver.give(Input::Output { client, pipe, bytes, wall: Wall::default() });
    }

    fn plays(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.driver.wait(SECOND);
            self.lives();
            self.is_read();
            self.driver.give(Input::DeadlineReached);
        }
    }

    fn freezes(&mut self, frozen: Frozen) {
        if frozen == Frozen::Nothing {
            return self.plays(PAUSE.as_secs());
        }
        self.driver.wait(PAUSE);
        self.driver.give(Input::StoodStill { span: PAUSE });
        if frozen == Frozen::Program {
            // A host that is busy reads what queued late.
            self.driver.wait(SECOND + SECOND / 5);
            (0..PAUSE.as_secs()).for_each(|_| self.lives());
            self.is_read();
        }
        self.driver.give(Input::DeadlineReached);
    }
}

fn bounds(histogram: &Histogram) -> (u64, Duration, Duration) {
    let of = |quantile| histogram.quantile(quantile).unwrap_or_default();
    (histogram.count(), of(0.001), of(1.0))
}

#[test]
fn speed_and_drift_equal_those_of_an_undisturbed_client() {
    for frozen in [Frozen::Nothing, Frozen::Program, Frozen::Host] {
        let mut player = Player::new(false);
        player.plays(40);
        player.freezes(frozen);
        player.plays(40);
        let snapshot = player.driver.swarm.snapshot(player.driver.now);
        let playback = &snapshot.totals.playback;
        let (windows, slowest, fastest) = bounds(&playback.speed);
        assert!(windows >= 12, "{frozen:?}: {windows}");
        assert!(slowest >= SECOND.mul_f64(0.99) && fastest <= SECOND.mul_f64(1.02), "{frozen:?}");
        assert_eq!(bounds(&playback.drift).2, Duration::ZERO, "{frozen:?}");
        assert_eq!((playback.stalls, snapshot.stalled), (0, 0), "{frozen:?}");
        assert_eq!((snapshot.below_realtime, snapshot.above_realtime), (0, 1), "{frozen:?}");
    }
}

#[test]
fn drift_continues_from_its_last_value() {
    for (frozen, behind_ms) in [
        (Frozen::Nothing, 8_000..=10_000),
        (Frozen::Program, 6_000..=9_000),
        (Frozen::Host, 6_000..=9_000),
    ] {
        let mut player = Player::new(true);
        player.plays(40);
        player.freezes(frozen);
        player.plays(40);
        let playback = &player.driver.swarm.snapshot(player.driver.now).totals.playback;
        let most = bounds(&playback.drift).2.as_millis() as u64;
        assert!(behind_ms.contains(&most), "{frozen:?}: {most} ms");
    }
}

#[test]
fn a_client_that_began_before_it_has_no_startup() {
    for frozen in [Frozen::Program, Frozen::Host] {
        let mut player = Player::new(false);
        player.freezes(frozen);
        player.plays(20);
        let playback = &player.driver.swarm.snapshot(player.driver.now).totals.playback;
        assert_eq!(playback.startup.count(), 0, "{frozen:?}");
        assert!(playback.speed.count() >= 2, "{frozen:?}");
    }
}

#[test]
fn a_stall_continues_without_the_standstill() {
    for frozen in [Frozen::Program, Frozen::Host] {
        let mut player = Player::new(false);
        player.plays(10);
        player.driver.wait(Duration::from_secs(20));
        player.driver.give(Input::DeadlineReached);
        let before = player.driver.swarm.snapshot(player.driver.now);
        assert_eq!((before.stalled, before.stall_time.as_secs()), (1, 8));
        player.freezes(frozen);
        let after = player.driver.swarm.snapshot(player.driver.now);
        assert_eq!(after.stalled, u32::from(frozen == Frozen::Host), "{frozen:?}");
        // Until its movement is read.
        let most_secs = if frozen == Frozen::Host { 8 } else { 9 };
        assert_eq!(after.stall_time.as_secs(), most_secs, "{frozen:?}");
        player.plays(20);
        let playback = &player.driver.swarm.snapshot(player.driver.now).totals.playback;
        assert_eq!((playback.stalls, playback.viewers.stalled()), (1, 0), "{frozen:?}");
    }
}

#[test]
fn an_exit_during_the_standstill_has_no_uptime() {
    for (later, counted) in [(Duration::ZERO, 0), (Duration::from_secs(2), 1)] {
        let mut driver = Driver::running(settings(1));
        driver.wait(PAUSE);
        driver.give(Input::StoodStill { span: PAUSE });
        driver.wait(later);
        driver.die(0, ExitStatus::Code(1));
        let totals = driver.swarm.snapshot(driver.now).totals;
        assert_eq!((totals.uptime.count(), totals.exits[1]), (counted, 1));
    }
}
