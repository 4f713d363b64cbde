//! The pictures for the documents, of a real recording.

mod terminal;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    chromium::Page,
    demo, setup,
    shell::{as_root, cargo, root, run, step},
};

/// What `watch` looked like, with the terminal's own words for colours.
const SCREEN: &str = "watch.screen";

/// Records a real nginx and takes the pictures, into docs/.
pub(crate) fn run_all() -> Result<()> {
    step("set-up");
    setup::ebpf()?;
    setup::tools(setup::DEMO)?;
    setup::tools(setup::BROWSER)?;
    setup::tools(setup::SCREENSHOTS)?;
    step("build");
    run(&mut cargo(&["build", "--package", "recorder-daemon"]))?;
    let folder = demo::scratch()?;
    run(as_root(std::env::current_exe()?).arg("record-nginx").arg(&folder))?;
    let docs = root().join("docs");
    fs::create_dir_all(&docs)?;
    step("pictures");
    report(&folder, &docs)?;
    watch(&folder, &docs)
}

/// What needs root.
pub(crate) fn record(folder: &Path) -> Result<()> {
    // So that the curve has a course.
    demo::record(&binary(), folder, Duration::from_secs(10))?;
    let other = folder.join("watched");
    fs::create_dir(&other)?;
    let screen = terminal::watch(&binary(), &other)?;
    fs::write(folder.join(SCREEN), screen)?;
    Ok(())
}

fn binary() -> PathBuf {
    root().join("target/debug/syscall-recorder")
}

fn report(folder: &Path, docs: &Path) -> Result<()> {
    let page = folder.join("report.html");
    run(Command::new(binary()).arg("report").arg(folder.join("nginx.service.toml")).arg("-o").arg(&page))?;
    picture(&page, (1280, 1100), &docs.join("report.png"))
}

fn watch(folder: &Path, docs: &Path) -> Result<()> {
    let screen = fs::read_to_string(folder.join(SCREEN))?;
    let page = folder.join("watch.html");
    fs::write(&page, terminal::page(&screen)?)?;
    picture(&page, (terminal::WIDTH, terminal::HEIGHT), &docs.join("watch.png"))
}

/// The upper part of a page, this wide and high.
fn picture(page: &Path, (width, height): (u32, u32), to: &Path) -> Result<()> {
    let profile = page.with_extension("profile");
    fs::create_dir(&profile)?;
    let mut browser = Page::new(&profile)?;
    browser.look(width, "light")?;
    browser.open(&format!("file://{}", page.display()))?;
    let png = browser.picture(Some(height))?;
    fs::write(to, &png).with_context(|| format!("cannot write {}", to.display()))?;
    println!("{}: {} KB", to.display(), png.len() / 1000);
    Ok(())
}
