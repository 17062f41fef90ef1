//! End to end: the origin's exporters, with a real node_exporter, a real nginx and
//! fakes that misbehave.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a misbehaving target must run beside the program")]

mod support;

use std::net::TcpListener;

use serde_json::Value;
use support::exporter::{Behaviour, Exporter, node_exporter};
use support::fake::Fake;
use support::http::{Scrape, get};
use support::nginx::Nginx;
use support::program::{Program, Setup};

const FAILED: &str = "hlsswarm_origin_scrape_failures_total{target=\"host\"}";

fn load(fake: &Fake, args: &[&str]) -> Setup {
    Setup::faking(fake, "wait")
        .args(&["-clients", "2", "-ramp-rate", "100", "-ramp-jitter", "0"])
        .args(&["-origin-metrics-interval", "500ms"])
        .args(args)
}

fn has(scrape: &Scrape, sample: &str) -> bool {
    scrape.text.lines().any(|line| line.starts_with(sample))
}

/// Its end, and its summary as JSON.
fn summary(program: Program, file: &std::path::Path) -> (String, Value) {
    let ended = program.stopped();
    let text = std::fs::read_to_string(file).unwrap();
    (ended.stdout, serde_json::from_str(&text).unwrap())
}

#[test]
fn polls_a_real_node_exporter_and_nginx() {
    let fake = Fake::named("ffmpeg");
    let (Some(node), Some(nginx)) = (node_exporter(), Nginx::with_status()) else { return };
    let folder = support::folder();
    let file = folder.path().join("run.json");
    let mut program = load(&fake, &["-summary-json", file.to_str().unwrap()])
        .args(&["-origin-metrics", &format!("http://{}", node.address)])
        .args(&["-nginx-metrics", &nginx.url("status")])
        .start();
    let scrape = program.scraped("the exporters are polled", |scrape| {
        let _ = get(nginx.address(), "/status");
        let all = ["host_cpu_used_ratio", "host_memory_used_bytes", "nginx_requests_per_second"];
        all.iter().all(|name| has(scrape, &format!("hlsswarm_origin_{name}{{stat=\"max\"}}")))
            && scrape.get("hlsswarm_origin_nginx_requests_total") >= 5.0
    });
    let used = scrape.get("hlsswarm_origin_host_cpu_used_ratio{stat=\"last\"}");
    assert!((0.0..=1.0).contains(&used), "{used}");
    let memory = scrape.get("hlsswarm_origin_host_memory_bytes");
    assert!(scrape.get("hlsswarm_origin_host_memory_available_bytes") < memory);
    assert!(scrape.get("hlsswarm_origin_nginx_connections_active{stat=\"last\"}") >= 1.0);
    for target in ["host", "nginx"] {
        assert_eq!(scrape.get(&format!("hlsswarm_origin_up{{target=\"{target}\"}}")), 1.0);
    }
    let (page, json) = summary(program, &file);
    assert!(page.contains("Origin's host") && page.contains("Origin's nginx"), "{page}");
    assert!(json["origin_side"]["host"]["cpu_used"]["count"].as_u64() > Some(0), "{json}");
    assert!(json["origin_side"]["nginx"]["requests"].as_f64() >= Some(5.0), "{json}");
}

#[test]
fn misbehaving_exporters_do_not_affect_the_load() {
    let fake = Fake::named("ffmpeg");
    let behaviours = [
        (Behaviour::Hangs, "no response within 500ms"),
        (Behaviour::Drips, "no response within 500ms"),
        (Behaviour::Garbage, "the response is not HTTP"),
        (Behaviour::Html, "the response is not that of node_exporter"),
        (Behaviour::Huge, "the response body is too long"),
        (Behaviour::Closes, "closed before the end of the response"),
        (Behaviour::Cuts, "closed before the end of the response"),
        (Behaviour::Fails, "HTTP status 500"),
    ];
    for (behaviour, why) in behaviours {
        let target = Exporter::behaving(behaviour);
        fails(&fake, &format!("http://{}/metrics", target.address), why);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fails(&fake, &format!("http://{nobody}/metrics"), "Connection refused");
}

/// Checks a load whose polls fail.
fn fails(fake: &Fake, url: &str, why: &str) {
    let folder = support::folder();
    let file = folder.path().join("run.json");
    let args = ["-origin-metrics", url, "-summary-json", file.to_str().unwrap()];
    let mut program = load(fake, &args).start();
    let scrape = program.scraped(why, |scrape| has(scrape, FAILED) && scrape.get(FAILED) >= 3.0);
    assert_eq!(scrape.get("hlsswarm_clients_active"), 2.0);
    assert_eq!(scrape.get("hlsswarm_origin_up{target=\"host\"}"), 0.0);
    assert!(!has(&scrape, "hlsswarm_origin_host_"), "{}", scrape.text);
    let down = program.event("origin_metrics_down");
    assert!(down["why"].as_str().unwrap().starts_with(why), "{down}");
    assert_eq!(program.seen("origin_metrics_down").len(), 1);
    let (page, json) = summary(program, &file);
    assert!(page.contains(&format!("last failure: {why}")), "{page}");
    assert!(json["origin_side"]["host"]["asked"]["failures"].as_u64() >= Some(3), "{json}");
    assert!(json["origin_side"]["host"].get("cpu_used").is_none(), "{json}");
}

#[test]
fn silent_exporter_goes_stale_and_recovers() {
    let fake = Fake::named("ffmpeg");
    let target = Exporter::behaving(Behaviour::Well);
    let url = format!("http://{}/metrics", target.address);
    let mut program = load(&fake, &["-origin-metrics", &url]).start();
    let cpu = "hlsswarm_origin_host_cpu_used_ratio{stat=\"last\"}";
    program.scraped("it is polled", |scrape| has(scrape, cpu));
    target.behave(Behaviour::Closes);
    program.scraped("its values are gone", |scrape| {
        scrape.get(FAILED) >= 3.0 && !has(scrape, "hlsswarm_origin_host_")
    });
    target.behave(Behaviour::Well);
    let scrape = program.scraped("it is polled again", |scrape| has(scrape, cpu));
    assert_eq!(scrape.get("hlsswarm_origin_up{target=\"host\"}"), 1.0);
    program.events("origin_metrics_up", 2);
    program.stopped();
}

#[test]
fn unknown_exporter_host_prevents_the_start() {
    let fake = Fake::named("ffmpeg");
    let ended = load(&fake, &["-origin-metrics", "http://no-such-host.invalid:9100"]).run();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let said = ended.log.last().unwrap();
    assert!(said.contains("the host is not found") && said.contains("give its address"), "{said}");
}
