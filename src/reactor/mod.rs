//! The loop: readiness in, actions out. The only rooms that own a descriptor or
//! read a clock.
//!
//! Knows nothing of ramps, restarts or metrics: an [`Application`] decides and
//! answers, and what fails in doing what it decided comes back to it as an input.

mod application;
pub mod blocking;
mod driver;
pub mod host;
pub mod net;
mod parts;
pub mod process;
mod ready;
mod registrar;
mod request_context;
mod sampling;
mod standstill;
mod start_gate;
pub mod table;
pub mod timer;
mod vitals;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use mio::{Events, Interest, Token};

pub use self::application::{Application, Asker, HttpService, Screen, Status};
pub use self::driver::Driver;
use self::host::display::Display;
use self::host::journal::Journal;
use self::host::notify::Notify;
use self::host::reports;
use self::host::signals::{Heard, Signals, StopSignal};
use self::host::stops::Stops;
use self::net::fetch;
use self::net::server::Server;
use self::net::traffic::Traffic;
use self::process::child::{Process, Wait};
use self::process::children::{Children, Read};
use self::process::memory::MemoryLooks;
use self::process::{orphans, pipes};
use self::ready::Share;
use self::registrar::Registrar;
use self::request_context::RequestContext;
use self::start_gate::{LATE, Look, StartGate};
use self::table::Owner;
use self::timer::{Clock, Timer};
pub use self::vitals::Vitals;
use crate::http::Service;
use crate::stats::Health;
use crate::swarm::{Action, Input};
use crate::units::process::Pipe;
use crate::units::{ClientId, Tick, Wall};

/// Events taken from the kernel at once, about 0.2 µs each: whatever dies at the
/// same time, a request behind it is seen soon.
const EVENTS_PER_POLL: usize = 4096;

/// Bytes read at once from a pipe: all that a pipe holds (pipe(7)).
const READ_BYTES: usize = 64 * 1024;

/// Reads of one pipe in one turn: more than a pipe holds, little enough that a
/// firehose leaves the others their turn.
const READS_PER_TURN: usize = 2;

/// How often orphans are looked for at most, while children end.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// The first signal that asked us to stop.
    pub stopped_by: Option<StopSignal>,
    /// The second one, which forced the end.
    pub forced_by: Option<StopSignal>,
}

/// One thread, one poll, one table of events.
#[derive(Debug)]
pub struct Reactor {
    registrar: Registrar,
    clock: Clock,
    timer: Timer,
    signals: Signals,
    server: Option<Server>,
    children: Option<Children>,
    journal: Journal,
    notify: Notify,
    health: Health,
    /// A process beside the clients whose end is to be told.
    watched: Option<(Rc<Process>, Token)>,
    actions: Vec<Action>,
    /// Empty; for the actions decided while others are performed.
    performed: Vec<Action>,
    /// When the loop last read the clock.
    looked_at: Tick,
    /// When a client last wrote something.
    heard_at: Option<Tick>,
    buffer: Box<[u8]>,
    traffic: Option<Traffic>,
    memory: MemoryLooks,
    /// Where in the table of clients the last sample for a scrape or a frame ended.
    sampled: usize,
    fetches: Option<fetch::Fetches>,
    /// The start, while it is waited for.
    start_gate: Option<StartGate>,
    display: Option<Display>,
    /// When orphans are looked for; `None` unless a child has ended.
    sweep_at: Option<Tick>,
    /// Not before this, however many children end.
    next_sweep: Tick,
    stops: Stops,
    finished: bool,
    /// The wall clock at the begin of the turn.
    wall: Wall,
}

