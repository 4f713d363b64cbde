use std::fmt::Write;

use proptest::{collection::vec, prelude::*};

use super::*;

fn parse(text: &str) -> UnitFile<'_> {
    UnitFile::parse(text.as_bytes())
}

/// The settings as `section.key=value @ lines`.
fn settings(text: &str) -> Vec<String> {
    let shown = |setting: &Setting| {
        let Setting { section, key, value, lines, .. } = setting;
        format!("{section}.{key}={value} @ {}-{}", lines.start(), lines.end())
    };
    parse(text).settings.iter().map(shown).collect()
}

#[test]
fn settings_comments_and_sections() {
    let text = "# first\n[Unit]\nDescription = a = b \n\n ; no setting=x\n[Service]\n\tExecStart=/bin/x\n[Unit]\nAfter=\n";
    assert_eq!(
        settings(text),
        ["Unit.Description=a = b @ 3-3", "Service.ExecStart=/bin/x @ 7-7", "Unit.After= @ 9-9"]
    );
    assert_eq!(parse(text).sections.len(), 3);
}

#[test]
fn a_line_goes_on_over_comments_and_ends_at_a_blank_line() {
    let text = "[S]\nA=one \\\n# comment\n  ; another\n two\\\n\nB=x\\";
    assert_eq!(settings(text), ["S.A=one   two @ 2-6", "S.B=x @ 7-7"]);
    // Two backslashes are one of the value's.
    assert_eq!(settings("[S]\nA=x\\\\\nB=y"), ["S.A=x\\\\ @ 2-2", "S.B=y @ 3-3"]);
    assert_eq!(settings("[S]\nA=x\\\\\\\ny"), ["S.A=x\\\\ y @ 2-3"]);
}

#[test]
fn each_part_of_a_continued_line_knows_where_it_stands() {
    let file = parse("[S]\nA = one two \\\n# comment\n three\\\nfour\n");
    let setting = &file.settings[0];
    let line = |word: &str| setting.line_at(setting.value.find(word).unwrap());
    assert_eq!(["one", "two", "three", "four"].map(line), [2, 2, 4, 5]);
}

#[test]
fn a_mark_of_byte_order_is_no_text() {
    assert_eq!(settings("\u{feff}[S]\nA=1\n"), ["S.A=1 @ 2-2"]);
}

#[test]
fn what_is_ignored_is_told() {
    let file = parse("A=1\n[S]\nnothing\n=2\nB=3\n");
    let ignored = [(1, Ignored::OutsideSection), (3, Ignored::NoEquals), (4, Ignored::NoKey)];
    assert_eq!(file.ignored, ignored);
    assert_eq!(file.settings.len(), 1);
}

#[test]
fn a_fault_ends_the_reading() {
    let long = format!("[S]\nA=1\nB={}\nC=2", "x".repeat(LONGEST));
    let longer = format!("[S]\nA=1\n{}C=2", "x\\\n".repeat(LONGEST));
    let faults: [(&[u8], _, _); 7] = [
        (b"[S]\nA=1\n[T\nB=2", 3, Fault::Header),
        (b"[S]\nA=1\n[a\"b]\nB=2", 3, Fault::Header),
        (b"[S]\nA=1\n[a\x01b]\nB=2", 3, Fault::Header),
        (b"[S]\nA=1\n[\nB=2", 3, Fault::Header),
        (b"[S]\nA=1\nB=\xff\nC=2", 3, Fault::NotUtf8),
        (long.as_bytes(), 3, Fault::TooLong),
        (longer.as_bytes(), 3 + LONGEST / 2, Fault::TooLong),
    ];
    for (bytes, line, fault) in faults {
        let file = UnitFile::parse(bytes);
        assert_eq!(file.fault, Some((line, fault)), "{fault:?}");
        assert_eq!(file.settings.len(), 1, "{fault:?}");
    }
    assert_eq!(parse("# \u{fffd}").fault, None);
    // A comment may be anything.
    assert_eq!(UnitFile::parse(b"[S]\n#\xff\nA=1").settings.len(), 1);
}

fn replaced(text: &str) -> String {
    String::from_utf8(parse(text).replaced("S", &["A", "B"], "A=new\n")).unwrap()
}

