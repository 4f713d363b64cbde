//! The browser layer: the report, made by the real binary, in a real Chromium without a window.
//!
//! Needs what `cargo xtask setup` installs. Pictures of what was looked at are left in target/browser.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accessible;
mod hostile;
mod printed;
mod quiet;
mod support;
mod used;
