//! Comparisons of simulated runs: how often chance is called a difference, and how
//! often a difference is found.

use std::collections::BTreeMap;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::measures::Held;
use crate::measures::distribution::Percentiles;
use crate::measures::value::total;
use crate::report::tests::put;

/// What the values of a simulated run are like.
#[derive(Debug, Clone, Copy)]
struct Model {
    clients: u32,
    /// Values of each client, but for start-up, of which it has one.
    each: u32,
    /// Standard deviation of the logarithm from client to client, and within one.
    between: f64,
    within: f64,
    /// Values are rounded to this part of their median: 1 makes ties of nearly all.
    step: f64,
    /// Failed requests of a client on average; how many a client has is exponential.
    failures: f64,
}

const EVEN: Model =
    Model { clients: 10, each: 20, between: 0.2, within: 0.2, step: 0.01, failures: 2.0 };

/// Runs whose values are skewed, correlated within a client, tied, or few.
const MODELS: [Model; 6] = [
    EVEN,
    Model { between: 0.0, within: 1.0, ..EVEN },
    Model { between: 1.0, within: 0.2, failures: 20.0, ..EVEN },
    Model { between: 0.3, within: 0.3, step: 1.0, failures: 0.1, ..EVEN },
    Model { clients: 4, each: 200, ..EVEN },
    Model { clients: 150, each: 3, between: 0.5, within: 0.5, ..EVEN },
];

struct Chance(Xoshiro256PlusPlus);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Evenly between 0, excluded, and 1.
    fn even(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Normal, with mean 0 and deviation 1 (Box and Muller).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.even().ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }
}

