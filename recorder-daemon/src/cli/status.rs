//! `status`: what the daemon is recording.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use rustix::{stdio::stdout, termios::tcgetwinsize};

use super::{
    error::Error,
    files,
    host::Host,
    text::{about, count, duration, percent, roughly, thousands},
};
use crate::{
    allowlist::Lack,
    control::wire::{Coverage, LastNew, Status, Unit},
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
        None => table(&status, width()),
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

/// How wide a terminal is, if it is one that is written to.
fn width() -> Option<u16> {
    tcgetwinsize(stdout()).ok().map(|size| size.ws_col).filter(|width| *width > 0)
}

/// `width`: what the lines must fit into.
fn table(status: &Status, width: Option<u16>) -> String {
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
    let wide = rows(status, cells, None);
    let fits = |width: u16| wide.lines().all(|line| line.chars().count() <= usize::from(width));
    let rows = match width {
        Some(width) if !fits(width) => rows(status, short_cells, Some(width)),
        _ => wide,
    };
    let _ = write!(text, "\n{rows}");
    if status.units.iter().any(|unit| !unit.coverage.is_empty()) {
        text += "\nCOVERAGE: an estimate of how much was seen; `status UNIT` says more\n";
    }
    text
}

fn rows(status: &Status, cells: fn(&Unit) -> [String; 9], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        // Of the blanks around a row nothing is left.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width + 2);
    }
    table.set_header(["UNIT", "STATE", "FOR", "STARTS", "CALLS", "NAMES", "LAST NEW", "COVERAGE", "GAPS"]);
    for unit in &status.units {
        table.add_row(cells(unit));
    }
    for figures in [3, 4, 5, 7] {
        if let Some(column) = table.column_mut(figures) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // The style leaves a blank where a frame would stand. What wraps has its continuation below its own column.
    table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned() + "\n").collect()
}

fn cells(unit: &Unit) -> [String; 9] {
    let newest = |new: &LastNew| printable(&format!("{} {} ago", new.name, roughly(unit.quiet_seconds)));
    let gaps: Vec<_> =
        unit.gaps.iter().map(|(kind, &number)| format!("{kind} {}", thousands(number))).collect();
    [
        printable(&unit.name),
        state(unit).to_owned(),
        roughly(unit.seconds),
        thousands(unit.starts),
        thousands(unit.calls),
        thousands(unit.names),
        unit.last_new.as_ref().map_or_else(|| "-".to_owned(), newest),
        unit.coverage.first().map_or_else(|| "-".to_owned(), |of| percent(of.covered.value)),
        if gaps.is_empty() { "-".to_owned() } else { printable(&gaps.join(", ")) },
    ]
}

/// The same for a narrow terminal.
fn short_cells(unit: &Unit) -> [String; 9] {
    let mut cells = cells(unit);
    let newest = |new: &LastNew| printable(&format!("{} {}", new.name, roughly(unit.quiet_seconds)));
    cells[3] = about(unit.starts);
    cells[4] = about(unit.calls);
    cells[6] = unit.last_new.as_ref().map_or_else(|| "-".to_owned(), newest);
    cells[8] = if unit.gaps.is_empty() { "-".to_owned() } else { unit.gaps.len().to_string() };
    cells
}

fn state(unit: &Unit) -> &'static str {
    if unit.running { "running" } else { "stopped" }
}

/// All about one unit.
fn details(unit: &Unit) -> String {
    let name = printable(&unit.name);
    let newest = unit.last_new.as_ref().map_or_else(
        || vec!["none yet".to_owned()],
        |new| {
            let quiet = format!("nothing new for {}", duration(unit.quiet_seconds));
            vec![printable(&format!("{} ({}) at {}; {quiet}", new.name, new.abi, new.at))]
        },
    );
    let lines = [
        ("state", vec![state(unit).to_owned()]),
        ("wanted by", vec![printable(&unit.requests.join(" "))]),
        ("recorded", vec![format!("{}, since {}", duration(unit.seconds), printable(&unit.since))]),
        ("starts", vec![thousands(unit.starts)]),
        ("calls", vec![thousands(unit.calls)]),
        ("names", vec![thousands(unit.names)]),
        ("last new", newest),
        ("coverage", unit.coverage.iter().flat_map(coverage).collect()),
        ("not seen", unit.lacks.iter().map(|lack| lacking(lack)).collect()),
        ("newest", unit.newest.iter().map(seen_first).collect()),
    ];
    let mut text = format!("{name}\n");
    // Writing to a String cannot fail.
    for (word, values) in lines {
        for (place, value) in values.iter().enumerate() {
            let word = if place == 0 { format!("{word}:") } else { String::new() };
            let _ = writeln!(text, "  {word:<11}{value}");
        }
    }
    for (kind, &number) in &unit.gaps {
        // One that only a later daemon knows has no words here.
        let meaning = Gap::from_name(kind).map_or_else(|| printable(kind), |gap| gap.meaning().to_owned());
        let _ = writeln!(text, "  INCOMPLETE: {meaning}: {}", thousands(number));
    }
    let _ = writeln!(text, "next: syscall-recorder show {name}");
    text
}

/// The estimate from the occasions of one kind.
fn coverage(of: &Coverage) -> [String; 3] {
    let per = printable(&of.per);
    let (covered, next, unseen) = (of.covered, of.next, of.unseen);
    [
        format!(
            "{}: an estimated {} of the next {per}'s calls was seen",
            count(of.occasions, &per),
            percent(covered.value),
        ),
        format!(
            "  (95 %: at least {}); it shows {:.2} new calls (at most {:.2})",
            percent(covered.low),
            next.value,
            next.high
        ),
        format!(
            "  at least {:.0} calls are still unseen ({:.0} to {:.0}, if all are as rare)",
            unseen.value, unseen.low, unseen.high
        ),
    ]
}

fn lacking(lack: &str) -> String {
    // One that only a later daemon knows has no words here.
    Lack::from_name(lack).map_or_else(|| printable(lack), |lack| lack.meaning().to_owned())
}

fn seen_first(new: &LastNew) -> String {
    let by = if new.programs.is_empty() { "-".to_owned() } else { new.programs.join(" ") };
    printable(&format!("{}  {} ({})  {by}", new.at, new.name, new.abi))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::control::wire::Estimate;

    #[test]
    fn a_table_fits_the_terminal() {
        let unit = |name: &str, calls| Unit {
            name: name.to_owned(),
            running: true,
            seconds: 141_821,
            starts: 12,
            calls,
            names: 71,
            last_new: Some(LastNew { name: "fadvise64".to_owned(), ..LastNew::default() }),
            quiet_seconds: 9_299,
            coverage: vec![Coverage {
                covered: Estimate { value: 0.9974, low: 0.99, high: 1.0 },
                ..Coverage::default()
            }],
            gaps: BTreeMap::from([("already_filtered".to_owned(), 2), ("running_before".to_owned(), 1)]),
            ..Unit::default()
        };
        let units = vec![unit("nginx.service", 1_381_360), unit("a-service-of-a-very-long-name.service", 1)];
        let status = Status { requests: vec!["*.service".to_owned()], units, ..Status::default() };
        for width in [80, 100] {
            let table = table(&status, Some(width));
            let rows: Vec<_> = table.lines().skip(2).take_while(|line| !line.is_empty()).collect();
            assert!(rows.iter().all(|row| row.chars().count() <= usize::from(width)), "{table}");
        }
        insta::assert_snapshot!(table(&status, Some(80)));
        assert!(table(&status, None).contains("already_filtered 2, running_before 1"));
    }
}
