//! The commands, one file each. What they print goes to standard output, what went wrong to standard error
//! in one line.

mod error;
mod export;
mod files;
mod run;
mod show;
mod text;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::LazyLock,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{printable::printable, syscalls};
use error::Error;

#[derive(Parser)]
#[command(name = "syscall-recorder", version, long_version = LONG_VERSION.as_str(), about, long_about = None, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Show(show::Args),
    Export(export::Args),
}

const EXAMPLES: &str = "\
Examples:
  Record one run of a command, with all the processes that it starts:
    sudo syscall-recorder run -- nginx -g 'daemon off;'
  Look at what was seen:
    syscall-recorder show nginx.toml
  Make a drop-in for systemd of it:
    syscall-recorder export nginx.toml --format systemd

Exit status: 0 done, 2 wrong usage, 65 bad data, 66 no such file, 69 no kernel support, 70 a bug, \
73 cannot write, 77 no permission. run gives the command's own status, 127 where the command cannot be \
found and 126 where it cannot be run.";

/// The version, and whose names it knows.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let (kernel, systemd) = (syscalls::KERNEL_VERSION, syscalls::SYSTEMD_VERSION);
    format!("{}\nsystem calls of Linux {kernel}, sets of systemd {systemd}", env!("CARGO_PKG_VERSION"))
});

/// Does what the command line says. Gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    log_to_standard_error();
    let done = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Show(args) => show::show(&args).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::export(&args).map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(status) => status,
        // Whoever reads us has seen enough; `show … | head` is no error.
        Err(Error::Write { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(error.status())
        }
    }
}

/// Warnings, or what RUST_LOG asks for. What the kernel side has to say comes here too.
fn log_to_standard_error() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(colours).with_target(false).without_time().init();
}

/// One line on standard error. Names in it come from outside, so control bytes are spelled out.
fn complain(message: &str) {
    // Nobody is left to tell where this fails.
    let _ = writeln!(anstream::stderr(), "syscall-recorder: {}", printable(message));
}
