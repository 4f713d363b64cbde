use super::*;
use crate::fuzz::target;

/// What is put into a file is read from it as it was meant, and nothing else in it has changed.
#[test]
fn unit_file() {
    const FILTER: &str = "SystemCallFilter";
    fn settings(file: &UnitFile<'_>) -> Vec<(String, String, String)> {
        let texts = |s: &Setting| (s.section.clone(), s.key.clone(), s.value.clone());
        file.settings.iter().map(texts).collect()
    }
    target!("unit_file", |bytes: &[u8]| {
        let file = UnitFile::parse(bytes);
        for setting in &file.settings {
            assert!(setting.lines.contains(&setting.line_at(setting.value.len())), "{setting:?}");
        }
        if file.fault.is_some() {
            return;
        }
        let written = file.replaced("Service", &[FILTER], "SystemCallFilter=read\n");
        let again = UnitFile::parse(&written);
        assert_eq!(again.fault, None);
        let ours = |(section, key, _): &(String, String, String)| section == "Service" && key == FILTER;
        let (new, mut rest): (Vec<_>, Vec<_>) = settings(&again).into_iter().partition(ours);
        assert_eq!(new, [("Service".into(), FILTER.into(), "read".into())]);
        let mut before = settings(&file);
        before.retain(|setting| !ours(setting));
        rest.sort();
        before.sort();
        assert_eq!(rest, before);
    });
}
