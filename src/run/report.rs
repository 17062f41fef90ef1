//! The report as a file: at the end of a run, or later from what runs wrote.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::path::Path;

use tracing::warn;

use super::conclusion::Conclusion;
use super::{Fatal, print, summary_file};
use crate::config::{Config, Mode, ReportConfig};
use crate::reactor::blocking::tail::Tail;
use crate::view::document::Document;
use crate::view::summary::SummaryInput;
use crate::view::{json, report};

/// Largest file that is read: a run's own is 1 MB at most, or a few.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Makes the report of files that runs wrote.
pub(super) fn make(config: &ReportConfig) -> Result<Conclusion, Fatal> {
    let run = read(&config.run)?;
    let page = match &config.other {
        Some(other) => report::compare(&run, &read(other)?),
        None => report::page(&run),
    };
    let Some(output) = &config.output else {
        return print(&page).map(|()| Conclusion::Finished);
    };
    summary_file::write(output, &page).map_err(|error| {
        let output = output.display();
        Fatal(format!("-output {output}: {error}; give a file that can be written"))
    })?;
    Ok(Conclusion::Finished)
}

fn read(path: &Path) -> Result<Document, Fatal> {
    let shown = path.display();
    let unreadable =
        |error| Fatal(format!("{shown}: {error}; give a file that -summary-json wrote"));
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let most = FILE_BYTES_MAX / 1024 / 1024;
        return Err(Fatal(format!(
            "{shown}: more than {most} MiB; give a file that -summary-json wrote"
        )));
    }
    Document::parse(&text).map_err(|error| Fatal(format!("{shown}: {error}")))
}

/// A report that could not be written is told before the run.
pub(super) fn check(config: &Config, stop: BorrowedFd<'_>) -> Result<(), Fatal> {
    let Some(file) = config.report.as_deref().filter(|_| config.mode != Mode::Check) else {
        return Ok(());
    };
    summary_file::check_unless(stop, file).map_err(|error| {
        let file = file.display();
        Fatal(format!("-report {file}: {error}; give a file that can be written"))
    })
}

/// Writes the report of a run that is over, if a file is named. It is made from
/// the summary's JSON, so that it is what `report` makes of the file. One that
/// cannot be written costs a warning and not the run.
pub(super) fn write(config: &Config, tail: &mut Tail<'_>, input: &SummaryInput<'_>) {
    let Some(file) = &config.report else { return };
    let page = json::render(input)
        .map_err(|error| error.to_string())
        .and_then(|text| Document::parse(&text).map_err(|error| error.to_string()))
        .map(|document| report::page(&document));
    let written =
        page.and_then(|page| summary_file::write_last(tail, file, page).map_err(|e| e.to_string()));
    if let Err(error) = written {
        warn!(file = %file.display(), error, "report_not_written");
    }
}
