//! On paper, and as pictures.

use crate::support::{Browser, busy, hostile, quiet, service};

#[test]
fn it_prints() {
    let (mut browser, _) = Browser::open(&busy());
    let pdf = browser.print();
    std::fs::write(crate::support::tools().join("report.pdf"), &pdf).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(&pdf);
    let pages = text.matches("/Type /Page\n").count();
    assert!(pages > 3, "{pages} pages for 400 rows");
    println!("400 rows: {pages} pages, {} bytes", pdf.len());
}

/// No machine can say whether it is pleasant to read; that nothing sticks out at the side it can.
#[test]
fn pictures_at_both_widths_and_in_both_colours() {
    for (name, allowlist) in
        [("service", service()), ("hostile", hostile()), ("busy", busy()), ("quiet", quiet())]
    {
        let (mut browser, _) = Browser::open(&allowlist);
        for (width, colours) in
            [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (320, "light")]
        {
            browser.look(width, colours).unwrap();
            let wide = browser.value("document.documentElement.scrollWidth");
            assert_eq!(wide, width, "{name}: as wide as the screen");
            // Of all four, so many pictures would be looked at by nobody.
            if [1280, 390].contains(&width) && ["service", "hostile"].contains(&name) {
                browser.picture(&format!("report-{name}-{width}-{colours}"), None);
            }
        }
    }
}
