//! Pages are well-formed, contain no markup of others and show what the file contains.

use std::sync::OnceLock;
use std::time::Duration;

use proptest::prelude::*;
use roxmltree::{Document as Tree, Node, ParsingOptions};
use serde_json::Value;

use super::*;
use crate::measures::fixture::{Numbers, busy_run, stream};
use crate::measures::{
    self, Ending, Held, Scene, clients, generator, host, log, over_time, processes, run as of_run,
    shortfalls,
};
use crate::stats::{Health, ProcessUse, Series, Snapshot, Totals};
use crate::summary::fixture::{ended, full};
use crate::units::Tick;

/// A minute in which the numbers of the fixture came bit by bit.
fn series(numbers: &Numbers, end: &Scene<'_>) -> Series {
    let mut series = Series::new(Tick::ZERO);
    let mut totals = Totals::default();
    for second in 1..60 {
        totals.started += 1;
        if second % 10 == 0 {
            stream(&mut totals);
            totals.playback.startup.record(Duration::from_millis(second * 20));
        }
        let now = Tick::from_millis(second * 1_000);
        let own = ProcessUse { cpu: Duration::from_millis(second * 9), ..numbers.health.process };
        let health = Health { process: own, ..Health::default() };
        let snapshot = Snapshot { now, totals: &totals, ..*end.snapshot };
        let scene = Scene { snapshot: &snapshot, health: &health, ..*end };
        series.observe(now, &over_time::column_values(&scene));
    }
    let snapshot = Snapshot { totals: &totals, ..*end.snapshot };
    let health = Health::default();
    let scene = Scene { snapshot: &snapshot, health: &health, ..*end };
    series.finish(snapshot.now, &over_time::column_values(&scene));
    series
}

/// The fixture as a file.
fn text() -> String {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let mut of = ended(&snapshot, &numbers.health);
    of.scene.exporters = Some(&numbers.exporters);
    of.run.ending = Ending::Signal("SIGINT");
    of.run.url = "http://***@h/a";
    of.run.repeat_command = "ffmpeg-hls-swarm -seed 42 'http://***@h/a'";
    of.run.dangerous = true;
    let series = series(&numbers, &of.scene);
    of.series = Some(&series);
    of.json()
}

fn run() -> Document {
    Document::parse(&text()).unwrap()
}

/// Sets the value of a measure.
pub(super) fn put(run: &mut Document, measure: &Measure, held: Held) {
    run.values.put(measure, Some(held));
}

fn count(run: &mut Document, measure: &Measure, count: u64) {
    put(run, measure, Held::Whole(count));
}

/// Takes a section away.
fn forget(run: &mut Document, section: &str) {
    let of_section = measures::fields().filter(|measure| {
        measure.field.is_some_and(|field| field.split('.').next() == Some(section))
    });
    of_section.for_each(|measure| run.values.put(measure, None));
}

/// A run that went well.
pub(super) fn good() -> Document {
    let mut run = run();
    put(&mut run, &shortfalls::SHORTFALLS, Held::Texts(Vec::new()));
    put(&mut run, &log::ERROR_PATTERNS, Held::Patterns(Vec::new()));
    put(&mut run, &processes::OUTCOMES, Held::Counts(Vec::new()));
    count(&mut run, &clients::NEVER_PLAYED, 0);
    for measure in [&clients::KEPT_BY, &clients::KEPT_EXAMPLE] {
        run.values.put(measure, None);
    }
    put(&mut run, &requests::ERRORS, Held::Groups(Vec::new()));
    for measure in [
        &requests::SEGMENTS_SKIPPED,
        &requests::SEQUENCE_JUMPS,
        &requests::RELOAD_FAILURES,
        &playback::STALLS,
    ] {
        count(&mut run, measure, 0);
    }
    run
}

fn parsed(page: &str) -> Tree<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Tree::parse_with_options(page, options).unwrap()
}

