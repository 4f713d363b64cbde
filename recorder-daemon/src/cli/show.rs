//! `show`: the table for review.

mod json;
mod select;

use std::{fmt::Write, path::PathBuf};

use anstyle::{AnsiColor, Style};

use super::{
    error::Error,
    files,
    host::Host,
    table::{self, Column, Kind, Row as Cells},
    text::{count, duration, programs, thousands},
};
pub(super) use json::RiskLine;

use crate::{
    allowlist::{Allowlist, Review, Row},
    printable::printable,
    recording::Per,
    syscalls::{self, Level},
};

/// Show what an allowlist allows, what that rests on, and where to look twice.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  What the daemon has recorded of a service:
    syscall-recorder show nginx
  What is in a file, the most dangerous first:
    syscall-recorder show nginx.toml --sort risk
  What was called once, or only by a helper such as ExecStartPre's:
    syscall-recorder show nginx --only once,helper
  For a script:
    syscall-recorder show nginx --json | jq -r '.calls[] | select(.risk.level == \"high\") | .name'")]
pub(super) struct Args {
    /// A unit, or an allowlist file: what has a slash in it, ends in .toml or is there
    #[arg(value_name = "UNIT|FILE")]
    subject: PathBuf,
    #[command(flatten)]
    select: select::SelectArgs,
    /// For machines, with every field
    #[arg(long)]
    json: bool,
}

pub(super) fn show(args: &Args, host: &Host) -> Result<(), Error> {
    let allowlist = files::read(&args.subject, host)?;
    let mut review = Review::of(&allowlist);
    args.select.apply(&mut review.rows);
    let text =
        if args.json { json::text(&allowlist, &review) } else { page(&allowlist, &review, table::width()) };
    files::write(None, false, &text)
}

const COLUMNS: [Column; 9] = [
    Column { title: "NAME", kind: Kind::Text, spare: 0 },
    Column { title: "ABI", kind: Kind::Text, spare: 0 },
    Column { title: "SET", kind: Kind::Text, spare: 2 },
    Column { title: "CALLS", kind: Kind::Figure, spare: 0 },
    Column { title: "STARTS", kind: Kind::Figure, spare: 1 },
    Column { title: "FIRST SEEN", kind: Kind::Text, spare: 3 },
    Column { title: "LAST SEEN", kind: Kind::Text, spare: 4 },
    Column { title: "PROGRAMS", kind: Kind::Long, spare: 0 },
    Column { title: "LOOK TWICE", kind: Kind::Long, spare: 0 },
];

fn page(allowlist: &Allowlist, review: &Review, width: Option<usize>) -> String {
    let summary = summary(allowlist, review);
    if review.rows.is_empty() {
        return format!("{summary}nothing to show: no call is as asked for\n");
    }
    let several = allowlist.allow.len() > 1;
    let rows: Vec<_> = review.rows.iter().map(|row| cells(row, several)).collect();
    format!("{summary}{}", table::render(&COLUMNS, &rows, width))
}

fn cells(row: &Row, several_abis: bool) -> Cells {
    let alike = |text: String| [text.clone(), text];
    let seen = |of: &dyn Fn(&crate::allowlist::Evidence) -> String| row.evidence.map_or_else(dash, of);
    let time = |text: String| [text.clone(), text.split('T').next().unwrap_or_default().to_owned()];
    let paths = row.evidence.map(|evidence| &evidence.tally.programs).filter(|paths| !paths.is_empty());
    let doubts: Vec<_> = row.doubts.iter().map(ToString::to_string).collect();
    Cells {
        cells: vec![
            alike(name(row.name, row.number)),
            alike(if several_abis { row.abi.name().to_owned() } else { String::new() }),
            alike(row.name.and_then(syscalls::main_set).unwrap_or("-").to_owned()),
            alike(row.evidence.map_or_else(|| "0".to_owned(), |evidence| thousands(evidence.tally.calls))),
            alike(seen(&|evidence| evidence.occasions(Per::Start).map_or_else(dash, thousands))),
            time(seen(&|evidence| evidence.tally.first_seen.to_string())),
            time(seen(&|evidence| evidence.tally.last_seen.to_string())),
            paths.map_or_else(|| alike(dash()), programs),
            alike(printable(&doubts.join("; "))),
        ],
        style: style(row.risk().map(|risk| risk.level)),
    }
}

pub(super) fn name(name: Option<&str>, number: Option<u32>) -> String {
    name.map_or_else(|| format!("number {}", number.unwrap_or_default()), str::to_owned)
}

fn dash() -> String {
    "-".to_owned()
}

fn style(level: Option<Level>) -> Style {
    match level {
        Some(Level::High) => AnsiColor::Red.on_default(),
        Some(Level::Elevated) => AnsiColor::Yellow.on_default(),
        None => Style::new(),
    }
}

/// The facts above the table.
fn summary(allowlist: &Allowlist, review: &Review) -> String {
    let observed = &allowlist.observed;
    let hosts = match observed.host.names.len() {
        0 | 1 => String::new(),
        several => format!(" on {}", count(several as u64, "host")),
    };
    let abis: Vec<_> = allowlist.allow.keys().map(|abi| abi.name()).collect();
    let mut text = format!(
        "{}: {} ({}), {} in {}, {}{hosts}\n",
        printable(&allowlist.unit),
        count(allowlist.names().len() as u64, "name"),
        abis.join(", "),
        count(allowlist.calls(), "call"),
        duration(observed.seconds),
        count(observed.starts, "start"),
    );
    // Writing to a String cannot fail.
    if let Some(main) = review.main_program.filter(|_| programs_differ(allowlist)) {
        let _ = writeln!(text, "most of the calls are {}'s", printable(main));
    }
    for (&gap, number) in &observed.gaps {
        let _ = writeln!(text, "INCOMPLETE: {}: {}", gap.meaning(), thousands(*number));
    }
    text + "\n"
}

fn programs_differ(allowlist: &Allowlist) -> bool {
    let mut programs = allowlist.evidence.iter().flat_map(|evidence| &evidence.tally.programs);
    let first = programs.next();
    programs.any(|program| Some(program) != first)
}
