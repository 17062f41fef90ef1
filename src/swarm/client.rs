//! One client's life: the transition table first, then the code.
