//! Checks the layers of `src/lib.rs`: a module imports only from its own layer or from
//! those below it. Also checks which files may contain `unsafe`, the length of a file
//! and its first line, and the files at the top of the repository.
//!
//! Reads source text, not the compiler's view of it: a path built by a macro is not
//! seen. The order of the layers is that of the table in `src/lib.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "asks git for the list of files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files that may contain `unsafe`, because no safe crate offers the function.
const MAY_BE_UNSAFE: &[&str] = &[
    "src/reactor/process/child/clone.rs",
    "src/reactor/process/child/dispositions.rs",
    "src/reactor/process/child/precedence.rs",
    "src/reactor/process/child/process.rs",
];

/// Lines of the longest file; a longer one has more than one subject.
const LINES_MAX: usize = 600;

/// Files at the top of the repository, without names that start with a dot.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "tests",
    "benches",
    "flake.nix",
    "flake.lock",
    "container.nix",
    "docs",
    "README.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `folder`: its path from the top of the repository, and its
/// text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no source under {folder}");
    found
}

/// The layers from top to bottom, as listed in the table of `src/lib.rs`.
fn layers(lib: &str) -> Vec<&str> {
    lib.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect()
}

/// The text without comments and the contents of literals.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment_end(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { c } else { ' ' }));
            at = end;
        }
    }
    code
}

/// The end of the comment or literal that starts at `at`; `at` if none starts there.
fn literal_or_comment_end(chars: &[char], at: usize) -> usize {
    let is = |i: usize, c: char| chars.get(i) == Some(&c);
    let until = |from: usize, end: &dyn Fn(usize) -> bool| {
        (from..chars.len()).find(|&i| end(i)).unwrap_or(chars.len())
    };
    let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if is(at + 1, '/') => until(at, &|i| chars[i] == '\n'),
        '/' if is(at + 1, '*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !after_word || chars[at - 1] == 'b' => {
            let quote = until(at + 1, &|i| chars[i] != '#');
            if !is(quote, '"') {
                return at;
            }
            let hashes = quote - at - 1;
            let closes = |i: usize| is(i, '"') && (1..=hashes).all(|k| is(i + k, '#'));
            (until(quote + 1, &closes) + 1 + hashes).min(chars.len())
        }
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        '\'' if is(at + 1, '\\') => until(at + 3, &|i| chars[i] == '\'') + 1,
        '\'' if is(at + 2, '\'') => at + 3,
        _ => at,
    }
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    i
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut i = from;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// Words, `::`, and every other character except blanks.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            _ => word,
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

/// The first names of the path or group of paths that starts here.
fn heads<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    if tokens.first() != Some(&"{") {
        return tokens.first().copied().into_iter().collect();
    }
    let (mut depth, mut found) = (0, Vec::new());
    for pair in tokens.windows(2) {
        match pair[0] {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(pair[0], "{" | ",") && pair[1] != "}" {
            found.push(pair[1]);
        }
    }
    found
}

/// The names directly under the crate that this code refers to. `depth` is the number
/// of modules between the file and the crate's root.
///
/// A chain of `super` that can leave the file's layer counts if it ends at the name of
/// a layer; inside `mod tests` one more would be needed, so a module of a layer must
/// not have the name of another layer.
fn references<'a>(code: &'a str, depth: usize, layers: &[&str]) -> Vec<&'a str> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut climbed = 0;
    for (i, pair) in tokens.windows(2).enumerate() {
        let rest = &tokens[i + 2..];
        match pair {
            ["crate", "::"] => found.extend(heads(rest)),
            ["super", "::"] => {
                climbed += 1;
                if rest.first() != Some(&"super") {
                    let names = heads(rest);
                    let high = climbed >= depth;
                    found.extend(names.into_iter().filter(|n| high && layers.contains(n)));
                    climbed = 0;
                }
            }
            _ => {}
        }
    }
    found
}

/// The layer of a file under `src`, and the number of modules between it and the root.
fn place(path: &str) -> (String, usize) {
    let inside = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let modules: Vec<&str> = inside.split('/').filter(|&part| part != "mod").collect();
    (modules[0].to_owned(), modules.len())
}

/// Imports of this file from a higher layer, or from an unknown one.
fn climbs(path: &str, text: &str, layers: &[&str]) -> Vec<String> {
    let (layer, depth) = place(path);
    let Some(own) = layers.iter().position(|&s| s == layer) else {
        return vec![format!("{path}: `{layer}` is not in the table of src/lib.rs")];
    };
    let code = code_of(text);
    let mut faults = Vec::new();
    for name in references(&code, depth, layers) {
        match layers.iter().position(|&s| s == name) {
            Some(other) if other >= own => {}
            Some(_) => faults.push(format!("{path}: `{layer}` reaches up to `{name}`")),
            None => faults.push(format!("{path}: `crate::{name}` is not a layer")),
        }
    }
    faults
}

