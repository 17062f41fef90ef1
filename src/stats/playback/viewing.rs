//! The media time of one attempt: what its viewer would have experienced.

mod standstill;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Pace, Playback};
use crate::stats::refused::{Claim, MEDIA_STEP_MAX};
use crate::units::{Tick, nanos};

/// Shortest window of a speed.
///
/// A window begins and ends where the media time moves. FFmpeg reads a segment of a
/// live stream as soon as it appears, so a window with fixed ends would have one
/// segment too many or too few. A stall ends a window as well. During a stall each
/// window is as long as this and has a speed of 0; the next that can be faster begins
/// where the stall ends.
///
/// The first begins with the first movement at least [`PROGRESS_PERIOD`] after the
/// first media time: a live client reads three segments at once at its start, and
/// FFmpeg reports its media time during or after that, by version. On a network so slow
/// that they take longer, the rest of them makes the first speeds larger than 1.
pub const SPEED_WINDOW: Duration = Duration::from_secs(5);

/// Interval at which FFmpeg reports progress (`-stats_period 1`), and the longest delay
/// with which a movement of media time is seen.
pub const PROGRESS_PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// No process, or one that we are ending.
    #[default]
    Over,
    /// No media time yet.
    Starting,
    /// The same, of a client whose attempts before had some.
    Restarting,
    /// There was media time, perhaps within the first segments.
    Settling,
    /// Its clocks run.
    Playing,
}

/// The media time of one attempt, from its spawn to its end.
///
/// A stall begins when the media time has not moved for `stall_after`, counted from the
/// spawn while there was none yet. Its start is that moment however late it is noted,
/// so counts and times do not depend on how often [`Self::note`] is called; only the
/// gauge does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Viewing {
    stall_after_ns: u64,
    spawned_at: Tick,
    /// When the log reported that the streams were found in the first media; before
    /// that, the spawn.
    opened_at: Tick,
    /// The last movement of the media time; before the first, the spawn.
    moved_at: Tick,
    /// Since when both clocks run: the first media time, moved on once.
    started_at: Tick,
    window_began: Tick,
    /// The newest media time.
    media_us: u64,
    /// Media read since the spawn.
    read_us: u64,
    /// The same when the clocks began.
    clocks_us: u64,
    /// The same when the window began.
    window_us: u64,
    /// How far it was behind when its clocks were restarted; negative if it was ahead.
    behind_us: i64,
    stage: Stage,
    stalled: bool,
    /// A start-up that is reported after the end still counts.
    startup_counts: bool,
    pace: Option<Pace>,
    /// Of the last window; meaningless without a pace.
    speed: f32,
}

impl Viewing {
    /// The process was spawned at `now`; its media time may be still for
    /// `stall_after`.
    #[must_use]
    pub fn spawned(now: Tick, stall_after: Duration) -> Self {
        let (spawned_at, opened_at, moved_at, window_began) = (now, now, now, now);
        let (stage, startup_counts) = (Stage::Starting, true);
        Self {
            stall_after_ns: nanos(stall_after),
            spawned_at,
            opened_at,
            moved_at,
            window_began,
            stage,
            startup_counts,
            ..Self::default()
        }
    }

    /// Whether an attempt of the same client has had media before. Then its speed
    /// counts before this attempt has media, too: its viewer waits for the rest.
    #[must_use]
    pub const fn after_media(mut self, played_before: bool) -> Self {
        if played_before {
            self.stage = Stage::Restarting;
        }
        self
    }

    /// Media read: the newest media time, unless that jumped.
    #[must_use]
    pub const fn media(&self) -> Duration {
        Duration::from_micros(self.read_us)
    }

    /// Whether a stall was noted and has not ended.
    #[must_use]
    pub const fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// How it keeps up with real time; `None` before the first window and after
    /// the end.
    #[must_use]
    pub const fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// Media seconds a wall second in the last window; `None` before the first
    /// and after the end.
    #[must_use]
    pub fn speed(&self) -> Option<f64> {
        self.pace.map(|_| f64::from(self.speed))
    }

    /// Time since the media time last moved.
    #[must_use]
    pub const fn still_for(&self, now: Tick) -> Duration {
        now.since(self.moved_at)
    }

    /// When it will be stalled unless its media time moves; `None` if it is
    /// stalled already or over.
    #[must_use]
    pub fn stall_due(&self) -> Option<Tick> {
        (self.stage != Stage::Over && !self.stalled).then(|| self.stall_begins())
    }

    /// When the current window of a stall ends; `None` if there is no stall, or its
    /// client has never played.
    #[must_use]
    pub fn window_due(&self) -> Option<Tick> {
        (self.stalled && self.has_speed()).then(|| self.window_began.after(SPEED_WINDOW))
    }

    /// Closes the windows of the stall that have ended by `now`. Times do not depend on
    /// how often this is called.
    pub fn stand_still(&mut self, now: Tick, playback: &mut Playback) {
        while let Some(due) = self.window_due().filter(|&due| due <= now) {
            self.close_window(due, playback);
        }
    }

    /// The log reported that the input is open: media was read, up to a second or more
    /// before progress shows it. FFmpeg opens no input without media.
    pub const fn opened(&mut self, now: Tick) {
        self.opened_at = now;
    }

