//! A lean FFmpeg, built by `docs/lean-ffmpeg.sh`, against the installed one of the same
//! release: an origin must not be able to distinguish them, and the lean one must
//! support what it is meant for.
//!
//! `FFMPEG_LEAN` names it; the default is in the cache next to the newer one. If it is
//! missing, the tests are skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "tests start programs and threads")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use ffmpeg_hls_swarm::ffmpeg::capabilities::{Capabilities, HELP_ARGS, VERSION_ARGS};
use support::LIMIT;
use support::nginx::Nginx;
use support::program::{Program, Setup};
use support::tools::{lean_ffmpeg, tool};

/// Media of the packaged presentations, in seconds.
const PACKAGED_SECS: &str = "6";

/// A request as received: its connection, and its head.
type Request = (usize, String);

/// Forwards bytes between clients and an origin, and records every request head in
/// order of arrival. A client waits for the head of a response before its next request,
/// on whatever connection, so the order is the client's own.
struct Witness {
    address: SocketAddr,
    seen: Receiver<Request>,
}

impl Witness {
    fn before(origin: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = channel();
        thread::spawn(move || {
            for (connection, client) in listener.incoming().enumerate() {
                hand_on(connection, client.unwrap(), origin, sender.clone());
            }
        });
        Self { address, seen }
    }

    /// The requests since the last call, by client.
    fn by_client(&self) -> BTreeMap<String, Vec<Request>> {
        let mut clients: BTreeMap<String, Vec<Request>> = BTreeMap::new();
        for (connection, head) in self.seen.try_iter() {
            let agent = head.lines().find(|line| line.starts_with("User-Agent: ")).unwrap();
            clients.entry(agent.to_owned()).or_default().push((connection, head));
        }
        for requests in clients.values_mut() {
            number_connections(requests);
        }
        clients
    }

    /// The requests of a single client that do not depend on time: all before it
    /// reloads a playlist, with segments numbered from the first of their variant.
    fn opening(&self) -> Vec<Request> {
        let mut firsts: BTreeMap<String, i64> = BTreeMap::new();
        let mut playlists = Vec::new();
        let mut opening = Vec::new();
        loop {
            let (connection, head) = self.seen.recv_timeout(LIMIT).expect("another request");
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let (folder, name) = path.rsplit_once('/').unwrap();
            if let Some(number) = name.strip_suffix(".ts") {
                let number: i64 = number.parse().unwrap();
                let first = *firsts.entry(folder.to_owned()).or_insert(number);
                let asked = head.replace(&path, &format!("{folder}/first{:+}", number - first));
                opening.push((connection, asked));
            } else if playlists.contains(&path) {
                number_connections(&mut opening);
                return opening;
            } else {
                playlists.push(path);
                opening.push((connection, head));
            }
        }
    }
}

/// Numbers connections in the order in which they were opened.
fn number_connections(requests: &mut [Request]) {
    let mut known = Vec::new();
    for (connection, _) in requests {
        let place = known.iter().position(|one| one == connection);
        let number = place.unwrap_or_else(|| {
            known.push(*connection);
            known.len() - 1
        });
        *connection = number;
    }
}

/// Two threads per connection: one for requests, one for responses.
fn hand_on(connection: usize, mut client: TcpStream, origin: SocketAddr, seen: Sender<Request>) {
    let mut origin = TcpStream::connect(origin).unwrap();
    let (mut responses, mut client_side) =
        (origin.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        // A client may close in the middle of a response.
        let _ = std::io::copy(&mut responses, &mut client_side);
        let _ = client_side.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let (mut asked, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = client.read(&mut bytes) {
            asked.extend_from_slice(&bytes[..count]);
            while let Some(end) = asked.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = asked.drain(..end + 4).collect();
                let _ = seen.send((connection, String::from_utf8(head).unwrap()));
            }
            if origin.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = origin.shutdown(Shutdown::Both);
    });
}

/// The built-in origin and its address.
fn origin() -> (Program, SocketAddr) {
    let mut origin = Setup::with(&["origin", "-listen", "127.0.0.1:0"]).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
    (origin, address.unwrap())
}

fn capabilities(ffmpeg: &Path) -> Capabilities {
    let says = |args: &[&str]| {
        Command::new(ffmpeg).args(args).stdin(Stdio::null()).output().unwrap().stdout
    };
    Capabilities::parse(&says(VERSION_ARGS), &says(HELP_ARGS)).unwrap()
}

/// The lean FFmpeg and the installed one, if both are of one release.
fn pair() -> Option<[PathBuf; 2]> {
    let (lean, full) = (lean_ffmpeg()?, tool("ffmpeg")?);
    let release = |ffmpeg: &Path| {
        let version = capabilities(ffmpeg).version().to_owned();
        version.split('-').next().unwrap_or_default().to_owned()
    };
    let (of_lean, of_full) = (release(&lean), release(&full));
    if of_lean != of_full {
        println!("skipped: the lean FFmpeg is {of_lean}, the installed one {of_full}");
        return None;
    }
    Some([lean, full])
}

