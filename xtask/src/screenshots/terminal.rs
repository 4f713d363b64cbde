//! `watch` on a terminal: tmux draws it, and what it has drawn becomes a page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    demo::{cgroup_mount, inside},
    nginx::{Nginx, wait_for},
    shell::{output, run},
};

/// Of the page, in pixels.
pub(super) const WIDTH: u32 = 960;
/// Of the page, in pixels.
pub(super) const HEIGHT: u32 = 530;

/// Of the terminal, in characters.
const COLUMNS: &str = "104";
/// Of the terminal.
const LINES: &str = "26";

/// Watches a real nginx that is recorded, as root, and gives what the terminal shows.
pub(super) fn watch(binary: &Path, folder: &Path) -> Result<String> {
    let stage = Stage::new(binary, folder)?;
    let nginx = Nginx::prepare(folder)?;
    let tmux = Tmux(format!("syscall-recorder-{}", std::process::id()));
    let watch = format!("{} watch --socket {}", binary.display(), stage.socket().display());
    run(&mut tmux.command(&["new-session", "-d", "-x", COLUMNS, "-y", LINES, &watch]))?;
    run(&mut inside(&stage.cgroup, &nginx.command(&[]))?)?;
    nginx.wait()?;
    for words in [&["-t", "-q"][..], &["-s", "reload"], &["-s", "reopen"]] {
        nginx.request()?;
        sleep(Duration::from_secs(4));
        run(&mut inside(&stage.cgroup, &nginx.command(words))?)?;
        nginx.wait()?;
    }
    nginx.request()?;
    sleep(Duration::from_secs(3));
    output(&mut tmux.command(&["capture-pane", "-e", "-p"]))
}

/// The page that shows it.
pub(super) fn page(screen: &str) -> Result<String> {
    let body =
        ansi_to_html::convert(screen.trim_end()).context("the terminal's words for colours are none")?;
    Ok(format!(
        "<!doctype html><meta charset=utf-8><style>body {{ margin: 0; padding: 18px 22px; background: #101418; }} \
         pre {{ margin: 0; color: #d8dee4; font: 14px/1.35 'DejaVu Sans Mono', monospace; }}</style><pre>{body}</pre>"
    ))
}

/// A daemon of its own, and the cgroup of a service that it records.
struct Stage {
    daemon: Child,
    folder: PathBuf,
    cgroup: PathBuf,
}

impl Stage {
    fn new(binary: &Path, folder: &Path) -> Result<Self> {
        let slice = cgroup_mount()?.join(format!("screenshots{}.slice", std::process::id()));
        let cgroup = slice.join("nginx.service");
        fs::create_dir_all(&cgroup)?;
        let config = folder.join("config.toml");
        let place = folder.display();
        let keys = ["state", "runtime", "pin"].map(|name| format!("{name}_directory = \"{place}/{name}\"\n"));
        fs::write(&config, keys.concat())?;
        let daemon = Command::new(binary).args(["daemon", "--config"]).arg(&config).spawn()?;
        let stage = Self { daemon, folder: folder.to_owned(), cgroup };
        wait_for("the daemon", || stage.socket().exists().then_some(()))?;
        run(Command::new(binary).args(["start", "nginx", "--socket"]).arg(stage.socket()))?;
        // Made anew, as at each start, so that this one is seen.
        fs::remove_dir(&stage.cgroup)?;
        fs::create_dir(&stage.cgroup)?;
        Ok(stage)
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("runtime/control.socket")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::write(self.cgroup.join("cgroup.kill"), "1");
        let gone = || fs::remove_dir(&self.cgroup).ok();
        let _ = wait_for("an empty cgroup", gone);
        let _ = self.cgroup.parent().map(fs::remove_dir);
        let _ = Command::new("kill").arg(self.daemon.id().to_string()).status();
        let _ = self.daemon.wait();
    }
}

/// A server of tmux's of its own.
struct Tmux(String);

impl Tmux {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.0, "-f", "/dev/null"]).args(words).env("TERM", "xterm-256color");
        command
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).status();
    }
}
