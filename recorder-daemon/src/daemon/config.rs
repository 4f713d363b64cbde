//! `/etc/syscall-recorder/config.toml`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::units::Request;

/// Where it is looked for where no other place is named.
pub const DEFAULT_PATH: &str = "/etc/syscall-recorder/config.toml";

/// What an administrator sets. Every key has a default, and an unknown one is an error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is recorded as long as the daemon runs.
    pub units: Vec<String>,
    /// The group whose members may start and stop recordings.
    pub group: String,
    /// Where recordings and allowlists are kept.
    pub state_directory: PathBuf,
    /// Where the control socket is, and what is to be known after a restart but not after a boot.
    pub runtime_directory: PathBuf,
    /// A folder of a bpffs, in which the kernel side outlives the daemon.
    pub pin_directory: PathBuf,
    /// Whether the kernel side counts on when the daemon is stopped, and not only when it is restarted or dies.
    pub keep_recording: bool,
    /// What all recordings and allowlists together may take on disk.
    pub max_state_mib: u64,
    /// How often counts that have grown are written to disk. A call that is new is written within a second.
    pub flush_seconds: u64,
    /// Where metrics are written for node_exporter; empty for nowhere.
    pub metrics_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            units: Vec::new(),
            group: "syscall-recorder".to_owned(),
            state_directory: "/var/lib/syscall-recorder".into(),
            runtime_directory: "/run/syscall-recorder".into(),
            pin_directory: "/run/syscall-recorder/pins".into(),
            keep_recording: false,
            max_state_mib: 1024,
            flush_seconds: 60,
            metrics_file: PathBuf::new(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not there, or not readable.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Not TOML, or not with these keys.
    #[error("{}: line {line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A value that makes no sense.
    #[error("{}: {key}: {reason}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Config {
    /// Reads the file. Without one at the default place, the defaults hold; one that was named must be there.
    pub fn load(path: Option<&Path>) -> Result<Self, Error> {
        let file = path.unwrap_or(Path::new(DEFAULT_PATH));
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(file, &text),
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Read { path: file.to_owned(), source }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let config: Self = toml::from_str(text).map_err(|error| Error::Syntax {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count()),
            reason: error.message().replace('\n', " "),
        })?;
        let value = |key, reason: String| Error::Value { path: path.to_owned(), key, reason };
        for unit in &config.units {
            unit.parse::<Request>().map_err(|error| value("units", error.to_string()))?;
        }
        if !(1..=86_400).contains(&config.flush_seconds) {
            let reason = format!("{} is not from 1 to 86400", config.flush_seconds);
            return Err(value("flush_seconds", reason));
        }
        if !(1..=1 << 20).contains(&config.max_state_mib) {
            let reason = format!("{} is not from 1 to {}", config.max_state_mib, 1 << 20);
            return Err(value("max_state_mib", reason));
        }
        let folders = [
            ("state_directory", &config.state_directory),
            ("runtime_directory", &config.runtime_directory),
            ("pin_directory", &config.pin_directory),
        ];
        for (key, folder) in folders {
            if !folder.is_absolute() {
                return Err(value(key, format!("{} is no absolute path", folder.display())));
            }
        }
        let metrics = &config.metrics_file;
        let read = metrics.is_absolute() && metrics.extension().is_some_and(|end| end == "prom");
        if !metrics.as_os_str().is_empty() && !read {
            let path = metrics.display();
            return Err(value("metrics_file", format!("{path} is no absolute path that ends in .prom")));
        }
        Ok(config)
    }

    /// What is recorded as long as the daemon runs. The texts have been checked.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.units.iter().filter_map(|unit| unit.parse().ok()).collect()
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime_directory.join("control.socket")
    }

    /// The requests that are to be known after a restart of the daemon, but not after a boot.
    #[must_use]
    pub fn requests_file(&self) -> PathBuf {
        self.runtime_directory.join("requests.json")
    }

    /// Between two writes of counts.
    #[must_use]
    pub fn flush(&self) -> Duration {
        Duration::from_secs(self.flush_seconds)
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        Config::parse(Path::new("config.toml"), text)
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    /// What the package installs says every key with its default.
    #[test]
    fn the_installed_file_shows_the_defaults() {
        let installed = include_str!("../../../deploy/config.toml");
        assert_eq!(parse(installed).unwrap(), Config::default());
        let keys: Vec<_> =
            installed.lines().filter(|line| line.starts_with('#') && line.contains(" = ")).collect();
        assert_eq!(keys.len(), 9, "{keys:?}");
        let shown = keys.iter().map(|line| &line[1..]).collect::<Vec<_>>().join("\n");
        assert_eq!(parse(&shown).unwrap(), Config::default());
    }

    #[test]
    fn every_fault_is_one_line_that_names_its_place() {
        let faults = [
            ("a = 1", "config.toml: line 1: unknown field `a`"),
            ("\nunits = 3", "config.toml: line 2: "),
            ("units = [\"../x\"]", "config.toml: units: "),
            ("flush_seconds = 0", "config.toml: flush_seconds: 0 is not from 1 to 86400"),
            ("max_state_mib = 0", "config.toml: max_state_mib: 0 is not from 1 to 1048576"),
            (
                "metrics_file = \"/run/metrics.txt\"",
                "config.toml: metrics_file: /run/metrics.txt is no absolute path that ends in .prom",
            ),
            ("metrics_file = \"a.prom\"", "config.toml: metrics_file: a.prom is no absolute path"),
            ("state_directory = \"here\"", "config.toml: state_directory: here is no absolute path"),
        ];
        for (text, expected) in faults {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }

    #[test]
    fn only_a_file_that_was_named_must_be_there() {
        assert!(matches!(Config::load(Some(Path::new("/nonexistent"))), Err(Error::Read { .. })));
    }
}
