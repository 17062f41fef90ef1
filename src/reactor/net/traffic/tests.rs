//! Against the kernel: the sockets of child processes, whose other ends are ours.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;

use super::*;
use crate::reactor::blocking::run;
use crate::reactor::blocking::wait::Wait;
use crate::reactor::process::child::{Child, Stdio};

const PATIENCE: Duration = Duration::from_secs(20);

/// A process that has one end of a connection as its descriptor 3, and the other end.
struct Viewer {
    child: Child,
    server: TcpStream,
}

impl Viewer {
    fn start(script: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stdin = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let script = format!("exec 3<&0 </dev/null; {script}");
        let args = ["-c".into(), script.into()];
        let stdio = Stdio { stdin: Some(stdin.as_fd()), ..Stdio::default() };
        let child = run::start(Path::new("/bin/sh"), &args, stdio).unwrap();
        Self { child, server }
    }

    fn pid(&self) -> u32 {
        self.child.process.pid()
    }

    /// Sends it `count` bytes.
    fn send(&mut self, count: usize) {
        self.server.write_all(&vec![7; count]).unwrap();
    }

    /// Waits for a line of its own.
    fn wait(&self) {
        Wait::new(PATIENCE, None).readable(&[self.child.stdout.as_fd()]).unwrap();
        let mut line = [0; 16];
        let count = rustix::io::read(&self.child.stdout, &mut line).unwrap();
        assert_eq!(line[..count], *b"ok\n");
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        run::end(&self.child.process);
    }
}

/// Takes the sample that is due; returns what each client received.
fn sample(traffic: &mut Traffic, clients: usize) -> Vec<Option<u64>> {
    let mut received = vec![None; clients];
    let mut buffer = vec![0; 64 * 1024];
    let now = traffic.next_sample().unwrap();
    let mut take = |client: ClientId, delta: TcpDelta| {
        assert_eq!(delta.retransmits, 0, "on loopback");
        assert!(delta.rtt.is_some());
        *received[client.index()].get_or_insert(0) += delta.bytes_received;
    };
    while traffic.step(now, &mut buffer, &mut take) == Progress::More {}
    assert_ne!(traffic.next_sample(), Some(now));
    received
}

#[test]
fn reports_each_child_with_what_it_received() {
    let mut traffic = Traffic::new().unwrap();
    let script = "head -c 50000 <&3 | wc -c >/dev/null; echo ok; \
                  head -c 70000 <&3 | wc -c >/dev/null; echo ok; exec sleep 1000";
    let mut viewers: Vec<_> = (0..12).map(|_| Viewer::start(script)).collect();
    for (number, viewer) in viewers.iter_mut().enumerate() {
        viewer.send(50_000);
        viewer.wait();
        traffic.watch(Tick::ZERO, ClientId::new(number as u32), viewer.pid());
    }
    assert_eq!(traffic.next_sample(), Some(Tick::ZERO.after(SAMPLE_EVERY)));
    assert_eq!(sample(&mut traffic, 12), [Some(50_000); 12]);
    assert_eq!(sample(&mut traffic, 12), [None; 12]);

    for viewer in &mut viewers {
        viewer.send(70_000);
        viewer.wait();
    }
    traffic.forget(ClientId::new(0));
    assert_eq!(sample(&mut traffic, 12), [&[None][..], &[Some(70_000); 11]].concat());
    assert_eq!(traffic.losses().samples, 0);
}

#[test]
fn nothing_is_due_without_connections() {
    let mut traffic = Traffic::new().unwrap();
    let step = |traffic: &mut Traffic, now| traffic.step(now, &mut [], &mut |_, _| panic!());
    let late = Tick::from_millis(1_000_000);
    assert_eq!(traffic.next_sample(), None);
    assert_eq!(step(&mut traffic, late), Progress::Done);

    traffic.watch(Tick::ZERO, ClientId::new(0), u32::MAX);
    assert_eq!(step(&mut traffic, Tick::from_millis(999)), Progress::Done, "not due yet");
    assert!(traffic.next_sample().is_some());
    traffic.forget(ClientId::new(0));
    assert_eq!(traffic.next_sample(), None);
    assert_eq!(step(&mut traffic, late), Progress::Done);

    traffic.watch(Tick::ZERO, ClientId::new(0), u32::MAX);
    let samples = std::iter::from_fn(|| {
        traffic.next_sample()?;
        Some(sample(&mut traffic, 1))
    });
    let samples: Vec<_> = samples.take(10).collect();
    assert_eq!(samples, vec![[None]; 4], "it is not to be found");
}

#[test]
fn samples_keep_the_schedule_unless_late() {
    let mut traffic = Traffic::new().unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let viewer = Viewer::start("echo ok; exec sleep 1000");
    viewer.wait();
    traffic.watch(Tick::ZERO, ClientId::new(0), viewer.pid());
    for (now_ms, next_ms) in [(1_200, 2_000), (4_500, 5_500)] {
        let now = Tick::from_millis(now_ms);
        while traffic.step(now, &mut buffer, &mut |_, _| {}) == Progress::More {
            assert!(traffic.next_sample().unwrap() <= now);
        }
        assert_eq!(traffic.next_sample(), Some(Tick::from_millis(next_ms)));
    }
}

#[test]
fn the_next_sample_makes_up_for_an_aborted_one() {
    let mut traffic = Traffic::new().unwrap();
    let mut viewer = Viewer::start("head -c 1000 <&3 | wc -c >/dev/null; echo ok; exec sleep 1000");
    traffic.watch(Tick::ZERO, ClientId::new(0), viewer.pid());
    viewer.send(1000);
    viewer.wait();
    let now = traffic.next_sample().unwrap();
    // No datagram fits into so small a buffer.
    while traffic.step(now, &mut [0; 64], &mut |_, _| panic!()) == Progress::More {}
    assert_eq!(traffic.losses().samples, 1);
    assert_eq!(sample(&mut traffic, 1), [Some(1000)]);
    assert_eq!(traffic.losses().samples, 1);
}

#[test]
fn the_end_of_a_connection_is_counted() {
    let mut traffic = Traffic::new().unwrap();
    let mut viewer = Viewer::start(
        "head -c 1000 <&3 | wc -c >/dev/null; echo ok; \
         head -c 2000 <&3 | wc -c >/dev/null; exec 3<&-; echo ok; exec sleep 1000",
    );
    traffic.watch(Tick::ZERO, ClientId::new(0), viewer.pid());
    viewer.send(1000);
    viewer.wait();
    assert_eq!(sample(&mut traffic, 1), [Some(1000)]);
    viewer.send(2000);
    viewer.wait();
    assert_eq!(viewer.server.read(&mut [0; 1]).unwrap(), 0, "it is closed");
    viewer.server.shutdown(std::net::Shutdown::Write).unwrap();

    let wait = Wait::new(PATIENCE, None);
    let (mut received, mut buffer) = (0, [0; 1024]);
    while received == 0 {
        let readable = traffic.last_words.as_ref().unwrap().as_fd();
        wait.readable(&[readable]).unwrap();
        let mut take = |_, delta: TcpDelta| received += delta.bytes_received;
        traffic.hear_last_words(Tick::ZERO, &mut buffer, &mut take);
    }
    assert!((2000..=2001).contains(&received), "{received}: the FIN may be among them");
    while traffic.phase.is_some() {
        traffic.step(Tick::ZERO, &mut [0; 32 * 1024], &mut |_, _| panic!("it is over"));
    }
    assert_eq!(traffic.next_sample(), None, "it was the last connection");
}
