//! A terminal with a person at it, by tmux: what is typed, what is seen, in a window of any size.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use super::{Bench, eventually};

/// A tmux server with one window, in which a shell runs. Dropped, both are gone.
pub(crate) struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// Opens the window.
    pub(crate) fn open(bench: &Bench, (width, height): (u16, u16)) -> Self {
        let tmux = Self { socket: bench.path("tmux") };
        let mut command = bench.command("tmux");
        command.arg("-S").arg(&tmux.socket).args(["-f", "/dev/null", "new-session", "-d"]);
        command.args(["-x", &width.to_string(), "-y", &height.to_string()]);
        // A prompt that no program writes.
        command.args(["env", "LC_ALL=C.UTF-8", "PS1=% ", "sh"]).env("LC_ALL", "C.UTF-8");
        assert!(command.status().unwrap().success());
        tmux.shows("%");
        tmux
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let output = Command::new("tmux").arg("-S").arg(&self.socket).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Types a line into the shell.
    pub(crate) fn line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.key("Enter");
    }

    /// Types one key, as tmux names it.
    pub(crate) fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    pub(crate) fn resize(&self, (width, height): (u16, u16)) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8(self.tmux(&["capture-pane", "-p"]).stdout).unwrap()
    }

    /// What tmux says of its window.
    pub(crate) fn says(&self, format: &str) -> String {
        let said = self.tmux(&["display-message", "-p", format]).stdout;
        String::from_utf8(said).unwrap().trim().to_owned()
    }

    /// Waits until a text is on the screen. Gives the screen.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as it should be. Gives the screen.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        eventually(what, || Some(self.screen()).filter(|screen| is(screen)))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").status();
    }
}
