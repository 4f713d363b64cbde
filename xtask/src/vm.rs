//! Debian machines with their own kernel and systemd, emulated by QEMU, in which scenarios run as an
//! administrator would type them.
//!
//! The image is built once and kept; what changes (the package, the programs, the scenarios) comes on a second
//! disk, and a run writes nothing back.

mod image;
mod machine;
mod payload;
mod scenarios;

use std::fs;

use anyhow::{Result, ensure};

use self::scenarios::Outcome;
use crate::{
    setup,
    shell::{root, step},
    target::Arch,
};

/// The Debian releases on which the scenarios are shown, from the oldest on.
const RELEASES: [&str; 3] = ["bookworm", "trixie", "sid"];

/// What is run on each of them, unless others are named: a service's whole story, what systemd does before a service
/// begins, and a boot.
const EVERYWHERE: [&str; 3] = ["story-nginx", "set-up", "boot"];

/// Runs scenarios on a Debian release: those named, or all. The consoles are kept, whatever happens. With
/// `keep`, a machine stays at the end, with a shell on its console.
pub(crate) fn run(release: &str, names: &[String], keep: bool) -> Result<()> {
    let results = results(release, names, keep)?;
    step(&format!("scenarios on Debian {release}"));
    print(&results);
    let failed = results.iter().filter(|result| !result.passed).count();
    ensure!(failed == 0, "{failed} of {} scenarios failed on {release}", results.len());
    Ok(())
}

/// Runs scenarios on every release, and says at the end what became of each.
pub(crate) fn run_on_all(names: &[String]) -> Result<()> {
    let names = if names.is_empty() { EVERYWHERE.map(str::to_owned).to_vec() } else { names.to_vec() };
    let all = RELEASES.map(|release| (release, results(release, &names, false)));
    let mut failed = Vec::new();
    for (release, results) in all {
        step(&format!("scenarios on Debian {release}"));
        match results {
            Ok(results) => {
                print(&results);
                failed.extend((!results.iter().all(|result| result.passed)).then_some(release));
            }
            Err(error) => {
                println!("{error:#}");
                failed.push(release);
            }
        }
    }
    ensure!(failed.is_empty(), "failed on {}", failed.join(", "));
    Ok(())
}

fn print(results: &[Outcome]) {
    for result in results {
        println!("{result}");
    }
}

fn results(release: &str, names: &[String], keep: bool) -> Result<Vec<Outcome>> {
    let chosen = scenarios::choose(names)?;
    setup::tools(setup::VM)?;
    let image = image::find(release)?;
    let folder = root().join("target/vm").join(release);
    fs::create_dir_all(&folder)?;
    let mut results = Vec::new();
    for (name, scenarios) in &chosen {
        let listed: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
        step(&format!("a machine with Debian {release}: {}", listed.join(", ")));
        let payload = payload::build(&folder.join(name), scenarios, Arch::host()?, keep)?;
        let console = machine::Console::of(&folder, name);
        let patience = scenarios.iter().map(|scenario| scenario.patience).sum();
        results.extend(machine::boot(&image, &payload, &console, patience, keep)?.results(scenarios));
    }
    Ok(results)
}
