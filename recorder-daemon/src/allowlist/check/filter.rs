//! `SystemCallFilter=` and `SystemCallLog=`: what systemd makes of them, line by line.
//!
//! It follows `config_parse_syscall_filter` and `seccomp_parse_syscall_filter` of systemd 252, whatever the target: how
//! lines are read is the same in 248 and in 257, whose code was compared. What differs from version to version are the
//! names and sets, and those are the target's. Before 247 there was no `SystemCallLog=` and no `kill`.
//!
//! [`List::of`] takes any text and is what a fuzzer should call.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Place,
    errno::Denial,
    problem::{Problem, Problems, Setting},
    words::{Quotes, words},
};
use crate::syscalls::Target;

/// Whether what stands in the list is allowed (for the log: logged), or all else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What is not listed is denied.
    Allow,
    /// What is listed is denied: the first line began with `~`.
    Deny,
}

/// A list as systemd holds it once it has read everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// None where no list is in force.
    pub mode: Option<Mode>,
    /// By name.
    pub entries: BTreeMap<String, Entry>,
    /// What was taken out again, and where.
    pub(super) removed: BTreeMap<String, Place>,
    /// Where the line stands that set the mode.
    pub(super) begun: Option<Place>,
    /// The words that are in force, as they were written, with `~` in front where their line has one.
    pub(super) written: BTreeMap<String, Place>,
}

/// A name in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What its denial is, where that is its own. In a list that allows, such a name is denied.
    pub denial: Option<Denial>,
    /// The line that it comes from; None where systemd itself has added it.
    pub(super) from: Option<Place>,
    /// The set that was named, if it was not the call itself.
    pub(super) set: Option<String>,
}

/// A line of a list.
pub(super) struct Line<'a> {
    pub(super) setting: Setting,
    pub(super) value: &'a str,
    /// Of what begins at an offset of the value.
    pub(super) place: &'a dyn Fn(usize) -> Place,
}

