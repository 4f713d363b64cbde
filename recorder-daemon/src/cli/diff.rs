//! `diff`: what two sides allow that the other does not.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstyle::AnsiColor;
use serde::Serialize;

use super::{
    error::Error,
    files,
    host::Host,
    present::Present,
    show::{RiskLine, name},
    table::{self, Column, Kind, Row},
    text::{count, json, programs, thousands},
};
use crate::{
    allowlist::{Allowlist, Change, Diff, Evidence, Side},
    printable::printable,
    recording::Per,
    syscalls,
};

/// Show what one allowlist allows that another one does not.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 where both allow the same, 1 where they differ.

Examples:
  What is new since the list was signed:
    syscall-recorder diff nginx.toml nginx
  Against the filter that stands in a unit file or a drop-in:
    syscall-recorder diff /etc/systemd/system/nginx.service.d/syscalls.conf nginx
  Two weeks, two hosts, two versions:
    syscall-recorder diff staging-3.toml staging-4.toml
  For a script:
    syscall-recorder diff old.toml new.toml --json | jq -r '.added[].name'")]
pub(super) struct Args {
    /// A unit, or an allowlist file: what has a slash in it, ends in .toml or is there; or a unit file
    #[arg(value_name = "A")]
    before: PathBuf,
    /// What it is compared with
    #[arg(value_name = "B")]
    after: PathBuf,
    /// For machines
    #[arg(long)]
    json: bool,
}

/// The status where the sides differ.
const DIFFERENT: u8 = 1;

pub(super) fn diff(args: &Args, host: &Host) -> Result<ExitCode, Error> {
    let (before, after) = (Subject::read(&args.before, host)?, Subject::read(&args.after, host)?);
    let (a, b) = sides(&before, &after);
    let diff = Diff::of(&a, &b);
    let heads = [(&*args.before, before.unit()), (&*args.after, after.unit())]
        .map(|(from, unit)| Head { from: from.display().to_string(), unit });
    let text = if args.json { report(heads, &diff) } else { page(&heads, &diff, table::width()) };
    files::write(None, false, &text)?;
    Ok(if diff.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

/// What is compared.
enum Subject {
    Allowlist(Box<Allowlist>),
    Filter(Present),
}

impl Subject {
    fn read(path: &Path, host: &Host) -> Result<Self, Error> {
        if Present::is_at(path) {
            return Present::read(path).map(Self::Filter);
        }
        Ok(Self::Allowlist(Box::new(files::read(path, host)?)))
    }

    fn unit(&self) -> &str {
        match self {
            Self::Allowlist(allowlist) => &allowlist.unit,
            Self::Filter(_) => "SystemCallFilter=",
        }
    }
}

fn sides<'a>(before: &'a Subject, after: &'a Subject) -> (Side<'a>, Side<'a>) {
    match (before, after) {
        (Subject::Allowlist(a), Subject::Allowlist(b)) => (a.side(), b.side()),
        (Subject::Allowlist(a), Subject::Filter(b)) => (a.side(), b.beside(&a.side().names)),
        (Subject::Filter(a), Subject::Allowlist(b)) => (a.beside(&b.side().names), b.side()),
        (Subject::Filter(a), Subject::Filter(b)) => (a.whole(), b.whole()),
    }
}

/// What a side is called.
#[derive(Serialize)]
struct Head<'a> {
    from: String,
    unit: &'a str,
}

#[derive(Serialize)]
struct Report<'a> {
    before: Head<'a>,
    after: Head<'a>,
    same: usize,
    added: Vec<Line<'a>>,
    removed: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    abi: &'static str,
    name: Option<&'a str>,
    number: Option<u32>,
    set: Option<&'static str>,
    risk: Option<RiskLine>,
    evidence: Option<Known<'a>>,
    /// What is known where it is not allowed.
    seen_where_not_allowed: Option<Known<'a>>,
}

#[derive(Serialize)]
struct Known<'a> {
    calls: u64,
    starts: Option<u64>,
    first_seen: String,
    last_seen: String,
    programs: Vec<&'a str>,
}

impl<'a> From<&'a Evidence> for Known<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        let tally = &evidence.tally;
        Self {
            calls: tally.calls,
            starts: evidence.occasions(Per::Start),
            first_seen: tally.first_seen.to_string(),
            last_seen: tally.last_seen.to_string(),
            programs: tally.programs.iter().map(String::as_str).collect(),
        }
    }
}

