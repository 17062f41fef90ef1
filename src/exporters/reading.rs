//! Parses the response of an exporter line by line, and keeps the few series that are
//! used.
//!
//! Knows node_exporter (from 0.16), nginx-prometheus-exporter and nginx's own
//! `stub_status`, and distinguishes them by their lines.

use std::collections::BTreeMap;

use super::text::{Sample, StubStatus};

/// Modes of a CPU, as the kernel counts its time; the time of guests is within that
/// of `user` and `nice` (proc_stat(5)).
pub const CPU_MODES: [&str; 8] =
    ["user", "nice", "system", "iowait", "irq", "softirq", "steal", "idle"];

/// Place of `idle` in [`CPU_MODES`].
const IDLE: usize = 7;

/// Place of `iowait` in [`CPU_MODES`]: a CPU that waits for a disk is idle.
const IOWAIT: usize = 3;

/// Most network devices that are counted one by one; a host of containers has thousands,
/// but those are left out by their names.
const DEVICES_MAX: usize = 256;

/// Largest accepted value: above any 64-bit counter, and small enough that sums stay
/// finite.
const VALUE_MAX: f64 = 1e20;

/// Devices whose bytes never leave the host, or are counted by another device too.
const INNER_DEVICES: [&str; 7] = ["veth", "docker", "br-", "virbr", "cni", "flannel", "cali"];

/// CPU time in seconds by mode, in the order of [`CPU_MODES`], of all CPUs.
pub type CpuTimes = [f64; CPU_MODES.len()];

/// The share of this time in which the CPUs were busy; `None` if it is zero.
#[must_use]
pub(super) fn busy_share(spent: &CpuTimes) -> Option<f64> {
    let idle = [IDLE, IOWAIT].iter().filter_map(|&mode| spent.get(mode)).sum::<f64>();
    let all: f64 = spent.iter().sum();
    (all > 0.0).then(|| ((all - idle) / all).clamp(0.0, 1.0))
}

/// Bytes of a network device, as it counts them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DeviceBytes {
    /// Received.
    pub received: f64,
    /// Sent.
    pub sent: f64,
}

/// The metrics of node_exporter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostReading {
    /// CPUs seen.
    pub cpus: u32,
    /// Their time since the host booted.
    pub cpu: CpuTimes,
    /// Memory in bytes.
    pub memory_bytes: Option<f64>,
    /// Memory available without swapping, in bytes.
    pub memory_available_bytes: Option<f64>,
    /// Devices that lead out of the host.
    pub devices: BTreeMap<String, DeviceBytes>,
    /// Load average of one minute.
    pub load1: Option<f64>,
}

/// The metrics of nginx.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NginxReading {
    /// Open connections, waiting ones included.
    pub active: Option<f64>,
    /// Reading a request, writing a response, waiting for the next request.
    pub states: [Option<f64>; 3],
    /// Connections accepted, handled; requests.
    pub counts: [Option<f64>; 3],
}

/// The metrics of one response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Of a host.
    pub host: HostReading,
    /// Of nginx.
    pub nginx: NginxReading,
}

impl Reading {
    /// Parses the next line of a response.
    pub fn line(&mut self, line: &[u8]) {
        let sample = Sample::parse(line);
        if let Some(sample) = sample.filter(|s| (0.0..=VALUE_MAX).contains(&s.value)) {
            self.host.take(&sample);
            self.nginx.take(&sample);
        }
        match StubStatus::parse(line) {
            Some(StubStatus::Active(active)) => self.nginx.active = Some(active as f64),
            Some(StubStatus::Counts(counts)) => {
                self.nginx.counts = counts.map(|count| Some(count as f64));
            }
            Some(StubStatus::States(states)) => {
                self.nginx.states = states.map(|count| Some(count as f64));
            }
            None => {}
        }
    }
}

impl HostReading {
    /// Whether nothing was reported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, sample: &Sample<'_>) {
        match sample.name {
            "node_cpu_seconds_total" => self.take_cpu(sample),
            "node_memory_MemTotal_bytes" => self.memory_bytes = Some(sample.value),
            "node_memory_MemAvailable_bytes" => self.memory_available_bytes = Some(sample.value),
            "node_load1" => self.load1 = Some(sample.value),
            "node_network_receive_bytes_total" => {
                self.take_device(sample, |bytes, value| bytes.received = value);
            }
            "node_network_transmit_bytes_total" => {
                self.take_device(sample, |bytes, value| bytes.sent = value);
            }
            _ => {}
        }
    }

    fn take_cpu(&mut self, sample: &Sample<'_>) {
        let Some(mode) = sample.label("mode") else { return };
        let place = CPU_MODES.iter().position(|&known| known == mode);
        if let Some(time) = place.and_then(|place| self.cpu.get_mut(place)) {
            *time += sample.value;
        }
        // Every CPU has one such series.
        if mode == "idle" {
            self.cpus = self.cpus.saturating_add(1);
        }
    }

    fn take_device(&mut self, sample: &Sample<'_>, set: impl FnOnce(&mut DeviceBytes, f64)) {
        let Some(device) = sample.label("device") else { return };
        let inner = device == "lo" || INNER_DEVICES.iter().any(|inner| device.starts_with(inner));
        if inner || (self.devices.len() >= DEVICES_MAX && !self.devices.contains_key(device)) {
            return;
        }
        set(self.devices.entry(device.to_owned()).or_default(), sample.value);
    }
}