#[test]
fn settings_are_replaced_where_the_first_stood() {
    assert_eq!(replaced("#c\n[S]\nA=1\nC=2\n#d\nB=3\n"), "#c\n[S]\nA=new\nC=2\n#d\n");
    assert_eq!(replaced("[S]\nA=1\\\n# kept\n2\nC=3"), "[S]\nA=new\n# kept\nC=3");
    assert_eq!(replaced("[T]\nA=1\n[S]\nC=2\n\n# end\n[U]\n"), "[T]\nA=1\n[S]\nC=2\nA=new\n\n# end\n[U]\n");
    assert_eq!(replaced("[S]\n[T]"), "[S]\nA=new\n[T]");
    assert_eq!(replaced("[S]"), "[S]\nA=new\n");
    assert_eq!(replaced("[T]\nA=1"), "[T]\nA=1\n\n[S]\nA=new\n");
    assert_eq!(replaced(""), "[S]\nA=new\n");
}

prop_compose! {
    /// A word that no setting could be taken for.
    fn word()(word in "[a-zA-Z@~:_,%][a-zA-Z0-9@~:_,%/]{0,8}") -> String { word }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300)) {
        let file = UnitFile::parse(&bytes);
        let _ = file.replaced("S", &["A"], "A=1\n");
    }

    /// Bytes that mean something, in any order.
    #[test]
    fn no_odd_file_makes_it_panic(parts in vec(prop::sample::select(vec![
        "[S]", "[", "]", "\n", "\r\n", "\0", "\\", "\\\n", "#", ";", "=", "A", "A=", " ", "\t", "\u{feff}", "ü", "~", "@x"
    ]), 0..60)) {
        let text = parts.concat();
        let file = parse(&text);
        for setting in &file.settings {
            prop_assert!(setting.lines.contains(&setting.line_at(0)));
            prop_assert!(setting.lines.contains(&setting.line_at(setting.value.len())));
        }
        let written = file.replaced("S", &["A"], "");
        let again = UnitFile::parse(&written);
        if file.fault.is_none() && !text.contains(['\0', '\\', '\r', '\u{feff}']) {
            let kept = |setting: &&Setting| (setting.section.as_str(), setting.key.as_str()) != ("S", "A");
            let pair = |setting: &Setting| (setting.section.clone(), setting.key.clone(), setting.value.clone());
            prop_assert_eq!(
                file.settings.iter().filter(kept).map(pair).collect::<Vec<_>>(),
                again.settings.iter().map(pair).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn what_is_written_is_read(settings in vec((word(), vec(word(), 0..5), any::<bool>()), 0..10)) {
        let mut text = "[S]\n".to_owned();
        for (key, words, broken) in &settings {
            let between = if *broken { " \\\n# comment\n\t" } else { " " };
            writeln!(text, "{key} = {}", words.join(between)).unwrap();
        }
        let read: Vec<(String, Vec<String>)> = parse(&text).settings.iter().map(|setting| {
            (setting.key.clone(), setting.value.split_whitespace().map(str::to_owned).collect())
        }).collect();
        let written: Vec<_> = settings.into_iter().map(|(key, words, _)| (key, words)).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn replacing_nothing_changes_nothing(text in "[\\[\\]a-zA-Z=# \\\\\n]{0,80}") {
        let file = parse(&text);
        if file.sections.iter().any(|section| section.name == "S") {
            return Ok(());
        }
        let kept = file.replaced("S", &["A"], "A=1\n");
        prop_assert!(kept.starts_with(text.as_bytes()));
    }
}

#[test]
fn a_backslash_at_the_end_of_the_file_does_not_swallow_what_is_put_there() {
    for text in ["[Service]\nA=x\\", "[Service]\nA=x\\\n", "[Service]\nA=x\\\n# comment", "[S]\nA=x\\"] {
        let written = parse(text).replaced("Service", &["B"], "B=1\n");
        let again = settings(std::str::from_utf8(&written).unwrap());
        assert!(again.iter().any(|setting| setting.starts_with("Service.B=1 @")), "{text:?}: {again:?}");
    }
}
