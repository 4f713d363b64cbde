//! The bare names.

use std::fmt::Write;

use super::{
    options::{Options, Refusal},
    policy::Policy,
};
use crate::allowlist::Allowlist;

/// One name a line, sorted, whatever the ABI.
pub fn names(allowlist: &Allowlist, options: &Options) -> Result<String, Refusal> {
    let policy = Policy::of(allowlist, options)?;
    Ok(policy.all().iter().fold(String::new(), |mut text, name| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}");
        text
    }))
}
