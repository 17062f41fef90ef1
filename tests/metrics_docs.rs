//! docs/METRICS.md agrees with the families of a scrape.

#![allow(clippy::unwrap_used, clippy::panic, reason = "so does a test fail")]

use ffmpeg_hls_swarm::exchange::{ErrorReason, RequestKind};
use ffmpeg_hls_swarm::exporters::{CPU_MODES, Target};
use ffmpeg_hls_swarm::ffmpeg::outcome::Outcome;
use ffmpeg_hls_swarm::measures::{self, Family};
use ffmpeg_hls_swarm::origin::ResourceKind;
use ffmpeg_hls_swarm::origin::faults::FaultKind;
use ffmpeg_hls_swarm::stats::{EntryKind, State};
use ffmpeg_hls_swarm::units::process::SpawnFailureReason;

const DOCS: &str = include_str!("../docs/METRICS.md");

/// Every family of a run and of the built-in origin, in the order of the page.
fn families() -> Vec<Family> {
    let of_origin = measures::families(measures::of_origin());
    let own = of_origin.filter(|family| !family.name.starts_with("process_"));
    measures::families(measures::all()).chain(own).collect()
}

/// The text of a family's section, from its heading to the next.
fn section(name: &str) -> Option<&'static str> {
    let heading = format!("\n### `{name}`\n");
    let text = DOCS.split_once(&heading)?.1;
    Some(text.split("\n#").next().unwrap())
}

/// The value of a `- Name: value` line of a section.
fn entry(section: &'static str, name: &str) -> Option<&'static str> {
    section.lines().find_map(|line| line.strip_prefix("- ")?.strip_prefix(name)?.strip_prefix(": "))
}

fn unit(family: &Family) -> Option<&'static str> {
    let name = family.name.strip_suffix("_total").unwrap_or(family.name);
    ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(unit))
}

#[test]
fn documents_every_family_correctly() {
    for family in families() {
        let section = section(family.name).unwrap_or_else(|| panic!("{} is missing", family.name));
        let labels: Vec<_> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = Some(labels.join(", ")).filter(|labels| !labels.is_empty());
        assert_eq!(entry(section, "Type"), Some(family.type_name()), "{}", family.name);
        assert_eq!(entry(section, "Help"), Some(family.help), "{}", family.name);
        assert_eq!(entry(section, "Labels"), labels.as_deref(), "{}", family.name);
        assert_eq!(entry(section, "Unit"), unit(&family), "{}", family.name);
    }
}

#[test]
fn every_documented_family_exists_and_in_this_order() {
    let headings = DOCS.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let names = families().into_iter().map(|family| family.name);
    assert_eq!(headings.collect::<Vec<_>>(), names.collect::<Vec<_>>());
}

#[test]
fn known_label_values_are_documented() {
    let cases = [
        ("hlsswarm_clients", State::ALL.map(State::name).to_vec()),
        ("hlsswarm_spawn_failures_total", SpawnFailureReason::ALL.map(|r| r.name()).to_vec()),
        ("hlsswarm_client_exits_total", Outcome::ALL.map(Outcome::name).to_vec()),
        ("hlsswarm_requests_total", RequestKind::ALL.map(RequestKind::name).to_vec()),
        ("hlsswarm_request_errors_total", ErrorReason::ALL.map(ErrorReason::name).to_vec()),
        ("hlsswarm_reactor_entries", EntryKind::ALL.map(EntryKind::name).to_vec()),
        ("hlsswarm_origin_up", [Target::Host, Target::Nginx].map(Target::name).to_vec()),
        ("hlsswarm_origin_host_cpu_mode_ratio", CPU_MODES.to_vec()),
        ("hlsswarm_origin_nginx_connections", vec!["reading", "writing", "waiting"]),
        ("hlsswarm_origin_requests_total", ResourceKind::ALL.map(ResourceKind::name).to_vec()),
        ("hlsswarm_origin_faults_injected_total", FaultKind::NAMES.to_vec()),
    ];
    for (family, values) in cases {
        let section = section(family).unwrap();
        let rows: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("| `")).collect();
        let documented: Vec<_> = rows.iter().map(|row| row.split('`').next().unwrap()).collect();
        assert_eq!(documented, values, "{family}");
    }
}

#[test]
fn other_mentions_are_of_families_that_exist() {
    let words = DOCS.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    for word in words.filter(|word| word.starts_with("hlsswarm_")) {
        let all = families();
        let known = |name: &str| all.iter().any(|family| family.name == name);
        let of_histogram = word.strip_suffix("_bucket").or_else(|| word.strip_suffix("_count"));
        assert!(known(word) || of_histogram.is_some_and(known), "{word}");
    }
}
