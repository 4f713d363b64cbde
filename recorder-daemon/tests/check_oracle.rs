//! `check` against systemd itself: what `systemd-analyze verify` says that it has read, name by name.
//!
//! It reads the same code as the manager does, needs no running systemd, and takes hundreds of units at once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use recorder_daemon::{
    allowlist::check::{Denial, Mode, check},
    syscalls::Target,
    unit_file::UnitFile,
    units::Tables,
};

/// A unit's file and its drop-ins.
type Unit = Vec<Vec<u8>>;

/// What a filter comes to.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    filter: Option<String>,
    error_number: String,
    architectures: BTreeSet<String>,
}

/// The units of the fixture.
fn fixture() -> BTreeMap<String, Unit> {
    let text = include_str!("fixtures/filters.txt");
    let mut units: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut current = None;
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("==== ") {
            current = Some((name.trim().to_owned(), String::new()));
        } else if let Some(drop_in) = line.strip_prefix("---- ") {
            drop_in.trim().clone_into(&mut current.as_mut().unwrap().1);
        } else if let Some((unit, part)) = &current {
            units.entry(unit.clone()).or_default().entry(part.clone()).or_default().push_str(line);
        }
    }
    let bytes = |parts: BTreeMap<_, String>| parts.into_values().map(String::into_bytes).collect();
    units.into_iter().map(|(name, parts)| (name, bytes(parts))).collect()
}

/// What systemd reads; None on a machine without it, which CI is not.
fn systemd(units: &BTreeMap<String, Unit>) -> Option<BTreeMap<String, Read>> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(format!("{name}.service"));
    for (name, parts) in units {
        fs::write(path(name), &parts[0]).unwrap();
        for (number, drop_in) in parts[1..].iter().enumerate() {
            let below = folder.path().join(format!("{name}.service.d"));
            fs::create_dir_all(&below).unwrap();
            fs::write(below.join(format!("{number:02}.conf")), drop_in).unwrap();
        }
    }
    let mut verify = Command::new("systemd-analyze");
    // The manager's own units come behind it, for what each service depends on.
    let unit_path = format!("{}:", folder.path().display());
    verify.args(["verify", "--man=no"]).args(units.keys().map(|name| path(name)));
    verify.env("SYSTEMD_LOG_LEVEL", "debug").env("SYSTEMD_UNIT_PATH", unit_path);
    let Ok(output) = verify.output() else {
        assert!(env::var_os("CI").is_none(), "systemd-analyze cannot be run");
        return None;
    };
    Some(dumps(&String::from_utf8_lossy(&output.stdout)))
}

/// The units in what it shows of all that it has loaded.
fn dumps(shown: &str) -> BTreeMap<String, Read> {
    let mut units: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = None;
    for line in shown.lines() {
        if let Some(unit) = line.trim_start().strip_prefix("-> Unit ").and_then(|rest| rest.strip_suffix(':'))
        {
            let name = unit.trim_end_matches(".service").to_owned();
            let read = Read { filter: None, error_number: "kill".to_owned(), architectures: BTreeSet::new() };
            units.insert(name.clone(), read);
            current = Some(name);
        }
        let Some(read) = current.as_ref().and_then(|name| units.get_mut(name)) else { continue };
        let words = |list: &str| list.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        if let Some(list) = line.trim_start().strip_prefix("SystemCallFilter: ") {
            read.filter = Some(match list.strip_prefix('~') {
                Some(list) => format!("~{}", join(words(list))),
                // What has an error in a list that allows is denied, and systemctl show leaves it out.
                None => join(words(list).into_iter().filter(|word| !word.contains(':')).collect()),
            });
        } else if let Some(number) = line.trim_start().strip_prefix("SystemCallErrorNumber: ") {
            number.clone_into(&mut read.error_number);
        } else if let Some(list) = line.trim_start().strip_prefix("SystemCallArchitectures:") {
            read.architectures = words(list);
        }
    }
    units
}

