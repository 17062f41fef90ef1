//! How many clients never received media, and what kept them from it, in words.

use crate::ffmpeg::outcome::Outcome;
use crate::http::redact::redact;
use crate::measures::words;
use crate::stats::Snapshot;
use crate::stats::reception::Example;
use crate::units::text::visible;

/// Most causes that are named; the others are joined.
const SHOWN_CAUSES: usize = 4;

/// `0 of 10 clients`, `3 of 3 clients: http_error (403)`; several causes have lines
/// of their own, the most frequent first.
#[must_use]
pub(crate) fn rows(snapshot: &Snapshot<'_>) -> Vec<String> {
    let causes = causes(snapshot);
    match causes.as_slice() {
        [] => vec![share(snapshot)],
        [only] => vec![format!("{}: {only}", share(snapshot))],
        several => [&[share(snapshot)], several].concat(),
    }
}

/// Why no client received media, in one line.
#[must_use]
pub fn why(snapshot: &Snapshot<'_>) -> String {
    let kept = snapshot.totals.reception.kept();
    let mut line = format!("{} never played", share(snapshot));
    let causes = causes(snapshot);
    if !causes.is_empty() {
        line.push_str(&format!(": {}", causes.join(", ")));
    }
    let Some((outcome, _, example)) = kept.first() else { return line };
    let said = example.words.as_deref().filter(|_| example.status.is_none());
    match (said, explanation(*outcome)) {
        (Some(said), _) => line.push_str(&format!("; FFmpeg logged: {}", shown(said))),
        (None, Some(meaning)) => line.push_str(&format!("; {meaning}")),
        (None, None) => {}
    }
    line
}

/// The most frequent cause and what one client showed of it; `None` if all played
/// or none has ended.
pub(crate) fn example(snapshot: &Snapshot<'_>) -> Option<String> {
    let kept = snapshot.totals.reception.kept();
    let (outcome, _, example) = kept.first()?;
    let name = named(*outcome, example);
    Some(match example.words.as_deref() {
        Some(said) => format!("{name}: {}", shown(said)),
        None => name,
    })
}

fn share(snapshot: &Snapshot<'_>) -> String {
    let of = words::plural(u64::from(snapshot.ever_started), "client");
    format!("{} of {of}", words::count(u64::from(snapshot.never_played())))
}

/// Each cause with its number, but for one that is that of all.
fn causes(snapshot: &Snapshot<'_>) -> Vec<String> {
    let kept = snapshot.totals.reception.kept();
    if let [(outcome, clients, example)] = kept.as_slice()
        && *clients == snapshot.never_played()
    {
        return vec![named(*outcome, example)];
    }
    let shown = kept.iter().take(SHOWN_CAUSES);
    let mut parts: Vec<_> = shown
        .map(|(outcome, clients, example)| {
            format!("{} {}", named(*outcome, example), words::count(u64::from(*clients)))
        })
        .collect();
    let rest: u32 = kept.iter().skip(SHOWN_CAUSES).map(|(_, clients, _)| clients).sum();
    if rest > 0 {
        parts.push(format!("others {}", words::count(u64::from(rest))));
    }
    parts
}

/// `http_error (403)`.
pub(crate) fn named(outcome: Outcome, example: &Example) -> String {
    let status = example.status.map_or_else(String::new, |status| format!(" ({status})"));
    format!("{}{status}", outcome.name())
}

/// What an outcome that no line of FFmpeg's names is taken from.
const fn explanation(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Dns => Some("no address was found for the URL's host, and nothing connected"),
        Outcome::Timeout => Some("what was asked for did not come in time"),
        Outcome::MediaError => Some("what came as segments held no media that FFmpeg can read"),
        Outcome::NoInput => Some("FFmpeg's log names no reason"),
        Outcome::Stopped => Some("they were ended before any failure was seen"),
        Outcome::Completed => Some("the playlists ended without media"),
        _ => None,
    }
}

/// FFmpeg's words as they can be shown: credentials masked, on one line.
fn shown(words: &str) -> String {
    visible(&redact(words)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::fixture::Numbers;
    use crate::stats::{Health, Totals};

    const NONE: fn() -> Option<String> = || None;

    fn line(totals: Totals, of: fn(&Snapshot<'_>) -> String) -> String {
        let numbers = Numbers::new(totals, Health::default());
        of(&numbers.snapshot())
    }

    fn text(snapshot: &Snapshot<'_>) -> String {
        rows(snapshot).join("|")
    }

    /// Ten clients of which so many played.
    fn played(clients: u32) -> Totals {
        let mut totals = Totals::default();
        (0..clients).for_each(|_| totals.reception.plays(None));
        totals
    }

    #[test]
    fn all_played() {
        assert_eq!(line(played(10), text), "0 of 10 clients");
    }

    #[test]
    fn one_cause_is_named_with_its_status_and_several_with_their_numbers() {
        let mut totals = played(7);
        for _ in 0..3 {
            totals.reception.never_played(None, Outcome::HttpError, Some(403), NONE);
        }
        assert_eq!(line(totals.clone(), text), "3 of 10 clients: http_error (403)");
        totals.reception.never_played(Some(Outcome::HttpError), Outcome::Dns, None, NONE);
        assert_eq!(line(totals, text), "3 of 10 clients|http_error (403) 2|dns 1");
    }

    #[test]
    fn those_whose_end_is_not_known_have_no_cause() {
        let mut totals = played(8);
        totals.reception.never_played(None, Outcome::Timeout, None, NONE);
        assert_eq!(line(totals, text), "2 of 10 clients: timeout 1");
    }

    #[test]
    fn the_line_quotes_ffmpeg_without_secrets_or_says_what_the_cause_means() {
        let mut totals = played(0);
        let said = || Some("http://u:p@h/m.m3u8: \u{1b}Invalid data".to_owned());
        (0..10).for_each(|_| totals.reception.never_played(None, Outcome::MediaError, None, said));
        let quoted = line(totals, why);
        assert!(
            quoted.starts_with("10 of 10 clients never played: media_error; FFmpeg logged: "),
            "{quoted}"
        );
        assert!(!quoted.contains("u:p") && !quoted.contains('\u{1b}'), "{quoted}");
        let mut totals = played(0);
        (0..10).for_each(|_| totals.reception.never_played(None, Outcome::Dns, None, NONE));
        assert!(line(totals, why).contains("no address was found"));
    }
}
