//! What a container's runtime does in the container's cgroup before the container's own command is executed.
//!
//! No fact of the kernel's tells it from a process that somebody has moved in, so it is recorded like everything else.
//! But what a runtime executes was executed outside: no path of it is known here. That is what this goes by.

use std::collections::BTreeSet;

use super::{Allowlist, Evidence};
use crate::recording::Gap;

/// Whether a program was executed by its descriptor, which gives it no path of its own. runc up to 1.1 executes itself
/// so once more, and may be in the cgroup by then.
pub(super) fn by_descriptor(program: &str) -> bool {
    let number = program.strip_prefix("/dev/fd/");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Allowlist {
    /// Whether no program that was executed in the cgroup by a path is known to have made this call. Of what ran before
    /// the recording began nothing is known, so nothing is said then. The execve that ends a set-up is the container's:
    /// its filter is active by then.
    pub(super) fn is_runtimes(&self, evidence: &Evidence) -> bool {
        let name = evidence.name.as_deref();
        !self.observed.gaps.contains_key(&Gap::RunningBefore)
            && name != Some("execve")
            && evidence.tally.programs.iter().all(|program| by_descriptor(program))
    }

    /// The names that are allowed and only a runtime is known to have called, by whatever ABI.
    #[must_use]
    pub fn runtimes(&self) -> BTreeSet<&str> {
        let names = |of_runtime| {
            let evidence = self.evidence.iter().filter(move |one| self.is_runtimes(one) == of_runtime);
            evidence.filter_map(|one| one.name.as_deref()).collect::<BTreeSet<_>>()
        };
        let only = &names(true) - &names(false);
        &only & &self.names()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::sample, *};

    #[test]
    fn a_descriptor_is_no_path() {
        for path in ["/dev/fd/6", "/dev/fd/0", "/dev/fd/123"] {
            assert!(by_descriptor(path));
        }
        for path in ["/dev/fd/", "/dev/fd/x", "/dev/fd/6/x", "/dev/fd", "/bin/sh", ""] {
            assert!(!by_descriptor(path));
        }
    }

    #[test]
    fn only_what_no_program_of_the_containers_made_is_a_runtimes() {
        let mut list = sample();
        list.observed.gaps.clear();
        assert_eq!(list.runtimes(), BTreeSet::new());
        let (mut first, mut second) = (list.evidence[0].clone(), list.evidence[0].clone());
        for (evidence, name) in [(&mut first, "mount"), (&mut second, "execve")] {
            evidence.name = Some(name.to_owned());
            evidence.tally.programs = ["/dev/fd/6".to_owned()].into();
            list.allow.entry(evidence.call.abi).or_default().insert(name.to_owned());
        }
        list.evidence.extend([first.clone(), second]);
        assert_eq!(list.runtimes(), ["mount"].into());
        // By another ABI, the container makes it as well.
        let mut other = first;
        other.tally.programs.insert("/bin/sh".to_owned());
        list.evidence.push(other);
        assert_eq!(list.runtimes(), BTreeSet::new());
        list.evidence.pop();
        list.observed.gaps.insert(Gap::RunningBefore, 1);
        assert_eq!(list.runtimes(), BTreeSet::new());
    }
}
