//! The list of keys.

use super::pen::{PLAIN, Pen, STRONG, say};

const KEYS: [(&str, &str); 14] = [
    ("1 to 6", "overview, load, experience, errors, clients, host"),
    ("Tab, ← →", "next and previous pane"),
    ("Space, p", "hold or resume the ramp; restarts are not held"),
    ("+  -", "more and fewer clients, by 1 to 500"),
    ("arrows", "select a client on the map"),
    ("Enter", "open the client: its attempt, its command, its last log lines"),
    ("s", "sort the clients by number, trouble or restarts"),
    ("f", "show all, those in trouble, running, or without a process"),
    ("Esc", "back"),
    ("Ctrl-L", "redraw the screen"),
    ("Ctrl-Z", "suspend the swarm; fg resumes"),
    ("q", "stop gracefully; a second time: kill every client at once"),
    ("Ctrl-C", "the same"),
    ("?", "this page; any key closes it"),
];

pub(super) fn draw(mut pen: Pen<'_>) {
    for (key, meaning) in KEYS {
        pen.line([say(format!("{key:<12}"), STRONG), say(meaning, PLAIN)]);
    }
}