fn named<'a, 'b>(tree: &'b Tree<'a>, name: &'b str) -> impl Iterator<Item = Node<'b, 'a>> + 'b {
    tree.descendants().filter(move |node| node.has_tag_name(name))
}

/// All text of a node.
fn words(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect()
}

/// The names of all elements.
fn elements(page: &str) -> Vec<String> {
    let tree = parsed(page);
    let elements = tree.descendants().filter(Node::is_element);
    elements.map(|element| element.tag_name().name().to_owned()).collect()
}

fn pages() -> [String; 4] {
    let mut nothing = good();
    nothing.series = None;
    [page(&run()), page(&good()), page(&nothing), compare(&run(), &good())]
}

#[test]
fn every_page_is_well_formed_and_has_its_landmarks() {
    for page in pages() {
        let tree = parsed(&page);
        assert_eq!(tree.root_element().attribute("lang"), Some("en"));
        for landmark in ["header", "main", "footer", "h1"] {
            assert_eq!(named(&tree, landmark).count(), 1, "{landmark}");
        }
        let mut ids: Vec<_> = tree.descendants().filter_map(|node| node.attribute("id")).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id came twice");
    }
}

#[test]
fn headings_are_in_order() {
    for page in pages() {
        let tree = parsed(&page);
        let levels = tree.descendants().filter_map(|node| match node.tag_name().name() {
            "h1" => Some(1),
            "h2" => Some(2),
            "h3" => Some(3),
            _ => None,
        });
        let levels: Vec<i32> = levels.collect();
        assert_eq!(levels[0], 1);
        assert!(levels.windows(2).all(|pair| pair[1] - pair[0] <= 1), "{levels:?}");
    }
}

#[test]
fn tables_and_drawings_say_what_they_are() {
    for page in pages() {
        let tree = parsed(&page);
        for table in named(&tree, "table") {
            assert!(table.children().any(|child| child.has_tag_name("caption")));
        }
        assert!(named(&tree, "th").all(|head| head.attribute("scope").is_some()));
        let drawings: Vec<_> =
            tree.descendants().filter(|node| node.tag_name().name() == "svg").collect();
        assert!(!drawings.is_empty());
        for drawing in drawings {
            assert_eq!(drawing.attribute("role"), Some("img"));
            for id in drawing.attribute("aria-labelledby").unwrap().split(' ') {
                let named = drawing.children().find(|child| child.attribute("id") == Some(id));
                assert!(!words(named.unwrap()).is_empty(), "{id} says nothing");
            }
        }
    }
}

#[test]
fn nothing_outside_the_page_is_named() {
    for page in pages() {
        let tree = parsed(&page);
        for node in tree.descendants() {
            let name = node.tag_name().name();
            let outside = ["script", "link", "img", "iframe", "object", "use", "a", "base"];
            assert!(!outside.contains(&name), "{name}");
            for attribute in node.attributes() {
                let name = attribute.name();
                assert!(!["src", "href", "style"].contains(&name) && !name.starts_with("on"));
            }
        }
        assert!(!page.contains("url(") && !page.contains("@import"));
        let policy = tree.descendants().find_map(|node| node.attribute("content"));
        assert!(policy.unwrap().starts_with("default-src 'none';"));
    }
}

#[test]
fn what_a_file_says_is_text_and_never_markup() {
    let hostile = "</title></style></code></svg>--><script>alert(1)</script><img src=x onerror=1>\
                   ]]>\"' &lt; \u{0}\u{1b}[31m\u{202e}";
    let mut run = run();
    let harmless = elements(&page(&run));
    let text = || Held::Text(hostile.to_owned());
    for measure in [
        &of_run::COMMAND,
        &of_run::FFMPEG_VERSION,
        &of_run::VERSION,
        &of_run::SIGNAL,
        &of_run::METRICS_ADDRESS,
    ] {
        put(&mut run, measure, text());
    }
    let mut patterns = run.values.patterns(&log::ERROR_PATTERNS).to_vec();
    patterns[0].pattern = hostile.to_owned();
    put(&mut run, &log::ERROR_PATTERNS, Held::Patterns(patterns));
    let mut found = run.values.texts(&shortfalls::SHORTFALLS).to_vec();
    found[0] = hostile.to_owned();
    put(&mut run, &shortfalls::SHORTFALLS, Held::Texts(found));
    for measure in [&processes::OUTCOMES, &processes::EXITS] {
        let mut counts = run.values.counts(measure).to_vec();
        let came = counts.iter_mut().rfind(|(_, count)| *count > 0).unwrap();
        came.0 = format!("{hostile}{}", came.0);
        put(&mut run, measure, Held::Counts(counts));
    }
    let page = page(&run);
    assert_eq!(elements(&page), harmless);
    let text = words(parsed(&page).root_element());
    assert!(text.matches("<script>alert(1)</script>").count() >= 7, "{text}");
    assert_eq!(elements(&compare(&run, &run)).iter().filter(|name| *name == "script").count(), 0);
}

#[test]
fn numbers_that_cannot_be_do_no_harm() {
    let mut run = run();
    put(&mut run, &of_run::DURATION, Held::Number(f64::MAX));
    put(&mut run, &host::START_TIME, Held::Number(-1e300));
    put(&mut run, &clients::ACTIVE_TIME, Held::Number(-5.0));
    let series = run.series.as_mut().unwrap();
    series.duration_seconds = -1.0;
    series.interval_seconds = 0.0;
    series.counters.insert("bytes".to_owned(), vec![u64::MAX; 3]);
    series.gauges.insert("active_clients".to_owned(), vec![u64::MAX]);
    let times = series.times.get_mut("startup").unwrap();
    times.p50 = vec![Some(1e308), None, Some(-1.0)];
    let mut startup = run.values.times(&playback::STARTUP).unwrap().clone();
    startup.recorded = vec![[u64::MAX, u64::MAX], [0, 1]];
    put(&mut run, &playback::STARTUP, Held::Times(startup));
    for page in [page(&run), compare(&run, &good())] {
        parsed(&page);
        assert!(!page.contains("NaN") && !page.contains("inf\""));
    }
}

/// Made once, since it takes a while.
static TEXT: OnceLock<String> = OnceLock::new();

/// The leaves of a file, one after the other.
fn leaves<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| leaves(item, found)),
        Value::Object(fields) => fields.values_mut().for_each(|field| leaves(field, found)),
        leaf => found.push(leaf),
    }
}

