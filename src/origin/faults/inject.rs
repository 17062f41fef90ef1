//! Applies the recipes in force to the origin's responses.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use super::super::Origin;
use super::super::ResourceKind;
use super::super::playlist::Window;
use super::super::reply::words;
use super::fields::REFUSAL_MAX;
use super::recipe::{FaultKind, Recipe};
use super::select::{Requester, draw, lateness, number_of};
use crate::http::{Cut, CutEnd, Delivery, Method, Request, Response};
use crate::units::{Moment, Tick, Wall, nanos};

/// Most recipes at once: each is checked for every request.
const RECIPES_MAX: usize = 64;

/// Folder of the forms on demand.
const ON_DEMAND: &str = "/vod/";

/// Query parameter that marks a redirected request, so that it is redirected once only.
const REDIRECTED: &str = "redirected";

/// A response, and the kinds of its faults.
#[derive(Debug)]
pub struct Injected {
    /// The response and its delivery.
    pub response: Response,
    /// The names of the kinds, in the order of the recipes.
    pub kinds: Vec<String>,
}

/// A recipe in force.
#[derive(Debug)]
struct Rule {
    recipe: Recipe,
    /// Requests for which the share was drawn.
    draws: u64,
    /// Number of times that it took effect.
    injected: u64,
}

/// The recipes in force.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    /// Start of the recipes' time; `None` until the first request, which provides the
    /// wall clock. It is then the start of the reactor.
    since: Option<Moment>,
    rules: Vec<Rule>,
    /// Number of faults by kind, of these and earlier recipes.
    by_kind: BTreeMap<String, u64>,
}

impl Faults {
    /// These recipes, starting with the reactor.
    ///
    /// # Errors
    /// Recipes that cannot be combined, in one line with the remedy.
    pub fn new(recipes: Vec<Recipe>, seed: u64) -> Result<Self, String> {
        check(&recipes)?;
        let by_kind = FaultKind::NAMES.map(|name| (name.to_owned(), 0)).into();
        let mut faults = Self { seed, since: None, rules: Vec::new(), by_kind };
        faults.put(recipes);
        Ok(faults)
    }

