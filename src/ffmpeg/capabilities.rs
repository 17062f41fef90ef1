//! The version of an FFmpeg binary and the options that it supports.
//!
//! FFmpeg rejects a command with an unknown option, so options that were added later or
//! can be left out at compile time must be checked. The binary is run twice, with
//! [`VERSION_ARGS`] and [`HELP_ARGS`]: one `-h full` of 1 MB takes as long as a single
//! `-h demuxer=hls` (0.1 s with 215 shared libraries, 0.02 s static), lists the options
//! of every component, and works in old versions without `-h protocol=`.
//!
//! Knows no process; it parses the output of one.

use std::fmt;

/// Arguments that make FFmpeg print its version on stdout.
pub const VERSION_ARGS: &[&str] = &["-version"];

/// Arguments that make FFmpeg print every option of every component on stdout.
pub const HELP_ARGS: &[&str] = &["-hide_banner", "-h", "full"];

/// Most bytes read of either output: four times the output of 9.0.2.
pub const OUTPUT_LIMIT_BYTES: usize = 5 << 20;

/// An option that some supported FFmpeg versions lack.
///
/// The other options of the command (`-progress`, `-headers`, …) are as old as HLS in
/// FFmpeg and are not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionName {
    /// Period of `-progress`; from 4.4.
    StatsPeriod,
    /// Whether the certificate of a TLS peer is verified.
    TlsVerify,
    /// Reconnect after a lost connection.
    Reconnect,
    /// Reconnect when connecting fails; from 4.4.
    ReconnectOnNetworkError,
    /// Longest reconnect delay.
    ReconnectDelayMax,
    /// Network read and write timeout.
    RwTimeout,
    /// Retries of a segment; from 6.0.
    SegMaxRetry,
    /// Reloads of a playlist without new segments.
    MaxReload,
    /// FFmpeg's own prefetching; from 4.1.
    HttpMultiple,
}

impl OptionName {
    /// Every option that is checked.
    pub const ALL: [Self; 9] = [
        Self::StatsPeriod,
        Self::TlsVerify,
        Self::Reconnect,
        Self::ReconnectOnNetworkError,
        Self::ReconnectDelayMax,
        Self::RwTimeout,
        Self::SegMaxRetry,
        Self::MaxReload,
        Self::HttpMultiple,
    ];

    /// The option as written in a command.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::StatsPeriod => "-stats_period",
            Self::TlsVerify => "-tls_verify",
            Self::Reconnect => "-reconnect",
            Self::ReconnectOnNetworkError => "-reconnect_on_network_error",
            Self::ReconnectDelayMax => "-reconnect_delay_max",
            Self::RwTimeout => "-rw_timeout",
            Self::SegMaxRetry => "-seg_max_retry",
            Self::MaxReload => "-max_reload",
            Self::HttpMultiple => "-http_multiple",
        }
    }

    /// The component that the option belongs to; others have options of the same name.
    const fn component(self) -> Component {
        match self {
            Self::StatsPeriod => Component::Program,
            Self::TlsVerify => Component::Tls,
            Self::Reconnect | Self::ReconnectOnNetworkError | Self::ReconnectDelayMax => {
                Component::Http
            }
            Self::RwTimeout => Component::Url,
            Self::SegMaxRetry | Self::MaxReload | Self::HttpMultiple => Component::HlsDemuxer,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A component of FFmpeg, by the headings of `-h full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    /// The list has no headings: an option may belong to any component.
    Unnamed,
    Program,
    Url,
    Http,
    Https,
    Tls,
    HlsDemuxer,
    Other,
}

impl Component {
    /// The component that a heading introduces; `None` for a line that is no heading.
    ///
    /// Libraries introduce their options with `NAME AVOptions:`, the program its own
    /// with a phrase. The HLS demuxer was named `hls,applehttp` until 4.1.
    fn of_heading(line: &str) -> Option<Self> {
        let heading = line.strip_suffix(':').filter(|h| !h.starts_with([' ', '-']))?;
        Some(match heading.strip_suffix(" AVOptions") {
            None => Self::Program,
            Some("URLContext") => Self::Url,
            Some("http") => Self::Http,
            Some("https") => Self::Https,
            Some("tls") => Self::Tls,
            Some("hls demuxer" | "hls,applehttp" | "hls") => Self::HlsDemuxer,
            Some(_) => Self::Other,
        })
    }
}

/// The capabilities of one FFmpeg binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    version: String,
    known: u16,
    https: bool,
    verifies_tls: bool,
}

impl Capabilities {
    /// Parses the output for [`VERSION_ARGS`] and [`HELP_ARGS`].
    ///
    /// In a list without headings every option counts for every component.
    ///
    /// # Errors
    ///
    /// [`CapabilitiesError`] if the binary is not FFmpeg or its options cannot be read.
    pub fn parse(version_output: &[u8], help_output: &[u8]) -> Result<Self, CapabilitiesError> {
        let version = parse_version(&String::from_utf8_lossy(version_output))
            .ok_or(CapabilitiesError::NotFfmpeg)?;
        let mut found = Self { version, known: 0, https: false, verifies_tls: false };
        let mut component = Component::Unnamed;
        for line in String::from_utf8_lossy(help_output).lines() {
            match Component::of_heading(line) {
                Some(next) => component = next,
                None => found.read_option(component, line),
            }
            found.https |= matches!(component, Component::Https | Component::Unnamed);
        }
        if found.known == 0 {
            return Err(CapabilitiesError::NoOptions { version: found.version });
        }
        Ok(found)
    }

    /// Records the option that a line of the list names, if any.
    fn read_option(&mut self, component: Component, line: &str) {
        let Some(flag) = line.split_whitespace().next().filter(|word| word.starts_with('-')) else {
            return;
        };
        let named = |option: &OptionName| {
            option.flag() == flag
                && (component == option.component() || component == Component::Unnamed)
        };
        let Some(option) = OptionName::ALL.into_iter().find(named) else { return };
        self.known |= option.bit();
        if option == OptionName::TlsVerify {
            self.verifies_tls = line.contains("(default true)") || line.contains("(default 1)");
        }
    }

    /// The version as printed by the binary, for example `5.1.9-0+deb12u1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the binary supports this option.
    #[must_use]
    pub const fn knows(&self, option: OptionName) -> bool {
        self.known & option.bit() != 0
    }

    /// Whether the binary was built with TLS.
    #[must_use]
    pub const fn https(&self) -> bool {
        self.https
    }

    /// Whether certificates are verified by default: not in 7.0, but in 9.0.
    #[must_use]
    pub const fn verifies_tls(&self) -> bool {
        self.verifies_tls
    }
}

/// The word after `ffmpeg version` on the first line.
fn parse_version(output: &str) -> Option<String> {
    let rest = output.lines().next()?.strip_prefix("ffmpeg version ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// Why a binary cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CapabilitiesError {
    /// Its version line does not name FFmpeg.
    NotFfmpeg,
    /// It is FFmpeg, but its list has none of the options that are checked.
    NoOptions {
        /// Its version.
        version: String,
    },
}

impl fmt::Display for CapabilitiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFfmpeg => write!(f, "it is not FFmpeg, by the output of `-version`"),
            Self::NoOptions { version } => write!(
                f,
                "FFmpeg {version} lists none of the options needed in `-h full`: \
                 it was built without HTTP or HLS"
            ),
        }
    }
}

