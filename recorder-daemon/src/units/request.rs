//! What a person asks to have recorded.

use std::{fmt, str::FromStr};

use glob::Pattern;

use super::{
    NameError, UnitName,
    name::is_plain,
    path::{self, PathError},
};
use crate::printable::printable;

/// The longest pattern, in bytes: as long as the names that it is for.
const LONGEST: usize = 255;

/// What a person asks for. A unit is recorded as long as a request wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// A unit, by its name.
    Unit(UnitName),
    /// Every unit whose name matches, now and later: `*.service`.
    Glob(Pattern),
    /// A cgroup, whoever made it: its path in the hierarchy, from `/`, without `.`, `..` and empty parts.
    Cgroup(String),
}

/// Why a text is no request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestError {
    /// No unit's name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No pattern.
    #[error(
        "\"{}\" is no pattern for names of units: {reason}; say for example '*.service'",
        printable(text)
    )]
    Pattern {
        /// What was typed.
        text: String,
        /// What is wrong with it.
        reason: Reason,
    },
    /// No cgroup's path.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Reason {
    /// Longer than any name.
    #[error("it is longer than the {LONGEST} bytes that a name may have")]
    TooLong,
    /// It could match nothing.
    #[error("no name has a {0:?} in it")]
    Character(char),
    /// Two stars.
    #[error("one * is enough")]
    Stars,
    /// A bracket without its fellow.
    #[error("a [ needs a character and its ]")]
    Brackets,
}

impl Request {
    /// What a person typed: a unit's name or a pattern for such, or, with `cgroup`, the path of a cgroup in the
    /// hierarchy. Whether any such thing is there is another question; see `resolve`
    /// for paths below the mount point.
    pub fn parse(text: &str, cgroup: bool) -> Result<Self, RequestError> {
        if cgroup {
            return Ok(Self::Cgroup(path::checked(text)?));
        }
        if text.contains(['*', '?', '[']) {
            return pattern(text).map(Self::Glob);
        }
        Ok(Self::Unit(UnitName::parse(text)?))
    }

    /// Whether it asks for this unit.
    #[must_use]
    pub fn matches(&self, unit: &UnitName) -> bool {
        match self {
            Self::Unit(name) => name == unit,
            Self::Glob(pattern) => pattern.matches(unit.as_str()),
            Self::Cgroup(_) => false,
        }
    }
}

fn pattern(text: &str) -> Result<Pattern, RequestError> {
    let no_pattern = |reason| {
        let text = text.chars().take(40).collect();
        RequestError::Pattern { text, reason }
    };
    if text.len() > LONGEST {
        return Err(no_pattern(Reason::TooLong));
    }
    // With nothing but what names have, a pattern never looks like a path, and `[^a]`, which the shell knows and
    // this does not, is no silent surprise.
    if let Some(character) = text.chars().find(|c| !is_plain(*c) && !"*?[]!".contains(*c)) {
        return Err(no_pattern(Reason::Character(character)));
    }
    // To the crate that would be folders.
    if text.contains("**") {
        return Err(no_pattern(Reason::Stars));
    }
    Pattern::new(text).map_err(|_| no_pattern(Reason::Brackets))
}

/// The text that [`Request::parse`] takes.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(name) => name.fmt(f),
            Self::Glob(pattern) => f.pad(pattern.as_str()),
            Self::Cgroup(path) => f.pad(path),
        }
    }
}

/// Takes what [`Display`](fmt::Display) gives, for files: of all requests only a cgroup's begins with a `/`.
impl FromStr for Request {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        Self::parse(text, text.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(text: &str) -> UnitName {
        UnitName::parse(text).unwrap()
    }

    #[test]
    fn each_asks_for_what_it_says() {
        let nginx = Request::parse("nginx", false).unwrap();
        assert!(nginx.matches(&unit("nginx.service")) && !nginx.matches(&unit("nginx.socket")));
        let services = Request::parse("*.service", false).unwrap();
        assert!(services.matches(&unit("nginx")) && !services.matches(&unit("nginx.socket")));
        let some = Request::parse("a[!b-d]?.s*", false).unwrap();
        assert!(some.matches(&unit("aex.slice")) && !some.matches(&unit("abx.slice")));
        let escaped = Request::parse("a\\x2d*", false).unwrap();
        assert!(escaped.matches(&unit("a\\x2db.mount")));
        let cgroup = Request::parse("/docker//abc/./", true).unwrap();
        assert_eq!(cgroup.to_string(), "/docker/abc");
        assert!(!cgroup.matches(&unit("nginx")));
    }

    #[test]
    fn every_refusal_is_one_clear_line() {
        let long = "*".repeat(256);
        let texts = ["[", "[^a]*", "***", "a**b", "/docker/*", "*\x1b[2J", &long, "foo@"];
        let paths = ["", "docker", "/", "//./", "/a/../b", "/a\nb"];
        let lines: Vec<_> = (texts.iter().map(|text| Request::parse(text, false)))
            .chain(paths.iter().map(|path| Request::parse(path, true)))
            .map(|request| request.unwrap_err().to_string())
            .collect();
        assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:#?}");
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_pattern_of_many_stars_is_matched_in_no_time() {
        let request = Request::parse(&format!("{}b", "*a".repeat(120)), false).unwrap();
        assert!(!request.matches(&unit(&"a".repeat(240))));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_is_taken(
            text in ".{0,20}|[a-c@.*?\\[\\]!\\-]{0,8}(.service|.slice)?|(/[a.]{0,3}){0,4}",
            cgroup in any::<bool>(),
        ) {
            if let Ok(request) = Request::parse(&text, cgroup) {
                let shown = request.to_string();
                prop_assert_eq!(Request::parse(&shown, cgroup), Ok(request.clone()));
                prop_assert_eq!(shown.parse(), Ok(request));
            }
        }
    }
}
