//! What the origin told of itself, as JSON.

use crate::stats;
use crate::stats::origin_side::{Measure, Polled, Target};
use crate::summary::document::Distribution;
use crate::summary::document::origin_side::{Asked, Host, Nginx, OriginSide};

/// What was told by those that were asked.
pub(super) fn told(side: &stats::OriginSide) -> OriginSide {
    OriginSide {
        host: side.polled_target(Target::Host).map(|polled| host(polled, side.host())),
        nginx: side.polled_target(Target::Nginx).map(|polled| nginx(polled, side.nginx())),
    }
}

fn asked(polled: &Polled) -> Asked {
    Asked {
        url: polled.url().to_owned(),
        polls: polled.polls(),
        failures: polled.failures(),
        last_error: polled.last_error().map(str::to_owned),
    }
}

fn all(of: &Measure, unit: &'static str) -> Option<Distribution> {
    (of.whole().count() > 0).then(|| Distribution::in_unit(of.whole(), unit))
}

fn host(polled: &Polled, host: &stats::origin_side::Host) -> Host {
    Host {
        asked: asked(polled),
        cpus: Some(host.cpus()).filter(|&cpus| cpus > 0),
        memory_bytes: host.memory_bytes(),
        cpu_used: all(&host.cpu, "ratio"),
        memory_used: all(&host.memory_used, "megabytes"),
        received: all(&host.received, "megabytes_per_second"),
        sent: all(&host.sent, "megabytes_per_second"),
    }
}

fn nginx(polled: &Polled, nginx: &stats::origin_side::Nginx) -> Nginx {
    let [connections_accepted, connections_handled, requests] = nginx.counted();
    Nginx {
        asked: asked(polled),
        connections_accepted,
        connections_handled,
        requests,
        connections_active: all(&nginx.active, "connections"),
        requests_per_second: all(&nginx.requests, "requests_per_second"),
    }
}
