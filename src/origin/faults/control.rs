//! `/faults`: the recipes in force, shown and replaced while the origin runs.
//!
//! For programs on this host only: the recipes can take the service down.

use super::super::Origin;
use super::super::reply::words;
use super::inject::Faults;
use super::recipe::Recipe;
use crate::http::{Method, Request, Response, guard};
use crate::units::Moment;

/// The path at which recipes are shown and replaced.
pub const CONTROL_PATH: &str = "/faults";

/// Starts a comment, which extends to the end of its line.
const COMMENT: char = '#';

impl Faults {
    /// Responds to a request for [`CONTROL_PATH`].
    pub fn control(&mut self, origin: &mut Origin, at: Moment, request: &Request<'_>) -> Response {
        if let Err(why) = guard::permit(request) {
            return words(403, why, vec![]);
        }
        match request.method {
            Method::Get | Method::Head => self.shown(),
            Method::Post => {
                match recipes(request.body).and_then(|recipes| self.replace(origin, at, recipes)) {
                    Ok(()) => self.shown(),
                    Err(why) => words(400, &why, vec![]),
                }
            }
            Method::Other => {
                let allow = vec![("Allow", "GET, HEAD, POST".into())];
                words(405, "only GET, HEAD and POST are allowed", allow)
            }
        }
    }

    /// The recipes as typed, each with the number of times that it took effect.
    fn shown(&self) -> Response {
        let lines: Vec<_> = (self.list())
            .map(|(recipe, injected)| format!("{recipe} {COMMENT} injected {injected}"))
            .collect();
        let text = if lines.is_empty() { format!("{COMMENT} none") } else { lines.join("\n") };
        words(200, &text, vec![])
    }
}

/// The recipes of a body, one a line.
fn recipes(body: &[u8]) -> Result<Vec<Recipe>, String> {
    let text = str::from_utf8(body).map_err(|_| "the recipes are not UTF-8; encode them")?;
    let lines = (1..).zip(text.lines()).map(|(number, line)| {
        let recipe = line.split(COMMENT).next().unwrap_or_default().trim();
        (number, recipe)
    });
    lines
        .filter(|(_, recipe)| !recipe.is_empty())
        .map(|(number, recipe)| {
            recipe.parse().map_err(|why| format!("line {number}, {recipe:?}: {why}"))
        })
        .collect()
}
