//! Reads the stream's own target duration before the start, which determines when a
//! client counts as stalled.
//!
//! Requests the playlist, and its first variant if it is a master playlist. A failure
//! causes a warning and never ends the run. The user agent ends in `/start` instead of
//! a client's number, so that these requests can be distinguished in an origin's log.
//! Knows no proxy.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use tracing::{info, warn};
use url::Url;

use crate::config::{Config, Mode};
use crate::ffmpeg::options::Options;
use crate::hls::playlist::resolve as resolve_uri;
use crate::hls::{Playlist, PlaylistError};
use crate::http::GetRequest;
use crate::reactor::blocking::http_get::{GetError, Got, Server, Trust, get};
use crate::reactor::blocking::resolve::{Unresolved, resolve};
use crate::reactor::blocking::wait::Wait;
use crate::reactor::timer::Clock;
use crate::swarm::{StallThreshold, TargetDurationSource};

/// Time limit for all requests, names and redirects included: the start waits for them,
/// and a longer time shows the origin's slowness in the run anyway.
const READ_TIME: Duration = Duration::from_secs(5);

/// The time limit if `-start-at` is nearer than that: the ramp may start this late.
const READ_TIME_MIN: Duration = Duration::from_millis(500);

/// Most redirects in all.
const REDIRECTS_MAX: usize = 5;

/// Bytes read of a playlist. The target duration is near its top; a playlist of 6 h
/// with segments of 2 s has about 500 KiB.
const PLAYLIST_BYTES_MAX: usize = 256 * 1024;

/// The stall threshold of the clients with `options`: from `-target-duration`,
/// otherwise from the stream, otherwise the default. Ends when `stop` becomes readable.
pub(super) fn threshold(
    config: &Config,
    options: &Options,
    stop: BorrowedFd<'_>,
) -> StallThreshold {
    use TargetDurationSource::{Default, Given, Stream};
    let default = config.swarm.target_duration;
    let reads = config.swarm.stats && matches!(config.mode, Mode::Load | Mode::Demo);
    if config.target_duration_given || !reads {
        let source = if config.target_duration_given { Given } else { Default };
        return StallThreshold::new(default, source);
    }
    let limit = config.start_at.map_or(READ_TIME, |at| {
        let left_ns = at.as_unix_nanos().saturating_sub(Clock::wall().as_unix_nanos());
        Duration::from_nanos(left_ns).clamp(READ_TIME_MIN, READ_TIME)
    });
    let found = StreamReader { options, wait: Wait::new(limit, Some(stop)), stop };
    match found.target_duration() {
        Ok(target_duration) => {
            let threshold = StallThreshold::new(target_duration, Stream);
            let target_duration_sec = target_duration.as_secs();
            info!(
                target_duration_sec,
                stall_after_sec = threshold.after.as_secs_f64(),
                "target_duration_read"
            );
            threshold
        }
        Err(why) => {
            let using_sec = default.as_secs_f64();
            warn!(%why, using_sec, "target_duration_unknown");
            StallThreshold::new(default, Default)
        }
    }
}

/// Why the target duration is unknown.
enum Unknown {
    Name(Unresolved),
    Get(GetError),
    Redirects,
    Location,
    Playlist(PlaylistError),
    /// A master playlist in place of a variant.
    Nested,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) => write!(f, "the host is not found ({why})"),
            Self::Get(why) => why.fmt(f),
            Self::Redirects => write!(f, "more than {REDIRECTS_MAX} redirects"),
            Self::Location => f.write_str("redirected to a URL that is not http or https"),
            Self::Playlist(why) => why.fmt(f),
            Self::Nested => f.write_str("the first variant is another master playlist"),
        }
    }
}

/// Fetches a stream's playlists.
struct StreamReader<'a> {
    options: &'a Options,
    wait: Wait<'a>,
    stop: BorrowedFd<'a>,
}

