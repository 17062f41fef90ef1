//! All that knows FFmpeg: its command line, its abilities, its output.

mod arguments;
pub mod capabilities;
pub mod command;
pub mod lines;
pub mod outcome;
pub mod progress;
pub mod variants;
