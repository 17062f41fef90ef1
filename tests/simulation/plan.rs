//! The properties of a world and of its children, drawn from a seed.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use ffmpeg_hls_swarm::swarm::random::Random;
use ffmpeg_hls_swarm::swarm::{Backoff, Settings};
use ffmpeg_hls_swarm::units::ClientId;
use ffmpeg_hls_swarm::units::process::{ExitStatus, SpawnFailureReason};
use ffmpeg_hls_swarm::units::shard::Shard;

/// Longest delay with which a deadline is seen.
pub(crate) const LAG_MAX: Duration = Duration::from_millis(300);

/// The random choices of the world, apart from those of the clients.
pub(crate) struct Dice(Random);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed, ClientId::new(u32::MAX)))
    }

    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.up_to(most - least)
    }

    pub(crate) fn ms(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_micros(self.between(least * 1_000, most * 1_000))
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.between(0, 99) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.between(0, choices.len() as u64 - 1) as usize]
    }
}

/// The properties of a world; chances in percent.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) spawn_fails: u64,
    pub(crate) starts_late: u64,
    /// A start never has a result, as if the reactor was blocked.
    pub(crate) never_starts: u64,
    pub(crate) mortal: u64,
    pub(crate) life_max_ms: u64,
    pub(crate) ignores_term: u64,
    pub(crate) unkillable: u64,
    pub(crate) pipe_held_open: u64,
    pub(crate) talks: u64,
    /// Prints its media time.
    pub(crate) plays: u64,
    /// A frozen child repeats its media time, as FFmpeg 9 does; else it is silent.
    pub(crate) repeats: bool,
    /// The origin is frozen from one to the other, counted from the start.
    pub(crate) frozen: Option<(Duration, Duration)>,
    /// Longest delay with which a deadline is seen in this world.
    pub(crate) lag_max_ms: u64,
    /// Time that a start takes.
    pub(crate) start_takes: Duration,
    pub(crate) all_die_at: Option<Duration>,
    pub(crate) stop_at: Duration,
    pub(crate) kill_after_stop: Option<Duration>,
    /// The first stop is a kill.
    pub(crate) kill_first: bool,
    /// When the ramp is held or resumed, or the target changed.
    pub(crate) changes: Vec<Duration>,
    /// The highest target.
    pub(crate) room: u32,
}

impl Plan {
    pub(crate) fn new(seed: u64, dice: &mut Dice) -> Self {
        let quiet = dice.percent(10);
        let ideal = quiet || dice.percent(20);
        let duration = dice.percent(30).then(|| dice.ms(1, 20_000));
        let settings = settings(seed, duration, dice);
        let changes = if dice.percent(40) { dice.between(1, 12) } else { 0 };
        Self {
            changes: (0..changes).map(|_| dice.ms(0, 25_000)).collect(),
            room: settings.clients.get() + dice.pick(&[0, 1, 15]),
            settings,
            spawn_fails: if ideal { 0 } else { dice.pick(&[0, 0, 5, 50, 95]) },
            starts_late: if ideal { 0 } else { dice.pick(&[0, 10, 100]) },
            never_starts: if ideal { 0 } else { dice.pick(&[0, 0, 0, 0, 0, 0, 3]) },
            mortal: if quiet { 0 } else { dice.pick(&[0, 50, 100]) },
            life_max_ms: dice.pick(&[5, 500, 8_000, 40_000]),
            ignores_term: dice.pick(&[0, 20, 100]),
            unkillable: dice.pick(&[0, 0, 0, 0, 0, 0, 5]),
            pipe_held_open: dice.pick(&[0, 0, 10, 100]),
            talks: if quiet { 0 } else { dice.pick(&[0, 30, 100]) },
            plays: if quiet { 0 } else { dice.pick(&[0, 50, 100, 100]) },
            repeats: dice.percent(50),
            frozen: dice.percent(60).then(|| (dice.ms(0, 10_000), dice.ms(2_000, 20_000))),
            lag_max_ms: if ideal { 0 } else { dice.pick(&[0, 0, 2, LAG_MAX.as_millis() as u64]) },
            start_takes: if ideal {
                Duration::ZERO
            } else {
                Duration::from_millis(dice.pick(&[0, 0, 1, 20]))
            },
            all_die_at: (!quiet && dice.percent(30)).then(|| dice.ms(0, 15_000)),
            stop_at: if dice.percent(5) { Duration::ZERO } else { dice.ms(0, 25_000) },
            kill_after_stop: dice.percent(30).then(|| dice.ms(0, 6_000)),
            kill_first: dice.percent(5),
        }
    }

    /// Whether every start has its result at once and every deadline is seen in time.
    pub(crate) const fn is_prompt(&self) -> bool {
        self.starts_late == 0
            && self.never_starts == 0
            && self.lag_max_ms == 0
            && self.start_takes.is_zero()
    }

