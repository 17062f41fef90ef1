//! What was typed: flags, both dash styles, environment.
