//! The terminal of the dashboard: raw mode, the alternate screen, non-blocking input and
//! output, and its restoration whatever happens.
//!
//! Knows nothing of what is shown. It reopens the terminal of standard output, so that
//! O_NONBLOCK affects no other process, and reads keys from it too. Signals stay enabled:
//! Ctrl-C and Ctrl-Z send signals, as on any terminal. A process in the background does
//! not touch the terminal until it is in the foreground.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, Once, PoisonError};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{getpgrp, getpid, kill_process};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr,
    tcgetpgrp, tcgetwinsize, tcsetattr,
};

use crate::reactor::process::child;

/// The alternate screen, empty, without a cursor; the lines do not wrap, so that
/// the last column can be written to.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";

/// Cancels a partly written sequence (ECMA-48, CAN), ends a frame, and undoes [`ENTER`].
const LEAVE: &[u8] = b"\x18\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// How long the restoration waits for a halted terminal (Ctrl-S).
const LEAVE_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// Bytes of keys that are read at once: more than a user types in a turn.
const KEY_BYTES: usize = 1024;

/// What the panic hook restores: the terminal and its modes.
static LEFT_BEHIND: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// The hook is installed once per process.
static HOOK: Once = Once::new();

/// A terminal that is restored when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    fd: OwnedFd,
    signals: SignalFd,
    taken: SigSet,
    /// The modes before; `None` while the terminal is not ours.
    modes: Option<Termios>,
    waiting: VecDeque<u8>,
}

/// Whether standard output is a terminal.
#[must_use]
pub fn is_there() -> bool {
    isatty(rustix::stdio::stdout())
}

/// Whether standard error is the terminal of standard output, so that lines written there
/// would spoil the picture.
#[must_use]
pub fn shares_stderr() -> bool {
    let device = |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).ok().map(|stat| stat.st_rdev);
    let (out, err) = (rustix::stdio::stdout(), rustix::stdio::stderr());
    // /dev/tty is the terminal of the session, with a device number of its own.
    let alias = rustix::fs::stat("/dev/tty").ok().map(|stat| stat.st_rdev);
    isatty(err) && (device(err) == device(out) || device(err) == alias)
}

