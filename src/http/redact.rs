//! Masks credentials in anything that would be printed.
