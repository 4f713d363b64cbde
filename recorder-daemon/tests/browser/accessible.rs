//! What axe-core and the W3C's validator find.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::support::{Browser, busy, hostile, quiet, report, service, tools};

#[test]
fn axe_finds_nothing() {
    let axe = fs::read_to_string(tools().join("node_modules/axe-core/axe.min.js")).unwrap();
    for allowlist in [service(), quiet(), hostile()] {
        let (mut browser, _) = Browser::open(&allowlist);
        browser.value(&format!("{axe}; void 0"));
        for width in [1280, 390] {
            for colours in ["light", "dark"] {
                browser.look(width, colours).unwrap();
                let found = browser.value(
                    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
                    .then((found) => ({ passes: found.passes.length,
                        violations: found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]) }))",
                );
                assert_eq!(found["violations"], json!([]), "{} at {width}, {colours}", allowlist.unit);
                assert!(found["passes"].as_u64().unwrap() > 20, "{found}");
            }
        }
    }
}

#[test]
fn the_headings_are_in_order() {
    let (mut browser, _) = Browser::open(&service());
    let levels =
        browser.value("[...document.querySelectorAll('h1, h2, h3, h4')].map((h) => Number(h.tagName[1]))");
    let levels: Vec<u64> = levels.as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(levels.first(), Some(&1));
    assert_eq!(levels.iter().filter(|&&level| level == 1).count(), 1);
    assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{levels:?}");
}

#[test]
fn the_html_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let mut validator = Command::new("java");
    validator
        .arg("-jar")
        .arg(tools().join("node_modules/vnu-jar/build/dist/vnu.jar"))
        .args(["--Werror", "--format", "text"]);
    for (name, allowlist) in
        [("service", service()), ("quiet", quiet()), ("hostile", hostile()), ("busy", busy())]
    {
        let below = folder.path().join(name);
        fs::create_dir(&below).unwrap();
        validator.arg(report(&allowlist, &below));
    }
    let said = validator.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}
