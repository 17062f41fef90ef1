//! Detects before the start that the duration does not suffice for the planned ramp.

use crate::swarm::Settings;
use crate::swarm::plan::{CutShort, Plan};

/// Why the target cannot be reached, with the remedy; `None` if it can.
pub(super) fn warning(settings: &Settings) -> Option<String> {
    let duration = settings.duration?;
    let CutShort { started, takes } = Plan::new(settings, 0).cut_short(duration)?;
    let rate = settings.ramp_rate;
    // The time for the ramp, without the jitter of its last start.
    let room = duration.saturating_sub(settings.ramp_jitter).as_secs_f64();
    let faster = (f64::from(settings.clients.get()) / room).ceil();
    let remedy = if room > 0.0 && faster.is_finite() {
        format!("-ramp-rate {faster} or more, or a longer -duration")
    } else {
        "a longer -duration".to_owned()
    };
    Some(format!(
        "{started} of {} clients start before -duration {duration:?} is over: at -ramp-rate {rate} \
         the ramp takes {:.1} s; give {remedy}",
        settings.share(),
        takes.as_secs_f64(),
    ))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;
    use crate::swarm::Backoff;
    use crate::units::shard::Shard;

    /// Settings with this many clients at one a second.
    fn settings(clients: u32, duration_ms: Option<u64>) -> Settings {
        Settings {
            clients: NonZeroU32::new(clients).unwrap(),
            shard: Shard::WHOLE,
            ramp_rate: 1.0,
            ramp_jitter: Duration::ZERO,
            duration: duration_ms.map(Duration::from_millis),
            seed: 1,
            max_restarts: None,
            backoff: Backoff { initial: Duration::ZERO, max: Duration::ZERO, multiplier: 1.0 },
            verbose: false,
            dangerous: false,
            target_duration: Duration::from_secs(6),
            restart_on_stall: false,
            ffmpeg_memory_max: None,
            stats: true,
            network_timeout: Duration::from_secs(15),
            asks_ahead: false,
            looks_up_name: false,
            tap: false,
        }
    }

    #[test]
    fn warns_how_many_clients_start() {
        let why = warning(&settings(100, Some(3_000))).unwrap();
        assert!(why.starts_with("3 of 100 clients start before -duration 3s is over"), "{why}");
        assert!(why.contains("-ramp-rate 1 the ramp takes 99.0 s"), "{why}");
        assert!(why.contains("give -ramp-rate 34 or more"), "{why}");
    }

    #[test]
    fn does_not_warn_of_a_ramp_that_ends_in_time() {
        for (clients, duration_ms, warned) in [
            (100, None, false),
            (4, Some(3_001), false),
            (4, Some(3_000), true),
            (1, Some(1), false),
        ] {
            assert_eq!(warning(&settings(clients, duration_ms)).is_some(), warned, "{clients}");
        }
    }

    #[test]
    fn includes_jitter_and_this_shard_only() {
        let ramp_jitter = Duration::from_secs(50);
        let all = Settings { ramp_jitter, ..settings(10, Some(10_000)) };
        let why = warning(&all).unwrap();
        assert!(why.contains(" of 10 clients") && why.contains("give a longer -duration"), "{why}");
        let plan = settings(10, Some(9_000));
        assert!(warning(&Settings { shard: Shard::new(0, 2).unwrap(), ..plan.clone() }).is_none());
        let why = warning(&Settings { shard: Shard::new(1, 2).unwrap(), ..plan }).unwrap();
        assert!(why.starts_with("4 of 5 clients"), "{why}");
    }
}
