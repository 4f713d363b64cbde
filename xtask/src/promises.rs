//! Documents that name tests name tests that are there.

use std::{fs, path::Path};

use crate::shell::root;

/// All that stands in backquotes and looks like a place in the sources.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| ["recorder-daemon/", "xtask/"].iter().any(|begin| span.starts_with(begin)))
}

/// What is wrong with `PATH` or `PATH::TEST`.
fn wrong(span: &str) -> Option<String> {
    let (path, test) = span.split_once("::").map_or((span, None), |(path, test)| (path, Some(test)));
    let Ok(source) = fs::read_to_string(root().join(path)) else {
        return Some(format!("there is no {path}"));
    };
    let test = test?;
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let there = |line: &str| {
        line.strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ")
            .is_some_and(|rest| rest.strip_prefix(test).is_some_and(|rest| rest.starts_with('(')))
    };
    let at = lines.iter().position(|line| there(line));
    // The attributes stand right above, with what explains the test.
    let marks = |at: usize| {
        lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    };
    (!at.is_some_and(marks)).then(|| format!("{path} has no test {test}"))
}

#[test]
fn every_test_that_a_document_names_is_there() {
    for (document, least) in [("docs/promises.md", 40), ("docs/threat-model.md", 25)] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        assert!(named(&text).count() >= least, "{document}: {}", named(&text).count());
        let wrong: Vec<_> = named(&text).filter_map(wrong).collect();
        assert!(wrong.is_empty(), "{document}: {wrong:#?}");
    }
}

#[test]
fn every_promise_names_a_test() {
    let text = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let bare: Vec<_> = rows.filter(|row| named(row).next().is_none()).collect();
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn what_is_not_there_is_found_out() {
    assert!(Path::new(&root().join("xtask/src/promises.rs")).exists());
    assert_eq!(wrong("xtask/src/promises.rs::what_is_not_there_is_found_out"), None);
    assert!(wrong("xtask/src/promises.rs::named").is_some());
    assert!(wrong("xtask/src/promises.rs::no_such_test").is_some());
    assert!(wrong("xtask/src/nothing.rs").is_some());
}
