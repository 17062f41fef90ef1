//! Which clients ever received media, and why the others did not.
//!
//! Updated step by step, so that a snapshot takes O(1).

use crate::ffmpeg::outcome::Outcome;

/// Most bytes that are kept of FFmpeg's message.
pub const EXAMPLE_BYTES: usize = 256;

const OUTCOMES: usize = Outcome::ALL.len();

/// What one of the attempts with an outcome showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Example {
    /// The last error status that it received.
    pub status: Option<u16>,
    /// FFmpeg's own message, not masked.
    pub words: Option<Box<str>>,
}

/// Clients that received media, and clients that did not, by the outcome of their
/// last attempt.
#[derive(Debug, Clone, Default)]
pub struct Reception {
    played: u32,
    kept: [u32; OUTCOMES],
    examples: [Example; OUTCOMES],
}

impl Reception {
    /// Clients that received media at least once.
    #[must_use]
    pub const fn played(&self) -> u32 {
        self.played
    }

    /// The reasons of the others, the most frequent first: the outcome of their last
    /// attempt, how many clients have it, and what one of them showed.
    #[must_use]
    pub fn kept(&self) -> Vec<(Outcome, u32, &Example)> {
        let all = Outcome::ALL.into_iter().zip(self.kept).zip(&self.examples);
        let came = all.filter(|&((_, clients), _)| clients > 0);
        let mut came: Vec<_> = came.map(|((outcome, n), example)| (outcome, n, example)).collect();
        came.sort_by_key(|&(_, clients, _)| std::cmp::Reverse(clients));
        came
    }

    /// A client received its first media. `last` is the outcome of its attempt
    /// before, if there was one.
    pub fn plays(&mut self, last: Option<Outcome>) {
        self.played += 1;
        self.leave(last);
    }

    /// An attempt of a client that never received media is over; `last` is the
    /// outcome of the one before. `words` is called only if none are known yet.
    pub fn never_played(
        &mut self,
        last: Option<Outcome>,
        outcome: Outcome,
        status: Option<u16>,
        words: impl FnOnce() -> Option<String>,
    ) {
        self.leave(last);
        if let Some(clients) = self.kept.get_mut(outcome.index()) {
            *clients += 1;
        }
        if let Some(example) = self.examples.get_mut(outcome.index()) {
            example.status = status.or(example.status);
            if example.words.is_none() {
                example.words = words().map(shortened);
            }
        }
    }

    fn leave(&mut self, last: Option<Outcome>) {
        if let Some(clients) = last.and_then(|last| self.kept.get_mut(last.index())) {
            *clients = clients.saturating_sub(1);
        }
    }
}

fn shortened(mut words: String) -> Box<str> {
    let end = (0..=EXAMPLE_BYTES).rev().find(|&at| words.is_char_boundary(at));
    words.truncate(end.filter(|&end| end < words.len()).unwrap_or(words.len()));
    words.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: fn() -> Option<String> = || None;

    #[test]
    fn a_client_is_counted_once_by_its_last_attempt_until_it_plays() {
        use Outcome::{Dns, HttpError, Timeout};
        let mut reception = Reception::default();
        reception.never_played(None, Timeout, None, NONE);
        reception.never_played(Some(Timeout), HttpError, Some(403), NONE);
        reception.never_played(None, HttpError, None, || Some("HTTP error 403".to_owned()));
        reception.never_played(None, Dns, None, NONE);
        let kept = |of: &Reception| -> Vec<_> {
            of.kept().into_iter().map(|(outcome, clients, _)| (outcome, clients)).collect()
        };
        assert_eq!(kept(&reception), [(HttpError, 2), (Dns, 1)]);
        let (_, _, example) = reception.kept()[0];
        assert_eq!((example.status, example.words.as_deref()), (Some(403), Some("HTTP error 403")));
        reception.plays(Some(HttpError));
        reception.plays(None);
        assert_eq!(kept(&reception), [(HttpError, 1), (Dns, 1)]);
        assert_eq!(reception.played(), 2);
    }

    #[test]
    fn long_words_are_shortened() {
        let mut reception = Reception::default();
        reception.never_played(None, Outcome::Error, None, || Some("ä".repeat(EXAMPLE_BYTES)));
        let (_, _, example) = reception.kept()[0];
        assert_eq!(example.words.as_deref(), Some(&*"ä".repeat(EXAMPLE_BYTES / 2)));
    }
}
