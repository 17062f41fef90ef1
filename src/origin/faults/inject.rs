//! The recipes in force, and what they make of the origin's answers.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use super::super::Origin;
use super::super::Thing;
use super::super::playlist::Window;
use super::super::reply::words;
use super::fields::REFUSAL_MAX;
use super::recipe::{Kind, Recipe};
use super::select::{Client, draw, lateness, number_of};
use crate::http::{Cut, CutEnd, Delivery, Method, Request, Response};
use crate::units::{Moment, Tick, Wall, nanos};

/// Most recipes at once: each costs every request a look.
const RECIPES_MAX: usize = 64;

/// Where the live stream is not.
const ON_DEMAND: &str = "/vod/";

/// What the query of a redirected request says, so that it is not redirected for
/// ever.
const REDIRECTED: &str = "redirected";

/// An answer, and the kinds of the faults in it.
#[derive(Debug)]
pub struct Injected {
    /// What goes out, and how.
    pub response: Response,
    /// The names of the kinds, in the order of the recipes.
    pub kinds: Vec<String>,
}

/// A recipe in force.
#[derive(Debug)]
struct Rule {
    recipe: Recipe,
    /// Requests that the share was drawn for.
    met: u64,
    /// Times that it had an effect.
    injected: u64,
}

/// The recipes in force.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    /// When their time began; `None` until the first request, which tells the
    /// wall clock. It is then the start of the reactor.
    since: Option<Moment>,
    rules: Vec<Rule>,
    /// Faults by kind, of these recipes and of those before them.
    by_kind: BTreeMap<String, u64>,
}

impl Faults {
    /// These recipes from the start of the reactor on.
    ///
    /// # Errors
    /// When they cannot be in force together, in one line with the remedy.
    pub fn new(recipes: Vec<Recipe>, seed: u64) -> Result<Self, String> {
        check(&recipes)?;
        let by_kind = Kind::NAMES.map(|name| (name.to_owned(), 0)).into();
        let mut faults = Self { seed, since: None, rules: Vec::new(), by_kind };
        faults.put(recipes);
        Ok(faults)
    }

    /// These recipes from now on, in place of those before.
    ///
    /// # Errors
    /// When they cannot be in force together; those before then stay.
    pub fn replace(
        &mut self,
        origin: &mut Origin,
        at: Moment,
        recipes: Vec<Recipe>,
    ) -> Result<(), String> {
        check(&recipes)?;
        self.put(recipes);
        self.begin(origin, at);
        self.count_refusals(at.tick);
        Ok(())
    }

    fn put(&mut self, recipes: Vec<Recipe>) {
        for recipe in &recipes {
            self.by_kind.entry(recipe.kind.name()).or_default();
        }
        let rule = |recipe| Rule { recipe, met: 0, injected: 0 };
        self.rules = recipes.into_iter().map(rule).collect();
    }

    /// Their time begins.
    fn begin(&mut self, origin: &mut Origin, since: Moment) {
        self.since = Some(since);
        let since_ns = since.wall.as_unix_nanos();
        let timeline = origin.timeline_mut();
        let first = |after| timeline.first_from(since_ns.saturating_add(nanos(after)));
        let runs: Vec<_> = (self.rules.iter())
            .filter_map(|rule| match rule.recipe.kind {
                Kind::Discontinuity(every) => {
                    let window = rule.recipe.window;
                    let end = window.to.map_or(u64::MAX, first);
                    Some((first(window.from)..end, every))
                }
                _ => None,
            })
            .collect();
        let now = first(Duration::ZERO);
        timeline.go_on(now, runs);
    }

    /// The recipes with the times that each had an effect.
    pub fn list(&self) -> impl Iterator<Item = (&Recipe, u64)> {
        self.rules.iter().map(|rule| (&rule.recipe, rule.injected))
    }

    /// Faults injected by kind since the start; those known before at 0.
    #[must_use]
    pub fn by_kind(&self) -> &BTreeMap<String, u64> {
        &self.by_kind
    }

    /// Whether connections are taken.
    #[must_use]
    pub fn is_open(&self, now: Tick) -> bool {
        let elapsed = now.since(self.since.unwrap_or_default().tick);
        let refuses =
            |rule: &Rule| rule.recipe.kind == Kind::Refuse && rule.recipe.window.holds(elapsed);
        !self.rules.iter().any(refuses)
    }

