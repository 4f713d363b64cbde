//! The `syscall-recorder` command.

use std::process::ExitCode;

/// What sysexits.h calls an internal software error.
const BUG: u8 = 70;

fn main() -> ExitCode {
    // The panic has said where; the status must not be one that the recorded command could have.
    std::panic::catch_unwind(recorder_daemon::cli::main).unwrap_or(ExitCode::from(BUG))
}