impl List {
    /// What these values make, one after the other: as `SystemCallFilter=`.
    #[must_use]
    pub fn of<'a>(values: impl IntoIterator<Item = &'a str>, target: &Target) -> Self {
        let (mut list, mut problems) = (Self::default(), Problems::default());
        for (value, number) in values.into_iter().zip(1..) {
            let line = Line { setting: Setting::Filter, value, place: &|_| Place { file: 0, line: number } };
            list.take(&line, target, &mut problems);
        }
        list
    }

    /// Takes one more line. What is wrong with it goes to the problems; those of lines that it resets are taken
    /// back.
    pub(super) fn take(&mut self, line: &Line<'_>, target: &Target, problems: &mut Problems) {
        if line.value.is_empty() {
            *self = Self::default();
            problems.forget(line.setting);
            return;
        }
        let (invert, value) = line.value.strip_prefix('~').map_or((false, line.value), |rest| (true, rest));
        let skipped = line.value.len() - value.len();
        let mode = self.mode.unwrap_or(if invert { Mode::Deny } else { Mode::Allow });
        if self.mode.replace(mode).is_none() {
            self.begun = Some((line.place)(0));
            if mode == Mode::Allow && line.setting == Setting::Filter {
                self.put_default(target);
            }
        }
        let mut useless: Vec<String> = Vec::new();
        for word in words(value, Quotes::Plain) {
            let Ok((offset, word)) = word else {
                problems.add(
                    line.setting,
                    (line.place)(skipped),
                    Problem::BadEnd { value: value.to_owned() },
                );
                break;
            };
            let at = (line.place)(offset + skipped);
            match self.word(line.setting, &word, invert, at, target) {
                Ok(true) => self.note(line.setting, &word, invert, at, problems),
                Ok(false) => useless.push(word),
                Err(problem) => {
                    let comma = matches!(problem, Problem::Comma { .. });
                    problems.add(line.setting, at, problem);
                    if comma {
                        parts(line.setting, &word, at, target, problems);
                    }
                }
            }
        }
        if !useless.is_empty() {
            let begun = self.begun.unwrap_or_default();
            let problem = Problem::RemovesNothing { names: useless, mode, begun };
            problems.add(line.setting, (line.place)(0), problem);
        }
    }

    /// systemd adds it to a list that allows, in front of all else.
    fn put_default(&mut self, target: &Target) {
        for name in target.set("@default").into_iter().flatten().filter(|name| target.resolves(name)) {
            let entry = Entry { denial: None, from: None, set: Some("@default".to_owned()) };
            self.entries.entry(name.clone()).or_insert(entry);
        }
    }

    /// Takes a word. False if it changes nothing, because it takes out what is not there.
    fn word(
        &mut self,
        setting: Setting,
        word: &str,
        invert: bool,
        at: Place,
        target: &Target,
    ) -> Result<bool, Problem> {
        let mode = self.mode.unwrap_or(Mode::Allow);
        let (name, denial) = match word.split_once(':') {
            // The log has names only, so that is part of one.
            Some((name, number)) if setting == Setting::Filter => {
                let denial = Denial::parse(number).filter(|_| !name.is_empty());
                (name, Some(denial.ok_or_else(|| Problem::BadErrno { word: word.to_owned() })?))
            }
            _ => (word, None),
        };
        if denial.is_some() && !invert {
            return Err(Problem::ErrnoAllowed { word: word.to_owned() });
        }
        let (names, set): (Vec<&str>, _) = if name.starts_with('@') {
            let set = target.set(name).ok_or_else(|| Problem::unknown_set(name, target))?;
            (
                set.iter().map(String::as_str).filter(|name| target.resolves(name)).collect(),
                Some(name.to_owned()),
            )
        } else if target.resolves(name) {
            (vec![name], None)
        } else {
            return Err(Problem::unknown(name, target));
        };
        let adds = (invert == (mode == Mode::Deny)) || denial.is_some();
        let mut changed = false;
        for name in names.into_iter().map(|name| target.remembered(name)) {
            if adds {
                let entry = Entry { denial, from: Some(at), set: set.clone() };
                self.removed.remove(name);
                // The call by its own name says more than a set that holds it.
                let keep = self
                    .entries
                    .get(name)
                    .is_some_and(|there| set.is_some() && there.set.is_none() && there.denial == denial);
                if !keep {
                    self.entries.insert(name.to_owned(), entry);
                }
                changed = true;
            } else if self.entries.remove(name).is_some() {
                self.removed.insert(name.to_owned(), at);
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Remembers a word that has done something, and tells one that stands there twice.
    fn note(&mut self, setting: Setting, word: &str, invert: bool, at: Place, problems: &mut Problems) {
        let signed = |invert| if invert { format!("~{word}") } else { word.to_owned() };
        self.written.remove(&signed(!invert));
        if let Some(first) = self.written.insert(signed(invert), at) {
            problems.add(setting, at, Problem::Double { word: word.to_owned(), first });
        }
    }

    /// What systemd does to a call of this name; None where the list lets it through.
    #[must_use]
    pub fn denies(&self, name: &str) -> bool {
        match (self.mode, self.entries.get(name)) {
            (None, _) | (Some(Mode::Deny), None) => false,
            (Some(Mode::Deny), Some(_)) | (Some(Mode::Allow), None) => true,
            (Some(Mode::Allow), Some(entry)) => entry.denial.is_some(),
        }
    }

    /// The list as `systemctl show` prints it, entry by entry.
    #[must_use]
    pub fn shown(&self) -> BTreeSet<String> {
        let allows = self.mode == Some(Mode::Allow);
        let shown = self.entries.iter().filter(|(_, entry)| !allows || entry.denial.is_none());
        shown
            .map(|(name, entry)| {
                entry.denial.map_or_else(|| name.clone(), |denial| format!("{name}:{denial}"))
            })
            .collect()
    }

    /// Whether systemd has added a name by itself, and nobody has listed it.
    #[must_use]
    pub fn is_default(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.from.is_none())
    }

    /// How many names systemd has added by itself.
    #[must_use]
    pub fn by_default(&self) -> usize {
        self.entries.values().filter(|entry| entry.from.is_none()).count()
    }

    /// Whether nothing that was written has had an effect: of a list that allows, @default alone is left.
    pub(super) fn is_void(&self) -> bool {
        self.mode.is_some() && self.entries.values().all(|entry| entry.from.is_none())
    }
}

/// What would be wrong with the names in a word with commas, were they apart.
fn parts(setting: Setting, word: &str, at: Place, target: &Target, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for part in word.split(',').filter(|part| !part.is_empty()) {
        let known = if part.starts_with('@') { target.set(part).is_some() } else { target.resolves(part) };
        if !seen.insert(part) {
            problems.add(setting, at, Problem::Double { word: part.to_owned(), first: at });
        } else if !known && part.starts_with('@') {
            problems.add(setting, at, Problem::unknown_set(part, target));
        } else if !known && !part.contains(':') {
            problems.add(setting, at, Problem::unknown(part, target));
        }
    }
}
