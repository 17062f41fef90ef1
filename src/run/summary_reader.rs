//! Reads files written by `-summary-json`, to merge or report them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::Fatal;

/// Longest summary that is read, in MiB: a summary has 1 MB at most and a merged one a
/// few, so a longer file is not a summary.
const SUMMARY_MIB_MAX: u64 = 64;

/// Reads a summary as text.
///
/// # Errors
/// The file cannot be read, is longer than 64 MiB, or is not UTF-8.
pub(super) fn read(path: &Path) -> Result<String, Fatal> {
    let shown = path.display();
    let refused = |why: &dyn std::fmt::Display| {
        Fatal(format!("{shown}: {why}; give a file written by -summary-json"))
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
