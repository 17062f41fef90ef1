//! The variants of a master playlist, as ffprobe lists them.