/// The modules from the crate's root to a file under `src`.
fn module_of(path: &str) -> Vec<&str> {
    let inside = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    inside.split('/').filter(|&part| part != "mod").collect()
}

/// Every path in the group or path that starts here, below `base`; returns the number
/// of its tokens.
fn expand<'a>(tokens: &[&'a str], base: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> usize {
    let (mut path, mut at) = (base.to_vec(), 0);
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while !matches!(tokens.get(at), Some(&"}") | None) {
                    at += expand(&tokens[at..], &path, found).max(1);
                }
                return at + 1;
            }
            Some(&"super") => _ = path.pop(),
            Some(&("crate" | "self")) => {}
            Some(&name) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                path.push(name);
            }
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

/// The paths that start with `crate`, `super` or `self`, from the crate's root, without
/// the imports of a module of tests inside the file.
fn full_paths<'a>(code: &'a str, module: &[&'a str]) -> Vec<Vec<&'a str>> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let (tokens, mut found) = (tokens(code), Vec::new());
    for (i, pair) in tokens.windows(2).enumerate() {
        let follows = i > 0 && tokens[i - 1] == "::";
        match pair {
            _ if follows => {}
            ["crate", "::"] => _ = expand(&tokens[i..], &[], &mut found),
            ["super" | "self", "::"] => _ = expand(&tokens[i..], module, &mut found),
            _ => {}
        }
    }
    found
}

/// Pairs of files that import each other, unless one is a module inside the other.
fn circles(files: &[(String, String)]) -> Vec<String> {
    let modules: BTreeSet<Vec<&str>> = files.iter().map(|(path, _)| module_of(path)).collect();
    let codes: Vec<String> = files.iter().map(|(_, text)| code_of(text)).collect();
    let mut imports = BTreeSet::new();
    for ((path, _), code) in files.iter().zip(&codes) {
        let own = module_of(path);
        for full in full_paths(code, &own) {
            let to = (1..=full.len()).rev().map(|n| &full[..n]).find(|&m| modules.contains(m));
            let apart = |to: &[&str]| !to.starts_with(&own) && !own.starts_with(to);
            imports.extend(to.filter(|to| apart(to)).map(|to| (own.join("::"), to.join("::"))));
        }
    }
    let both =
        |(from, to): &&(String, String)| from < to && imports.contains(&(to.clone(), from.clone()));
    imports.iter().filter(both).map(|(from, to)| format!("{from} and {to}")).collect()
}

/// Faults of the file itself, whatever it imports.
fn untidy(path: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let has_unsafe = tokens(&code).iter().any(|&t| t == "unsafe" || t == "unsafe_code");
    let reminder = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    let faults = [
        (!text.starts_with("//! "), "does not open with a line of `//!`"),
        (text.lines().count() > LINES_MAX, "is too long for one subject"),
        (reminder.iter().any(|word| text.contains(word)), "leaves work for later"),
        (has_unsafe && !MAY_BE_UNSAFE.contains(&path), "must do without `unsafe`"),
    ];
    faults.iter().filter(|(is, _)| *is).map(|(_, what)| format!("{path} {what}")).collect()
}

#[test]
fn modules_import_only_downwards() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let layers = layers(&lib);
    let is_module = |path: &str| !matches!(path, "src/lib.rs" | "src/main.rs");
    let faults: Vec<String> = sources("src")
        .iter()
        .filter(|(path, _)| is_module(path))
        .flat_map(|(path, text)| climbs(path, text, &layers))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_two_files_import_each_other() {
    let faults = circles(&sources("src"));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_table_names_every_module_of_the_crate() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared = lib.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let (mut declared, mut table) = (declared.collect::<Vec<_>>(), layers(&lib));
    declared.sort_unstable();
    table.sort_unstable();
    assert!(!table.is_empty());
    assert_eq!(declared, table);
}

