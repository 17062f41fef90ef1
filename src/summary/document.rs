//! The summary's JSON as types that are written and read, so that what one run
//! wrote another program of ours can read.
//!
//! `docs/SUMMARY.md` says what each field means and when it is absent. A field that
//! is not known here is skipped, and one that a merge of several summaries leaves out
//! may be absent. Knows nothing of where the numbers come from.

pub(crate) mod origin_side;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::measures::words;

/// Version of the schema. It grows when a field goes or changes its meaning; a
/// new field alone leaves it as it is.
pub const SCHEMA_VERSION: u32 = 2;

/// Why a text is no summary that can be read.
#[derive(Debug)]
pub enum Unreadable {
    /// It is no summary at all, or one that was cut or changed by hand.
    Malformed(serde_json::Error),
    /// It was written by a program of another schema.
    Version(u32),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => {
                write!(f, "not a summary of -summary-json ({why}); give the file of a run")
            }
            Self::Version(version) => write!(
                f,
                "schema version {version}, and this program reads {SCHEMA_VERSION}; use the \
                 program that wrote it"
            ),
        }
    }
}

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// All that the summary tells, as it lies in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    pub(crate) schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ffmpeg_version: Option<String>,
    pub(crate) run: Run,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<Share>,
    pub(crate) clients: Clients,
    pub(crate) processes: Processes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) playback: Option<Playback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tcp: Option<Tcp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin_side: Option<origin_side::OriginSide>,
    pub(crate) log: Log,
    pub(crate) host: Host,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) series: Option<Series>,
}

/// What the run was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<String>,
    pub(crate) duration_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_unix_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) late_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    pub(crate) seed: u64,
    pub(crate) command: String,
    pub(crate) dangerous: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics_address: Option<String>,
}

/// Which share of the clients of a run this was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) clients: u32,
}

/// How many clients there were.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Clients {
    pub(crate) target: u32,
    pub(crate) ever_started: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_active: Option<u32>,
    /// In place of the peak, where several summaries were merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_active_at_most: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) median_active: Option<u32>,
    pub(crate) active_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_reached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) never_played: Option<u32>,
    /// Those of them by the outcome of their last attempt.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub(crate) kept_by: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kept_example: Option<String>,
}

impl Clients {
    /// By how much the run stayed below its target; `None` if it reached it or that is
    /// not known.
    pub(crate) fn below_target(&self) -> Option<String> {
        let peak = self.peak_active_at_most.or(self.peak_active)?;
        let missed = self.target_reached == Some(false);
        missed.then(|| words::below_target(peak, self.target))
    }
}

/// What became of their processes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Processes {
    pub(crate) started: u64,
    pub(crate) restarted: u64,
    pub(crate) max_restarts_reached: u64,
    pub(crate) spawn_failures: Counts,
    pub(crate) exits: Counts,
    pub(crate) outcomes: Counts,
    pub(crate) uptime: Distribution,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uptime_judgement: Option<String>,
    pub(crate) start_lateness: Distribution,
    pub(crate) late_starts: u64,
}

/// What they received.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bytes {
    pub(crate) downloaded: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bits_per_second_per_client: Option<f64>,
}

/// What they asked for, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) by_kind: Counts,
    pub(crate) segments_downloaded: u64,
    pub(crate) playlist_refreshes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segments_per_minute_per_client: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) playlist_refreshes_per_minute_per_client: Option<f64>,
    pub(crate) connections_new: u64,
    pub(crate) connections_reused: u64,
    pub(crate) errors: BTreeMap<String, Counts>,
    pub(crate) http_errors: Counts,
    pub(crate) timeouts: u64,
    pub(crate) reconnections: u64,
    pub(crate) segments_skipped: u64,
    pub(crate) sequence_jumps: u64,
    pub(crate) playlist_reload_failures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tcp_connect: Option<Distribution>,
    pub(crate) segment_download: Distribution,
    pub(crate) playlist_download: Distribution,
}

/// What a viewer would have felt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Playback {
    pub(crate) startup: Distribution,
    pub(crate) stalls: u64,
    pub(crate) stall_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stall_threshold_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_duration_source: Option<String>,
    pub(crate) stalled_at_end: u32,
    pub(crate) below_realtime_at_end: u32,
    pub(crate) above_realtime_at_end: u32,
    pub(crate) speed: Distribution,
    pub(crate) drift: Distribution,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) playlist_edge_age: Option<Distribution>,
}

