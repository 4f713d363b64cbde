//! What formats with comments say first: what a profile is of, how it was come by, and what to mind.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    options::Stage,
    policy::{Beside, Policy},
};
use crate::{allowlist::Allowlist, printable::printable, recording::Gap, syscalls};

/// How long a line of a profile gets, in columns.
pub(super) const WIDTH: usize = 100;

/// How many numbers without a name, hosts or packages are listed.
const LISTED: usize = 16;

/// Whose calls they are, where they were observed, and what to mind, one line each. Nothing in it can end a line
/// or a comment.
pub(super) fn header(policy: &Policy<'_>) -> Vec<String> {
    let mut lines =
        vec![format!("The system calls that {} was seen to make.", printable(&policy.allowlist.unit))];
    lines.extend(provenance(policy.allowlist));
    lines.extend(cautions(policy));
    lines
}

/// Where, when and how long it was observed, and by what this was written.
fn provenance(allowlist: &Allowlist) -> Vec<String> {
    let observed = &allowlist.observed;
    let host = &observed.host;
    let by = listed("by syscall-recorder ", &host.tools);
    let on = listed("on ", &host.names);
    let versions = [
        listed("Linux ", &host.kernels),
        listed("systemd ", &host.systemd),
        listed("C library ", &host.libcs),
    ];
    let versions = join(", ", versions.into_iter().filter(|words| !words.is_empty()));
    let versions = if versions.is_empty() { versions } else { format!("({versions})") };
    let starts = match observed.starts {
        1 => "1 start".to_owned(),
        starts => format!("{starts} starts"),
    };
    let recorded = ["Recorded".to_owned(), by, on, versions].into_iter().filter(|words| !words.is_empty());
    let mut lines = vec![
        join(" ", recorded),
        format!(
            "from {} to {}: {} under observation, {starts}.",
            observed.first,
            observed.last,
            seconds(observed.seconds)
        ),
    ];
    if !host.packages.is_empty() {
        lines.push(format!("Its programs were of {}.", listed("", &host.packages)));
    }
    lines.push(format!("Exported by syscall-recorder {}.", env!("CARGO_PKG_VERSION")));
    lines
}

/// `WORDS entry, entry and 3 more`; nothing where there is no entry.
fn listed(words: &str, set: &BTreeSet<String>) -> String {
    if set.is_empty() {
        return String::new();
    }
    let more = match set.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    words.to_owned() + &join(", ", set.iter().take(LISTED).map(|entry| printable(entry))) + &more
}

/// What to mind: gaps, and where the profile is more or less than what was seen.
fn cautions(policy: &Policy<'_>) -> Vec<String> {
    let allowlist = policy.allowlist;
    let mut lines: Vec<_> = allowlist
        .observed
        .open_gaps()
        .iter()
        .map(|(gap, count)| format!("INCOMPLETE: {}: {count}", gap.meaning()))
        .collect();
    if lines.is_empty() {
        let before = allowlist.observed.gaps.contains_key(&Gap::RunningBefore);
        let before =
            if before { "It ran already when the recording began; a later start was seen. " } else { "" };
        lines.push(format!("{before}No gap in the recording is known."));
    }
    for (abi, numbers) in allowlist.unnamed.iter().filter(|(_, numbers)| !numbers.is_empty()) {
        let more = numbers
            .len()
            .checked_sub(LISTED + 1)
            .map_or_else(String::new, |more| format!(" and {} more", more + 1));
        let numbers = join(" ", numbers.iter().take(LISTED).map(u32::to_string));
        lines.push(format!(
            "NOT LISTED, because no table names them: the {} numbers {numbers}{more}",
            abi.name()
        ));
    }
    if let Some(name) = &policy.options.target {
        lines.extend(wrapped(&format!("DENIED, because {name} does not know them:"), &policy.inexpressible));
        lines.extend(wrapped(
            &format!("Siblings left out, because {name} does not know them:"),
            &policy.left_out,
        ));
    }
    lines.extend(wrapped("Left out, because only a container's runtime made them:", &policy.runtimes));
    lines.extend(wrapped("Listed by hand, never seen:", &allowlist.allowed_by_hand()));
    lines.extend(wrapped("Seen, and taken out by hand:", &allowlist.denied_by_hand()));
    lines
}

/// What the stage means.
pub(super) fn stage(stage: Stage) -> String {
    match stage {
        Stage::Log => {
            "Stage log: nothing is denied; a call that is not listed is written to the log.".to_owned()
        }
        Stage::Errno(error) => {
            format!("Stage errno: a call that is not allowed fails with {}.", error.name())
        }
        Stage::Kill => "Stage kill: a call that is not allowed ends the process.".to_owned(),
    }
}

/// What is let in beside what was seen: the reason, then the names that share it.
pub(super) fn beside<'a>(policy: &'a Policy<'_>) -> Vec<(String, BTreeSet<&'a str>)> {
    let mut reasons: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (&name, &beside) in &policy.beside {
        reasons.entry(reason(name, beside)).or_default().insert(name);
    }
    reasons.into_iter().collect()
}

fn reason(name: &str, beside: Beside<'_>) -> String {
    match beside {
        Beside::Hidden => "Not seen, and let in: a filter that the unit had already, such as that of \
             RestrictNamespaces=, answers clone3 before it can be seen, and the C library then takes clone."
            .to_owned(),
        Beside::Runtime => {
            "Only the container's runtime was seen to make these; it may do so under the filter, before it executes the \
             container's command."
                .to_owned()
        }
        Beside::TypeExec => {
            "Not seen, and let in: with Type=exec systemd itself makes it under the filter.".to_owned()
        }
        Beside::Sibling(seen) => {
            let family = syscalls::families(seen).find(|family| family.names.contains(&name));
            format!("Not seen, beside {seen}: {}.", family.map_or("", |family| family.reason))
        }
    }
}

/// `WORDS name name …`, in lines that are not too long; nothing where there is no name.
pub(super) fn wrapped(words: &str, names: &BTreeSet<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = words.to_owned();
    for name in names {
        if line.len() + 1 + name.len() > WIDTH - 2 {
            lines.push(std::mem::replace(&mut line, format!("  {name}")));
        } else {
            line.push(' ');
            line.push_str(name);
        }
    }
    if !names.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text in lines that are not too long.
pub(super) fn paragraph(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH - 2 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

pub(super) fn seconds(count: u64) -> String {
    humantime::format_duration(std::time::Duration::from_secs(count)).to_string()
}

pub(super) fn join(between: &str, words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(between)
}
