//! `manuals`: the manual pages and the shells' completions, from the same words as the help.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::{Cli, error::Error};
use crate::recording::Timestamp;

/// Write the manual pages and the completions of bash, zsh and fish, for whoever makes a package.
#[derive(clap::Args)]
#[command(
    hide = true,
    after_help = "\
Examples:
  syscall-recorder manuals ./manuals && man -l ./manuals/syscall-recorder.1"
)]
pub(super) struct Args {
    /// Where to; made if it is not there
    folder: PathBuf,
}

pub(super) fn manuals(args: &Args) -> Result<(), Error> {
    let failed = |source| Error::Write { path: args.folder.clone(), source };
    write_all(&args.folder).map_err(failed)
}

fn write_all(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut root = Cli::command();
    root.build();
    for (name, command) in pages(&root) {
        fs::write(folder.join(&name).with_added_extension("1"), page(&name, &command, &root)?)?;
    }
    let shells = [
        (Shell::Bash, "syscall-recorder.bash"),
        (Shell::Zsh, "_syscall-recorder"),
        (Shell::Fish, "syscall-recorder.fish"),
    ];
    for (shell, name) in shells {
        let mut text = Vec::new();
        generate(shell, &mut completed(), "syscall-recorder", &mut text);
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// What a shell completes: clap_complete would offer this command, too, which the help does not.
fn completed() -> Command {
    let root = Cli::command();
    let shown = root.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("syscall-recorder")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .args(root.get_arguments().cloned())
        .subcommands(shown)
}

/// Each page's name, and what it is about.
fn pages(root: &Command) -> Vec<(String, Command)> {
    let shown =
        root.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    let of = |command: &Command| (format!("syscall-recorder-{}", command.get_name()), command.clone());
    std::iter::once(("syscall-recorder".to_owned(), root.clone())).chain(shown.map(of)).collect()
}

fn page(name: &str, command: &Command, root: &Command) -> io::Result<Vec<u8>> {
    let is_root = command.get_name() == root.get_name();
    let version = concat!("syscall-recorder ", env!("CARGO_PKG_VERSION"));
    // Its sections come from the command; examples and the like have sections of their own here.
    let man = Man::new(command.clone().version(env!("CARGO_PKG_VERSION")))
        .title(name.to_uppercase())
        .section("1")
        .date(date())
        .source(version)
        .manual("syscall-recorder");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_root {
        commands(root).to_writer(&mut page)?;
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for part in help.split("\n\n") {
        section(part).to_writer(&mut page)?;
    }
    see_also(name, root).to_writer(&mut page)?;
    Ok(without_double_breaks(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The day of the build, or the one that a reproducible build is told.
fn date() -> String {
    let told = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let date = Timestamp::from_unix(told.unwrap_or_else(now)).to_string();
    date.split('T').next().unwrap_or_default().to_owned()
}

/// clap_mangen breaks the line before and after an empty one, which mandoc finds fault with.
fn without_double_breaks(page: &str) -> String {
    let lines: Vec<_> = page.lines().collect();
    let is_empty =
        |place: Option<usize>| place.and_then(|place| lines.get(place)).is_some_and(|line| line.is_empty());
    let kept = lines.iter().enumerate().filter(|(place, line)| {
        **line != ".br" || !is_empty(place.checked_sub(1)) && !is_empty(Some(place + 1))
    });
    kept.map(|(_, line)| if line.is_empty() { ".sp\n".to_owned() } else { format!("{line}\n") }).collect()
}

/// The commands, each with a page of its own.
fn commands(root: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for (name, command) in pages(root).into_iter().skip(1) {
        roff.control("TP", []);
        roff.text([bold(name), roman("(1)")]);
        roff.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default())]);
    }
    roff
}

/// A paragraph below the help.
fn section(text: &str) -> Roff {
    let mut roff = Roff::new();
    if let Some(examples) = text.strip_prefix("Examples:\n") {
        roff.control("SH", ["EXAMPLES"]);
        roff.control("nf", []);
        for line in examples.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    } else if let Some(status) = text.strip_prefix("Exit status: ") {
        roff.control("SH", ["EXIT STATUS"]);
        roff.text([roman(status.replace('\n', " "))]);
    } else if !text.trim().is_empty() {
        roff.control("SH", ["NOTES"]);
        roff.text([roman(text.replace('\n', " "))]);
    }
    roff
}

fn see_also(name: &str, root: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<_> = pages(root).into_iter().map(|page| page.0).filter(|other| other != name).collect();
    let others: Vec<_> = others.iter().map(|other| format!("{other}(1)")).collect();
    roff.text([roman(others.join(", ") + ", systemd.exec(5)")]);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_beside_an_empty_line_is_none() {
        assert_eq!(without_double_breaks("a\n.br\n\n.br\nb\n.br\nc\n"), "a\n.sp\nb\n.br\nc\n");
    }

    #[test]
    fn each_command_has_a_page_and_each_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let page = read(&format!("syscall-recorder-{name}.1"));
            for head in ["NAME", "SYNOPSIS", "EXAMPLES", "\"SEE ALSO\""] {
                assert!(page.contains(&format!("\n.SH {head}\n")), "{name}: no {head}\n{page}");
            }
            for shell in ["syscall-recorder.bash", "_syscall-recorder", "syscall-recorder.fish"] {
                assert!(read(shell).contains(name), "{shell}: no {name}");
            }
        }
        assert!(read("syscall-recorder.1").contains(".SH \"EXIT STATUS\""));
        for file in
            ["syscall-recorder.1", "syscall-recorder.bash", "_syscall-recorder", "syscall-recorder.fish"]
        {
            assert!(!read(file).contains("manuals"), "{file} offers what the help does not");
        }
    }
}
