//! A real Prometheus with the configuration and the rules of docs/deploy, and the
//! queries of the Grafana dashboard.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::LIMIT;
use super::lines::Lines;
use super::tools::tool;

/// A file under docs/deploy.
pub(crate) fn deployed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy").join(file)
}

/// A running Prometheus.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _log: Lines,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes a swarm and an origin every second, otherwise as
    /// deployed. `None`, with a line that says so, if Prometheus is not installed.
    pub(crate) fn scraping(swarm: SocketAddr, origin: SocketAddr) -> Option<Self> {
        let program = tool("prometheus")?;
        let folder = super::folder();
        for file in ["recording.yml", "alerts.yml"] {
            let from = deployed(&format!("prometheus/{file}"));
            fs::copy(from, folder.path().join(file)).unwrap();
        }
        let mut config = fs::read_to_string(deployed("prometheus/prometheus.yml")).unwrap();
        for (deployed, here) in [
            ("localhost:9090", swarm.to_string()),
            ("localhost:8080", origin.to_string()),
            ("interval: 5s", "interval: 1s".to_owned()),
            ("timeout: 4s", "timeout: 1s".to_owned()),
        ] {
            assert!(config.contains(deployed), "{deployed}");
            config = config.replace(deployed, &here);
        }
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = Lines::of(child.stderr.take().unwrap());
        let listening = |line: &str| {
            let address = line.split_once("msg=\"Listening on\" address=")?.1;
            address.parse::<SocketAddr>().ok()
        };
        let address = log.pick(1, listening).unwrap_or_else(|why| panic!("no address: {why}"))[0];
        let ready = |line: &str| line.contains("Server is ready").then_some(());
        log.pick(1, ready).unwrap_or_else(|why| panic!("not ready: {why}"));
        Some(Self { child, address, _log: log, _folder: folder })
    }

    /// The data at this path of its API; panics on an error of Prometheus.
    pub(crate) fn data(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect_timeout(&self.address, LIMIT).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // HTTP/1.0 gets a response without chunks that ends with the connection.
        write!(stream, "GET /api/v1/{path} HTTP/1.0\r\nHost: a\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (_, body) = reply.split_once("\r\n\r\n").unwrap();
        let mut response: Value = serde_json::from_str(body).unwrap();
        assert_eq!(response["status"], "success", "{path}: {response}");
        response["data"].take()
    }

    /// The current values of an expression, without those that are not numbers.
    pub(crate) fn values(&self, expression: &str) -> Vec<f64> {
        let query: String = byte_serialize(expression.as_bytes()).collect();
        let data = self.data(&format!("query?query={query}"));
        let value = |series: &Value| series["value"][1].as_str().unwrap().parse().unwrap();
        let values = data["result"].as_array().unwrap().iter().map(value);
        values.filter(|value: &f64| !value.is_nan()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The deployed dashboard.
pub(crate) fn dashboard() -> Value {
    let text = fs::read_to_string(deployed("grafana/ffmpeg-hls-swarm.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every expression of the dashboard's panels, annotations and variables, with
/// Grafana's variables in them.
pub(crate) fn dashboard_expressions(dashboard: &Value) -> Vec<String> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = array(&dashboard["panels"]);
    let targets = panels.iter().flat_map(|panel| array(&panel["targets"]));
    let annotations = array(&dashboard["annotations"]["list"]);
    let written = targets.chain(annotations).map(|target| target["expr"].clone());
    let variables = array(&dashboard["templating"]["list"]);
    let of_variables = variables.iter().filter_map(|variable| {
        // A function of Grafana, translated for Prometheus.
        let body = variable["definition"].as_str()?.strip_prefix("label_values(")?;
        let (series, label) = body.strip_suffix(')')?.rsplit_once(", ")?;
        Some(Value::from(format!("count by ({label}) ({series})")))
    });
    let all = written.chain(of_variables);
    all.map(|expression| expression.as_str().expect("an expression").to_owned()).collect()
}

/// The names of metrics and of recorded series in expressions or rules.
pub(crate) fn metric_names(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let ours = |word: &&str| {
        let prefixes = ["hlsswarm_", "process_", "instance:", "instance_kind:"];
        prefixes.iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len())
    };
    words.filter(ours).collect()
}

/// The name of the family that a sample of this name belongs to.
pub(crate) fn family_of(name: &str) -> &str {
    let suffixes = ["_bucket", "_count", "_sum"];
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
