//! The commands, one file each. What they print goes to standard output, what went wrong to standard error
//! in one line.

mod check;
mod daemon;
mod diff;
mod doctor;
mod error;
mod export;
mod files;
mod host;
mod log;
mod manuals;
mod merge;
mod metrics;
mod present;
mod report;
mod run;
mod show;
mod snapshot;
mod start;
mod status;
mod stop;
mod table;
mod target;
mod watch;

use std::{io::Write, process::ExitCode, sync::LazyLock};

use clap::{Parser, Subcommand};

use crate::{printable::printable, syscalls, text};
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
    Watch(watch::Args),
    Metrics(metrics::Args),
    Snapshot(snapshot::Args),
    Show(show::Args),
    Diff(diff::Args),
    Merge(merge::Args),
    Report(report::Args),
    Export(export::Args),
    Doctor(doctor::Args),
    Manuals(manuals::Args),
    Check(check::Args),
}

const EXAMPLES: &str = "\
Examples:
  Record one run of a command, with all the processes that it starts:
    sudo syscall-recorder run -- nginx -g 'daemon off;'
  Have the daemon record a service, over all its restarts:
    sudo syscall-recorder start nginx
    syscall-recorder status
    syscall-recorder watch nginx
    sudo syscall-recorder stop nginx
  Look at what was seen, of a service or in a file:
    syscall-recorder show nginx
    syscall-recorder show ./nginx.toml
  Make a drop-in for systemd of it:
    syscall-recorder export nginx --format systemd
  See whether the filter that a unit has fits what was seen:
    syscall-recorder check nginx

Exit status: 0 done, 1 diff has found a difference, or check something, 2 wrong usage, 65 bad data, 66 no such unit or file, 69 no daemon or no kernel \
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
        Command::Doctor(args) => return ended(doctor::doctor(&args, &host)),
        Command::Check(args) => return ended(check::check(&args, &host)),
        Command::Daemon(args) => daemon::daemon(&args),
        Command::Start(args) => start::start(&args, &host),
        Command::Stop(args) => stop::stop(&args, &host),
        Command::Status(args) => status::status(&args, &host),
        Command::Metrics(args) => metrics::metrics(&args, &host),
        Command::Manuals(args) => manuals::manuals(&args),
        Command::Watch(args) => return ended(watch::watch(&args, &host)),
        Command::Snapshot(args) => snapshot::snapshot(&args, &host),
        Command::Show(args) => show::show(&args, &host),
        Command::Diff(args) => return ended(diff::diff(&args, &host)),
        Command::Merge(args) => merge::merge(&args),
        Command::Report(args) => report::report(&args, &host),
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

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    /// The lines of a help text that begin with us, as words.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let joined = help.replace("\\\n", " ");
        let ours = joined.lines().filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("sudo ").unwrap_or(line);
            line.starts_with("syscall-recorder ")
                .then(|| line.split(['|', '>', '&', '#']).next().unwrap_or(line))
        });
        let words = |line: &str| line.split_whitespace().map(|word| word.replace(['\'', '"'], "")).collect();
        ours.map(words).collect()
    }

    #[test]
    fn every_command_and_option_is_explained_and_every_example_is_right() {
        let root = Cli::command();
        let commands: Vec<&Command> = std::iter::once(&root).chain(root.get_subcommands()).collect();
        assert!(commands.len() > 8);
        for command in commands {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} says nothing of itself");
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n"), "{name} has no examples");
            let examples = examples(&help);
            assert!(!examples.is_empty() || name == "daemon", "{name}: no example is of it");
            for words in examples {
                let parsed = Cli::try_parse_from(&words);
                assert!(
                    parsed.is_ok(),
                    "{name}: {words:?}: {}",
                    parsed.err().map(|error| error.to_string()).unwrap_or_default()
                );
            }
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {} is not explained", argument.get_id());
            }
        }
    }
}
