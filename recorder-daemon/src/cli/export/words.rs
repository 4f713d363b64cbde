//! The options' words, and which of them go together.

use std::str::FromStr;

use clap::ValueEnum;

use super::{Args, Error};
use crate::export;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A drop-in for systemd, with SystemCallFilter=
    Systemd,
    /// The whole unit file, as --unit-file has it, with the filter in place of its own
    Unit,
    /// A seccomp profile for Docker, Podman, containerd and every other OCI runtime
    Oci,
    /// A SeccompProfile of Kubernetes' security-profiles-operator
    Kubernetes,
    /// One name a line
    Names,
    /// The allowlist itself, as it is now
    Allowlist,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Stage {
    /// It is written to the system's log; nothing is denied
    Log,
    /// It fails with an error
    Errno,
    /// It ends the process
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ErrorName {
    /// "Operation not permitted", which most programs can live with
    #[value(name = "EPERM")]
    Eperm,
    /// "Permission denied"
    #[value(name = "EACCES")]
    Eacces,
    /// "Function not implemented", by which C libraries fall back to older calls
    #[value(name = "ENOSYS")]
    Enosys,
}

/// A share of a set, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(pub(super) u16);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a share is more than 0 and at most 1, such as 0.9";
        let share: f64 = text.parse().map_err(|_| WRONG)?;
        if !(share > 0.0 && share <= 1.0) {
            return Err(WRONG);
        }
        // Never below what was asked for.
        let thousandths = (share * f64::from(export::WHOLE)).ceil();
        (1..=export::WHOLE).find(|whole| f64::from(*whole) >= thousandths).map(Self).ok_or(WRONG)
    }
}

/// What becomes of a call that is not listed.
pub(super) fn stage(stage: Option<Stage>, error: Option<ErrorName>) -> export::Stage {
    match (stage, error) {
        (Some(Stage::Log), _) => export::Stage::Log,
        (Some(Stage::Errno), error) => export::Stage::Errno(error.unwrap_or(ErrorName::Eperm).into()),
        (None, Some(error)) => export::Stage::Errno(error.into()),
        (None | Some(Stage::Kill), _) => export::Stage::Kill,
    }
}

impl From<ErrorName> for export::ErrorName {
    fn from(error: ErrorName) -> Self {
        match error {
            ErrorName::Eperm => Self::Eperm,
            ErrorName::Eacces => Self::Eacces,
            ErrorName::Enosys => Self::Enosys,
        }
    }
}

/// Whether each option has a meaning beside the others.
pub(super) fn fit(args: &Args) -> Result<(), Error> {
    let format = args.format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let systemd = matches!(args.format, Format::Systemd | Format::Unit);
    let enforced = systemd || matches!(args.format, Format::Oci | Format::Kubernetes);
    let denies = |stage| matches!(stage, Some(Stage::Log | Stage::Kill));
    let wrong = if args.error_number.is_some() && denies(args.stage) {
        "--error-number is for --stage errno only: stage log denies nothing, and stage kill ends the process"
            .to_owned()
    } else if args.unit_file.is_some() && args.format != Format::Unit {
        "--unit-file is for --format unit only".to_owned()
    } else if args.sets && !systemd {
        format!(
            "--sets is for systemd's own formats only (systemd, unit): no other has those sets, {format} neither"
        )
    } else if (args.stage.is_some() || args.error_number.is_some()) && !enforced {
        format!("--format {format} only lists names: it has no --stage and no --error-number")
    } else if args.format == Format::Allowlist
        && (args.with_siblings || args.without_runtime || args.target.is_given())
    {
        "--format allowlist is what was recorded: it has no --with-siblings, no --without-runtime and no --target"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Usage(wrong))
}
