//! Checks that the files and tests that the documents name exist.
//!
//! Reads source text: a test is a function after `#[test]`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// Ends of a name in a document that make it the path of a file or a folder.
const PATH_ENDS: [&str; 5] = [".rs", ".sh", ".c", ".csv", "/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder whose names have this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path, extension),
        false if path.extension().is_some_and(|found| found == extension) => vec![path],
        false => vec![],
    };
    entries.flat_map(below).collect()
}

/// The texts between backquotes of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn files_named_in_documents_exist() {
    let mut documents = files(&root().join("docs"), "md");
    documents.push(root().join("README.md"));
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        let names = text.lines().flat_map(quoted).filter(|name| {
            let is_path = PATH_ENDS.iter().any(|end| name.ends_with(end)) && name.contains('/');
            is_path && !name.starts_with('/') && !name.contains([' ', '*', '…', ':'])
        });
        for name in names {
            let bases = [root(), root().join("src"), document.parent().unwrap().to_owned()];
            let exists = bases.iter().any(|base| base.join(name).exists());
            assert!(exists, "{} names {name}", document.display());
        }
    }
}

#[test]
fn tests_named_in_reliability_exist() {
    let sources = [files(&root().join("tests"), "rs"), files(&root().join("src"), "rs")].concat();
    let texts: Vec<_> = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let of_text = |text: &str| -> Vec<String> {
        let parts = text.split("#[test]\n").skip(1);
        let name = |part: &str| part.split_once("fn ")?.1.split('(').next().map(str::to_owned);
        parts.filter_map(name).collect()
    };
    let tests: Vec<String> = texts.iter().flat_map(|text| of_text(text)).collect();
    let document = fs::read_to_string(root().join("docs/RELIABILITY.md")).unwrap();
    let mut named = 0;
    for row in document.lines().filter_map(|line| line.strip_prefix("| ")) {
        let Some(cell) = row.split(" | ").nth(1) else { continue };
        let names = quoted(cell).filter(|name| name.contains('_') && !name.contains([' ', '=']));
        for name in names {
            assert!(tests.iter().any(|test| test.contains(name)), "no test is named {name}");
            named += 1;
        }
    }
    assert!(named > 30, "{named}");
}