    /// When [`Faults::is_open`] may change next, after `now`.
    #[must_use]
    pub fn next_change(&self, now: Tick) -> Option<Tick> {
        let since = self.since.unwrap_or_default().tick;
        let refusals = self.rules.iter().filter(|rule| rule.recipe.kind == Kind::Refuse);
        let edges =
            refusals.flat_map(|rule| [Some(rule.recipe.window.from), rule.recipe.window.to]);
        edges.flatten().map(|edge| since.after(edge)).filter(|&edge| edge > now).min()
    }

    /// Counts the windows without connections that have begun by now.
    pub fn count_refusals(&mut self, now: Tick) {
        let elapsed = now.since(self.since.unwrap_or_default().tick);
        for rule in &mut self.rules {
            let begun = rule.recipe.kind == Kind::Refuse && rule.recipe.window.from <= elapsed;
            if begun && rule.injected == 0 {
                rule.injected = 1;
                *self.by_kind.entry(rule.recipe.kind.name()).or_default() += 1;
            }
        }
    }

    /// Answers a request as the recipes in force have it.
    pub fn respond(&mut self, origin: &mut Origin, at: Moment, request: &Request<'_>) -> Injected {
        if self.since.is_none() {
            let wall = at.wall.as_unix_nanos().saturating_sub(at.tick.as_nanos());
            self.begin(origin, Moment { tick: Tick::ZERO, wall: Wall::from_unix_nanos(wall) });
        }
        let meant = self.meant(at, request);
        let (shown, told) = self.moment(origin, at, request, &meant);
        let mut response = origin.respond(shown, request);
        let mut kinds = Vec::new();
        let mut replaced = false;
        for (number, drawn) in meant {
            let Some(rule) = self.rules.get_mut(number) else { continue };
            let kind = rule.recipe.kind;
            let effective = match kind {
                Kind::Stale | Kind::Rewind(_) => told == Some(number),
                Kind::Discontinuity(_) => {
                    is_live_playlist(request) && origin.tells_of_a_jump(shown.wall)
                }
                _ => match replacement(kind, request).filter(|_| !replaced) {
                    Some(other) => {
                        let delivery = response.delivery.take();
                        response = Response { delivery, ..other };
                        replaced = true;
                        true
                    }
                    None => alter(kind, &mut response, request, drawn),
                },
            };
            if effective {
                rule.injected += 1;
                *self.by_kind.entry(kind.name()).or_default() += 1;
                kinds.push(kind.name());
            }
        }
        Injected { response, kinds }
    }

    /// The rules that mean this request, with the number that each has drawn.
    fn meant(&mut self, at: Moment, request: &Request<'_>) -> Vec<(usize, u64)> {
        let thing = Thing::at(request.path);
        let asks = matches!(request.method, Method::Get | Method::Head);
        if thing == Thing::Other || !asks {
            return Vec::new();
        }
        let elapsed = at.tick.since(self.since.unwrap_or_default().tick);
        let client = Client::of(request);
        let seed = self.seed;
        let take = |(number, rule): (usize, &mut Rule)| {
            let recipe = rule.recipe;
            let meant = recipe.target.has(thing)
                && recipe.window.holds(elapsed)
                && recipe.every_client.is_none_or(|every| client.is_each(every, seed));
            if !meant {
                return None;
            }
            rule.met += 1;
            // A segment that is missing is so for everybody.
            let subject = match recipe.kind {
                Kind::Missing => number_of(request.path),
                _ => rule.met,
            };
            let drawn = draw(seed, &[number as u64, subject]);
            recipe.share.takes(drawn).then_some((number, drawn))
        };
        self.rules.iter_mut().enumerate().filter_map(take).collect()
    }

    /// The moment of which the origin is to tell, and the rule that chose it: a
    /// playlist of another moment is one that stands still or goes back.
    fn moment(
        &self,
        origin: &Origin,
        at: Moment,
        request: &Request<'_>,
        meant: &[(usize, u64)],
    ) -> (Moment, Option<usize>) {
        if !is_live_playlist(request) {
            return (at, None);
        }
        let since = self.since.unwrap_or(at).wall.as_unix_nanos();
        let earlier = |number: &usize| {
            let recipe = self.rules.get(*number)?.recipe;
            let wall_ns = match recipe.kind {
                Kind::Stale => since.saturating_add(nanos(recipe.window.from)),
                Kind::Rewind(count) => {
                    let back = nanos(origin.settings().segment_duration).saturating_mul(count);
                    at.wall.as_unix_nanos().saturating_sub(back)
                }
                _ => return None,
            };
            Some((Moment { wall: Wall::from_unix_nanos(wall_ns), ..at }, Some(*number)))
        };
        meant.iter().find_map(|(number, _)| earlier(number)).unwrap_or((at, None))
    }
}

