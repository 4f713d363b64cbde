//! `cargo xtask`: what the project's people run.

mod demo;
mod nginx;
mod package;
mod setup;
mod shell;
mod tables;
mod test;
mod toolchain;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, demo, tests and generated files")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need; says what it finds
    Setup,
    /// Record a real nginx under real requests and show what comes of it
    Demo,
    /// The part of the demo that needs root
    #[command(hide = true)]
    DemoJob,
    /// All tests: format, lints, plain tests, kernel tests, demo, package, machine
    Test,
    /// Run scenarios in emulated Debian machines, under their own kernel and systemd
    Vm {
        /// The Debian release
        #[arg(default_value = "bookworm")]
        release: String,
        /// Only this scenario; can be given several times
        #[arg(long = "scenario", value_name = "NAME")]
        scenarios: Vec<String>,
        /// Leave each machine running at its end, with a shell on its console
        #[arg(long)]
        keep: bool,
    },
    /// Build the Debian package
    Package {
        /// Have lintian and systemd look it over
        #[arg(long)]
        check: bool,
    },
    /// Generate the syscall tables anew
    Tables,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Setup => setup::all(),
        Command::Demo => demo::run_all(),
        Command::DemoJob => demo::main_job(),
        Command::Test => test::run_all(),
        Command::Package { check } => package::run_all(check),
        Command::Vm { release, scenarios, keep } => vm::run(&release, &scenarios, keep),
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
