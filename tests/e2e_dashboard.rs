//! The dashboard on a real terminal, inside tmux: the screen, the keys, and the
//! restored terminal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "starts tmux")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use support::fake::Fake;
use support::program::{PROGRAM, Setup};

/// Printed below the program once it has ended.
const OVER: &str = "modes over";

/// A terminal of 80 x 24 with a shell in it.
struct Terminal {
    socket: String,
    folder: tempfile::TempDir,
    fake: Fake,
}

impl Terminal {
    /// `None` without tmux.
    fn open() -> Option<Self> {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let socket = format!("swarm-{}-{number}", std::process::id());
        let terminal = Self { socket, folder: support::folder(), fake: Fake::named("ffmpeg") };
        if Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_err() {
            println!("skipped: no tmux");
            return None;
        }
        let shell = format!(
            "env -i PATH='{}' TERM=tmux-256color PS1='$ ' sh -i",
            std::env::var("PATH").unwrap()
        );
        terminal.tmux(&["new-session", "-d", "-x", "80", "-y", "24", &shell]);
        Some(terminal)
    }

    fn tmux(&self, args: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.args(["-f", "/dev/null", "-L", &self.socket]).args(args).env_remove("TMUX");
        let output = tmux.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until `is` is true for the screen.
    fn shows(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let mut seen = String::new();
        let awaited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            support::until(what, || {
                seen = self.screen();
                is(&seen)
            });
        }));
        assert!(awaited.is_ok(), "never seen: {what}\n{seen}");
        seen
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Types the command of a load by the fake, which writes its process id to a file
    /// and afterwards its exit code and the terminal settings.
    fn start(&self, before: &str, args: &str, steps: &str) {
        let script = format!(
            "stty -a >{folder}/before\n\
             {before} sh -c 'echo $$ >{folder}/pid; exec {PROGRAM} -metrics \"\" \
             --skip-preflight -ffmpeg {fake} {args} http://127.0.0.1:9/{steps}'\n\
             echo \"code $?\"; stty -a >{folder}/after; echo '{OVER}'\n",
            folder = self.folder.path().display(),
            fake = self.fake.path().display(),
        );
        fs::write(self.path("script"), script).unwrap();
        let script = format!("clear; . {}", self.path("script").display());
        self.keys(&[&script, "Enter"]);
    }

    /// The process under test.
    fn pid(&self) -> Pid {
        let pid = fs::read_to_string(self.path("pid")).unwrap();
        Pid::from_raw(pid.trim().parse().unwrap()).unwrap()
    }

    /// Waits for the end and checks that the terminal is restored.
    fn is_restored(&self) -> String {
        let screen = self.shows("the end", |screen| screen.contains(OVER));
        let modes = |name| fs::read_to_string(self.path(name)).unwrap();
        let (before, after) = (modes("before"), modes("after"));
        assert_eq!(before, after);
        assert!(after.contains(" icanon ") && after.contains(" echo "), "{after}");
        let flag = |name: &str| self.tmux(&["display-message", "-p", &format!("#{{{name}}}")]);
        assert_eq!((flag("alternate_on").trim(), flag("cursor_flag").trim()), ("0", "1"));
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        tmux.args(["-L", &self.socket, "kill-server"]).stderr(Stdio::null());
        let _ = tmux.env_remove("TMUX").status();
    }
}

#[test]
fn shows_a_load_and_stops_it_by_a_key() {
    let Some(terminal) = Terminal::open() else { return };
    terminal.start("", "-clients 3 -ramp-rate 50", "err-1/live-0");
    terminal.shows("three clients", |screen| screen.contains("active   3 of 3"));
    terminal.keys(&["5"]);
    terminal.shows("the map", |screen| screen.contains("╭ 3 clients"));
    terminal.keys(&["Right"]);
    terminal.shows("the second client", |screen| screen.contains("client 1 "));
    terminal.keys(&["Enter"]);
    let opened = terminal.shows("its last line", |screen| screen.contains("line 1 of 1"));
    assert!(opened.contains("Client 1") && opened.contains("client-1"), "{opened}");
    terminal.keys(&["Escape"]);
    terminal.shows("the map again", |screen| screen.contains("╭ 3 clients"));
    terminal.keys(&["-"]);
    terminal.shows("one less", |screen| screen.contains("1 stopped"));
    terminal.keys(&["+", "1"]);
    terminal.shows("no more than there is room for", |screen| {
        screen.contains("active   3 of 3") && screen.contains("restarts 1")
    });
    terminal.keys(&["+"]);
    terminal.shows("why there are no more", |screen| screen.contains("no more than 3"));
    terminal.keys(&["q"]);
    let screen = terminal.is_restored();
    assert!(screen.contains("code 0"), "{screen}");
    // The summary is printed; the log was not.
    let all = terminal.tmux(&["capture-pane", "-p", "-S", "-200"]);
    assert!(all.contains("stopped by q"), "{all}");
    assert!(!all.contains("client_started"), "{all}");
}

