//! The variants of a master playlist, as listed by ffprobe.
//!
//! FFmpeg's HLS demuxer makes a program of each variant, whose tag `variant_bitrate` is
//! the playlist's BANDWIDTH (`hls.c`); of a media playlist it makes one, of bitrate 0.
//! `-map 0:p:ID` then reads that variant alone.
//!
//! Knows no process; it provides the arguments and parses the output.

use std::ffi::CString;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::ffmpeg::arguments::{Arguments, CommandError, OpenedUrl};
use crate::ffmpeg::capabilities::Capabilities;
use crate::ffmpeg::command::Map;
use crate::ffmpeg::options::{Options, VariantChoice};

/// Time limit of ffprobe, which opens a segment of every variant.
pub const PROBE_TIME_LIMIT: Duration = Duration::from_secs(30);

/// Most bytes read of ffprobe's output: about 250 variants with all details of their
/// streams.
pub const PROBE_OUTPUT_LIMIT_BYTES: usize = 1 << 20;

/// The arguments that make ffprobe list the variants as JSON on stdout.
///
/// ffprobe connects as the clients do, with `/probe` after the user agent. It is
/// assumed to support the same options as FFmpeg, since both are released together.
///
/// # Errors
///
/// [`CommandError`] if this FFmpeg cannot open the URL with these options.
pub fn probe_arguments(
    options: &Options,
    capabilities: &Capabilities,
) -> Result<Vec<CString>, CommandError> {
    let source = OpenedUrl::new(options, capabilities)?;
    let mut arguments = Arguments::new(capabilities);
    arguments.push(["-v", "quiet", "-print_format", "json", "-show_programs"]);
    arguments.push_tls(&source);
    arguments.push_timeout(options.timeout);
    arguments.push(["-user_agent", &format!("{}/probe", options.user_agent)]);
    arguments.push_headers(&source);
    arguments.push(["-i", source.url.as_str()]);
    arguments.take()
}

/// One variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its id, for [`Map::Program`].
    pub id: u32,
    /// BANDWIDTH of the master playlist, in bits per second; 0 if there is none.
    pub bitrate: u64,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bit/s (program {})", self.bitrate, self.id)
    }
}

/// The variants found, in the order of the playlist; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variants(Vec<Program>);

impl Variants {
    /// Parses ffprobe's output. Programs without a bitrate tag are ignored: they are
    /// not the demuxer's variants.
    ///
    /// # Errors
    ///
    /// [`VariantsError`] if the output is not such a list, or an empty one.
    pub fn parse(output: &[u8]) -> Result<Self, VariantsError> {
        let document: Document =
            serde_json::from_slice(output).map_err(|_| VariantsError::Unreadable)?;
        let variants: Vec<Program> =
            document.programs.into_iter().filter_map(RawProgram::into_program).collect();
        if variants.is_empty() { Err(VariantsError::None) } else { Ok(Self(variants)) }
    }

    /// The variants, in the order of the playlist.
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        &self.0
    }

    /// The streams to read for `variant`. Of equal bitrates the first is used; a
    /// variant without a bitrate is the lowest only if there is no other.
    #[must_use]
    pub fn map(&self, variant: VariantChoice) -> Map {
        match variant {
            VariantChoice::All => Map::All,
            _ => self.chosen(variant).map_or(Map::First, |program| Map::Program(program.id)),
        }
    }

    /// The program selected by `variant`, if it is selected by bitrate.
    #[must_use]
    pub fn chosen(&self, variant: VariantChoice) -> Option<Program> {
        let programs = self.0.iter().copied();
        match variant {
            VariantChoice::All | VariantChoice::First => None,
            // Of equal ones `max_by_key` returns the last and `min_by_key` the first.
            VariantChoice::Highest => programs.rev().max_by_key(|program| program.bitrate),
            VariantChoice::Lowest => {
                programs.min_by_key(|program| program.bitrate.checked_sub(1).unwrap_or(u64::MAX))
            }
        }
    }
}

impl fmt::Display for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bitrates: Vec<String> =
            self.0.iter().map(|program| program.bitrate.to_string()).collect();
        write!(f, "{} bit/s", bitrates.join(", "))
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    programs: Vec<RawProgram>,
}

#[derive(Deserialize)]
struct RawProgram {
    program_id: u32,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize, Default)]
struct Tags {
    variant_bitrate: Option<String>,
}

impl RawProgram {
    fn into_program(self) -> Option<Program> {
        let bitrate = self.tags.variant_bitrate?.parse().ok()?;
        Some(Program { id: self.program_id, bitrate })
    }
}

/// Why the variants are unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariantsError {
    /// The output is not ffprobe's JSON.
    Unreadable,
    /// ffprobe found no variant: it could not open the playlist.
    None,
}

