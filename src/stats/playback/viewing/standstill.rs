//! A span in which the loop did not run: the clocks of the viewing restart after it,
//! and nothing of it counts for start-up, speed, drift or stalls.
//!
//! Whether the client played meanwhile is not known: it did if this program alone was
//! stopped, it did not if the whole host was frozen. So drift continues from its value
//! before, and speed from the first movement that is seen again.

use std::time::Duration;

use super::{Playback, Stage, Viewing};
use crate::units::{Tick, nanos};

impl Viewing {
    /// The loop stood still for `span`, up to `now`.
    pub fn stood_still(&mut self, now: Tick, span: Duration, playback: &mut Playback) {
        self.startup_counts = false;
        // A stall that began before it is one.
        self.note(Tick::ZERO.after(now.elapsed().saturating_sub(span)), playback);
        if self.stage == Stage::Over {
            return;
        }
        if self.stalled {
            // The stall continues without the standstill.
            playback.viewers.stall_put_off(span);
            self.moved_at = self.moved_at.after(span);
            self.started_at = self.started_at.after(span);
            self.window_began = self.window_began.after(span);
            return;
        }
        self.restart_clocks(self.moved_at, now);
        self.moved_at = now;
    }

    /// Progress reported this media time while the loop stood still, or soon after: the
    /// time is not known.
    pub fn progress_undated(&mut self, now: Tick, media: Duration, playback: &mut Playback) {
        let media_us = nanos(media) / 1_000;
        if media_us == 0 || media_us == self.media_us {
            return;
        }
        self.note(now, playback);
        self.stand_still(now, playback);
        self.restart_clocks(now, now);
        self.advance(media_us, playback);
        self.begin_clocks(now);
        self.startup_counts = false;
        if self.stage == Stage::Over {
            return;
        }
        if matches!(self.stage, Stage::Starting | Stage::Restarting) {
            self.stage = Stage::Settling;
        }
        self.end_stall(now, playback);
        self.moved_at = now;
    }

    /// Both clocks restart at the next movement; the drift is that of `known`.
    fn restart_clocks(&mut self, known: Tick, now: Tick) {
        if self.stage == Stage::Playing {
            self.behind_us = self.behind_us_at(known);
            self.stage = Stage::Settling;
        }
        self.begin_clocks(now);
    }
}