/// Log-normal values of all clients around this median, in millionths.
fn values(chance: &mut Chance, model: Model, each: u32, median: f64) -> Distribution {
    let step = (median * model.step).max(1.0);
    let mut recorded: BTreeMap<u64, u64> = BTreeMap::new();
    for _ in 0..model.clients {
        let client = chance.normal() * model.between;
        for _ in 0..each {
            let value = median * (client + chance.normal() * model.within).exp();
            *recorded.entry(((value / step).ceil() * step) as u64).or_default() += 1;
        }
    }
    let recorded: Vec<[u64; 2]> = recorded.into_iter().map(|(value, n)| [value, n]).collect();
    let count = total(recorded.iter().map(|&[_, n]| n));
    let at = |share: f64| {
        let mut below = 0;
        let found = recorded.iter().find(|&&[_, n]| {
            below += n;
            below as f64 >= share * count as f64
        });
        found.map_or(0.0, |&[value, _]| value as f64 / 1e6)
    };
    let percentiles =
        Percentiles { p1: at(0.01), p5: at(0.05), p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    let (unit, buckets) = ("seconds".to_owned(), Vec::new());
    Distribution { unit, count, sum: 0.0, percentiles: Some(percentiles), buckets, recorded }
}

/// So many events of each client on average.
fn events_of(chance: &mut Chance, model: Model, mean: f64) -> u64 {
    (0..model.clients).map(|_| (-chance.even().ln() * mean).round() as u64).sum()
}

/// A run whose times are `slower` times the usual.
fn simulated(chance: &mut Chance, model: Model, slower: f64, base: &Document) -> Document {
    let mut run = base.clone();
    let mut many = |median: f64| values(chance, model, model.each, median);
    let (segments, playlists) = (many(60_000.0 * slower), many(9_000.0 * slower));
    let (age, rtt) = (many(3e6 * slower), many(400.0 * slower));
    // A speed has little room above 1.
    let speed = {
        let model = Model { between: model.between / 20.0, within: model.within / 20.0, ..model };
        values(chance, model, model.each, 1e6 / slower)
    };
    let startup = values(chance, model, 1, 500_000.0 * slower);
    for (measure, times) in [
        (&requests::SEGMENT_DOWNLOAD, segments),
        (&requests::PLAYLIST_DOWNLOAD, playlists),
        (&playback::PLAYLIST_EDGE_AGE, age),
        (&playback::SPEED, speed),
        (&playback::STARTUP, startup),
        (&tcp::RTT, rtt),
    ] {
        put(&mut run, measure, Held::Times(times));
    }
    let failed = events_of(chance, model, model.failures * slower);
    let reason = ["segment".to_owned(), "timeout".to_owned()];
    put(&mut run, &requests::ERRORS, Held::Groups(vec![(reason, failed)]));
    let asked = ("segment".to_owned(), u64::from(model.clients) * 400);
    put(&mut run, &requests::BY_KIND, Held::Counts(vec![asked]));
    for (measure, mean) in
        [(&requests::SEGMENTS_SKIPPED, 0.2), (&playback::STALLS, 0.5), (&processes::RESTARTED, 0.1)]
    {
        put(&mut run, measure, Held::Whole(events_of(chance, model, mean * slower)));
    }
    put(&mut run, &clients::EVER_STARTED, Held::Whole(model.clients.into()));
    put(&mut run, &clients::ACTIVE_TIME, Held::Number(f64::from(model.clients) * 60.0));
    run
}

/// What the page of two runs says of each row that is tested.
fn compared(runs: [&Document; 2]) -> Vec<(String, Difference)> {
    let rows = rows(runs);
    let judged = judged(&rows);
    let names = rows.into_iter().filter(|row| row.tested.is_some()).map(|row| row.name);
    names.zip(judged.into_iter().map(|judged| judged.difference)).collect()
}

fn base() -> Document {
    let mut base = super::super::tests::good();
    base.series = None;
    base
}

fn is_told(difference: Difference) -> bool {
    matches!(difference, Difference::Larger | Difference::Smaller)
}

#[test]
fn runs_that_are_alike_are_called_different_in_one_page_of_twenty_at_most() {
    const PAGES: u64 = 60;
    let base = base();
    for (number, model) in MODELS.into_iter().enumerate() {
        let mut chance = Chance::new(number as u64);
        let wrong = (0..PAGES).filter(|_| {
            let [a, b] = [(); 2].map(|()| simulated(&mut chance, model, 1.0, &base));
            compared([&a, &b]).iter().any(|&(_, difference)| is_told(difference))
        });
        let wrong = wrong.count() as u64;
        assert!(wrong * 20 <= PAGES, "{wrong} of {PAGES} pages of {model:?}");
    }
}

#[test]
fn twice_the_value_is_found_with_ten_clients() {
    const PAGES: usize = 60;
    let base = base();
    let mut chance = Chance::new(7);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..PAGES {
        let [a, b] = [1.0, 2.0].map(|slower| simulated(&mut chance, EVEN, slower, &base));
        for (name, difference) in compared([&a, &b]) {
            *found.entry(name).or_default() += usize::from(is_told(difference));
        }
    }
    for name in ["Segment times", "Playlist times", "Start-up", "Playlist edge age", "Speed"] {
        let found = found[&format!("{name} P50")];
        assert!(found * 20 >= PAGES * 19, "{name}: {found} of {PAGES}");
    }
}

#[test]
fn ten_start_ups_without_overlap_differ() {
    let [mut a, mut b] = [base(), base()];
    for (run, median) in [(&mut a, 163_000.0), (&mut b, 3_700_000.0)] {
        put(run, &clients::EVER_STARTED, Held::Whole(10));
        put(run, &processes::RESTARTED, Held::Whole(1));
        let startup = values(&mut Chance::new(1), EVEN, 1, median);
        put(run, &playback::STARTUP, Held::Times(startup));
    }
    let found = |name: &str| {
        let rows = compared([&a, &b]);
        rows.into_iter().find(|(row, _)| row == name).unwrap().1
    };
    assert_eq!(found("Start-up P50"), Difference::Larger);
    assert_eq!(found("Start-up P95"), Difference::TooFew(10));
    let mut html = Html::default();
    differences(&mut html, ["a", "b"], [&a, &b]);
    let page = html.into_page();
    assert!(page.contains("too few values (10)") && page.contains("too few events (2)"));
    assert!(page.contains("ranks, p "), "{page}");
}
