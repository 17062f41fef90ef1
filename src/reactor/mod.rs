//! The loop: readiness in, actions out. The only rooms that own a descriptor or
//! read a clock.
//!
//! Knows nothing of ramps, restarts or metrics: an [`Application`] decides and
//! responds, and what fails while its decisions are performed is its next input. What
//! the loop serves is made of parts (`parts.rs`).

mod application;
pub mod blocking;
mod driver;
pub mod host;
pub mod net;
mod part;
mod parts;
pub mod process;
mod ready;
mod registrar;
mod request_context;
mod standstill;
mod start_gate;
pub mod table;
pub mod timer;
mod turn;
mod vitals;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use mio::{Events, Interest};

pub use self::application::{Application, Asker, HttpService, Screen, Status};
pub use self::driver::Driver;
use self::host::display::Display;
use self::host::journal::Journal;
use self::host::notify::Notify;
use self::host::signals::{Signals, StopSignal};
use self::host::terminal::Terminal;
use self::net::fetch::{Fetches, Question};
use self::net::server::Server;
use self::net::servers::Servers;
use self::net::tap::{TapSetup, TapSockets};
use self::net::traffic::Traffic;
use self::parts::Parts;
use self::process::child::Process;
use self::process::children::Children;
use self::process::clients::Clients;
use self::process::others::Others;
use self::ready::Share;
use self::registrar::Registrar;
use self::start_gate::StartGate;
use self::table::Owner;
use self::timer::Timer;
use self::turn::{Core, Turn};
pub use self::vitals::Vitals;
use crate::stats::Health;
use crate::swarm::Input;
use crate::units::{Tick, Wall};

/// Events taken from the kernel at once, about 0.2 µs each: few enough that a request
/// is seen promptly when all clients exit at once.
const EVENTS_PER_POLL: usize = 4096;

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
    core: Core,
    parts: Parts,
}

impl Reactor {
    /// A reactor with what it is to serve.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(
        journal: Journal,
        mut signals: Signals,
        servers: Vec<Server>,
        children: Option<Children>,
    ) -> io::Result<Self> {
        signals.hear_children()?;
        let core = Core::new(journal, children)?;
        let parts = Parts {
            timer: Timer::new(core.clock)?,
            signals,
            clients: Clients::default(),
            others: Others::default(),
            servers: Servers::new(servers),
            fetches: None,
            tap: None,
            start_gate: None,
            display: None,
            notify: Notify::from_environment(),
        };
        let mut reactor = Self { core, parts };
        reactor.register()?;
        Ok(reactor)
    }

    fn register(&mut self) -> io::Result<()> {
        let Self { core, parts } = self;
        let Registrar { poll, table, pipes, .. } = &mut core.registrar;
        let registry = poll.registry();
        table.insert(registry, parts.signals.as_fd(), Owner::Signals, Interest::READABLE)?;
        table.insert(registry, parts.timer.as_fd(), Owner::Timer, Interest::READABLE)?;
        core.journal.with_pollable(|fd| {
            // What cannot be polled is written to without waiting.
            let _ = table.insert(registry, fd, Owner::LogSink, Interest::WRITABLE);
        });
        if let Some(children) = &core.children {
            pipes.set_wait_max(children.wait_max());
            pipes.watch_from(registry)?;
        }
        parts.servers.start(&mut core.registrar)
    }

    /// Samples the sockets of the clients while it runs.
    pub fn sample_with(&mut self, traffic: Traffic) {
        self.parts.clients.traffic = Some(traffic);
    }

    /// Looks at the clients' memory often enough to hold a limit.
    pub fn limit_memory(&mut self) {
        self.parts.clients.memory.limit();
    }

    /// Reports the start to the application when the wall clock says so, and not
    /// before. Requests are served and signals are read meanwhile.
    pub fn start_at(&mut self, at: Wall) {
        self.parts.start_gate = Some(StartGate::new(at, self.core.clock.moment()));
    }

    /// Logs a warning when this process exits, and reaps it. One that cannot be watched
    /// exits without a warning.
    pub fn watch(&mut self, process: Rc<Process>) {
        let _ = self.parts.others.watch(&mut self.core.registrar, process);
    }

    /// Polls these servers while it runs; the responses go to [`Asker::fetched`].
    pub fn fetch_with(&mut self, questions: Vec<Question>, every: Duration) {
        self.parts.fetches = Some(Fetches::new(questions, every, self.core.clock.tick()));
    }

    /// Carries the clients' traffic while it runs: each exchange is an
    /// [`Input::Exchange`].
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn carry(&mut self, setup: TapSetup) -> io::Result<()> {
        self.parts.tap = Some(TapSockets::new(setup, &mut self.core.registrar)?);
        Ok(())
    }

    /// Shows what the application draws, from the start of the loop to its end.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn show_on(&mut self, terminal: Terminal) -> io::Result<()> {
        self.parts.display = Some(Display::new(&mut self.core.registrar, terminal)?);
        Ok(())
    }

    /// The generator's own health, as of now.
    #[must_use]
    pub fn health(&mut self) -> &Health {
        vitals::read_own(&mut self.core.health, &self.core.journal);
        &self.core.health
    }

    /// The address of its first server that listens on TCP.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.parts.servers.address()
    }

    /// The time on the reactor's clock.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.core.clock.tick()
    }

    /// Runs until the application says that everything is over.
    ///
    /// # Errors
    /// Those of epoll_wait(2) and timerfd_settime(2), none of which a running
    /// load can cause.
    pub fn run(&mut self, application: &mut dyn Application) -> io::Result<Ended> {
        let Self { core, parts } = self;
        core.journal.set_at_once(false);
        core.looked_at = core.clock.tick();
        let turn = &mut Turn { now: core.looked_at, core, application };
        let ended = parts.run(turn);
        parts.end(turn);
        turn.core.journal.set_at_once(true);
        ended
    }
}

