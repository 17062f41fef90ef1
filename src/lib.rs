//! Loads an HLS origin or CDN with thousands of real FFmpeg processes from one small
//! Linux process.
//!
//! The modules, from top to bottom. A module imports only from those below it, which
//! `tests/layers.rs` checks by the `use crate::` lines.
//!
//! | module | contents |
//! |---|---|
//! | `cli` | the command line: flags, both dash styles, environment |
//! | `run` | the steps of one run |
//! | `preflight` | checks whether this host can run the load |
//! | `config` | the resolved, validated, immutable configuration |
//! | `reactor` | the only module that owns a descriptor or reads a clock |
//! | `exposition` | `/metrics` for Prometheus |
//! | `dashboard` | the terminal interface of a run |
//! | `report` | the HTML report of one run or two |
//! | `summary` | the summary of a run: written, read, merged |
//! | `measures` | the numbers that a run reports |
//! | `origin` | the built-in test origin |
//! | `exporters` | what the origin's own exporters report |
//! | `swarm` | decisions: clients, ramp, restarts, stops |
//! | `tap` | exchanges of clients and origin: bytes in, bytes out, a record of each |
//! | `stats` | counters and histograms |
//! | `ffmpeg` | everything specific to FFmpeg |
//! | `hls` | parses and rewrites playlists (RFC 8216) |
//! | `http` | requests and responses, bytes only |
//! | `exchange` | the record of one request and its response |
//! | `units` | ids, points in time, ends of processes |
//!
//! From `exposition` down no module knows a descriptor, a clock, the environment or a
//! global: pure functions and state machines, which run in a simulation with a
//! virtual clock.

pub mod cli;
pub mod config;
pub mod dashboard;
pub mod exchange;
pub mod exporters;
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
pub mod tap;
pub mod units;