    /// Whether SIGKILL always works and every start has a result.
    pub(crate) const fn is_mortal(&self) -> bool {
        self.unkillable == 0 && self.never_starts == 0
    }
}

fn settings(seed: u64, duration: Option<Duration>, dice: &mut Dice) -> Settings {
    let clients = dice.pick(&[1, 2, 5, 5, 10, 10, 20, 40]);
    let (initial_ms, max_ms) = dice.pick(&[(250, 5_000), (250, 5_000), (0, 0), (20, 300)]);
    Settings {
        clients: NonZeroU32::new(clients).unwrap(),
        shard: Shard::WHOLE,
        ramp_rate: dice.pick(&[0.5, 3.0, 7.3, 50.0, 1_000.0, 1e9]),
        ramp_jitter: dice.pick(&[Duration::ZERO, Duration::from_millis(200)]),
        duration,
        seed,
        max_restarts: dice.pick(&[None, None, NonZeroU64::new(1), NonZeroU64::new(3)]),
        backoff: Backoff {
            initial: Duration::from_millis(initial_ms),
            max: Duration::from_millis(max_ms),
            multiplier: dice.pick(&[1.0, 1.7]),
        },
        verbose: dice.percent(10),
        dangerous: dice.percent(10),
        target_duration: Duration::from_secs(dice.pick(&[1, 1, 2, 6])),
        restart_on_stall: dice.percent(30),
        ffmpeg_memory_max: NonZeroU64::new(dice.pick(&[0, 0, 0, 15 << 20])),
        stats: dice.percent(75),
        network_timeout: Duration::from_secs(15),
        asks_ahead: false,
        looks_up_name: false,
        tap: false,
    }
}

/// Which SIGTERM ends a process, and after which delay.
#[derive(Clone, Copy)]
pub(crate) enum Obedience {
    AtFirst(Duration),
    AtSecond(Duration),
    Never,
}

/// When a pipe ends.
#[derive(Clone, Copy)]
pub(crate) enum PipeEnd {
    /// While the process lives, this long after its start.
    Early(Duration),
    /// Seen just before the exit is.
    BeforeExit,
    /// This long after the exit.
    AfterExit(Duration),
    /// A grandchild holds it.
    Never,
}

/// One process.
#[derive(Clone, Copy)]
pub(crate) struct Character {
    pub(crate) life: Option<Duration>,
    pub(crate) status: ExitStatus,
    pub(crate) on_term: Obedience,
    pub(crate) on_kill: Option<Duration>,
    /// Of stderr and of stdout.
    pub(crate) pipes: [PipeEnd; 2],
    pub(crate) bursts: u32,
    /// Prints its first media time this long after its start.
    pub(crate) plays_after: Option<Duration>,
}

impl Character {
    pub(crate) fn new(plan: &Plan, dice: &mut Dice) -> Self {
        let signals = [ExitStatus::Signal(11), ExitStatus::Signal(9)];
        let codes = [0, 0, 1, 1, 255].map(ExitStatus::Code);
        let on_term = match dice.between(0, 2) {
            _ if dice.percent(plan.ignores_term) => Obedience::Never,
            0 => Obedience::AtSecond(dice.ms(0, 900)),
            _ => Obedience::AtFirst(dice.ms(0, 1_400)),
        };
        Self {
            life: dice.percent(plan.mortal).then(|| dice.ms(0, plan.life_max_ms)),
            status: if dice.percent(20) { dice.pick(&signals) } else { dice.pick(&codes) },
            on_term,
            on_kill: (!dice.percent(plan.unkillable)).then(|| dice.ms(0, 50)),
            pipes: [Self::pipe_end(plan, dice), Self::pipe_end(plan, dice)],
            bursts: if dice.percent(plan.talks) { dice.between(1, 6) as u32 } else { 0 },
            plays_after: dice.percent(plan.plays).then(|| dice.ms(1, 3_000)),
        }
    }

    fn pipe_end(plan: &Plan, dice: &mut Dice) -> PipeEnd {
        if dice.percent(plan.pipe_held_open) {
            return PipeEnd::Never;
        }
        match dice.between(0, 9) {
            0 => PipeEnd::Early(dice.ms(0, 3_000)),
            1..=3 => PipeEnd::BeforeExit,
            4..=7 => PipeEnd::AfterExit(Duration::ZERO),
            8 => PipeEnd::AfterExit(dice.ms(0, 400)),
            _ => PipeEnd::AfterExit(dice.ms(0, 3_000)),
        }
    }
}

/// An errno of a start that failed, with its class.
pub(crate) fn spawn_failure(dice: &mut Dice) -> (SpawnFailureReason, i32) {
    dice.pick(&[
        (SpawnFailureReason::Processes, 11),
        (SpawnFailureReason::Descriptors, 24),
        (SpawnFailureReason::Memory, 12),
        (SpawnFailureReason::NotFound, 2),
        (SpawnFailureReason::Permission, 13),
        (SpawnFailureReason::Other, 5),
    ])
}
