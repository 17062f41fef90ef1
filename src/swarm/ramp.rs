//! When each client is due for its first start.
