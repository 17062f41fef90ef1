//! The loop: readiness in, actions out. The only rooms that own a descriptor or
//! read a clock.
