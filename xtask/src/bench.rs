//! `cargo xtask bench`: what recording costs, beside everything else that counts calls, in one run.
//!
//! The contestants take turns, and each turn is compared with the one of its own round: the machine's mood changes from
//! minute to minute. Figures of one run compare with each other and with nothing else, so the ratios are what counts.

mod chart;
mod contestants;
mod costs;
mod document;
mod figures;
pub(crate) mod guard;
mod place;
mod workloads;

use std::{
    collections::BTreeMap,
    fs,
    io::{IsTerminal, stderr},
    thread::available_parallelism,
};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use self::{
    contestants::Contestant,
    costs::Cost,
    figures::{Spread, Standing, Turns, standings},
    place::Place,
    workloads::Workload,
};
use crate::{
    setup,
    shell::{cargo, is_root, output, root, run},
};

/// What is measured, and how much of it.
pub(crate) struct Extent {
    /// Our own cost of a call alone: half a minute.
    pub(crate) short: bool,
    /// Only these workloads.
    pub(crate) names: Vec<String>,
    /// Turns of each contestant.
    pub(crate) rounds: usize,
}

/// What was measured.
#[derive(Serialize, Deserialize)]
struct Results {
    machine: Machine,
    workloads: BTreeMap<String, BTreeMap<String, Standing>>,
    /// What the daemon takes.
    daemon: Vec<Cost>,
    /// `merge` of 10,000 files, in seconds.
    merge: Option<Spread>,
    /// Who could not run here, and why.
    absent: BTreeMap<String, String>,
}

/// Where it was measured.
#[derive(Serialize, Deserialize)]
struct Machine {
    kernel: String,
    processor: String,
    processors: usize,
    /// Of the last minute, before it began: what else the machine had to do.
    load: String,
    date: String,
    /// What of the project was measured.
    commit: String,
}

/// Measures, and prints what comes of it; `write` puts it into the documents.
pub(crate) fn run_all(extent: &Extent, json: bool, write: bool) -> Result<()> {
    ensure!(is_root(), "measuring needs root: run it as root");
    let mut results = Results {
        machine: Machine::read(),
        workloads: BTreeMap::new(),
        daemon: Vec::new(),
        merge: None,
        absent: BTreeMap::new(),
    };
    setup::tools(if extent.short { setup::BENCH_SHORT } else { setup::BENCH })?;
    let mut place = Place::new(build(extent.wants("daemon") || extent.wants("merge"))?)?;
    for workload in chosen(extent)? {
        let turns = measure(&mut place, workload, extent, &mut results.absent)?;
        let standings = standings(&turns);
        if !json {
            print(workload, &standings, extent);
        }
        results.workloads.insert(workload.name().to_owned(), standings);
    }
    if extent.wants("daemon") {
        for units in costs::SIZES {
            say(&format!("the daemon with {units} units"));
            results.daemon.push(costs::measure(&mut place, units)?);
        }
        if !json {
            println!("{}", document::daemon(&results.daemon));
        }
    }
    if extent.wants("merge") {
        say("merging");
        let took = costs::merge(&place, 10_000)?;
        if !json {
            println!("10,000 files merged: {:.2} s", took.median);
        }
        results.merge = Some(took);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    }
    for (name, why) in &results.absent {
        eprintln!("{name} cannot run here: {why}");
    }
    if write { document::write(&results) } else { Ok(()) }
}

/// Writes the documents anew, from the figures of last time.
pub(crate) fn documents() -> Result<()> {
    document::write(&document::kept()?)
}

impl Extent {
    fn wants(&self, name: &str) -> bool {
        !self.short && (self.names.is_empty() || self.names.iter().any(|named| named == name))
    }
}

/// What is being done, for whoever looks on.
fn say(what: &str) {
    if stderr().is_terminal() {
        eprintln!("{what}");
    }
}

