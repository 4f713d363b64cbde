//! Which scenarios there are, which of them share a machine, and what became of them.

use std::{fmt, time::Duration};

use anyhow::{Result, bail};

/// A script in the folder of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// When the machine gives it up. It guards against standing still, and asserts nothing: generous.
    pub(super) patience: Duration,
    /// Whether it works with the package, and not with the bare program.
    pub(super) packaged: bool,
}

/// Scenarios that share a boot, in their order. Each leaves the machine as it found it, the package apart.
type Machine = (&'static str, &'static [Scenario]);

const fn packaged(name: &'static str, seconds: u64) -> Scenario {
    Scenario { name, patience: Duration::from_secs(seconds), packaged: true }
}

const MACHINES: &[Machine] = &[
    (
        "nginx",
        &[
            Scenario { name: "run", patience: Duration::from_secs(400), packaged: false },
            packaged("story-nginx", 600),
            packaged("story-seed", 600),
            packaged("boot", 400),
        ],
    ),
    (
        "services",
        &[
            packaged("daemons", 900),
            packaged("set-up", 400),
            packaged("compat", 300),
            packaged("own-filter", 400),
            packaged("filters", 900),
            packaged("stages", 1500),
            packaged("profiles", 900),
        ],
    ),
    (
        "crowd",
        &[
            packaged("restarts", 1200),
            packaged("many", 900),
            packaged("bad-input", 300),
            packaged("package", 600),
        ],
    ),
];

/// The machines that run the scenarios of these names, or all.
pub(super) fn choose(names: &[String]) -> Result<Vec<(&'static str, Vec<Scenario>)>> {
    let all = || MACHINES.iter().flat_map(|(_, scenarios)| scenarios.iter().map(|scenario| scenario.name));
    if let Some(unknown) = names.iter().find(|name| all().all(|known| known != name.as_str())) {
        bail!("no scenario is called {unknown}; there are: {}", all().collect::<Vec<_>>().join(" "));
    }
    let wanted = |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    let chosen = MACHINES
        .iter()
        .map(|(machine, scenarios)| (*machine, scenarios.iter().copied().filter(wanted).collect::<Vec<_>>()));
    Ok(chosen.filter(|(_, scenarios)| !scenarios.is_empty()).collect())
}

/// What the console says of the scenarios, as it goes.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    passed: Vec<(String, Duration)>,
    failed: Vec<(String, Duration)>,
    said: Vec<(String, String)>,
    begun: Duration,
    current: String,
    /// Whether the machine came to its end.
    pub(super) done: bool,
}

impl Verdicts {
    /// Takes a line that came so long after the start.
    pub(super) fn line(&mut self, line: &str, at: Duration) {
        if let Some(said) = line.trim_end().strip_prefix("==== says ") {
            self.said.push((self.current.clone(), said.to_owned()));
            return;
        }
        let Some(said) = line.trim_end().strip_prefix("==== ") else { return };
        let took = at.saturating_sub(self.begun);
        match said.split(' ').collect::<Vec<_>>()[..] {
            ["passed", name] => self.passed.push((name.to_owned(), took)),
            ["failed", name, ..] => self.failed.push((name.to_owned(), took)),
            ["done"] => self.done = true,
            [name] if name != self.current => {
                self.begun = at;
                name.clone_into(&mut self.current);
            }
            _ => {}
        }
    }

    /// What became of each of these. One of which nothing was heard has failed.
    pub(super) fn results(&self, scenarios: &[Scenario]) -> Vec<Outcome> {
        let outcome = |scenario: &Scenario| {
            let find =
                |list: &[(String, Duration)]| list.iter().find(|(name, _)| name == scenario.name).cloned();
            let (passed, failed) = (find(&self.passed), find(&self.failed));
            Outcome {
                name: scenario.name,
                passed: passed.is_some() && failed.is_none(),
                took: failed.or(passed).map(|(_, took)| took),
                said: self
                    .said
                    .iter()
                    .filter(|(name, _)| name == scenario.name)
                    .map(|(_, said)| said.clone())
                    .collect(),
            }
        };
        scenarios.iter().map(outcome).collect()
    }
}

/// What became of a scenario.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) passed: bool,
    took: Option<Duration>,
    /// Lines for whoever compares releases.
    said: Vec<String>,
}

impl Outcome {
    /// For a table.
    pub(super) fn brief(&self) -> String {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        self.took.map_or_else(|| verdict.to_owned(), |took| format!("{verdict}, {} s", took.as_secs()))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        match self.took {
            Some(took) => write!(f, "{verdict}  {:<12} {:>4} s", self.name, took.as_secs())?,
            None => write!(f, "{verdict}  {:<12} did not come to its end", self.name)?,
        }
        self.said.iter().try_for_each(|said| write!(f, "\n        {said}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;
    use crate::shell::root;

    #[test]
    fn every_script_is_run() {
        let listed: BTreeSet<_> =
            MACHINES.iter().flat_map(|(_, all)| all.iter().map(|one| one.name.to_owned())).collect();
        let folder = fs::read_dir(root().join("xtask/src/vm/scenarios")).unwrap();
        let scripts: BTreeSet<_> = folder
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(listed, scripts);
    }

    #[test]
    fn an_unknown_name_is_an_error_and_a_known_one_is_alone() {
        assert!(choose(&["ruin".to_owned()]).unwrap_err().to_string().contains("ruin"));
        let chosen = choose(&["many".to_owned()]).unwrap();
        assert_eq!(chosen.len(), 1);
        assert_eq!((chosen[0].0, chosen[0].1.len(), chosen[0].1[0].name), ("crowd", 1, "many"));
        assert_eq!(choose(&[]).unwrap().len(), MACHINES.len());
    }

    #[test]
    fn only_what_said_that_it_passed_has_passed() {
        let mut verdicts = Verdicts::default();
        let lines = [
            "==== run",
            "==== says 70 names",
            "==== passed run",
            "==== boot",
            "==== rebooting in the middle of boot",
        ];
        for (line, second) in lines.into_iter().zip(1..) {
            verdicts.line(line, Duration::from_secs(second));
        }
        verdicts.line("==== boot", Duration::from_secs(20));
        let scenarios: Vec<_> =
            MACHINES[0].1.iter().copied().filter(|one| one.name != "story-seed").collect();
        let passed = |verdicts: &Verdicts| -> Vec<_> {
            verdicts.results(&scenarios).iter().map(|one| (one.name, one.passed)).collect()
        };
        assert_eq!(passed(&verdicts), [("run", true), ("story-nginx", false), ("boot", false)]);
        verdicts.line("==== failed boot (status 1)\r", Duration::from_secs(34));
        assert_eq!(passed(&verdicts)[2], ("boot", false));
        assert_eq!(verdicts.results(&scenarios)[2].took, Some(Duration::from_secs(30)));
        assert!(!verdicts.done);
        assert_eq!(
            verdicts.results(&scenarios)[0].to_string(),
            "passed  run             2 s\n        70 names"
        );
    }
}