#[test]
fn redraws_after_a_resize_and_reports_a_small_terminal() {
    let Some(terminal) = Terminal::open() else { return };
    terminal.start("", "-clients 2 -ramp-rate 50", "live-0");
    terminal.shows("two clients", |screen| screen.contains("active   2 of 2"));
    terminal.tmux(&["resize-window", "-x", "120", "-y", "40"]);
    terminal.shows("the large overview", |screen| screen.contains("╭ 2 clients"));
    terminal.tmux(&["resize-window", "-x", "40", "-y", "10"]);
    terminal.shows("that it is small", |screen| screen.contains("80x24 shows all"));
    terminal.tmux(&["resize-window", "-x", "80", "-y", "24"]);
    terminal.shows("the overview", |screen| screen.contains("╭ Experience"));
    terminal.keys(&["q"]);
    terminal.is_restored();
}

#[test]
fn restores_the_terminal_after_a_signal() {
    let Some(terminal) = Terminal::open() else { return };
    for (signal, code) in [(Signal::TERM, "code 0"), (Signal::INT, "code 0")] {
        terminal.start("", "-clients 1", "live-0");
        terminal.shows("the client", |screen| screen.contains("active   1 of 1"));
        kill_process(terminal.pid(), signal).unwrap();
        let screen = terminal.is_restored();
        assert!(screen.contains(code), "{screen}");
    }
    // SIGQUIT ends it at once.
    terminal.start("ulimit -c 0;", "-clients 1", "live-0");
    terminal.shows("the client", |screen| screen.contains("active   1 of 1"));
    kill_process(terminal.pid(), Signal::QUIT).unwrap();
    let screen = terminal.is_restored();
    assert!(screen.contains("code 131"), "{screen}");
}

#[test]
fn resumes_after_suspension() {
    let Some(terminal) = Terminal::open() else { return };
    terminal.start("", "-clients 1", "live-0");
    terminal.shows("the client", |screen| screen.contains("active   1 of 1"));
    terminal.keys(&["C-z"]);
    let flag = || terminal.tmux(&["display-message", "-p", "#{alternate_on}"]);
    support::until("the shell is back", || flag().trim() == "0");
    terminal.keys(&["fg", "Enter"]);
    terminal.shows("the dashboard again", |screen| screen.contains("╭ Experience"));
    terminal.keys(&["q"]);
    support::until("the end", || flag().trim() == "0");
}

#[test]
fn redirected_log_is_unchanged() {
    let Some(terminal) = Terminal::open() else { return };
    let log = terminal.path("log");
    let args = format!("-clients 2 2>{}", log.display());
    terminal.start("", &args, "live-0");
    terminal.shows("the event in the pane", |screen| screen.contains("info  client_started"));
    terminal.keys(&["q"]);
    terminal.is_restored();
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("\"msg\":\"client_started\""), "{log}");
}

#[test]
fn no_color_disables_colours() {
    let Some(terminal) = Terminal::open() else { return };
    terminal.start("NO_COLOR=1", "-clients 1", "live-0");
    terminal.shows("the client", |screen| screen.contains("active   1 of 1"));
    let cells = terminal.tmux(&["capture-pane", "-p", "-e"]);
    let coloured = |from: char| {
        cells.split('\x1b').skip(1).any(|sequence| {
            let codes = sequence.trim_start_matches('[').split('m').next().unwrap_or_default();
            codes
                .split(';')
                .any(|code| code.len() == 2 && code.starts_with(from) && !code.ends_with('9'))
        })
    };
    assert!(!coloured('3') && !coloured('4'), "{}", cells.escape_debug());
    terminal.keys(&["q"]);
    terminal.is_restored();
}

#[test]
fn has_no_dashboard_without_a_terminal() {
    let fake = Fake::named("ffmpeg");
    let asked = Setup::faking(&fake, "exit-0").env("TERM", "xterm").args(&["-tui"]).run();
    assert_eq!(asked.code, Some(2));
    let lines = asked.log;
    assert!(lines.len() == 1 && lines[0].contains("-tui needs a terminal"), "{lines:?}");
    let mut plain = Setup::faking(&fake, "live-0").env("TERM", "xterm").start();
    plain.event("client_started");
    let ended = plain.stopped();
    assert!(!ended.stdout.contains('\x1b') && ended.stdout.contains("exit summary"));
}

#[test]
fn shows_no_secret_on_the_screen() {
    let Some(terminal) = Terminal::open() else { return };
    let headers = "-header \"X-Odd: hunter2-odd\" -v";
    // The fake reports a step that it does not know.
    terminal.start("", &format!("-clients 1 {headers}"), "err-1/a?accessKey=hunter2-key");
    terminal.shows("the masked URL", |screen| screen.contains("?accessKey=***"));
    let mut seen = String::new();
    for (pane, what) in
        [("4", "╭ Errors"), ("5", "╭ 1 client"), ("Enter", "╭ Client 0"), ("2", "╭ ")]
    {
        terminal.keys(&[pane]);
        seen += &terminal.shows(what, |screen| screen.contains(what));
    }
    assert!(seen.contains("X-Odd: ***") && seen.contains("unknown step"), "{seen}");
    assert!(!seen.contains("hunter2"), "{seen}");
    terminal.keys(&["q"]);
    terminal.is_restored();
}
