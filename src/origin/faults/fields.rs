//! Parses a recipe: its fields, identified by their form, and which of them a kind
//! accepts.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use super::amounts::{BYTES_MAX, Share, TimeWindow, bytes, plain_number};
use super::recipe::{
    FaultKind, Latency, Recipe, USUAL_LENGTH_OFF, USUAL_REDIRECT, USUAL_RETRY_SECS, USUAL_REWIND,
    USUAL_RUN,
};
use super::target::FaultTarget;
use crate::units::duration;

/// Longest recipe in characters; the longest useful one has about 100.
const RECIPE_CHARS: usize = 200;

/// Longest latency: longer than any client waits.
const LATENCY_MAX: Duration = Duration::from_secs(600);

/// Longest `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Most segments by which a playlist is rewound, and between two discontinuities.
const SEGMENTS_MAX: u64 = 1_000;

/// Longest time without connections, of one recipe and of all in force: no new
/// connection can replace the recipes meanwhile, so the time must end by itself.
pub(super) const REFUSAL_MAX: Duration = Duration::from_secs(3_600);

impl FromStr for Recipe {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        if text.chars().count() > RECIPE_CHARS {
            return Err(RecipeError(format!(
                "is too long; give at most {RECIPE_CHARS} characters"
            )));
        }
        Fields::sort(text).and_then(Fields::into_recipe).map_err(RecipeError)
    }
}

/// Why a recipe is invalid, in one line with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeError(String);

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RecipeError {}

/// The parts of a recipe, each at most once.
#[derive(Debug, Default)]
struct Fields<'a> {
    kind: &'a str,
    target: Option<FaultTarget>,
    share: Option<Share>,
    every_client: Option<NonZeroU32>,
    window: Option<TimeWindow>,
    param: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// Splits a recipe into its parts.
    fn sort(text: &'a str) -> Result<Self, String> {
        let mut parts = text.trim().split(':');
        let mut fields = Self { kind: parts.next().unwrap_or_default(), ..Self::default() };
        for part in parts {
            fields.put(part)?;
        }
        Ok(fields)
    }

    fn put(&mut self, part: &'a str) -> Result<(), String> {
        if let Some(every) = part.strip_prefix('/') {
            let every = every.parse().ok().filter(|_| plain_number(every).is_some());
            let every = every.ok_or("give /N for every Nth client, such as /10")?;
            once(&mut self.every_client, every, "client interval")
        } else if let Some(window) = part.strip_prefix('@') {
            let window = TimeWindow::parse(window)
                .ok_or("give the time window as @30s-60s or @30s-, with the end after the start")?;
            once(&mut self.window, window, "time window")
        } else if part.ends_with('%') || is_decimal(part) {
            let share = Share::parse(part).ok_or(
                "give the share as 5% or 0.05, above 0 and up to 100%, in steps of 0.0001%",
            )?;
            once(&mut self.share, share, "share")
        } else if let Some(target) = FaultTarget::named(part) {
            once(&mut self.target, target, "target")
        } else if part.is_empty() || part.chars().all(char::is_alphabetic) {
            let names = FaultTarget::ALL.map(FaultTarget::name).join(", ");
            Err(format!("{part:?} is not a target; give one of {names}"))
        } else {
            once(&mut self.param, part, "parameter")
        }
    }

    /// The recipe that the parts describe.
    fn into_recipe(self) -> Result<Recipe, String> {
        let kind = self.kind()?;
        let recipe = Recipe {
            kind,
            target: self.target.unwrap_or(kind.usual_target()),
            share: self.share.unwrap_or(Share::WHOLE),
            every_client: self.every_client,
            window: self.window.unwrap_or(TimeWindow::ALWAYS),
        };
        match misfit(&recipe) {
            Some(remedy) => Err(format!("{} {remedy}", kind.name())),
            None => Ok(recipe),
        }
    }

    fn kind(&self) -> Result<FaultKind, String> {
        let param = self.param;
        let wrong = |remedy: &str| match param {
            Some(param) => format!("{} cannot have {param:?}; give {remedy}", self.kind),
            None => format!("{} needs a parameter; give {remedy}", self.kind),
        };
        if let Some(code) = plain_number(self.kind) {
            return status(code, param).map_err(wrong);
        }
        let plain = |kind| if param.is_none() { Some(kind) } else { None };
        // The kind with this parameter, and the valid parameters.
        let (kind, remedy) = match self.kind {
            "latency" => (
                param.and_then(latency).map(FaultKind::Latency),
                "200ms, 100ms-900ms, exp(300ms) or normal(300ms,50ms), up to 10m",
            ),
            "drip" => (param.and_then(rate).map(FaultKind::Drip), "bytes a second such as 10kB/s"),
            "truncate" => (optional(param, bytes).map(FaultKind::Truncate), "bytes such as 10kB"),
            "reset" => (optional(param, bytes).map(FaultKind::Reset), "bytes such as 10kB"),
            "length" => {
                let off = param.map_or(Some(USUAL_LENGTH_OFF), length_off);
                (off.map(FaultKind::Length), "bytes with a sign, such as +1kB or -100B")
            }
            "rewind" => (
                param.map_or(Some(USUAL_REWIND), segments).map(FaultKind::Rewind),
                "a number of segments from 1 to 1000",
            ),
            "discontinuity" => (
                param.map_or(Some(USUAL_RUN), segments).map(FaultKind::Discontinuity),
                "a number of segments from 1 to 1000",
            ),
            "redirect" => (
                param.map_or(Some(USUAL_REDIRECT), redirect).map(FaultKind::Redirect),
                "a status of 301, 302, 303, 307 or 308",
            ),
            "hang" => (plain(FaultKind::Hang), "none"),
            "stale" => (plain(FaultKind::Stale), "none"),
            "missing" => (plain(FaultKind::Missing), "none"),
            "refuse" => (plain(FaultKind::Refuse), "none"),
            unknown => {
                let names = FaultKind::NAMES.join(", ");
                return Err(format!(
                    "{unknown:?} is not a kind of fault; give a status from 400 to 599 or one of {names}"
                ));
            }
        };
        kind.ok_or_else(|| wrong(remedy))
    }
}

