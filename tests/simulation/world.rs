//! The world: a virtual clock, children with random properties, and a reactor that
//! performs the swarm's actions.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use ffmpeg_hls_swarm::stats::State;
use ffmpeg_hls_swarm::swarm::client::{Event as Transition, next};
use ffmpeg_hls_swarm::swarm::{Action, Exit, Input, Sample, Signal, Swarm};
use ffmpeg_hls_swarm::units::process::{ExitStatus, Pipe, SpawnFailure};
use ffmpeg_hls_swarm::units::{ClientId, Tick, Wall};

use crate::plan::{Character, Dice, Obedience, PipeEnd, Plan, spawn_failure};
use crate::referee::Referee;

/// Most steps of a world; one that takes more is stuck at one time.
const STEPS_MAX: u32 = 200_000;

/// Interval of the samples.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);

/// Interval of FFmpeg's progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(1_003);

/// Share of the turns with an input that does not fit, in percent.
const STRAYS_PERCENT: u64 = 2;

const PIPES: [Pipe; 2] = [Pipe::Stderr, Pipe::Stdout];

/// A process of a client, by the number of its attempt.
type Process = (ClientId, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Started(Process),
    Write(Process),
    Progress(Process),
    PipeEnds(Process, usize),
    /// The process ends, by this signal or with this code.
    Ends(Process, Result<u8, u8>),
    Sample,
    AllDie,
    /// The ramp is held or resumed, or the target changed.
    Change,
    Stop,
    Kill,
}

/// The actual process of a client.
struct Child {
    attempt: u64,
    alive: bool,
    terms: u32,
    character: Character,
    /// What was written and not read yet, of stderr and stdout; `None` once the pipe is
    /// closed.
    pipes: [Option<Vec<u8>>; 2],
    cpu: Duration,
    media: Duration,
}

