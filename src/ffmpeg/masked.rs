//! The command of a client as it may be shown: credentials masked.

use std::path::Path;

use super::command::{Template, quote};
use crate::http::redact::redact;
use crate::units::ClientId;

/// Options of FFmpeg whose value is a secret by itself.
pub const SECRET_OPTIONS: [&str; 3] = ["-cookies", "-cryptokey", "-decryption_key"];

/// What stands for a masked value.
pub const MASK: &str = "***";

impl Template {
    /// The command of `client` for a shell, credentials masked.
    #[must_use]
    pub fn masked_line(&self, program: &Path, client: ClientId) -> String {
        let mut scratch = Vec::new();
        let mut line = quote(&redact(&program.to_string_lossy()));
        let mut after_secret_option = false;
        for argument in self.argv(client, &mut scratch) {
            let argument = argument.to_string_lossy();
            let shown = if after_secret_option { MASK.into() } else { redact(&argument) };
            after_secret_option = SECRET_OPTIONS.contains(&argument.as_ref());
            line.push(' ');
            line.push_str(&quote(&shown));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ffmpeg::capabilities::Capabilities;
    use crate::ffmpeg::command::{Map, Options};

    #[test]
    fn no_secret_is_in_it_and_all_else_is() {
        let options = Options {
            url: "http://u:SECRET@h/a?token=SECRET&b=2".parse().unwrap(),
            resolve: None,
            no_cache: false,
            headers: ["Authorization: Bearer SECRET", "X-Api-Key: SECRET", "Kept: yes"]
                .map(str::to_owned)
                .into(),
            extra_args: ["-cookies", "a=SECRET", "-cryptokey", "SECRET", "-an"]
                .map(str::to_owned)
                .into(),
            user_agent: "agent".to_owned(),
            timeout: Duration::ZERO,
            reconnect: false,
            reconnect_delay_secs: 0,
            segment_retries: 0,
            http_multiple: false,
            stats: None,
        };
        let version = include_bytes!("../../tests/data/ffmpeg-9.0.2-version.txt");
        let help = include_bytes!("../../tests/data/ffmpeg-9.0.2-help.txt");
        let capabilities = Capabilities::parse(version, help).unwrap();
        let template = Template::new(&options, Map::All, &capabilities).unwrap();
        let line = template.masked_line(Path::new("/opt/ffmpeg"), ClientId::new(7));
        assert!(!line.contains("SECRET"), "{line}");
        for kept in
            ["/opt/ffmpeg -", "agent/client-7", "-cookies '***' -cryptokey '***' -an", "b=2"]
        {
            assert!(line.contains(kept), "{kept}: {line}");
        }
    }
}