/// What the kernel tells of their sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tcp {
    pub(crate) rtt: Distribution,
    pub(crate) retransmits: u64,
}

/// What their log complained of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) lines: u64,
    pub(crate) lines_cut: u64,
    pub(crate) error_lines: u64,
    #[serde(default)]
    pub(crate) values_refused: Counts,
    pub(crate) error_patterns: Vec<Pattern>,
}

/// An error that came often.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pattern {
    pub(crate) pattern: String,
    pub(crate) count: u64,
    pub(crate) overcount: u64,
    /// By how much the count may be too low, where several summaries were merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) undercount: Option<u64>,
}

/// What the run cost this host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Host {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) own_cpu_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) own_resident_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) own_peak_resident_bytes: Option<u64>,
    pub(crate) ffmpeg_cpu_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ffmpeg_resident_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ffmpeg_peak_resident_bytes: Option<u64>,
    pub(crate) turns: Distribution,
    pub(crate) events: u64,
    pub(crate) journal_lines_dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standstills: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standstill_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standstill_first_at_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standstill_longest_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standstill_longest_at_seconds: Option<f64>,
    pub(crate) shortfalls: Vec<String>,
}

/// A distribution. Merge two by adding what has the same name, the same `le` and
/// the same value of `recorded`; the percentiles follow from `recorded`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Distribution {
    pub(crate) unit: String,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percentiles: Option<Percentiles>,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) recorded: Vec<[u64; 2]>,
}

/// Values that a share of the recorded ones do not exceed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p1: f64,
    pub(crate) p5: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// Values at or below a bound.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) le: f64,
    pub(crate) count: u64,
}

/// The run over time, one column a name; all columns are equally long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) interval_seconds: f64,
    pub(crate) duration_seconds: f64,
    pub(crate) gauges: BTreeMap<String, Vec<u64>>,
    pub(crate) counters: BTreeMap<String, Vec<u64>>,
    pub(crate) times: BTreeMap<String, Times>,
}

/// The times of each interval: percentiles, and what they follow from. Merge two
/// by adding the counts of equal values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) unit: String,
    pub(crate) p50: Vec<Option<f64>>,
    pub(crate) p95: Vec<Option<f64>>,
    pub(crate) p99: Vec<Option<f64>>,
    pub(crate) values: Vec<Vec<[u64; 2]>>,
}

impl Times {
    /// The percentiles of these values, in microseconds and ascending.
    pub(crate) fn new(values: Vec<Vec<[u64; 2]>>) -> Self {
        let all = |per_cent: u64| {
            values.iter().map(|of| percentile(of, per_cent).map(|us| us as f64 / 1e6)).collect()
        };
        Self { unit: "seconds".to_owned(), p50: all(50), p95: all(95), p99: all(99), values }
    }
}

/// The value that so many of a hundred do not exceed; `None` of nothing.
fn percentile(values: &[[u64; 2]], per_cent: u64) -> Option<u64> {
    let all = total(values.iter().map(|&[_, count]| count));
    let rank = u64::try_from((u128::from(all) * u128::from(per_cent)).div_ceil(100)).ok()?;
    let mut below = 0_u64;
    values.iter().find_map(|&[value, count]| {
        below = below.saturating_add(count);
        (below >= rank.max(1)).then_some(value)
    })
}

/// The sum of counts that a file tells, which may be any numbers.
pub(crate) fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

impl Document {
    /// Reads what [`crate::summary::json::render`] wrote.
    ///
    /// # Errors
    /// The text is no summary, or one of another schema.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Versioned {
            schema_version: u32,
        }
        let versioned: Versioned = serde_json::from_str(text).map_err(Unreadable::Malformed)?;
        if versioned.schema_version != SCHEMA_VERSION {
            return Err(Unreadable::Version(versioned.schema_version));
        }
        serde_json::from_str(text).map_err(Unreadable::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_came() {
        let spread: Vec<[u64; 2]> = (1..=100).map(|value| [value, 1]).collect();
        let of = |values: &[[u64; 2]]| [50, 95, 99].map(|per_cent| percentile(values, per_cent));
        assert_eq!(of(&[]), [None, None, None]);
        assert_eq!(of(&[[7, 1]]), [Some(7), Some(7), Some(7)]);
        assert_eq!(of(&[[1, 94], [2, 5], [3, 1]]), [Some(1), Some(2), Some(2)]);
        assert_eq!(of(&spread), [Some(50), Some(95), Some(99)]);
    }
}
