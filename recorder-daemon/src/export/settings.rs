//! The lines that stand in a unit's section: `SystemCallFilter=` and what goes with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use recorder_common::Abi;

use super::{
    options::Stage,
    policy::{Policy, is_native},
    sets,
    words::{WIDTH, beside, join, paragraph, stage},
};
use crate::syscalls;

/// What these lines replace in a unit file.
pub(super) const KEYS: [&str; 4] =
    ["SystemCallFilter", "SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallLog"];

/// Where the lines go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A drop-in, which is read after the unit and others of its drop-ins: what those set is taken back first.
    DropIn,
    /// The unit itself, out of which the old ones were taken.
    Unit,
}

/// The section of a unit that a filter can stand in. Units of other types have none.
pub(super) fn section(unit: &str) -> &'static str {
    match unit.rsplit_once('.').map(|(_, kind)| kind) {
        Some("socket") => "Socket",
        Some("mount") => "Mount",
        Some("swap") => "Swap",
        _ => "Service",
    }
}

pub(super) fn write(text: &mut String, policy: &Policy<'_>, place: Place) -> fmt::Result {
    comment(text, &stage(policy.options.stage))?;
    if policy.denies() {
        comment(text, "systemd adds the calls of its set @default to these.")?;
    }
    let key = if policy.denies() { "SystemCallFilter=" } else { "SystemCallLog=" };
    if place == Place::DropIn {
        comment(text, "What the unit file or another drop-in says is taken back first.")?;
        writeln!(text, "{key}")?;
    }
    // A list of what not to log begins every line with a tilde.
    let setting = if policy.denies() { key.to_owned() } else { format!("{key}~") };
    let mut names = policy.names.clone();
    let chosen = sets::choose(policy);
    if let (Some(target), false) = (&policy.options.target, chosen.is_empty()) {
        writeln!(text)?;
        comment(text, &format!("Sets as {target} has them; another version's may hold more, or less."))?;
    }
    for chosen in chosen {
        names.retain(|name| !chosen.covered.contains(name));
        writeln!(text)?;
        let share = format!("{} of its {} calls were seen.", chosen.seen, chosen.of);
        comment(text, &format!("A set of systemd's: {share}"))?;
        for line in super::words::wrapped("It also lets in, never seen:", &chosen.surplus) {
            writeln!(text, "# {line}")?;
        }
        writeln!(text, "{setting}{}", chosen.set)?;
    }
    for (set, names) in by_set(&names) {
        writeln!(text, "\n# {}", set.unwrap_or("in none of systemd's sets"))?;
        lines(text, &setting, &names)?;
    }
    for (reason, names) in beside(policy) {
        writeln!(text)?;
        comment(text, &reason)?;
        lines(text, &setting, &names)?;
    }
    if policy.denies() {
        architectures(text, policy, place)?;
    }
    errors(text, policy, place)
}

/// As many settings as it takes to keep the lines short: each adds to the ones before.
fn lines(text: &mut String, setting: &str, names: &BTreeSet<&str>) -> fmt::Result {
    let mut line = String::new();
    for name in names {
        if !line.is_empty() && setting.len() + line.len() + 1 + name.len() > WIDTH {
            writeln!(text, "{setting}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
    }
    if line.is_empty() { Ok(()) } else { writeln!(text, "{setting}{line}") }
}

pub(super) fn comment(text: &mut String, words: &str) -> fmt::Result {
    paragraph(words).iter().try_for_each(|line| writeln!(text, "# {line}"))
}

/// The names by systemd's sets; those in none come last.
fn by_set<'a>(names: &BTreeSet<&'a str>) -> impl Iterator<Item = (Option<&'static str>, BTreeSet<&'a str>)> {
    let mut sets: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for &name in names {
        let set = syscalls::main_set(name);
        sets.entry((set.is_none(), set)).or_default().insert(name);
    }
    sets.into_iter().map(|((_, set), names)| (set, names))
}

/// What becomes of a denied call. A drop-in says it even where it is systemd's default: the unit may say
/// otherwise.
fn errors(text: &mut String, policy: &Policy<'_>, place: Place) -> fmt::Result {
    match (policy.options.stage, place) {
        (Stage::Errno(error), _) => {
            writeln!(text, "\n# A denied call fails with this error, and does not end the process.")?;
            writeln!(text, "SystemCallErrorNumber={}", error.name())
        }
        (Stage::Kill, Place::DropIn) => {
            writeln!(text, "\n# A denied call ends the process.\nSystemCallErrorNumber=")
        }
        (Stage::Kill, Place::Unit) | (Stage::Log, _) => Ok(()),
    }
}

/// systemd filters every ABI that the kernel can be entered by, by the same names. Those that were not seen
/// are closed.
fn architectures(text: &mut String, policy: &Policy<'_>, place: Place) -> fmt::Result {
    let seen = policy.abis();
    let foreign: Vec<Abi> = seen.iter().copied().filter(|abi| !is_native(*abi)).collect();
    if seen.len() - foreign.len() != 1 {
        // Files of several machines in one, or none: no line would be right for all.
        return Ok(());
    }
    let names = std::iter::once("native").chain(foreign.iter().map(|abi| architecture(*abi)));
    if foreign.is_empty() {
        writeln!(text, "\n# No call came in by another ABI: the others are closed.")?;
    } else {
        let foreign = join(" ", foreign.iter().map(|abi| abi.name().to_owned()));
        writeln!(
            text,
            "\n# Calls came in by {foreign} too; the names above hold for every ABI that is open."
        )?;
    }
    if place == Place::DropIn {
        writeln!(text, "SystemCallArchitectures=")?;
    }
    writeln!(text, "SystemCallArchitectures={}", join(" ", names.map(str::to_owned)))
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
