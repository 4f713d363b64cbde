//! A file that is as it should be, in four fifths of the time: a merge reads millions of rows.
//!
//! serde takes a row's times apart, writes each as a text and reads that again. Here they are taken as the TOML
//! library has read them. Whatever is not as it should be gives None, and is read anew by serde, which says why.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeArray, DeInteger, DeTable, DeValue, Deserializer},
    value::Datetime,
};

use super::{EvidenceTable, File};

pub(super) fn read(text: &str) -> Option<File> {
    let mut root = DeTable::parse(text).ok()?;
    let evidence = match root.get_mut().remove("evidence") {
        Some(rows) => rows.get_ref().as_array()?.iter().map(row).collect::<Option<_>>()?,
        None => Vec::new(),
    };
    let file = File::deserialize(Deserializer::from(root)).ok()?;
    Some(File { evidence, ..file })
}

fn row(table: &Spanned<DeValue<'_>>) -> Option<EvidenceTable> {
    let (mut abi, mut name, mut numbers, mut times, mut programs) = (None, None, [None; 4], [None; 2], None);
    let (mut only_at_start, mut hosts, mut all_hosts_but) = (false, None, None);
    for (key, value) in table.get_ref().as_table()? {
        let value = value.get_ref();
        match &**key.get_ref() {
            "abi" => abi = Some(value.as_str()?.to_owned()),
            "name" => name = Some(value.as_str()?.to_owned()),
            "number" => numbers[0] = Some(number(value)?),
            "calls" => numbers[1] = Some(number(value)?),
            "first_seen" => times[0] = Some(time(value)?),
            "last_seen" => times[1] = Some(time(value)?),
            "starts" => numbers[2] = Some(number(value)?),
            "hours" => numbers[3] = Some(number(value)?),
            "only_at_start" => only_at_start = value.as_bool()?,
            "programs" => programs = Some(set(value)?),
            "hosts" => hosts = Some(set(value)?),
            "all_hosts_but" => all_hosts_but = Some(set(value)?),
            _ => return None,
        }
    }
    let [number, calls, starts, hours] = numbers;
    Some(EvidenceTable {
        abi: abi?,
        name,
        number: number?.try_into().ok()?,
        calls: calls?,
        first_seen: times[0]?,
        last_seen: times[1]?,
        starts,
        hours,
        only_at_start,
        programs: programs?,
        hosts,
        all_hosts_but,
    })
}

fn number(value: &DeValue<'_>) -> Option<u64> {
    let number: &DeInteger<'_> = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn time(value: &DeValue<'_>) -> Option<Datetime> {
    value.as_datetime().copied()
}

fn set(value: &DeValue<'_>) -> Option<BTreeSet<String>> {
    let array: &DeArray<'_> = value.as_array()?;
    array.iter().map(|entry| entry.get_ref().as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::allowlist::tests::sample;

    /// What can stand in a row, right or wrong.
    const VALUES: &[&str] = &[
        "\"x86_64\"",
        "\"\\u0041\"",
        "'read'",
        "0",
        "-1",
        "+5",
        "0x1F",
        "1_000",
        "4294967296",
        "9223372036854775808",
        "18446744073709551616",
        "1.5",
        "true",
        "[]",
        "[\"a\", \"a\"]",
        "[1]",
        "{}",
        "{ a = 1 }",
        "2026-11-23T17:36:21Z",
        "2026-11-23 17:36:21.5+01:00",
        "2026-11-23",
        "17:36",
        "",
    ];
    const KEYS: &[&str] = &[
        "abi",
        "name",
        "number",
        "calls",
        "first_seen",
        "last_seen",
        "starts",
        "hours",
        "only_at_start",
        "programs",
        "hosts",
        "all_hosts_but",
        "evidence",
        "format",
        "x",
    ];

    #[test]
    fn what_is_as_it_should_be_is_read_so() {
        let text = sample().to_toml();
        let rows = read(&text).map(|file| file.evidence.len());
        assert_eq!(rows, Some(sample().evidence.len()));
    }

    proptest! {
        /// Lines of a file are changed and put in; what is still read this way is what serde reads.
        #[test]
        fn no_other_than_serde(changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(KEYS), prop::sample::select(VALUES), any::<bool>()), 1..3,
        )) {
            let text = sample().to_toml();
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            for (at, key, value, put_in) in changes {
                // In the place of one with this key, so that both differ in the value alone; or anywhere.
                let with_key: Vec<_> = (0..lines.len()).filter(|&line| lines[line].starts_with(key)).collect();
                let line = format!("{key} = {value}");
                if with_key.is_empty() || put_in {
                    lines.insert(at.index(lines.len()), line);
                } else {
                    lines[with_key[at.index(with_key.len())]] = line;
                }
            }
            let text = lines.join("\n");
            if let Some(quick) = read(&text) {
                let serde = toml::from_str::<File>(&text);
                prop_assert_eq!(format!("{:?}", Ok::<_, toml::de::Error>(quick)), format!("{serde:?}"));
            }
        }
    }
}
