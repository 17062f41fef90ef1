//! What the keys do.

use super::pen::{PLAIN, Pen, STRONG, say};

const KEYS: [(&str, &str); 14] = [
    ("1 to 6", "overview, load, experience, errors, clients, host"),
    ("Tab, ← →", "the next and the previous of them"),
    ("Space, p", "hold the ramp, or let it go on; restarts are not held"),
    ("+  -", "more and fewer clients, by a tenth or less"),
    ("arrows", "among the clients: choose one"),
    ("Enter", "open it: its attempt, its command, what it said last"),
    ("s", "sort the clients by number, trouble or restarts"),
    ("f", "show all, those in trouble, running, or without a process"),
    ("Esc", "back"),
    ("Ctrl-L", "paint the screen anew"),
    ("Ctrl-Z", "suspend, with the load at a standstill; fg goes on"),
    ("q", "stop in good order; again: end every client at once"),
    ("Ctrl-C", "the same"),
    ("?", "this page; any key closes it"),
];

pub(super) fn draw(mut pen: Pen<'_>) {
    for (key, meaning) in KEYS {
        pen.line([say(format!("{key:<12}"), STRONG), say(meaning, PLAIN)]);
    }
}
