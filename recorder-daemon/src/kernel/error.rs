use std::path::PathBuf;

use aya::{EbpfError, maps::MapError, programs::ProgramError};

/// Why the kernel side cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel publishes no type information.
    #[error(
        "this kernel publishes no type information: {path} cannot be read ({reason}); \
         recording needs Linux 5.11 or later, built with CONFIG_DEBUG_INFO_BTF=y (Debian 12 has it)"
    )]
    NoBtf {
        /// The file that was tried.
        path: PathBuf,
        /// What reading it said.
        reason: String,
    },
    /// A field that the kernel program reads is not where this version knows to look.
    #[error(
        "this kernel's {structure} has no field {field}; this version of syscall-recorder does not know this \
         kernel's layout, please report it with the output of uname -a"
    )]
    MissingField {
        /// The struct.
        structure: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The caller has not the privileges.
    #[error(
        "the kernel refuses to load a BPF program: recording needs root, or CAP_BPF and CAP_PERFMON; run it with sudo"
    )]
    NotPermitted,
    /// The object or one of its maps was refused.
    #[error("cannot load the kernel program: {}", chain(.0))]
    Load(#[source] EbpfError),
    /// One program was refused.
    #[error("cannot load or attach the kernel program {program}: {}", chain(source))]
    Program {
        /// The hook.
        program: &'static str,
        /// What aya said.
        source: ProgramError,
    },
    /// The object lacks something that it must have; a bug.
    #[error("the kernel object has no {name}; this is a bug")]
    Missing {
        /// The map or program.
        name: &'static str,
    },
    /// Whoever owned the kernel's side is no more.
    #[error("the kernel's side is no longer attached; see the log for why")]
    Ended,
    /// A name or path that no map has a place for.
    #[error("a cgroup's path of {length} bytes is too long to be recorded; at most 511 are possible")]
    NameTooLong {
        /// In bytes.
        length: usize,
    },
    /// A map cannot be read or written.
    #[error("cannot use the kernel map {map}: {}", chain(source))]
    Map {
        /// The map.
        map: &'static str,
        /// What aya said.
        source: MapError,
    },
    /// The count of processors, or the statistics of a program, cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    pub(super) fn load(error: EbpfError) -> Self {
        if refused(&error) { Self::NotPermitted } else { Self::Load(error) }
    }

    pub(super) fn program(program: &'static str, source: ProgramError) -> Self {
        if refused(&source) { Self::NotPermitted } else { Self::Program { program, source } }
    }

    pub(super) fn map(map: &'static str) -> impl FnOnce(MapError) -> Self {
        move |source| Self::Map { map, source }
    }
}

/// An error with all that it came of; aya's own say what was tried, and their sources why it failed. One that
/// is said already is not said again.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        next = error.source();
    }
    said
}

/// Whether the kernel said EPERM or EACCES, however deep aya has put it. The verifier says EACCES too, but
/// only to a program that it found at fault, with a log; that is told apart by the log.
fn refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(ProgramError::LoadError { verifier_log, .. }) = error.downcast_ref()
            && !verifier_log.to_string().trim().is_empty()
        {
            return false;
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::PermissionDenied;
        }
        next = error.source();
    }
    false
}
