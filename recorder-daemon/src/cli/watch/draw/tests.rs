use std::time::UNIX_EPOCH;

use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::control::wire::Watched;

const PLAIN: Style = Style { colours: false, unicode: true };

/// Half an hour after the last event.
fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-11-25T06:55:01Z").unwrap()
}

fn event(number: u64, unit: &str, kind: &str, name: Option<&str>) -> Event {
    Event {
        number,
        at: format!("2026-11-25T06:25:{number:02}Z"),
        unit: unit.into(),
        event: kind.into(),
        name: name.map(str::to_owned),
        abi: Some("x86_64".into()),
        programs: vec!["/usr/sbin/nginx".into()],
        phase: Some("later".into()),
        count: Some(number),
    }
}

fn model() -> Model {
    let nginx = |read, calls| Line {
        name: "nginx.service".into(),
        running: true,
        seconds: 141_821,
        starts: 4,
        calls,
        names: 71,
        last_new: Some("2026-11-25T06:25:01Z".into()),
        gaps: [].into(),
        read,
        discoveries: [vec![48, 9, 3, 0, 0, 6, 1], vec![0; 6], vec![2, 0, 1]].concat(),
    };
    let odd = Line {
        name: "odd\u{1b}[2J\u{202e}\u{7}.service".into(),
        gaps: [("skipped".into(), 1204), ("of_a_later_version".into(), 1)].into(),
        ..Line::default()
    };
    let units = |read, calls| {
        let more = (0..30).map(|n| Line { name: format!("unit-{n:02}.service"), ..Line::default() });
        [nginx(read, calls), odd.clone()].into_iter().chain(more).collect::<Vec<_>>()
    };
    let events = vec![
        event(1, "nginx.service", "start", None),
        event(2, "nginx.service", "call", Some("fadvise64")),
        event(3, "odd\u{1b}[2J\u{202e}.service", "call", Some("a\u{9b}31mb")),
        event(4, "odd.service", "gap", Some("skipped")),
        event(5, "new.service", "began", None),
    ];
    let mut model = Model::default();
    let since = "2026-11-23T17:36:00Z";
    let watched = Watched { since: since.into(), units: units(1_000, 1_381_360), ..Watched::default() };
    model.take(watched.clone());
    model.take(Watched { units: units(2_000, 1_393_705), events, missed: 7, ..watched });
    // When it was noticed is no time that a test can know.
    model.events[0].at = "2026-11-25T06:25:00Z".into();
    model
}

fn screen(model: &Model, style: Style, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| _ = draw(frame, model, style, now())).unwrap();
    terminal.backend().to_string()
}

#[test]
fn it_fits_terminals_of_all_sizes() {
    let model = model();
    insta::assert_snapshot!("80x24", screen(&model, PLAIN, (80, 24)));
    insta::assert_snapshot!("40x12", screen(&model, PLAIN, (40, 12)));
    insta::assert_snapshot!("200x50", screen(&model, PLAIN, (200, 50)));
}

#[test]
fn what_is_wrong_stands_above_all() {
    let mut model = model();
    model.degraded = Some("the disk is full".into());
    model.trouble = Some("the daemon is not running".into());
    insta::assert_snapshot!("alarms", screen(&model, PLAIN, (80, 24)));
    insta::assert_snapshot!("nothing", screen(&Model::default(), PLAIN, (80, 6)));
}

/// No size makes it panic, the smallest neither, wherever it was scrolled to.
#[test]
fn any_size_will_do() {
    let mut model = model();
    model.degraded = Some("a".repeat(500));
    for width in (1..60).step_by(4) {
        for height in 1..12 {
            model.top = usize::from(width + height) % 40;
            screen(&model, PLAIN, (width, height));
        }
    }
}

#[test]
fn without_unicode_all_is_ascii_and_without_colours_none_is_set() {
    let model = model();
    let shown = screen(&model, Style { colours: false, unicode: false }, (120, 24));
    assert!(shown.is_ascii(), "{shown}");
    let coloured = |style| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| _ = draw(frame, &model, style, now())).unwrap();
        terminal.backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset)
    };
    assert!(!coloured(PLAIN));
    assert!(coloured(Style { colours: true, ..PLAIN }));
}

#[test]
fn bars_tell_little_from_nothing() {
    assert_eq!(bars(&[0, 1, 50, 100], true), "·▁▄█");
    assert_eq!(bars(&[0, 1, 50, 100], false), ".:-#");
    assert_eq!(bars(&[0, 0], true), "··");
    assert_eq!(bars(&[u64::MAX, 1], true), "█▁");
}

#[test]
fn an_age_is_short() {
    let ages = [0, 99, 100, 5_999, 6_000, 172_799, 172_800, 90_000_000];
    let now = UNIX_EPOCH + Duration::from_secs(100_000_000);
    let age = |seconds: u64| {
        age(&humantime::format_rfc3339_seconds(now - Duration::from_secs(seconds)).to_string(), now)
    };
    assert_eq!(
        ages.map(age),
        ["0s ago", "99s ago", "1m ago", "99m ago", "1h ago", "47h ago", "2d ago", "1041d ago"]
    );
}
