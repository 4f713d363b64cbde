//! `cargo xtask`: what the project's people run.

mod bench;
mod browser;
mod chromium;
mod demo;
mod fuzz;
mod nginx;
mod package;
#[cfg(test)]
mod promises;
mod screenshots;
mod setup;
mod shell;
mod tables;
mod target;
mod test;
mod toolchain;
mod vm;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::target::Arch;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, demo, tests and generated files")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need; says what it finds
    Setup {
        /// Also what building for another architecture needs
        #[arg(long)]
        arch: Option<Arch>,
    },
    /// Record a real nginx under real requests and show what comes of it
    Demo,
    /// The part of the demo that needs root
    #[command(hide = true)]
    DemoJob,
    /// The part of the screenshots that needs root
    #[command(hide = true)]
    RecordNginx { folder: PathBuf },
    /// Take the pictures for the documents anew
    Screenshots,
    /// All tests: format, lints, plain tests, fuzzing, kernel tests, instructions, browser, demo, package, machine
    Test,
    /// Run scenarios in emulated Debian machines, under their own kernel and systemd
    Vm {
        /// The Debian release
        #[arg(default_value = "bookworm")]
        release: String,
        /// On every release, one after the other; without names, what matters most on each
        #[arg(long, conflicts_with_all = ["release", "keep"])]
        all: bool,
        /// Of this architecture instead of this machine's
        #[arg(long)]
        arch: Option<Arch>,
        /// Only this scenario; can be given several times
        #[arg(long = "scenario", value_name = "NAME")]
        scenarios: Vec<String>,
        /// Leave each machine running at its end, with a shell on its console
        #[arg(long)]
        keep: bool,
    },
    /// Look for inputs that break a parser, by libFuzzer
    Fuzz {
        /// For each target
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Only these targets
        names: Vec<String>,
    },
    /// Measure what recording costs, beside everything else that counts calls; needs root
    Bench {
        /// Only what one call costs, not recorded and recorded: half a minute
        #[arg(long, conflicts_with = "names")]
        short: bool,
        /// For machines
        #[arg(long)]
        json: bool,
        /// Turns of each contestant
        #[arg(long, default_value_t = 15)]
        rounds: usize,
        /// Keep the figures and write them into docs/performance.md and README.md
        #[arg(long, conflicts_with_all = ["short", "names"])]
        write: bool,
        /// Measure nothing: write the documents anew from the figures that are kept
        #[arg(long, exclusive = true)]
        document: bool,
        /// Only count instructions, and fail where there are more than before; needs no root
        #[arg(long, exclusive = true)]
        instructions: bool,
        /// Only these: calls, threads, dd, forks, nginx, redis, daemon, merge
        names: Vec<String>,
    },
    /// Build packages, into target/packages
    Package {
        /// Of which format; can be given several times
        #[arg(long = "format", value_enum, value_name = "FORMAT", default_value = "deb")]
        formats: Vec<package::Format>,
        /// For this architecture instead of this machine's
        #[arg(long)]
        arch: Option<Arch>,
        /// Have the tools of those who install them look them over
        #[arg(long)]
        check: bool,
        /// Build what is committed here and in another place, and compare: the same bytes, or it fails
        #[arg(long, conflicts_with = "check")]
        twice: bool,
    },
    /// Generate the syscall tables anew
    Tables,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Setup { arch } => setup::all().and_then(|()| arch.map_or(Ok(()), Arch::prepare)),
        Command::Demo => demo::run_all(),
        Command::DemoJob => demo::main_job(),
        Command::RecordNginx { folder } => screenshots::record(&folder),
        Command::Screenshots => screenshots::run_all(),
        Command::Test => test::run_all(),
        Command::Fuzz { seconds, names } => fuzz::run(seconds, None, &names),
        Command::Bench { document: true, .. } => bench::documents(),
        Command::Bench { instructions: true, .. } => bench::guard::check(),
        Command::Bench { short, json, rounds, write, names, .. } => {
            bench::run_all(&bench::Extent { short, names, rounds }, json, write)
        }
        Command::Package { formats, arch, check, twice } => package::run_all(&formats, arch, check, twice),
        Command::Vm { all: true, arch, scenarios, .. } => vm::run_on_all(arch, &scenarios),
        Command::Vm { release, arch, scenarios, keep, .. } => vm::run(&release, arch, &scenarios, keep),
        Command::Tables => tables::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