    /// Replaces the recipes from now on.
    ///
    /// # Errors
    /// Recipes that cannot be combined; the old ones then remain.
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
        let rule = |recipe| Rule { recipe, draws: 0, injected: 0 };
        self.rules = recipes.into_iter().map(rule).collect();
    }

    /// Starts their time.
    fn begin(&mut self, origin: &mut Origin, since: Moment) {
        self.since = Some(since);
        let since_ns = since.wall.as_unix_nanos();
        let timeline = origin.timeline_mut();
        let first = |after| timeline.first_from(since_ns.saturating_add(nanos(after)));
        let runs: Vec<_> = (self.rules.iter())
            .filter_map(|rule| match rule.recipe.kind {
                FaultKind::Discontinuity(every) => {
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

    /// The recipes, each with the number of times that it took effect.
    pub fn list(&self) -> impl Iterator<Item = (&Recipe, u64)> {
        self.rules.iter().map(|rule| (&rule.recipe, rule.injected))
    }

    /// Number of faults by kind since the start; known kinds without a fault are 0.
    #[must_use]
    pub fn by_kind(&self) -> &BTreeMap<String, u64> {
        &self.by_kind
    }

    /// Whether connections are accepted.
    #[must_use]
    pub fn is_open(&self, now: Tick) -> bool {
        let elapsed = now.since(self.since.unwrap_or_default().tick);
        let refuses = |rule: &Rule| {
            rule.recipe.kind == FaultKind::Refuse && rule.recipe.window.holds(elapsed)
        };
        !self.rules.iter().any(refuses)
    }

    /// When [`Faults::is_open`] may change next, after `now`.
    #[must_use]
    pub fn next_change(&self, now: Tick) -> Option<Tick> {
        let since = self.since.unwrap_or_default().tick;
        let refusals = self.rules.iter().filter(|rule| rule.recipe.kind == FaultKind::Refuse);
        let edges =
            refusals.flat_map(|rule| [Some(rule.recipe.window.from), rule.recipe.window.to]);
        edges.flatten().map(|edge| since.after(edge)).filter(|&edge| edge > now).min()
    }

    /// Counts the windows without connections that have started by now.
    pub fn count_refusals(&mut self, now: Tick) {
        let elapsed = now.since(self.since.unwrap_or_default().tick);
        for rule in &mut self.rules {
            let begun = rule.recipe.kind == FaultKind::Refuse && rule.recipe.window.from <= elapsed;
            if begun && rule.injected == 0 {
                rule.injected = 1;
                *self.by_kind.entry(rule.recipe.kind.name()).or_default() += 1;
            }
        }
    }

    /// Responds to a request with the faults of the recipes in force.
    pub fn respond(&mut self, origin: &mut Origin, at: Moment, request: &Request<'_>) -> Injected {
        if self.since.is_none() {
            let wall = at.wall.as_unix_nanos().saturating_sub(at.tick.as_nanos());
            self.begin(origin, Moment { tick: Tick::ZERO, wall: Wall::from_unix_nanos(wall) });
        }
        let selected = self.selected(at, request);
        let (shown, chooser) = self.moment(origin, at, request, &selected);
        let mut response = origin.respond(shown, request);
        let mut kinds = Vec::new();
        let mut replaced = false;
        for (number, drawn) in selected {
            let Some(rule) = self.rules.get_mut(number) else { continue };
            let kind = rule.recipe.kind;
            let effective = match kind {
                FaultKind::Stale | FaultKind::Rewind(_) => chooser == Some(number),
                FaultKind::Discontinuity(_) => {
                    is_live_playlist(request) && origin.contains_a_jump(shown.wall)
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

    /// The rules that apply to this request, each with the number drawn for it.
    fn selected(&mut self, at: Moment, request: &Request<'_>) -> Vec<(usize, u64)> {
        let resource = ResourceKind::at(request.path);
        let asks = matches!(request.method, Method::Get | Method::Head);
        if resource == ResourceKind::Other || !asks {
            return Vec::new();
        }
        let elapsed = at.tick.since(self.since.unwrap_or_default().tick);
        let client = Requester::of(request);
        let seed = self.seed;
        let take = |(number, rule): (usize, &mut Rule)| {
            let recipe = rule.recipe;
            let selected = recipe.target.has(resource)
                && recipe.window.holds(elapsed)
                && recipe.every_client.is_none_or(|every| client.is_each(every, seed));
            if !selected {
                return None;
            }
            rule.draws += 1;
            // A missing segment is missing for every client.
            let subject = match recipe.kind {
                FaultKind::Missing => number_of(request.path),
                _ => rule.draws,
            };
            let drawn = draw(seed, &[number as u64, subject]);
            recipe.share.takes(drawn).then_some((number, drawn))
        };
        self.rules.iter_mut().enumerate().filter_map(take).collect()
    }

    /// The moment for which the origin responds, and the rule that chose it: a playlist
    /// of an earlier moment is stale or rewound.
    fn moment(
        &self,
        origin: &Origin,
        at: Moment,
        request: &Request<'_>,
        selected: &[(usize, u64)],
    ) -> (Moment, Option<usize>) {
        if !is_live_playlist(request) {
            return (at, None);
        }
        let since = self.since.unwrap_or(at).wall.as_unix_nanos();
        let earlier = |number: &usize| {
            let recipe = self.rules.get(*number)?.recipe;
            let wall_ns = match recipe.kind {
                FaultKind::Stale => since.saturating_add(nanos(recipe.window.from)),
                FaultKind::Rewind(count) => {
                    let back = nanos(origin.settings().segment_duration).saturating_mul(count);
                    at.wall.as_unix_nanos().saturating_sub(back)
                }
                _ => return None,
            };
            Some((Moment { wall: Wall::from_unix_nanos(wall_ns), ..at }, Some(*number)))
        };
        selected.iter().find_map(|(number, _)| earlier(number)).unwrap_or((at, None))
    }
}

impl Origin {
    /// Whether the live playlists of this time contain a discontinuity.
    fn contains_a_jump(&self, wall: Wall) -> bool {
        let settings = self.settings();
        self.timeline().is_in(Window::at(wall, settings.segment_duration, settings.window))
    }
}

/// Whether recipes can be combined.
fn check(recipes: &[Recipe]) -> Result<(), String> {
    if recipes.len() > RECIPES_MAX {
        let count = recipes.len();
        return Err(format!("{count} recipes; give at most {RECIPES_MAX}"));
    }
    let mut windows: Vec<_> = (recipes.iter())
        .filter(|recipe| matches!(recipe.kind, FaultKind::Discontinuity(_)))
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
    let refusals = recipes.iter().filter(|recipe| recipe.kind == FaultKind::Refuse);
    let lengths = refusals.filter_map(|recipe| recipe.window.length());
    let refused = lengths.fold(Duration::ZERO, Duration::saturating_add);
    if refused > REFUSAL_MAX {
        return Err("refuse recipes for over an hour together; give shorter windows".into());
    }
    Ok(())
}

fn is_live_playlist(request: &Request<'_>) -> bool {
    ResourceKind::at(request.path) == ResourceKind::Media && !request.path.starts_with(ON_DEMAND)
}

/// The response that replaces the origin's.
fn replacement(kind: FaultKind, request: &Request<'_>) -> Option<Response> {
    match kind {
        FaultKind::Status { code, retry_after_secs } => {
            let after = retry_after_secs.map(|secs| ("Retry-After", secs.to_string().into()));
            Some(words(code, "injected fault", after.into_iter().collect()))
        }
        FaultKind::Missing => Some(words(404, "missing by an injected fault", vec![])),
        FaultKind::Redirect(code) => {
            let query = request.query.unwrap_or_default();
            if query.split('&').any(|part| part == REDIRECTED) {
                return None;
            }
            let joint = if query.is_empty() { "" } else { "&" };
            let to = format!("{}?{query}{joint}{REDIRECTED}", request.path);
            Some(words(code, "redirected by an injected fault", vec![("Location", to.into())]))
        }
        _ => None,
    }
}

/// Changes the delivery of a response. False if that has no effect, or if another fault
/// has changed the same aspect before.
fn alter(kind: FaultKind, response: &mut Response, request: &Request<'_>, drawn: u64) -> bool {
    let body = if request.method == Method::Head || response.status.forbids_body() {
        0
    } else {
        response.body.bytes().len()
    };
    let before = response.delivery.as_deref().copied().unwrap_or_default();
    let mut delivery = before;
    match kind {
        FaultKind::Latency(latency) if before.delay.is_zero() => {
            // Draw again: numbers that fell into a share are not uniformly distributed.
            delivery.delay = lateness(latency, [1, 2].map(|n| draw(drawn, &[n])));
        }
        FaultKind::Drip(rate) if before.rate.is_none() => delivery.rate = NonZeroU64::new(rate),
        FaultKind::Length(off) if body > 0 && before.content_length.is_none() => {
            delivery.content_length = (body as u64).checked_add_signed(off).or(Some(0));
        }
        FaultKind::Hang | FaultKind::Truncate(_) | FaultKind::Reset(_) if before.cut.is_none() => {
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

/// Where a body of this length is cut; `None` if it is shorter.
fn cut(kind: FaultKind, body: usize) -> Option<Cut> {
    let within = |bytes: u64| usize::try_from(bytes).ok().filter(|&bytes| bytes < body);
    match kind {
        FaultKind::Hang => Some(Cut { after: None, end: CutEnd::Stall }),
        FaultKind::Reset(None) => Some(Cut { after: None, end: CutEnd::Reset }),
        FaultKind::Reset(Some(bytes)) => {
            within(bytes).map(|bytes| Cut { after: Some(bytes), end: CutEnd::Reset })
        }
        FaultKind::Truncate(bytes) => {
            let bytes = within(bytes.unwrap_or(body as u64 / 2))?;
            Some(Cut { after: Some(bytes), end: CutEnd::Close })
        }
        _ => None,
    }
}
