//! Everything specific to FFmpeg: its command line, its capabilities, its output.

mod arguments;
pub mod capabilities;
pub mod command;
pub mod evidence;
pub mod last_lines;
pub mod lines;
pub mod log;
pub mod masked;
pub mod options;
pub mod outcome;
pub mod progress;
pub mod variants;
