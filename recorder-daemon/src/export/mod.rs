//! Allowlist → profile: pure functions from a value to a text.

mod names;
mod systemd;

pub use names::names;
pub use systemd::{ErrorNumber, systemd};

#[cfg(test)]
mod tests;
