//! A real web server as witness: it serves a folder or proxies another server, and logs
//! every request.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use super::LIMIT;
use super::lines::Lines;
use super::processes::Process;
use super::tools::tool;

/// A running nginx; it ends with the value.
pub(crate) struct Nginx {
    address: SocketAddr,
    child: Child,
    requests: Lines,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Serves `root` on a free port; `None` without nginx.
    pub(crate) fn serving(root: &Path) -> Option<Self> {
        Self::with("", &format!("root {};", root.display()))
    }

    /// Serves its status at `/status`.
    pub(crate) fn with_status() -> Option<Self> {
        Self::with("", "location = /status { stub_status; }")
    }

    /// Serves `root` over TLS, with the certificate `tls.crt` and its key `tls.key` in
    /// `root`.
    pub(crate) fn serving_tls(root: &Path) -> Option<Self> {
        let root = root.display();
        let pair = format!("ssl_certificate {root}/tls.crt; ssl_certificate_key {root}/tls.key;");
        Self::with("ssl", &format!("root {root}; {pair}"))
    }

    /// Forwards every request to `origin`, as a cache or a load balancer does: each
    /// client keeps its connection, and responses are buffered. Paths that match the
    /// optional regular expression `missing` get 404.
    pub(crate) fn before(origin: SocketAddr, missing: Option<&str>) -> Option<Self> {
        let missing = missing
            .map_or_else(String::new, |paths| format!("location ~ \"{paths}\" {{ return 404; }}"));
        let kept = "proxy_http_version 1.1; proxy_set_header Connection \"\";";
        Self::with("", &format!("location / {{ proxy_pass http://{origin}; {kept} }} {missing}"))
    }

    /// A server with these listen options and this configuration.
    ///
    /// The listening socket is made here and passed as descriptor 0, by the variable
    /// with which nginx passes its sockets to its successor. So no port is guessed, and
    /// requests wait in the backlog until nginx is ready.
    fn with(listening: &str, doing: &str) -> Option<Self> {
        let program = tool("nginx")?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let folder = super::folder();
        let configuration = folder.path().join("nginx.conf");
        fs::write(
            &configuration,
            configure(&format!("{address} {listening}"), doing, folder.path()),
        )
        .unwrap();
        let mut child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&configuration)
            .env("NGINX", "0;")
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = Lines::of(child.stdout.take().unwrap());
        Some(Self { address, child, requests, _folder: folder })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a file.
    pub(crate) fn url(&self, file: &str) -> String {
        format!("http://{}/{file}", self.address)
    }

    /// The first `count` results of `pick` on requests, as soon as there are that many.
    /// A request has `path`, `agent`, `host`, `method`, `status`, `bytes` (of the
    /// body), `sent` (with the head), `secs` (from its first byte to the last of the
    /// response), `connection`, `at` (its end, since the epoch) and `cache` (its
    /// Cache-Control field).
    pub(crate) fn requests<T>(
        &mut self,
        count: usize,
        pick: impl Fn(&Value) -> Option<T>,
    ) -> Vec<T> {
        let pick = |line: &str| pick(&serde_json::from_str(line).ok()?);
        self.requests.pick(count, pick).unwrap_or_else(|why| panic!("{count} requests: {why}"))
    }

    /// The results of `pick` on the requests so far.
    pub(crate) fn seen<T>(&mut self, pick: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        self.requests.seen(|line| pick(&serde_json::from_str(line).ok()?))
    }

    /// Ends nginx after the last open request; returns every request.
    pub(crate) fn ended(mut self) -> Vec<Value> {
        self.stop(Signal::QUIT);
        let lines = self.requests.rest();
        lines.iter().map(|line| serde_json::from_str(line).expect("a request")).collect()
    }

    /// Never by SIGKILL, which would leave nginx's worker running.
    fn stop(&mut self, signal: Signal) {
        if let Some(master) = Process::open(self.child.id()) {
            master.signal(signal);
            assert!(master.ends_within(LIMIT), "nginx did not end");
        }
        let _ = self.child.wait();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop(Signal::TERM);
    }
}

fn configure(address: &str, doing: &str, own: &Path) -> String {
    let own = own.display();
    let spools: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|spool| format!("  {spool}_temp_path {own}/{spool};\n"))
        .collect();
    // The worker of root's nginx would be nobody and could not read the folders; for
    // another user the line has no effect.
    format!(
        r#"daemon off;
user root;
worker_processes 1;
pid {own}/pid;
events {{ worker_connections 512; }}
http {{
{spools}
  log_format seen escape=json '{{"path":"$uri","agent":"$http_user_agent",'
    '"host":"$http_host","method":"$request_method","status":$status,'
    '"bytes":$body_bytes_sent,"sent":$bytes_sent,"secs":$request_time,'
    '"connection":$connection,"at":$msec,"cache":"$http_cache_control"}}';
  access_log /dev/stdout seen;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
  server {{ listen {address}; {doing} }}
}}
"#
    )
}