impl fmt::Display for VariantsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => {
                "ffprobe's output cannot be read: check that -ffprobe names ffprobe"
            }
            Self::None => {
                "ffprobe found no variant: check that the URL opens, or use -variant first"
            }
        })
    }
}

impl std::error::Error for VariantsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const MASTER: &[u8] = include_bytes!("../../tests/data/ffprobe-5.1.9-master.json");
    const MEDIA: &[u8] = include_bytes!("../../tests/data/ffprobe-5.1.9-media.json");

    fn found(bitrates: &[u64]) -> Variants {
        let program = |(id, bitrate): (u32, &u64)| Program { id, bitrate: *bitrate };
        Variants((10..).zip(bitrates).map(program).collect())
    }

    #[test]
    fn captures() {
        let master = Variants::parse(MASTER).unwrap();
        assert_eq!(master.to_string(), "400000, 800000, 200000 bit/s");
        assert_eq!(master.map(VariantChoice::Highest), Map::Program(1));
        assert_eq!(master.map(VariantChoice::Lowest), Map::Program(2));
        let highest = master.chosen(VariantChoice::Highest).unwrap();
        assert_eq!(highest.to_string(), "800000 bit/s (program 1)");
        assert_eq!(master.chosen(VariantChoice::All), None);
        let media = Variants::parse(MEDIA).unwrap();
        assert_eq!(media.programs(), [Program { id: 0, bitrate: 0 }]);
        assert_eq!(media.map(VariantChoice::Highest), Map::Program(0));
        assert_eq!(media.map(VariantChoice::Lowest), Map::Program(0));
    }

    #[test]
    fn choice() {
        let cases: [(&[u64], u32, u32); 6] = [
            (&[5], 10, 10),
            (&[1, 2, 3], 12, 10),
            (&[3, 3, 1, 1], 10, 12),
            (&[2, 2], 10, 10),
            (&[0, 7, 9], 12, 11),
            (&[0, 0], 10, 10),
        ];
        for (bitrates, highest, lowest) in cases {
            let variants = found(bitrates);
            assert_eq!(variants.map(VariantChoice::Highest), Map::Program(highest), "{bitrates:?}");
            assert_eq!(variants.map(VariantChoice::Lowest), Map::Program(lowest), "{bitrates:?}");
            assert_eq!(variants.map(VariantChoice::All), Map::All);
            assert_eq!(variants.map(VariantChoice::First), Map::First);
        }
    }

    #[test]
    fn rejects_output_without_variants() {
        let cases = [
            ("", VariantsError::Unreadable),
            ("ffprobe version 5", VariantsError::Unreadable),
            (r#"{"programs": [{"id": 1}]}"#, VariantsError::Unreadable),
            ("{\n\n}\n", VariantsError::None),
            (r#"{"programs": []}"#, VariantsError::None),
            (r#"{"programs": [{"program_id": 1}]}"#, VariantsError::None),
            (
                r#"{"programs": [{"program_id": 1, "tags": {"service_name": "x"}}]}"#,
                VariantsError::None,
            ),
            (
                r#"{"programs": [{"program_id": 1, "tags": {"variant_bitrate": "-3"}}]}"#,
                VariantsError::None,
            ),
        ];
        for (output, error) in cases {
            assert_eq!(Variants::parse(output.as_bytes()), Err(error), "{output}");
        }
        let one = r#"{"programs": [{"program_id": 1}, {"program_id": 4, "tags": {"variant_bitrate": "9"}}]}"#;
        assert_eq!(
            Variants::parse(one.as_bytes()).unwrap().programs(),
            [Program { id: 4, bitrate: 9 }]
        );
    }

    #[test]
    fn ffprobe_connects_as_the_clients_do() {
        let capabilities = Capabilities::parse(
            b"ffmpeg version 5.1.9",
            b"  -rw_timeout <int64> ED\n  -tls_verify <int> ED\n",
        );
        let options = Options {
            resolve: Some(Ipv4Addr::LOCALHOST.into()),
            headers: vec!["X: 1".to_owned()],
            extra_args: vec!["-re".to_owned()],
            user_agent: "ua".to_owned(),
            timeout: Duration::from_secs(1),
            reconnect: true,
            reconnect_delay_secs: 5,
            segment_retries: 3,
            ..Options::new("https://h:8443/a.m3u8".parse().unwrap())
        };
        let arguments = probe_arguments(&options, &capabilities.unwrap()).unwrap();
        let words: Vec<&str> = arguments.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            words.join(" "),
            "-v quiet -print_format json -show_programs -tls_verify 0 -rw_timeout 1000000 \
             -user_agent ua/probe -headers Host: h:8443\r\nX: 1\r\n -i https://127.0.0.1:8443/a.m3u8"
        );
    }
}
