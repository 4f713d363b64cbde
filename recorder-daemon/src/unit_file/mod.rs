//! A unit file as systemd reads it: lines, comments, continued lines, sections, settings. No I/O.
//!
//! It follows `config_parse` in systemd's src/shared/conf-parser.c, which has not changed its mind from version
//! 247 to 262: what systemd would ignore is ignored and told, and where systemd would stop reading it stops.
//! All that stands in the file can be found again by its lines, so a file can be written back with some of its
//! settings replaced and the rest as it was.
//!
//! [`UnitFile::parse`] takes any bytes and is what a fuzzer should call.

mod lines;
mod rewrite;

use std::ops::RangeInclusive;

use lines::{LONGEST, Line, lines};

/// What stands in a unit file or a drop-in.
#[derive(Debug, PartialEq, Eq)]
pub struct UnitFile<'a> {
    bytes: &'a [u8],
    lines: Vec<Line>,
    /// The settings, in their order, whatever section they are in.
    pub settings: Vec<Setting>,
    /// The headers of sections, in their order. The same may stand there more than once.
    pub sections: Vec<Section>,
    /// Lines that systemd ignores.
    pub ignored: Vec<(usize, Ignored)>,
    /// Why systemd does not read on, and the line. Of a drop-in, what stands before it counts; a unit whose own
    /// file has such a fault is not loaded.
    pub fault: Option<(usize, Fault)>,
}

/// A setting: `Key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The section that it is in.
    pub section: String,
    /// Without white space around it.
    pub key: String,
    /// Without white space around it. Where a line is continued there is a blank.
    pub value: String,
    /// Its lines, counted from 1. More than one where it is continued.
    pub lines: RangeInclusive<usize>,
    /// Where in `value` each line's part begins: offset and line.
    parts: Vec<(usize, usize)>,
}

/// The header of a section: `[Name]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What stands between the brackets.
    pub name: String,
    /// Counted from 1.
    pub line: usize,
    /// The last line of the header: a backslash may part it, too.
    pub(super) last: usize,
}

/// Why a line counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// It stands before any section.
    #[error("stands before any [Section] and is ignored")]
    OutsideSection,
    /// It is no setting.
    #[error("has no '=' and is ignored")]
    NoEquals,
    /// It is no setting.
    #[error("has nothing before its '=' and is ignored")]
    NoKey,
}

/// Why systemd does not read a file to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line, with those that continue it, is too long.
    #[error("is longer than the 1 MiB that systemd reads")]
    TooLong,
    /// A line is no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A section's header has no end, or bytes that none may have.
    #[error("is no section header: that is [Name], without quotes, backslashes and control characters")]
    Header,
}

impl Setting {
    /// The line of what stands at this offset of the value.
    #[must_use]
    pub fn line_at(&self, offset: usize) -> usize {
        let part = self.parts.iter().rev().find(|(from, _)| *from <= offset);
        part.map_or(*self.lines.start(), |(_, line)| *line)
    }
}