impl Reactor {
    /// A reactor with what it is to serve.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(
        journal: Journal,
        mut signals: Signals,
        server: Option<Server>,
        children: Option<Children>,
    ) -> io::Result<Self> {
        signals.hear_children()?;
        let clock = Clock::start();
        let mut reactor = Self {
            registrar: Registrar::new()?,
            clock,
            timer: Timer::new(clock)?,
            signals,
            server,
            children,
            journal,
            notify: Notify::from_environment(),
            health: Health::default(),
            watched: None,
            actions: Vec::new(),
            performed: Vec::new(),
            looked_at: Tick::ZERO,
            heard_at: None,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            traffic: None,
            memory: MemoryLooks::default(),
            sampled: 0,
            fetches: None,
            start_gate: None,
            display: None,
            sweep_at: None,
            next_sweep: Tick::ZERO,
            stops: Stops::default(),
            finished: false,
            wall: Clock::wall(),
        };
        reactor.register()?;
        Ok(reactor)
    }

    fn register(&mut self) -> io::Result<()> {
        let Registrar { poll, table, .. } = &mut self.registrar;
        let registry = poll.registry();
        table.insert(registry, self.signals.as_fd(), Owner::Signals, Interest::READABLE)?;
        table.insert(registry, self.timer.as_fd(), Owner::Timer, Interest::READABLE)?;
        self.journal.with_pollable(|fd| {
            // What cannot be polled is written to without waiting.
            let _ = table.insert(registry, fd, Owner::LogSink, Interest::WRITABLE);
        });
        if let Some(server) = &mut self.server {
            server.start(&mut self.registrar)?;
        }
        if let Some(children) = &self.children {
            let Registrar { poll, pipes, .. } = &mut self.registrar;
            pipes.set_wait_max(children.wait_max());
            pipes.watch_from(poll.registry())?;
        }
        Ok(())
    }

    /// Samples the sockets of the clients while it runs.
    pub fn sample_with(&mut self, traffic: Traffic) {
        self.traffic = Some(traffic);
    }

    /// Looks at the clients' memory often enough to hold a limit.
    pub fn limit_memory(&mut self) {
        self.memory.limit();
    }

    /// Tells the application that it is started when the wall clock says so, and
    /// not before. Requests are answered and signals heard meanwhile.
    pub fn start_at(&mut self, at: Wall) {
        self.start_gate = Some(StartGate::new(at, self.clock.moment()));
    }

    /// The generator's own health, as of now.
    #[must_use]
    pub fn health(&mut self) -> &Health {
        vitals::read_own(&mut self.health, &self.journal);
        &self.health
    }

    /// Where it serves, if it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().and_then(|server| server.local_addr().ok())
    }

    /// The time on the reactor's clock.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.clock.tick()
    }

    /// Tells by a warning when this process ends, and reaps it. Where it cannot
    /// be watched nothing is told.
    pub fn watch(&mut self, process: Rc<Process>) {
        let Registrar { poll, table, .. } = &mut self.registrar;
        let pidfd = process.pidfd();
        let token = table.insert(poll.registry(), pidfd, Owner::Watched, Interest::READABLE);
        self.watched = token.ok().map(|token| (process, token));
    }

    /// Runs until the application says that everything is over.
    ///
    /// # Errors
    /// Those of epoll_wait(2) and timerfd_settime(2), none of which a running
    /// load can cause.
    pub fn run(&mut self, application: &mut dyn Application) -> io::Result<Ended> {
        self.journal.set_at_once(false);
        self.looked_at = self.clock.tick();
        match &self.start_gate {
            None => application.handle(self.looked_at, Input::Started, &mut self.actions),
            Some(start_gate) => reports::waiting(start_gate.left(Clock::wall())),
        }
        self.perform(application);
        self.turn_over(self.clock.tick(), application);
        let mut events = Events::with_capacity(EVENTS_PER_POLL);
        let ended = loop {
            self.journal.flush();
            if self.finished {
                let (stopped_by, forced_by) = (self.stops.stopped_by(), self.stops.forced_by());
                break Ok(Ended { stopped_by, forced_by });
            }
            let due = match self.wait(application, &mut events) {
                Ok(due) => due,
                Err(error) => break Err(error),
            };
            let began = self.look(due, application);
            if let Err(error) = self.queue(began, &events) {
                break Err(error);
            }
            self.turns(began, application);
            let now = self.look(Some(self.looked_at), application);
            self.act_if_due(now, application);
            self.perform(application);
            let over = self.clock.tick();
            self.health.turns.record(over.since(began));
            self.turn_over(over, application);
        };
        self.notify.stopping();
        self.serve(application, |server, registrar, service| {
            server.close_all(registrar, service);
            false
        });
        self.end_display();
        self.journal.set_at_once(true);
        ended
    }

    /// Takes new connections or refuses them, as the application wants it by now,
    /// and tells the service manager what is new.
    fn turn_over(&mut self, now: Tick, application: &dyn Application) {
        self.notify.tell(now, application);
        if let Some(server) = &mut self.server {
            server.set_open(&mut self.registrar, now, application.is_open(now));
        }
    }

    /// Sleeps until something is ready or due; not at all if something is
    /// already. Returns what is due next.
    fn wait(
        &mut self,
        application: &dyn Application,
        events: &mut Events,
    ) -> io::Result<Option<Tick>> {
        let deadline = self.next_deadline(application);
        let due = deadline.is_some_and(|tick| tick <= self.clock.tick());
        let limit = if due || !self.registrar.ready.is_empty() {
            Some(Duration::ZERO)
        } else {
            self.timer.arm(deadline)?;
            None
        };
        match self.registrar.poll.poll(events, limit) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(deadline),
        }
    }

    fn queue(&mut self, now: Tick, events: &Events) -> io::Result<()> {
        for event in events {
            if event.token() == pipes::WATCH {
                self.registrar.pipes.told();
                continue;
            }
            self.health.events += 1;
            let hung_up = event.is_read_closed() || event.is_error();
            self.registrar.queue(event.token(), hung_up);
        }
        self.health.events += self.registrar.look_at_pipes(now)?;
        Ok(())
    }

    /// Gives ready entries a bounded turn, connections first; one that has more to
    /// do goes to the back of its line, and clients beyond a number wait for the
    /// next poll.
    fn turns(&mut self, now: Tick, application: &mut dyn Application) {
        let mut share = self.registrar.ready.share();
        self.prefetch(&share, application);
        while let Some(token) = self.registrar.ready.take(&mut share) {
            let taken = self.registrar.table.take_turn(token);
            let Some((owner, hung_up)) = taken else { continue };
            let now = self.look_again(now, application);
            if self.dispatch(now, owner, hung_up, application) {
                self.registrar.queue(token, hung_up);
            }
        }
    }

    /// Touches the state of the clients whose turn is next. With thousands of clients
    /// none of it is in a cache, and the processor loads many lines in parallel if
    /// nothing depends on them yet.
    fn prefetch(&self, share: &Share, application: &dyn Application) {
        let Self { registrar: Registrar { ready, table, .. }, children, .. } = self;
        let Some(children) = children else { return };
        for token in ready.clients_of(share) {
            if let Some(client) = table.client(token) {
                children.prefetch(client);
                application.prefetch(client);
            }
        }
    }

    fn dispatch(
        &mut self,
        now: Tick,
        owner: Owner,
        hung_up: bool,
        application: &mut dyn Application,
    ) -> bool {
        match owner {
            Owner::Signals => self.take_signals(now, application),
            Owner::Timer => self.timer.fired(),
            // Flushed at the end of the turn.
            Owner::LogSink => {}
            Owner::Exit(client) => self.reap(now, client, application),
            Owner::Watched => self.tell_end(),
            Owner::Fetch(key) => return self.fetch(now, key, application),
            Owner::Terminal => return self.tend_terminal(now, application),
            Owner::TerminalSignals => self.take_terminal_signals(application),
            Owner::Output(client, pipe) => {
                return self.read(now, client, pipe, hung_up, application);
            }
            Owner::Listener => {
                return self.serve(application, |server, registrar, service| {
                    server.accept(registrar, now, service)
                });
            }
            Owner::Connection(key) => {
                return self.serve(application, |server, registrar, service| {
                    server.turn(registrar, now, key, hung_up, service)
                });
            }
        }
        false
    }

    fn take_signals(&mut self, now: Tick, application: &mut dyn Application) {
        for heard in self.signals.take() {
            match heard {
                Heard::Stop(signal) => self.ask_stop(now, signal, application),
                Heard::Reopen => application.reopen(),
                Heard::Child => {
                    self.sweep_at.get_or_insert(self.next_sweep.max(now));
                }
            }
        }
    }

    /// Reads a bounded amount of a client's pipe. True if there may be more.
    fn read(
        &mut self,
        now: Tick,
        client: ClientId,
        pipe: Pipe,
        hung_up: bool,
        application: &mut dyn Application,
    ) -> bool {
        let Some(children) = &mut self.children else { return false };
        for _ in 0..READS_PER_TURN {
            match children.read(&mut self.registrar, client, pipe, &mut self.buffer) {
                Read::Empty => return false,
                Read::Ended => {
                    let input = Input::PipeEnded { client, pipe };
                    application.handle(now, input, &mut self.actions);
                    return false;
                }
                Read::Bytes(count) => {
                    self.heard_at = Some(now);
                    self.memory.note_activity(now);
                    let bytes = self.buffer.get(..count).unwrap_or_default();
                    let wall = self.wall;
                    let input = Input::Output { client, pipe, bytes, wall };
                    application.handle(now, input, &mut self.actions);
                    // A short read emptied the pipe, and the next write is a new
                    // event (epoll(7)); only an end that was told with the data
                    // would not be told again.
                    if count < self.buffer.len() && !hung_up {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn reap(&mut self, now: Tick, client: ClientId, application: &mut dyn Application) {
        let Some(children) = &mut self.children else { return };
        if let Some(exit) = children.reap(&mut self.registrar, client) {
            if let Some(traffic) = &mut self.traffic {
                traffic.forget(client);
            }
            application.handle(now, Input::Exited { client, exit }, &mut self.actions);
        }
    }

    fn tell_end(&mut self) {
        let ended = self.watched.take_if(|(process, _)| process.has_ended());
        let Some((process, token)) = ended else { return };
        let Registrar { poll, table, .. } = &mut self.registrar;
        table.remove(poll.registry(), token);
        if let Ok(Some(exit)) = process.reap(Wait::Poll) {
            let exit_code = exit.status.shell_code();
            tracing::warn!(pid = process.pid(), exit_code, "origin_ended");
        }
    }

    /// Whether this process id is that of a child that is reaped by its pidfd.
    fn owns(&self, pid: u32) -> bool {
        self.watched.as_ref().is_some_and(|(process, _)| process.pid() == pid)
            || self.children.as_ref().is_some_and(|children| children.owns(pid))
    }

    /// Lets the server answer requests.
    fn serve(
        &mut self,
        application: &mut dyn Application,
        turn: impl FnOnce(&mut Server, &mut Registrar, &mut dyn Service) -> bool,
    ) -> bool {
        let Self { server, registrar, children, sampled, health, journal, clock, actions, .. } =
            self;
        let Some(server) = server else { return false };
        health.entries = registrar.table.by_kind();
        health.connections = server.counts();
        let clock = *clock;
        let children = children.as_ref();
        let vitals = Vitals { health, journal, children, sampled, actions, refreshed: false };
        let mut context = RequestContext { application, vitals, clock };
        turn(server, registrar, &mut context)
    }

    /// Reaps orphans; looks again later if there were more than one sweep takes.
    fn sweep(&mut self, now: Tick) {
        self.next_sweep = now.after(SWEEP_EVERY);
        let more = orphans::reap(|pid| self.owns(pid));
        self.sweep_at = more.then_some(self.next_sweep);
    }

    /// Starts the application if it is time.
    fn look_for_start(&mut self, application: &mut dyn Application) {
        let now = self.clock.moment();
        match self.start_gate.as_mut().map(|gate| gate.look(now)) {
            Some(Look::Go { behind }) => {
                self.start_gate = None;
                if behind > LATE {
                    reports::late_start(behind);
                }
                application.handle(now.tick, Input::StartedLate { behind }, &mut self.actions);
            }
            Some(Look::Wait { set: Some(left) }) => reports::clock_set(left),
            _ => {}
        }
    }

    /// Does what was decided. What fails, and what was started, goes back as an
    /// input, whose decisions are done as well.
    fn perform(&mut self, application: &mut dyn Application) {
        while !self.actions.is_empty() {
            // Swaps two vectors to avoid reallocating.
            let spare = std::mem::take(&mut self.performed);
            let mut decided = std::mem::replace(&mut self.actions, spare);
            for action in decided.drain(..) {
                match action {
                    Action::Spawn { client } => self.spawn(client, application),
                    Action::Signal { client, signal } => {
                        if let Some(children) = &mut self.children {
                            children.signal(client, signal);
                        }
                    }
                    Action::ClosePipes { client } => {
                        if let Some(children) = &mut self.children {
                            children.close_pipes(&mut self.registrar, client);
                        }
                    }
                    Action::SampleSockets { client } => self.sample_sockets(client),
                    Action::Report(report) => reports::write(&report),
                    Action::Finish => self.finished = true,
                }
            }
            self.performed = decided;
        }
    }

    fn spawn(&mut self, client: ClientId, application: &mut dyn Application) {
        let Some(children) = &mut self.children else { return };
        let input = match children.spawn(&mut self.registrar, client) {
            Ok(pid) => {
                self.memory.started(self.clock.tick());
                Input::Spawned { client, pid }
            }
            Err(failure) => Input::SpawnFailed { client, failure },
        };
        // Read anew, since spawning takes time and lateness is told from it.
        application.handle(self.clock.tick(), input, &mut self.actions);
    }
}
