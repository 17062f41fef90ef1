//! The report as a file: at the end of a run, or later from what runs wrote.

use std::os::fd::BorrowedFd;
use std::path::Path;

use tracing::warn;

use super::conclusion::Conclusion;
use super::{Fatal, print, summary_file, summary_reader};
use crate::config::{Config, Mode, ReportConfig};
use crate::reactor::blocking::tail::Tail;
use crate::report;
use crate::summary::Document;

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
    let text = summary_reader::read(path)?;
    Document::parse(&text).map_err(|error| Fatal(format!("{}: {error}", path.display())))
}

/// Refuses, before the run, a report that could not be written.
pub(super) fn check(config: &Config, stop: BorrowedFd<'_>) -> Result<(), Fatal> {
    let Some(file) = config.report.as_deref().filter(|_| config.mode != Mode::Check) else {
        return Ok(());
    };
    summary_file::check_unless(stop, file).map_err(|error| {
        let file = file.display();
        Fatal(format!("-report {file}: {error}; give a file that can be written"))
    })
}

/// Writes the report of a run that is over, if a file is named. It equals what
/// `report` makes of the JSON summary. If the file cannot be written, this logs a
/// warning and does not fail the run.
pub(super) fn write(config: &Config, tail: &mut Tail<'_>, document: &Document) {
    let Some(file) = &config.report else { return };
    let page = report::page(document);
    if let Err(error) = summary_file::write_last(tail, file, page) {
        warn!(file = %file.display(), %error, "report_not_written");
    }
}