    /// Progress reported this media time.
    pub fn progress(&mut self, now: Tick, media: Duration, playback: &mut Playback) {
        let media_us = nanos(media) / 1_000;
        if media_us == 0 || media_us == self.media_us {
            return;
        }
        self.note(now, playback);
        self.stand_still(now, playback);
        self.advance(media_us, playback);
        self.count_startup(now, playback);
        match self.stage {
            Stage::Over => return,
            Stage::Starting | Stage::Restarting => {
                self.stage = Stage::Settling;
                self.begin_clocks(now);
            }
            Stage::Settling if now.since(self.started_at) >= PROGRESS_PERIOD => {
                self.stage = Stage::Playing;
                self.begin_clocks(now);
            }
            Stage::Settling | Stage::Playing => {}
        }
        self.end_stall(now, playback);
        self.moved_at = now;
        if now.since(self.window_began) >= SPEED_WINDOW {
            self.close_window(now, playback);
        }
    }

    /// Notes a stall if one has begun by `now`; true if so.
    pub fn note(&mut self, now: Tick, playback: &mut Playback) -> bool {
        if self.stall_due().is_none_or(|due| due > now) {
            return false;
        }
        let began = self.stall_begins();
        if self.stage == Stage::Settling {
            self.stage = Stage::Playing;
        }
        if self.has_speed() {
            self.close_window(began, playback);
        }
        self.stalled = true;
        playback.stalls += 1;
        playback.viewers.stall_began(began);
        true
    }

    /// We end the process: from now on its media time is no measure of the origin.
    pub fn ended_by_us(&mut self, now: Tick, playback: &mut Playback) {
        self.end(now, playback);
        self.startup_counts = false;
    }

    /// The process has ended. Output that it wrote before and that is read later still
    /// counts for [`Self::media`] and the start-up.
    pub fn end(&mut self, now: Tick, playback: &mut Playback) {
        self.note(now, playback);
        self.stand_still(now, playback);
        self.end_stall(now, playback);
        self.set_pace(None, playback);
        self.stage = Stage::Over;
    }

    const fn has_speed(&self) -> bool {
        matches!(self.stage, Stage::Restarting | Stage::Settling | Stage::Playing)
    }

    fn stall_begins(&self) -> Tick {
        self.moved_at.after(Duration::from_nanos(self.stall_after_ns))
    }

    /// Sets the media time. A clock that jumped back (a discontinuity), or further ahead
    /// than FFmpeg can read, counts as moved with nothing read.
    fn advance(&mut self, media_us: u64, playback: &mut Playback) {
        let step_us = media_us.saturating_sub(self.media_us);
        self.media_us = media_us;
        if step_us <= nanos(MEDIA_STEP_MAX) / 1_000 {
            self.read_us = self.read_us.saturating_add(step_us);
        } else {
            playback.refused.count(Claim::MediaTime);
        }
    }

    fn count_startup(&mut self, now: Tick, playback: &mut Playback) {
        if std::mem::take(&mut self.startup_counts) {
            let logged = self.opened_at > self.spawned_at;
            let began = if logged { self.opened_at } else { now };
            playback.startup.record(began.since(self.spawned_at));
        }
    }

    fn end_stall(&mut self, now: Tick, playback: &mut Playback) {
        if std::mem::take(&mut self.stalled) {
            let began = self.stall_begins();
            playback.viewers.stall_ended(began);
            playback.stalled = playback.stalled.saturating_add(now.since(began));
            self.begin_window(now);
        }
    }

    const fn begin_clocks(&mut self, now: Tick) {
        (self.started_at, self.clocks_us) = (now, self.read_us);
        self.begin_window(now);
    }

    const fn begin_window(&mut self, now: Tick) {
        (self.window_began, self.window_us) = (now, self.read_us);
    }

    fn close_window(&mut self, now: Tick, playback: &mut Playback) {
        let wall = now.since(self.window_began);
        let played = Duration::from_micros(self.read_us.saturating_sub(self.window_us));
        if wall.is_zero() {
            return;
        }
        let speed = played.as_secs_f64() / wall.as_secs_f64();
        self.speed = speed as f32;
        playback.speed.record(Duration::try_from_secs_f64(speed).unwrap_or(Duration::MAX));
        // The clocks of drift begin with the media of this attempt.
        if self.stage != Stage::Restarting {
            let drift_us = u64::try_from(self.behind_us_at(now)).unwrap_or(0);
            playback.drift.record(Duration::from_micros(drift_us));
        }
        let below = played.saturating_add(PROGRESS_PERIOD) < wall;
        self.set_pace(Some(if below { Pace::Below } else { Pace::Keeps }), playback);
        self.begin_window(now);
    }

    /// The wall clock less the media clock; negative for a client that is ahead.
    fn behind_us_at(&self, now: Tick) -> i64 {
        let wall_us = i64::try_from(now.since(self.started_at).as_micros()).unwrap_or(i64::MAX);
        let played_us = self.read_us.saturating_sub(self.clocks_us);
        let played_us = i64::try_from(played_us).unwrap_or(i64::MAX);
        self.behind_us.saturating_add(wall_us.saturating_sub(played_us))
    }

    fn set_pace(&mut self, pace: Option<Pace>, playback: &mut Playback) {
        playback.viewers.change_pace(self.pace, pace);
        self.pace = pace;
    }
}
