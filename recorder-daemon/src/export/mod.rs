//! Allowlist → profile: pure functions from a value to a text.

mod names;
mod systemd;

pub use names::names;
pub use systemd::{NothingAllowed, systemd};

#[cfg(test)]
mod tests;