impl Origin {
    /// Whether the live playlists of this time tell of a discontinuity.
    fn tells_of_a_jump(&self, wall: Wall) -> bool {
        let settings = self.settings();
        self.timeline().is_told_in(Window::at(wall, settings.segment_duration, settings.window))
    }
}

/// Whether recipes can be in force together.
fn check(recipes: &[Recipe]) -> Result<(), String> {
    if recipes.len() > RECIPES_MAX {
        let count = recipes.len();
        return Err(format!("{count} recipes; give at most {RECIPES_MAX}"));
    }
    let mut windows: Vec<_> = (recipes.iter())
        .filter(|recipe| matches!(recipe.kind, Kind::Discontinuity(_)))
        .map(|recipe| recipe.window)
        .collect();
    windows.sort_by_key(|window| window.from);
    let overlap = windows.windows(2).any(|pair| match pair {
        [first, second] => first.holds(second.from),
        _ => false,
    });
    if overlap {
        return Err("two discontinuity recipes at once; give windows that do not overlap".into());
    }
    let refusals = recipes.iter().filter(|recipe| recipe.kind == Kind::Refuse);
    let lengths = refusals.filter_map(|recipe| recipe.window.length());
    let refused = lengths.fold(Duration::ZERO, Duration::saturating_add);
    if refused > REFUSAL_MAX {
        return Err("refuse recipes for over an hour together; give shorter windows".into());
    }
    Ok(())
}

fn is_live_playlist(request: &Request<'_>) -> bool {
    Thing::at(request.path) == Thing::Media && !request.path.starts_with(ON_DEMAND)
}

/// The answer that a fault gives in place of the origin's.
fn replacement(kind: Kind, request: &Request<'_>) -> Option<Response> {
    match kind {
        Kind::Status { code, retry_after_secs } => {
            let after = retry_after_secs.map(|secs| ("Retry-After", secs.to_string().into()));
            Some(words(code, "a fault that was asked for", after.into_iter().collect()))
        }
        Kind::Missing => Some(words(404, "missing, as was asked for", vec![])),
        Kind::Redirect(code) => {
            let query = request.query.unwrap_or_default();
            if query.split('&').any(|part| part == REDIRECTED) {
                return None;
            }
            let joint = if query.is_empty() { "" } else { "&" };
            let to = format!("{}?{query}{joint}{REDIRECTED}", request.path);
            Some(words(code, "it is elsewhere, as was asked for", vec![("Location", to.into())]))
        }
        _ => None,
    }
}

/// Changes how a response goes out. False if that changes nothing, or if another
/// fault has changed the same before.
fn alter(kind: Kind, response: &mut Response, request: &Request<'_>, drawn: u64) -> bool {
    let body = if request.method == Method::Head || response.status.forbids_body() {
        0
    } else {
        response.body.bytes().len()
    };
    let before = response.delivery.as_deref().copied().unwrap_or_default();
    let mut delivery = before;
    match kind {
        Kind::Latency(latency) if before.delay.is_zero() => {
            // Drawn anew: what fell into a share is not evenly distributed.
            delivery.delay = lateness(latency, [1, 2].map(|n| draw(drawn, &[n])));
        }
        Kind::Drip(rate) if before.rate.is_none() => delivery.rate = NonZeroU64::new(rate),
        Kind::Length(off) if body > 0 && before.content_length.is_none() => {
            delivery.content_length = (body as u64).checked_add_signed(off).or(Some(0));
        }
        Kind::Hang | Kind::Truncate(_) | Kind::Reset(_) if before.cut.is_none() => {
            delivery.cut = cut(kind, body);
        }
        _ => {}
    }
    let changed = delivery != before;
    if changed {
        response.delivery = Some(Box::<Delivery>::new(delivery));
    }
    changed
}

/// Where a body of this length ends; `None` if it is over before that.
fn cut(kind: Kind, body: usize) -> Option<Cut> {
    let within = |bytes: u64| usize::try_from(bytes).ok().filter(|&bytes| bytes < body);
    match kind {
        Kind::Hang => Some(Cut { after: None, end: CutEnd::Stall }),
        Kind::Reset(None) => Some(Cut { after: None, end: CutEnd::Reset }),
        Kind::Reset(Some(bytes)) => {
            within(bytes).map(|bytes| Cut { after: Some(bytes), end: CutEnd::Reset })
        }
        Kind::Truncate(bytes) => {
            let bytes = within(bytes.unwrap_or(body as u64 / 2))?;
            Some(Cut { after: Some(bytes), end: CutEnd::Close })
        }
        _ => None,
    }
}
