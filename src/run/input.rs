//! Files that are read before the run: the playlist's URL and headers.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Longest file, in bytes: the kernel's limit of one argument of FFmpeg
/// (`MAX_ARG_STRLEN`, execve(2)).
const INPUT_BYTES_MAX: u64 = 128 * 1024;

/// Reads a file as text; `-` is standard input.
///
/// # Errors
/// It cannot be read, is longer than 128 KiB, or is not UTF-8.
pub fn read_input(file: &Path) -> io::Result<String> {
    if file == Path::new("-") {
        return read(io::stdin().lock());
    }
    read(File::open(file)?)
}

fn read(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        let why = format!("more than {INPUT_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}