#[test]
fn files_are_tidy() {
    let mut faults = Vec::new();
    for (path, text) in sources("src").iter().chain(&sources("tests")) {
        faults.extend(untidy(path, text));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_top_of_the_repository_holds_only_what_it_may() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let Some(listed) = listed.ok().filter(|l| l.status.success()) else {
        println!("skipped: not a git checkout, so there is no list of files");
        return;
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let strange: Vec<&str> = listed
        .split_terminator('\0')
        .filter_map(|path| Path::new(path).iter().next()?.to_str())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(name))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

mod on_made_up_sources {
    use super::*;

    const HOUSE: &[&str] = &["cli", "reactor", "swarm", "units"];

    #[test]
    fn detects_upward_imports() {
        for (path, text) in [
            ("src/swarm/mod.rs", "use crate::reactor::Reactor;"),
            ("src/swarm/mod.rs", "fn f() { crate::cli::parse() }"),
            ("src/swarm/client.rs", "use crate::{units::Tick, reactor::{timer, self}};"),
            ("src/swarm/client.rs", "pub use crate :: {\n  cli as x };"),
            ("src/swarm/client.rs", "use super::super::reactor;"),
            ("src/swarm/a/b.rs", "use super::super::super::{units, cli};"),
            ("src/units.rs", "use super::swarm::Swarm;"),
            ("src/units.rs", "mod tests { use super::super::swarm; }"),
            ("src/swarm/mod.rs", "const A: char = '\"'; use crate::cli;"),
            ("src/swarm/mod.rs", "/* /* */ */ use crate::cli; // \""),
            ("src/swarm/mod.rs", "const R: &str = r#\"\"\"#; use crate::cli;"),
        ] {
            assert_eq!(climbs(path, text, HOUSE).len(), 1, "{text}");
        }
    }

    #[test]
    fn allows_downward_and_sideways_imports() {
        for text in [
            "use crate::units::Tick;",
            "use crate::swarm::client; use super::reactor_like; use super::*;",
            "//! [`crate::cli`]\n/* crate::cli */ fn f<'a>(_: &'a str) -> char { 'x' }",
            "const S: &str = \"crate::cli \\\" crate::reactor\";",
            "const R: &[u8] = br#\"crate::cli \" crate::reactor\"#;",
            "pub(crate) struct A; pub(in crate::swarm) struct B;",
            "use crate::{units::{Tick, cli}, swarm};",
        ] {
            assert_eq!(climbs("src/swarm/plan.rs", text, HOUSE), [""; 0], "{text}");
        }
    }

    #[test]
    fn rejects_unknown_modules() {
        for text in ["use crate::*;", "use crate::Thing;", "use crate::{self as all};"] {
            assert_eq!(climbs("src/cli.rs", text, HOUSE).len(), 1, "{text}");
        }
        assert_eq!(climbs("src/attic.rs", "", HOUSE).len(), 1);
    }

    #[test]
    fn reports_circular_imports() {
        let files = |texts: [(&str, &str); 3]| {
            texts.map(|(path, text)| (format!("src/swarm/{path}.rs"), text.to_owned()))
        };
        for (one, other) in [
            ("use super::b::B;", "use super::a::A;"),
            ("use crate::swarm::{c, b::{B, D}};", "fn f() { crate::swarm::a::g() }"),
            ("use crate::{units::{Tick, Id}, swarm::b};", "use super::{self as s, a::{self}};"),
        ] {
            let circle = files([("a", one), ("b", other), ("mod", "use self::a::A;")]);
            assert_eq!(circles(&circle), ["swarm::a and swarm::b"], "{one} {other}");
        }
        for (one, other) in [
            ("use super::b::B;", "use super::*;"),
            ("use super::b::B;", "#[cfg(test)]\nmod tests { use super::super::a::A; }"),
            ("use super::b::B;", "use super::inner::a::A;"),
        ] {
            let free = files([("a", one), ("b", other), ("mod", "use self::{a::A, b::B};")]);
            assert_eq!(circles(&free), [""; 0], "{one} {other}");
        }
    }

    #[test]
    fn reads_the_table_from_the_top() {
        let lib = "//! words\n//! | layer | what |\n//! |---|---|\n//! | `cli` | a |\n//! | `units` | b |\n";
        assert_eq!(layers(lib), ["cli", "units"]);
    }

    #[test]
    fn detects_untidy_files() {
        let long = format!("//! A\n{}", "\n".repeat(LINES_MAX));
        let later = ["//! A\n// TO", "DO\n"].concat();
        for text in [
            "fn f() {}\n",
            &long,
            &later,
            "//! A\nfn f() { unsafe { g() } }\n",
            "//! A\n#![allow(unsafe_code)]\n",
        ] {
            assert_eq!(untidy("src/a.rs", text).len(), 1, "{text}");
        }
        let tidy = "//! A\n// It is not unsafe.\nfn f() {}\n";
        assert_eq!(untidy("src/a.rs", tidy), [""; 0]);
        assert_eq!(untidy(MAY_BE_UNSAFE[0], "//! A\nunsafe fn f() {}\n"), [""; 0]);
    }
}
