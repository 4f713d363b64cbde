//! What one Debian release has to be told apart by.

use crate::package::program::Libc;

/// The Debian releases on which the scenarios are shown, from the oldest on.
pub(super) const RELEASES: [&str; 4] = ["bullseye", "bookworm", "trixie", "sid"];

/// The C library that syscall-recorder has there: its own in the archive, where that of the release is older than the
/// one that the package is linked with.
pub(super) fn libc(release: &str) -> Libc {
    if release == "bullseye" { Libc::Musl } else { Libc::Glibc }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_an_older_library_gets_the_archive() {
        let archive: Vec<_> = RELEASES.into_iter().filter(|release| libc(release) == Libc::Musl).collect();
        assert_eq!(archive, ["bullseye"]);
    }
}