/// What a file may say in place of a whole number, another number and a text.
fn anything() -> impl Strategy<Value = (u64, f64, String)> {
    let whole =
        prop_oneof![any::<u32>().prop_map(u64::from), any::<u64>(), Just(0), Just(u64::MAX)];
    let number = prop_oneof![any::<f64>(), Just(0.0), Just(-1e300), Just(f64::MAX)];
    (whole, number.prop_filter("JSON has no others", |n| n.is_finite()), "\\PC*")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_file_changed_by_hand_is_refused_or_shown(
        changes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..30),
    ) {
        let mut value: Value = serde_json::from_str(TEXT.get_or_init(text)).unwrap();
        let whole_run = Document::parse(TEXT.get_or_init(text)).unwrap();
        for (place, (whole, number, text)) in changes {
            let mut found = Vec::new();
            leaves(&mut value, &mut found);
            let place = place.index(found.len());
            let leaf = found.swap_remove(place);
            *leaf = match leaf {
                Value::Number(old) if old.is_u64() => whole.into(),
                Value::Number(_) => number.into(),
                Value::String(_) => text.into(),
                _ => continue,
            };
        }
        if let Ok(changed) = Document::parse(&value.to_string()) {
            parsed(&page(&changed));
            parsed(&compare(&changed, &whole_run));
            parsed(&compare(&whole_run, &changed));
        }
    }
}

#[test]
fn the_verdict_stands_first_in_the_words_of_the_summary() {
    let headline = |run: &Document| {
        let page = page(run);
        let tree = parsed(&page);
        let section = named(&tree, "section").next().unwrap();
        let found = section.descendants().find(|node| node.attribute("class") == Some("headline"));
        words(found.unwrap())
    };
    let whole = run();
    assert_eq!(
        headline(&whole),
        "FAILED: this host, not the origin, was a bottleneck of this run."
    );
    assert!(page(&whole).contains("of the starts came late: ask for a lower -ramp-rate"));
    assert_eq!(
        headline(&good()),
        "PASSED: every client was served well. This host was not the bottleneck."
    );
    let mut failing = good();
    count(&mut failing, &playback::STALLS, 3);
    let want = "FAILED: not every client was served well. This host was not the bottleneck.";
    assert_eq!(headline(&failing), want);
    let mut rewound = good();
    count(&mut rewound, &requests::SEQUENCE_JUMPS, 2);
    assert_eq!(headline(&rewound), want);
    assert!(page(&rewound).contains("<li>the media sequence of a playlist jumped 2 times</li>"));
    let mut few = good();
    count(&mut few, &clients::PEAK_ACTIVE, 3);
    put(&mut few, &clients::TARGET_REACHED, Held::Flag(false));
    let want = "the target was not reached; 3 of 10 clients ran at once at most";
    assert_eq!(headline(&few), format!("FAILED: {want}."));
    let mut unmeasured = few.clone();
    forget(&mut unmeasured, "requests");
    forget(&mut unmeasured, "playback");
    assert_eq!(headline(&unmeasured), format!("FAILED: {want}."));
    count(&mut few, &playback::STALLS, 3);
    assert!(page(&few).contains(&format!("<li>{want}</li>")));
    let mut blind = good();
    forget(&mut blind, "requests");
    forget(&mut blind, "playback");
    assert_eq!(headline(&blind), "PASSED: no process failed. Nothing else was measured.");
    let mut silent = good();
    count(&mut silent, &clients::NEVER_PLAYED, 10);
    put(&mut silent, &clients::KEPT_EXAMPLE, Held::Text("dns: Failed to resolve".to_owned()));
    assert_eq!(headline(&silent), "FAILED: no client received media.");
    let why = "10 of 10 clients never received media, for example dns: Failed to resolve";
    assert!(page(&silent).contains(why));
    let mut none = good();
    count(&mut none, &processes::STARTED, 0);
    assert_eq!(headline(&none), "FAILED: no client could be started.");
}

