//! The lines of a pipe, read by a thread so that a wait can time out.
//!
//! Does not know what the lines mean.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use super::LIMIT;

/// The lines of a pipe: those seen so far, and the reader of the others.
pub(crate) struct Lines {
    seen: Vec<String>,
    coming: Receiver<String>,
    hold: Option<Sender<()>>,
}

impl Lines {
    /// Starts reading; the pipe is drained even if no line is requested.
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        Self::until(pipe, |_| false)
    }

    /// Reads up to the line for which `stalls` is true, then stops and keeps the pipe
    /// open as long as this value lives.
    pub(crate) fn until(
        pipe: impl Read + Send + 'static,
        stalls: impl Fn(&str) -> bool + Send + 'static,
    ) -> Self {
        let (sender, coming) = channel();
        let (hold, held) = channel();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                let stalled = stalls(&text);
                if sender.send(text).is_err() {
                    break;
                }
                if stalled {
                    // Ends when the value with the other end is dropped.
                    let _ = held.recv();
                    break;
                }
                line.clear();
            }
        });
        Self { seen: Vec::new(), coming, hold: Some(hold) }
    }

    /// The first `count` results of `pick` on past and future lines; an error with all
    /// lines if the pipe ends or the limit passes before.
    pub(crate) fn pick<T>(
        &mut self,
        count: usize,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        let deadline = Instant::now() + LIMIT;
        let mut picked: Vec<T> = self.seen.iter().filter_map(|line| pick(line)).collect();
        while picked.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.coming.recv_timeout(left) {
                Ok(line) => {
                    picked.extend(pick(&line));
                    self.seen.push(line);
                }
                Err(e) => {
                    let why = match e {
                        RecvTimeoutError::Timeout => format!("not seen within {LIMIT:?}"),
                        RecvTimeoutError::Disconnected => "the pipe ended first".to_owned(),
                    };
                    return Err(format!("{why}; lines seen:\n{}", self.seen.join("\n")));
                }
            }
        }
        picked.truncate(count);
        Ok(picked)
    }

    /// The results of `pick` on the lines seen so far.
    pub(crate) fn seen<T>(&mut self, pick: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.seen.extend(self.coming.try_iter());
        self.seen.iter().filter_map(|line| pick(line)).collect()
    }

    /// All lines up to the end of the pipe, which must come within the limit, or up to
    /// where the reader stalled.
    pub(crate) fn rest(&mut self) -> &[String] {
        self.hold = None;
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return &self.seen,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("a pipe did not end; lines seen:\n{}", self.seen.join("\n"))
                }
            }
        }
    }
}
