//! Allowlist → profile: pure functions from a value to a text.

mod kubernetes;
mod names;
mod oci;
mod options;
mod policy;
mod runtime;
mod sets;
mod settings;
mod systemd;
mod words;

pub use kubernetes::kubernetes;
pub use names::names;
pub use oci::oci;
pub use options::{ErrorName, Options, Refusal, Stage};
pub use sets::WHOLE;
pub use systemd::{systemd, unit};

#[cfg(test)]
mod tests;
