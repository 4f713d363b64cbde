//! What is said of one thing that was looked at, for people and for machines.

use std::fmt::Write;

use serde::Serialize;

use crate::printable::printable;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// Recording works, but not all of it, or it is not known.
    Warning,
    /// Recording cannot work.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    topic: &'static str,
    pub(super) level: Level,
    says: String,
    mend: Option<String>,
}

pub(super) fn line(topic: &'static str, level: Level, says: impl Into<String>, mend: Option<&str>) -> Line {
    Line { topic, level, says: printable(&says.into()), mend: mend.map(printable) }
}

pub(super) fn ok(topic: &'static str, says: impl Into<String>) -> Line {
    line(topic, Level::Ok, says, None)
}

pub(super) fn warning(topic: &'static str, says: impl Into<String>, mend: &str) -> Line {
    line(topic, Level::Warning, says, Some(mend))
}

pub(super) fn fault(topic: &'static str, says: impl Into<String>, mend: &str) -> Line {
    line(topic, Level::Fault, says, Some(mend))
}

/// One line each. The colours are for terminals; what writes it takes them out for others.
pub(super) fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let (colour, word) = match line.level {
            Level::Ok => ("\x1b[32m", "ok"),
            Level::Warning => ("\x1b[33m", "warning"),
            Level::Fault => ("\x1b[1;31m", "fault"),
        };
        let mend = line.mend.as_ref().map(|mend| format!("; mend: {mend}")).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{colour}{word:<7}\x1b[0m  {:<12}  {}{mend}", line.topic, line.says);
    }
    text
}

pub(super) fn json(lines: &[Line]) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        works: bool,
        checks: &'a [Line],
    }
    let works = lines.iter().all(|line| line.level != Level::Fault);
    let text = serde_json::to_string_pretty(&Report { works, checks: lines });
    text.expect("strings always have a JSON form") + "\n"
}
