//! The settings of a unit's files that are about system calls.

use std::collections::BTreeMap;

use super::{
    Place,
    errno::Denial,
    filter::{Line, List, Mode},
    implied::{self, Implied},
    near::nearest,
    problem::{Problem, Problems, Setting},
    words::{Quotes, words},
};
use crate::{
    syscalls::Target,
    unit_file::{self, UnitFile},
};

/// What the settings come to.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) filter: List,
    pub(super) log: List,
    /// With the line that each was named in last.
    pub(super) architectures: BTreeMap<&'static str, Place>,
    pub(super) error_number: Denial,
    /// Where it was set, and not reset.
    error_number_at: Option<Place>,
    /// Whether systemd itself calls write before it executes the command.
    waits_for_exec: bool,
    pub(super) implied: BTreeMap<&'static str, (Place, &'static Implied)>,
    pub(super) problems: Problems,
}

/// As systemd names architectures.
const ARCHITECTURES: [&str; 21] = [
    "native",
    "x86",
    "x86-64",
    "x32",
    "arm",
    "arm64",
    "loongarch64",
    "mips",
    "mips64",
    "mips64-n32",
    "mips-le",
    "mips64-le",
    "mips64-le-n32",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64-le",
    "riscv64",
    "s390",
    "s390x",
];

/// As others name them.
const ALIASES: [(&str, &str); 6] = [
    ("x86_64", "x86-64"),
    ("amd64", "x86-64"),
    ("i386", "x86"),
    ("i686", "x86"),
    ("aarch64", "arm64"),
    ("ppc64le", "ppc64-le"),
];

