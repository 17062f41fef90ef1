//! Bounds of the numbers in FFmpeg's output, and how often one was beyond its bound.
//!
//! FFmpeg prints what it computes from playlists and time stamps, which may be any
//! numbers, and one absurd number would spoil a total for the rest of the run. So each
//! number that is read has a bound here. A number beyond it is counted and has no other
//! effect.

use std::time::Duration;

/// Most bytes a second of one attempt: 100 Gbit/s, far above any single stream of HLS.
const BYTES_PER_SEC_MAX: u64 = 12_500_000_000;

/// Most media time from one line to the next. Lines come once a second while media is
/// read, and FFmpeg copies up to about an hour of media in a second.
pub const MEDIA_STEP_MAX: Duration = Duration::from_secs(2 * 3600);

/// Most segments skipped in one line: more than a day of segments of 1 s. An origin
/// whose media sequence jumps makes FFmpeg skip billions that never existed.
pub const SEGMENTS_SKIPPED_MAX: u64 = 100_000;

/// Earliest date: 1 January 2009, in nanoseconds since the Unix epoch. HLS was
/// published that year, so an earlier date comes from a clock that was never set.
const DATE_MIN_NS: i64 = 1_230_768_000 * 1_000_000_000;

/// Most time that a date may be ahead of the wall clock: clocks in two time zones
/// differ by less.
const DATE_AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);

/// Age from which on a date belongs to a recording, which has no live edge.
const EDGE_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A number that FFmpeg's output claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Bytes received by a connection.
    Bytes,
    /// Segments skipped at once.
    SegmentsSkipped,
    /// The status of a response.
    HttpStatus,
    /// The date of a segment.
    ProgramDate,
    /// The media time.
    MediaTime,
}

impl Claim {
    /// Every claim.
    pub const ALL: [Self; 5] =
        [Self::Bytes, Self::SegmentsSkipped, Self::HttpStatus, Self::ProgramDate, Self::MediaTime];

    /// Its name as a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::SegmentsSkipped => "segments_skipped",
            Self::HttpStatus => "http_status",
            Self::ProgramDate => "program_date",
            Self::MediaTime => "media_time",
        }
    }
}

/// Claims that were refused; they only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused([u64; Claim::ALL.len()]);

impl Refused {
    /// One was refused.
    pub fn count(&mut self, claim: Claim) {
        if let Some(count) = self.0.get_mut(claim as usize) {
            *count += 1;
        }
    }

    /// How often which claim was refused.
    pub fn by_claim(&self) -> impl Iterator<Item = (Claim, u64)> + use<> {
        Claim::ALL.into_iter().zip(self.0)
    }

    /// How many were refused.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The sum of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
        self
    }
}

/// Most bytes that the connections of an attempt can have received within `span`.
#[must_use]
pub fn bytes_max(span: Duration) -> u64 {
    // A line may come up to a second after what it reports.
    span.as_secs().saturating_add(1).saturating_mul(BYTES_PER_SEC_MAX)
}

/// What a programme date says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// It has this age.
    Aged(Duration),
    /// It is a little ahead, or that of a recording.
    NoAge,
    /// No stream can have it.
    Absurd,
}

/// Judges a programme date; both are nanoseconds since the Unix epoch.
#[must_use]
pub fn date(unix_ns: i64, wall_ns: u64) -> Date {
    let age_ns = i128::from(wall_ns) - i128::from(unix_ns);
    if unix_ns < DATE_MIN_NS || age_ns < -(DATE_AHEAD_MAX.as_nanos() as i128) {
        return Date::Absurd;
    }
    match u64::try_from(age_ns).map(Duration::from_nanos) {
        Ok(age) if age <= EDGE_AGE_MAX => Date::Aged(age),
        _ => Date::NoAge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_an_age_or_none_or_is_absurd() {
        let now = 1_800_000_000_i64;
        let day = 24 * 3600;
        for (secs, want) in [
            (now - 4, Date::Aged(Duration::from_secs(4))),
            (now, Date::Aged(Duration::ZERO)),
            (now - day, Date::Aged(EDGE_AGE_MAX)),
            (now - day - 1, Date::NoAge),
            (now + 1, Date::NoAge),
            (now + day, Date::NoAge),
            (now + day + 1, Date::Absurd),
            (1_230_768_000, Date::NoAge),
            (1_230_767_999, Date::Absurd),
            (0, Date::Absurd),
            (-1, Date::Absurd),
        ] {
            let ns = 1_000_000_000;
            assert_eq!(date(secs * ns, now as u64 * ns as u64), want, "{secs}");
        }
        assert_eq!(date(i64::MAX, 0), Date::Absurd);
        assert_eq!(date(i64::MIN, u64::MAX), Date::Absurd);
    }

    #[test]
    fn claims_stand_at_their_index_and_are_added() {
        let (mut some, mut others) = (Refused::default(), Refused::default());
        for (place, claim) in Claim::ALL.into_iter().enumerate() {
            assert_eq!(claim as usize, place);
            (0..=place).for_each(|_| some.count(claim));
        }
        others.count(Claim::MediaTime);
        let both = some.and(others);
        assert_eq!((some.all(), both.all()), (15, 16));
        assert_eq!(both.by_claim().last(), Some((Claim::MediaTime, 6)));
    }
}
