//! `show`: the table for review.

use std::{fmt::Write, path::PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::{
    error::Error,
    files,
    text::{count, duration, printable, thousands},
};
use crate::{
    allowlist::{Allowlist, Evidence},
    syscalls,
};

/// Show what an allowlist allows, and what that rests on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  syscall-recorder show nginx.toml
  syscall-recorder show nginx.toml --json | jq -r '.calls[] | select(.calls == 1) | .name'")]
pub(super) struct Args {
    /// The allowlist file
    file: PathBuf,
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

#[derive(Serialize)]
struct Line<'a> {
    abi: &'static str,
    name: Option<&'a str>,
    number: u32,
    sets: Vec<&'static str>,
    calls: u64,
    first_seen: String,
    last_seen: String,
    programs: Vec<&'a str>,
}

pub(super) fn show(args: &Args) -> Result<(), Error> {
    let allowlist = files::read(&args.file)?;
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
        calls: allowlist.evidence.iter().map(line).collect(),
    };
    let text = serde_json::to_string_pretty(&report).expect("strings and numbers always have a JSON form");
    text + "\n"
}

fn line(evidence: &Evidence) -> Line<'_> {
    Line {
        abi: evidence.call.abi.name(),
        name: evidence.name.as_deref(),
        number: evidence.call.number,
        sets: evidence.name.as_deref().map(syscalls::sets_of).into_iter().flatten().collect(),
        calls: evidence.tally.calls,
        first_seen: evidence.tally.first_seen.to_string(),
        last_seen: evidence.tally.last_seen.to_string(),
        programs: evidence.tally.programs.iter().map(String::as_str).collect(),
    }
}

fn table(allowlist: &Allowlist) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NAME", "ABI", "SET", "CALLS", "FIRST SEEN", "LAST SEEN", "PROGRAMS"]);
    for evidence in &allowlist.evidence {
        let line = line(evidence);
        table.add_row([
            line.name.map_or_else(|| format!("number {}", line.number), str::to_owned),
            line.abi.to_owned(),
            line.name.and_then(syscalls::main_set).unwrap_or("-").to_owned(),
            thousands(line.calls),
            line.first_seen,
            line.last_seen,
            if line.programs.is_empty() { "-".to_owned() } else { printable(&line.programs.join(" ")) },
        ]);
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
    let made = allowlist.evidence.iter().map(|evidence| evidence.tally.calls).sum();
    let mut text = format!(
        "{}: {}, {} in {}, {}\n",
        printable(&allowlist.unit),
        count(allowlist.names().len() as u64, "name"),
        count(made, "call"),
        duration(observed.seconds),
        count(observed.starts, "start"),
    );
    for (&gap, number) in &observed.gaps {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "INCOMPLETE: {}: {}", gap.meaning(), thousands(*number));
    }
    text + "\n"
}
