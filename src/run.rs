//! One run, readable as a table of contents.
