//! Sorting, filtering, copying, the keyboard; and all that without script.

use serde_json::{Value, json};

use crate::support::{Browser, busy, service};

/// The texts of a column's cells, as they stand, those that are shown.
const COLUMN: &str = "const column = (n) => [...document.getElementById('table').tBodies[0].rows]
    .filter((row) => row.checkVisibility()).map((row) => row.cells[n].textContent.trim());";

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn column(browser: &mut Browser, number: u32) -> Vec<String> {
    strings(&browser.value(&format!("(() => {{ {COLUMN} return column({number}); }})()")))
}

fn click(browser: &mut Browser, selector: &str) {
    browser.value(&format!("void document.querySelector({selector:?}).click()"));
}

#[test]
fn a_head_sorts_by_its_column_and_says_so() {
    let (mut browser, _) = Browser::open(&busy());
    let numbers = |texts: Vec<String>| -> Vec<u64> {
        texts.iter().map(|text| text.replace(',', "").parse().unwrap()).collect()
    };
    let times = column_of(&mut browser, "Times");
    let mut rising = numbers(column(&mut browser, times));
    rising.sort_unstable();
    let head = format!("#table thead th:nth-child({}) button", times + 1);
    click(&mut browser, &head);
    assert_eq!(numbers(column(&mut browser, times)), rising);
    let sorted =
        "[...document.querySelectorAll('[aria-sort]')].map((head) => head.ariaSort + head.textContent)";
    assert_eq!(browser.value(sorted), json!(["ascendingTimes"]));
    click(&mut browser, &head);
    rising.reverse();
    assert_eq!(numbers(column(&mut browser, times)), rising);
    assert_eq!(browser.value(sorted), json!(["descendingTimes"]));
    click(&mut browser, "#table thead th button");
    let names = column(&mut browser, 0);
    assert!(names.is_sorted(), "{names:?}");
}

fn column_of(browser: &mut Browser, title: &str) -> u32 {
    let heads =
        browser.value("[...document.querySelectorAll('#table thead th')].map((head) => head.textContent)");
    u32::try_from(strings(&heads).iter().position(|head| head == title).unwrap()).unwrap()
}

#[test]
fn a_filter_leaves_what_meets_it() {
    let (mut browser, _) = Browser::open(&busy());
    let enter = |browser: &mut Browser, id: &str, value: &str| {
        browser.value(&format!(
            "(() => {{ const field = document.getElementById({id:?}); field.value = {value:?};
            field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        ));
    };
    let all = column(&mut browser, 0).len();
    enter(&mut browser, "filter-text", "SOCK");
    let names = column(&mut browser, 0);
    assert!(names.contains(&"socket".to_owned()) && names.len() < all, "{names:?}");
    assert_eq!(
        browser.value("document.getElementById('shown').textContent"),
        format!("{} of {all} shown", names.len())
    );
    enter(&mut browser, "filter-text", "");
    enter(&mut browser, "filter-set", "@network-io");
    let set = column_of(&mut browser, "Set");
    let sets = column(&mut browser, set);
    assert!(!sets.is_empty() && sets.iter().all(|set| set == "@network-io"), "{sets:?}");
    enter(&mut browser, "filter-set", "");
    enter(&mut browser, "filter-risk", "elevated");
    let look = column_of(&mut browser, "Look twice");
    let doubts = column(&mut browser, look);
    assert!(!doubts.is_empty() && doubts.iter().all(|doubt| doubt.contains("elevated: ")), "{doubts:?}");
    enter(&mut browser, "filter-text", "no such call");
    assert_eq!(column(&mut browser, 0), Vec::<String>::new());
}

#[test]
fn the_drop_in_is_copied() {
    let (mut browser, _) = Browser::open(&service());
    browser.call("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true })).unwrap();
    let drop_in = browser.value("document.getElementById('drop-in-text').textContent");
    assert!(drop_in.as_str().unwrap().contains("\nSystemCallFilter="), "{drop_in}");
    click(&mut browser, "#copy");
    let said = "new Promise((done) => { const wait = () => { const text = document.getElementById('copy-said').textContent;
        text ? done(text) : setTimeout(wait, 20); }; wait(); })";
    assert_eq!(browser.value(said), "Copied.");
    // What it copied, as a person would paste it.
    let pasted = "(() => { const area = document.createElement('textarea'); document.body.append(area); area.focus(); })()";
    browser.value(pasted);
    let paste =
        json!({ "type": "keyDown", "commands": ["paste"], "key": "v", "code": "KeyV", "modifiers": 2 });
    browser.call("Input.dispatchKeyEvent", &paste).unwrap();
    assert_eq!(browser.value("document.querySelector('textarea').value"), drop_in);
}

#[test]
fn the_keyboard_finds_the_way_past_the_head() {
    let (mut browser, _) = Browser::open(&service());
    let press = |browser: &mut Browser, key: &str, text: &str| {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "text": text, "windowsVirtualKeyCode": if key == "Tab" { 9 } else { 13 } });
            browser.call("Input.dispatchKeyEvent", &event).unwrap();
        }
    };
    press(&mut browser, "Tab", "");
    assert_eq!(browser.value("document.activeElement.textContent"), "Skip to the table");
    assert_eq!(browser.value("document.activeElement.getBoundingClientRect().top >= 0"), true);
    press(&mut browser, "Enter", "\r");
    assert_eq!(browser.value("location.hash"), "#calls");
}

#[test]
fn without_script_everything_is_there_and_nothing_is_dead() {
    let (mut browser, _) = Browser::open(&service());
    browser.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true })).unwrap();
    let page = format!("file://{}", browser.file().display());
    browser.open(&page).unwrap();
    assert_eq!(column(&mut browser, 0).len(), 70);
    let dead = "[...document.querySelectorAll('button, input, select')].filter((one) => one.checkVisibility()).length";
    assert_eq!(browser.value(dead), 0);
    browser.picture("report-no-script", None);
}
