//! `watch`: what the daemon is recording, as it grows.
//!
//! It asks once in a while; the daemon holds nothing for it and never waits for it, and reads anew only the units
//! that are on the screen.

mod draw;
#[cfg(test)]
mod fuzz;
mod lines;
mod model;
mod screen;
mod source;
mod words;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use super::{error::Error, host::Host};
use source::Source;

/// Watch the recordings grow: rates, new calls as they come, gaps.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  syscall-recorder watch
  syscall-recorder watch nginx
  Without a terminal, a line for each new call, start and gap:
    syscall-recorder watch | tee new-calls.log
  For machines, until the first new call:
    syscall-recorder watch nginx --json | jq --unbuffered -r 'select(.event == \"call\") | .name' | head -n 1

On a terminal: q quits, the arrow keys scroll, s sorts by the newest call. Colours go where NO_COLOR is set. \
Times are UTC.")]
pub(super) struct Args {
    /// Only this unit
    unit: Option<String>,
    /// A JSON object for each event, one a line
    #[arg(long)]
    json: bool,
    /// How often to ask the daemon, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.2..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it must be from 0.2 to 3600".to_owned())
}

pub(super) fn watch(args: &Args, host: &Host) -> Result<ExitCode, Error> {
    let source = Source::new(host.daemon(), args.unit.clone());
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let dumb = std::env::var_os("TERM").is_none_or(|kind| kind.is_empty() || kind == "dumb");
    if args.json || !terminal || dumb {
        return lines::run(source, args.json, args.interval).map(|()| ExitCode::SUCCESS);
    }
    screen::run(source, args.interval)
}
