//! Every expression of the deployed rules and of the dashboard, evaluated by a real
//! Prometheus that scrapes a real swarm and a real origin with faults.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use rustix::process::Signal;
use serde_json::Value;
use support::exporter::{Behaviour, Exporter};
use support::http::Scrape;
use support::origin::Origin;
use support::program::{Program, Setup};
use support::prometheus::{Prometheus, dashboard, dashboard_expressions, family_of, metric_names};
use support::tools::tool;
use support::until;

/// Exits of clients after which every expression must have a value. There is about one
/// a second, and windows of speed and drift end about 10 s after the start of a client.
const DEATHS: usize = 120;

const CLIENTS: usize = 8;

/// Families that a scrape may lack, and the reason; queried only if the swarm exports
/// them.
const NOT_EVERYWHERE: [(&str, &str); 1] =
    [("hlsswarm_tcp_rtt_seconds", "some sandboxes keep sock_diag(7) from telling")];

/// Every fourth client is refused its playlist and restarts repeatedly; the others
/// play, and miss some segments.
fn origin_with_faults() -> Origin {
    let faults = ["-fault", "503:media:/4", "-fault", "404:segments:10%"];
    Origin::with(&[&["-segment-duration", "1s"], &faults[..]].concat())
}

/// Its exporter has the metrics of node_exporter and nginx.
fn load(origin: &Origin, exporter: &Exporter) -> Option<Program> {
    let url = format!("http://{}/metrics", exporter.address);
    let load = Setup::load(&tool("ffmpeg")?, &origin.url("stream.m3u8"));
    let args = [
        "-clients",
        &CLIENTS.to_string(),
        "-ramp-rate",
        "8",
        "-variant",
        "first",
        "-target-duration",
        "2s",
    ];
    let load = load.args(&["-origin-metrics", &url, "-nginx-metrics", &url]);
    Some(load.args(&args).args(&["-backoff-max", "2s"]).start())
}

/// Every expression of the rules. An alert has no value while all is well, so both of
/// its sides are evaluated and must match.
fn rule_expressions(prometheus: &Prometheus) -> Vec<String> {
    let data = prometheus.data("rules");
    let groups = data["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let expression = |rule: &Value| {
        let query = rule["query"].as_str().unwrap().to_owned();
        if rule["type"] == "recording" {
            return query;
        }
        let compared = [" > ", " < ", " == "].iter().fold(query.clone(), |text, operator| {
            text.replace(operator, &format!("{operator}bool "))
        });
        assert_ne!(compared, query, "an alert compares");
        compared
    };
    rules.map(expression).collect()
}

/// An expression with the variables that Grafana would substitute.
fn substituted(expression: &str, origin: &Origin) -> String {
    let expression = expression
        .replace("$__rate_interval", "1m")
        .replace("$job", "ffmpeg-hls-swarm")
        .replace("$instance", ".*")
        .replace("$origin", &origin.address.to_string());
    assert!(!expression.contains('$'), "{expression}");
    expression
}

/// Waits until Prometheus has a value for each expression, and queries again whenever a
/// client has exited.
fn all_have_values(prometheus: &Prometheus, swarm: &mut Program, mut expressions: Vec<String>) {
    for deaths in 1..DEATHS {
        swarm.events("client_exited", deaths);
        expressions.retain(|expression| prometheus.values(expression).is_empty());
        if expressions.is_empty() {
            return;
        }
    }
    panic!("without a value: {expressions:#?}");
}

/// Checks that every name in the expressions is a scraped family or a recorded series.
fn names_are_known(prometheus: &Prometheus, expressions: &[String]) {
    let metadata = prometheus.data("metadata");
    let known = |name: &str| metadata.get(name).is_some();
    for name in expressions.iter().flat_map(|expression| metric_names(expression)) {
        // OpenMetrics names a family of counters without the suffix.
        let family = name.strip_suffix("_total").unwrap_or(name);
        let recorded = || name.contains(':') && !prometheus.values(name).is_empty();
        assert!(known(name) || known(family_of(name)) || known(family) || recorded(), "{name}");
    }
}

fn rules_are_healthy(prometheus: &Prometheus) {
    let data = prometheus.data("rules");
    for group in data["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            assert_eq!(rule["health"], "ok", "{rule}");
        }
    }
    let alerts = || prometheus.data("alerts")["alerts"].as_array().unwrap().clone();
    // The origin's errors far exceed this threshold; the rules are evaluated at
    // intervals.
    until("the alert about errors", || {
        alerts().iter().any(|alert| alert["labels"]["alertname"] == "SwarmRequestErrors")
    });
    for alert in alerts() {
        assert!(!alert["annotations"].to_string().contains("error expanding"), "{alert}");
    }
}

#[test]
fn every_expression_has_a_value_from_a_real_scrape() {
    let origin = origin_with_faults();
    let exporter = Exporter::behaving(Behaviour::Well);
    let Some(mut swarm) = load(&origin, &exporter) else { return };
    let address = swarm.metrics();
    let Some(prometheus) = Prometheus::scraping(address, origin.address) else { return };
    let scrape = Scrape::of(address);
    // Clients started before the first scrape are in no rate: restart all of them.
    until("a scrape", || !prometheus.values("hlsswarm_clients_active").is_empty());
    swarm.children(CLIENTS).iter().for_each(|child| child.signal(Signal::KILL));
    let silent = |expression: &String| {
        let lacks = |&(family, _): &(&str, _)| {
            let exported = scrape.text.contains(&format!("# TYPE {family} "));
            expression.contains(family) && !exported
        };
        let why = NOT_EVERYWHERE.iter().find(|lacking| lacks(lacking));
        why.inspect(|(_, why)| println!("skipped {expression}: {why}")).is_some()
    };
    let mut expressions: Vec<String> = dashboard_expressions(&dashboard())
        .iter()
        .map(|expression| substituted(expression, &origin))
        .chain(rule_expressions(&prometheus))
        .collect();
    assert!(expressions.len() > 100, "{}", expressions.len());
    expressions.retain(|expression| !silent(expression));
    all_have_values(&prometheus, &mut swarm, expressions.clone());
    names_are_known(&prometheus, &expressions);
    rules_are_healthy(&prometheus);
    drop(prometheus);
    swarm.stopped();
    origin.program.stopped();
}
