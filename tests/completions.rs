//! Completions in bash, zsh and fish, the manual page in groff, and the help on a
//! terminal.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts shells")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::LIMIT;
use support::program::PROGRAM;
use support::tools::tool;

fn printed(args: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(args).env_clear().output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The output of a command, which must succeed without errors.
fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaint.is_empty(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// A line up to the cursor, words that must be offered there, and words that must not.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

/// What every shell offers.
const CASES: [Case; 12] = [
    ("", &["origin", "completions", "man", "help", "version"], &["-clients"]),
    ("ori", &["origin"], &["man"]),
    ("-cl", &["-clients"], &["-listen"]),
    ("--d", &["--demo", "--dangerous"], &["--listen"]),
    ("-variant ", &["all", "highest", "lowest", "first"], &["origin"]),
    ("--variant hi", &["highest"], &["lowest"]),
    ("-clients 5 -log-format ", &["json", "text"], &["debug"]),
    ("http://h/a.m3u8 -log-level w", &["warn", "warning"], &["info"]),
    ("origin -li", &["-listen"], &["-clients"]),
    ("origin -log-level ", &["debug", "error"], &["json"]),
    ("completions ", &["bash", "zsh", "fish"], &["origin"]),
    ("-summary-json d", &["docs/"], &["src/"]),
];

fn hold(shell: &str, line: &str, offered: &str, wanted: &[&str], unwanted: &[&str]) {
    // fish adds a description after a tab.
    let words: Vec<&str> =
        offered.lines().filter_map(|line| line.split('\t').next()).map(str::trim).collect();
    let has =
        |word: &str| words.iter().any(|w| w.trim_end_matches('/') == word.trim_end_matches('/'));
    for word in wanted {
        assert!(has(word), "{shell} does not offer {word} after {line:?}: {words:?}");
    }
    for word in unwanted {
        assert!(!has(word), "{shell} offers {word} after {line:?}: {words:?}");
    }
}

/// Splits a line as readline does, also at `=`, and prints the offered words.
const BASH: &str = r#"
source "$1"
line=${2//=/ = }
read -ra COMP_WORDS <<<"ffmpeg-hls-swarm $line"
if [[ -z $2 || $2 == *[\ =] ]]; then COMP_WORDS+=(''); fi
if [[ $2 == *= ]]; then unset 'COMP_WORDS[-1]'; fi
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
complete -p ffmpeg-hls-swarm >/dev/null && _ffmpeg_hls_swarm
printf '%s\n' "${COMPREPLY[@]}"
"#;

fn script(shell: &str, folder: &Path) -> std::path::PathBuf {
    let file = folder.join(format!("completion.{shell}"));
    fs::write(&file, printed(&["completions", shell])).unwrap();
    file
}

#[test]
fn bash_completes() {
    let Some(bash) = tool("bash") else { return };
    let folder = support::folder();
    let script = script("bash", folder.path());
    let offered =
        |line: &str| output(Command::new(&bash).args(["-c", BASH, "bash"]).arg(&script).arg(line));
    for (line, wanted, unwanted) in CASES {
        hold("bash", line, &offered(line), wanted, unwanted);
    }
    // Readline replaces only the part after the `=`.
    hold("bash", "-variant=", &offered("-variant="), &["all", "first"], &["-variant=all"]);
    hold("bash", "-variant=lo", &offered("-variant=lo"), &["lowest"], &["first"]);
    hold("bash", "-reconnect=", &offered("-reconnect="), &["true", "false"], &[]);
    hold("bash", "-reconnect ", &offered("-reconnect "), &[], &["true", "false"]);
    hold("bash", "-clients ", &offered("-clients "), &[], &["origin", "-clients"]);
}

/// In an interactive zsh: completions are also written to a file, and the end of a
/// completion is printed on the terminal.
const ZSH_INSIDE: &str = r#"
[[ $1 == found ]] && fpath=(${2:h} $fpath)
autoload -Uz compinit
compinit -u -D
[[ $1 == sourced ]] && source $2
offered=$3
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then builtin compadd "$@"; return; fi
    local -a hits
    builtin compadd -O hits "$@"
    print -rl -- $hits >> $offered
    builtin compadd "$@"
}
tab() { zle complete-word; print -r -- "d"one: }
zle -N tab
bindkey '^I' tab
print -r -- "r"eady:
"#;

/// Types the line and a tab into that zsh.
const ZSH_OUTSIDE: &str = r#"
zmodload zsh/zpty
zpty inside zsh -f -i
zpty -w inside "source ${(q)1} $2 ${(q)3} ${(q)4}"
zpty -r inside output '*ready:*'
zpty -w -n inside "ffmpeg-hls-swarm $5"$'\t'
zpty -r inside output '*done:*'
zpty -d inside
cat -- $4
"#;

#[test]
fn zsh_completes() {
    let Some(zsh) = tool("zsh") else { return };
    let folder = support::folder();
    // The name under which zsh searches it.
    let script = folder.path().join("_ffmpeg-hls-swarm");
    fs::write(&script, printed(&["completions", "zsh"])).unwrap();
    let (inside, out) = (folder.path().join("inside"), folder.path().join("offered"));
    fs::write(&inside, ZSH_INSIDE).unwrap();
    let offered = |way: &str, line: &str| {
        fs::write(&out, "").unwrap();
        let mut command = Command::new("timeout");
        command.arg(LIMIT.as_secs().to_string()).arg(&zsh);
        command.args(["-f", "-c", ZSH_OUTSIDE, "zsh"]).arg(&inside).arg(way);
        output(command.arg(&script).arg(&out).arg(line).env("TERM", "xterm"))
    };
    for (line, wanted, unwanted) in CASES {
        hold("zsh", line, &offered("sourced", line), wanted, unwanted);
    }
    let cases: [Case; 3] = [
        ("-variant=lo", &["lowest"], &["first"]),
        ("-reconnect=", &["true", "false"], &[]),
        ("-clients ", &[], &["origin", "-clients"]),
    ];
    for (line, wanted, unwanted) in cases {
        hold("zsh", line, &offered("found", line), wanted, unwanted);
    }
}

#[test]
fn fish_completes() {
    let Some(fish) = tool("fish") else { return };
    let folder = support::folder();
    let script = script("fish", folder.path());
    let offered = |line: &str| {
        let mut command = Command::new(&fish);
        command.args([
            "--no-config",
            "-c",
            "source $argv[1]; complete -C \"ffmpeg-hls-swarm $argv[2]\"",
        ]);
        output(command.arg(&script).arg(line).env("HOME", folder.path()))
    };
    for (line, wanted, unwanted) in CASES {
        hold("fish", line, &offered(line), wanted, unwanted);
    }
}

#[test]
fn groff_renders_the_manual_page_without_a_warning() {
    let Some(groff) = tool("groff") else { return };
    let folder = support::folder();
    let page = folder.path().join("ffmpeg-hls-swarm.1");
    fs::write(&page, printed(&["man"])).unwrap();
    let text = output(Command::new(groff).args(["-man", "-ww", "-Tascii", "-P-cbou"]).arg(&page));
    for part in ["NAME", "SYNOPSIS", "-clients N", "--dangerous", "-listen ADDR", "STREAM_URL"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

/// The help on a terminal with these variables.
fn help_on_a_terminal(variables: &[(&str, &str)]) -> Option<String> {
    let mut command = Command::new(tool("script")?);
    command.args(["-qec", &format!("'{PROGRAM}' -help"), "/dev/null"]);
    Some(output(
        command.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied()),
    ))
}

#[test]
fn help_has_colour_on_capable_terminals() {
    let Some(coloured) = help_on_a_terminal(&[]) else { return };
    assert!(coloured.contains("\x1b[1mLoad:\x1b[0m"), "{coloured}");
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = help_on_a_terminal(&[variable]).unwrap();
        assert!(plain.contains("Load:") && !plain.contains('\x1b'), "{variable:?}");
    }
    assert!(!printed(&["-help"]).contains('\x1b'));
}
