//! Looks up a name, as a process of its own: getaddrinfo(3) blocks, and a running load
//! does not wait for it.

use super::{Fatal, print};
use crate::reactor::blocking::resolve;

/// Prints the addresses of a name, one a line in the order of getaddrinfo(3).
pub(super) fn look_up(name: &str) -> Result<(), Fatal> {
    let found = resolve::addresses(name).map_err(|error| Fatal(error.to_string()))?;
    let lines: String = found.into_iter().map(|address| format!("{address}\n")).collect();
    print(&lines)
}
