//! What the kernel reports of the clients' sockets.

use super::declare::measures;
use super::measure::{Better, Measure};
use super::scene::Needs;
use super::value::Value;

measures! {
    RTT = Measure::times("tcp_rtt", "TCP round trips")
        .family("hlsswarm_tcp_rtt_seconds",
            "Smoothed round-trip times of the clients' sockets as the kernel reports them, one value per sample.")
        .field("tcp.rtt").needs(Needs::Tcp)
        .compared(Better::Less, &[0.5])
        .read(|scene| Value::Times(&scene.snapshot.totals.requests.tcp_rtt));
    RETRANSMITS = Measure::counter("tcp_retransmits", "TCP retransmits")
        .family("hlsswarm_tcp_retransmits_total",
            "TCP segments that the clients' sockets retransmitted, as the kernel reports them.")
        .field("tcp.retransmits").needs(Needs::Tcp)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.tcp_retransmits));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = ALL;
