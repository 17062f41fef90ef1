//! Exporters of the origin: a real node_exporter, and a fake one with configurable
//! behaviour.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::lines::Lines;
use super::tools::tool;

/// A running node_exporter.
pub(crate) struct NodeExporter {
    /// Its listen address.
    pub(crate) address: SocketAddr,
    child: Child,
    _log: Lines,
}

/// Starts one on a free port; `None`, with a line that says so, if it is not installed.
pub(crate) fn node_exporter() -> Option<NodeExporter> {
    // Debian uses another name.
    let program = tool("prometheus-node-exporter").or_else(|| tool("node_exporter"))?;
    let mut child = Command::new(program)
        .args(["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults"])
        .args(["--collector.cpu", "--collector.meminfo", "--collector.netdev"])
        .arg("--collector.loadavg")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = Lines::of(child.stderr.take().unwrap());
    let address = |line: &str| {
        let text = line.split_once("address=")?.1.split(' ').next()?;
        text.parse::<SocketAddr>().ok().filter(|address| address.port() > 0)
    };
    let address = log.pick(1, address).unwrap_or_else(|why| panic!("no address: {why}"))[0];
    Some(NodeExporter { address, child, _log: log })
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How an exporter behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// As node_exporter and nginx, with increasing counters.
    Well,
    /// Never responds.
    Hangs,
    /// Sends a byte now and then, endlessly.
    Drips,
    /// Uses another protocol.
    Garbage,
    /// Sends an HTML page.
    Html,
    /// Sends more than the limit.
    Huge,
    /// Closes without a response.
    Closes,
    /// Closes in the middle of the response.
    Cuts,
    /// Responds with status 500.
    Fails,
}

/// A fake exporter; it ends with the process.
pub(crate) struct Exporter {
    /// Its listen address.
    pub(crate) address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Exporter {
    /// An exporter with this behaviour.
    pub(crate) fn behaving(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour = Arc::new(Mutex::new(behaviour));
        let current = Arc::clone(&behaviour);
        thread::spawn(move || {
            for (number, peer) in listener.incoming().enumerate() {
                let Ok(mut peer) = peer else { continue };
                let behaviour = *current.lock().unwrap();
                thread::spawn(move || {
                    // A peer that closes early ends it.
                    let _ = respond(&mut peer, behaviour, number);
                });
            }
        });
        Self { address, behaviour }
    }

    /// Changes the behaviour, starting with the next connection.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }
}

fn respond(peer: &mut TcpStream, behaviour: Behaviour, number: usize) -> std::io::Result<()> {
    let mut head = [0; 4096];
    let _ = peer.read(&mut head)?;
    let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    match behaviour {
        Behaviour::Well => write!(peer, "{ok}\r\n{}", metrics(number)),
        // Ends when the peer closes.
        Behaviour::Hangs => peer.read(&mut head).map(drop),
        Behaviour::Drips => {
            write!(peer, "{ok}\r\n")?;
            peer.set_read_timeout(Some(std::time::Duration::from_millis(20)))?;
            loop {
                peer.write_all(b"#")?;
                if matches!(peer.read(&mut head), Ok(0)) {
                    return Ok(());
                }
            }
        }
        Behaviour::Garbage => peer.write_all(b"220 smtp.example ready\r\n\r\n"),
        Behaviour::Html => write!(peer, "{ok}\r\n<html><body>Welcome</body></html>"),
        Behaviour::Huge => {
            write!(peer, "{ok}\r\n")?;
            loop {
                peer.write_all(&[b'#'; 64 * 1024])?;
            }
        }
        Behaviour::Closes => Ok(()),
        Behaviour::Cuts => write!(peer, "{ok}Content-Length: 5000\r\n\r\n{}", metrics(number)),
        Behaviour::Fails => peer.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    }
}

/// The metrics of both exporters, at the poll with this number.
fn metrics(number: usize) -> String {
    format!(
        "node_cpu_seconds_total{{cpu=\"0\",mode=\"user\"}} {number}\n\
         node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {number}\n\
         node_memory_MemTotal_bytes 8e9\nnode_memory_MemAvailable_bytes 6e9\n\
         node_network_receive_bytes_total{{device=\"eth0\"}} {number}\n\
         node_network_transmit_bytes_total{{device=\"eth0\"}} {number}\nnode_load1 0.5\n\
         nginx_connections_active 2\nnginx_connections_reading 0\nnginx_connections_writing 1\n\
         nginx_connections_waiting 1\nnginx_connections_accepted {number}\n\
         nginx_connections_handled {number}\nnginx_http_requests_total {number}\n"
    )
}
