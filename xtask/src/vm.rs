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

use crate::{
    setup,
    shell::{root, step},
};

/// Runs scenarios on a Debian release: those named, or all. The consoles are kept, whatever happens. With
/// `keep`, a machine stays at the end, with a shell on its console.
pub(crate) fn run(release: &str, names: &[String], keep: bool) -> Result<()> {
    let chosen = scenarios::choose(names)?;
    setup::tools(setup::VM)?;
    let image = image::find(release)?;
    let folder = root().join("target/vm").join(release);
    fs::create_dir_all(&folder)?;
    let mut results = Vec::new();
    for (name, scenarios) in &chosen {
        let listed: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
        step(&format!("a machine with Debian {release}: {}", listed.join(", ")));
        let payload = payload::build(&folder.join(name), scenarios, keep)?;
        let console = machine::Console::of(&folder, name);
        let patience = scenarios.iter().map(|scenario| scenario.patience).sum();
        results.extend(machine::boot(&image, &payload, &console, patience, keep)?.results(scenarios));
    }
    step(&format!("scenarios on Debian {release}"));
    for result in &results {
        println!("{result}");
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    ensure!(failed == 0, "{failed} of {} scenarios failed on {release}", results.len());
    Ok(())
}
