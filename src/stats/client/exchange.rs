//! What the exchanges of an attempt show of its end, when the tap carries them: then
//! the log counts nothing.

use super::{ClientRequests, PATIENCE};
use crate::exchange::RequestKind;
use crate::exchange::record::{ExchangeResult, Record};
use crate::ffmpeg::evidence::{Trouble, Waiting};
use crate::ffmpeg::log::{Failure, Note};
use crate::units::Tick;

impl ClientRequests {
    /// Keeps what an exchange shows of the attempt; `is_ours` says that we end it.
    pub fn exchange(&mut self, now: Tick, record: &Record<'_>, is_ours: bool) {
        let waited = record.ended.since(record.began) >= PATIENCE;
        if is_ours {
            if record.result == ExchangeResult::Abandoned && waited {
                self.evidence.waiting = Some(Waiting::Response);
            }
            return;
        }
        if record.kind == RequestKind::Segment {
            self.evidence.vain_refreshes = 0;
        }
        match failure(record.result) {
            Some(failure) => {
                let playlist = record.kind == RequestKind::Playlist;
                let media = failure == Failure::Invalid && !playlist;
                let trouble =
                    Trouble { failure: Some(failure), status: record.status, playlist, media };
                self.evidence.trouble = trouble;
                self.evidence.lasting = trouble;
            }
            None if record.result == ExchangeResult::Ok => {
                if record.kind == RequestKind::Playlist && record.is_refresh {
                    self.evidence.vain_refreshes += 1;
                }
                self.succeeded(record.kind, now);
            }
            None => {}
        }
    }

    /// Keeps what a line of the log shows beside the exchanges: trouble of FFmpeg itself
    /// and with decoding.
    pub fn note_beside_exchanges(&mut self, note: Note<'_>) {
        match note {
            Note::OptionRefused => self.evidence.option_refused = true,
            Note::OutOfMemory | Note::InputFailed(Failure::Memory) => {
                self.evidence.out_of_memory = true;
            }
            Note::InputFailed(Failure::Invalid) if self.evidence.trouble.failure.is_none() => {
                let media = self.evidence.segments > 0;
                let failure = Some(Failure::Invalid);
                self.evidence.trouble = Trouble { failure, status: None, playlist: !media, media };
                self.evidence.lasting = self.evidence.trouble;
            }
            _ => self.milestone(note),
        }
    }
}

/// The failure that an outcome is derived from.
const fn failure(result: ExchangeResult) -> Option<Failure> {
    match result {
        ExchangeResult::Ok | ExchangeResult::Redirect | ExchangeResult::Abandoned => None,
        ExchangeResult::Status => Some(Failure::Status),
        ExchangeResult::Dns => Some(Failure::Dns),
        ExchangeResult::Refused | ExchangeResult::Unreachable => Some(Failure::Connect),
        ExchangeResult::ConnectTimeout | ExchangeResult::Timeout => Some(Failure::Timeout),
        ExchangeResult::Tls => Some(Failure::Tls),
        ExchangeResult::NoResponse | ExchangeResult::Reset => Some(Failure::Lost),
        ExchangeResult::Truncated => Some(Failure::Truncated),
        ExchangeResult::Malformed | ExchangeResult::NotMedia | ExchangeResult::Empty => {
            Some(Failure::Invalid)
        }
    }
}
