//! What the host that a filter is for makes of names: which it can resolve, and what its sets hold.
//!
//! systemd's sets are its own, and differ from version to version; the names are resolved by libseccomp. A name
//! that the target's libseccomp does not resolve is ignored by systemd, so the call is denied by an allowlist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use super::{
    SYSTEMD_VERSION, sets,
    tables::{
        libseccomp::{SINCE, UNLISTED, VERSIONS},
        older::OLDER,
    },
};

/// systemd and libseccomp of some version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    systemd: String,
    libseccomp: String,
    /// Where the sets are from.
    tables: Tables,
    sets: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tables {
    /// Built in, those of this version.
    Of(&'static str),
    /// As it listed them itself.
    Own,
}

/// Why a text names no target.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{text:?} names no target: it is systemd=VERSION, with or without ,libseccomp=VERSION, as in systemd=252,libseccomp=2.5.4"
)]
pub struct TargetError {
    text: String,
}

/// Why a text is no list of sets.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ListingError {
    /// No `@default` in it.
    #[error("it lists no @default; it must be what `systemd-analyze syscall-filter` prints")]
    NoDefault,
    /// A set in a set that it does not list.
    #[error("{set} holds {member}, which it does not list")]
    Unlisted {
        /// The set.
        set: String,
        /// What it holds.
        member: String,
    },
}

impl Target {
    /// The newest that there are tables of.
    #[must_use]
    pub fn newest() -> Self {
        Self::of(SYSTEMD_VERSION, None)
    }

    /// Of these versions. A version without a table gets the next older one's, or the oldest: rather a name less
    /// than one that is not there. Without a version of libseccomp, the one that Debian has beside that systemd.
    #[must_use]
    pub fn of(systemd: &str, libseccomp: Option<&str>) -> Self {
        let wanted = numbers(systemd);
        let all = OLDER.iter().map(|older| older.version).chain([SYSTEMD_VERSION]);
        let at = all.filter(|version| numbers(version) <= wanted).count().saturating_sub(1);
        let mut sets: BTreeMap<String, BTreeSet<String>> = sets()
            .map(|(set, names)| (set.to_owned(), names.iter().map(|&name| name.to_owned()).collect()))
            .collect();
        if let Some(older) = OLDER.get(at) {
            sets.retain(|set, _| !older.absent.contains(&&**set));
            for (set, lacks, more) in older.differ {
                if let Some(names) = sets.get_mut(*set) {
                    names.retain(|name| !lacks.contains(&&**name));
                    names.extend(more.iter().map(|&name| name.to_owned()));
                }
            }
        }
        let mut target = Self {
            systemd: systemd.to_owned(),
            libseccomp: libseccomp.unwrap_or(VERSIONS[at]).to_owned(),
            tables: Tables::Of(OLDER.get(at).map_or(SYSTEMD_VERSION, |older| older.version)),
            sets,
        };
        let known = target.names().filter(|name| !UNLISTED[at].contains(name)).map(str::to_owned).collect();
        target.sets.insert("@known".to_owned(), known);
        target
    }

    /// The same with other sets: those that its `systemd-analyze syscall-filter` prints.
    pub fn with_sets(self, listing: &str) -> Result<Self, ListingError> {
        let listed = parse(listing);
        if !listed.contains_key("@default") {
            return Err(ListingError::NoDefault);
        }
        let mut sets = BTreeMap::new();
        for set in listed.keys() {
            let names = resolve(&listed, set)?;
            sets.insert((*set).to_owned(), names.into_iter().map(str::to_owned).collect());
        }
        Ok(Self { tables: Tables::Own, sets, ..self })
    }

    /// The version of its systemd.
    #[must_use]
    pub fn systemd(&self) -> &str {
        &self.systemd
    }

    /// The version of its libseccomp.
    #[must_use]
    pub fn libseccomp(&self) -> &str {
        &self.libseccomp
    }

    /// Whether its libseccomp resolves the name. One that no libseccomp resolves has no table here either.
    #[must_use]
    pub fn resolves(&self, name: &str) -> bool {
        let since = SINCE.binary_search_by_key(&name, |(name, _)| name);
        // Older than the oldest that was asked: as that one, for there is no better answer.
        let ours = numbers(&self.libseccomp).max(numbers(VERSIONS[0]));
        since.is_ok_and(|at| numbers(SINCE[at].1) <= ours)
    }

    /// The name by which systemd remembers another one. libseccomp up to 2.6.1 gives two calls of PowerPC the same
    /// number where there is neither, so that systemd takes the one for the other and shows the one.
    #[must_use]
    pub fn remembered<'a>(&self, name: &'a str) -> &'a str {
        let later = numbers(&self.libseccomp) >= [2, 5, 2].into();
        match name {
            "sys_debug_setcontext" if later && cfg!(not(target_arch = "powerpc64")) => "switch_endian",
            "switch_endian" if !later && cfg!(not(target_arch = "powerpc64")) => "sys_debug_setcontext",
            name => name,
        }
    }

    /// All names that its libseccomp resolves.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        SINCE.iter().map(|(name, _)| *name).filter(|name| self.resolves(name))
    }

    /// What a set holds, the sets in it resolved into names; None where it has no such set.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.sets.get(name)
    }

    /// Every set with its names.
    pub fn sets(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.sets.iter().map(|(set, names)| (set.as_str(), names))
    }
}

