//! Records which system calls a service makes and writes the allowlist that locks it down.
//!
//! The data goes one way: kernel map → snapshot → recording → allowlist → profile. ARCHITECTURE.md says
//! which module may know which.

pub mod allowlist;
pub mod cli;
pub mod control;
pub mod daemon;
pub mod export;
mod file_name;
#[cfg(test)]
mod fuzz;
pub mod host;
pub mod kernel;
pub mod observe;
mod printable;
pub mod recording;
pub mod report;
pub mod syscalls;
mod text;
pub mod unit_file;
pub mod units;
