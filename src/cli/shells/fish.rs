//! Completion for fish 3 and later.

use super::super::commands::{ALL, Flag, Value, flags_of, main_flags};

/// Whether the first argument is one of these words, read from the line itself: fish's
/// own function would find them anywhere on it.
const HEAD: &str = "\
# Completion of ffmpeg-hls-swarm for fish; made by `ffmpeg-hls-swarm completions fish`.

function __ffmpeg_hls_swarm_first
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __ffmpeg_hls_swarm_none
    test (count (commandline -opc)) -eq 1
end

complete -c ffmpeg-hls-swarm -f
";

/// The script.
pub(super) fn script() -> String {
    let mut out = HEAD.to_owned();
    for subcommand in &ALL {
        out.push_str(&format!(
            "complete -c ffmpeg-hls-swarm -n __ffmpeg_hls_swarm_none -a {} -d {}\n",
            subcommand.name,
            quoted(subcommand.about)
        ));
        let first = format!("'__ffmpeg_hls_swarm_first {}'", subcommand.name);
        if !subcommand.words.is_empty() {
            out.push_str(&format!(
                "complete -c ffmpeg-hls-swarm -n {first} -a '{}'\n",
                subcommand.words.join(" ")
            ));
        }
        let flags = subcommand.command.map(|command| flags_of(&command())).unwrap_or_default();
        flags.iter().for_each(|flag| out.push_str(&line(&first, flag)));
    }
    let names = ALL.map(|subcommand| subcommand.name).join(" ");
    let main = format!("'not __ffmpeg_hls_swarm_first {names}'");
    main_flags().iter().for_each(|flag| out.push_str(&line(&main, flag)));
    out
}

/// A flag in both dash styles. fish treats a flag of one letter as `-s`.
fn line(condition: &str, flag: &Flag) -> String {
    let name = &flag.name;
    let style = if name.len() == 1 { format!("-s {name}") } else { format!("-o {name} -l {name}") };
    let value = match &flag.value {
        // A boolean needs no value, and fish cannot express an optional one.
        Value::None | Value::Boolean => String::new(),
        Value::Words(words) => format!(" -x -a '{}'", words.join(" ")),
        Value::File => " -r -F".to_owned(),
        Value::Free => " -x".to_owned(),
    };
    let help = quoted(&flag.help);
    format!("complete -c ffmpeg-hls-swarm -n {condition} {style}{value} -d {help}\n")
}

/// A text in single quotes, where fish supports the escapes `\\` and `\'`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