#[test]
fn no_part_is_larger_than_its_whole() {
    let mut run = good();
    count(&mut run, &clients::PEAK_ACTIVE, 40);
    let failed = (["playlist".to_owned(), "connect".to_owned()], 18);
    put(&mut run, &requests::ERRORS, Held::Groups(vec![failed]));
    put(&mut run, &requests::BY_KIND, Held::Counts(Vec::new()));
    let text = words(parsed(&page(&run)).root_element());
    assert!(text.contains("18 requests failed") && !text.contains("18 of"), "{text}");
    assert!(
        text.contains("0 requests observed") && text.contains("target 10 at the end"),
        "{text}"
    );
    let text = words(parsed(&compare(&run, &good())).root_element());
    assert!(text.contains("18 (122.03 per client-hour)"), "{text}");
    assert!(!text.contains("18 (n/a)"), "{text}");
}

#[test]
fn a_standstill_stands_beside_every_verdict() {
    let shown = "this program stood still for 2.5 s, 42.5 s after the start; what clients did";
    let mut failing = good();
    count(&mut failing, &playback::STALLS, 3);
    for run in [good(), failing] {
        assert!(page(&run).contains(shown));
        let mut calm = run;
        count(&mut calm, &generator::STANDSTILLS, 0);
        assert!(!page(&calm).contains("tood still"));
    }
}

#[test]
fn a_run_beside_itself_does_not_differ() {
    let page = compare(&run(), &run());
    assert!(!page.contains("better</td>") && !page.contains("worse</td>"));
    let with_times = |us: [u64; 2]| {
        let mut run = good();
        let mut times = run.values.times(&requests::SEGMENT_DOWNLOAD).unwrap().clone();
        times.recorded = us.map(|us| [us, 1_000]).to_vec();
        times.percentiles.as_mut().unwrap().p50 = us[0] as f64 / 1e6;
        put(&mut run, &requests::SEGMENT_DOWNLOAD, Held::Times(times));
        run
    };
    let (slower, faster) = (with_times([900_000, 950_000]), with_times([100_000, 150_000]));
    let judged = |page: &str, word: &str| page.matches(&format!("{word}</td>")).count();
    let page = compare(&slower, &faster);
    assert_eq!((judged(&page, "better"), judged(&page, "worse")), (1, 0));
    let page = compare(&faster, &slower);
    assert_eq!((judged(&page, "better"), judged(&page, "worse")), (0, 1));
}

#[test]
fn a_plot_of_each_kind_is_drawn() {
    let page = page(&run());
    for title in [
        "Clients",
        "Throughput",
        "Requests",
        "Failures",
        "Stalls",
        "Segment times",
        "Playlist times",
        "Start-up",
        "Playlist edge age",
        "Speed",
        "CPU of this program, of one core",
    ] {
        assert!(page.contains(&format!("<h3>{title}</h3>")), "{title}");
    }
    assert!(page.contains("3 of 93 segment downloads could be timed."));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[test]
fn what_a_merge_leaves_out_is_not_needed() {
    let mut value: Value = serde_json::from_str(&text()).unwrap();
    for (section, fields) in [
        ("run", &["ended", "signal", "metrics_address", "started_unix_seconds"][..]),
        ("clients", &["median_active", "peak_active"]),
    ] {
        fields
            .iter()
            .for_each(|field| drop(value[section].as_object_mut().unwrap().remove(*field)));
    }
    for field in ["series", "version", "ffmpeg_version"] {
        value.as_object_mut().unwrap().remove(field);
    }
    value["clients"]["peak_active_at_most"] = 12.into();
    let merged = Document::parse(&value.to_string()).unwrap();
    let page = page(&merged);
    parsed(&page);
    assert!(page.contains("at most 12"));
    assert!(page.contains("contains no data over time"));
}

#[test]
fn the_origins_load_is_shown_where_it_was_polled() {
    let mut run = run();
    let shown = page(&run);
    for part in ["s own load</h2>", "100.1 Mbit/s", "Its nginx: http://origin:9113/metrics"] {
        assert!(shown.contains(part), "{part}");
    }
    assert!(shown.contains("1 failed (last: no response within 2s)"));
    forget(&mut run, "origin_side");
    assert!(!page(&run).contains("s own load</h2>"));
}

#[test]
fn a_report_of_the_run_equals_one_of_its_file() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let mut of = full(&snapshot, &numbers.health);
    of.scene.exporters = Some(&numbers.exporters);
    let read_back = Document::parse(&of.json()).unwrap();
    assert_eq!(page(&of.document()), page(&read_back));
}
