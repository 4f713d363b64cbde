//! The control socket: a real server in a thread, asked by the real client, by the real binary, and by
//! whoever means it no good.
//!
//! A test that needs root returns early where it is not, and says so, in a file if
//! `SYSCALL_RECORDER_SKIPPED` names one; with `CI` or `SYSCALL_RECORDER_REQUIRE` set it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod hostile;
mod reading;
mod rights;
mod service;
mod support;
mod varlink;
