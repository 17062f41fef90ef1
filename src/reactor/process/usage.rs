//! What this process and its children use, read from proc(5).

use std::fs::{self, File};
use std::io::Read;
use std::time::Duration;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::Resource;
use rustix::time::{ClockId, clock_gettime};

use crate::reactor::timer::Clock;
use crate::stats::ProcessUse;
use crate::swarm::Sample;

const NANOS_PER_SEC: f64 = 1e9;

/// Longest `/proc/PID/statm`, in bytes: seven numbers of 20 digits at most.
const STATM_BYTES: usize = 160;

/// Fields of `/proc/PID/stat` that are read here, by their number in proc(5).
struct Stat {
    cpu: Duration,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

/// What the process with this id uses; `None` if it is gone or not accessible.
#[must_use]
pub fn sample(pid: u32) -> Option<Sample> {
    let stat = stat(&format!("/proc/{pid}/stat"))?;
    Some(Sample { cpu: stat.cpu, resident_bytes: stat.resident_bytes })
}

/// Resident memory in bytes of the process with this id; `None` as in [`sample`].
#[must_use]
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let mut text = [0; STATM_BYTES];
    let count = File::open(format!("/proc/{pid}/statm")).ok()?.read(&mut text).ok()?;
    let text = std::str::from_utf8(text.get(..count)?).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(page_size() as u64))
}

/// What this process uses; `None` if `/proc` cannot be read, as without a free
/// descriptor.
#[must_use]
pub fn own() -> Option<ProcessUse> {
    let nofile = rustix::process::getrlimit(Resource::Nofile);
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let stat = stat("/proc/self/stat")?;
    Some(ProcessUse {
        cpu: Duration::new(
            u64::try_from(cpu.tv_sec).unwrap_or(0),
            u32::try_from(cpu.tv_nsec).unwrap_or(0),
        ),
        resident_bytes: stat.resident_bytes,
        virtual_bytes: stat.virtual_bytes,
        open_fds: open_fds(),
        max_fds: nofile.current.unwrap_or(u64::MAX),
        start_unix_secs: start_unix_secs(stat.start_ticks),
    })
}

/// Peak resident memory of this process in bytes (`VmHWM`).
#[must_use]
pub fn own_peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib.saturating_mul(1024))
}

/// Cores that this process may use (sched_getaffinity(2) and cpu.max).
#[must_use]
pub fn cores() -> Option<u32> {
    let count = std::thread::available_parallelism().ok()?;
    u32::try_from(count.get()).ok()
}

/// Open descriptors: the size of the directory since Linux 6.2, otherwise a count.
fn open_fds() -> u64 {
    let size = fs::metadata("/proc/self/fd").map_or(0, |directory| directory.len());
    if size > 0 {
        return size;
    }
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64)
}

fn start_unix_secs(start_ticks: u64) -> f64 {
    let boot = clock_gettime(ClockId::Boottime);
    let since_boot = boot.tv_sec as f64 + boot.tv_nsec as f64 / NANOS_PER_SEC;
    let started = start_ticks as f64 / clock_ticks_per_second() as f64;
    Clock::wall().as_unix_nanos() as f64 / NANOS_PER_SEC - (since_boot - started)
}

fn stat(path: &str) -> Option<Stat> {
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text);
    parse_stat(&text, clock_ticks_per_second(), page_size() as u64)
}

fn parse_stat(text: &str, ticks_per_sec: u64, page_bytes: u64) -> Option<Stat> {
    // The name, field 2, may contain spaces and parentheses; field 3 follows it.
    let (_, after_name) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = field(14)? + field(15)?;
    Some(Stat {
        cpu: Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_sec.max(1)),
        start_ticks: field(22)?,
        virtual_bytes: field(23)?,
        resident_bytes: field(24)?.saturating_mul(page_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "17 (a) b (c) S 1 17 17 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 4711 \
                    8192000 300 18446744073709551615";
        let stat = parse_stat(text, 100, 4096).unwrap();
        assert_eq!(stat.cpu, Duration::from_secs(3));
        assert_eq!(stat.start_ticks, 4711);
        assert_eq!(stat.virtual_bytes, 8_192_000);
        assert_eq!(stat.resident_bytes, 300 * 4096);
    }

    #[test]
    fn our_own_figures_are_plausible() {
        let used = own().unwrap();
        assert!(used.resident_bytes > 0 && used.virtual_bytes >= used.resident_bytes);
        assert!(used.open_fds >= 3 && used.open_fds <= used.max_fds);
        let now = Clock::wall().as_unix_nanos() as f64 / NANOS_PER_SEC;
        assert!(used.start_unix_secs <= now && used.start_unix_secs > now - 3600.0);
        assert!(sample(std::process::id()).is_some());
        assert!(sample(u32::MAX).is_none());
        let resident = resident_bytes(std::process::id()).unwrap();
        assert!(resident > 0 && resident.is_multiple_of(page_size() as u64));
        assert!(resident_bytes(u32::MAX).is_none());
    }
}
