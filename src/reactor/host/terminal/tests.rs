//! A terminal with the test at its other end: a pair of pseudo-terminals.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;

/// The controlling side and a terminal on the other.
fn pair() -> (OwnedFd, Terminal) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    rustix::fs::fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
    (master, Terminal::on(slave).unwrap())
}

fn shown(master: &OwnedFd) -> Vec<u8> {
    let (mut shown, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = rustix::io::read(master, &mut buffer) {
        shown.extend(&buffer[..count]);
    }
    shown
}

fn is_cooked(terminal: &Terminal) -> bool {
    let modes = tcgetattr(&terminal.fd).unwrap();
    modes.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
        && modes.input_modes.contains(InputModes::ICRNL | InputModes::IXON)
}

// One test, since the panic hook's state is global to the process.
#[test]
fn restores_the_terminal_at_the_end_after_a_stall_and_after_a_panic() {
    let (master, mut terminal) = pair();
    assert!(is_cooked(&terminal) && !terminal.is_entered());
    assert!(terminal.take_over() && terminal.is_entered() && !is_cooked(&terminal));
    assert_eq!(shown(&master), ENTER);
    terminal.write(b"frame");
    assert_eq!(shown(&master), b"frame");
    rustix::io::write(&master, b"q\x1b[A").unwrap();
    let mut buffer = [0; 64];
    assert_eq!(terminal.read(&mut buffer), b"q\x1b[A");
    assert!(terminal.read(&mut buffer).is_empty());
    terminal.leave();
    assert!(is_cooked(&terminal));
    assert_eq!(shown(&master), LEAVE);
    assert!(terminal.read(&mut buffer).is_empty(), "it is not ours to read");

    // Nobody reads: the rest of the frame waits, and the loop does not.
    assert!(terminal.take_over());
    let frame = vec![b'x'; 1 << 20];
    terminal.write(&frame);
    assert!(!terminal.is_clear());
    let mut seen = 0;
    while !terminal.is_clear() {
        seen += shown(&master).len();
        terminal.flush();
    }
    seen += shown(&master).len();
    assert_eq!(seen, frame.len() + ENTER.len());
    terminal.write(&frame);
    terminal.leave();
    assert!(is_cooked(&terminal), "the modes do not wait for a reader");
    shown(&master);

    assert!(terminal.take_over());
    shown(&master);
    let panicked = catch_unwind(AssertUnwindSafe(|| panic!("on purpose")));
    assert!(panicked.is_err() && is_cooked(&terminal));
    assert_eq!(shown(&master), LEAVE);
}