/// Fills a field that is still empty.
fn once<T>(field: &mut Option<T>, value: T, what: &str) -> Result<(), String> {
    match field.replace(value) {
        Some(_) => Err(format!("has more than one {what}; give one")),
        None => Ok(()),
    }
}

/// Why a kind cannot have these fields; `None` if it can.
fn misfit(recipe: &Recipe) -> Option<&'static str> {
    let whole = recipe.share == Share::WHOLE;
    let all_clients = recipe.every_client.is_none();
    let of_media = matches!(recipe.target, FaultTarget::Playlists | FaultTarget::Media);
    match recipe.kind {
        FaultKind::Stale | FaultKind::Rewind(_) | FaultKind::Discontinuity(_) if !of_media => {
            Some("applies to playlists; remove the target, or give playlists or media")
        }
        FaultKind::Missing if recipe.target != FaultTarget::Segments => {
            Some("applies to segments; remove the target")
        }
        FaultKind::Discontinuity(_) if !whole || !all_clients => Some(
            "is the same for every request; give a number of segments, such as 10, instead of a share",
        ),
        FaultKind::Refuse if recipe.target != FaultTarget::All || !whole || !all_clients => {
            Some("applies before any request; give a time window only, such as @30s-60s")
        }
        FaultKind::Refuse if recipe.window.to.is_none() => {
            Some("without an end could never be cleared; give a time window such as @30s-60s")
        }
        FaultKind::Refuse if recipe.window.length() > Some(REFUSAL_MAX) => {
            Some("for longer than an hour could not be cleared; give a shorter time window")
        }
        _ => None,
    }
}

fn status(code: u64, retry_after: Option<&str>) -> Result<FaultKind, &'static str> {
    let code = u16::try_from(code).ok().filter(|code| (400..600).contains(code));
    let code = code.ok_or("a status from 400 to 599")?;
    let usual = if code == 429 { Some(USUAL_RETRY_SECS) } else { None };
    let Some(text) = retry_after else {
        return Ok(FaultKind::Status { code, retry_after_secs: usual });
    };
    let span = duration::parse(text).ok().filter(|&span| span <= RETRY_AFTER_MAX);
    // Retry-After has whole seconds (RFC 9110 §10.2.3).
    let secs = span.filter(|span| span.subsec_nanos() == 0).map(|span| span.as_secs());
    let secs = secs.ok_or("a value of Retry-After in whole seconds, such as 5s")?;
    Ok(FaultKind::Status { code, retry_after_secs: Some(secs) })
}

fn latency(text: &str) -> Option<Latency> {
    let within = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(mean) = within("exp") {
        return Some(Latency::Exponential(delay(mean)?));
    }
    if let Some((mean, deviation)) = within("normal").and_then(|both| both.split_once(',')) {
        return Some(Latency::Normal(delay(mean)?, delay(deviation.trim())?));
    }
    match text.split_once('-') {
        Some((least, most)) => {
            let (least, most) = (delay(least)?, delay(most)?);
            (least <= most).then_some(Latency::Uniform(least, most))
        }
        None => Some(Latency::Fixed(delay(text)?)),
    }
}

fn delay(text: &str) -> Option<Duration> {
    duration::parse(text).ok().filter(|&span| span <= LATENCY_MAX)
}

fn rate(text: &str) -> Option<u64> {
    bytes(text.strip_suffix("/s")?).filter(|&rate| rate > 0)
}

fn length_off(text: &str) -> Option<i64> {
    let (sign, count) = match text.strip_prefix('-') {
        Some(count) => (-1, count),
        None => (1, text.strip_prefix('+')?),
    };
    let count = bytes(count).filter(|count| (1..=BYTES_MAX).contains(count))?;
    Some(sign * i64::try_from(count).ok()?)
}

fn segments(text: &str) -> Option<u64> {
    plain_number(text).filter(|count| (1..=SEGMENTS_MAX).contains(count))
}

fn redirect(text: &str) -> Option<u16> {
    let code = plain_number(text)?.try_into().ok()?;
    matches!(code, 301 | 302 | 303 | 307 | 308).then_some(code)
}

/// An optional parameter.
fn optional<T>(param: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match param {
        Some(text) => read(text).map(Some),
        None => Some(None),
    }
}

/// Whether this is a number with a decimal point, which only a share has.
fn is_decimal(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
