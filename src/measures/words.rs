//! Numbers as people read them.

use std::time::Duration;

use crate::swarm::STALL_TARGET_DURATIONS;
use crate::units::process::signal_name;

/// A span with about three digits: `0.4 ms`, `12.3 s`, `3 min 05 s`, `1 h 02 min`.
pub(crate) fn span(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1e3;
    if ms < 9.95 {
        return format!("{ms:.1} ms");
    }
    if ms < 999.5 {
        return format!("{ms:.0} ms");
    }
    if ms < 59_950.0 {
        return format!("{:.1} s", ms / 1e3);
    }
    let secs = (ms / 1e3).round() as u64;
    let (minutes, rest) = (secs / 60, secs % 60);
    if minutes < 60 {
        return format!("{minutes} min {rest:02} s");
    }
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// So many seconds as a span; the longest there is for more, and for no number.
pub(crate) fn duration(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or(Duration::MAX)
}

/// Bytes in binary units: `512 B`, `12.3 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// A rate of transfer: `264 kbit/s`, `1.5 Mbit/s`.
pub(crate) fn bit_rate(bits_per_sec: f64) -> String {
    let kbit = bits_per_sec / 1e3;
    if kbit < 999.5 { format!("{kbit:.0} kbit/s") } else { format!("{:.1} Mbit/s", kbit / 1e3) }
}

/// A count with its digits in groups of three: `1,234,567`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How often something stood still, how long, and when the longest began after the
/// start; `None` if it did not.
pub(crate) fn standstills(
    times: u64,
    all: Duration,
    longest: Duration,
    longest_at: Option<Duration>,
) -> Option<String> {
    let at = longest_at.map_or_else(String::new, |at| format!(", {} after the start", span(at)));
    match times {
        0 => None,
        1 => Some(format!("for {}{at}", span(all))),
        _ => {
            let (times, all, longest) = (count(times), span(all), span(longest));
            Some(format!("{times} times, {all} in all; the longest for {longest}{at}"))
        }
    }
}

/// `part` of `whole` in per cent; `n/a` of nothing.
pub(crate) fn share(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{:.1} %", part / whole * 100.0) } else { "n/a".to_owned() }
}

/// `18 of 3,026 requests failed (0.6 %)`. Where the part exceeds the whole, as when
/// requests failed whose start was not observed, the part alone: `18 requests failed`.
pub(crate) fn part_of(part: u64, whole: u64, noun: &str, what: &str) -> String {
    if part > whole {
        return format!("{} {what}", plural(part, noun));
    }
    let share = share(part as f64, whole as f64);
    format!("{} of {} {what} ({share})", count(part), plural(whole, noun))
}

/// Clients of their target: `9 of 10`. Where a target that was lowered is exceeded:
/// `12, target 10`.
pub(crate) fn of_target(clients: u64, target: u64) -> String {
    let separator = if clients > target { ", target" } else { " of" };
    format!("{}{separator} {}", count(clients), count(target))
}

/// `1 client`, `2 clients`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// What ended a run, by its name in the JSON summary and the signal, if there was one.
pub(crate) fn ended(name: &str, signal: Option<&str>) -> String {
    match (name, signal) {
        ("duration", _) => "-duration was over".to_owned(),
        ("signal", signal) => format!("stopped by {}", signal.unwrap_or("a signal")),
        ("forced", Some(signal)) => {
            format!("forced by a second {signal}: all clients were killed")
        }
        ("restarts_used_up", _) => "every client used up its restarts".to_owned(),
        ("nothing_started", Some(signal)) => {
            format!("stopped by {signal} before a client was started")
        }
        ("nothing_started", None) => "no client could be started".to_owned(),
        (other, _) => other.replace('_', " "),
    }
}

/// By how much a run stayed below its target: `3 of 100 clients ran at once at most`.
pub(crate) fn below_target(peak: u64, target: u64) -> String {
    let target = plural(target, "client");
    format!("{} of {target} ran at once at most", count(peak))
}

/// When a client counts as stalled, and from what that follows.
pub(crate) fn stall_threshold(after: Duration, target_duration: Duration, source: &str) -> String {
    let target = target_duration.as_secs_f64();
    let source = match source {
        "stream" => "the stream's target duration",
        "flag" => "-target-duration",
        _ => "the default target duration",
    };
    let times = after.as_secs_f64() / target;
    let times = if (times - f64::from(STALL_TARGET_DURATIONS)).abs() < 1e-9 {
        format!("{STALL_TARGET_DURATIONS} x")
    } else {
        "the minimum, with".to_owned()
    };
    format!("{} ({times} {source}, {target} s)", span(after))
}

/// An exit code as a shell reports it, with its name if it has one: `0 (clean)`,
/// `1 (error)`, `139 (SIGSEGV)`, `255 (ffmpeg stopped)`.
///
/// A code above 128 can also be the process's own; no signal is known from 160 on.
pub(crate) fn exit_code(code: u8) -> String {
    let name = match code {
        0 => Some("clean"),
        1 => Some("error"),
        255 => Some("ffmpeg stopped"),
        _ => code.checked_sub(128).and_then(signal_name),
    };
    name.map_or_else(|| code.to_string(), |name| format!("{code} ({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let cases = [
            (0.0, "0.0 ms"),
            (0.000_44, "0.4 ms"),
            (0.009_96, "10 ms"),
            (0.45, "450 ms"),
            (0.9996, "1.0 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min 00 s"),
            (185.2, "3 min 05 s"),
            (3_599.7, "1 h 00 min"),
            (3_725.0, "1 h 02 min"),
            (360_000.0, "100 h 00 min"),
        ];
        for (secs, want) in cases {
            assert_eq!(span(Duration::from_secs_f64(secs)), want, "{secs}");
        }
    }

    #[test]
    fn sizes_counts_and_shares() {
        let sizes = [(0, "0 B"), (1023, "1023 B"), (1 << 20, "1.0 MiB"), (5 << 39, "2.5 TiB")];
        for (size, want) in sizes {
            assert_eq!(bytes(size), want);
        }
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB");
        for (number, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), want);
        }
        for (rate, want) in [(264e3, "264 kbit/s"), (999_499.0, "999 kbit/s"), (1e6, "1.0 Mbit/s")]
        {
            assert_eq!(bit_rate(rate), want);
        }
        assert_eq!(share(1.0, 8.0), "12.5 %");
        assert_eq!(share(0.0, 0.0), "n/a");
        assert_eq!(part_of(2, 8, "request", "failed"), "2 of 8 requests failed (25.0 %)");
        assert_eq!(part_of(1, 1, "request", "failed"), "1 of 1 request failed (100.0 %)");
        assert_eq!(part_of(18, 0, "request", "failed"), "18 requests failed");
        assert_eq!(part_of(18, 17, "request", "failed"), "18 requests failed");
        assert_eq!([of_target(9, 10), of_target(12, 10)], ["9 of 10", "12, target 10"]);
        assert_eq!(plural(1, "client"), "1 client");
        assert_eq!(plural(0, "client"), "0 clients");
    }

    #[test]
    fn exit_codes_have_names() {
        let cases = [
            (0, "0 (clean)"),
            (1, "1 (error)"),
            (8, "8"),
            (128, "128"),
            (129, "129 (SIGHUP)"),
            (134, "134 (SIGABRT)"),
            (137, "137 (SIGKILL)"),
            (139, "139 (SIGSEGV)"),
            (143, "143 (SIGTERM)"),
            (145, "145"),
            (148, "148"),
            (159, "159 (SIGSYS)"),
            (160, "160"),
            (255, "255 (ffmpeg stopped)"),
        ];
        for (code, want) in cases {
            assert_eq!(exit_code(code), want);
        }
    }
}