impl NginxReading {
    /// Whether nothing was reported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, sample: &Sample<'_>) {
        let [reading, writing, waiting] = &mut self.states;
        let [accepted, handled, requests] = &mut self.counts;
        let place = match sample.name {
            "nginx_connections_active" => &mut self.active,
            "nginx_connections_reading" => reading,
            "nginx_connections_writing" => writing,
            "nginx_connections_waiting" => waiting,
            "nginx_connections_accepted" => accepted,
            "nginx_connections_handled" => handled,
            "nginx_http_requests_total" => requests,
            _ => return,
        };
        *place = Some(sample.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        let mut reading = Reading::default();
        text.lines().for_each(|line| reading.line(line.as_bytes()));
        reading
    }

    #[test]
    fn a_real_node_exporter_is_read() {
        let host = read(include_str!("../../tests/data/node_exporter-1.5.0.txt")).host;
        assert_eq!(host.cpus, 2);
        assert!((host.cpu[0] - (6092.68 + 6487.42)).abs() < 1e-6, "{:?}", host.cpu);
        assert!((host.cpu[IDLE] - (13448.9 + 12401.2)).abs() < 1e-6);
        assert_eq!(host.memory_bytes, Some(25_276_502_016.0));
        assert_eq!(host.memory_available_bytes, Some(22_592_126_976.0));
        assert_eq!(host.load1, Some(11.08));
        let devices: Vec<_> = host.devices.keys().map(String::as_str).collect();
        assert_eq!(devices, ["eth0", "ifb0", "ifb1"]);
        assert_eq!(
            host.devices["eth0"],
            DeviceBytes { received: 1_694_639_103.0, sent: 2_789_594.0 }
        );
    }

    #[test]
    fn nginx_is_read_in_both_forms() {
        let stub = "Active connections: 4 \nserver accepts handled requests\n 11 10 30 \n\
                    Reading: 1 Writing: 2 Waiting: 1 \n";
        let exporter = "nginx_up 1\nnginx_connections_accepted 11\nnginx_connections_active 4\n\
                        nginx_connections_handled 10\nnginx_connections_reading 1\n\
                        nginx_connections_waiting 1\nnginx_connections_writing 2\n\
                        nginx_http_requests_total 30\n";
        let want = NginxReading {
            active: Some(4.0),
            states: [Some(1.0), Some(2.0), Some(1.0)],
            counts: [Some(11.0), Some(10.0), Some(30.0)],
        };
        assert_eq!(read(stub).nginx, want);
        assert_eq!(read(exporter).nginx, want);
        assert!(read(stub).host.is_empty());
    }

    #[test]
    fn devices_within_the_host_are_left_out() {
        let line =
            |device: &str| format!("node_network_receive_bytes_total{{device=\"{device}\"}} 1\n");
        let text: String =
            ["lo", "veth1a", "docker0", "br-12", "br0", "eth0", "lo0"].map(line).concat();
        let devices = read(&text).host.devices;
        assert_eq!(devices.keys().collect::<Vec<_>>(), ["br0", "eth0", "lo0"]);
        let many: String = (0..DEVICES_MAX + 9).map(|n| line(&format!("eth{n}"))).collect();
        assert_eq!(read(&many).host.devices.len(), DEVICES_MAX);
    }

    #[test]
    fn garbage_is_ignored() {
        let reading = read(
            "<html>\nnode_cpu_seconds_total 1\nnode_load1 NaN\nnode_load1 -1\nnode_load1 1e21\n\u{0}\n{} 1",
        );
        assert_eq!(reading, Reading::default());
    }

    #[test]
    fn the_busy_share_leaves_out_waiting() {
        let mut spent = CpuTimes::default();
        assert_eq!(busy_share(&spent), None);
        (spent[0], spent[IOWAIT], spent[IDLE]) = (1.0, 1.0, 2.0);
        assert_eq!(busy_share(&spent), Some(0.25));
    }
}