/// Reads the files one after the other. `kindly`, with blanks where commas stand in lists.
pub(super) fn read(files: &[UnitFile<'_>], section: &'static str, target: &Target, kindly: bool) -> Settings {
    let mut settings = Settings {
        filter: List::default(),
        log: List::default(),
        architectures: BTreeMap::new(),
        error_number: Denial::Kill,
        error_number_at: None,
        waits_for_exec: false,
        implied: BTreeMap::new(),
        problems: Problems::default(),
    };
    for (number, file) in files.iter().enumerate() {
        let place = |line| Some(Place { file: number, line });
        for (line, why) in &file.ignored {
            settings.problems.add_always(place(*line), Problem::Ignored { why: *why });
        }
        for setting in &file.settings {
            settings.take(setting, number, section, target, kindly);
        }
        if let Some((line, fault)) = file.fault {
            settings.problems.add_always(place(line), Problem::File { fault, drop_in: number > 0 });
        }
    }
    settings
}

impl Settings {
    fn take(
        &mut self,
        setting: &unit_file::Setting,
        file: usize,
        section: &'static str,
        target: &Target,
        kindly: bool,
    ) {
        let at = Place { file, line: *setting.lines.start() };
        let Some(which) = Setting::ALL.into_iter().find(|which| which.key() == setting.key) else {
            self.other(setting, at, section);
            return;
        };
        // systemd leaves sections that begin so to others, and says nothing.
        if setting.section.starts_with("X-") {
            return;
        }
        if setting.section != section {
            let (key, section, wanted) = (setting.key.clone(), setting.section.clone(), section);
            self.problems.add_always(Some(at), Problem::Section { key, section, wanted });
            return;
        }
        let value = if kindly { setting.value.replace(',', " ") } else { setting.value.clone() };
        let place = |offset| Place { file, line: setting.line_at(offset) };
        let line = Line { setting: which, value: &value, place: &place };
        match which {
            Setting::Filter => self.filter.take(&line, target, &mut self.problems),
            Setting::Log => self.log.take(&line, target, &mut self.problems),
            Setting::Architectures => self.architectures(&line),
            Setting::ErrorNumber => self.error_number(&line),
        }
    }

    fn architectures(&mut self, line: &Line<'_>) {
        if line.value.is_empty() {
            self.architectures.clear();
            self.problems.forget(line.setting);
        }
        for word in words(line.value, Quotes::Removed) {
            let Ok((offset, word)) = word else {
                let problem = Problem::BadEnd { value: line.value.to_owned() };
                return self.problems.add(line.setting, (line.place)(0), problem);
            };
            let at = (line.place)(offset);
            if let Some(known) = ARCHITECTURES.into_iter().find(|known| *known == word) {
                self.architectures.insert(known, at);
                continue;
            }
            let alias = ALIASES.iter().find(|(alias, _)| *alias == word).map(|(_, name)| *name);
            let near = alias.or_else(|| nearest(&word, ARCHITECTURES.into_iter())).map(str::to_owned);
            self.problems.add(line.setting, at, Problem::Architecture { name: word, near });
        }
    }

    fn error_number(&mut self, line: &Line<'_>) {
        let at = (line.place)(0);
        if line.value.is_empty() {
            (self.error_number, self.error_number_at) = (Denial::Kill, None);
            self.problems.forget(line.setting);
            return;
        }
        match Denial::parse(line.value) {
            None | Some(Denial::Errno(0)) => {
                self.problems.add(line.setting, at, Problem::ErrorNumber { value: line.value.to_owned() });
            }
            Some(denial) => (self.error_number, self.error_number_at) = (denial, Some(at)),
        }
    }

    /// A setting that is none of ours: one that filters too, or one that was meant to be ours.
    fn other(&mut self, setting: &unit_file::Setting, at: Place, section: &str) {
        if setting.section != section {
            return;
        }
        if setting.key == "Type" {
            self.waits_for_exec = setting.value == "exec";
        } else if let Some(implied) = implied::ALL.iter().find(|implied| implied.key == setting.key) {
            if implied::is_on(&setting.value) {
                self.implied.insert(implied.key, (at, implied));
            } else {
                self.implied.remove(implied.key);
            }
        } else {
            let distance = |which: &Setting| {
                strsim::osa_distance(&which.key().to_ascii_lowercase(), &setting.key.to_ascii_lowercase())
            };
            // As near as SyscallFilter is, and no other key of systemd's.
            let near = Setting::ALL.into_iter().min_by_key(distance).filter(|which| distance(which) <= 3);
            if let Some(near) = near.filter(|_| setting.key.len() < 40) {
                self.problems.add_always(Some(at), Problem::Key { key: setting.key.clone(), near });
            }
        }
    }

    /// What only the whole shows.
    pub(super) fn judge(&mut self, target: &Target) {
        for (setting, list) in [(Setting::Filter, &self.filter), (Setting::Log, &self.log)] {
            if let (Some(mode), true) = (list.mode, list.is_void()) {
                self.problems.add(setting, list.begun.unwrap_or_default(), Problem::Void { mode });
            }
        }
        let filters = self.filter.mode == Some(Mode::Allow) || !self.filter.entries.is_empty();
        let pretended =
            self.filter.entries.iter().filter(|(_, entry)| entry.denial == Some(Denial::Errno(0)));
        for (name, entry) in pretended {
            if let Some(at) = entry.from {
                self.problems.add_always(Some(at), Problem::Pretended { word: format!("{name}:0") });
            }
        }
        if self.filter.mode.is_none() {
            self.problems.add_always(None, Problem::NoFilter);
        }
        if let (Some(at), false) = (self.error_number_at, filters) {
            self.problems.add_always(Some(at), Problem::NothingDenied);
        }
        let denier = |name: &str| {
            let from = self.filter.entries.get(name).and_then(|entry| entry.from);
            from.or(self.filter.removed.get(name).copied()).or(self.filter.begun)
        };
        if target.resolves("execve") && self.filter.denies("execve") {
            self.problems.add_always(denier("execve"), Problem::NoExecve);
        }
        if self.waits_for_exec && self.filter.denies("write") {
            self.problems.add_always(denier("write"), Problem::NoWrite);
        }
        if filters && self.architectures.is_empty() {
            self.problems.add_always(None, Problem::Open);
        }
        let mut implied: Vec<_> = self.implied.iter().map(|(key, (at, _))| (*at, *key)).collect();
        implied.sort_unstable();
        if !implied.is_empty() {
            let keys = implied.into_iter().map(|(_, key)| key).collect();
            self.problems.add_always(None, Problem::Implied { keys });
        }
    }

    pub(super) fn has_commas(&self) -> bool {
        self.problems.any(|problem| matches!(problem, Problem::Comma { .. }))
    }
}