pub(crate) struct World {
    plan: Plan,
    dice: Dice,
    now: Tick,
    /// The events to come; those of one time are in random order.
    queue: BinaryHeap<Reverse<(Tick, u64, u64, Event)>>,
    queued: u64,
    swarm: Swarm,
    children: Vec<Child>,
    referee: Referee,
    finished: bool,
    strays: BTreeSet<(State, Transition)>,
    digest: DefaultHasher,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(seed, &mut dice);
        let child = |_| Child {
            attempt: 0,
            alive: false,
            terms: 0,
            character: Character::new(&plan, &mut dice),
            pipes: [None, None],
            cpu: Duration::ZERO,
            media: Duration::ZERO,
        };
        let children = (0..plan.room).map(child).collect();
        Self {
            now: Tick::from_millis(500),
            queue: BinaryHeap::new(),
            queued: 0,
            swarm: Swarm::with_room(plan.settings.clone(), plan.room),
            children,
            referee: Referee::new(&plan),
            finished: false,
            strays: BTreeSet::new(),
            digest: DefaultHasher::new(),
            plan,
            dice,
        }
    }

    /// Plays to the end and returns the transitions that were made.
    pub(crate) fn play(&mut self) -> BTreeSet<(State, Transition)> {
        if let Some(delay) = self.plan.all_die_at {
            self.at(delay, Event::AllDie);
        }
        let first = if self.plan.kill_first { Event::Kill } else { Event::Stop };
        self.at(self.plan.stop_at, first);
        if let Some(delay) = self.plan.kill_after_stop {
            self.at(self.plan.stop_at + delay, Event::Kill);
        }
        for delay in self.plan.changes.clone() {
            self.at(delay, Event::Change);
        }
        self.at(SAMPLE_EVERY, Event::Sample);
        self.give(Input::Started);
        for step in 0.. {
            assert!(step < STEPS_MAX, "stuck at {:?}", self.now);
            if self.finished {
                break;
            }
            self.turn();
        }
        self.referee.finished(self.now, &self.swarm);
        std::mem::take(&mut self.referee.made)
    }

    /// The inputs that were given although the table does not admit them.
    pub(crate) fn strays(&mut self) -> BTreeSet<(State, Transition)> {
        std::mem::take(&mut self.strays)
    }

    /// A hash over all actions and their times.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Plays what is due first: an event or the swarm's deadline; of two that are due
    /// at the same time, a random one.
    fn turn(&mut self) {
        let event = self.queue.peek().map(|&Reverse((at, ..))| at.max(self.now));
        let deadline = self.swarm.next_deadline().map(|at| at.max(self.now));
        let deadline_first = match (event, deadline) {
            (None, None) => panic!("no event is left"),
            (Some(event), Some(deadline)) if event == deadline => self.dice.percent(50),
            (Some(event), Some(deadline)) => deadline < event,
            (event, _) => event.is_none(),
        };
        if self.dice.percent(STRAYS_PERCENT) {
            self.stray();
        }
        if deadline_first {
            self.now = deadline.unwrap();
            self.now = self.now.after(self.dice.ms(0, self.plan.lag_max_ms));
            self.give(Input::DeadlineReached);
        } else if let Some(Reverse((at, _, _, event))) = self.queue.pop() {
            self.now = self.now.max(at);
            self.happen(event);
        }
    }

    fn at(&mut self, delay: Duration, event: Event) {
        self.queued += 1;
        let shuffle = self.dice.between(0, 9);
        self.queue.push(Reverse((self.now.after(delay), shuffle, self.queued, event)));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Started(process) => self.started(process),
            Event::Write(process) if self.is_alive(process) => self.write(process),
            Event::PipeEnds((client, attempt), pipe) => {
                if self.child(client).attempt == attempt {
                    self.end_pipe(client, pipe);
                }
            }
            Event::Ends(process, how) if self.is_alive(process) => self.end(process.0, how),
            Event::Progress(process) if self.is_alive(process) => self.progress(process),
            Event::Write(_) | Event::Progress(_) | Event::Ends(..) => {}
            Event::Sample => self.sample(),
            Event::AllDie => self.all_die(),
            Event::Change => self.change(),
            Event::Stop => self.give(Input::StopAsked),
            Event::Kill => self.give(Input::KillAsked),
        }
    }

    fn child(&mut self, client: ClientId) -> &mut Child {
        &mut self.children[client.index()]
    }

    fn is_alive(&mut self, (client, attempt): Process) -> bool {
        let child = self.child(client);
        child.alive && child.attempt == attempt
    }

    /// Gives an input to the swarm and the result to the referee, and performs the
    /// actions.
    fn give(&mut self, input: Input<'_>) {
        if self.finished {
            return;
        }
        let mut actions = Vec::new();
        self.referee.before(&self.swarm);
        self.swarm.handle(self.now, input, &mut actions);
        self.referee.after(self.now, &input, &actions, &self.swarm);
        if !actions.is_empty() {
            (self.now, format!("{actions:?}")).hash(&mut self.digest);
        }
        for action in actions {
            match action {
                Action::Spawn { client } => self.spawn(client),
                Action::Signal { client, signal } => self.signal(client, signal),
                Action::ClosePipes { client } => self.child(client).pipes = [None, None],
                Action::SampleSockets { .. } | Action::Report(_) => {}
                Action::Finish => self.finished = true,
            }
        }
    }

    /// Gives an input that does not fit the state of its client.
    fn stray(&mut self) {
        let number = self.dice.between(0, self.swarm.clients().count() as u64 - 1);
        let client = ClientId::new(number as u32);
        let state = self.swarm.clients().nth(client.index()).unwrap().state;
        let (reason, errno) = spawn_failure(&mut self.dice);
        let exit = Exit {
            status: ExitStatus::Code(0),
            cpu: Duration::from_secs(1),
            peak_resident_bytes: 1,
            oom_suspected: false,
        };
        let (event, input) = match self.dice.between(0, 2) {
            0 => (Transition::Spawned, Input::Spawned { client, pid: 1 }),
            1 => {
                let failure = SpawnFailure { reason, errno };
                (Transition::SpawnFailed, Input::SpawnFailed { client, failure })
            }
            _ => (Transition::Exited, Input::Exited { client, exit }),
        };
        if next(state, event, self.referee.desired(client)).is_some() {
            return;
        }
        self.strays.insert((state, event));
        let mut actions = Vec::new();
        self.referee.before(&self.swarm);
        self.swarm.handle(self.now, input, &mut actions);
        self.referee.after_stray(self.now, &actions, &self.swarm);
    }

    fn spawn(&mut self, client: ClientId) {
        self.now = self.now.after(self.plan.start_takes);
        let character = Character::new(&self.plan, &mut self.dice);
        let child = self.child(client);
        child.attempt += 1;
        child.character = character;
        let process = (client, child.attempt);
        let late = self.dice.percent(self.plan.starts_late);
        let delay = if late { self.dice.ms(0, 1_500) } else { Duration::ZERO };
        if !self.dice.percent(self.plan.never_starts) {
            self.at(delay, Event::Started(process));
        }
    }

    fn started(&mut self, process: Process) {
        let (client, attempt) = process;
        if self.dice.percent(self.plan.spawn_fails) {
            let (reason, errno) = spawn_failure(&mut self.dice);
            let failure = SpawnFailure { reason, errno };
            self.give(Input::SpawnFailed { client, failure });
            return;
        }
        let child = self.child(client);
        child.alive = true;
        child.terms = 0;
        child.cpu = Duration::ZERO;
        child.media = Duration::ZERO;
        child.pipes = [Some(Vec::new()), Some(Vec::new())];
        let character = child.character;
        if let Some(life) = character.life {
            self.at(life, ends(process, character.status));
        }
        for (pipe, end) in character.pipes.into_iter().enumerate() {
            if let PipeEnd::Early(delay) = end {
                self.at(delay, Event::PipeEnds(process, pipe));
            }
        }
        if character.bursts > 0 {
            self.at(Duration::ZERO, Event::Write(process));
        }
        if let Some(delay) = character.plays_after {
            self.at(delay, Event::Progress(process));
        }
        self.give(Input::Spawned { client, pid: attempt as u32 });
    }

    /// The process writes lines; some of the bytes are read at once, cut
    /// anywhere.
    fn write(&mut self, process: Process) {
        let client = process.0;
        for pipe in 0..PIPES.len() {
            let mut bytes = Vec::new();
            for _ in 0..self.dice.between(0, 4) {
                let length = self.dice.between(1, 30) as usize;
                bytes.extend(std::iter::repeat_n(b'x', length));
                bytes.push(b'\n');
            }
            let torn = self.dice.between(0, bytes.len() as u64 / 3) as usize;
            bytes.truncate(bytes.len() - torn);
            if let Some(unread) = &mut self.child(client).pipes[pipe] {
                unread.extend(bytes);
            }
            self.read(client, pipe, 4);
        }
        let child = self.child(client);
        child.character.bursts -= 1;
        if child.character.bursts > 0 {
            let flood = self.dice.percent(50);
            let delay = self.dice.ms(0, if flood { 1 } else { 4_000 });
            self.at(delay, Event::Write(process));
        }
    }

    /// The process prints a block of progress: a later media time, or while the origin
    /// is frozen the same media time or nothing.
    fn progress(&mut self, process: Process) {
        let client = process.0;
        let elapsed = self.now.since(Tick::from_millis(500));
        let frozen = self.plan.frozen.is_some_and(|(from, to)| from <= elapsed && elapsed < to);
        if !frozen {
            let played = self.dice.ms(0, 2_000);
            self.child(client).media += played;
        }
        if !frozen || self.plan.repeats {
            let media_us = self.child(client).media.as_micros();
            let out_time = if media_us == 0 { "N/A".to_owned() } else { media_us.to_string() };
            let block = format!("frame=1\nout_time_us={out_time}\nspeed=1x\nprogress=continue\n");
            if let Some(unread) = &mut self.child(client).pipes[1] {
                unread.extend(block.into_bytes());
            }
            self.read(client, 1, 4);
        }
        self.at(PROGRESS_EVERY, Event::Progress(process));
    }

    /// Reads in at most `pieces` pieces; the rest stays in the pipe.
    fn read(&mut self, client: ClientId, pipe: usize, pieces: usize) {
        for _ in 0..pieces {
            let Some(unread) = self.children[client.index()].pipes[pipe].as_mut() else { return };
            if unread.is_empty() {
                return;
            }
            let length = self.dice.between(1, unread.len() as u64) as usize;
            let bytes: Vec<u8> = unread.drain(..length).collect();
            self.give(Input::Output {
                client,
                pipe: PIPES[pipe],
                bytes: &bytes,
                wall: Wall::default(),
            });
        }
    }

    fn end_pipe(&mut self, client: ClientId, pipe: usize) {
        self.read(client, pipe, usize::MAX);
        if self.child(client).pipes[pipe].take().is_some() {
            self.give(Input::PipeEnded { client, pipe: PIPES[pipe] });
        }
    }

    fn end(&mut self, client: ClientId, how: Result<u8, u8>) {
        let child = self.child(client);
        child.alive = false;
        let (character, process) = (child.character, (client, child.attempt));
        for (pipe, end) in character.pipes.into_iter().enumerate() {
            match end {
                PipeEnd::BeforeExit => self.end_pipe(client, pipe),
                PipeEnd::AfterExit(delay) => self.at(delay, Event::PipeEnds(process, pipe)),
                PipeEnd::Early(_) => self.at(Duration::ZERO, Event::PipeEnds(process, pipe)),
                PipeEnd::Never => {}
            }
        }
        let status = how.map_or_else(ExitStatus::Signal, ExitStatus::Code);
        let rounding = self.dice.ms(0, 3);
        let cpu = self.child(client).cpu.saturating_sub(rounding) + self.dice.ms(0, 10);
        let peak_resident_bytes = self.dice.between(1, 1 << 24);
        let exit = Exit { status, cpu, peak_resident_bytes, oom_suspected: false };
        self.give(Input::Exited { client, exit });
    }

    fn signal(&mut self, client: ClientId, signal: Signal) {
        let child = self.child(client);
        let (process, character) = ((client, child.attempt), child.character);
        child.terms += u32::from(signal == Signal::Terminate);
        let delay = match (signal, character.on_term, child.terms) {
            (Signal::Kill, ..) => character.on_kill,
            (_, Obedience::AtFirst(delay), _) => Some(delay),
            (_, Obedience::AtSecond(delay), 2..) => Some(delay),
            _ => None,
        };
        let status = match signal {
            Signal::Kill => ExitStatus::Signal(9),
            Signal::Terminate => ExitStatus::Code(255),
        };
        if let Some(delay) = delay {
            self.at(delay, ends(process, status));
        }
    }

    fn sample(&mut self) {
        for client in (0..self.plan.room).map(ClientId::new) {
            if self.child(client).alive && self.dice.percent(70) {
                let used = self.dice.ms(0, 20);
                let resident_bytes = self.dice.between(1, 1 << 24);
                let child = self.child(client);
                child.cpu += used;
                let sample = Sample { cpu: child.cpu, resident_bytes };
                self.give(Input::Sampled { client, sample });
            }
        }
        self.at(SAMPLE_EVERY, Event::Sample);
    }

    /// Holds or resumes the ramp, or asks for a target; also for one above the room and
    /// for the current one.
    fn change(&mut self) {
        let input = match self.dice.between(0, 3) {
            0 => Input::RampHeld(true),
            1 => Input::RampHeld(false),
            _ => {
                let clients = self.dice.between(0, u64::from(self.plan.room) + 2) as u32;
                Input::TargetAsked { clients }
            }
        };
        self.give(input);
    }

    fn all_die(&mut self) {
        for client in (0..self.plan.room).map(ClientId::new) {
            let process = (client, self.child(client).attempt);
            if self.is_alive(process) {
                self.at(Duration::ZERO, ends(process, ExitStatus::Code(0)));
            }
        }
    }
}

const fn ends(process: Process, status: ExitStatus) -> Event {
    match status {
        ExitStatus::Code(code) => Event::Ends(process, Ok(code)),
        ExitStatus::Signal(signal) => Event::Ends(process, Err(signal)),
    }
}
