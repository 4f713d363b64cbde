use std::path::PathBuf;

use aya::{EbpfError, maps::MapError, programs::ProgramError};

use super::{
    memlock,
    probe::{OLDEST, RING_BUFFERS, version},
};

/// Why the kernel side cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel publishes no type information.
    #[error(
        "this kernel publishes no type information: {path} cannot be read ({reason}); \
         recording needs Linux 5.10 or later, built with CONFIG_DEBUG_INFO_BTF=y (Debian 11 has it)"
    )]
    NoBtf {
        /// The file that was tried.
        path: PathBuf,
        /// What reading it said.
        reason: String,
    },
    /// The kernel lacks what later ones have.
    #[error(
        "this is Linux {release}, {lack}; recording needs Linux {}.{} or later (Debian 11 has it)",
        OLDEST.0,
        OLDEST.1
    )]
    TooOld {
        /// As uname gives it.
        release: String,
        /// What it has not, and what has.
        lack: &'static str,
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
    /// The kernel counts maps as locked memory, of which the caller may have too little.
    #[error(
        "before Linux 5.11 what maps hold is locked memory, of which this process may have {bytes} bytes: start it as \
         root, or with LimitMEMLOCK=infinity or after `ulimit -l unlimited`"
    )]
    LockedMemory {
        /// How many.
        bytes: u64,
    },
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
    /// A folder for pins cannot be used.
    #[error("{}: nothing can be pinned there: {source}", path.display())]
    Pin {
        /// The folder, or the pin.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The kernel did not say when the programs that ran had ended.
    #[error("cannot wait for the calls that are being counted: {0}")]
    Grace(#[source] std::io::Error),
    /// Whoever owned the kernel's side is no more.
    #[error("the kernel's side is no longer attached; see the log for why")]
    Ended,
    /// A name or path that no map has a place for.
    #[error("a cgroup's path of {length} bytes is too long to be recorded; at most 499 are possible")]
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
    /// Whether it may be otherwise the next time: memory was short, a map or a pin could not be had. What the kernel
    /// cannot do, and what it does not allow, stays.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Load(error) => passes(error),
            Self::Program { source, .. } => passes(source),
            Self::Pin { .. } | Self::Grace(_) | Self::Ended | Self::Map { .. } | Self::Read { .. } => true,
            Self::NoBtf { .. }
            | Self::TooOld { .. }
            | Self::MissingField { .. }
            | Self::NotPermitted
            | Self::LockedMemory { .. }
            | Self::Missing { .. }
            | Self::NameTooLong { .. } => false,
        }
    }

    pub(super) fn load(error: EbpfError) -> Self {
        if refused(&error) {
            memlock::too_little().map_or(Self::NotPermitted, |bytes| Self::LockedMemory { bytes })
        } else {
            too_old().unwrap_or(Self::Load(error))
        }
    }

    pub(super) fn program(program: &'static str, source: ProgramError) -> Self {
        if let ProgramError::LoadError { verifier_log, .. } = &source {
            tracing::debug!(program, "the verifier's log:\n{verifier_log}");
        }
        if refused(&source) {
            Self::NotPermitted
        } else {
            too_old().unwrap_or(Self::Program { program, source })
        }
    }

    pub(super) fn map(map: &'static str) -> impl FnOnce(MapError) -> Self {
        move |source| Self::Map { map, source }
    }
}

/// Asked once something has failed: a distribution may have brought to its older kernel what is needed.
fn too_old() -> Option<Error> {
    is_too_old(&rustix::system::uname().release().to_string_lossy())
}

fn is_too_old(release: &str) -> Option<Error> {
    let version = version(release).filter(|version| *version < OLDEST)?;
    let lack = if version < RING_BUFFERS {
        "which has no BPF ring buffers (those came with 5.8)"
    } else {
        "on which it has never been shown to work"
    };
    Some(Error::TooOld { release: release.to_owned(), lack })
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
    short(&said)
}

/// Without all that the verifier has to say but its verdict, the last line that is no figure. It fills pages.
fn short(said: &str) -> String {
    let Some((head, log)) = said.split_once("Verifier output:") else { return said.to_owned() };
    let figures = ["verification time", "stack depth", "processed"];
    let figure = |line: &&str| line.is_empty() || figures.iter().any(|figure| line.starts_with(figure));
    match log.lines().map(str::trim).rev().find(|line| !figure(line)) {
        Some(verdict) => format!("{head}the verifier says: {verdict}; RUST_LOG=debug shows all of it"),
        None => head.trim_end().to_owned(),
    }
}

/// Whether the kernel had too little memory, or was busy or interrupted, however deep aya has put it.
fn passes(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{Interrupted, OutOfMemory, ResourceBusy, WouldBlock};
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<std::io::Error>())
        .any(|io| matches!(io.kind(), Interrupted | OutOfMemory | ResourceBusy | WouldBlock))
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

#[cfg(test)]
mod tests {
    use super::{is_too_old, short};

    #[test]
    fn a_kernel_below_the_floor_is_named_with_what_it_lacks() {
        let said = |release| is_too_old(release).unwrap().to_string();
        assert_eq!(
            said("5.4.0-150-generic"),
            "this is Linux 5.4.0-150-generic, which has no BPF ring buffers (those came with 5.8); recording needs \
             Linux 5.10 or later (Debian 11 has it)"
        );
        assert_eq!(
            said("5.9.16"),
            "this is Linux 5.9.16, on which it has never been shown to work; recording needs Linux 5.10 or later \
             (Debian 11 has it)"
        );
        for release in ["5.10.0-32-amd64", "5.10", "6.1.0-13-amd64", "10.0", "of our own"] {
            assert!(is_too_old(release).is_none(), "{release}");
        }
    }

    #[test]
    fn of_the_verifiers_log_the_verdict_is_said() {
        let log = "0: R1=ctx()\n84: (77) r1 >>= 6\nR1 pointer arithmetic with >>= operator prohibited\n\
                   verification time 24809 usec\nstack depth 40\nprocessed 74 insns (limit 1000000)\n";
        let said = short(&format!("the BPF_PROG_LOAD syscall returned EACCES. Verifier output: {log}"));
        let expected = "the BPF_PROG_LOAD syscall returned EACCES. the verifier says: R1 pointer arithmetic with >>= \
                        operator prohibited; RUST_LOG=debug shows all of it";
        assert_eq!(said, expected);
        assert_eq!(short("E. Verifier output: "), "E.");
        assert_eq!(short("anything else"), "anything else");
    }
}
