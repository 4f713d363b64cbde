//! Names from outside are text, and only that.

use serde_json::json;

use crate::support::{Browser, hostile};

#[test]
fn markup_in_names_is_text() {
    let (mut browser, _) = Browser::open(&hostile());
    let title = browser.value("document.title");
    assert!(title.as_str().unwrap().contains("<script>document.title = 'taken'</script>"), "{title}");
    assert_eq!(browser.value("document.getElementById('taken')"), json!(null));
    assert_eq!(browser.value("document.querySelectorAll('script, style, img').length"), 2, "its own two");
    assert_eq!(browser.value("document.querySelectorAll('[onmouseover], [onerror]').length"), 0);
    assert_eq!(browser.value("getComputedStyle(document.body).display"), "block");
    let heading = browser.value("document.querySelector('h1').textContent");
    assert!(heading.as_str().unwrap().starts_with("<script>"), "{heading}");
    let page = browser.value("document.body.innerText");
    let page = page.as_str().unwrap();
    for text in [
        "<img src=x onerror=",
        "{{ unit }} {% raw %} &lt;b&gt;",
        "<b id=\"taken\">host</b>",
        "h\u{fffd}\u{fffd}ost",
    ] {
        assert!(page.contains(text), "{text:?} is not shown");
    }
}

#[test]
fn what_steers_is_spelled_out_and_what_turns_is_fenced_in() {
    let (mut browser, _) = Browser::open(&hostile());
    let steering = r"[...document.body.innerText].filter((c) => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(c)).length";
    assert_eq!(browser.value(steering), 0);
    let page = browser.value("document.body.innerText");
    assert!(
        page.as_str().unwrap().contains(r"\u{202e}gnp.exe \u{2066}\u{200f}\u{1b}[2J\u{0}\u{a}"),
        "{page}"
    );
    // A name that reads from the right stays by itself.
    let open = r"(() => { const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        let loose = 0; while (walk.nextNode()) {
            if (/[\u0590-\u08ff]/.test(walk.currentNode.data) && !walk.currentNode.parentElement.closest('bdi')) loose++; }
        return loose; })()";
    assert_eq!(browser.value(open), 0);
}
