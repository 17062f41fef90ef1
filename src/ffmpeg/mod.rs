//! All that knows FFmpeg: its command line, its abilities, its output.

mod arguments;
pub mod capabilities;
pub mod command;
pub mod evidence;
pub mod lines;
pub mod log;
pub mod masked;
pub mod options;
pub mod outcome;
pub mod progress;
pub mod variants;
