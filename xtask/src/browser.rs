//! What looks at the report beside Chromium: axe-core and the W3C's validator, which come from npm.

use std::{fs, process::Command};

use anyhow::Result;

use crate::{
    setup,
    shell::{root, run, step},
};

/// Installs them into target/browser, where the tests look for them.
pub(crate) fn install() -> Result<()> {
    setup::tools(setup::BROWSER)?;
    let (wanted, folder) = (root().join("recorder-daemon/tests/browser"), root().join("target/browser"));
    let lock = fs::read(wanted.join("package-lock.json"))?;
    let there = fs::read(folder.join("package-lock.json")).is_ok_and(|there| there == lock);
    if !there || !folder.join("node_modules").exists() {
        step("installing axe-core and vnu, for this project alone");
        fs::create_dir_all(&folder)?;
        fs::copy(wanted.join("package.json"), folder.join("package.json"))?;
        fs::write(folder.join("package-lock.json"), &lock)?;
        // Neither needs a script of its own to run.
        let mut npm = Command::new("npm");
        let done = run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder));
        if done.is_err() {
            let _ = fs::remove_file(folder.join("package-lock.json"));
        }
        done?;
    }
    println!("found: axe-core, vnu");
    Ok(())
}
