//! Viewings fed second by second, and stalls compared with a search.

use proptest::prelude::*;

use super::*;
use crate::stats::playback::Viewers;

const STALL_AFTER: Duration = Duration::from_secs(12);

const fn at(ms: u64) -> Tick {
    Tick::from_millis(ms)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A viewing spawned at 1 s, with media times reported at times, both in milliseconds.
fn viewing(reported: &[(u64, u64)]) -> (Viewing, Playback) {
    let (mut viewing, mut playback) =
        (Viewing::spawned(at(1_000), STALL_AFTER), Playback::default());
    for &(now_ms, media_ms) in reported {
        viewing.progress(at(now_ms), ms(media_ms), &mut playback);
    }
    (viewing, playback)
}

/// The sum of the speeds that were recorded.
fn speed(playback: &Playback) -> f64 {
    playback.speed.sum_secs()
}

#[test]
fn startup_is_from_spawn_to_the_first_media_time() {
    let (viewing, playback) = viewing(&[(1_500, 0), (2_500, 3_000), (3_500, 4_000)]);
    assert_eq!(playback.startup.count(), 1);
    assert!((playback.startup.sum_secs() - 1.5).abs() < 1e-9);
    assert_eq!(viewing.media(), ms(4_000));
}

#[test]
fn startup_ends_at_the_opening_of_the_input_if_the_log_reports_it() {
    let mut viewing = Viewing::spawned(at(1_000), STALL_AFTER);
    let mut playback = Playback::default();
    viewing.opened(at(1_200));
    assert_eq!(playback.startup.count(), 0, "no media time yet");
    viewing.progress(at(2_500), ms(3_000), &mut playback);
    viewing.opened(at(2_600));
    viewing.progress(at(3_500), ms(4_000), &mut playback);
    assert_eq!(playback.startup.count(), 1);
    assert!((playback.startup.sum_secs() - 0.2).abs() < 1e-9);
}

#[test]
fn the_first_segments_do_not_count_as_speed() {
    // FFmpeg 5.1 reports within them, 9.0 after them.
    for first in [(1_060, 21), (2_000, 18_000)] {
        let (viewing, playback) = viewing(&[first, (3_000, 18_100), (8_000, 23_100)]);
        assert!((speed(&playback) - 1.0).abs() < 1e-9);
        assert_eq!((playback.drift.count(), playback.drift.sum_secs()), (1, 0.0));
        assert_eq!(viewing.pace(), Some(Pace::Keeps));
        assert_eq!(playback.viewers.above_realtime(), 1);
    }
}

#[test]
fn a_window_ends_with_a_movement() {
    // Segments of 6 s that are read at once: any window of 5 s has one or none.
    let reported: Vec<_> =
        (0..60).map(|second| (2_000 + second * 1_000, 18_000 + second / 6 * 6_000)).collect();
    let (_, playback) = viewing(&reported);
    assert_eq!(playback.speed.count(), 8);
    assert!((speed(&playback) - 8.0).abs() < 1e-9);
    assert!(playback.drift.sum_secs() < 1e-9);
}

#[test]
fn a_shortfall_below_the_accuracy_of_progress_keeps_up() {
    for (played_ms, pace) in [(4_000, Pace::Keeps), (3_999, Pace::Below)] {
        let (viewing, mut playback) = viewing(&[(1_000, 1), (2_000, 2), (7_000, 2 + played_ms)]);
        assert_eq!(viewing.pace(), Some(pace));
        assert_eq!(
            (playback.viewers.below_realtime(), playback.viewers.above_realtime()),
            (u32::from(pace == Pace::Below), u32::from(pace == Pace::Keeps))
        );
        let mut viewing = viewing;
        viewing.end(at(8_000), &mut playback);
        assert_eq!((viewing.pace(), playback.viewers), (None, Viewers::default()));
    }
}

#[test]
fn drift_grows_while_the_media_falls_behind() {
    let (_, playback) = viewing(&[(1_000, 1), (2_000, 6_000), (8_000, 9_000), (14_000, 12_000)]);
    assert_eq!((playback.speed.count(), playback.drift.count()), (2, 2));
    assert!((playback.drift.sum_secs() - (3.0 + 6.0)).abs() < 1e-9);
}

#[test]
fn a_stall_is_counted_once_and_dated_to_its_beginning() {
    let (mut viewing, mut playback) = viewing(&[(2_000, 6_000), (3_000, 6_000)]);
    assert_eq!(viewing.stall_due(), Some(at(14_000)));
    assert!(!viewing.note(at(13_999), &mut playback));
    assert!(viewing.note(at(15_000), &mut playback));
    assert!(!viewing.note(at(16_000), &mut playback));
    assert_eq!((viewing.stall_due(), viewing.is_stalled()), (None, true));
    assert_eq!((playback.stalls, playback.viewers.stalled()), (1, 1));
    assert_eq!(playback.stall_time(at(20_000)), ms(6_000));
    assert_eq!((viewing.pace(), speed(&playback)), (Some(Pace::Below), 0.0));
    viewing.progress(at(24_000), ms(12_000), &mut playback);
    assert_eq!((playback.stalled, playback.viewers.stalled()), (ms(10_000), 0));
    assert_eq!(playback.stall_time(at(90_000)), ms(10_000));
    assert_eq!(viewing.stall_due(), Some(at(36_000)));
}

#[test]
fn a_stalled_client_has_speeds_of_0() {
    let (mut viewing, mut playback) = viewing(&[(2_000, 6_000), (3_000, 6_100), (8_000, 11_100)]);
    assert_eq!((playback.speed.count(), viewing.window_due()), (1, None));
    // The stall begins at 20 s and ends the window that began at 8 s.
    viewing.note(at(21_000), &mut playback);
    assert_eq!((playback.speed.count(), viewing.window_due()), (2, Some(at(25_000))));
    viewing.stand_still(at(24_999), &mut playback);
    assert_eq!(playback.speed.count(), 2);
    viewing.stand_still(at(31_000), &mut playback);
    assert_eq!((playback.speed.count(), playback.drift.count()), (4, 4));
    assert_eq!(viewing.window_due(), Some(at(35_000)));
    // A standstill of the loop is no window.
    viewing.stood_still(at(60_000), ms(29_000), &mut playback);
    assert_eq!(viewing.window_due(), Some(at(64_000)));
    // A movement closes the windows that have ended without a check.
    viewing.progress(at(71_000), ms(11_200), &mut playback);
    assert_eq!((playback.speed.count(), viewing.window_due()), (6, None));
    assert_eq!(playback.speed.quantile(0.5), Some(Duration::ZERO));
    assert!((speed(&playback) - 1.0).abs() < 1e-9);
    viewing.end(at(100_000), &mut playback);
    // The next stall began at 83 s.
    assert_eq!(playback.speed.count(), 6 + 1 + 3);
}

#[test]
fn an_attempt_without_media_has_speeds_if_its_client_has_played() {
    for (played, speeds) in [(false, 0), (true, 3)] {
        let mut viewing = Viewing::spawned(at(1_000), STALL_AFTER).after_media(played);
        let mut playback = Playback::default();
        viewing.note(at(13_000), &mut playback);
        assert_eq!(playback.viewers.below_realtime(), u32::from(played));
        viewing.end(at(23_900), &mut playback);
        assert_eq!((playback.speed.count(), playback.drift.count()), (speeds, 0));
        assert_eq!((playback.stalls, playback.viewers), (1, Viewers::default()));
    }
}

#[test]
fn a_stall_that_was_not_noted_counts() {
    for (reported, stalled_ms) in [(&[(2_000, 6_000), (15_500, 9_000)][..], 1_500), (&[], 2_500)] {
        let (mut viewing, mut playback) = viewing(reported);
        viewing.end(at(15_500), &mut playback);
        assert_eq!((playback.stalls, playback.stalled), (1, ms(stalled_ms)));
        assert_eq!(playback.viewers, Viewers::default());
    }
}

#[test]
fn a_client_without_media_stalls_at_the_threshold() {
    let (mut viewing, mut playback) = viewing(&[(12_000, 0)]);
    assert_eq!(viewing.stall_due(), Some(at(13_000)));
    assert!(viewing.note(at(13_000), &mut playback));
    assert_eq!((playback.speed.count(), viewing.pace()), (0, None));
    viewing.progress(at(14_000), ms(100), &mut playback);
    assert_eq!((playback.startup.count(), playback.viewers.stalled()), (1, 0));
}

#[test]
fn after_the_end_only_a_startup_is_recorded() {
    let (mut viewing, mut playback) = viewing(&[]);
    viewing.end(at(1_200), &mut playback);
    viewing.progress(at(1_201), ms(30_000), &mut playback);
    viewing.progress(at(1_202), ms(31_000), &mut playback);
    assert_eq!((playback.startup.count(), playback.speed.count()), (1, 0));
    assert_eq!((viewing.media(), viewing.stall_due()), (ms(31_000), None));

    let (mut ended, mut playback) = self::viewing(&[]);
    ended.ended_by_us(at(1_200), &mut playback);
    ended.progress(at(1_300), ms(3_000), &mut playback);
    assert_eq!((playback.startup.count(), ended.media()), (0, ms(3_000)));
}

#[test]
fn a_clock_that_jumps_back_counts_as_moved_without_media() {
    let (viewing, playback) = viewing(&[(1_000, 1), (2_000, 90_000), (3_000, 10), (7_000, 4_010)]);
    assert_eq!(viewing.stall_due(), Some(at(19_000)));
    assert!((speed(&playback) - 0.8).abs() < 1e-9);
}

#[test]
fn a_clock_that_jumps_far_ahead_counts_as_moved_without_media() {
    let absurd_ms = u64::MAX / 1_000_000;
    let reported = [(1_000, 1), (2_000, 1_000), (3_000, absurd_ms), (4_000, 2_000), (7_000, 5_000)];
    let (viewing, playback) = viewing(&reported);
    assert_eq!((viewing.media(), playback.refused.all()), (ms(4_000), 1));
    assert_eq!(viewing.stall_due(), Some(at(19_000)));
    assert!((speed(&playback) - 0.6).abs() < 1e-9);
    let most_ms = 2 * 3600 * 1_000;
    for (media_ms, refused, read_ms) in [(most_ms, 0, most_ms), (most_ms + 1, 1, 0)] {
        let (viewing, playback) = self::viewing(&[(1_000, media_ms)]);
        assert_eq!((viewing.media(), playback.refused.all()), (ms(read_ms), refused));
    }
}

#[test]
fn a_viewing_is_small() {
    assert!(size_of::<Viewing>() <= 100, "{} bytes", size_of::<Viewing>());
}

proptest! {
    /// Steps of time and of media, and whether the stall is checked.
    #[test]
    fn stalls_equal_those_of_a_search(
        steps in prop::collection::vec((1..30_000_u64, 0..2_u64, any::<bool>()), 1..40),
    ) {
        let (mut viewing, mut playback) = viewing(&[]);
        let (mut now, mut media, mut moved) = (1_000, 0, 1_000);
        let (mut stalls, mut stalled, mut last) = (0, 0, Duration::ZERO);
        for (wait, step, check) in steps {
            now += wait;
            media += step * 500;
            if check {
                viewing.note(at(now), &mut playback);
                prop_assert_eq!(viewing.is_stalled(), now - moved >= 12_000);
            }
            let time = playback.stall_time(at(now));
            prop_assert!(time >= last);
            last = time;
            viewing.progress(at(now), ms(media), &mut playback);
            if step > 0 {
                stalls += u64::from(now - moved >= 12_000);
                stalled += (now - moved).saturating_sub(12_000);
                moved = now;
            }
            prop_assert_eq!(playback.viewers.stalled(), u32::from(viewing.is_stalled()));
        }
        viewing.end(at(now), &mut playback);
        stalls += u64::from(now - moved >= 12_000);
        stalled += (now - moved).saturating_sub(12_000);
        prop_assert_eq!((playback.stalls, playback.stalled), (stalls, ms(stalled)));
        prop_assert_eq!(playback.viewers, Viewers::default());
    }
}
