//! What the event loop of this program did.

use super::declare::measures;
use super::measure::{Measure, Merge};
use super::unit::Unit;
use super::value::{Counts, Value};
use crate::stats::EntryKind;

measures! {
    JOURNAL_DROPPED = Measure::counter("log_lines_dropped", "Own log lines dropped")
        .family("hlsswarm_log_lines_dropped_total",
            "Lines of this program's own log (journal) lost because the reader of its stderr stalled.")
        .labels(&["stream"]).fixed(&["journal"])
        .field("host.journal_lines_dropped")
        .read(|scene| Value::Whole(scene.health.journal_dropped));
    TURNS = Measure::times("reactor_turn", "Turns of the event loop")
        .family("hlsswarm_reactor_turn_seconds",
            "Time of a turn of the event loop, without the wait for events.")
        .field("host.turns")
        .read(|scene| Value::Times(&scene.health.turns));
    STANDSTILLS = Measure::counter("standstills", "Standstills")
        .family("hlsswarm_standstills_total",
            "Times in which the event loop stood still for half a second or more: this process was stopped, frozen or got no CPU.")
        .field("host.standstills").optional()
        .read(|scene| Value::Whole(scene.health.standstills.count));
    STANDSTILL_TIME = Measure::counter("standstill", "Time stood still").number(Unit::Seconds)
        .family("hlsswarm_standstill_seconds_total",
            "Time in which the event loop stood still; what clients did meanwhile is counted and not timed.")
        .field("host.standstill_seconds").optional()
        .read(|scene| Value::Number(scene.health.standstills.total.as_secs_f64()));
    STANDSTILL_FIRST_AT = Measure::gauge("standstill_first_at", "First standstill after the start")
        .number(Unit::Seconds)
        .field("host.standstill_first_at_seconds").optional()
        .read(|scene| {
            let stood = scene.health.standstills;
            let at = || scene.snapshot.since_start(stood.first_at).as_secs_f64();
            Value::number((stood.count > 0).then(at))
        });
    STANDSTILL_LONGEST = Measure::gauge("standstill_longest", "Longest standstill")
        .number(Unit::Seconds)
        .field("host.standstill_longest_seconds").optional().merge(Merge::Max)
        .read(|scene| Value::Number(scene.health.standstills.longest.as_secs_f64()));
    STANDSTILL_LONGEST_AT = Measure::gauge("standstill_longest_at", "Longest standstill after the start")
        .number(Unit::Seconds)
        .field("host.standstill_longest_at_seconds").optional()
        .read(|scene| {
            let stood = scene.health.standstills;
            let at = || scene.snapshot.since_start(stood.longest_at).as_secs_f64();
            Value::number((stood.count > 0).then(at))
        });
    EVENTS = Measure::counter("reactor_events", "Events dispatched")
        .family("hlsswarm_reactor_events_total", "Events that the event loop dispatched.")
        .field("host.events")
        .read(|scene| Value::Whole(scene.health.events));
    ENTRIES = Measure::counts("reactor_entries", "Descriptors waited for").stands()
        .family("hlsswarm_reactor_entries",
            "Descriptors that the event loop waits for: connections to this endpoint, two pipes and one process of each client, and its own.")
        .labels(&["kind"])
        .read(|scene| Counts::made(
            |place| EntryKind::ALL.get(place).map_or("", |kind| kind.name()),
            scene.health.entries,
        ));
    SCRAPE_DURATION = Measure::gauge("scrape_duration", "Last scrape").number(Unit::Seconds)
        .family("hlsswarm_scrape_duration_seconds",
            "Time that rendering the scrape before this one took; absent in the first.")
        .read(|scene| Value::number(scene.health.last_scrape.map(|took| took.as_secs_f64())));
}
