//! The result of a read or a write that does not wait.

use std::io::{self, ErrorKind};

/// The result of a read or a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// This many bytes, at least one.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The other end has closed in order.
    End,
    /// The connection failed.
    Failed,
}

impl Moved {
    /// From the result of a system call; `ready` is cleared on `EAGAIN`.
    pub(super) fn of(result: io::Result<usize>, ready: &mut bool) -> Self {
        match result {
            Ok(0) => Self::End,
            Ok(count) => Self::Bytes(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                *ready = false;
                Self::Nothing
            }
            // The caller repeats the call as long as the socket is ready.
            Err(error) if error.kind() == ErrorKind::Interrupted => Self::Nothing,
            Err(_) => Self::Failed,
        }
    }
}
