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

use std::{fmt, fs, time::Instant};

use anyhow::{Result, ensure};

use self::{hardware::Hardware, release::RELEASES, scenarios::Outcome};
use crate::{
    package::{self, Format, program::Target},
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

/// Builds the packages, runs scenarios with them on every release, and says at the end what became of each.
pub(crate) fn run_on_all(arch: Option<Arch>, names: &[String]) -> Result<()> {
    let arch = arch.map_or_else(Arch::host, Ok)?;
    let names = if names.is_empty() { EVERYWHERE.map(str::to_owned).to_vec() } else { names.to_vec() };
    scenarios::choose(&names)?;
    package::run_all(&[Format::Deb, Format::Tar], Some(arch), false, false)?;
    let begun = Instant::now();
    let all = RELEASES.map(|release| (release, results(System { release, arch }, &names, false)));
    for (release, results) in &all {
        step(&format!("scenarios on {}", System { release, arch }));
        match results {
            Ok(results) => print(results),
            Err(error) => println!("{error:#}"),
        }
    }
    step("all of them");
    let all = all.map(|(release, results)| (release, results.unwrap_or_default()));
    println!("{}\nin {} s", table(&names, &all), begun.elapsed().as_secs());
    let whole =
        |results: &[Outcome]| results.len() == names.len() && results.iter().all(|result| result.passed);
    let failed: Vec<_> =
        all.iter().filter(|(_, results)| !whole(results)).map(|(release, _)| *release).collect();
    ensure!(failed.is_empty(), "failed on {}", failed.join(", "));
    Ok(())
}

/// Releases by scenarios, as a table that documents can take over.
fn table(names: &[String], all: &[(&str, Vec<Outcome>)]) -> String {
    let row = |first: &str, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    let mut table = row("release", names.to_vec()) + &format!("|---{}|\n", "|---".repeat(names.len()));
    for (release, results) in all {
        let cell = |name: &String| {
            let result = results.iter().find(|result| result.name == name.as_str());
            result.map_or_else(|| "not run".to_owned(), Outcome::brief)
        };
        table += &row(release, names.iter().map(cell).collect());
    }
    table
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_table_has_a_cell_for_each_scenario_of_each_release() {
        let names = ["boot", "many"].map(str::to_owned);
        let scenarios: Vec<_> =
            scenarios::choose(&names).unwrap().into_iter().flat_map(|(_, scenarios)| scenarios).collect();
        let mut verdicts = scenarios::Verdicts::default();
        verdicts.line("==== boot", Duration::from_secs(1));
        verdicts.line("==== passed boot", Duration::from_secs(36));
        let all = [("old", verdicts.results(&scenarios)), ("new", Vec::new())];
        let expected = "| release | boot | many |\n|---|---|---|\n\
                        | old | passed, 35 s | FAILED |\n| new | not run | not run |\n";
        assert_eq!(table(&names, &all), expected);
    }
}
