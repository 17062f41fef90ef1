//! The playlist and the headers from sources that ps(1) does not show: files, standard
//! input, the environment.
//!
//! Opens no file: the caller provides the reader, so that parsing stays a pure
//! function.

use std::io;
use std::path::{Path, PathBuf};

use super::UsageError;
use super::environment::{Lookup, text_of};
use super::error::quoted;
use super::flags::HEADERS;
use super::values::breaks_a_line;

/// Reads a file as text; `-` is standard input.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Extra request headers: one, or those in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Header {
    /// `Name: value`.
    Field(String),
    /// One on each line of the file.
    File(PathBuf),
}

pub(super) fn header(text: &str) -> Result<Header, String> {
    match text.strip_prefix('@') {
        Some(file) => input_file(file).map(Header::File),
        None => header_field(text).map(Header::Field),
    }
}

/// A file to read.
pub(super) fn input_file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("give the path of a file that can be read, or - for stdin".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn header_field(text: &str) -> Result<String, String> {
    if breaks_a_line(text) {
        return Err("must not contain CR, LF or NUL; give one header each".to_owned());
    }
    match text.split_once(':') {
        Some((name, _)) if !name.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("give 'Name: value', with a colon after the name, or @FILE".to_owned()),
    }
}

/// The extra request headers: those of the environment, then those of the flags. A
/// header of a flag replaces one of the same name in the environment.
pub(super) fn headers(
    typed: Vec<Header>,
    env: Lookup<'_>,
    read: ReadFile<'_>,
) -> Result<Vec<String>, UsageError> {
    let mut of_flags = Vec::new();
    for header in typed {
        match header {
            Header::Field(field) => of_flags.push(field),
            Header::File(file) => {
                let whose = format!("-header @{}", file.display());
                let text = read(&file).map_err(|error| refused(&whose, error, GIVE_HEADERS))?;
                of_flags.extend(fields(&text, &whose)?);
            }
        }
    }
    let mut all = match text_of(HEADERS, env)? {
        Some(text) if !text.is_empty() => fields(&text, "HEADERS in the environment")?,
        _ => Vec::new(),
    };
    let is_of_flags = |field: &String| of_flags.iter().any(|flag| name(flag) == name(field));
    all.retain(|field| !is_of_flags(field));
    all.extend(of_flags);
    Ok(all)
}

/// The URL in a file, which has one line.
pub(super) fn url(file: &Path, read: ReadFile<'_>) -> Result<String, UsageError> {
    let whose = format!("-url-from {}", file.display());
    let text = read(file).map_err(|error| refused(&whose, error, GIVE_URL))?;
    let mut lines = lines(&text);
    match (lines.next(), lines.next()) {
        (Some((_, url)), None) => Ok(url.to_owned()),
        (None, _) => Err(refused(&whose, "no URL in it", GIVE_URL)),
        (Some(_), Some(_)) => Err(refused(&whose, "more than one line in it", GIVE_URL)),
    }
}

const GIVE_HEADERS: &str = "give a file with 'Name: value' on each line";
const GIVE_URL: &str = "give a file with the URL on one line";

fn refused(whose: &str, why: impl std::fmt::Display, remedy: &str) -> UsageError {
    UsageError::new(format!("{}: {why}; {remedy}", quoted(whose).replace('"', "")))
}

/// The header fields of a text, one a line. An invalid line is identified by its
/// number, since it may be a secret.
fn fields(text: &str, whose: &str) -> Result<Vec<String>, UsageError> {
    let field = |(number, line)| {
        header_field(line)
            .map_err(|remedy| UsageError::new(format!("{whose}, line {number}: {remedy}")))
    };
    let fields: Vec<String> = lines(text).map(field).collect::<Result<_, _>>()?;
    if fields.is_empty() {
        return Err(refused(whose, "no header in it", GIVE_HEADERS));
    }
    Ok(fields)
}

/// Lines with their numbers, without surrounding blanks; empty ones and those that
/// start with `#` are left out.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The name of a header field in lower case, since case does not matter (RFC 9110
/// §5.1).
fn name(field: &str) -> String {
    field.split_once(':').map_or(field, |(name, _)| name).trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::values::user_agent;
    use super::*;

    #[test]
    fn header_is_one_line_with_a_name() {
        for text in ["A: b", "A:", "X-Y:z", "Host: a:80"] {
            assert_eq!(header(text), Ok(Header::Field(text.to_owned())));
        }
        for text in ["", "A", ": b", " : b", "A: b\r\nC: d", "A: b\n", "A: \0"] {
            assert!(header(text).is_err(), "{text:?}");
        }
        assert!(user_agent("a\rb").is_err());
        assert!(user_agent("a b/1 (c)").is_ok());
    }
}
