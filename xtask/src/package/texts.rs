//! The texts that Debian wants in a form of its own, made from those that the project has for everybody.

use std::{fmt::Write, fs, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::shell::{cargo, output, root};

/// Debian's revision of a version; cargo-deb's default too.
const REVISION: &str = "1";

/// CHANGELOG.md in the form of deb-changelog(5).
pub(crate) fn changelog() -> Result<String> {
    let text = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let (version, maintainer) = package()?;
    let sections = sections(&text, &version)?;
    let mut changelog = String::new();
    for section in sections {
        let date = match &section.date {
            Some(day) => day.clone(),
            None => format!("@{}", last_change()?),
        };
        let date = output(Command::new("date").args(["--utc", "--rfc-email", "--date", &date]))?;
        writeln!(changelog, "syscall-recorder ({}-{REVISION}) unstable; urgency=medium", section.version)?;
        for (kind, entries) in section.entries {
            writeln!(changelog, "\n  [ {kind} ]")?;
            for entry in entries {
                writeln!(changelog, "{}", wrapped(&entry))?;
            }
        }
        writeln!(changelog, "\n -- {maintainer}  {}\n", date.trim())?;
    }
    Ok(changelog)
}

/// The licences in the form of Debian's copyright-format 1.0.
pub(crate) fn copyright() -> Result<String> {
    let mit = fs::read_to_string(root().join("LICENSE-MIT"))?;
    let (head, grant) = mit.split_once("\n\nPermission").context("LICENSE-MIT grants no permission")?;
    let holder = head
        .lines()
        .find_map(|line| line.strip_prefix("Copyright (c) "))
        .context("LICENSE-MIT names no holder of the copyright")?;
    Ok(format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: syscall-recorder\n\
         Comment: crates.txt.gz and rust-library.html.gz beside this file have the licences of what is linked.\n\
         \n\
         Files: *\n\
         Copyright: {holder}\n\
         License: Expat or Apache-2.0\n\
         \n\
         License: Expat\n{}\n\
         License: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n",
        indented(&format!("Permission{grant}"))
    ))
}

/// What the changelog says of one version.
#[derive(Debug, PartialEq, Eq)]
struct Section {
    version: String,
    /// The day of its release.
    date: Option<String>,
    /// Of each kind (`Added`, …) its entries.
    entries: Vec<(String, Vec<String>)>,
}

/// The sections of a changelog in the form of keepachangelog.com. What is unreleased goes under `version`.
fn sections(text: &str, version: &str) -> Result<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let title = title.replace(['[', ']'], "");
            let (version, date) = match title.split_once(" - ") {
                Some((version, date)) => (version.to_owned(), Some(date.to_owned())),
                None if title == "Unreleased" => (version.to_owned(), None),
                None => bail!("CHANGELOG.md: `{line}` has no date"),
            };
            ensure!(
                sections.iter().all(|section| section.version != version),
                "CHANGELOG.md has two sections for {version}: raise the version in Cargo.toml"
            );
            sections.push(Section { version, date, entries: Vec::new() });
            continue;
        }
        let Some(Section { entries: kinds, .. }) = sections.last_mut() else { continue };
        if let Some(kind) = line.strip_prefix("### ") {
            kinds.push((kind.to_owned(), Vec::new()));
            continue;
        }
        let Some((_, entries)) = kinds.last_mut() else { continue };
        if let Some(entry) = line.strip_prefix("- ") {
            entries.push(entry.to_owned());
        } else if let Some(entry) = entries.last_mut().filter(|_| !line.trim().is_empty()) {
            entry.push(' ');
            entry.push_str(line.trim());
        }
    }
    sections.retain(|section| !section.entries.is_empty());
    ensure!(!sections.is_empty(), "CHANGELOG.md tells of no change");
    Ok(sections)
}

/// An entry in lines of at most 80 characters.
fn wrapped(entry: &str) -> String {
    let mut lines = vec!["  *".to_owned()];
    for word in entry.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 80 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines.join("\n")
}

/// A text as the body of a field: lines begin with a blank, empty ones are a dot.
fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut body, line| {
        let _ = writeln!(body, " {}", if line.is_empty() { "." } else { line });
        body
    })
}

/// The version, and who makes the package.
fn package() -> Result<(String, String)> {
    let daemon = daemon()?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    text(&daemon["version"])
        .zip(text(&daemon["metadata"]["deb"]["maintainer"]))
        .context("recorder-daemon has no version or no [package.metadata.deb] maintainer")
}

/// What cargo knows of recorder-daemon.
pub(super) fn daemon() -> Result<serde_json::Value> {
    let metadata = output(&mut cargo(&["metadata", "--offline", "--no-deps", "--format-version", "1"]))?;
    let mut metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array_mut().context("cargo metadata names no packages")?;
    let found = packages.iter_mut().find(|package| package["name"] == "recorder-daemon");
    Ok(found.context("cargo metadata does not know recorder-daemon")?.take())
}

/// When the project last changed, in seconds since 1970: the same commit makes the same package.
pub(crate) fn last_change() -> Result<String> {
    if let Ok(seconds) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(seconds);
    }
    let said = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))
        .context("not in git, and SOURCE_DATE_EPOCH is not set")?;
    Ok(said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\nAbout it.\n\n## Unreleased\n\n### Added\n- One\n  line.\n- Two.\n\n\
                             ## [0.1.0] - 2026-11-23\n\n### Fixed\n- Three.\n";

    #[test]
    fn a_section_is_a_version_and_what_is_unreleased_is_the_next() {
        let fixed = ("Fixed".to_owned(), vec!["Three.".to_owned()]);
        let added = ("Added".to_owned(), vec!["One line.".to_owned(), "Two.".to_owned()]);
        let expected = [
            Section { version: "0.2.0".to_owned(), date: None, entries: vec![added] },
            Section {
                version: "0.1.0".to_owned(),
                date: Some("2026-11-23".to_owned()),
                entries: vec![fixed],
            },
        ];
        assert_eq!(sections(CHANGELOG, "0.2.0").unwrap(), expected);
    }

    #[test]
    fn changes_after_a_release_need_a_version_of_their_own() {
        let error = sections(CHANGELOG, "0.1.0").unwrap_err().to_string();
        assert_eq!(error, "CHANGELOG.md has two sections for 0.1.0: raise the version in Cargo.toml");
    }

    #[test]
    fn no_line_is_wider_than_debian_wants() {
        let text = wrapped(&"word ".repeat(40));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(text.split_whitespace().filter(|word| *word == "word").count(), 40);
        assert!(text.starts_with("  * word word"));
    }

    #[test]
    fn an_empty_line_in_a_field_is_a_dot() {
        assert_eq!(indented("a\n\nb\n"), " a\n .\n b\n");
    }
}
