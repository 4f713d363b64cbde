//! `status`: what the daemon is recording.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use super::{
    error::Error,
    files,
    host::Host,
    text::{count, duration, thousands},
};
use crate::{
    control::wire::{Status, Unit},
    printable::printable,
    recording::Gap,
};

/// Show what the daemon is recording, and how far it has come.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  syscall-recorder status
  syscall-recorder status nginx
  Units that nothing new was seen of today:
    syscall-recorder status --json \\
      | jq -r --arg day \"$(date -u +%F)\" '.units[] | select(.last_new.at < $day) | .name'")]
pub(super) struct Args {
    /// Only this unit, in detail
    unit: Option<String>,
    /// For machines
    #[arg(long)]
    json: bool,
}

pub(super) fn status(args: &Args, host: &Host) -> Result<(), Error> {
    let status = host.daemon().status(args.unit.clone())?;
    let text = match args.unit {
        _ if args.json => json(&status),
        Some(_) => degraded(&status) + &status.units.iter().map(details).collect::<Vec<_>>().join("\n"),
        None => table(&status),
    };
    files::write(None, false, &text)
}

fn json(status: &Status) -> String {
    let text = serde_json::to_string_pretty(status).expect("strings and numbers always have a JSON form");
    text + "\n"
}

/// What a person must know before the figures.
fn degraded(status: &Status) -> String {
    let line = |reason| format!("DEGRADED: {}\n", printable(reason));
    status.degraded.as_deref().map(line).unwrap_or_default()
}

fn table(status: &Status) -> String {
    let (units, requests) = (status.units.len() as u64, status.requests.len() as u64);
    let mut text = degraded(status);
    if requests == 0 && units == 0 {
        return text + "nothing is being recorded; begin with `syscall-recorder start UNIT`\n";
    }
    let wanted = printable(&status.requests.join(" "));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "recording {}, by {}: {wanted}", count(units, "unit"), count(requests, "request"));
    if units == 0 {
        return text;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["UNIT", "STATE", "FOR", "STARTS", "CALLS", "NAMES", "LAST NEW", "GAPS"]);
    for unit in &status.units {
        table.add_row(cells(unit));
    }
    for figures in 3..6 {
        if let Some(column) = table.column_mut(figures) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // The style leaves a blank where a frame would stand.
    let rows = table.lines().map(|line| line.trim().to_owned() + "\n").collect::<String>();
    text + "\n" + &rows
}

fn cells(unit: &Unit) -> [String; 8] {
    let newest = unit.last_new.as_ref().map(|new| printable(&format!("{} {}", new.at, new.name)));
    let gaps: Vec<_> =
        unit.gaps.iter().map(|(kind, &number)| format!("{kind} {}", thousands(number))).collect();
    [
        printable(&unit.name),
        state(unit).to_owned(),
        duration(unit.seconds),
        thousands(unit.starts),
        thousands(unit.calls),
        thousands(unit.names),
        newest.unwrap_or_else(|| "-".to_owned()),
        if gaps.is_empty() { "-".to_owned() } else { printable(&gaps.join(", ")) },
    ]
}

fn state(unit: &Unit) -> &'static str {
    if unit.running { "running" } else { "not running" }
}

/// All about one unit.
fn details(unit: &Unit) -> String {
    let name = printable(&unit.name);
    let newest = unit.last_new.as_ref().map_or_else(
        || "none yet".to_owned(),
        |new| printable(&format!("{} ({}) at {}", new.name, new.abi, new.at)),
    );
    let lines = [
        ("state", state(unit).to_owned()),
        ("wanted by", printable(&unit.requests.join(" "))),
        ("recorded", format!("{}, since {}", duration(unit.seconds), printable(&unit.since))),
        ("starts", thousands(unit.starts)),
        ("calls", thousands(unit.calls)),
        ("names", thousands(unit.names)),
        ("last new", newest),
    ];
    let mut text = format!("{name}\n");
    // Writing to a String cannot fail.
    for (word, value) in lines {
        let _ = writeln!(text, "  {:<11}{value}", format!("{word}:"));
    }
    for (kind, &number) in &unit.gaps {
        // One that only a later daemon knows has no words here.
        let meaning = Gap::from_name(kind).map_or_else(|| printable(kind), |gap| gap.meaning().to_owned());
        let _ = writeln!(text, "  INCOMPLETE: {meaning}: {}", thousands(number));
    }
    let _ = writeln!(text, "next: syscall-recorder show {name}");
    text
}
