//! Commands for FFmpegs of several versions.

use std::time::Duration;

use url::Url;

use super::*;
use crate::ffmpeg::capabilities::OptionName::*;

const OLD: (&[u8], &[u8]) = (
    include_bytes!("../../../tests/data/ffmpeg-4.1-2018-version.txt"),
    include_bytes!("../../../tests/data/ffmpeg-4.1-2018-help.txt"),
);
const DEBIAN: (&[u8], &[u8]) = (
    include_bytes!("../../../tests/data/ffmpeg-5.1.9-version.txt"),
    include_bytes!("../../../tests/data/ffmpeg-5.1.9-help.txt"),
);
const NEW: (&[u8], &[u8]) = (
    include_bytes!("../../../tests/data/ffmpeg-9.0.2-version.txt"),
    include_bytes!("../../../tests/data/ffmpeg-9.0.2-help.txt"),
);

fn can((version, help): (&[u8], &[u8])) -> Capabilities {
    Capabilities::parse(version, help).unwrap()
}

fn options(url: &str) -> Options {
    Options {
        user_agent: "ua/1".to_owned(),
        timeout: Duration::from_secs(15),
        reconnect: true,
        reconnect_delay_secs: 5,
        segment_retries: 3,
        stats: Some(LogDetail::Verbose),
        ..Options::new(Url::parse(url).unwrap())
    }
}

fn words(options: &Options, map: Map, capabilities: &Capabilities) -> Vec<String> {
    let template = Template::new(options, map, capabilities).unwrap();
    let mut scratch = Vec::new();
    let argv = template.argv(ClientId::new(7), &mut scratch);
    argv.map(|argument| argument.to_str().unwrap().to_owned()).collect()
}

fn line(options: &Options, map: Map, capabilities: &Capabilities) -> String {
    words(options, map, capabilities).join(" ")
}

#[test]
fn the_whole_command() {
    let options = options("http://h/a.m3u8");
    let common = |clock| {
        let log = format!("-loglevel repeat+level{clock}+verbose");
        format!("-hide_banner -nostdin -nostats {log} -progress pipe:1")
    };
    let reconnect = "-reconnect 1";
    let end = "-i http://h/a.m3u8 -map 0 -c copy -f null -";
    assert_eq!(
        line(&options, Map::All, &can(NEW)),
        format!(
            "{} -stats_period 1 {reconnect} -reconnect_on_network_error 1 \
             -reconnect_delay_max 5 -rw_timeout 15000000 -user_agent ua/1/client-7 \
             -seg_max_retry 3 -max_reload 1000 -http_multiple 0 {end}",
            common("+datetime")
        )
    );
    assert_eq!(
        line(&options, Map::All, &can(OLD)),
        format!(
            "{} {reconnect} -reconnect_delay_max 5 -rw_timeout 15000000 \
             -user_agent ua/1/client-7 -max_reload 1000 -http_multiple 0 {end}",
            common("")
        )
    );
}

#[test]
fn left_out_lists_requested_unsupported_options() {
    let mut options = options("http://h/a.m3u8");
    let left_out = |options: &Options| {
        Template::new(options, Map::All, &can(OLD)).unwrap().left_out().to_vec()
    };
    assert_eq!(left_out(&options), [StatsPeriod, ReconnectOnNetworkError, SegMaxRetry]);
    options.reconnect = false;
    assert_eq!(left_out(&options), [StatsPeriod, SegMaxRetry]);
    assert_eq!(Template::new(&options, Map::All, &can(NEW)).unwrap().left_out(), []);
}

#[test]
fn log_level_follows_the_detail_and_the_version() {
    let cases = [
        (Some(LogDetail::Info), DEBIAN, "repeat+level+info"),
        (Some(LogDetail::Debug), DEBIAN, "repeat+level+debug"),
        (Some(LogDetail::Verbose), OLD, "repeat+level+verbose"),
        (Some(LogDetail::Info), NEW, "repeat+level+datetime+info"),
        (None, NEW, "repeat+level+warning"),
    ];
    for (stats, ffmpeg, want) in cases {
        let options = Options { stats, ..options("http://h/a") };
        let words = words(&options, Map::All, &can(ffmpeg));
        assert!(words.windows(2).any(|pair| pair == ["-loglevel", want]), "{words:?}");
        for option in ["-progress", "-stats_period"] {
            let given = words.iter().any(|word| word == option);
            let known = option == "-progress" || ffmpeg != OLD;
            assert_eq!(given, stats.is_some() && known, "{option} {want}");
        }
    }
}

#[test]
fn snapshots_have_no_major_version() {
    let cases = [
        ("9.0.2", Some(9)),
        ("n9.0.2-17-g2a571b6068-20260930", Some(9)),
        ("5.1.9-0+deb12u1", Some(5)),
        ("10.0", Some(10)),
        ("N-47683-g0e8eb07980-static", None),
        ("2024-05-20-git-127ded5078-full_build.net", None),
        ("git-2020-06-04-7f81785", None),
        ("", None),
    ];
    for (version, want) in cases {
        assert_eq!(release(version), want, "{version}");
    }
}

#[test]
fn maps() {
    let cases = [
        (Map::All, "-map 0 -c copy"),
        (Map::First, "-map 0:v:0? -map 0:a:0? -c copy"),
        (Map::Program(12), "-map 0:p:12 -c copy"),
    ];
    for (map, wanted) in cases {
        let line = line(&options("http://h/a#t=3"), map, &can(DEBIAN));
        assert!(line.contains(&format!("-i http://h/a {wanted}")), "{line}");
    }
}

