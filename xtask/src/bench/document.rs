//! docs/performance.md and the README's figures, from what was measured. What stands between the marks is written
//! here; the rest is people's.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{
    Results, chart,
    costs::{Cost, Usage},
    figures::{Spread, Standing},
    workloads::{self, Workload},
};
use crate::shell::root;

/// The documents with such places.
const DOCUMENTS: [&str; 2] = ["docs/performance.md", "README.md"];

fn at(below: &str) -> PathBuf {
    root().join(below)
}

/// Keeps the figures, and writes them into the documents.
pub(super) fn write(results: &Results) -> Result<()> {
    fs::write(at("docs/performance.json"), serde_json::to_string_pretty(results)? + "\n")?;
    fs::write(at("docs/performance.svg"), chart::svg(results))?;
    for document in DOCUMENTS {
        let text = fs::read_to_string(at(document))?;
        fs::write(at(document), filled(&text, results)?)?;
    }
    Ok(())
}

/// The figures of last time.
pub(super) fn kept() -> Result<Results> {
    let path = at("docs/performance.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

/// The text with what was measured in its places.
fn filled(text: &str, results: &Results) -> Result<String> {
    const BEGIN: &str = "<!-- measured: ";
    const END: &str = "<!-- end -->";
    let mut parts = text.split(BEGIN);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->").context("a mark has no end")?;
        let (_, after) = rest.split_once(END).with_context(|| format!("{BEGIN}{name}: no {END}"))?;
        write!(filled, "{BEGIN}{name} -->\n{}{END}{after}", place(name, results)?)?;
    }
    Ok(filled)
}

fn place(name: &str, results: &Results) -> Result<String> {
    Ok(match name {
        "machine" => machine(results),
        "daemon" => daemon(&results.daemon),
        "merge" => merge(results.merge),
        "summary" => summary(results),
        name => {
            table(workloads::named(name).with_context(|| format!("no figures are called {name}"))?, results)
        }
    })
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "Measured on {}: Linux {}, {} × {}, load {} before it began, by the sources of `{}`.\n",
        machine.date, machine.kernel, machine.processors, machine.processor, machine.load, machine.commit
    );
    for (name, why) in &results.absent {
        let _ = writeln!(text, "{name} could not run there: `{why}`.");
    }
    text
}

/// Three digits, in a unit that people read.
fn time(ns: f64) -> String {
    match ns.abs() {
        0.0..1e3 => format!("{ns:.0} ns"),
        1e3..1e6 => format!("{:.2} µs", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

fn table(workload: Workload, results: &Results) -> String {
    let Some(standings) = results.workloads.get(workload.name()) else {
        return "Not measured.\n".to_owned();
    };
    let mut text = "| | took | added | half of the turns | times the floor | speed kept | turns |\n\
                    |---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for name in workload.contestants(false).into_iter().map(super::Contestant::name) {
        let Some(Standing { took, added, of_floor, kept, turns, .. }) = standings.get(&name) else {
            continue;
        };
        let is_nothing = name == "nothing";
        let unless = |text: String| if is_nothing { "–".to_owned() } else { text };
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {turns} |",
            time(took.median),
            unless(time(added.median)),
            unless(format!("{} to {}", time(added.lower), time(added.upper))),
            unless(of_floor.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))),
            unless(format!("{:.1} %", kept * 100.0)),
        );
    }
    text
}

pub(super) fn daemon(costs: &[Cost]) -> String {
    let mut text = "| units | READY | end | `status` | | resident | processor | wake-ups | written |\n\
                    |---:|---:|---:|---:|---|---:|---:|---:|---:|\n"
        .to_owned();
    let usage = |usage: &Usage| {
        format!(
            "{:.1} MiB | {:.3} % | {:.2}/s | {} KiB/min",
            usage.resident,
            usage.processor,
            usage.wakeups,
            usage.written / 1024
        )
    };
    for Cost { units, ready, end, snapshot, idle, load } in costs {
        let ms = |spread: &Spread| format!("{:.0} ms", spread.median);
        let _ = writeln!(
            text,
            "| {units} | {} | {} | {} | idle | {} |\n| | | | | load | {} |",
            ms(ready),
            ms(end),
            ms(snapshot),
            usage(idle),
            usage(load)
        );
    }
    text
}

fn merge(took: Option<Spread>) -> String {
    took.map_or("Not measured.\n".to_owned(), |took| {
        format!("10,000 files of 150 names each are merged in {:.1} s.\n", took.median)
    })
}

/// For the README: a few lines.
fn summary(results: &Results) -> String {
    let standing = |workload: &str, name: &str| results.workloads.get(workload)?.get(name);
    let mut text = String::new();
    if let (Some(floor), Some(not), Some(recorded)) =
        (standing("calls", "floor"), standing("calls", "not recorded"), standing("calls", "recorded"))
    {
        let ratio = |standing: &Standing| standing.of_floor.unwrap_or_default();
        let _ = writeln!(
            text,
            "An empty eBPF program on sys_enter adds {} to a call; this adds {:.2} times that to a call that is not \
             recorded, and {:.2} times to one that is.",
            time(floor.added.median),
            ratio(not),
            ratio(recorded)
        );
    }
    if let Some(nginx) = standing("nginx", "recorded") {
        let _ =
            writeln!(text, "A recorded nginx keeps {:.1} % of its throughput under wrk.", nginx.kept * 100.0);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_say_what_was_measured() {
        let results = kept().unwrap();
        for document in DOCUMENTS {
            let text = fs::read_to_string(at(document)).unwrap();
            assert!(filled(&text, &results).unwrap() == text, "{document}: cargo xtask bench --document");
        }
        assert_eq!(fs::read_to_string(at("docs/performance.svg")).unwrap(), chart::svg(&results));
    }

    #[test]
    fn figures_for_people() {
        assert_eq!([-3.2, 81.4, 48_123.0, 2.5e6].map(time), ["-3 ns", "81 ns", "48.12 µs", "2.50 ms"]);
    }
}
