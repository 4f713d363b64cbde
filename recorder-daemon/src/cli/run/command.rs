//! The command: found before anything else is done, and started inside the cgroup.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use rustix::fs::{Access, access};

use super::signals::Inherited;
use crate::cli::error::Error;

/// A command that is there and can be run.
pub(super) struct Program {
    path: PathBuf,
    words: Vec<OsString>,
}

impl Program {
    /// Looks the command up as a shell does. `words` is the command and its arguments, at least one.
    pub(super) fn find(words: &[OsString]) -> Result<Self, Error> {
        let word = words.first().cloned().unwrap_or_default();
        let named = Path::new(&word);
        let not_found = || Error::CommandNotFound { command: word.to_string_lossy().into_owned() };
        let candidates: Vec<PathBuf> = if named.components().count() > 1 || named.is_absolute() {
            vec![named.to_owned()]
        } else {
            let path = env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
            // An empty entry is the current directory. With no slash in it, execvp would search PATH again, and
            // each of its attempts be recorded.
            let here = |folder: PathBuf| if folder.as_os_str().is_empty() { ".".into() } else { folder };
            env::split_paths(&path).map(|folder| here(folder).join(named)).collect()
        };
        if word.is_empty() {
            return Err(not_found());
        }
        let there: Vec<_> = candidates.into_iter().filter(|path| path.is_file() || path.is_dir()).collect();
        let path = there.iter().find(|path| path.is_file() && access(*path, Access::EXEC_OK).is_ok());
        match (path, there.first()) {
            (Some(path), _) => Ok(Self { path: path.clone(), words: words.to_vec() }),
            (None, None) => Err(not_found()),
            (None, Some(path)) => {
                let reason =
                    if path.is_dir() { "it is a directory" } else { "it is not executable; chmod +x it" };
                Err(Error::CommandNotRunnable {
                    command: path.display().to_string(),
                    reason: reason.to_owned(),
                })
            }
        }
    }

    /// What it is called without its folder.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Starts it. The child enters the cgroup by its own hand, by the last thing that it does before
    /// execve: the write that moves it is still made outside, so execve is the first call made inside.
    pub(super) fn start(&self, entrance: File, inherited: Inherited) -> Result<Child, Error> {
        let mut command = Command::new(&self.path);
        command.arg0(self.words.first().unwrap_or(&OsString::new())).args(self.words.iter().skip(1));
        // SAFETY: between fork and execve only async-signal-safe calls are allowed; write(2), signal(2) and
        // sigprocmask(2) are, and nothing here allocates or takes a lock.
        unsafe {
            command.pre_exec(move || {
                inherited.restore();
                rustix::io::write(&entrance, b"0").map(|_| ()).map_err(io::Error::from)
            });
        }
        command.spawn().map_err(|error| {
            let command = self.path.display().to_string();
            match error.kind() {
                // It was there a moment ago: what is missing is the interpreter that it names.
                io::ErrorKind::NotFound => Error::CommandNotRunnable {
                    command,
                    reason: "the interpreter in its first line, or its dynamic loader, is not there"
                        .to_owned(),
                },
                _ => Error::CommandNotRunnable { command, reason: error.to_string() },
            }
        })
    }
}
