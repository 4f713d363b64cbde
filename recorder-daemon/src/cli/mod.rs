//! The commands, one file each. What they print goes to standard output, what went wrong to standard error
//! in one line.

mod daemon;
mod error;
mod export;
mod files;
mod host;
mod log;
mod run;
mod show;
mod snapshot;
mod start;
mod status;
mod stop;
mod text;

use std::{io::Write, process::ExitCode, sync::LazyLock};

use clap::{Parser, Subcommand};

use crate::{printable::printable, syscalls};
use error::Error;
use host::Host;

#[derive(Parser)]
#[command(name = "syscall-recorder", version, long_version = LONG_VERSION.as_str(), about, long_about = None, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    host: Host,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Daemon(daemon::Args),
    Start(start::Args),
    Stop(stop::Args),
    Status(status::Args),
    Snapshot(snapshot::Args),
    Show(show::Args),
    Export(export::Args),
}

const EXAMPLES: &str = "\
Examples:
  Record one run of a command, with all the processes that it starts:
    sudo syscall-recorder run -- nginx -g 'daemon off;'
  Have the daemon record a service, over all its restarts:
    sudo syscall-recorder start nginx
    syscall-recorder status
    sudo syscall-recorder stop nginx
  Look at what was seen, of a service or in a file:
    syscall-recorder show nginx
    syscall-recorder show ./nginx.toml
  Make a drop-in for systemd of it:
    syscall-recorder export nginx --format systemd

Exit status: 0 done, 2 wrong usage, 65 bad data, 66 no such unit or file, 69 no daemon or no kernel \
support, 70 a bug, 73 cannot write, 75 the daemon is busy, 77 no permission, 78 bad \
configuration. run gives the command's own status, 127 where the command cannot be found and 126 where it \
cannot be run.";

/// The version, and whose names it knows.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let (kernel, systemd) = (syscalls::KERNEL_VERSION, syscalls::SYSTEMD_VERSION);
    format!("{}\nsystem calls of Linux {kernel}, sets of systemd {systemd}", env!("CARGO_PKG_VERSION"))
});

/// Does what the command line says. Gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { command, host } = Cli::parse();
    match command {
        Command::Daemon(_) => log::of_the_daemon(),
        _ => log::of_a_command(),
    }
    let done = match command {
        Command::Run(args) => return ended(run::run(&args)),
        Command::Daemon(args) => daemon::daemon(&args),
        Command::Start(args) => start::start(&args, &host),
        Command::Stop(args) => stop::stop(&args, &host),
        Command::Status(args) => status::status(&args, &host),
        Command::Snapshot(args) => snapshot::snapshot(&args, &host),
        Command::Show(args) => show::show(&args, &host),
        Command::Export(args) => export::export(&args, &host),
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

/// The exit status, and the one line where something went wrong.
fn ended(done: Result<ExitCode, Error>) -> ExitCode {
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

/// One line on standard error. Names in it come from outside, so control bytes are spelled out.
fn complain(message: &str) {
    // Nobody is left to tell where this fails.
    let _ = writeln!(anstream::stderr(), "syscall-recorder: {}", printable(message));
}
