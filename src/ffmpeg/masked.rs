//! The command of a client with its secrets masked.

use std::borrow::Cow;
use std::path::Path;

use super::command::{Template, quote};
use crate::http::redact::{MASK, Masking};
use crate::units::ClientId;

/// Options of FFmpeg whose value is a secret.
const SECRET_OPTIONS: [&str; 8] = [
    "-cookies",
    "-cryptokey",
    "-decryption_key",
    "-decryption_keys",
    "-audible_key",
    "-passphrase",
    "-password",
    "-post_data",
];

/// An argument of FFmpeg, masked according to the one before it.
#[must_use]
pub fn masked_argument<'a>(before: &str, argument: &'a str, masking: &Masking) -> Cow<'a, str> {
    match before {
        "-headers" => masking.headers(argument).into(),
        "-i" => masking.url(argument).into(),
        _ if SECRET_OPTIONS.contains(&before) => MASK.into(),
        _ => masking.text(argument),
    }
}

/// The values among FFmpeg's arguments that are secrets: FFmpeg prints them at level
/// debug.
pub fn secret_values(arguments: &[String]) -> impl Iterator<Item = &str> {
    let pairs = arguments.iter().zip(arguments.iter().skip(1));
    pairs
        .filter(|(option, _)| SECRET_OPTIONS.contains(&option.as_str()))
        .map(|(_, value)| value.as_str())
}

impl Template {
    /// The command of `client` for a shell, secrets masked.
    #[must_use]
    pub fn masked_line(&self, program: &Path, client: ClientId, masking: &Masking) -> String {
        let mut scratch = Vec::new();
        let mut line = quote(&program.to_string_lossy());
        let mut before = Cow::Borrowed("");
        for argument in self.argv(client, &mut scratch) {
            let argument = argument.to_string_lossy();
            line.push(' ');
            line.push_str(&quote(&masked_argument(&before, &argument, masking)));
            before = argument;
        }
        line
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::ffmpeg::capabilities::Capabilities;
    use crate::ffmpeg::command::Map;
    use crate::ffmpeg::options::Options;

    #[test]
    fn masks_secrets_and_keeps_the_rest() {
        let options = Options {
            headers: ["Authorization: Bearer SECRET", "X-Odd: SECRET", "Kept: SECRET"]
                .map(str::to_owned)
                .into(),
            extra_args: [
                "-cookies",
                "a=SECRET",
                "-cryptokey",
                "SECRET",
                "-an",
                "-headers",
                "Z: SECRET",
            ]
            .map(str::to_owned)
            .into(),
            user_agent: "agent".to_owned(),
            ..Options::new("http://u:SECRET@h/a?token=SECRET&b=2".parse().unwrap())
        };
        let version = include_bytes!("../../tests/data/ffmpeg-9.0.2-version.txt");
        let help = include_bytes!("../../tests/data/ffmpeg-9.0.2-help.txt");
        let capabilities = Capabilities::parse(version, help).unwrap();
        let template = Template::new(&options, Map::All, &capabilities).unwrap();
        let line =
            template.masked_line(Path::new("/opt/ffmpeg"), ClientId::new(7), &Masking::default());
        assert!(!line.contains("SECRET"), "{line}");
        for kept in [
            "/opt/ffmpeg -",
            "agent/client-7",
            "-cookies '***' -cryptokey '***' -an",
            "X-Odd: ***",
            "?token=***&b=***",
        ] {
            assert!(line.contains(kept), "{kept}: {line}");
        }
    }
}