impl StreamReader<'_> {
    fn target_duration(&self) -> Result<Duration, Unknown> {
        let mut redirects = 0;
        let (url, playlist) = self.playlist(self.options.url.clone(), &mut redirects)?;
        let first_variant = match playlist {
            Playlist::Media { target_duration } => return Ok(target_duration),
            Playlist::Master { first_variant } => first_variant,
        };
        let variant = resolve_uri(&url, &first_variant).map_err(Unknown::Playlist)?;
        match self.playlist(variant, &mut redirects)? {
            (_, Playlist::Media { target_duration }) => Ok(target_duration),
            (_, Playlist::Master { .. }) => Err(Unknown::Nested),
        }
    }

    /// The playlist at this URL, and its URL after redirects.
    fn playlist(&self, mut url: Url, redirects: &mut usize) -> Result<(Url, Playlist), Unknown> {
        loop {
            match self.get(&url)? {
                Got::Body(text) => {
                    let playlist = Playlist::read(&text).map_err(Unknown::Playlist)?;
                    return Ok((url, playlist));
                }
                Got::Redirect(..) if *redirects == REDIRECTS_MAX => return Err(Unknown::Redirects),
                Got::Redirect(_, location) => {
                    *redirects += 1;
                    url = resolve_uri(&url, &location).map_err(|_| Unknown::Location)?;
                }
            }
        }
    }

    fn get(&self, url: &Url) -> Result<Got, Unknown> {
        let own = url.host() == self.options.url.host();
        let address = self.options.resolve.filter(|_| own);
        let port = url.port_or_known_default().unwrap_or(80);
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let addresses = match address {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => resolve(host, port, self.wait.left(), self.stop).map_err(Unknown::Name)?,
        };
        let trust = if address.is_some() { Trust::Anybody } else { Trust::HostRoots };
        let tls = (url.scheme() == "https").then_some((host, trust));
        let mut fields = self.options.headers.clone();
        if self.options.no_cache {
            fields.extend(["Cache-Control: no-cache", "Pragma: no-cache"].map(str::to_owned));
        }
        let user_agent = format!("{}/start", self.options.user_agent);
        let own = &self.options.url;
        let request = GetRequest { own, user_agent: &user_agent, fields: &fields }.get(url);
        let server = Server { addresses: &addresses, tls };
        get(server, &request, PLAYLIST_BYTES_MAX, self.wait).map_err(Unknown::Get)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::os::fd::AsFd;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A server that responds by path, and the request heads that it received. `PORT`
    /// in a response is its port.
    fn server(responses: &'static [(&str, &str)]) -> (u16, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heads, seen) = channel();
        #[expect(clippy::disallowed_methods, reason = "the server must run beside the client")]
        std::thread::spawn(move || {
            for mut peer in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(&peer).lines().map_while(Result::ok);
                let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                let path = head[0].split(' ').nth(1).unwrap().to_owned();
                let found = responses.iter().find(|(served, _)| *served == path);
                let response = found.map_or("404 Not Found\r\n\r\n", |(_, response)| response);
                let response = response.replace("PORT", &port.to_string());
                let _ = write!(peer, "HTTP/1.1 {response}");
                let _ = heads.send(head.join("\n"));
            }
        });
        (port, seen)
    }

    fn read(url: &str) -> Result<Duration, String> {
        let options = Options {
            no_cache: true,
            headers: vec!["Authorization: Bearer secret".to_owned(), "X-A: 1".to_owned()],
            user_agent: "ua/1".to_owned(),
            timeout: Duration::from_secs(1),
            ..Options::new(Url::parse(url).unwrap())
        };
        let (stop, _asks) = io::pipe().unwrap();
        let wait = Wait::new(Duration::from_secs(20), Some(stop.as_fd()));
        let reading = StreamReader { options: &options, wait, stop: stop.as_fd() };
        reading.target_duration().map_err(|why| why.to_string())
    }

    #[test]
    fn follows_redirects_and_the_first_variant_without_leaking_secrets() {
        let (port, seen) = server(&[
            ("/a", "302 Found\r\nLocation: http://localhost:PORT/far/b?c=d\r\n\r\n"),
            ("/far/b?c=d", "200 OK\r\n\r\n#EXTM3U\n#EXT-X-STREAM-INF:B=1\nlow/c\n"),
            ("/far/low/c", "307 So\r\nLocation: //127.0.0.1:PORT/d\r\n\r\n"),
            ("/d", "200 OK\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:7\n"),
        ]);
        let found = read(&format!("http://127.0.0.1:{port}/a"));
        assert_eq!(found, Ok(Duration::from_secs(7)));
        let heads: Vec<_> = (0..4).map(|_| seen.recv().unwrap()).collect();
        let secrets: Vec<_> = heads.iter().map(|head| head.contains("Bearer secret")).collect();
        assert_eq!(secrets, [true, false, false, true], "{heads:#?}");
        for head in &heads {
            for field in ["User-Agent: ua/1/start", "X-A: 1", "Cache-Control: no-cache"] {
                assert!(head.lines().any(|line| line == field), "{field} in {head}");
            }
        }
    }

    #[test]
    fn names_the_reason_of_a_failure() {
        let (port, _seen) = server(&[
            ("/round", "302 Found\r\nLocation: /round\r\n\r\n"),
            ("/file", "302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"),
            ("/html", "200 OK\r\n\r\n<html>"),
            ("/master", "200 OK\r\n\r\n#EXTM3U\n#EXT-X-STREAM-INF:B=1\nmaster\n"),
            ("/data", "200 OK\r\n\r\n#EXTM3U\n#EXT-X-STREAM-INF:B=1\ndata:,x\n"),
            ("/zero", "200 OK\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:0\n"),
        ]);
        for (path, why) in [
            ("round", "more than 5 redirects"),
            ("file", "redirected to a URL that is not http or https"),
            ("html", "the response is not a playlist"),
            ("master", "the first variant is another master playlist"),
            ("data", "the first variant has no http or https URI"),
            ("zero", "EXT-X-TARGETDURATION is not a number from 1 to 600"),
            ("gone", "HTTP status 404"),
        ] {
            let found = read(&format!("http://127.0.0.1:{port}/{path}"));
            assert_eq!(found, Err(why.to_owned()), "{path}");
        }
        let unknown = read("http://no..name/a").unwrap_err();
        assert!(unknown.starts_with("the host is not found ("), "{unknown}");
    }
}
