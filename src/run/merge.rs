//! `merge`: reads the summaries of shards and writes one for all of them.

use std::io;
use std::path::Path;

use super::conclusion::Conclusion;
use super::{Fatal, print, summary_file, summary_reader};
use crate::config::MergeConfig;
use crate::summary::merge::{Part, merge as merged};
use crate::summary::{json, text};

/// Merges the files, and prints the merged summary.
pub(super) fn merge(config: &MergeConfig) -> Result<Conclusion, Fatal> {
    if let Some(file) = &config.summary_json {
        summary_file::check(file).map_err(|error| not_written(file, &error))?;
    }
    let parts = config.files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let whole = merged(&parts).map_err(Fatal::from_display)?;
    if let Some(file) = &config.summary_json {
        let written = json::render(&whole).map_err(Into::into);
        let written = written.and_then(|text| summary_file::write(file, &text));
        written.map_err(|error| not_written(file, &error))?;
    }
    print(&text::render(&whole))?;
    Ok(Conclusion::Finished)
}

fn read(file: &Path) -> Result<Part, Fatal> {
    Ok(Part { name: file.display().to_string(), text: summary_reader::read(file)? })
}

fn not_written(file: &Path, error: &io::Error) -> Fatal {
    let file = file.display();
    Fatal(format!("-summary-json {file}: {error}; give a file that can be written"))
}
