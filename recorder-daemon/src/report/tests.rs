use std::collections::BTreeSet;

use super::html;
use crate::{
    allowlist::{Allowlist, tests::sample},
    recording::{Host, Recording, Timestamp},
};

/// The page without its style, its script and its drawings, which have tests and eyes of their own.
fn body(allowlist: &Allowlist) -> String {
    let page = html(allowlist);
    let mut body = String::new();
    let mut rest = page.as_str();
    for (open, close) in
        [("<style>", "</style>"), ("<svg", "</svg>"), ("<svg", "</svg>"), ("<script>", "</script>")]
    {
        let Some((before, inside)) = rest.split_once(open) else { continue };
        body.push_str(before);
        body.push_str("[…]");
        rest = inside.split_once(close).unwrap().1;
    }
    body.push_str(rest);
    // A policy's hashes change with every stroke of the style.
    let lines =
        body.lines().filter(|line| !line.contains("Content-Security-Policy") && !line.trim().is_empty());
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_page_with_everything_odd() {
    let mut allowlist = sample();
    let names = allowlist.allow.get_mut(&recorder_common::Abi::X86_64).unwrap();
    names.remove("bind");
    names.extend(["ptrace".to_owned(), "raed".to_owned()]);
    insta::assert_snapshot!(body(&allowlist));
}

#[test]
fn a_page_about_nothing() {
    insta::assert_snapshot!(body(&Allowlist::of(&Recording::new("quiet.service", Host::default()))));
}

/// One hostile text in every place that text from outside can get to.
fn everywhere(hostile: &str) -> String {
    let mut allowlist = sample();
    allowlist.unit = hostile.to_owned();
    let set = BTreeSet::from([hostile.to_owned()]);
    allowlist.observed.host = Host {
        names: set.clone(),
        kernels: set.clone(),
        systemd: set.clone(),
        tools: set.clone(),
        libcs: set.clone(),
        packages: set.clone(),
    };
    for evidence in &mut allowlist.evidence {
        evidence.tally.programs = set.clone();
    }
    html(&allowlist)
}

#[test]
fn markup_is_escaped_everywhere() {
    let plain = everywhere("plain");
    for hostile in
        ["<script>alert(1)</script>", "</style><b>", "<!--", "\"'><img src=x onerror=alert(1)>", "]]>"]
    {
        let page = everywhere(hostile);
        for mark in ["<", "<!--", "<script", "<b>", "<img", "onerror=alert(1)>"] {
            assert_eq!(page.matches(mark).count(), plain.matches(mark).count(), "{mark} by {hostile}");
        }
    }
}

#[test]
fn what_steers_or_turns_is_spelled_out_everywhere() {
    let page = everywhere("a\u{1b}[2J\r\0\u{9b}\u{202e}\u{2067}b");
    let steers = |c: char| {
        c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}')
    };
    assert_eq!(page.chars().filter(|&c| steers(c)).collect::<String>(), "");
    assert!(page.contains(r"a\u{1b}[2J\u{d}\u{0}\u{9b}\u{202e}\u{2067}b"));
}

#[test]
fn a_name_that_reads_from_the_right_stays_by_itself() {
    let name = "\u{5e9}\u{5dc}\u{5d5}\u{5dd}";
    let page = everywhere(name);
    // A drop-in's lines are each by itself already, and must be copied as they are.
    let (before, after) = page.split_once("<pre").unwrap();
    let loose = before.to_owned() + after.split_once("</pre>").unwrap().1;
    let fenced = loose.matches(&format!("<bdi>{name}</bdi>")).count();
    // Beside them one in the title, between FSI and PDI.
    assert_eq!(loose.matches(name).count(), fenced + 1);
    assert!(page.contains(&format!("&#x2068;{name}&#x2069;")));
}

/// A file may say anything of its times.
#[test]
fn times_that_cannot_be_are_drawn_all_the_same() {
    let mut allowlist = sample();
    allowlist.observed.first = Timestamp::from_unix(u64::MAX);
    allowlist.observed.last = Timestamp::from_unix(0);
    assert!(html(&allowlist).contains("<svg"));
    allowlist.observed.first = Timestamp::from_unix(0);
    allowlist.observed.last = Timestamp::from_unix(u64::MAX);
    allowlist.observed.seconds = u64::MAX;
    allowlist.evidence[0].tally.first_seen = Timestamp::from_unix(u64::MAX);
    assert!(html(&allowlist).contains("<svg"));
}
