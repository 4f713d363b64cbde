//! Names of units as names of files.

use std::fmt::Write;

/// The longest one. With the suffixes that files get, and those of temporary files, it stays below the 255
/// bytes that file systems allow.
const LONGEST: usize = 200;

/// What is kept of the beginning of a longer one, for people. The rest is told apart by a hash.
const KEPT: usize = 160;

/// The name of a unit's files, without a suffix.
///
/// Units may be called `...service`, and what is recorded by its cgroup's path is called by that path, so
/// every byte but `A-Z a-z 0-9 @ . _ - :` is percent-encoded, and a dot at the beginning, too. Of a name that
/// is longer than 200 bytes then, the first 160 stay, and a `%` and 16 hexadecimal digits take the place of
/// the rest. It is never empty, has no `/` and does not begin with a dot.
#[must_use]
pub fn file_name(unit: &str) -> String {
    let mut name = String::with_capacity(unit.len());
    for (at, byte) in unit.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"@._-:".contains(&byte);
        if plain && !(at == 0 && byte == b'.') {
            name.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    if name.len() > LONGEST {
        name.truncate(KEPT);
        let _ = write!(name, "%{:016x}", fnv1a(unit.as_bytes()));
    }
    if name.is_empty() { "%".into() } else { name }
}

/// FNV-1a. It is fixed for all time, which the standard library's hashes are not.
fn fnv1a(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_stay_as_they_are() {
        for name in ["nginx.service", "foo@bar.service", "dev-disk-by_label.swap", "a:b.scope", "x.json"] {
            assert_eq!(file_name(name), name);
        }
    }

    #[test]
    fn no_name_leads_elsewhere() {
        assert_eq!(file_name("...service"), "%2E..service");
        assert_eq!(file_name("../../etc/x"), "%2E.%2F..%2Fetc%2Fx");
        assert_eq!(file_name("/docker/abc"), "%2Fdocker%2Fabc");
        assert_eq!(file_name("a\\x2db.mount"), "a%5Cx2db.mount");
        assert_eq!(file_name("50%.service"), "50%25.service");
        assert_eq!(file_name("ü\n"), "%C3%BC%0A");
        assert_eq!(file_name(""), "%");
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_is_told_apart_by_its_end() {
        assert_eq!(file_name(&"a".repeat(200)), "a".repeat(200));
        // The value is part of the format: another one would be another file.
        assert_eq!(file_name(&"a".repeat(201)), format!("{}%9a253eda0ce95884", "a".repeat(160)));
        assert_ne!(file_name(&format!("{}b", "a".repeat(300))), file_name(&format!("{}c", "a".repeat(300))));
    }

    proptest! {
        #[test]
        fn names_are_fit_for_any_file_system(unit in any::<String>()) {
            let name = file_name(&unit);
            prop_assert!(!name.is_empty() && !name.starts_with('.') && name.len() <= LONGEST);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._-:%".contains(&b)));
        }

        #[test]
        fn short_names_never_meet(a in "[.a/%]{0,4}|.{0,10}", b in "[.a/%]{0,4}|.{0,10}") {
            prop_assert_eq!(a == b, file_name(&a) == file_name(&b));
        }
    }
}