fn join(words: BTreeSet<String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// What we read.
fn ours(unit: &Unit, target: &Target) -> Read {
    let files: Vec<_> = unit.iter().map(|bytes| UnitFile::parse(bytes)).collect();
    let outcome = check(&files, "Service", target, None);
    let entries = join(outcome.filter.shown());
    let native = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86-64" };
    Read {
        filter: outcome.filter.mode.map(|mode| match mode {
            Mode::Allow => entries,
            Mode::Deny => format!("~{entries}"),
        }),
        error_number: match outcome.error_number {
            Denial::Kill => "kill".to_owned(),
            denial @ Denial::Errno(_) => denial.to_string(),
        },
        architectures: outcome
            .architectures
            .into_iter()
            .map(|name| if name == native { "native" } else { name }.to_owned())
            .collect(),
    }
}

/// This host's, as `check` takes it.
fn target() -> Option<Target> {
    let tables = Tables::find()?;
    Some(Target::of(&tables.systemd, tables.libseccomp.as_deref()).with_sets(&tables.sets).unwrap())
}

/// Both must agree on every unit that systemd has loaded. Gives how many that were.
fn agree(units: &BTreeMap<String, Unit>) -> Option<usize> {
    let (target, theirs) = (target()?, systemd(units)?);
    let mut compared = 0;
    for (name, unit) in units {
        let Some(theirs) = theirs.get(name) else { continue };
        let text: Vec<_> = unit.iter().map(|part| String::from_utf8_lossy(part)).collect();
        assert_eq!(&ours(unit, &target), theirs, "{name}:\n{}", text.join("\n----\n"));
        compared += 1;
    }
    Some(compared)
}

#[test]
fn every_rule_is_read_as_systemd_reads_it() {
    let units = fixture();
    if let Some(compared) = agree(&units) {
        assert_eq!(compared, units.len());
        assert!(compared > 60);
    }
}

/// The built-in tables of this host's version say the same of it as the host.
#[test]
fn the_built_in_sets_are_the_hosts() {
    let Some(tables) = Tables::find() else { return };
    let built_in = Target::of(&tables.systemd, tables.libseccomp.as_deref());
    if built_in.to_string().contains("with the sets of") {
        // There is no table of this version.
        return;
    }
    let of = |target: &Target| {
        // What cannot be resolved makes no difference.
        let names =
            |names: &BTreeSet<String>| names.iter().filter(|name| target.resolves(name)).cloned().collect();
        let sets = target.sets().map(|(set, all)| (set.to_owned(), names(all)));
        sets.collect::<BTreeMap<String, BTreeSet<String>>>()
    };
    assert_eq!(of(&built_in), of(&target().unwrap()));
}

/// Every unit of this host's packages.
#[test]
fn the_hosts_own_units_are_read_as_systemd_reads_them() {
    let folder = ["/usr/lib/systemd/system", "/lib/systemd/system"]
        .map(Path::new)
        .into_iter()
        .find(|path| path.is_dir());
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".service") && !name.contains('@') && !path.is_symlink()
    });
    let units: BTreeMap<String, Unit> = files
        .map(|path| {
            (format!("own-{}", path.file_stem().unwrap().to_string_lossy()), vec![fs::read(path).unwrap()])
        })
        .filter(|(_, parts)| String::from_utf8_lossy(&parts[0]).contains("SystemCall"))
        .collect();
    if let Some(compared) = agree(&units) {
        println!("compared {compared} of {} units of this host's packages", units.len());
        // One or the other may need what is not here, and is not loaded.
        assert!(compared * 2 > units.len());
    }
}

/// Lines made of what means something to systemd, in any order.
fn line() -> impl Strategy<Value = String> {
    let words = [
        "read",
        "write",
        "close",
        "@default",
        "@swap",
        "@mount",
        "@nosuch",
        "nosuch",
        "~read",
        "~",
        "read,write",
        "read:EPERM",
        "write:kill",
        "@swap:5",
        "close:",
        "\"read",
        "re\\ad",
        "x\\",
        "\\",
        "\\\\",
        "mmap2",
        "%n",
        "#",
        ";",
    ];
    let key = prop::sample::select(vec![
        "SystemCallFilter=",
        "SystemCallFilter=",
        "SystemCallFilter=~",
        "SystemCallFilter=~",
        "SystemCallArchitectures=",
        "SystemCallErrorNumber=",
        "[Service]\nSystemCallFilter=",
        "[Unit]\nSystemCallFilter=",
        "#SystemCallFilter=",
        "",
    ]);
    let end =
        prop::sample::select(vec!["\n", "\n", "\n", " \\\n", "\\\n", "\r\n", "\n\n", "\\\n#x\n", " \n"]);
    let values = vec(prop::sample::select(words.to_vec()), 0..4);
    (key, values, end).prop_map(|(key, values, end)| format!("{key}{}{end}", values.join(" ")))
}

/// No unit that anybody would write, a quarter of a thousand of them, the same at each run.
#[test]
fn units_that_nobody_would_write_are_read_as_systemd_reads_them() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let files = vec(vec(line(), 1..8), 1..3);
    let units: BTreeMap<String, Unit> = (0..250)
        .map(|number| {
            let parts = files.new_tree(&mut runner).unwrap().current();
            let head = |at| if at == 0 { "[Service]\nExecStart=/bin/true\n" } else { "[Service]\n" };
            let texts = parts
                .iter()
                .enumerate()
                .map(|(at, lines)| format!("{}{}", head(at), lines.concat()).into_bytes());
            (format!("odd-{number:03}"), texts.collect())
        })
        .collect();
    if let Some(compared) = agree(&units) {
        // The rest lost its ExecStart= to a line that went on, and was not loaded.
        assert!(compared > 150, "{compared}");
    }
}
