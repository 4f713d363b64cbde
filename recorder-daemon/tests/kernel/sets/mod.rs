//! Real programs: the set of names that `run` records is the set that `strace -f` sees, name by name.

mod exact;
mod racing;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::support::{Bench, renamed, strace};

/// How two runs of a program can be compared.
enum Agreement {
    /// One run each: the same names, each called as often.
    Counts,
    /// One run each: the same names. How often depends on which process is faster.
    Names,
    /// Which names depends on which process or thread is faster, for the reason given. Runs are repeated
    /// and their union compared, until both have seen the same or there were `rounds`.
    Union { rounds: u32, why: &'static str },
}

/// One program.
struct Program<'a> {
    name: &'static str,
    command: &'a [&'a str],
    agreement: Agreement,
    /// Fills the working folder, which is empty before each run.
    prepare: &'a dyn Fn(&Path),
    /// What goes on outside while it runs.
    during: &'a dyn Fn(&Path),
}

const NOTHING: &dyn Fn(&Path) = &|_| ();

impl<'a> Program<'a> {
    fn new(name: &'static str, command: &'a [&'a str], agreement: Agreement) -> Self {
        Self { name, command, agreement, prepare: NOTHING, during: NOTHING }
    }

    fn prepared(self, prepare: &'a dyn Fn(&Path)) -> Self {
        Self { prepare, ..self }
    }

    fn with(self, during: &'a dyn Fn(&Path)) -> Self {
        Self { during, ..self }
    }

    /// Compares. The program itself must end well, and write the same in both.
    fn compare(&self, bench: &Bench) {
        let mut recorded = BTreeMap::new();
        let mut traced = BTreeMap::new();
        let (rounds, why) = match self.agreement {
            Agreement::Counts | Agreement::Names => (1, ""),
            Agreement::Union { rounds, why } => (rounds, why),
        };
        let mut needed = 0;
        while needed < rounds {
            needed += 1;
            let (mine, theirs) = self.round(bench);
            recorded.extend(mine);
            traced.extend(theirs);
            if names(&recorded) == names(&traced) {
                break;
            }
        }
        let only = |one: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>| {
            names(one).difference(&names(other)).map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            (only(&recorded, &traced), only(&traced, &recorded)),
            (vec![], vec![]),
            "{}: names that only the recorder, and only strace, saw in {needed} rounds",
            self.name
        );
        if let Agreement::Counts = self.agreement {
            assert_eq!(recorded, traced, "{}: how often, the recorder's and strace's", self.name);
        }
        let compared = if let Agreement::Counts = self.agreement { "counts" } else { "names" };
        table::add(self.name, recorded.len(), recorded.values().sum(), compared, needed, why);
    }

    /// One run each, the recorder's and strace's.
    fn round(&self, bench: &Bench) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
        self.empty_folder(bench);
        let _ = fs::remove_file(bench.file());
        let started = crate::support::Started::new(&mut bench.run(self.command));
        (self.during)(&bench.work());
        let mine = started.finish();
        assert_eq!(mine.status.code(), Some(0), "{}: {}", self.name, String::from_utf8_lossy(&mine.stderr));
        let allowlist = bench.allowlist();
        allowlist.assert_whole();
        assert_eq!(allowlist.abis(), [crate::support::NATIVE].into(), "{}", self.name);

        self.empty_folder(bench);
        let (counts, theirs) = strace(bench, self.command, &|| (self.during)(&bench.work()));
        assert_eq!(
            theirs.status.code(),
            Some(0),
            "{}: {}",
            self.name,
            String::from_utf8_lossy(&theirs.stderr)
        );
        assert_eq!(
            String::from_utf8_lossy(&mine.stdout),
            String::from_utf8_lossy(&theirs.stdout),
            "{}: what it wrote",
            self.name
        );
        let counts = renamed(&counts, &allowlist);
        let mine = allowlist.counts(crate::support::NATIVE);
        assert_eq!(
            names(&mine),
            allowlist.names(crate::support::NATIVE).iter().map(String::as_str).collect()
        );
        (mine, counts)
    }

    fn empty_folder(&self, bench: &Bench) {
        fs::remove_dir_all(bench.work()).unwrap();
        fs::create_dir(bench.work()).unwrap();
        (self.prepare)(&bench.work());
    }
}

fn names(counts: &BTreeMap<String, u64>) -> BTreeSet<&str> {
    counts.keys().map(String::as_str).collect()
}
