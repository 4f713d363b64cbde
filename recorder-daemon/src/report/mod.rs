//! The allowlist as one page for its reviewer: HTML that asks for nothing from anywhere. No I/O, no clock.
//!
//! Invariant: what comes from outside (names of units, hosts and programs) goes through the template, which
//! escapes it, has its control bytes spelled out, and stands in a `<bdi>`, so that it turns no other text around.

mod axis;
mod chart;
mod curve;
mod enough;
mod page;
mod words;

use askama::Template;

use crate::allowlist::Allowlist;

/// The page.
#[must_use]
pub fn html(allowlist: &Allowlist) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = page::Page::of(allowlist).render_into(&mut text);
    text
}

#[cfg(test)]
mod tests;