fn chosen(extent: &Extent) -> Result<Vec<Workload>> {
    if extent.short {
        return Ok(vec![Workload::Calls]);
    }
    let all = workloads::ALL.map(Workload::name);
    for name in &extent.names {
        let known = all.contains(&name.as_str()) || ["daemon", "merge"].contains(&name.as_str());
        ensure!(known, "nothing is called {name:?}; there are {}, daemon, merge", all.join(", "));
    }
    Ok(workloads::ALL.into_iter().filter(|workload| extent.wants(workload.name())).collect())
}

/// Gives the folder of what is built. The kernel's side is the same whatever the profile; what runs outside it is not.
fn build(release: bool) -> Result<std::path::PathBuf> {
    let mut build =
        cargo(&["build", "--quiet", "--package", "recorder-daemon", "--bins", "--example", "floor"]);
    if release {
        run(build.arg("--release"))?;
        return Ok(root().join("target/release"));
    }
    run(&mut build)?;
    Ok(root().join("target/debug"))
}

/// All contestants in turn, again and again.
fn measure(
    place: &mut Place,
    workload: Workload,
    extent: &Extent,
    absent: &mut BTreeMap<String, String>,
) -> Result<Turns> {
    let mut contestants = workload.contestants(extent.short);
    contestants.retain(|contestant| match contestant.hindrance() {
        None => true,
        Some(why) => {
            absent.insert(contestant.name(), why);
            false
        }
    });
    let mut turns = Turns::new();
    for round in 0..extent.rounds {
        if stderr().is_terminal() {
            eprint!("\r{}: round {} of {} ", workload.name(), round + 1, extent.rounds);
        }
        // Each round begins with another one, so that nobody always follows the same.
        let first = round % contestants.len();
        for contestant in contestants[first..].iter().chain(&contestants[..first]) {
            if round < contestant.rounds(extent.rounds) {
                let attached = contestant.attach(place)?;
                let figure = workload.turn(place, &attached, contestant.slowness())?;
                turns.entry(contestant.name()).or_default().push(figure);
            }
        }
    }
    if stderr().is_terminal() {
        eprintln!();
    }
    Ok(turns)
}

fn print(workload: Workload, standings: &BTreeMap<String, Standing>, extent: &Extent) {
    println!("{}: {}, in ns", workload.name(), workload.operation());
    println!(
        "added: over nothing, in the same round; the median, and where half of the turns lie. least: of all turns"
    );
    println!(
        "{:32} {:>9} {:>9} {:>20} {:>9} {:>9} {:>9} {:>6}",
        "", "took", "added", "", "x floor", "least", "x floor", "turns"
    );
    let least = |name: &str| standings.get(name).map(|standing| standing.least);
    let alone = least("nothing").unwrap_or_default();
    for contestant in workload.contestants(extent.short) {
        let name = contestant.name();
        let Some(standing) = standings.get(&name) else { continue };
        let ratio = |ratio: Option<f64>| match ratio {
            Some(ratio) if contestant != Contestant::Nothing => format!("{ratio:.2}"),
            _ => String::new(),
        };
        let of_least = least("floor")
            .map(|floor| floor - alone)
            .filter(|floor| *floor > 0.0)
            .map(|floor| (standing.least - alone) / floor);
        println!(
            "{name:32} {:>9.1} {:>9.1} {:>20} {:>9} {:>9.1} {:>9} {:>6}",
            standing.took.median,
            standing.added.median,
            format!("{:.1} to {:.1}", standing.added.lower, standing.added.upper),
            ratio(standing.of_floor),
            standing.least,
            ratio(of_least),
            standing.turns
        );
    }
    println!();
}

impl Machine {
    fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let said = |program: &str, words: &[&str]| {
            let said = output(std::process::Command::new(program).args(words).current_dir(root()));
            said.map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            processor: model.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            processors: available_parallelism().map_or(1, usize::from),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            date: said("date", &["+%F"]),
            commit: said("git", &["describe", "--always", "--dirty"]),
        }
    }
}