#[test]
fn switches_and_extra_arguments() {
    let mut options = options("http://h/a");
    options.reconnect = false;
    options.http_multiple = true;
    options.extra_args = vec!["-re".to_owned(), "-cookies".to_owned(), "a=b; c".to_owned()];
    options.timeout = Duration::from_millis(1500);
    let words = words(&options, Map::All, &can(NEW));
    assert!(!words.iter().any(|word| word.starts_with("-reconnect")));
    assert!(!words.contains(&"-http_multiple".to_owned()));
    assert!(words.windows(2).any(|pair| pair == ["-rw_timeout", "1500000"]));
    assert!(words.windows(4).any(|four| four == ["-re", "-cookies", "a=b; c", "-i"]));
}

#[test]
fn clamps_values_to_ffmpegs_limits() {
    let mut options = options("http://h/a");
    options.reconnect_delay_secs = u32::MAX;
    options.segment_retries = u32::MAX;
    options.timeout = Duration::MAX;
    let line = line(&options, Map::All, &can(NEW));
    assert!(line.contains("-reconnect_delay_max 4294 -rw_timeout 9223372036854775807 "));
    assert!(line.contains("-seg_max_retry 2147483647 "));
}

#[test]
fn headers_and_resolve() {
    let no_cache = "Cache-Control: no-cache|Pragma: no-cache|";
    let host_first = format!("Host: h:81|{no_cache}X: 1|");
    let cases = [
        ("http://h/a", "", true, "", "http://h/a", no_cache),
        ("http://h/a", "", false, "X: 1|Y: 2", "http://h/a", "X: 1|Y: 2|"),
        ("http://h:81/?b", "10.0.0.1", true, "X: 1", "http://10.0.0.1:81/?b", &host_first),
        ("https://u:p@h/a", "::1", false, "", "https://u:p@[::1]/a", "Host: h|"),
        ("http://[::2]:80/a", "::1", false, "", "http://[::1]/a", "Host: [::2]|"),
        ("http://h/a", "::1", false, "host : other", "http://[::1]/a", "host : other|"),
    ];
    for (url, resolve, no_cache, headers, opened, block) in cases {
        let mut options = options(url);
        options.resolve = resolve.parse().ok();
        options.no_cache = no_cache;
        options.headers = headers.split('|').filter(|h| !h.is_empty()).map(str::to_owned).collect();
        let words = words(&options, Map::All, &can(DEBIAN));
        let after = |flag: &str| {
            words.iter().position(|word| word == flag).map(|index| words[index + 1].clone())
        };
        assert_eq!(after("-i").unwrap(), opened);
        assert_eq!(after("-headers").unwrap().replace("\r\n", "|"), block, "{url}");
        let skips = url.starts_with("https") && !resolve.is_empty();
        assert_eq!(after("-tls_verify"), skips.then(|| "0".to_owned()), "{url}");
    }
    assert!(!line(&options("https://h/a"), Map::All, &can(DEBIAN)).contains("-tls_verify"));
    assert!(!line(&options("http://h/a"), Map::All, &can(DEBIAN)).contains("-headers"));
}

#[test]
fn rejects_impossible_commands() {
    let refused = |options: &Options, capabilities: &Capabilities| {
        Template::new(options, Map::All, capabilities).unwrap_err().to_string()
    };
    let mut resolved = options("https://h/a");
    resolved.resolve = Some("127.0.0.1".parse().unwrap());
    assert!(refused(&resolved, &can(NEW)).contains("verifies every certificate"));
    let without_tls = can((DEBIAN.0, b"http AVOptions:\n  -reconnect <boolean> .D.\n"));
    assert!(refused(&options("https://h/a"), &without_tls).contains("without TLS"));
    let mut nul = options("http://h/a");
    nul.user_agent = "a\0b".to_owned();
    assert!(refused(&nul, &can(NEW)).contains("NUL"));
}

#[test]
fn scratch_can_be_reused() {
    let template = Template::new(&options("http://h/a"), Map::All, &can(NEW)).unwrap();
    let mut scratch = Vec::new();
    for number in [123_456, 9, 0] {
        let wanted = CString::new(format!("ua/1/client-{number}")).unwrap();
        let mut argv = template.argv(ClientId::new(number), &mut scratch);
        assert!(argv.any(|argument| argument == wanted.as_c_str()));
    }
}

#[test]
fn shell_line_can_be_pasted() {
    let mut options = options("http://u:p@h/a?b=1&c=2");
    options.headers = vec!["X: it's".to_owned()];
    let template = Template::new(&options, Map::First, &can(DEBIAN)).unwrap();
    let line = template.shell_line(Path::new("/opt/my ffmpeg"), ClientId::new(0));
    assert!(line.starts_with("'/opt/my ffmpeg' -hide_banner "), "{line}");
    assert!(line.contains(r" -headers $'X: it\'s\r\n' "), "{line}");
    assert!(
        line.ends_with(
            " -i 'http://u:p@h/a?b=1&c=2' -map '0:v:0?' -map '0:a:0?' -c copy -f null -"
        ),
        "{line}"
    );
    assert_eq!(quote("\u{1b}\u{7f}\t\\"), r"$'\u001b\u007f\u0009\\'");
}