/// `systemd 252, libseccomp 2.5.4`, and whose sets were taken where there is no table of that version.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "systemd {}, libseccomp {}", self.systemd, self.libseccomp)?;
        match self.tables {
            Tables::Of(version) if version != self.systemd => {
                write!(f, ", with the sets of systemd {version}")
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let error = || TargetError { text: text.to_owned() };
        let version = |text: &str| {
            let plain =
                |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()) && part.len() < 6;
            text.split('.').all(plain).then(|| text.to_owned()).ok_or_else(error)
        };
        let (mut systemd, mut libseccomp) = (None, None);
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(error)?;
            let place = match key {
                "systemd" => &mut systemd,
                "libseccomp" => &mut libseccomp,
                _ => return Err(error()),
            };
            if place.replace(version(value)?).is_some() {
                return Err(error());
            }
        }
        Ok(Self::of(&systemd.ok_or_else(error)?, libseccomp.as_deref()))
    }
}

/// `2.5.4` as [2, 5, 4]: what is no number counts as 0.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// A set's name starts a line, its members are indented below it, comments start with `#`.
fn parse(listing: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut sets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut current = None;
    for line in listing.lines() {
        let word = line.trim();
        if line.starts_with('@') {
            current = Some(word);
            sets.entry(word).or_default();
        } else if let Some(set) = current
            && !word.is_empty()
            && !word.starts_with('#')
        {
            sets.entry(set).or_default().insert(word);
        }
    }
    sets
}

/// The names of a set, and of the sets in it.
fn resolve<'a>(
    sets: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    set: &'a str,
) -> Result<BTreeSet<&'a str>, ListingError> {
    let (mut names, mut seen, mut left) = (BTreeSet::new(), BTreeSet::from([set]), vec![set]);
    while let Some(set) = left.pop() {
        for &member in sets.get(set).into_iter().flatten() {
            if !member.starts_with('@') {
                names.insert(member);
            } else if !sets.contains_key(member) {
                return Err(ListingError::Unlisted { set: set.to_owned(), member: member.to_owned() });
            } else if seen.insert(member) {
                left.push(member);
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sets_are_those_of_the_version() {
        let holds = |version: &str, set: &str, name: &str| {
            Target::of(version, None).set(set).is_some_and(|set| set.contains(name))
        };
        // facts of systemd's history: 247 had next to nothing in @default, and open_tree has moved.
        assert!(!holds("247", "@default", "getrandom"));
        assert!(holds("252", "@default", "getrandom"));
        assert!(holds("252", "@mount", "open_tree"));
        assert!(!holds("262", "@mount", "open_tree"));
        assert!(Target::of("252", None).set("@sandbox").is_none());
        assert!(Target::of("257", None).set("@sandbox").is_some());
        assert_eq!(Target::newest().sets().count(), sets().count() + 1);
        assert!(holds("252", "@known", "read") && !holds("252", "@known", "breakpoint"));
    }

    #[test]
    fn a_version_without_a_table_gets_the_next_older() {
        assert_eq!(
            Target::of("254", None).to_string(),
            "systemd 254, libseccomp 2.5.4, with the sets of systemd 252"
        );
        assert_eq!(
            Target::of("219", None).to_string(),
            "systemd 219, libseccomp 2.5.1, with the sets of systemd 247"
        );
        assert_eq!(Target::of("252", None).to_string(), "systemd 252, libseccomp 2.5.4");
    }

    #[test]
    fn what_libseccomp_resolves() {
        let target = |text: &str| text.parse::<Target>().unwrap();
        assert!(!target("systemd=252").resolves("mseal"));
        assert!(target("systemd=257").resolves("mseal"));
        assert!(target("systemd=252,libseccomp=2.6.0").resolves("mseal"));
        assert!(target("systemd=252,libseccomp=2.2.3").resolves("read"));
        assert!(!target("systemd=262,libseccomp=9.9").resolves("switch"));
        assert!(SINCE.is_sorted());
        assert!(target("systemd=252").names().count() > 400);
    }

    #[test]
    fn what_names_no_target_is_refused() {
        for text in [
            "",
            "252",
            "systemd=",
            "systemd=v252",
            "systemd=252,",
            "libseccomp=2.5.4",
            "systemd=252,systemd=252",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_listing_replaces_the_sets() {
        let listing =
            "@default\n    # Always\n    read\n    @more\n\n@more\n    @default\n    write\n\n# Ungrouped\n";
        let target = Target::newest().with_sets(listing).unwrap();
        let set = |name: &str| target.set(name).unwrap().iter().cloned().collect::<Vec<_>>();
        assert_eq!(set("@default"), ["read", "write"]);
        assert_eq!(set("@more"), ["read", "write"]);
        assert!(target.set("@swap").is_none());
        let error = |listing| Target::newest().with_sets(listing).unwrap_err();
        assert_eq!(error(""), ListingError::NoDefault);
        assert_eq!(error("@default\n @x\n").to_string(), "@default holds @x, which it does not list");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Target::newest().with_sets(&text);
            let _ = text.parse::<Target>();
        }
    }
}
