//! Names of units: as people type them, as systemd knows them, as their cgroups are called.

use std::{fmt, str::FromStr};

use crate::{file_name::file_name, printable::printable};

/// The longest name that systemd takes, in bytes (`UNIT_NAME_MAX` in its unit-name.h).
const LONGEST: usize = 255;

/// The name of a unit that can have a cgroup, whole and with its type: `nginx.service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(String);

/// The types of units that have a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Processes that systemd starts.
    Service,
    /// Processes that others have started.
    Scope,
    /// A group of units.
    Slice,
    /// Its commands before and after listening.
    Socket,
    /// Its mount and umount.
    Mount,
    /// Its swapon and swapoff.
    Swap,
}

/// Why a text is no unit's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing in front of the type.
    #[error("\"{}\" names no unit; say for example nginx", printable(text))]
    Empty {
        /// What was typed.
        text: String,
    },
    /// Longer than systemd takes.
    #[error("a unit's name has at most {LONGEST} bytes, this one has {length}: \"{}…\"", printable(start))]
    TooLong {
        /// In bytes, with the type.
        length: usize,
        /// Its beginning.
        start: String,
    },
    /// A character that no name has.
    #[error(
        "a unit's name has no {:?}, only A-Z a-z 0-9 : - _ . \\ @, so \"{}\" is none{}",
        character,
        printable(text),
        hint(text)
    )]
    Character {
        /// What was typed.
        text: String,
        /// The first of them.
        character: char,
    },
    /// Only an instance.
    #[error(
        "\"{text}\" has nothing in front of its @; the template's name goes there, as in foo@bar.service"
    )]
    NoTemplate {
        /// What was typed.
        text: String,
    },
    /// A template, which never runs itself.
    #[error(
        "\"{name}\" is a template, which never runs itself; name an instance of it, as in {}",
        instance(name)
    )]
    Template {
        /// The template.
        name: String,
    },
    /// A unit that has no processes.
    #[error("\"{name}\" is {kind}, which has no cgroup and so no processes; name the service that it is for")]
    NoCgroup {
        /// The unit.
        name: String,
        /// Its type, with its article.
        kind: &'static str,
    },
    /// The slice that holds all others.
    #[error("-.slice is the whole system; to record all services, say '*.service'")]
    Root,
}

fn hint(text: &str) -> &'static str {
    if text.starts_with('/') { "; for a cgroup by its path, say --cgroup" } else { "" }
}

fn instance(template: &str) -> String {
    template.replacen("@.", "@NAME.", 1)
}

/// Every type of unit there is: those that have a cgroup, and those that have none, with their article.
fn kind(suffix: &str) -> Option<Result<Kind, &'static str>> {
    Some(match suffix {
        "service" => Ok(Kind::Service),
        "scope" => Ok(Kind::Scope),
        "slice" => Ok(Kind::Slice),
        "socket" => Ok(Kind::Socket),
        "mount" => Ok(Kind::Mount),
        "swap" => Ok(Kind::Swap),
        "target" => Err("a target"),
        "timer" => Err("a timer"),
        "path" => Err("a path"),
        "device" => Err("a device"),
        "automount" => Err("an automount"),
        _ => return None,
    })
}

/// Whether a unit's name may have it.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || ":-_.\\@".contains(c)
}

impl UnitName {
    /// What a person typed. As for systemctl, a text without a known type is a service: `nginx` and `my.app`
    /// are `nginx.service` and `my.app.service`. Unlike there, nothing is escaped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let typed = || text.to_owned();
        let suffix = text.rsplit_once('.').and_then(|(_, suffix)| kind(suffix));
        let name = if suffix.is_some() { typed() } else { format!("{text}.service") };
        if name.len() > LONGEST {
            return Err(NameError::TooLong { length: name.len(), start: text.chars().take(40).collect() });
        }
        if let Some(character) = text.chars().find(|c| !is_plain(*c)) {
            return Err(NameError::Character { text: typed(), character });
        }
        let (stem, _) = name.rsplit_once('.').unwrap_or_default();
        if stem.is_empty() {
            return Err(NameError::Empty { text: typed() });
        }
        if stem.starts_with('@') {
            return Err(NameError::NoTemplate { text: typed() });
        }
        // What follows the first @ is the instance.
        if stem.find('@') == Some(stem.len() - 1) {
            return Err(NameError::Template { name });
        }
        if name == "-.slice" {
            return Err(NameError::Root);
        }
        if let Some(Err(kind)) = suffix {
            return Err(NameError::NoCgroup { name, kind });
        }
        Ok(Self(name))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is, as the end of its name says.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let suffix = self.0.rsplit_once('.').and_then(|(_, suffix)| kind(suffix));
        suffix.and_then(Result::ok).unwrap_or(Kind::Service)
    }

    /// What its cgroup's folder is called.
    #[must_use]
    pub fn cgroup_name(&self) -> String {
        if needs_escape(&self.0) { format!("_{}", self.0) } else { self.0.clone() }
    }

    /// The unit whose cgroup's folder is called `folder`. None where no unit's is.
    #[must_use]
    pub fn from_cgroup_name(folder: &str) -> Option<Self> {
        // An underscore in front of what needs none, systemd has not put there.
        let name = match folder.strip_prefix('_') {
            Some(name) => Some(name).filter(|name| needs_escape(name))?,
            None => folder,
        };
        // A whole name, not what a person may type for one.
        Self::parse(name).ok().filter(|unit| unit.0 == name)
    }

    /// What its files are called, without a suffix.
    #[must_use]
    pub fn file_name(&self) -> String {
        file_name(&self.0)
    }
}