impl Terminal {
    /// Opens the terminal of standard output and blocks its signals: for its size, for
    /// suspending and continuing, and for Ctrl-\.
    ///
    /// # Errors
    /// Those of open(2): standard output is no terminal that can be opened.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let fd = rustix::fs::open("/proc/self/fd/1", flags, Mode::empty())?;
        Self::on(fd)
    }

    fn on(fd: OwnedFd) -> io::Result<Self> {
        tcgetattr(&fd)?;
        let mut taken: SigSet =
            [Signal::SIGWINCH, Signal::SIGCONT, Signal::SIGQUIT].into_iter().collect();
        // Not suspended where no shell could continue it.
        if !child::ignored_signals().contains(&libc::SIGTSTP) {
            taken.add(Signal::SIGTSTP);
        }
        taken.thread_block()?;
        let signals = SignalFd::with_flags(&taken, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd, signals, taken, modes: None, waiting: VecDeque::new() })
    }

    /// The descriptor that reports signals.
    #[must_use]
    pub fn signals(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// Whether the terminal is ours now.
    #[must_use]
    pub const fn is_entered(&self) -> bool {
        self.modes.is_some()
    }

    /// Whether a frame can be drawn: the last one is written completely.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the terminal, if we are in its foreground. True if it was not taken before:
    /// then the content of the screen is unknown.
    pub fn enter(&mut self) -> bool {
        let in_foreground = || tcgetpgrp(&self.fd).is_ok_and(|group| group == getpgrp());
        !self.is_entered() && in_foreground() && self.take_over()
    }

    fn take_over(&mut self) -> bool {
        let Ok(modes) = tcgetattr(&self.fd) else { return false };
        remember(&self.fd, &modes);
        if tcsetattr(&self.fd, OptionalActions::Now, &raw(modes.clone())).is_err() {
            return false;
        }
        self.modes = Some(modes);
        self.waiting.clear();
        self.waiting.extend(ENTER);
        self.flush();
        true
    }

    /// Restores the terminal. A partly written frame is cancelled.
    pub fn leave(&mut self) {
        self.waiting.clear();
        if let Some(modes) = self.modes.take() {
            put_back(&self.fd, &modes);
            forget();
        }
    }

    /// Takes the pending signals. True if one of them requires a frame. Suspends this
    /// process if requested, and returns when it continues.
    pub fn take_signals(&mut self) -> bool {
        let mut frame_wanted = false;
        while let Ok(Some(info)) = self.signals.read_signal() {
            frame_wanted = true;
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            match Signal::try_from(number) {
                Ok(Signal::SIGTSTP) => {
                    self.leave();
                    let _ = kill_process(getpid(), rustix::process::Signal::STOP);
                }
                Ok(Signal::SIGQUIT) => {
                    self.leave();
                    let _ = self.taken.thread_unblock();
                    let _ = kill_process(getpid(), rustix::process::Signal::QUIT);
                }
                // The size is read for each frame, which also enters the screen.
                _ => {}
            }
        }
        frame_wanted
    }

    /// Columns and lines; 80 x 24 if unknown.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&self.fd) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }

    /// Reads what was typed, once. Empty if nothing more was typed.
    pub fn read<'a>(&self, buffer: &'a mut [u8]) -> &'a [u8] {
        if !self.is_entered() {
            return &[];
        }
        let most = buffer.len().min(KEY_BYTES);
        let Some(room) = buffer.get_mut(..most) else { return &[] };
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut *room)) {
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(_) => &[],
        }
    }

    /// Takes a frame and writes as much of it as the terminal takes.
    pub fn write(&mut self, frame: &[u8]) {
        self.waiting.extend(frame);
        self.flush();
    }

    /// Writes waiting bytes as far as the terminal takes them at once.
    pub fn flush(&mut self) {
        while !self.waiting.is_empty() {
            let (front, _) = self.waiting.as_slices();
            match rustix::io::write(&self.fd, front) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // It is gone; SIGHUP reports that.
                Err(_) => self.waiting.clear(),
            }
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
        // Its pending signals have no meaning any more.
        while let Ok(Some(_)) = self.signals.read_signal() {}
        let _ = self.taken.thread_unblock();
    }
}

/// Keys arrive one by one without echo, output is unchanged, and signals stay enabled
/// (termios(3)).
fn raw(mut modes: Termios) -> Termios {
    modes.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
    modes.input_modes &= !(InputModes::ICRNL | InputModes::INLCR | InputModes::IXON);
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    modes
}

/// Leaves the alternate screen and restores the modes. Waits briefly for a halted
/// terminal; the modes are restored without waiting.
fn put_back(fd: &OwnedFd, modes: &Termios) {
    let mut left = LEAVE;
    while !left.is_empty() {
        match rustix::io::write(fd, left) {
            Ok(count) => left = left.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                match poll(&mut [PollFd::new(fd, PollFlags::OUT)], Some(&LEAVE_WAIT)) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            Err(_) => break,
        }
    }
    let _ = tcsetattr(fd, OptionalActions::Now, modes);
}

/// Records what a panic must restore. The program aborts on a panic, so no destructor
/// runs.
fn remember(fd: &OwnedFd, modes: &Termios) {
    let Ok(fd) = fd.try_clone() else { return };
    *LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner) = Some((fd, modes.clone()));
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // The panicking code may hold the lock.
            if let Ok(mut left) = LEFT_BEHIND.try_lock()
                && let Some((fd, modes)) = left.take()
            {
                put_back(&fd, &modes);
            }
            before(panic);
        }));
    });
}

fn forget() {
    *LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

#[cfg(test)]
mod tests;
