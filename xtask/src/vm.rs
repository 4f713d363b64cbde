//! Debian machines with their own kernel and systemd, emulated by QEMU, in which scenarios run as an
//! administrator would type them.
//!
//! The image is built once and kept; what changes (the package, the programs, the scenarios) comes on a second
//! disk, and a run writes nothing back.

mod foreign;
mod hardware;
mod image;
mod machine;
mod payload;
mod release;
mod scenarios;

use std::{fmt, fs};

use anyhow::{Result, ensure};

use self::{hardware::Hardware, release::RELEASES, scenarios::Outcome};
use crate::{
    package::program::Target,
    setup,
    shell::{root, step},
    target::Arch,
};

/// What is run on each of them, unless others are named: a service's whole story, what systemd does before a service
/// begins, and a boot.
const EVERYWHERE: [&str; 3] = ["story-nginx", "set-up", "boot"];

/// A Debian release for an architecture.
#[derive(Clone, Copy)]
struct System<'a> {
    release: &'a str,
    arch: Arch,
}

impl fmt::Display for System<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Debian {} for {}", self.release, self.arch.debian())
    }
}

/// Runs scenarios on a Debian release: those named, or all. The consoles are kept, whatever happens. With
/// `keep`, a machine stays at the end, with a shell on its console.
pub(crate) fn run(release: &str, arch: Option<Arch>, names: &[String], keep: bool) -> Result<()> {
    let system = System { release, arch: arch.map_or_else(Arch::host, Ok)? };
    let results = results(system, names, keep)?;
    step(&format!("scenarios on {system}"));
    print(&results);
    let failed = results.iter().filter(|result| !result.passed).count();
    ensure!(failed == 0, "{failed} of {} scenarios failed on {system}", results.len());
    Ok(())
}

/// Runs scenarios on every release, and says at the end what became of each.
pub(crate) fn run_on_all(arch: Option<Arch>, names: &[String]) -> Result<()> {
    let arch = arch.map_or_else(Arch::host, Ok)?;
    let names = if names.is_empty() { EVERYWHERE.map(str::to_owned).to_vec() } else { names.to_vec() };
    let all = RELEASES.map(|release| (release, results(System { release, arch }, &names, false)));
    let mut failed = Vec::new();
    for (release, results) in all {
        step(&format!("scenarios on {}", System { release, arch }));
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

fn results(system: System<'_>, names: &[String], keep: bool) -> Result<Vec<Outcome>> {
    let chosen = scenarios::choose(names)?;
    let hardware = Hardware::of(system.arch);
    setup::tools(setup::VM)?;
    setup::tools(hardware.tools)?;
    system.arch.prepare()?;
    let target = Target { arch: system.arch, libc: release::libc(system.release) };
    let image = image::find(system)?;
    let folder = root().join("target/vm").join(format!("{}-{}", system.release, system.arch.debian()));
    fs::create_dir_all(&folder)?;
    let mut results = Vec::new();
    for (name, scenarios) in &chosen {
        let listed: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
        step(&format!("a machine with {system}: {}", listed.join(", ")));
        let payload = payload::build(&folder.join(name), scenarios, target, keep)?;
        let console = machine::Console::of(&folder, name);
        let patience = scenarios.iter().map(|scenario| scenario.patience).sum();
        results
            .extend(machine::boot(&image, &hardware, &payload, &console, patience, keep)?.results(scenarios));
    }
    Ok(results)
}
