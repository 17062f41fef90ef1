//! What the tap knows of the exchanges of the clients. All of it is absent without the
//! tap.

use super::declare::measures;
use super::measure::{Better, Measure, Merge};
use super::scene::{Needs, Scene};
use super::unit::Unit;
use super::value::{Counts, Value};
use crate::exchange::RequestKind;
use crate::exchange::record::{CacheStatus, ExchangeResult};
use crate::stats::Histogram;

/// The median and the upper end.
const UPPER: &[f64] = &[0.5, 0.95, 0.99];

/// The family of the times to the first byte.
const TTFB: &str = "hlsswarm_ttfb_seconds";

/// What it means.
const TTFB_HELP: &str = "Time from a complete request to the first byte of its response, by kind of resource; connecting is part of it.";

measures! {
    RESULTS = Measure::counts("exchanges", "Exchanges").groups()
        .family("hlsswarm_exchanges_total", "Exchanges that have ended, by kind of resource and result.")
        .labels(&["kind", "result"])
        .field("exchanges.results").sparse().needs(Needs::Exchanges)
        .read(|scene| Counts::pairs(
            |place| {
                let results = ExchangeResult::ALL.len();
                let result = ExchangeResult::ALL.get(place % results);
                [kind(place / results), result.map_or("", |result| result.name())]
            },
            scene.snapshot.totals.exchanges.results.as_flattened(),
        ));
    REDIRECTS = Measure::counter("redirects", "Redirects")
        .family("hlsswarm_redirects_total", "Responses that sent the client to another URL.")
        .field("exchanges.redirects").needs(Needs::Exchanges)
        .read(|scene| Value::Whole(scene.snapshot.totals.exchanges.redirects()));
    TTFB_PLAYLIST = Measure::times("ttfb_playlist", "TTFB of playlists")
        .family(TTFB, TTFB_HELP).labels(&["kind"]).fixed(&["playlist"])
        .field("exchanges.ttfb_playlist").needs(Needs::Exchanges)
        .compared(Better::Less, UPPER)
        .read(|scene| Value::Times(ttfb(scene, RequestKind::Playlist)));
    TTFB_SEGMENT = Measure::times("ttfb_segment", "TTFB of segments")
        .family(TTFB, TTFB_HELP).labels(&["kind"]).fixed(&["segment"])
        .field("exchanges.ttfb_segment").needs(Needs::Exchanges)
        .compared(Better::Less, UPPER)
        .read(|scene| Value::Times(ttfb(scene, RequestKind::Segment)));
    SEGMENT_RATIO = Measure::times("segment_download_ratio", "Segment time / duration")
        .unit(Unit::Ratio)
        .family("hlsswarm_segment_download_ratio",
            "Download time of a segment divided by its duration (EXTINF); above 1 a viewer waits.")
        .field("exchanges.segment_download_ratio").needs(Needs::Exchanges)
        .compared(Better::Less, UPPER)
        .read(|scene| Value::Times(&scene.snapshot.totals.exchanges.segment_ratio));
    CACHED = Measure::counts("responses_cached", "Caches").groups()
        .family("hlsswarm_responses_cached_total",
            "Successful responses by kind of resource and by what their fields say of caches (RFC 9211 and common others).")
        .labels(&["kind", "cache"])
        .field("exchanges.cached").sparse().needs(Needs::Exchanges)
        .read(|scene| Counts::pairs(
            |place| {
                let caches = CacheStatus::ALL.len();
                let cache = CacheStatus::ALL.get(place % caches);
                [kind(place / caches), cache.map_or("", |cache| cache.name())]
            },
            scene.snapshot.totals.exchanges.cached.as_flattened(),
        ));
    DNS = Measure::times("dns", "Name look-ups")
        .family("hlsswarm_dns_seconds",
            "Time that a request waited for the look-up of a name; absent before the first.")
        .field("exchanges.dns").optional().merge(Merge::SumIfAny).needs(Needs::Exchanges)
        .read(|scene| Value::times_if_any(&scene.snapshot.totals.exchanges.dns));
    TLS = Measure::times("tls_handshake", "TLS handshakes")
        .family("hlsswarm_tls_handshake_seconds",
            "Time of a TLS handshake; absent before the first.")
        .field("exchanges.tls_handshake").optional().merge(Merge::SumIfAny)
        .needs(Needs::Exchanges)
        .read(|scene| Value::times_if_any(&scene.snapshot.totals.exchanges.tls));
    TAP_DELAY = Measure::times("tap_delay", "Delay in the tap")
        .family("hlsswarm_tap_delay_seconds",
            "Longest time that data of an exchange was readable and not handled: the lateness of this program.")
        .field("exchanges.tap_delay").needs(Needs::Exchanges)
        .read(|scene| Value::Times(&scene.snapshot.totals.exchanges.tap_delay));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = ALL;

fn kind(place: usize) -> &'static str {
    RequestKind::ALL.get(place).map_or("", |kind| kind.name())
}

fn ttfb<'s>(scene: &'s Scene<'s>, kind: RequestKind) -> &'s Histogram {
    let [playlist, segment, ..] = &scene.snapshot.totals.exchanges.ttfb;
    if kind == RequestKind::Playlist { playlist } else { segment }
}