impl<'a> From<&Change<'a>> for Line<'a> {
    fn from(change: &Change<'a>) -> Self {
        Self {
            abi: change.abi.name(),
            name: change.name,
            number: change.number,
            set: change.name.and_then(syscalls::main_set),
            risk: change.name.and_then(syscalls::risk).map(Into::into),
            evidence: change.evidence.map(Into::into),
            seen_where_not_allowed: change.denied.map(Into::into),
        }
    }
}

fn report(heads: [Head<'_>; 2], diff: &Diff) -> String {
    let [before, after] = heads;
    json(&Report {
        before,
        after,
        same: diff.same,
        added: diff.added.iter().map(Into::into).collect(),
        removed: diff.removed.iter().map(Into::into).collect(),
    })
}

const COLUMNS: [Column; 9] = [
    Column { title: "", kind: Kind::Text, spare: 0 },
    Column { title: "NAME", kind: Kind::Text, spare: 0 },
    Column { title: "ABI", kind: Kind::Text, spare: 0 },
    Column { title: "SET", kind: Kind::Text, spare: 2 },
    Column { title: "CALLS", kind: Kind::Figure, spare: 0 },
    Column { title: "STARTS", kind: Kind::Figure, spare: 3 },
    Column { title: "FIRST SEEN", kind: Kind::Text, spare: 1 },
    Column { title: "PROGRAMS", kind: Kind::Long, spare: 0 },
    Column { title: "LOOK TWICE", kind: Kind::Long, spare: 0 },
];

fn page(heads: &[Head<'_>; 2], diff: &Diff, width: Option<usize>) -> String {
    let [before, after] = heads;
    let side = |head: &Head| printable(&head.from);
    let units = if before.unit == after.unit {
        printable(before.unit)
    } else {
        format!("{} and {}", printable(before.unit), printable(after.unit))
    };
    let same = count(diff.same as u64, "name");
    if diff.is_empty() {
        return format!("{units}: {} and {} allow the same {same}\n", side(before), side(after));
    }
    let added = diff.added.iter().map(|change| row("+", change, AnsiColor::Green));
    let removed = diff.removed.iter().map(|change| row("-", change, AnsiColor::Red));
    let rows: Vec<_> = added.chain(removed).collect();
    format!(
        "{units}: from {} to {}: {} added, {} removed, {} the same\n\n{}",
        side(before),
        side(after),
        thousands(diff.added.len() as u64),
        thousands(diff.removed.len() as u64),
        thousands(diff.same as u64),
        table::render(&COLUMNS, &rows, width),
    )
}

fn row(sign: &str, change: &Change, colour: AnsiColor) -> Row {
    let alike = |text: String| [text.clone(), text];
    let seen = |of: &dyn Fn(&Evidence) -> String| change.evidence.map_or_else(|| "-".to_owned(), of);
    let first = seen(&|evidence| evidence.tally.first_seen.to_string());
    let day = first.split('T').next().unwrap_or_default().to_owned();
    let paths = change.evidence.map(|evidence| &evidence.tally.programs).filter(|paths| !paths.is_empty());
    let risk =
        change.name.and_then(syscalls::risk).map(|risk| format!("{}: {}", risk.level.name(), risk.why));
    let notes = [
        risk,
        change
            .name
            .filter(|name| !syscalls::is_known(name))
            .map(|_| "no system call of this name is known".into()),
        change.name.is_none().then(|| "has no name, cannot be allowed".into()),
        (change.name.is_some() && change.evidence.is_none()).then(|| "never seen".into()),
        change.denied.map(|denied| {
            format!("seen on the other side ({}), not allowed there", count(denied.tally.calls, "time"))
        }),
    ];
    Row {
        cells: vec![
            alike(sign.to_owned()),
            alike(name(change.name, change.number)),
            alike(change.abi.name().to_owned()),
            alike(change.name.and_then(syscalls::main_set).unwrap_or("-").to_owned()),
            alike(seen(&|evidence| thousands(evidence.tally.calls))),
            alike(seen(&|evidence| evidence.occasions(Per::Start).map_or_else(|| "-".to_owned(), thousands))),
            [first, day],
            paths.map_or_else(|| alike("-".to_owned()), programs),
            alike(notes.into_iter().flatten().collect::<Vec<_>>().join("; ")),
        ],
        style: colour.on_default(),
    }
}
