//! What is registered with the kernel, and whose turn it is.
//!
//! Knows of each entry only its owner, not what its readiness means.

use std::io;
use std::time::Duration;

use mio::{Poll, Token};

use super::process::pipes::Pipes;
use super::ready::Ready;
use super::table::Table;
use crate::units::Tick;

/// The poll, the table of what is registered with it, and what waits for a turn.
#[derive(Debug)]
pub struct Registrar {
    pub(super) poll: Poll,
    pub(super) table: Table,
    pub(super) pipes: Pipes,
    pub(super) ready: Ready,
}

impl Registrar {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            table: Table::default(),
            pipes: Pipes::new(Duration::ZERO)?,
            ready: Ready::default(),
        })
    }

    /// Puts an entry at the back of the line of those that wait for a turn, once.
    /// Readiness is told only when it comes (epoll(7)), so this is owed to one
    /// that was left before there was nothing more to do.
    pub(super) fn queue(&mut self, token: Token, hung_up: bool) {
        if let Some(owner) = self.table.mark_ready(token, hung_up) {
            self.ready.push(token, owner);
        }
    }

    /// Puts the pipes that have something into the line, if it is time to look
    /// at them; says how many.
    pub(super) fn look_at_pipes(&mut self, now: Tick) -> io::Result<u64> {
        let Self { poll, table, pipes, ready } = self;
        let mut found = 0;
        pipes.look(poll.registry(), now, |token, hung_up| {
            found += 1;
            if let Some(owner) = table.mark_ready(token, hung_up) {
                ready.push(token, owner);
            }
        })?;
        Ok(found)
    }
}
