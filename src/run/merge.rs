//! `merge`: the summaries of shards, read, merged and told as one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::conclusion::Conclusion;
use super::{Fatal, print, summary_file};
use crate::config::MergeConfig;
use crate::units::text::visible_json;
use crate::view::merge::{Part, merge as merged, render};

/// Longest summary that is read, in bytes: one is some 30 kB, so that what is
/// longer is something else.
const SUMMARY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Merges the files and says what came of it.
pub(super) fn merge(config: &MergeConfig) -> Result<Conclusion, Fatal> {
    if let Some(file) = &config.summary_json {
        summary_file::check(file).map_err(|error| not_written(file, &error))?;
    }
    let parts = config.files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let whole = merged(&parts).map_err(Fatal::from_display)?;
    if let Some(file) = &config.summary_json {
        let written = summary_file::write(file, &visible_json(&format!("{whole}\n")));
        written.map_err(|error| not_written(file, &error))?;
    }
    print(&render(&whole))?;
    Ok(Conclusion::Finished)
}

fn read(file: &Path) -> Result<Part, Fatal> {
    let name = file.display().to_string();
    let mut text = String::new();
    let read = File::open(file)
        .and_then(|file| file.take(SUMMARY_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > SUMMARY_BYTES_MAX => Err(Fatal(format!(
            "{name}: more than {SUMMARY_BYTES_MAX} bytes; give what -summary-json wrote"
        ))),
        Ok(_) => Ok(Part { name, text }),
        Err(error) => Err(Fatal(format!("{name}: {error}; give what -summary-json wrote"))),
    }
}

fn not_written(file: &Path, error: &io::Error) -> Fatal {
    let file = file.display();
    Fatal(format!("-summary-json {file}: {error}; give a file that can be written"))
}
