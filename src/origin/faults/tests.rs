//! Recipes as typed, and applied to the origin, at chosen times and by chosen clients.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{Origin, StreamSettings};
use super::*;
use crate::http::{CutEnd, Method, Request, Response, Status};
use crate::units::{Moment, Tick, Wall};

/// 2026-11-23 07:00 UTC: segment 897,708,600 begins.
const START_NS: u64 = 1_795_417_200_000_000_000;
const START_INDEX: u64 = 897_708_600;

const SEGMENT: &str = "/vod/v0/3.ts";
const MASTER: &str = "/stream.m3u8";
const MEDIA: &str = "/v0/index.m3u8";

fn recipe(text: &str) -> Recipe {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn refused(text: &str) -> String {
    text.parse::<Recipe>().expect_err(text).to_string()
}

/// An origin with recipes, and the time.
struct World {
    origin: Origin,
    faults: Faults,
    millis: u64,
}

impl World {
    fn new(recipes: &[&str]) -> Self {
        Self::seeded(recipes, 7)
    }

    fn seeded(recipes: &[&str], seed: u64) -> Self {
        let recipes = recipes.iter().map(|text| recipe(text)).collect();
        let origin = Origin::new(StreamSettings::default()).unwrap();
        Self { origin, faults: Faults::new(recipes, seed).unwrap(), millis: 0 }
    }

    fn moment(&self) -> Moment {
        let wall = START_NS + self.millis * 1_000_000;
        Moment { tick: Tick::from_millis(self.millis), wall: Wall::from_unix_nanos(wall) }
    }

    fn ask_as(&mut self, client: u32, path: &str) -> Injected {
        let agent = format!("x/client-{client}");
        let headers = [httparse::Header { name: "User-Agent", value: agent.as_bytes() }];
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        let request = Request { query, ..Request::new(Method::Get, path, &headers) };
        let at = self.moment();
        self.faults.respond(&mut self.origin, at, &request)
    }

    fn ask(&mut self, path: &str) -> Response {
        self.ask_as(0, path).response
    }

    fn text(&mut self, path: &str) -> String {
        String::from_utf8(self.ask(path).body.bytes().to_vec()).unwrap()
    }

    fn post(&mut self, body: &str, peer: [u8; 4]) -> (u16, String) {
        let headers = [httparse::Header { name: "Host", value: b"localhost" }];
        let request = Request {
            body: body.as_bytes(),
            peer: Some(peer.into()),
            ..Request::new(Method::Post, CONTROL_PATH, &headers)
        };
        let at = self.moment();
        let response = self.faults.control(&mut self.origin, at, &request);
        (response.status.0, String::from_utf8(response.body.bytes().to_vec()).unwrap())
    }

    fn injected(&self, kind: &str) -> u64 {
        self.faults.by_kind()[kind]
    }
}

fn line(playlist: &str, tag: &str) -> Option<u64> {
    playlist.lines().find_map(|line| line.strip_prefix(tag)?.parse().ok())
}

fn sequence(playlist: &str) -> u64 {
    line(playlist, "#EXT-X-MEDIA-SEQUENCE:").unwrap()
}

#[test]
fn shows_recipes_as_typed() {
    let cases = [
        ("404", "404"),
        ("404:segments:5%", "404:segments:5%"),
        ("404:0.05:segments", "404:segments:5%"),
        ("503:playlists:@30s-60s", "503:playlists:@30s-1m"),
        ("503:all:1.0:10s", "503:10s"),
        ("429", "429"),
        ("429:1s", "429"),
        ("429:5s", "429:5s"),
        ("latency:200ms", "latency:200ms"),
        ("latency:segments:100ms-900ms:/10", "latency:segments:/10:100ms-900ms"),
        ("latency:exp(300ms):12.5%", "latency:12.5%:exp(300ms)"),
        ("latency:normal(300ms,50ms)", "latency:normal(300ms,50ms)"),
        ("hang:media:0.0001%", "hang:media:0.0001%"),
        ("drip:10000B/s", "drip:10kB/s"),
        ("truncate", "truncate"),
        ("truncate:1500B:segments", "truncate:segments:1500B"),
        ("reset:0B", "reset:0B"),
        ("length", "length"),
        ("length:-1MB", "length:-1MB"),
        ("stale:@1m-", "stale:@1m-"),
        ("stale:playlists", "stale:playlists"),
        ("rewind:3", "rewind"),
        ("rewind:4", "rewind:4"),
        ("discontinuity:10", "discontinuity:10"),
        ("missing:10%", "missing:10%"),
        ("missing:segments", "missing"),
        ("redirect:307:init", "redirect:init:307"),
        ("refuse:@10s-20s", "refuse:@10s-20s"),
        ("refuse:@1s-3601s", "refuse:@1s-1h1s"),
        (" 500:keys ", "500:keys"),
    ];
    for (typed, shown) in cases {
        assert_eq!(recipe(typed).to_string(), shown, "{typed}");
        assert_eq!(recipe(shown), recipe(typed));
    }
}

#[test]
fn rejects_invalid_recipes_with_a_remedy() {
    let cases = [
        ("", "\"\" is not a kind of fault; give a status from 400 to 599 or one of latency"),
        ("slow", "\"slow\" is not a kind of fault"),
        ("200", "give a status from 400 to 599"),
        ("600", "give a status from 400 to 599"),
        ("404:1.5s", "in whole seconds"),
        ("404:segment", "\"segment\" is not a target; give one of all, playlists, master"),
        ("404:", "\"\" is not a target"),
        ("404:0%", "give the share as 5% or 0.05"),
        ("404:101%", "give the share as 5% or 0.05"),
        ("404:1.1", "give the share as 5% or 0.05"),
        ("404:0.00001%", "give the share as 5% or 0.05"),
        ("404:5%:0.05", "has more than one share; give one"),
        ("404:init:keys", "has more than one target"),
        ("404:@30s-10s", "the end after the start"),
        ("404:@30s", "give the time window as @30s-60s"),
        ("404:/0", "give /N for every Nth client"),
        ("404:/+1", "give /N for every Nth client"),
        ("latency", "latency needs a parameter; give 200ms"),
        ("latency:900ms-100ms", "latency cannot have \"900ms-100ms\"; give 200ms"),
        ("latency:11m", "up to 10m"),
        ("latency:exp(300)", "give 200ms"),
        ("hang:5s", "hang cannot have \"5s\"; give none"),
        ("drip", "give bytes a second such as 10kB/s"),
        ("drip:0B/s", "give bytes a second"),
        ("truncate:5", "give bytes such as 10kB"),
        ("length:100B", "give bytes with a sign"),
        ("stale:segments", "stale applies to playlists; remove the target"),
        ("rewind:all", "rewind applies to playlists"),
        ("rewind:0", "give a number of segments from 1 to 1000"),
        ("discontinuity:5%", "give a number of segments"),
        ("discontinuity:/2", "give a number of segments"),
        ("missing:playlists", "missing applies to segments"),
        ("redirect:304", "give a status of 301"),
        ("refuse", "refuse without an end could never be cleared"),
        ("refuse:@1s-", "refuse without an end could never be cleared"),
        ("refuse:@0s-87600h", "refuse for longer than an hour could not be cleared"),
        ("refuse:@1s-3601001ms", "refuse for longer than an hour could not be cleared"),
        ("refuse:5%:@1s-2s", "refuse applies before any request"),
        ("refuse:segments:@1s-2s", "refuse applies before any request"),
    ];
    for (text, part) in cases {
        let why = refused(text);
        assert!(why.contains(part) && !why.contains('\n'), "{text}: {why}");
    }
    assert!(refused(&"x".repeat(201)).contains("at most 200"));
}

fn kinds() -> impl Strategy<Value = String> {
    let plain = ["hang", "truncate", "reset", "length", "stale", "rewind", "missing", "redirect"];
    prop_oneof![
        (400_u16..600).prop_map(|code| code.to_string()),
        (400_u16..600, 0_u32..86_400).prop_map(|(code, secs)| format!("{code}:{secs}s")),
        prop::sample::select(plain.to_vec()).prop_map(str::to_owned),
        (0_u64..600_000).prop_map(|ms| format!("latency:{ms}ms")),
        (0_u64..1_000, 0_u64..1_000).prop_map(|(a, b)| format!("latency:{a}us-{}us", a + b)),
        (0_u64..600_000).prop_map(|ms| format!("latency:exp({ms}ms)")),
        (0_u64..600, 0_u64..600).prop_map(|(a, b)| format!("latency:normal({a}s,{b}s)")),
        (1_u64..=1_000_000_000).prop_map(|rate| format!("drip:{rate}B/s")),
        (0_u64..=1_000_000_000).prop_map(|bytes| format!("truncate:{bytes}B")),
        (1_u64..=1_000_000_000).prop_map(|bytes| format!("length:-{bytes}B")),
        (1_u64..=1_000).prop_map(|every| format!("discontinuity:{every}")),
    ]
}

proptest! {
    #[test]
    fn parses_what_is_shown(
        kind in kinds(),
        target in prop::option::of(prop::sample::select(FaultTarget::ALL.to_vec())),
        millionths in prop::option::of(1_u32..=1_000_000),
        every in prop::option::of(1_u32..),
        window in prop::option::of((0_u64..1_000_000, prop::option::of(1_u64..1_000_000))),
    ) {
        let mut text = kind;
        text.extend(target.map(|target| format!(":{target}")));
        text.extend(millionths.map(|m| format!(":{}.{:06}", m / 1_000_000, m % 1_000_000)));
        text.extend(every.map(|every| format!(":/{every}")));
        text.extend(window.map(|(from, length)| {
            let to = length.map(|length| format!("{}ms", from + length)).unwrap_or_default();
            format!(":@{from}ms-{to}")
        }));
        if let Ok(recipe) = text.parse::<Recipe>() {
            prop_assert_eq!(recipe.to_string().parse(), Ok(recipe));
        } else {
            // The kind and a field that it cannot have.
            prop_assert!(target.is_some() || millionths.is_some() || every.is_some());
        }
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in "[-a-z0-9:%./@()+kMB, ]{0,60}") {
        let _ = text.parse::<Recipe>();
    }

    #[test]
    fn share_converges(millionths in 1_u32..=1_000_000, seed: u64) {
        let share = format!("404:{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
        let mut world = World::seeded(&[&share], seed);
        let count = 2_000;
        let failed = (0..count).filter(|_| world.ask(MASTER).status == Status(404)).count() as f64;
        let share = f64::from(millionths) / 1e6;
        // Six standard deviations: exceeded once in some hundred million runs.
        let slack = 6.0 * (f64::from(count) * share * (1.0 - share)).sqrt() + 1.0;
        prop_assert!((failed - f64::from(count) * share).abs() <= slack, "{failed}");
        prop_assert_eq!(world.injected("404") as f64, failed);
    }
}

#[test]
fn faults_follow_from_the_seed() {
    let failed = |seed| {
        let mut world = World::seeded(&["404:segments:30%", "503:20%", "latency:exp(50ms)"], seed);
        let responses = (0..200).map(|_| {
            let Response { status, delivery, .. } = world.ask(SEGMENT);
            (status.0, delivery)
        });
        responses.collect::<Vec<_>>()
    };
    assert_eq!(failed(1), failed(1));
    assert_ne!(failed(1), failed(2));
}

#[test]
fn windows_are_exact() {
    let mut world = World::new(&["503:@30s-60s", "404:@90s-"]);
    let cases =
        [(0, 200), (29_999, 200), (30_000, 503), (59_999, 503), (60_000, 200), (90_000, 404)];
    for (millis, status) in cases {
        world.millis = millis;
        assert_eq!(world.ask(MASTER).status, Status(status), "{millis} ms");
    }
}

#[test]
fn posted_recipe_starts_when_posted() {
    let mut world = World::new(&["503:@0-10s"]);
    world.millis = 5_000;
    assert_eq!(world.ask(MASTER).status, Status(503));
    let (status, list) = world.post("# a remark\n404:@10s-20s\n\n", [127, 0, 0, 1]);
    assert_eq!((status, list.as_str()), (200, "404:@10s-20s # injected 0\n"));
    for (millis, status) in [(5_000, 200), (14_999, 200), (15_000, 404), (25_000, 200)] {
        world.millis = millis;
        assert_eq!(world.ask(MASTER).status, Status(status), "{millis} ms");
    }
    assert_eq!((world.injected("503"), world.injected("404")), (1, 1));
}

#[test]
fn replaces_recipes_from_this_host_only_and_atomically() {
    let mut world = World::new(&["503:media"]);
    let (status, said) = world.post("404", [192, 0, 2, 1]);
    assert_eq!((status, said.contains("on this host")), (403, true));
    let (status, said) = world.post("404\n\nstale:segments\n", [127, 1, 2, 3]);
    assert_eq!(status, 400);
    assert!(said.starts_with("line 3, \"stale:segments\": stale applies to playlists"), "{said}");
    let (status, _) = world.post(&"404\n".repeat(65), [127, 0, 0, 1]);
    assert_eq!(status, 400);
    let (status, said) = world.post("discontinuity:2\ndiscontinuity:3:@5s-", [127, 0, 0, 1]);
    assert_eq!((status, said.contains("do not overlap")), (400, true));
    let (status, said) = world.post("refuse:@0s-1h\nrefuse:@2h-2h1ms", [127, 0, 0, 1]);
    assert_eq!((status, said.contains("over an hour together")), (400, true));
    assert_eq!(world.ask(MEDIA).status, Status(503), "the old ones stay");
    assert_eq!(world.post("", [127, 0, 0, 1]), (200, "# none\n".to_owned()));
    assert_eq!(world.ask(MEDIA).status, Status(200));
    // What is shown can be posted again.
    let (_, list) = world.post("404:5%\nlatency:exp(1s):/2", [127, 0, 0, 1]);
    assert_eq!(world.post(&list, [127, 0, 0, 1]), (200, list));
}

#[test]
fn every_nth_client_stays_the_same() {
    let mut world = World::new(&["503:/3"]);
    let status = |world: &mut World, client| world.ask_as(client, MASTER).response.status.0;
    for _ in 0..2 {
        let failing: Vec<u32> = (0..10).filter(|&n| status(&mut world, n) == 503).collect();
        assert_eq!(failing, [0, 3, 6, 9]);
    }
}

#[test]
fn faults_apply_to_their_targets_only() {
    let hit =
        |target: &str, path| World::new(&[&format!("404:{target}")]).ask(path).status.0 == 404;
    for (target, master, media, segment) in [
        ("all", true, true, true),
        ("playlists", true, true, false),
        ("master", true, false, false),
        ("media", false, true, false),
        ("segments", false, false, true),
        ("init", false, false, false),
        ("keys", false, false, false),
    ] {
        let hits = [hit(target, MASTER), hit(target, MEDIA), hit(target, SEGMENT)];
        assert_eq!(hits, [master, media, segment], "{target}");
    }
    for path in ["/", "/health"] {
        assert!(!hit("all", path), "{path} belongs to no stream");
    }
}

#[test]
fn deliveries_follow_the_recipes() {
    let length = World::new(&[]).ask(SEGMENT).body.bytes().len();
    let delivery = |recipe: &str| World::new(&[recipe]).ask(SEGMENT).delivery.map(|d| *d);
    let cut = |recipe: &str| delivery(recipe).unwrap().cut.map(|cut| (cut.after, cut.end));
    assert_eq!(delivery("latency:1s").unwrap().delay, Duration::from_secs(1));
    assert_eq!(delivery("drip:2kB/s").unwrap().rate.unwrap().get(), 2_000);
    assert_eq!(cut("hang"), Some((None, CutEnd::Stall)));
    assert_eq!(cut("reset"), Some((None, CutEnd::Reset)));
    assert_eq!(cut("reset:7B"), Some((Some(7), CutEnd::Reset)));
    assert_eq!(cut("truncate"), Some((Some(length / 2), CutEnd::Close)));
    assert_eq!(cut("truncate:100B"), Some((Some(100), CutEnd::Close)));
    assert_eq!(delivery("truncate:1MB"), None, "the body is over before that");
    assert_eq!(delivery("length").unwrap().content_length, Some(length as u64 + 1_000));
    assert_eq!(delivery("length:-1MB").unwrap().content_length, Some(0));
    assert_eq!(delivery("stale"), None);
}

#[test]
fn recipes_combine_and_the_first_of_a_kind_wins() {
    let recipes = ["latency:1s", "404", "503", "latency:2s", "truncate", "hang"];
    let mut world = World::new(&recipes);
    let Injected { response, kinds } = world.ask_as(0, SEGMENT);
    assert_eq!(kinds, ["latency", "404", "truncate"]);
    assert_eq!(response.status, Status(404));
    assert_eq!(response.delivery.unwrap().delay, Duration::from_secs(1));
    let counts = ["latency", "404", "503", "truncate", "hang"].map(|kind| world.injected(kind));
    assert_eq!(counts, [1, 1, 0, 1, 0]);
}

#[test]
fn a_429_has_retry_after_and_a_redirect_a_location() {
    let field = |response: &Response, name: &str| {
        response.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string())
    };
    let limited = World::new(&["429:7s"]).ask(SEGMENT);
    assert_eq!(field(&limited, "Retry-After").as_deref(), Some("7"));
    let mut world = World::new(&["redirect:307"]);
    let moved = world.ask("/stream.m3u8?token=x");
    assert_eq!(moved.status, Status(307));
    let to = field(&moved, "Location").unwrap();
    assert_eq!(to, "/stream.m3u8?token=x&redirected");
    assert_eq!(world.ask(&to).status, Status(200));
    assert_eq!(world.injected("redirect"), 1);
}

#[test]
fn stale_playlist_is_that_of_the_start_of_its_window() {
    let mut world = World::new(&["stale:@10s-30s"]);
    world.millis = 10_000;
    let frozen = World { millis: 10_000, ..World::new(&[]) }.text(MEDIA);
    for millis in [10_000, 13_000, 29_999] {
        world.millis = millis;
        assert_eq!(world.text(MEDIA), frozen);
    }
    let vod = world.text("/vod/v0/index.m3u8");
    assert!(vod.contains("#EXT-X-ENDLIST") && !world.ask(MASTER).body.bytes().is_empty());
    assert_eq!(world.injected("stale"), 3, "live playlists alone stand still");
    world.millis = 30_000;
    assert_eq!(sequence(&world.text(MEDIA)), sequence(&frozen) + 10);
}

#[test]
fn rewinds_a_playlist() {
    let mut world = World::new(&["rewind:4:@10s-"]);
    world.millis = 9_999;
    let before = sequence(&world.text(MEDIA));
    world.millis = 10_000;
    assert_eq!(sequence(&world.text(MEDIA)), before + 1 - 4);
}

#[test]
fn missing_segments_are_the_same_for_every_client() {
    let missing = |client| {
        let mut world = World::new(&["missing:30%"]);
        world.millis = 4_000;
        let playlist = world.text(MEDIA);
        let names: Vec<_> = playlist.lines().filter(|line| line.ends_with(".ts")).collect();
        assert_eq!(names.len(), 6, "they are listed");
        let status =
            |world: &mut World, path: String| world.ask_as(client, &path).response.status.0;
        let window = START_INDEX - 10..START_INDEX;
        let found = window.filter(|index| status(&mut world, format!("/v0/{index}.ts")) == 404);
        found.collect::<Vec<_>>()
    };
    assert_eq!(missing(1), missing(2));
    assert!((1..9).contains(&missing(1).len()), "{:?}", missing(1));
}

#[test]
fn lists_and_counts_discontinuities() {
    let mut world = World::new(&["discontinuity:4:@0-40s"]);
    let even = world.text(MEDIA);
    assert!(!even.contains("#EXT-X-DISCONTINUITY\n"), "none before its start: {even}");
    let mut jumps = 0;
    for millis in (0..120_000).step_by(2_000) {
        world.millis = millis;
        let playlist = world.text(MEDIA);
        let first = sequence(&playlist);
        // 897,708,600 is a multiple of 4; the window holds 20 segments, so 5 of them.
        let gone = (START_INDEX..first).filter(|n| n % 4 == 0 && *n < START_INDEX + 20).count();
        assert_eq!(line(&playlist, "#EXT-X-DISCONTINUITY-SEQUENCE:"), Some(gone as u64));
        let mut tags = playlist.lines().filter(|line| !line.starts_with("#EXT-X-PROGRAM"));
        while let Some(line) = tags.next() {
            if line == "#EXT-X-DISCONTINUITY" {
                let name = tags.nth(1).unwrap();
                let index: u64 = name.strip_suffix(".ts").unwrap().parse().unwrap();
                assert_eq!(index % 4, 0);
                jumps += 1;
            }
        }
    }
    assert_eq!(jumps, 5 * 6, "each is listed six times");
    assert_eq!(
        world.injected("discontinuity"),
        19,
        "the playlists that contained one in its window"
    );
}

#[test]
fn refuses_connections_in_windows() {
    let mut world = World::new(&["refuse:@10s-20s", "refuse:@30s-40s", "404"]);
    let at = Tick::from_millis;
    for (millis, open, next) in [
        (0, true, Some(10_000)),
        (10_000, false, Some(20_000)),
        (19_999, false, Some(20_000)),
        (20_000, true, Some(30_000)),
        (40_000, true, None),
    ] {
        assert_eq!(world.faults.is_open(at(millis)), open, "{millis} ms");
        assert_eq!(world.faults.next_change(at(millis)), next.map(at), "{millis} ms");
    }
    world.faults.count_refusals(at(15_000));
    world.faults.count_refusals(at(16_000));
    assert_eq!(world.injected("refuse"), 1);
}
