//! The manual page, in the man macros of roff (man(7)), derived from the table of flags
//! and the help.

use clap::{Arg, Command};

use super::commands::ALL;
use super::environment::variable_of;
use super::flags::load_command;
use super::help::{
    default_of, headings, house_dashes, load_help, origin_help, sections, signature,
};

/// The page.
pub(super) fn page() -> String {
    let command = load_command();
    let sections = sections(&command);
    let help = load_help(&command);
    let (intro, outro) = help.split_once(&sections).unwrap_or((&help, ""));
    let (about, usage) = intro.split_once("\n\n").unwrap_or((intro, ""));
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!(
        ".TH FFMPEG\\-HLS\\-SWARM 1 \"\" \"ffmpeg\\-hls\\-swarm {version}\" \"User Commands\"\n"
    );
    let name = about.trim_end_matches('.');
    out.push_str(&format!(".SH NAME\nffmpeg\\-hls\\-swarm \\- {}\n", escaped(&lower_first(name))));
    out.push_str(".SH SYNOPSIS\n");
    out.push_str(&verbatim(usage.replace("Usage:", "      ").lines()));
    out.push_str(".SH OPTIONS\n");
    out.push_str(&options(&command));
    out.push_str(".SH NOTES\n");
    out.push_str(&prose(outro));
    out.push_str(&subcommands());
    out.push_str(&environment(&command));
    out.push_str(".SH SEE ALSO\n.BR ffmpeg (1),\n.BR ffprobe (1),\n.BR prometheus (1)\n");
    out
}

/// The subcommands, and the flags of those that have some.
fn subcommands() -> String {
    let mut out = ".SH COMMANDS\n".to_owned();
    for subcommand in &ALL {
        let words = match (subcommand.command, subcommand.words) {
            (Some(_), _) => "[flags]".to_owned(),
            (None, [word]) => format!("[{word}]"),
            (None, words) => words.join("|"),
        };
        let usage = format!("{} {words}", subcommand.name);
        out.push_str(&format!(".TP\n\\fB{}\\fR\n", escaped(usage.trim_end())));
        out.push_str(&format!("{}.\n", escaped(subcommand.about)));
    }
    for subcommand in &ALL {
        let Some(command) = subcommand.command else { continue };
        let command = command();
        out.push_str(&format!(".SH {} OPTIONS\n", subcommand.name.to_uppercase()));
        out.push_str(&options(&command));
        if subcommand.name == "origin" {
            let help = origin_help(&command);
            let outro = help.split_once(&sections(&command)).map_or("", |(_, outro)| outro);
            out.push_str(&format!(".SH ORIGIN NOTES\n{}", prose(outro)));
        }
    }
    out
}

/// Every argument, by heading.
fn options(command: &Command) -> String {
    let mut out = String::new();
    for (subject, args) in headings(command) {
        out.push_str(&format!(".SS {}\n", escaped(subject)));
        args.into_iter().for_each(|arg| out.push_str(&option(arg)));
    }
    out
}

fn option(arg: &Arg) -> String {
    let signature = signature(arg);
    let (flag, value) = signature.split_once(' ').unwrap_or((&signature, ""));
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut out = format!(".TP\n\\fB{}\\fR", escaped(flag));
    if !value.is_empty() {
        out.push_str(&format!(" \\fI{}\\fR", escaped(value)));
    }
    out.push_str(&format!("\n{}.\n", escaped(&help)));
    if let Some(default) = default_of(arg).filter(|&default| !["", "false"].contains(&default)) {
        out.push_str(&format!("Default: {}.\n", escaped(default)));
    }
    out
}

/// The variables, and their flags.
fn environment(command: &Command) -> String {
    let mut out = ".SH ENVIRONMENT\nA flag overrides its variable.\n".to_owned();
    for arg in command.get_arguments() {
        let Some(variable) = variable_of(arg) else { continue };
        let of = arg.get_long().map_or_else(|| signature(arg), house_dashes);
        out.push_str(&format!(".TP\n\\fB{variable}\\fR\nAs {}.\n", escaped(&of)));
    }
    out.push_str(".TP\n\\fBNO_COLOR\\fR\nIf not empty, the help has no colour.\n");
    out
}

/// Text of a help: headings end in a colon, indented text is kept, and the rest is
/// filled.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') {
            kept.push(line);
            continue;
        }
        if !kept.is_empty() {
            out.push_str(&verbatim(std::mem::take(&mut kept).into_iter()));
            out.push_str(".PP\n");
        }
        match line.strip_suffix(':') {
            Some(heading) => out.push_str(&format!(".SS {}\n", escaped(heading))),
            None if line.is_empty() && (out.is_empty() || out.ends_with(".PP\n")) => {}
            None if line.is_empty() => out.push_str(".PP\n"),
            None => out.push_str(&format!("{}\n", escaped(line))),
        }
    }
    out.push_str(&verbatim(kept.into_iter()));
    // A heading starts a paragraph by itself.
    out.replace(".PP\n.SS", ".SS")
}

/// Lines that are not filled, without their common indentation.
fn verbatim<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().map(indent).min().unwrap_or_default();
    let line = |line: &&str| format!("{}\n", escaped(line.get(common..).unwrap_or_default()));
    let kept: String = lines.iter().map(line).collect();
    if kept.is_empty() { kept } else { format!(".nf\n{kept}.fi\n") }
}

/// Escapes text for roff: dashes are literal, and no line starts with a control
/// character.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '.' if out.is_empty() => out.push_str("\\&."),
            char if char.is_ascii() => out.push(char),
            char => out.push_str(&format!("\\[u{:04X}]", u32::from(char))),
        }
    }
    out
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_text_for_roff() {
        let cases = [
            ("-a 'b'", r"\-a \(aqb\(aq"),
            (".TH", r"\&.TH"),
            (r"a\b", r"a\eb"),
            ("±20 %", r"\[u00B1]20 %"),
        ];
        for (text, want) in cases {
            assert_eq!(escaped(text), want);
        }
    }

    #[test]
    fn page_is_ascii_with_every_flag() {
        let page = page();
        assert!(page.is_ascii());
        for line in page.lines() {
            assert!(!line.starts_with('\'') && line.trim_end() == line, "{line:?}");
        }
        let commands = ALL.iter().filter_map(|subcommand| subcommand.command);
        for command in commands.chain([load_command as fn() -> Command]) {
            for arg in command().get_arguments().filter_map(Arg::get_long) {
                let flag = format!("\n\\fB{}\\fR", escaped(&house_dashes(arg)));
                assert!(page.contains(&flag), "{flag}");
            }
        }
    }
}
