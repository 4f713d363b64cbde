//! The `syscall-recorder` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    recorder_daemon::cli::main()
}
