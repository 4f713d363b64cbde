//! What each contestant adds to a call, as a picture.

use std::fmt::Write;

use super::{Results, workloads::Workload};

const LEFT: f64 = 210.0;
const WIDTH: f64 = 460.0;
const LINE: f64 = 26.0;
/// The axis goes from 10 ns to 1 ms, each step ten times the one before.
const STEPS: [(f64, &str); 6] =
    [(1.0, "10 ns"), (2.0, "100 ns"), (3.0, "1 µs"), (4.0, "10 µs"), (5.0, "100 µs"), (6.0, "1 ms")];

/// On a logarithmic axis: a linear one would show strace and nothing else.
pub(super) fn svg(results: &Results) -> String {
    let none = std::collections::BTreeMap::new();
    let standings = results.workloads.get(Workload::Calls.name()).unwrap_or(&none);
    let names = Workload::Calls.contestants(false).into_iter().map(super::Contestant::name);
    let bars: Vec<_> = names
        .filter(|name| name != "nothing")
        .filter_map(|name| standings.get(&name).map(|standing| (name, standing.added.median)))
        .collect();
    let place = |log: f64| LEFT + (log - 1.0) / 5.0 * WIDTH;
    let rows = u16::try_from(bars.len()).unwrap_or(u16::MAX);
    let height = 56.0 + LINE * f64::from(rows);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>What is added to one getppid; each step is ten times the one before</title>\n\
         <rect width=\"760\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (log, label) in STEPS {
        let x = place(log);
        let _ = writeln!(
            svg,
            "<path d=\"M{x} 30V{}\" stroke=\"#ccc\"/><text x=\"{x}\" y=\"22\" text-anchor=\"middle\" \
             fill=\"#555\">{label}</text>",
            height - 16.0
        );
    }
    let mut y = 40.0;
    for (name, added) in bars {
        let width = (place(added.max(10.0).log10()) - LEFT).max(1.0);
        let colour = if name.contains("recorded") { "#1f6f8b" } else { "#9aa5ab" };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text><rect x=\"{LEFT}\" y=\"{y}\" \
             width=\"{width:.1}\" height=\"18\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{}\">{added:.0} ns</text>",
            LEFT - 8.0,
            y + 14.0,
            LEFT + width + 6.0,
            y + 14.0
        );
        y += LINE;
    }
    svg + "</svg>\n"
}
