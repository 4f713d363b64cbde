//! The page asks for nothing, and nothing in it is refused.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Browser, busy, hostile, quiet, service};

/// The addresses that were asked for.
fn requests(happened: &[Value]) -> Vec<&str> {
    let sent = happened.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
    sent.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
}

/// What the browser has to complain about: errors of scripts, and what a policy refuses.
fn complaints(happened: &[Value]) -> Vec<&Value> {
    let said = ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"];
    happened.iter().filter(|event| said.iter().any(|method| event["method"] == *method)).collect()
}

#[test]
fn it_asks_for_nothing_and_nothing_is_refused() {
    for allowlist in [service(), quiet(), busy(), hostile()] {
        let (browser, happened) = Browser::open(&allowlist);
        let page = format!("file://{}", browser.file().display());
        let asked: Vec<_> = requests(&happened).into_iter().filter(|url| *url != "data:,").collect();
        assert_eq!(asked, [page], "{}", allowlist.unit);
        assert_eq!(complaints(&happened), Vec::<&Value>::new(), "{}", allowlist.unit);
    }
}

/// The other way round: what is not the page's own does not run, so the test above sees a policy at work.
#[test]
fn what_is_not_its_own_is_refused() {
    let (mut browser, _) = Browser::open(&service());
    let whole = fs::read_to_string(browser.file()).unwrap();
    let foreign = "<script>document.title = 'taken'</script><p id=\"styled\" style=\"color: red\">x</p>\
                   <img src=\"http://127.0.0.1:9/x.png\" alt=\"\"></main>";
    fs::write(browser.file(), whole.replace("</main>", foreign)).unwrap();
    let page = format!("file://{}", browser.file().display());
    let happened = browser.open(&page).unwrap();
    assert_ne!(browser.value("document.title"), "taken");
    assert_ne!(browser.value("getComputedStyle(document.getElementById('styled')).color"), "rgb(255, 0, 0)");
    let refused = complaints(&happened);
    for directive in ["script-src", "style-src", "img-src"] {
        assert!(
            refused.iter().any(|event| event.to_string().contains(directive)),
            "{directive}: {refused:?}"
        );
    }
}

#[test]
fn a_thousand_starts_and_four_hundred_names_are_less_than_a_megabyte() {
    let (mut browser, _) = Browser::open(&busy());
    let bytes = fs::metadata(browser.file()).unwrap().len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    assert_eq!(browser.value("document.getElementById('table').tBodies[0].rows.length"), json!(400));
    println!("400 names, 1,000 starts: {bytes} bytes");
    let page = format!("file://{}", browser.file().display());
    browser.call("Performance.enable", &json!({})).unwrap();
    // In turns, so that both meet the same load of the machine.
    for _ in 0..5 {
        for address in ["about:blank", &page] {
            browser.open(address).unwrap();
            println!("{:<12} {}", address.split('/').next_back().unwrap_or_default(), opening(&mut browser));
        }
    }
}

/// What opening the page has taken, in ms: until it was parsed, loaded and painted, and of that for what. Figures for
/// people, on a machine with who knows what else to do.
fn opening(browser: &mut Browser) -> String {
    let until = browser.value(
        "(() => { const [n] = performance.getEntriesByType('navigation');
        const [p] = performance.getEntriesByName('first-contentful-paint');
        return [n.domContentLoadedEventEnd, n.loadEventEnd, p ? p.startTime : 0].map(Math.round); })()",
    );
    let spent = browser.call("Performance.getMetrics", &json!({})).unwrap();
    let spent = spent["metrics"].as_array().cloned().unwrap_or_default();
    let of = |name: &str| {
        let metric = spent.iter().find(|metric| metric["name"] == name);
        let seconds = metric.and_then(|metric| metric["value"].as_f64()).unwrap_or_default();
        format!("{name} {:.0}", seconds * 1000.0)
    };
    let all = ["ScriptDuration", "RecalcStyleDuration", "LayoutDuration", "TaskDuration"].map(of);
    format!("parsed, loaded, painted: {until}; {}", all.join(", "))
}