#[test]
fn lean_ffmpeg_sends_the_same_requests_on_demand() {
    let Some(ffmpegs) = pair() else { return };
    let (origin, address) = origin();
    let witness = Witness::before(address);
    let url = format!("http://{}/vod/stream.m3u8", witness.address);
    for variant in ["all", "first", "highest"] {
        let [lean, full] = ffmpegs.each_ref().map(|ffmpeg| {
            // It ends by itself once each client has played twice.
            let args = ["-clients", "3", "-ramp-rate", "20", "-max-restarts", "1"];
            let ended = Setup::load(ffmpeg, &url).args(&args).args(&["-variant", variant]).run();
            assert_eq!(ended.code, Some(0), "{ended:#?}");
            witness.by_client()
        });
        // ffprobe adds one if the highest variant is selected.
        let probed = usize::from(variant == "highest");
        assert_eq!(full.len(), 3 + probed, "{full:#?}");
        assert_eq!(lean, full, "{variant}");
    }
    origin.stopped();
}

#[test]
fn lean_ffmpeg_sends_the_same_requests_live() {
    let Some(ffmpegs) = pair() else { return };
    let (origin, address) = origin();
    let witness = Witness::before(address);
    let url = format!("http://{}/stream.m3u8", witness.address);
    for variant in ["all", "first"] {
        let [lean, full] = ffmpegs.each_ref().map(|ffmpeg| {
            let args = ["-clients", "1", "-variant", variant];
            let program = Setup::load(ffmpeg, &url).args(&args).start();
            let opening = witness.opening();
            program.stopped();
            // Later requests are not compared.
            witness.by_client();
            opening
        });
        assert_eq!(lean, full, "{variant}");
    }
    origin.stopped();
}

/// Repackages the origin's programme into `folder` as a playlist of that name.
fn package(origin: SocketAddr, folder: &Path, name: &str, args: &[&str]) -> Option<()> {
    fs::create_dir(folder.join(name)).unwrap();
    let status = Command::new(tool("ffmpeg")?)
        .current_dir(folder.join(name))
        .args(["-v", "error", "-nostdin", "-i", &format!("http://{origin}/vod/stream.m3u8")])
        .args(["-map", "0:v:0", "-map", "0:a:0", "-t", PACKAGED_SECS, "-c", "copy", "-f", "hls"])
        .args(["-hls_time", "2", "-hls_playlist_type", "vod"])
        .args(args)
        .arg("index.m3u8")
        .status()
        .unwrap();
    assert!(status.success(), "{name} could not be made");
    Some(())
}

/// Plays it to its end.
fn plays(ffmpeg: &Path, url: &str) {
    let ended = Setup::load(ffmpeg, url).args(&["--check"]).run();
    assert_eq!(ended.code, Some(0), "{url}: {ended:#?}");
}

#[test]
fn a_lean_ffmpeg_passes_the_check_at_the_origin() {
    let Some(lean) = lean_ffmpeg() else { return };
    let (origin, address) = origin();
    for path in ["stream.m3u8", "vod/stream.m3u8"] {
        for variant in ["all", "highest"] {
            let args = ["--check", "-duration", "4s", "-variant", variant];
            let args_of_probe = ["-probe-failure-policy", "fail"];
            let url = format!("http://{address}/{path}");
            let ended = Setup::load(&lean, &url).args(&args).args(&args_of_probe).run();
            assert_eq!(ended.code, Some(0), "{path} {variant}: {ended:#?}");
        }
    }
    origin.stopped();
}

#[test]
fn lean_ffmpeg_plays_fmp4_and_encrypted_media() {
    let Some(lean) = lean_ffmpeg() else { return };
    let folder = support::folder();
    let (origin, address) = origin();
    fs::write(folder.path().join("key"), b"sixteen bytes ok").unwrap();
    fs::write(folder.path().join("key.info"), "../key\n../key\n").unwrap();
    let kinds: [(&str, &[&str]); 2] = [
        ("fragments", &["-bsf:a", "aac_adtstoasc", "-hls_segment_type", "fmp4"]),
        ("encrypted", &["-hls_key_info_file", "../key.info"]),
    ];
    for (name, args) in kinds {
        let Some(()) = package(address, folder.path(), name, args) else { return };
    }
    origin.stopped();
    let Some(nginx) = Nginx::serving(folder.path()) else { return };
    for (name, _) in kinds {
        plays(&lean, &nginx.url(&format!("{name}/index.m3u8")));
    }
    let paths: Vec<_> =
        nginx.ended().iter().map(|r| r["path"].as_str().unwrap().to_owned()).collect();
    assert!(paths.iter().any(|path| path == "/key"), "{paths:?}");
    assert!(paths.iter().any(|path| path == "/fragments/init.mp4"), "{paths:?}");
}

/// A self-signed certificate for this host, and its key.
fn certificate(folder: &Path) -> Option<()> {
    let made = Command::new(tool("openssl")?)
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=127.0.0.1", "-keyout", "tls.key", "-out", "tls.crt"])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "no certificate could be made");
    Some(())
}

#[test]
fn a_lean_ffmpeg_plays_over_tls() {
    let Some(lean) = lean_ffmpeg() else { return };
    if capabilities(&lean).verifies_tls() {
        println!("skipped: this FFmpeg would refuse a certificate of our own");
        return;
    }
    let folder = support::folder();
    let (origin, address) = origin();
    let Some(()) = package(address, folder.path(), "plain", &[]) else { return };
    origin.stopped();
    let Some(()) = certificate(folder.path()) else { return };
    let Some(nginx) = Nginx::serving_tls(folder.path()) else { return };
    plays(&lean, &format!("https://{}/plain/index.m3u8", nginx.address()));
    assert!(!nginx.ended().is_empty());
}
