//! What an FFmpeg binary says of itself: its version and the options it knows.
