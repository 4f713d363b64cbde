use super::*;
use crate::{
    export::{Options, names, oci, systemd},
    fuzz::target,
    recording::fuzz::{Seen, recording},
    syscalls,
};

/// What is read is written as it was read, and whoever reads a profile of it is not steered by it.
#[test]
fn allowlist() {
    target!("allowlist", |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(allowlist) = Allowlist::from_toml(text) else { return };
        let written = allowlist.to_toml();
        assert_eq!(Allowlist::from_toml(&written).as_ref(), Ok(&allowlist), "{written}");
        let options = Options { incomplete: true, inexpressible: true, ..Options::default() };
        let Ok(names) = names(&allowlist, &options) else { return };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(names.lines().all(|name| !name.is_empty() && name.chars().all(plain)), "{names}");
        let drop_in = systemd(&allowlist, &options).unwrap();
        let harmless = |line: &str| {
            ["#", "[Service]", "[Socket]", "[Mount]", "[Swap]", "SystemCall"]
                .iter()
                .any(|begin| line.starts_with(begin))
        };
        assert!(drop_in.lines().all(|line| line.is_empty() || harmless(line)), "{drop_in}");
        assert!(!drop_in.chars().any(|c| c.is_control() && c != '\n'), "{drop_in}");
        if let Ok(profile) = oci(&allowlist, &options) {
            serde_json::from_str::<serde_json::Value>(&profile).unwrap();
        }
    });
}

/// Whatever was recorded: each call is in the list, by its name or by its number.
#[test]
fn made_of_a_recording() {
    let check = |seen: &Vec<Seen>| {
        let recording = recording(seen);
        let allowlist = Allowlist::of(&recording);
        for call in recording.spans.values().flat_map(|span| span.calls.keys()) {
            let listed = match syscalls::name(call.abi, call.number) {
                Some(name) => allowlist.allow[&call.abi].contains(name),
                None => allowlist.unnamed[&call.abi].contains(&call.number),
            };
            assert!(listed, "{call:?}");
        }
        assert_eq!(Allowlist::from_toml(&allowlist.to_toml()).as_ref(), Ok(&allowlist));
    };
    target!("made_of_a_recording", with_type::<Vec<Seen>>, check);
}

/// Two files, with a NUL between them: what one has and the other has not is told once, and what comes of both is
/// read as it was written.
#[test]
fn two_files() {
    target!("two_files", |bytes: &[u8]| {
        let Some((a, b)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\0')) else {
            return;
        };
        let (Ok(a), Ok(b)) = (Allowlist::from_toml(a), Allowlist::from_toml(b)) else { return };
        assert!(Diff::of(&a.side(), &a.side()).is_empty());
        let (there, back) = (Diff::of(&a.side(), &b.side()), Diff::of(&b.side(), &a.side()));
        let calls = |changes: &[Change<'_>]| -> Vec<_> {
            changes.iter().map(|change| (change.abi, change.name.map(str::to_owned), change.number)).collect()
        };
        assert_eq!(calls(&there.added), calls(&back.removed));
        assert_eq!(calls(&there.removed), calls(&back.added));
        let merged = |files: [&Allowlist; 2]| {
            let mut merger = Merger::new(None);
            files.into_iter().try_for_each(|file| merger.add(file.clone(), "a file")).ok()?;
            Some(merger.finish()?.allowlist)
        };
        let (Some(once), Some(again)) = (merged([&a, &b]), merged([&b, &a])) else { return };
        assert_eq!(once.to_toml(), again.to_toml());
        assert_eq!(Allowlist::from_toml(&once.to_toml()), Ok(once));
    });
}
