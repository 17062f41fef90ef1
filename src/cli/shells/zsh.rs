//! Completion for zsh 5 and later.

use super::super::commands::{ALL, Flag, Value, flags_of, main_flags};
use super::single_quoted;

const HEAD: &str = "\
#compdef ffmpeg-hls-swarm
# Completion of ffmpeg-hls-swarm for zsh; made by `ffmpeg-hls-swarm completions zsh`.

_ffmpeg_hls_swarm() {
    local -a commands
    commands=(
";

const MIDDLE: &str = "    )
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe command commands
        return
    fi
    case $words[2] in
";

const TAIL: &str = "    esac
}

# Sourced it registers itself; from a folder of $fpath it is called.
if [[ $funcstack[1] == _ffmpeg-hls-swarm ]]; then
    _ffmpeg_hls_swarm \"$@\"
else
    compdef _ffmpeg_hls_swarm ffmpeg-hls-swarm
fi
";

/// The script.
pub(super) fn script() -> String {
    let mut out = HEAD.to_owned();
    for subcommand in &ALL {
        let described = format!("{}:{}", subcommand.name, subcommand.about);
        out.push_str(&format!("        {}\n", single_quoted(&described)));
    }
    out.push_str(MIDDLE);
    for subcommand in &ALL {
        let action = match subcommand.command {
            Some(command) => {
                let arguments = arguments(&flags_of(&command()), "");
                format!("shift words; (( CURRENT-- )); {arguments}")
            }
            None => format!("compadd -- {}", subcommand.words.join(" ")),
        };
        out.push_str(&format!(
            "        {})\n            {action}\n            ;;\n",
            subcommand.name
        ));
    }
    let main = arguments(&main_flags(), " \\\n                '*:HLS_URL:_urls'");
    out.push_str(&format!("        *)\n            {main}\n            ;;\n"));
    out.push_str(TAIL);
    out
}

/// A call of `_arguments` with every flag as shown, and a hidden one in the other dash
/// style, so that its values are completed as well.
fn arguments(flags: &[Flag], more: &str) -> String {
    let mut out = "_arguments".to_owned();
    for flag in flags {
        let other = if flag.shown.starts_with("--") { "-" } else { "--" };
        let value = value(flag);
        let help = flag.help.replace('\\', r"\\").replace('[', r"\[").replace(']', r"\]");
        let many = if flag.repeatable { "*" } else { "" };
        let (equals, value) = value.as_ref().map_or(("", ""), |(e, v)| (*e, v.as_str()));
        let specs = [
            format!("{many}{}{equals}[{help}]{value}", flag.shown),
            format!("!{many}{other}{}{equals}{value}", flag.name),
        ];
        for spec in specs {
            out.push_str(&format!(" \\\n                {}", single_quoted(&spec)));
        }
    }
    out + more
}

/// How a flag takes its value, and the completion of the value.
fn value(flag: &Flag) -> Option<(&'static str, String)> {
    let name = &flag.value_name;
    match &flag.value {
        Value::None => None,
        Value::Boolean => Some(("=-", "::value:(true false)".to_owned())),
        Value::Words(words) => Some(("=", format!(":{name}:({})", words.join(" ")))),
        Value::File => Some(("=", format!(":{name}:_files"))),
        Value::Free => Some(("=", format!(":{name}: "))),
    }
}
