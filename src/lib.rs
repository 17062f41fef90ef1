//! Puts an HLS origin or CDN under the load of thousands of real FFmpeg
//! processes from one small Linux process.
//!
//! The house, from the top storey to the ground. A module imports only from
//! those below it; `tests/layers.rs` reads the `use crate::` lines and holds it.
//!
//! | storey | what it does |
//! |---|---|
//! | `cli` | what was typed: flags, both dash styles, environment |
//! | `run` | one run, readable as a table of contents |
//! | `preflight` | can this host do it? |
//! | `config` | what was meant: resolved, validated, immutable |
//! | `reactor` | the only rooms that own a descriptor or read a clock |
//! | `exposition` | what Prometheus scrapes |
//! | `dashboard` | what a terminal shows while a run goes on |
//! | `report` | a page of HTML of one run or two |
//! | `summary` | the run as a document: written, read, merged |
//! | `measures` | the numbers that a run reports |
//! | `origin` | the built-in test origin |
//! | `swarm` | decisions |
//! | `stats` | numbers |
//! | `ffmpeg` | all that knows FFmpeg |
//! | `hls` | playlists read and rewritten (RFC 8216) |
//! | `http` | requests and responses, bytes only |
//! | `exchange` | what happens in one request and its response |
//! | `units` | ids, points in time, ends of processes |
//!
//! From `exposition` down nothing knows a descriptor, a clock, the environment or a
//! global: pure functions and state machines, which run in a simulation with a
//! virtual clock.

pub mod cli;
pub mod config;
pub mod dashboard;
pub mod exchange;
pub mod exposition;
pub mod ffmpeg;
pub mod hls;
pub mod http;
pub mod measures;
pub mod origin;
pub mod preflight;
pub mod reactor;
pub mod report;
pub mod run;
pub mod stats;
pub mod summary;
pub mod swarm;
pub mod units;