impl<'a> UnitFile<'a> {
    /// Reads the bytes of a file. Whatever they are, there is something to say of them.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut file = Self {
            bytes,
            lines: Vec::new(),
            settings: Vec::new(),
            sections: Vec::new(),
            ignored: Vec::new(),
            fault: None,
        };
        file.fault = file.read().err();
        // The rest is there for who writes the file back.
        let read = file.lines.last().map_or(0, |line| line.end);
        let rest = lines(&bytes[read..])
            .map(|line| Line { text: line.text.start + read..line.text.end + read, end: line.end + read });
        file.lines.extend(rest);
        file
    }

    fn read(&mut self) -> Result<(), (usize, Fault)> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let mut pending: Option<Pending> = None;
        let mut marked = false;
        for line in lines(self.bytes) {
            self.lines.push(line.clone());
            let number = self.lines.len();
            let mut text = &self.bytes[line.text];
            if text.len() >= LONGEST {
                return Err((number, Fault::TooLong));
            }
            if matches!(text.trim_ascii_start_as_systemd().first(), Some(b'#' | b';')) {
                continue;
            }
            if !marked && let Some(rest) = text.strip_prefix(MARK) {
                (text, marked) = (rest, true);
            }
            let mut whole = pending.take().unwrap_or_else(|| Pending::new(number));
            if whole.text.len() + text.len() > LONGEST {
                return Err((number, Fault::TooLong));
            }
            whole.add(text, number);
            if whole.goes_on() {
                pending = Some(whole);
            } else {
                self.take(&whole)?;
            }
        }
        pending.map_or(Ok(()), |whole| self.take(&whole))
    }

    /// Takes a line, with all that continues it.
    fn take(&mut self, whole: &Pending) -> Result<(), (usize, Fault)> {
        let first = whole.parts[0].1;
        let text = str::from_utf8(whole.text.trim_ascii_as_systemd()).map_err(|_| (first, Fault::NotUtf8))?;
        let Some(head) = text.chars().next() else { return Ok(()) };
        if head == '[' {
            let name = text[1..].strip_suffix(']').filter(|name| is_safe(name));
            let name = name.ok_or((first, Fault::Header))?.to_owned();
            self.sections.push(Section { name, line: first, last: whole.last });
            return Ok(());
        }
        let ignored = match (self.sections.last(), text.split_once('=')) {
            (None, _) => Ignored::OutsideSection,
            (_, None) => Ignored::NoEquals,
            (_, Some(("", _))) => Ignored::NoKey,
            (Some(section), Some((key, value))) => {
                let value = value.trim_matches(is_white);
                // Both are parts of the same text.
                let begins = value.as_ptr().addr() - whole.text.as_ptr().addr();
                self.settings.push(Setting {
                    section: section.name.clone(),
                    key: key.trim_matches(is_white).to_owned(),
                    value: value.to_owned(),
                    lines: first..=whole.last,
                    parts: whole
                        .parts
                        .iter()
                        .map(|(from, line)| (from.saturating_sub(begins), *line))
                        .collect(),
                });
                return Ok(());
            }
        };
        self.ignored.push((first, ignored));
        Ok(())
    }
}

/// A line that may be continued.
struct Pending {
    text: Vec<u8>,
    /// Where each line's part begins.
    parts: Vec<(usize, usize)>,
    last: usize,
    /// How far it is known that no backslash is open.
    scanned: usize,
}

impl Pending {
    fn new(line: usize) -> Self {
        Self { text: Vec::new(), parts: Vec::new(), last: line, scanned: 0 }
    }

    fn add(&mut self, text: &[u8], line: usize) {
        self.parts.push((self.text.len(), line));
        self.text.extend(text);
        self.last = line;
    }

    /// Whether it ends in a backslash that no other one escapes. That becomes a blank.
    fn goes_on(&mut self) -> bool {
        let mut escaped = false;
        for byte in &self.text[self.scanned..] {
            escaped = !escaped && *byte == b'\\';
        }
        if escaped && let Some(last) = self.text.last_mut() {
            *last = b' ';
        }
        self.scanned = self.text.len();
        escaped
    }
}

/// What systemd calls white space; Rust's ASCII white space has the form feed too.
pub(crate) fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

trait Trim {
    fn trim_ascii_start_as_systemd(&self) -> &[u8];
    fn trim_ascii_as_systemd(&self) -> &[u8];
}

impl Trim for [u8] {
    fn trim_ascii_start_as_systemd(&self) -> &[u8] {
        let white = self.iter().take_while(|byte| is_white(char::from(**byte))).count();
        &self[white..]
    }

    fn trim_ascii_as_systemd(&self) -> &[u8] {
        let text = self.trim_ascii_start_as_systemd();
        let white = text.iter().rev().take_while(|byte| is_white(char::from(**byte))).count();
        &text[..text.len() - white]
    }
}

/// What a section may be called.
fn is_safe(name: &str) -> bool {
    !name.chars().any(|c| c < ' ' || matches!(c, '"' | '\'' | '\\' | '\x7f'))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
