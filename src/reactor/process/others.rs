//! The processes that are no client's, as a part of the loop: one that is watched
//! beside the clients, and orphans that became ours.
//!
//! Knows nothing of what they do.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use mio::{Interest, Token};

use crate::reactor::part::Part;
use crate::reactor::process::child::{Process, ReapMode};
use crate::reactor::process::orphans;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::reactor::turn::{Core, Turn};
use crate::units::Tick;

/// Least time between two sweeps for orphans, however many children end.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The processes that are no client's.
#[derive(Debug, Default)]
pub(in crate::reactor) struct Others {
    /// The demo origin, watched so that its exit is logged.
    watched: Option<(Rc<Process>, Token)>,
    /// No sweep before this.
    next_sweep: Tick,
}

impl Others {
    /// Watches a process; where that fails, its exit is not logged.
    pub(in crate::reactor) fn watch(
        &mut self,
        registrar: &mut Registrar,
        process: Rc<Process>,
    ) -> io::Result<()> {
        let Registrar { poll, table, .. } = registrar;
        let pidfd = process.pidfd();
        let token = table.insert(poll.registry(), pidfd, Owner::Watched, Interest::READABLE)?;
        self.watched = Some((process, token));
        Ok(())
    }

    /// Whether a process id is that of the watched one.
    fn watches(&self, pid: u32) -> bool {
        self.watched.as_ref().is_some_and(|(process, _)| process.pid() == pid)
    }
}

impl Part for Others {
    /// The watched process has ended: it is reaped.
    fn ready(&mut self, turn: &mut Turn<'_>, _: Owner, _: bool) -> bool {
        let ended = self.watched.take_if(|(process, _)| process.has_ended());
        let Some((process, token)) = ended else { return false };
        let Registrar { poll, table, .. } = &mut turn.core.registrar;
        table.remove(poll.registry(), token);
        if let Ok(Some(exit)) = process.reap(ReapMode::Poll) {
            let exit_code = exit.status.shell_code();
            tracing::warn!(pid = process.pid(), exit_code, "origin_ended");
        }
        false
    }

    fn deadline(&self, turn: &Turn<'_>) -> Option<Tick> {
        turn.core.child_ended.then_some(self.next_sweep)
    }

    /// Reaps orphans; sweeps again later if there were more than one sweep takes.
    fn due(&mut self, turn: &mut Turn<'_>) {
        self.next_sweep = turn.now.after(SWEEP_EVERY);
        let Core { children, child_ended, .. } = &mut *turn.core;
        *child_ended = orphans::reap(|pid| {
            self.watches(pid) || children.as_ref().is_some_and(|children| children.owns(pid))
        });
    }
}