impl Parts {
    /// The loop itself.
    fn run(&mut self, turn: &mut Turn<'_>) -> io::Result<Ended> {
        match &self.start_gate {
            None => turn.input(Input::Started),
            Some(start_gate) => start_gate.report(),
        }
        let mut finished = self.clients.perform(turn);
        self.turn_over(turn);
        let mut events = Events::with_capacity(EVENTS_PER_POLL);
        loop {
            turn.core.journal.flush();
            if finished {
                let stops = &turn.core.stops;
                let (stopped_by, forced_by) = (stops.stopped_by(), stops.forced_by());
                return Ok(Ended { stopped_by, forced_by });
            }
            let due = self.wait(turn, &mut events)?;
            turn.look(due);
            let began = turn.now;
            turn.core.queue(began, &events)?;
            self.take_turns(turn);
            turn.look(Some(turn.core.looked_at));
            self.act_if_due(turn);
            finished = self.clients.perform(turn);
            self.turn_over(turn);
            turn.core.health.turns.record(turn.now.since(began));
        }
    }

    /// Sleeps until something is ready or due; not at all if something is
    /// already. Returns what is due next.
    fn wait(&mut self, turn: &mut Turn<'_>, events: &mut Events) -> io::Result<Option<Tick>> {
        let deadline = self.next_deadline(turn);
        let Core { registrar, clock, .. } = &mut *turn.core;
        let due = deadline.is_some_and(|tick| tick <= clock.tick());
        let limit = if due || !registrar.ready.is_empty() {
            Some(Duration::ZERO)
        } else {
            self.timer.arm(deadline)?;
            None
        };
        match registrar.poll.poll(events, limit) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(deadline),
        }
    }

    /// Gives ready entries a bounded turn, connections first; one that has more to
    /// do goes to the back of its line, and clients beyond a number wait for the
    /// next poll.
    fn take_turns(&mut self, turn: &mut Turn<'_>) {
        let mut share = turn.core.registrar.ready.share();
        prefetch(turn, &share);
        while let Some(token) = turn.core.registrar.ready.take(&mut share) {
            let taken = turn.core.registrar.table.take_turn(token);
            let Some((owner, hung_up)) = taken else { continue };
            turn.look_again();
            if self.ready(turn, owner, hung_up) {
                turn.core.registrar.queue(token, hung_up);
            }
        }
    }

    /// Ends a turn: reports what is new to the service manager, and accepts
    /// connections or refuses them.
    fn turn_over(&mut self, turn: &mut Turn<'_>) {
        turn.now = turn.core.clock.tick();
        self.notify.report(turn.now, turn.application);
        self.servers.turn_over(turn);
    }

    /// Ends what the loop began.
    fn end(&mut self, turn: &mut Turn<'_>) {
        self.notify.stopping();
        self.servers.end(turn);
        if let Some(display) = self.display.take() {
            display.end(turn.core);
        }
    }
}

/// Touches the state of the clients whose turn is next. With thousands of clients
/// none of it is in a cache, and the processor loads many lines in parallel if
/// nothing depends on them yet.
fn prefetch(turn: &Turn<'_>, share: &Share) {
    let Core { registrar: Registrar { ready, table, .. }, children, .. } = &*turn.core;
    let Some(children) = children else { return };
    for token in ready.clients_of(share) {
        if let Some(client) = table.client(token) {
            children.prefetch(client);
            turn.application.prefetch(client);
        }
    }
}
