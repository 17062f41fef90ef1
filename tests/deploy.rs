//! The files of docs/deploy: promtool accepts them, each alert can fire and names the
//! action, and the dashboard is complete.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts promtool")]

mod support;

use std::collections::HashSet;
use std::fs;
use std::process::Command;

use ffmpeg_hls_swarm::measures::{self, Family};
use serde_json::Value;
use support::prometheus::{dashboard, dashboard_expressions, deployed, family_of, metric_names};
use support::tools::tool;

/// Columns of a Grafana dashboard.
const COLUMNS: u64 = 24;

fn rules(file: &str) -> String {
    fs::read_to_string(deployed("prometheus").join(file)).unwrap()
}

/// The text of each rule after this keyword, up to the next rule.
fn each<'a>(rules: &'a str, keyword: &str) -> Vec<&'a str> {
    rules.split(keyword).skip(1).collect()
}

/// The families of a run and of the built-in origin.
fn families() -> impl Iterator<Item = Family> {
    measures::families(measures::all()).chain(measures::families(measures::of_origin()))
}

#[test]
fn promtool_accepts_all_files_and_rule_tests_pass() {
    let Some(promtool) = tool("promtool") else { return };
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "recording.yml"],
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
    ] {
        let mut command = Command::new(&promtool);
        let output = command.args(arguments).current_dir(deployed("prometheus")).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

#[test]
fn every_alert_fires_in_a_test_and_names_the_action() {
    let (alerts, tests) = (rules("alerts.yml"), rules("alerts.test.yml"));
    let alerts = each(&alerts, "- alert: ");
    assert!(alerts.len() > 20);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "{name} fires in no test");
        for part in ["labels: {severity: ", "about: ", "summary: \"", "description: \""] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
    }
}

#[test]
fn names_in_rules_and_dashboard_exist() {
    let (recording, alerts) = (rules("recording.yml"), rules("alerts.yml"));
    let recorded: Vec<_> =
        each(&recording, "- record: ").iter().map(|rule| rule.lines().next().unwrap()).collect();
    let expressions = dashboard_expressions(&dashboard()).join("\n");
    for text in [&recording, &alerts, &expressions] {
        for name in metric_names(text) {
            let mut families = families();
            let known = families.any(|family| [name, family_of(name)].contains(&family.name));
            assert!(known || recorded.contains(&name), "{name}");
        }
    }
    for name in recorded {
        assert!(alerts.contains(name), "{name} is recorded for nobody");
    }
}

/// The families that only a run with `-tap` has; the dashboard does not show them yet.
fn is_of_the_tap(family: &Family) -> bool {
    let all = measures::all().filter(|measure| measure.needs == measures::Needs::Exchanges);
    measures::families(all).any(|of_the_tap| of_the_tap.name == family.name)
}

#[test]
fn the_dashboard_shows_every_family_that_is_not_of_one_client() {
    let expressions = dashboard_expressions(&dashboard()).join("\n");
    let shown: HashSet<&str> =
        metric_names(&expressions).into_iter().flat_map(|name| [name, family_of(name)]).collect();
    for family in families() {
        let of_one_client = family.labels.contains(&"client");
        let may_be_missing = of_one_client || is_of_the_tap(&family);
        assert!(may_be_missing || shown.contains(family.name), "{} is not shown", family.name);
    }
}

/// The columns and rows that a panel covers.
fn cells(panel: &Value) -> Vec<(u64, u64)> {
    let of = |name: &str| panel["gridPos"][name].as_u64().unwrap();
    let (x, y, w, h) = (of("x"), of("y"), of("w"), of("h"));
    assert!(w > 0 && h > 0 && x + w <= COLUMNS, "{}", panel["title"]);
    (y..y + h).flat_map(|row| (x..x + w).map(move |column| (column, row))).collect()
}

#[test]
fn dashboard_panels_are_complete_and_do_not_overlap() {
    let dashboard = dashboard();
    let (mut ids, mut covered) = (HashSet::new(), HashSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        for cell in cells(panel) {
            assert!(covered.insert(cell), "{title} lies over another panel");
        }
        if panel["type"] == "row" {
            assert!(title.ends_with('?'), "{title} is no question");
            continue;
        }
        assert!(panel["description"].as_str().unwrap().ends_with('.'), "{title}");
        let unit = &panel["fieldConfig"]["defaults"]["unit"];
        let has_unit = unit.is_string() || panel["options"]["yAxis"]["unit"].is_string();
        assert!(has_unit || panel["type"] == "table", "{title}");
        targets_are_whole(panel, title);
    }
    assert!(ids.len() > 30);
}

fn targets_are_whole(panel: &Value, title: &str) {
    let targets = panel["targets"].as_array().unwrap();
    assert!(!targets.is_empty(), "{title}");
    let (mut references, mut legends) = (HashSet::new(), HashSet::new());
    for target in targets {
        assert!(references.insert(target["refId"].as_str().unwrap()), "{title}");
        assert!(!target["expr"].as_str().unwrap().is_empty(), "{title}");
        assert!(legends.insert(target["legendFormat"].as_str().unwrap()), "{title}");
        assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
    }
    assert!(!legends.contains(""), "{title}");
}

#[test]
fn dashboard_defines_the_variables_that_it_uses() {
    let dashboard = dashboard();
    let list = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<_> = list.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "job", "instance", "origin"]);
    let text = dashboard_expressions(&dashboard).join("\n");
    for used in text.split('$').skip(1) {
        let name = used.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap();
        assert!(names.contains(&name) || name == "__rate_interval", "${name}");
    }
}
