//! Counts the exchanges that the tap carries: their results, times and caches.
//!
//! Bounded: nothing is kept of a single exchange.

use std::time::Duration;

use super::Histogram;
use crate::exchange::RequestKind;
use crate::exchange::record::{CacheStatus, ExchangeResult, Record};

/// Upper bounds in seconds of the time to the first byte, and of names and handshakes.
const TTFB_SECS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Upper bounds of the download time of a segment in parts of its duration.
const RATIOS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0];

/// Upper bounds in seconds of the delay in the tap.
const DELAY_SECS: &[f64] = &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.01, 0.1, 1.0];

/// The exchanges of a run.
#[derive(Debug, Clone)]
pub struct Exchanges {
    /// By kind, in the order of [`RequestKind::ALL`], and result, in that of
    /// [`ExchangeResult::ALL`].
    pub results: [[u64; ExchangeResult::ALL.len()]; RequestKind::ALL.len()],
    /// Successful responses by kind and cache, in the order of [`CacheStatus::ALL`].
    pub cached: [[u64; CacheStatus::ALL.len()]; RequestKind::ALL.len()],
    /// Time to the first byte by kind.
    pub ttfb: [Histogram; RequestKind::ALL.len()],
    /// Download time of segments divided by their duration.
    pub segment_ratio: Histogram,
    /// Look-ups of names that a request waited for.
    pub dns: Histogram,
    /// TLS handshakes.
    pub tls: Histogram,
    /// The longest delay of each exchange in the tap.
    pub tap_delay: Histogram,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self {
            results: Default::default(),
            cached: Default::default(),
            ttfb: std::array::from_fn(|_| Histogram::new(TTFB_SECS)),
            segment_ratio: Histogram::new(RATIOS),
            dns: Histogram::new(TTFB_SECS),
            tls: Histogram::new(TTFB_SECS),
            tap_delay: Histogram::new(DELAY_SECS),
        }
    }
}

impl Exchanges {
    /// Counts an exchange that has ended.
    pub fn record(&mut self, record: &Record<'_>) {
        let kind = record.kind.index();
        add(&mut self.results, kind, record.result.index());
        if record.result == ExchangeResult::Ok {
            add(&mut self.cached, kind, record.cache.index());
        }
        let times = record.times;
        if let (Some(ttfb), Some(histogram)) = (times.ttfb, self.ttfb.get_mut(kind)) {
            histogram.record(ttfb);
        }
        if record.kind == RequestKind::Segment
            && let (Some(took), Some(media)) = (times.ttlb, record.media)
            && !media.is_zero()
        {
            self.segment_ratio.record(Duration::from_secs_f64(took.div_duration_f64(media)));
        }
        if let Some(took) = times.dns {
            self.dns.record(took);
        }
        if let Some(took) = times.tls {
            self.tls.record(took);
        }
        self.tap_delay.record(record.tap_delay);
    }

    /// Responses that sent the client to another URL.
    #[must_use]
    pub fn redirects(&self) -> u64 {
        let of = ExchangeResult::Redirect.index();
        self.results.iter().filter_map(|results| results.get(of)).sum()
    }
}

fn add<const N: usize>(counts: &mut [[u64; N]], row: usize, column: usize) {
    if let Some(count) = counts.get_mut(row).and_then(|row| row.get_mut(column)) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::record::{TcpCounters, Times};
    use crate::units::Tick;

    fn record(kind: RequestKind, result: ExchangeResult) -> Record<'static> {
        Record {
            url: "http://h/a.ts",
            kind,
            result,
            status: Some(200),
            reused: false,
            began: Tick::ZERO,
            ended: Tick::from_millis(900),
            times: Times {
                ttfb: Some(Duration::from_millis(20)),
                ttlb: Some(Duration::from_millis(500)),
                ..Times::default()
            },
            head_bytes: 100,
            body_bytes: 1000,
            cache: CacheStatus::Hit,
            age_secs: None,
            edge: None,
            media: Some(Duration::from_secs(2)),
            date: None,
            is_refresh: false,
            tcp: TcpCounters::default(),
            tap_delay: Duration::from_micros(80),
        }
    }

    #[test]
    fn counts_by_kind_result_and_cache() {
        let mut exchanges = Exchanges::default();
        let (segment, playlist) = (RequestKind::Segment, RequestKind::Playlist);
        exchanges.record(&record(segment, ExchangeResult::Ok));
        exchanges.record(&record(playlist, ExchangeResult::Redirect));
        exchanges.record(&record(playlist, ExchangeResult::Status));
        assert_eq!(exchanges.redirects(), 1);
        assert_eq!(exchanges.results[segment.index()][ExchangeResult::Ok.index()], 1);
        assert_eq!(exchanges.results.as_flattened().iter().sum::<u64>(), 3);
        // Only what a cache served in full counts for it.
        assert_eq!(exchanges.cached[segment.index()][CacheStatus::Hit.index()], 1);
        assert_eq!(exchanges.cached.as_flattened().iter().sum::<u64>(), 1);
        let count =
            |histogram: &Histogram| histogram.recorded().map(|(_, count)| count).sum::<u64>();
        assert_eq!(exchanges.ttfb.each_ref().map(count), [2, 1, 0, 0, 0]);
        // 0.5 s for 2 s of media; no playlist has a ratio.
        let ratios: Vec<_> = exchanges.segment_ratio.recorded().collect();
        assert_eq!(ratios.len(), 1);
        assert!((249_000..=253_000).contains(&ratios[0].0), "{ratios:?}");
        assert_eq!((count(&exchanges.dns), count(&exchanges.tls)), (0, 0));
    }
}
