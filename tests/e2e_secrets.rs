//! End to end with real FFmpegs: no output contains a secret of a URL or a header in
//! any known form; and ps does not show secrets of this program.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;

use rustix::process::Signal;
use support::fake::Fake;
use support::origin::Origin;
use support::program::Setup;

/// Contained in every secret, also in base64.
const SECRET: &str = "hunter2";
const SECRET_IN_BASE64: &str = "aHVudGVyMg";

/// Parameters that were once printed because no list of names contained them.
const PARAMETERS: [&str; 15] = [
    "accessKey",
    "streamKey",
    "sessionToken",
    "txSecret",
    "wsSecret",
    "wmsAuthSign",
    "st",
    "md5",
    "sign",
    "pass",
    "code",
    "verify",
    "%74oken",
    "url",
    "x",
];

const HEADERS: [&str; 7] = [
    "Authorization",
    "X-Token",
    "X-Auth",
    "X-Signature",
    "X-Session-Id",
    "CloudFront-Signature",
    "X-Odd",
];

/// A query with a secret in each parameter.
fn query() -> String {
    let secret = |name: &&str| match *name {
        "url" => format!("url=http://i/?k=hunter2url&v=http%3A%2F%2Fi%3Fk%3D{SECRET}"),
        name => format!("{name}={SECRET}{name}"),
    };
    let all: Vec<_> = PARAMETERS.iter().map(secret).collect();
    format!("{}&quality=high", all.join("&"))
}

/// Paths with and without tokens before the playlist.
fn paths() -> [String; 2] {
    let token = format!("hdntl=exp=1~acl=%2f*~hmac={SECRET}00");
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{SECRET_IN_BASE64}.c2ln");
    [format!("{token}/{jwt}/a;jsessionid={SECRET}/stream.m3u8"), "stream.m3u8".to_owned()]
}

#[test]
fn no_output_has_a_secret_in_any_form() {
    let folder = support::folder();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let access_log = file("access.log");
    let origin = Origin::with(&["-access-log", &access_log, "-fault", "404:segments:40%"]);
    for ffmpeg in support::tools::real_ffmpegs() {
        for (path, format) in paths().iter().zip(["json", "text"]) {
            let url =
                format!("http://{SECRET}:{SECRET}@{}/{path}?{}#{SECRET}", origin.address, query());
            let (summary, report) = (file("s.json"), file("r.html"));
            let mut setup = Setup::load(&ffmpeg, &url)
                .args(&["-clients", "2", "-duration", "2s", "--skip-preflight", "-v"])
                .args(&["-stats-loglevel", "debug", "-log-level", "debug", "-log-format", format])
                .args(&["-ffmpeg-arg", "-cookies", "-ffmpeg-arg", "c=hunter2; path=/"])
                .args(&["-show-query", "quality", "-summary-json", &summary, "-report", &report]);
            for name in HEADERS {
                setup = setup.args(&["-header", &format!("{name}: {SECRET}-{name}")]);
            }
            let ended = setup.run();
            let log = ended.log.join("\n");
            for (outlet, text) in [
                ("log", &log),
                ("stdout", &ended.stdout),
                ("summary", &fs::read_to_string(&summary).unwrap()),
                ("report", &fs::read_to_string(&report).unwrap()),
            ] {
                let at = text.find(SECRET).or_else(|| text.find(SECRET_IN_BASE64));
                let around = at.map(|at| &text[at.saturating_sub(200)..(at + 100).min(text.len())]);
                assert_eq!(around, None, "{outlet} of {}", ffmpeg.display());
            }
            // Names and requested values are shown, and FFmpeg did print everything.
            assert!(log.contains("accessKey=***&streamKey=***"), "{log}");
            assert!(log.contains("quality=high") && log.contains("X-Odd: ***"), "{log}");
            assert!(ended.stdout.contains("quality=high"), "{}", ended.stdout);
        }
    }
    origin.program.stopped();
    let access = fs::read_to_string(&access_log).unwrap();
    assert!(
        access.contains("accessKey=***&streamKey=***&") && !access.contains(SECRET),
        "{access}"
    );
}

#[test]
fn ps_shows_no_secret_of_a_file_or_variable() {
    let fake = Fake::named("ffmpeg");
    let folder = support::folder();
    let (url, headers) = (folder.path().join("url"), folder.path().join("headers"));
    fs::write(&url, format!("http://127.0.0.1:9/wait/?k={SECRET}\n")).unwrap();
    fs::write(&headers, format!("# of today\nX-Token: {SECRET}\n")).unwrap();
    let (url, headers) = (url.to_str().unwrap(), format!("@{}", headers.display()));
    let ffmpeg = fake.path();
    let args = ["-clients", "1", "--skip-preflight", "-metrics", "", "-header", &headers];
    let args = [&args[..], &["-url-from", url, "-ffmpeg", ffmpeg.to_str().unwrap()]].concat();
    let mut program = Setup::with(&args).env("HEADERS", "X-More: 2hunter2").start();
    let client = program.children(1).remove(0).pid;
    let shown = |pid: u32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    assert!(!shown(program.process.pid).unwrap().contains(SECRET));
    support::until("FFmpeg is given all of it", || {
        let line = shown(client).unwrap();
        line.contains("X-More: 2hunter2\r\nX-Token: hunter2\r\n") && line.contains("?k=hunter2")
    });
    program.signal(Signal::TERM);
    let ended = program.ended();
    for repeated in ["-url-from", "-header", &headers] {
        assert!(ended.stdout.contains(repeated), "{}", ended.stdout);
    }
    assert!(!format!("{ended:?}").contains(SECRET), "{ended:#?}");
}
