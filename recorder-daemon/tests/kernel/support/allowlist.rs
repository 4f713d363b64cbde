//! The allowlist file, read as whoever reviews it reads it: by its format, not by the project's own types.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use toml::{Table, Value};

/// The ABI of this machine's 64-bit programs.
pub(crate) const NATIVE: &str = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };

pub(crate) struct Allowlist(Table);

impl Allowlist {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let table: Table = text.parse().unwrap();
        assert_eq!(table["format"].as_integer(), Some(1));
        Self(table)
    }

    /// The ABIs that anything was seen of.
    pub(crate) fn abis(&self) -> BTreeSet<&str> {
        self.evidence().map(|evidence| evidence["abi"].as_str().unwrap()).collect()
    }

    /// One of the sets in `[observed]`.
    pub(crate) fn observed(&self, key: &str) -> BTreeSet<&str> {
        self.0["observed"][key].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect()
    }

    /// The names in `[allow]`.
    pub(crate) fn names(&self, abi: &str) -> BTreeSet<String> {
        let text = |name: &Value| name.as_str().unwrap().to_owned();
        entries(&self.0["allow"], abi).iter().map(text).collect()
    }

    /// The numbers in `[unnamed]`.
    pub(crate) fn unnamed(&self, abi: &str) -> BTreeSet<u32> {
        let number = |number: &Value| u32::try_from(number.as_integer().unwrap()).unwrap();
        entries(&self.0["unnamed"], abi).iter().map(number).collect()
    }

    /// How often each call was made, from the evidence; what has no name goes by `number N`.
    pub(crate) fn counts(&self, abi: &str) -> BTreeMap<String, u64> {
        let of_abi = self.evidence().filter(|evidence| evidence["abi"].as_str() == Some(abi));
        of_abi
            .map(|evidence| (name(evidence), u64::try_from(evidence["calls"].as_integer().unwrap()).unwrap()))
            .collect()
    }

    /// How often one call was made.
    pub(crate) fn calls(&self, abi: &str, name: &str) -> u64 {
        self.counts(abi).get(name).copied().unwrap_or_default()
    }

    /// The name that the evidence gives a number of the native ABI.
    pub(crate) fn name_of(&self, number: u32) -> Option<String> {
        let is = |evidence: &&Table| {
            evidence["abi"].as_str() == Some(NATIVE)
                && evidence["number"].as_integer() == Some(i64::from(number))
        };
        self.evidence().find(is).map(name)
    }

    pub(crate) fn complete(&self) -> bool {
        self.0["observed"]["complete"].as_bool().unwrap()
    }

    pub(crate) fn starts(&self) -> u64 {
        u64::try_from(self.0["observed"]["starts"].as_integer().unwrap()).unwrap()
    }

    /// A figure of what happened to the unit.
    pub(crate) fn course(&self, key: &str) -> u64 {
        u64::try_from(self.0["observed"]["course"][key].as_integer().unwrap()).unwrap()
    }

    /// In how many occasions by start each call was made.
    pub(crate) fn occasions(&self, abi: &str) -> BTreeMap<String, u64> {
        let of_abi = self.evidence().filter(|evidence| evidence["abi"].as_str() == Some(abi));
        of_abi
            .map(|evidence| {
                (name(evidence), u64::try_from(evidence["starts"].as_integer().unwrap()).unwrap())
            })
            .collect()
    }

    pub(crate) fn gaps(&self) -> BTreeMap<String, u64> {
        let gaps = self.0["observed"].get("gaps").and_then(Value::as_table);
        let count = |count: &Value| u64::try_from(count.as_integer().unwrap()).unwrap();
        gaps.into_iter().flatten().map(|(gap, value)| (gap.clone(), count(value))).collect()
    }

    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        assert_eq!(self.gaps(), BTreeMap::new());
        assert!(self.complete());
    }

    fn evidence(&self) -> impl Iterator<Item = &Table> {
        let evidence = self.0.get("evidence").and_then(Value::as_array);
        evidence.into_iter().flatten().map(|evidence| evidence.as_table().unwrap())
    }
}

fn name(evidence: &Table) -> String {
    evidence.get("name").map_or_else(
        || format!("number {}", evidence["number"].as_integer().unwrap()),
        |name| name.as_str().unwrap().to_owned(),
    )
}

fn entries<'a>(table: &'a Value, abi: &str) -> &'a [Value] {
    table.get(abi).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
