use super::*;
use crate::fuzz::{is_one_line, target};

/// The version of a target, and after a line's end its listing of sets: what is taken is told as it was meant, and in
/// a set are names only.
#[test]
fn target() {
    target!("target", |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let (version, listing) = text.split_once('\n').unwrap_or((text, ""));
        let target = match version.parse::<Target>() {
            Ok(target) => target,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        assert!(is_one_line(&target.to_string()), "{target}");
        match target.with_sets(listing) {
            Ok(target) => {
                assert!(target.sets().all(|(set, names)| {
                    set.starts_with('@') && names.iter().all(|name| !name.starts_with('@'))
                }));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}
