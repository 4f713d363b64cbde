//! What was found, for people.

use std::fmt::Write;

use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};

use super::Report;
use crate::{
    allowlist::check::{Denial, Denied, Mode, Place, Problem, Unseen, Why},
    cli::text::{count, duration, thousands},
    printable::printable,
};

const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();
const PLAIN: Style = Style::new().bold();

/// Names in one line at most; `--json` has them all.
const WIDTH: usize = 100;

pub(super) fn text(report: &Report<'_>) -> String {
    let mut text = summary(report);
    // Writing to a String cannot fail.
    let _ = report.write(&mut text);
    text
}

/// What the filter comes to, and what it is held against.
fn summary(report: &Report<'_>) -> String {
    let Report { outcome, .. } = report;
    let filter = &outcome.filter;
    let does = match outcome.error_number {
        Denial::Kill => "ends the process".to_owned(),
        denial @ Denial::Errno(_) => format!("fails with {denial}"),
    };
    let entries = count(filter.shown().len() as u64, "name");
    let sense = match filter.mode {
        None => "no filter".to_owned(),
        Some(Mode::Allow) => {
            format!(
                "allows {entries}, {} of them by @default, and any other call {does}",
                filter.by_default()
            )
        }
        Some(Mode::Deny) => format!("denies {entries}, a call of which {does}, and allows all else"),
    };
    let mut text = format!("{}: {sense}\nread as {} does\n", printable(&report.name), report.target);
    if let Some(allowlist) = report.against {
        let observed = &allowlist.observed;
        let _ = writeln!(
            text,
            "held against {}: {}, {} in {}",
            printable(&allowlist.unit),
            count(allowlist.names().len() as u64, "name"),
            count(observed.starts, "start"),
            duration(observed.seconds),
        );
        for (gap, number) in &observed.gaps {
            let _ = writeln!(text, "INCOMPLETE: {}: {}", gap.meaning(), thousands(*number));
        }
    }
    text
}

impl Report<'_> {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let (faults, notes): (Vec<_>, Vec<_>) =
            self.outcome.problems.iter().partition(|(_, problem)| problem.is_fault());
        let empty = Vec::new();
        let (denied, unseen) = match &self.outcome.comparison {
            Some(comparison) => (&comparison.denied, &*comparison.unseen),
            None => (&empty, &[][..]),
        };
        self.problems(text, "FAULTS", BAD, &faults)?;
        if !denied.is_empty() {
            let recorded = self.outcome.comparison.as_ref().map_or(0, |comparison| comparison.recorded);
            let head = format!("WOULD BREAK: {} of the {recorded} recorded calls are denied", denied.len());
            headline(text, BAD, &head)?;
            self.denied(text, denied)?;
        }
        if !unseen.is_empty() {
            let names: usize = unseen.iter().map(|unseen| unseen.names.len()).sum();
            headline(
                text,
                ODD,
                &format!("COULD GO: {} allowed and never seen", count(names as u64, "call")),
            )?;
            for unseen in unseen {
                self.unseen(text, unseen)?;
            }
        }
        self.problems(text, "GOOD TO KNOW", PLAIN, &notes)?;
        if faults.is_empty() && denied.is_empty() && unseen.is_empty() {
            writeln!(text, "\nNothing to mend.")?;
        }
        Ok(())
    }

    fn problems(
        &self,
        text: &mut String,
        head: &str,
        style: Style,
        problems: &[&(Option<Place>, Problem)],
    ) -> std::fmt::Result {
        if problems.is_empty() {
            return Ok(());
        }
        headline(text, style, head)?;
        for (at, problem) in problems {
            let also = match problem.also().filter(|also| Some(*also) != *at) {
                Some(also) => format!(" (see {})", self.place(also)),
                None => String::new(),
            };
            let said = printable(&problem.to_string());
            match at {
                Some(at) => writeln!(text, "  {}: {said}{also}", self.place(*at))?,
                None => writeln!(text, "  {said}{also}")?,
            }
        }
        Ok(())
    }

    /// `file:line`, as editors take it.
    fn place(&self, at: Place) -> String {
        format!("{}:{}", printable(&self.files[at.file].display().to_string()), at.line)
    }

    fn denied(&self, text: &mut String, denied: &[Denied<'_>]) -> std::fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["NAME", "ABI", "CALLS", "FIRST SEEN", "PROGRAMS", "WHY"]);
        for one in denied {
            let tally = one.tally;
            let number = one.number.unwrap_or_default();
            let programs =
                tally.map(|tally| tally.programs.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
            let dash = || "-".to_owned();
            table.add_row([
                one.name.map_or_else(|| format!("number {number}"), str::to_owned),
                one.abi.name().to_owned(),
                thousands(tally.map_or(0, |tally| tally.calls)),
                tally.map_or_else(dash, |tally| tally.first_seen.to_string()),
                programs
                    .filter(|programs| !programs.is_empty())
                    .map_or_else(dash, |programs| printable(&programs)),
                self.why(&one.why),
            ]);
        }
        if let Some(calls) = table.column_mut(2) {
            calls.set_cell_alignment(CellAlignment::Right);
        }
        table.lines().try_for_each(|line| writeln!(text, "  {}", line.trim()))
    }

    fn why(&self, why: &Why) -> String {
        match why {
            Why::NotListed => "not in the list".to_owned(),
            Why::Listed { at, set: Some(set) } => format!("in {set}, {}", self.place(*at)),
            Why::Listed { at, set: None } => format!("listed, {}", self.place(*at)),
            Why::Removed { at } => format!("taken out, {}", self.place(*at)),
            Why::Unresolved => format!("{} does not know it", self.target),
            Why::Unnamed => "has no name, cannot be allowed".to_owned(),
        }
    }

    fn unseen(&self, text: &mut String, unseen: &Unseen) -> std::fmt::Result {
        let mut line = format!("  {}:", self.place(unseen.at));
        if let Some(set) = &unseen.set {
            let all = unseen.seen + unseen.names.len();
            let _ = write!(line, " {set}, of which {} of {all} were seen; never seen:", unseen.seen);
        }
        for name in &unseen.names {
            if line.len() + 1 + name.len() > WIDTH {
                writeln!(text, "{line}")?;
                "     ".clone_into(&mut line);
            }
            line.push(' ');
            line.push_str(name);
        }
        writeln!(text, "{line}")
    }
}

fn headline(text: &mut String, style: Style, words: &str) -> std::fmt::Result {
    writeln!(text, "\n{style}{words}{style:#}")
}
