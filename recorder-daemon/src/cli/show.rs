//! `show`: the table for review.

use std::{fmt::Write, path::PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use recorder_common::Abi;
use serde::Serialize;

use super::{
    error::Error,
    files,
    host::Host,
    text::{count, duration, thousands},
};
use crate::{
    allowlist::{Allowlist, Evidence},
    printable::printable,
    syscalls,
};

/// Show what an allowlist allows, and what that rests on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  What the daemon has recorded of a service:
    syscall-recorder show nginx
  What is in a file:
    syscall-recorder show nginx.toml
  What was called only once:
    syscall-recorder show nginx --json | jq -r '.calls[] | select(.calls == 1) | .name'")]
pub(super) struct Args {
    /// A unit, or an allowlist file: what has a slash in it, ends in .toml or is there
    #[arg(value_name = "UNIT|FILE")]
    subject: PathBuf,
    /// For machines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    unit: &'a str,
    complete: bool,
    seconds: u64,
    starts: u64,
    calls: Vec<Line<'a>>,
}

/// A call that was seen, or is allowed, or both.
#[derive(Serialize)]
struct Line<'a> {
    abi: &'static str,
    name: Option<&'a str>,
    number: Option<u32>,
    allowed: bool,
    sets: Vec<&'static str>,
    calls: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    programs: Vec<&'a str>,
}

pub(super) fn show(args: &Args, host: &Host) -> Result<(), Error> {
    let allowlist = files::read(&args.subject, host)?;
    let text = if args.json { json(&allowlist) } else { table(&allowlist) };
    files::write(None, false, &text)
}

fn json(allowlist: &Allowlist) -> String {
    let observed = &allowlist.observed;
    let report = Report {
        unit: &allowlist.unit,
        complete: observed.complete(),
        seconds: observed.seconds,
        starts: observed.starts,
        calls: lines(allowlist),
    };
    let text = serde_json::to_string_pretty(&report).expect("strings and numbers always have a JSON form");
    text + "\n"
}

/// What was seen, and what a reviewer has added to the list, in one order.
fn lines(allowlist: &Allowlist) -> Vec<Line<'_>> {
    let seen = allowlist.evidence.iter().map(|evidence| seen(allowlist, evidence));
    let mut lines: Vec<_> = seen.collect();
    for (abi, names) in &allowlist.allow {
        let witnessed =
            |name: &String| lines.iter().any(|line| line.abi == abi.name() && line.name == Some(name));
        let added: Vec<_> = names.iter().filter(|name| !witnessed(name)).collect();
        lines.extend(added.into_iter().map(|name| Line {
            abi: abi.name(),
            name: Some(name),
            number: syscalls::number(*abi, name),
            allowed: true,
            sets: syscalls::sets_of(name).collect(),
            calls: 0,
            first_seen: None,
            last_seen: None,
            programs: Vec::new(),
        }));
    }
    lines.sort_by_key(|line| (Abi::from_name(line.abi), line.name, line.number));
    lines
}

fn seen<'a>(allowlist: &Allowlist, evidence: &'a Evidence) -> Line<'a> {
    let name = evidence.name.as_deref();
    let names = allowlist.allow.get(&evidence.call.abi);
    Line {
        abi: evidence.call.abi.name(),
        name,
        number: Some(evidence.call.number),
        allowed: name.is_some_and(|name| names.is_some_and(|names| names.contains(name))),
        sets: name.map(syscalls::sets_of).into_iter().flatten().collect(),
        calls: evidence.tally.calls,
        first_seen: Some(evidence.tally.first_seen.to_string()),
        last_seen: Some(evidence.tally.last_seen.to_string()),
        programs: evidence.tally.programs.iter().map(String::as_str).collect(),
    }
}

impl Line<'_> {
    /// Where the list and what was seen differ.
    fn note(&self) -> Option<&'static str> {
        match self.name {
            None => Some("has no name, cannot be allowed"),
            Some(name) if !syscalls::is_known(name) => Some("no system call of this name is known"),
            Some(_) if !self.allowed => Some("seen, but not allowed"),
            Some(_) if self.first_seen.is_none() => Some("allowed, but never seen"),
            Some(_) => None,
        }
    }

    fn cells(self) -> [String; 8] {
        let dash = || "-".to_owned();
        let note = self.note().unwrap_or_default().to_owned();
        [
            self.name.map_or_else(|| format!("number {}", self.number.unwrap_or_default()), str::to_owned),
            self.abi.to_owned(),
            self.name.and_then(syscalls::main_set).unwrap_or("-").to_owned(),
            thousands(self.calls),
            self.first_seen.unwrap_or_else(dash),
            self.last_seen.unwrap_or_else(dash),
            if self.programs.is_empty() { dash() } else { printable(&self.programs.join(" ")) },
            note,
        ]
    }
}

fn table(allowlist: &Allowlist) -> String {
    let lines = lines(allowlist);
    // The last column is the note, and mostly nobody needs it.
    let columns = if lines.iter().any(|line| line.note().is_some()) { 8 } else { 7 };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let header = ["NAME", "ABI", "SET", "CALLS", "FIRST SEEN", "LAST SEEN", "PROGRAMS", "NOTE"];
    table.set_header(header.into_iter().take(columns));
    for line in lines {
        table.add_row(line.cells().into_iter().take(columns));
    }
    if let Some(calls) = table.column_mut(3) {
        calls.set_cell_alignment(CellAlignment::Right);
    }
    // The style leaves a blank where a frame would stand.
    let rows = table.lines().map(|line| line.trim().to_owned() + "\n").collect::<String>();
    format!("{}{rows}", summary(allowlist))
}

/// The facts above the table.
fn summary(allowlist: &Allowlist) -> String {
    let observed = &allowlist.observed;
    let mut text = format!(
        "{}: {}, {} in {}, {}\n",
        printable(&allowlist.unit),
        count(allowlist.names().len() as u64, "name"),
        count(allowlist.calls(), "call"),
        duration(observed.seconds),
        count(observed.starts, "start"),
    );
    for (&gap, number) in &observed.gaps {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "INCOMPLETE: {}: {}", gap.meaning(), thousands(*number));
    }
    text + "\n"
}