/// Whether a cgroup of that name could be mistaken for a file of cgroupfs, or for an escaped name: the rule of
/// `cg_needs_escape` in systemd's cgroup-util.c. Its older versions know fewer controllers (the `bpf-` ones
/// came with 235 to 257); who reads a folder's name takes both for the same unit.
fn needs_escape(name: &str) -> bool {
    const CONTROLLERS: [&str; 14] = [
        "cpu",
        "cpuacct",
        "cpuset",
        "io",
        "blkio",
        "memory",
        "devices",
        "pids",
        "bpf-firewall",
        "bpf-devices",
        "bpf-foreign",
        "bpf-socket-bind",
        "bpf-restrict-network-interfaces",
        "bpf-bind-network-interface",
    ];
    name.starts_with(['_', '.'])
        || ["notify_on_release", "release_agent", "tasks"].contains(&name)
        || name.starts_with("cgroup.")
        || name.split_once('.').is_some_and(|(start, _)| CONTROLLERS.contains(&start))
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UnitName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> String {
        UnitName::parse(text).unwrap().to_string()
    }

    #[test]
    fn what_has_no_type_is_a_service() {
        assert_eq!(name("nginx"), "nginx.service");
        assert_eq!(name("my.app"), "my.app.service");
        assert_eq!(name("getty@tty1"), "getty@tty1.service");
        assert_eq!(name("foo@bar@baz"), "foo@bar@baz.service");
        assert_eq!(name("foo.service@bar"), "foo.service@bar.service");
        for whole in ["nginx.service", "...service", "system.slice", "init.scope", "a\\x2db.mount", "x.swap"]
        {
            assert_eq!(name(whole), whole);
        }
        assert_eq!(UnitName::parse("x.socket").unwrap().kind(), Kind::Socket);
        assert_eq!(UnitName::parse("x").unwrap().kind(), Kind::Service);
    }

    #[test]
    fn every_refusal_is_one_clear_line() {
        let long = "x".repeat(300);
        let texts = [
            "",
            ".service",
            "../x",
            "/docker/abc",
            "a b",
            "a\x1b[2J\n",
            "ü",
            &long,
            "@",
            "@x.service",
            "foo@",
            "foo@.service",
            "-.slice",
            "multi-user.target",
            "x.timer",
            "x.path",
            "dev-sda.device",
            "x.automount",
        ];
        let lines: Vec<_> = texts.iter().map(|text| UnitName::parse(text).unwrap_err().to_string()).collect();
        assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:#?}");
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_longest_name_is_systemds() {
        assert_eq!(name(&"x".repeat(247)).len(), 255);
        assert!(matches!(UnitName::parse(&"x".repeat(248)), Err(NameError::TooLong { length: 256, .. })));
    }

    #[test]
    fn a_cgroup_is_called_as_systemd_calls_it() {
        for (unit, folder) in [
            ("nginx.service", "nginx.service"),
            ("cpu.service", "_cpu.service"),
            ("cpu.foo.service", "_cpu.foo.service"),
            ("cpux.service", "cpux.service"),
            ("memory.slice", "_memory.slice"),
            ("cgroup.service", "_cgroup.service"),
            ("_x.service", "__x.service"),
            ("...service", "_...service"),
            ("tasks.service", "tasks.service"),
        ] {
            let unit = UnitName::parse(unit).unwrap();
            assert_eq!(unit.cgroup_name(), folder);
            assert_eq!(UnitName::from_cgroup_name(folder), Some(unit));
        }
    }

    #[test]
    fn other_folders_are_no_units() {
        for folder in [
            "",
            "_",
            "nginx",
            "docker",
            "_nginx.service",
            "cgroup.procs",
            ".service",
            "foo@.service",
            "x.timer",
        ] {
            assert_eq!(UnitName::from_cgroup_name(folder), None, "{folder}");
        }
        // An older systemd knows no such controller.
        assert!(UnitName::from_cgroup_name("bpf-foreign.service").is_some());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_name_and_says_itself(text in ".{0,20}|[a-z@._:\\-]{0,8}(.service|.slice|.timer)?") {
            if let Ok(unit) = UnitName::parse(&text) {
                prop_assert!(unit.as_str().chars().all(is_plain));
                prop_assert!(unit.as_str().starts_with(&text));
                prop_assert_eq!(UnitName::parse(unit.as_str()), Ok(unit.clone()));
                prop_assert_eq!(UnitName::from_cgroup_name(&unit.cgroup_name()), Some(unit));
            }
        }
    }
}
