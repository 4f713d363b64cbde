use std::sync::LazyLock;

use super::*;
use crate::{
    fuzz::target,
    recording::fuzz::{Seen, recording},
};

static TARGETS: LazyLock<[Target; 2]> =
    LazyLock::new(|| [Target::of("247", Some("2.5.1")), Target::of("257", None)]);

/// What the second of them can have in a list.
static KNOWN: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let target = &TARGETS[1];
    target.names().map(|name| target.remembered(name)).collect()
});

/// What was recorded, of which some is in every filter and some in none.
static RECORDED: LazyLock<Allowlist> = LazyLock::new(|| {
    let seen: Vec<Seen> = (0..=255).map(|number| (false, number, 1, 1, false, 0)).collect();
    Allowlist::of(&recording(&seen))
});

/// A unit's own file, and after the NULs its drop-ins: what is told of them is of a line that is there, and what is
/// told to be denied is what the list denies.
#[test]
fn filter() {
    target!("filter", |bytes: &[u8]| {
        let files: Vec<_> = bytes.split(|byte| *byte == 0).take(3).map(UnitFile::parse).collect();
        let there: Vec<_> = bytes
            .split(|byte| *byte == 0)
            .map(|file| file.split(|byte| matches!(byte, b'\n' | b'\r')).count())
            .collect();
        for target in &*TARGETS {
            let outcome = check(&files, section("a.service", &files), target, Some(&RECORDED));
            for (at, problem) in &outcome.problems {
                assert!(!problem.to_string().is_empty(), "{problem:?}");
                for at in at.iter().chain(&problem.also()) {
                    assert!((1..=there[at.file]).contains(&at.line), "{at:?} {problem:?}");
                }
            }
            let denied: BTreeSet<_> = outcome
                .comparison
                .iter()
                .flat_map(|of| &of.denied)
                .filter_map(|denied| denied.name)
                .collect();
            let expected = RECORDED.names().into_iter().filter(|name| outcome.filter.denies(name)).collect();
            assert_eq!(denied, expected);
        }
    });
}

/// The value of a setting alone: as often as it is said, it is the same, and after an empty one it is nothing.
#[test]
fn list() {
    target!("list", |bytes: &[u8]| {
        let Ok(value) = std::str::from_utf8(bytes) else { return };
        let [_, target] = &*TARGETS;
        let once = List::of([value], target);
        let said = |list: &List| (list.mode, list.shown());
        assert_eq!(said(&List::of([value, "", value], target)), said(&once));
        assert_eq!(List::of([value, ""], target), List::default());
        for word in once.shown() {
            let name = word.split(':').next().unwrap_or_default();
            assert!(KNOWN.contains(name), "{word}");
        }
    });
}
