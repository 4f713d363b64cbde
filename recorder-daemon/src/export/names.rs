use std::fmt::Write;

use crate::allowlist::Allowlist;

/// One name a line, sorted, whatever the ABI.
#[must_use]
pub fn names(allowlist: &Allowlist) -> String {
    allowlist.names().iter().fold(String::new(), |mut text, name| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}");
        text
    })
}
