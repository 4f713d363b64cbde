use std::{io, path::PathBuf};

use crate::{
    allowlist,
    control::{self, wire::Refusal},
    daemon, export, host, kernel, syscalls, units,
};

/// Why a command could not do what it was asked. Each reads as one line: what failed, on what, why, and
/// what to do next.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Kernel(#[from] kernel::Error),
    #[error("{source}{}", if source.is_permission() { "; recording needs root, run it with sudo" } else { "" })]
    Units {
        #[from]
        source: units::Error,
    },
    #[error("{0}")]
    Host(#[from] host::Error),
    #[error("{0}")]
    Config(#[from] daemon::ConfigError),
    #[error("{0}")]
    Daemon(#[from] daemon::Error),
    #[error("{0}")]
    Control(#[from] control::Error),
    #[error("{unit}: {reason}, and there is no {} of an earlier recording; record it with `syscall-recorder start`, or give the path of an allowlist file", path.display())]
    NothingRecorded { unit: String, reason: String, path: PathBuf },
    #[error("{command}: no such command; give its path, or put its folder on PATH")]
    CommandNotFound { command: String },
    #[error("{command}: cannot be run: {reason}")]
    CommandNotRunnable { command: String, reason: String },
    #[error("{}: already exists; write elsewhere with -o FILE, or overwrite it with --force", path.display())]
    Exists { path: PathBuf },
    #[error("{}: cannot be written: {source}; write elsewhere with -o FILE", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{error}; the allowlist is in {}", spare.display())]
    WrittenElsewhere { error: Box<Error>, spare: PathBuf },
    #[error("{}: no such file; give the path of an allowlist file, as `syscall-recorder run` writes one", path.display())]
    NoSuchFile { path: PathBuf },
    #[error("{}: cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: no allowlist: {source}", path.display())]
    BadFile { path: PathBuf, source: allowlist::Error },
    #[error("{}: larger than {largest} MiB, which no allowlist is", path.display())]
    TooLarge { path: PathBuf, largest: u64 },
    #[error("{}: {source} ({}){}", path.display(), first.display(), if matches!(source, allowlist::MergeError::OtherUnit { .. }) { "; merge them under one name with --as NAME" } else { "" })]
    Merge { path: PathBuf, first: PathBuf, source: allowlist::MergeError },
    #[error("{}: no allowlist is in this folder, which would be a file that ends in .toml", path.display())]
    EmptyFolder { path: PathBuf },
    #[error("no file was named, so there is nothing to merge")]
    NothingToMerge,
    #[error("{}: no list of systemd's sets: {source}", path.display())]
    BadSets { path: PathBuf, source: syscalls::ListingError },
    #[error("{}: {source}", path.display())]
    Export { path: PathBuf, source: export::Refusal },
    #[error("{0}; see `syscall-recorder export --help`")]
    Usage(String),
    #[error("{}: no such file; give the path of a unit file or of a drop-in", path.display())]
    NoUnitFile { path: PathBuf },
    #[error("{}: no unit file: {reason}", path.display())]
    BadUnitFile { path: PathBuf, reason: String },
    #[error(
        "{unit}: has no unit file; see systemctl status {unit}, or give the files with --unit-file and --drop-in"
    )]
    NoFiles { unit: String },
    #[error("{0}")]
    BadUnit(#[from] units::NameError),
    #[error("the signals cannot be caught: {source}")]
    Signals { source: io::Error },
    #[error(
        "the terminal cannot be used: {source}; have the output go to a pipe: `syscall-recorder watch | cat`"
    )]
    Terminal { source: io::Error },
    #[error("waiting for {command} failed: {source}")]
    Wait { command: String, source: io::Error },
}

impl Error {
    /// The exit status, as sysexits.h has it; 127 and 126 are the shell's.
    pub(super) fn status(&self) -> u8 {
        match self {
            Self::Kernel(error) => of_kernel(error),
            Self::Units { source } => of_units(source),
            Self::Config(_) => 78,
            Self::Daemon(error) => match error {
                daemon::Error::Kernel(error) => of_kernel(error),
                daemon::Error::Units(error) => of_units(error),
                daemon::Error::Store(_)
                | daemon::Error::Socket { .. }
                | daemon::Error::Unwritten
                | daemon::Error::Deadline => 73,
                daemon::Error::Running { .. } => 69,
                daemon::Error::Host(_) | daemon::Error::Runtime { .. } => 70,
            },
            Self::Control(error) => match error {
                control::Error::Refused(refusal) => refused(refusal),
                control::Error::NotPermitted { .. } => 77,
                control::Error::NotRunning { .. }
                | control::Error::Connection { .. }
                | control::Error::Answer { .. } => 69,
            },
            Self::CommandNotFound { .. } => 127,
            Self::CommandNotRunnable { .. } => 126,
            Self::Exists { .. } | Self::Write { .. } | Self::WrittenElsewhere { .. } => 73,
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => 77,
            Self::NoSuchFile { .. }
            | Self::NoUnitFile { .. }
            | Self::NoFiles { .. }
            | Self::EmptyFolder { .. }
            | Self::NothingRecorded { .. }
            | Self::Read { .. } => 66,
            Self::Usage(_)
            | Self::BadUnit(_)
            | Self::NothingToMerge
            | Self::Export { source: export::Refusal::NoWord(_), .. } => 2,
            Self::TooLarge { .. }
            | Self::Merge { .. }
            | Self::BadFile { .. }
            | Self::BadUnitFile { .. }
            | Self::BadSets { .. }
            | Self::Export { .. } => 65,
            Self::Host(_) | Self::Terminal { .. } | Self::Signals { .. } | Self::Wait { .. } => 70,
        }
    }
}

fn of_kernel(error: &kernel::Error) -> u8 {
    match error {
        kernel::Error::NotPermitted | kernel::Error::LockedMemory { .. } => 77,
        kernel::Error::Missing { .. } => 70,
        // The daemon's unit tries it again.
        error if error.may_pass() => 71,
        _ => 69,
    }
}

fn of_units(error: &units::Error) -> u8 {
    if error.is_permission() { 77 } else { 69 }
}

/// The exit status for each word of the daemon's.
fn refused(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::BadRequest { .. } => 2,
        Refusal::NoSuchUnit { .. } | Refusal::NotRecorded { .. } => 66,
        Refusal::Failed { .. } => 70,
        Refusal::Busy => 75,
        Refusal::NotPermitted { .. } => 77,
    }
}
