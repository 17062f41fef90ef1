//! Completion for bash 4 and later.

use super::super::commands::{ALL, Flag, Value, flags_of, main_flags};
use super::names;

/// The start of the script: it determines the position on the line.
const HEAD: &str = r#"# Completion of ffmpeg-hls-swarm for bash; made by `ffmpeg-hls-swarm completions bash`.

_ffmpeg_hls_swarm() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' equals='' prefix='' flags='' words='' flag all
    COMPREPLY=()
    # Readline splits a word at `=`, unless COMP_WORDBREAKS excludes it.
    if [[ $word == '=' ]]; then
        word='' equals='='
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]} equals='='
    elif [[ $word == -*=* ]]; then
        before=${word%%=*} equals='=' prefix=$before= word=${word#*=}
    fi
    if ((COMP_CWORD > 1)); then command=${COMP_WORDS[1]}; fi
    case $command in
"#;

/// The end of the script: it offers the completions found.
const TAIL: &str = r#"    esac
    if [[ $before == -* && -z $words ]]; then
        before=${before#-}
        case $command:${before#-}$equals in
VALUES        esac
    fi
    if [[ -n $words ]]; then
        COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "$word"))
    elif [[ $word == --* ]]; then
        for flag in $flags; do
            flag=${flag#-} all+=" --${flag#-}"
        done
        COMPREPLY=($(compgen -W "$all" -- "$word"))
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$word"))
    elif ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "SUBCOMMANDS" -- "$word"))
    fi
}

complete -F _ffmpeg_hls_swarm ffmpeg-hls-swarm
"#;

/// The script.
pub(super) fn script() -> String {
    let mut commands = String::new();
    let mut values = String::new();
    for subcommand in &ALL {
        let flags = subcommand.command.map(|command| flags_of(&command())).unwrap_or_default();
        let words = if flags.is_empty() { subcommand.words.join(" ") } else { String::new() };
        commands.push_str(&format!(
            "        {}) flags='{}' words='{words}' ;;\n",
            subcommand.name,
            shown(&flags)
        ));
        values.push_str(&values_of(subcommand.name, &flags));
    }
    let flags = main_flags();
    commands.push_str(&format!("        *) command='' flags='{}' ;;\n", shown(&flags)));
    values.push_str(&values_of("", &flags));
    let subcommands = ALL.map(|subcommand| subcommand.name).join(" ");
    let tail = TAIL.replace("VALUES", &values).replace("SUBCOMMANDS", &subcommands);
    format!("{HEAD}{commands}{tail}")
}

fn shown(flags: &[Flag]) -> String {
    let shown: Vec<&str> = flags.iter().map(|flag| flag.shown.as_str()).collect();
    shown.join(" ")
}

/// The cases of a command's flags that take a value.
fn values_of(command: &str, flags: &[Flag]) -> String {
    let mut out = String::new();
    // A pattern for `command:flag`, with or without `=`.
    let either = |names: Vec<&str>| {
        let patterns: Vec<String> = names
            .iter()
            .flat_map(|name| ["", "="].map(|end| format!("{command}:{name}{end}")))
            .collect();
        patterns.join(" | ")
    };
    let mut case = |pattern: String, action: &str| {
        if !pattern.is_empty() {
            out.push_str(&format!("            {pattern}) {action} ;;\n"));
        }
    };
    for flag in flags {
        if let Value::Words(words) = &flag.value {
            case(either(vec![&flag.name]), &format!("words='{}'", words.join(" ")));
        }
    }
    let booleans = names(flags, |value| *value == Value::Boolean);
    let after_equals: Vec<String> =
        booleans.iter().map(|name| format!("{command}:{name}=")).collect();
    case(after_equals.join(" | "), "words='true false'");
    let files = either(names(flags, |value| *value == Value::File));
    let offer_files = "compopt -o filenames 2>/dev/null; \
                       mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -f -- \"$word\"); return";
    case(files, offer_files);
    case(either(names(flags, |value| *value == Value::Free)), "return");
    out
}
