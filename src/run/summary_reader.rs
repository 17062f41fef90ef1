//! Reads the files that `-summary-json` wrote, to merge them or to report on them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::Fatal;

/// Longest summary that is read, in MiB: one has 1 MB at most, and a merged one a few,
/// so a longer file is something else.
const SUMMARY_MIB_MAX: u64 = 64;

/// Reads a summary as text.
///
/// # Errors
/// The file cannot be read, is longer than 64 MiB, or is not UTF-8.
pub(super) fn read(path: &Path) -> Result<String, Fatal> {
    let shown = path.display();
    let refused = |why: &dyn std::fmt::Display| {
        Fatal(format!("{shown}: {why}; give a file that -summary-json wrote"))
    };
    let bytes_max = SUMMARY_MIB_MAX * 1024 * 1024;
    let mut text = String::new();
    let file = File::open(path).map_err(|error| refused(&error))?;
    file.take(bytes_max + 1).read_to_string(&mut text).map_err(|error| refused(&error))?;
    if text.len() as u64 > bytes_max {
        return Err(refused(&format_args!("more than {SUMMARY_MIB_MAX} MiB")));
    }
    Ok(text)
}