impl std::error::Error for CapabilitiesError {}

#[cfg(test)]
mod tests {
    use super::OptionName::*;
    use super::*;

    macro_rules! capture {
        ($name:literal) => {
            (
                include_bytes!(concat!("../../tests/data/", $name, "-version.txt")).as_slice(),
                include_bytes!(concat!("../../tests/data/", $name, "-help.txt")).as_slice(),
            )
        };
    }

    fn unknown(capabilities: &Capabilities) -> Vec<OptionName> {
        OptionName::ALL.into_iter().filter(|option| !capabilities.knows(*option)).collect()
    }

    #[test]
    fn captures_of_six_versions() {
        let old = vec![StatsPeriod, ReconnectOnNetworkError, SegMaxRetry];
        let cases = [
            (capture!("ffmpeg-4.1-2018"), "N-47683-g0e8eb07980-static", old.clone(), false),
            (capture!("ffmpeg-4.2.2"), "4.2.2-static", old, false),
            (capture!("ffmpeg-5.1.9"), "5.1.9-0+deb12u1", vec![SegMaxRetry], false),
            (capture!("ffmpeg-6.0"), "6.0-static", vec![], false),
            (capture!("ffmpeg-7.0.2"), "7.0.2-static", vec![], false),
            (capture!("ffmpeg-9.0.2"), "n9.0.2-17-g2a571b6068-20260930", vec![], true),
        ];
        for ((version, help), name, left_out, verifies_tls) in cases {
            let found = Capabilities::parse(version, help).unwrap();
            assert_eq!(found.version(), name);
            assert_eq!(unknown(&found), left_out, "{name}");
            assert_eq!(found.verifies_tls(), verifies_tls, "{name}");
            assert!(found.https(), "{name}");
        }
    }

    #[test]
    fn list_without_headings_counts_for_every_component() {
        let help = b"  -max_reload <int> .D\n  -seg_max_retry <int> .D\n  -tls_verify <int> ED\n";
        let found = Capabilities::parse(b"ffmpeg version 9.0-fake Copyright\n", help).unwrap();
        assert_eq!(found.version(), "9.0-fake");
        assert!(found.knows(MaxReload) && found.knows(SegMaxRetry) && found.knows(TlsVerify));
        assert!(!found.knows(RwTimeout));
        assert!(found.https() && !found.verifies_tls());
    }

    #[test]
    fn option_of_another_component_does_not_count() {
        let help = "URLContext AVOptions:\n  -rw_timeout <int64> ED.\n\
                    dash AVOptions:\n  -max_reload <int> .D.\n\
                    RTSP demuxer AVOptions:\n  -tls_verify <boolean> ED. (default true)\n\
                    hls muxer AVOptions:\n  -http_multiple <boolean> E.\n\
                    http AVOptions:\n  -reconnect_at_eof <boolean> .D.\n";
        let found = Capabilities::parse(b"ffmpeg version 6.1 Copyright", help.as_bytes()).unwrap();
        let known: Vec<_> = OptionName::ALL.into_iter().filter(|o| found.knows(*o)).collect();
        assert_eq!(known, [RwTimeout]);
        assert!(!found.https() && !found.verifies_tls());
    }

    #[test]
    fn rejects_other_programs() {
        let help = capture!("ffmpeg-5.1.9").1;
        for version in
            ["", "\n", "ffprobe version 5.1.9", "GNU bash, version 5.2", "ffmpeg version ", "\u{0}"]
        {
            let refused = Capabilities::parse(version.as_bytes(), help);
            assert_eq!(refused, Err(CapabilitiesError::NotFfmpeg), "{version:?}");
        }
        assert_eq!(
            Capabilities::parse(b"ffmpeg version 5.1", b"usage: nothing of use\n"),
            Err(CapabilitiesError::NoOptions { version: "5.1".to_owned() })
        );
    }
}
