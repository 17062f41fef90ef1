//! The two golden scrapes satisfy Prometheus: promtool accepts the text, and the
//! OpenMetrics form follows its specification.

#![allow(clippy::disallowed_methods, reason = "a test may start promtool")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "so does a test fail")]

use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn promtool_accepts_the_golden_scrapes() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        println!("skipped: promtool is not installed");
        return;
    };
    let scrape = include_bytes!("data/scrape.txt");
    promtool.stdin.take().unwrap().write_all(scrape).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8(said).unwrap(), "");
    assert!(output.status.success());
}

/// A family whose samples are being read.
#[derive(Default)]
struct Family<'a> {
    name: &'a str,
    kind: &'a str,
    described: HashSet<&'a str>,
    samples: usize,
}

impl<'a> Family<'a> {
    fn describe(&mut self, keyword: &'a str, text: &'a str) {
        assert_eq!(self.samples, 0, "{} is described after a sample", self.name);
        assert!(self.described.insert(keyword), "{} has {keyword} twice", self.name);
        match keyword {
            "TYPE" => self.kind = text,
            "UNIT" => assert!(self.name.ends_with(&format!("_{text}"))),
            "HELP" => assert!(!text.is_empty()),
            _ => panic!("{keyword} is unknown"),
        }
    }

    fn take_sample(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap_or_else(|_| panic!("{line:?} has no number"));
        let name = series.split('{').next().unwrap();
        let suffix = name.strip_prefix(self.name).unwrap_or_else(|| panic!("{line:?} is astray"));
        let allowed: &[&str] = match self.kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{} is of type {other:?}", self.name),
        };
        assert!(allowed.contains(&suffix), "{line:?}");
        assert_eq!(suffix == "_bucket", series.contains("{le=\""), "{line:?}");
        self.samples += 1;
    }
}

#[test]
fn openmetrics_follows_the_specification() {
    let text = include_str!("data/scrape.openmetrics");
    let body = text.strip_suffix("# EOF\n").expect("ends with EOF");
    assert!(body.ends_with('\n') && !body.contains("\n\n"));
    let mut names = HashSet::new();
    let mut series = HashSet::new();
    let mut family = Family::default();
    for line in body.lines() {
        let Some(descriptor) = line.strip_prefix("# ") else {
            assert!(series.insert(line.rsplit_once(' ').unwrap().0), "{line:?} comes twice");
            family.take_sample(line);
            continue;
        };
        let mut words = descriptor.splitn(3, ' ');
        let mut word = || words.next().unwrap();
        let (keyword, name, text) = (word(), word(), word());
        if name != family.name {
            assert!(names.insert(name), "{name} is not in one piece");
            family = Family { name, ..Family::default() };
        }
        family.describe(keyword, text);
    }
    for name in &names {
        let suffixes = ["_total", "_created", "_bucket", "_count", "_sum"];
        let stem = suffixes.iter().find_map(|suffix| names.get(name.strip_suffix(suffix)?));
        let suffixed = |stem: &&&str| {
            let is = |kind: &str| text.contains(&format!("# TYPE {stem} {kind}\n"));
            is("counter") || is("histogram")
        };
        assert_eq!(stem.filter(suffixed), None, "{name} may be a sample of another family");
    }
    assert!(names.len() > 50);
}
