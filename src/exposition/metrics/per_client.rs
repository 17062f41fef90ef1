//! Series of each client, for those who ask for them (`-prom-client-metrics`).

use super::collector::Collector;
use crate::measures::Scene;
use crate::measures::families::{self, Family, PER_CLIENT};
use crate::stats::{ClientFigures, State};

/// Most clients with series of their own: those with the lowest numbers. Beyond
/// it a scrape takes tens of milliseconds, in which nothing else is served.
pub const MAX_CLIENTS: usize = 1_000;

/// Clients above which a warning is due: Prometheus keeps every series in memory.
const WARN_ABOVE_CLIENTS: u32 = 200;

/// What is to be said at the start of a run of so many clients, in one line.
#[must_use]
pub fn warning(clients: u32) -> Option<String> {
    if clients <= WARN_ABOVE_CLIENTS {
        return None;
    }
    let shown = MAX_CLIENTS.min(clients as usize);
    let series = shown * PER_CLIENT.len();
    let rest = if shown < clients as usize {
        format!(", of the first {shown} clients alone")
    } else {
        String::new()
    };
    Some(format!(
        "-prom-client-metrics makes {series} series{rest}: leave it out, or ask for at most \
         {WARN_ABOVE_CLIENTS} clients"
    ))
}

/// Adds the series of the scene's clients.
pub(super) fn collect(out: &mut Collector, scene: &Scene<'_>) {
    let shown = scene.clients.get(..MAX_CLIENTS).unwrap_or(scene.clients);
    let names: Vec<_> = shown.iter().map(|figures| figures.client.to_string()).collect();
    let mut add = |family: Family, value: fn(&ClientFigures) -> Option<f64>| {
        let values = names.iter().zip(shown);
        let samples =
            values.filter_map(|(name, figures)| Some((vec![name.as_str()], value(figures)?)));
        out.labelled(family, samples);
    };
    add(families::CLIENT_UP, |c| Some(f64::from(u8::from(c.state == State::Running))));
    add(families::CLIENT_RESTARTS, |c| Some(c.restarts as f64));
    if scene.measured.log {
        add(families::CLIENT_STALLED, |c| Some(f64::from(u8::from(c.stalled))));
        add(families::CLIENT_MEDIA, |c| Some(c.media.as_secs_f64()));
        add(families::CLIENT_SPEED, |c| c.speed);
    }
    if scene.measured.bytes() {
        add(families::CLIENT_BYTES, |c| c.bytes.map(|bytes| bytes as f64));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exposition::metrics;
    use crate::measures::fixture::busy_run;
    use crate::units::ClientId;

    #[test]
    fn many_clients_are_warned_of() {
        let cases = [
            (200, None),
            (201, Some("makes 1206 series: leave")),
            (1_000, Some("makes 6000 series: leave")),
            (1_001, Some("makes 6000 series, of the first 1000 clients alone: leave")),
        ];
        for (clients, want) in cases {
            let got = warning(clients);
            assert_eq!(got.is_some(), want.is_some(), "{clients}");
            assert!(got.unwrap_or_default().contains(want.unwrap_or_default()), "{clients}");
        }
    }

    #[test]
    fn series_have_a_limit() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let figures: Vec<_> = (0..1_500)
            .map(|number| ClientFigures {
                client: ClientId::new(number),
                state: State::Running,
                restarts: 0,
                stalled: false,
                media: Duration::ZERO,
                speed: (number % 2 == 0).then_some(1.0),
                bytes: None,
            })
            .collect();
        let mut scene = numbers.scene(&snapshot);
        scene.clients = &figures;
        let families = metrics::collect(&scene);
        let series = |wanted: Family| {
            let found = families.iter().find(|family| family.name() == wanted.name);
            found.map(|family| family.get_metric().len())
        };
        assert_eq!(series(families::CLIENT_UP), Some(MAX_CLIENTS));
        assert_eq!(series(families::CLIENT_SPEED), Some(MAX_CLIENTS / 2));
        assert_eq!(series(families::CLIENT_BYTES), None);
    }
}
