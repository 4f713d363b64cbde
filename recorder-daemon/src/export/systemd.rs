//! A drop-in for systemd.
//!
//! It lists every name, although systemd adds its set `@default` in front of any allowlist: what that set
//! holds differs from version to version.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use recorder_common::Abi;

use crate::{allowlist::Allowlist, printable::printable, recording::Gap, syscalls};

/// The allowlist allows nothing. The drop-in would consist of the reset alone, and a reset alone lifts every
/// filter there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingAllowed;

/// Where a drop-in's lines are broken, in columns. systemd joins nothing here: each line is a setting of
/// its own that adds to the ones before.
const WIDTH: usize = 100;

const SETTING: &str = "SystemCallFilter=";

/// How many numbers without a name the header lists.
const LISTED: usize = 16;

/// The text of the drop-in. With `error_number`, as `EPERM`, a denied call fails with that error.
pub fn systemd(allowlist: &Allowlist, error_number: Option<&str>) -> Result<String, NothingAllowed> {
    if allowlist.names().is_empty() {
        return Err(NothingAllowed);
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, allowlist, error_number);
    Ok(text)
}

fn write(text: &mut String, allowlist: &Allowlist, error_number: Option<&str>) -> fmt::Result {
    header(text, allowlist)?;
    writeln!(text, "[Service]")?;
    writeln!(text, "# What the unit file or another drop-in allows is taken back first.")?;
    writeln!(text, "{SETTING}")?;
    for (set, names) in by_set(allowlist) {
        writeln!(text, "\n# {}", set.unwrap_or("in none of systemd's sets"))?;
        lines(text, &names)?;
    }
    if needs_clone3(allowlist) {
        writeln!(
            text,
            "\n# Not seen, and allowed: a filter that the unit had already, such as that of RestrictNamespaces=,"
        )?;
        writeln!(
            text,
            "# answers clone3 before it can be seen, and the C library then takes clone. Denied here, it"
        )?;
        writeln!(text, "# would end the process before that.")?;
        writeln!(text, "{SETTING}clone3")?;
    }
    architectures(text, allowlist)?;
    if let Some(error_number) = error_number {
        writeln!(text, "\n# A denied call fails with this error, and does not end the process.")?;
        writeln!(text, "SystemCallErrorNumber={error_number}")?;
    }
    Ok(())
}

fn header(text: &mut String, allowlist: &Allowlist) -> fmt::Result {
    let observed = &allowlist.observed;
    writeln!(text, "# The system calls that {} was seen to make.", printable(&allowlist.unit))?;
    writeln!(text, "# systemd adds those of its set @default; every other one is denied.")?;
    writeln!(
        text,
        "# Observed from {} to {}, {} under observation.",
        observed.first,
        observed.last,
        seconds(observed.seconds)
    )?;
    for (&gap, count) in &observed.gaps {
        writeln!(text, "# INCOMPLETE: {}: {count}", gap.meaning())?;
    }
    for (abi, numbers) in allowlist.unnamed.iter().filter(|(_, numbers)| !numbers.is_empty()) {
        let more = numbers
            .len()
            .checked_sub(LISTED + 1)
            .map_or_else(String::new, |more| format!(" and {} more", more + 1));
        let numbers = join(numbers.iter().take(LISTED).map(u32::to_string));
        writeln!(
            text,
            "# NOT ALLOWED, because no table names them: the {} numbers {numbers}{more}",
            abi.name()
        )?;
    }
    Ok(())
}

/// Whether the C library must be let try clone3, although it was never seen to.
fn needs_clone3(allowlist: &Allowlist) -> bool {
    let names = allowlist.names();
    let filtered = allowlist.observed.gaps.contains_key(&Gap::AlreadyFiltered);
    filtered && names.contains("clone") && !names.contains("clone3")
}

fn seconds(count: u64) -> String {
    humantime::format_duration(std::time::Duration::from_secs(count)).to_string()
}

/// The names by systemd's sets; those in none come last.
fn by_set(allowlist: &Allowlist) -> impl Iterator<Item = (Option<&'static str>, BTreeSet<&str>)> {
    let mut sets: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for name in allowlist.names() {
        let set = syscalls::main_set(name);
        sets.entry((set.is_none(), set)).or_default().insert(name);
    }
    sets.into_iter().map(|((_, set), names)| (set, names))
}

/// As many settings as it takes to keep the lines short.
fn lines(text: &mut String, names: &BTreeSet<&str>) -> fmt::Result {
    let mut line = String::new();
    for name in names {
        if !line.is_empty() && SETTING.len() + line.len() + 1 + name.len() > WIDTH {
            writeln!(text, "{SETTING}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
    }
    writeln!(text, "{SETTING}{line}")
}

/// systemd filters every ABI that the kernel can be entered by, by the same names. Those that were not seen
/// are closed.
fn architectures(text: &mut String, allowlist: &Allowlist) -> fmt::Result {
    let seen: Vec<Abi> = allowlist.allow.keys().copied().collect();
    let foreign: Vec<Abi> = seen.iter().copied().filter(|abi| !is_native(*abi)).collect();
    if seen.len() - foreign.len() != 1 {
        // Files of several machines in one, or none: no line would be right for all.
        return Ok(());
    }
    let names = std::iter::once("native").chain(foreign.iter().map(|abi| architecture(*abi)));
    if foreign.is_empty() {
        writeln!(text, "\n# No call came in by another ABI: the others are closed.")?;
    } else {
        let foreign = join(foreign.iter().map(|abi| abi.name().to_owned()));
        writeln!(
            text,
            "\n# Calls came in by {foreign} too; the names above hold for every ABI that is open."
        )?;
    }
    writeln!(text, "SystemCallArchitectures=\nSystemCallArchitectures={}", join(names.map(str::to_owned)))
}

/// Whether systemd calls the ABI `native` on the machines that have it. A 32-bit x86 or ARM kernel would
/// too, but this recorder does not run there.
fn is_native(abi: Abi) -> bool {
    !matches!(abi, Abi::I386 | Abi::X32 | Abi::Arm)
}

/// What systemd.exec(5) calls the ABI.
fn architecture(abi: Abi) -> &'static str {
    match abi {
        Abi::X86_64 => "x86-64",
        Abi::I386 => "x86",
        Abi::X32 => "x32",
        Abi::Aarch64 => "arm64",
        Abi::Arm => "arm",
        Abi::Riscv64 => "riscv64",
        Abi::S390x => "s390x",
        Abi::Ppc64le => "ppc64-le",
    }
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}
