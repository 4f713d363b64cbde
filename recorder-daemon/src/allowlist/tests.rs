use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
};

mod compare;
mod merge;

use super::*;
use crate::recording::{Event, Incidence, Mark, Occasions, SpanId};

/// An allowlist with all that a file can hold: two ABIs, a number without a name, gaps, hostile names.
pub(crate) fn sample() -> Allowlist {
    let at = Timestamp::from_unix(1_795_455_379);
    let tally = |calls, programs: &[&str]| Tally {
        calls,
        occasions: By {
            start: Incidence { over: calls.min(3), before: calls },
            hour: Incidence { over: calls.min(38), before: calls - 1 },
        },
        later: calls != 4,
        first_seen: at,
        last_seen: Timestamp::from_unix(1_795_597_198),
        programs: programs.iter().map(|&program| program.to_owned()).collect(),
    };
    let call = |abi, number| Call { abi, number };
    let mut span = Span::begin(at);
    span.last = Timestamp::from_unix(1_795_597_200);
    span.seconds = 141_821;
    span.starts = 4;
    span.stops = 3;
    span.reloads = 1;
    span.reloadable = true;
    span.occasions =
        By { start: Occasions { over: 4, after: 3 }, hour: Occasions { over: 38, after: 140_400 } };
    span.marks = [(0, Event::Start), (9, Event::Stop), (10, Event::Start), (99, Event::Reload)]
        .map(|(after, event)| Mark { at: Timestamp::from_unix(at.unix() + after), event })
        .into_iter()
        .collect();
    span.calls = [
        (call(Abi::X86_64, 0), tally(1_234_567, &["/usr/sbin/nginx"])),
        (call(Abi::X86_64, 59), tally(4, &[])),
        (call(Abi::X86_64, 49), tally(2, &["/usr/sbin/nginx", "/usr/bin/\x1b[2Jevil \"name\""])),
        (call(Abi::X86_64, 600), tally(1, &["/opt/odd"])),
        (call(Abi::I386, 20), tally(3, &["/opt/old"])),
    ]
    .into();
    span.gaps = [(Gap::CgroupsNotArmed, 2)].into();
    let host = Host {
        names: ["staging-3".to_owned()].into(),
        kernels: ["6.1.0-50-amd64".to_owned()].into(),
        systemd: ["252".to_owned()].into(),
        tools: ["0.1.0".to_owned()].into(),
        libcs: ["2.36 (Debian GLIBC 2.36-9+deb12u13)".to_owned()].into(),
        packages: ["nginx-light 1.22.1-9+deb12u3".to_owned()].into(),
    };
    let mut recording = Recording::new("nginx.service", host);
    recording.spans.insert(SpanId { boot: "b".into(), began: 1 }, span);
    Allowlist::of(&recording)
}

#[test]
fn the_file_is_as_the_format_says() {
    insta::assert_snapshot!(sample().to_toml());
}

#[test]
fn what_was_written_is_read() {
    let sample = sample();
    assert_eq!(Allowlist::from_toml(&sample.to_toml()), Ok(sample));
}

#[test]
fn who_saw_the_same_agrees_to_the_byte_on_what_is_allowed() {
    let mut other = sample();
    for evidence in &mut other.evidence {
        evidence.tally.calls += 1;
        evidence.tally.programs.clear();
    }
    other.observed.seconds += 1;
    let head = |allowlist: &Allowlist| {
        let text = allowlist.to_toml();
        text[..text.find("[observed]").unwrap()].to_owned()
    };
    assert_eq!(head(&other), head(&sample()));
}

#[test]
fn the_spans_of_a_recording_add_up() {
    let at = Timestamp::from_unix(100);
    let read = Call { abi: Abi::X86_64, number: 0 };
    let mut recording = Recording::new("a.service", Host::default());
    for began in 0..3 {
        let mut span = Span::begin(at);
        span.seconds = 10;
        span.starts = 1;
        let tally = Tally {
            calls: 5,
            first_seen: at,
            last_seen: at,
            programs: BTreeSet::new(),
            occasions: By::default(),
            later: false,
        };
        span.calls.insert(read, tally);
        recording.spans.insert(SpanId { boot: "b".into(), began }, span);
    }
    let allowlist = Allowlist::of(&recording);
    assert_eq!((allowlist.observed.seconds, allowlist.observed.starts), (30, 3));
    assert_eq!(allowlist.evidence[0].tally.calls, 15);
    assert!(allowlist.observed.complete());
}

/// Takes the sample's text, changes one thing, and gives the error.
fn error(from: &str, to: &str) -> Error {
    let text = sample().to_toml();
    assert!(text.contains(from), "{from:?} is not in the sample");
    Allowlist::from_toml(&text.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn every_fault_has_its_own_message() {
    let faults = [
        ("format = 1", "format = 2"),
        ("format = 1", "format ="),
        ("unit = ", "unot = "),
        ("[allow]\nx86_64", "[allow]\nx86"),
        ("    \"bind\",", "    \"Bind()\","),
        ("    \"bind\",", "    \"bind\",\n    \"bind\","),
        ("complete = false", "complete = true"),
        ("cgroups_not_armed", "cgroups_not_alarmed"),
        ("first = 2026-11-23T17:36:19Z", "first = 17:36:19"),
        ("starts = 4", "starts = -4"),
        ("number = 49", "number = 50"),
        ("name = \"bind\"", "name = \"b\\u001bind\""),
        (
            "abi = \"i386\"\nname = \"getpid\"\nnumber = 20",
            "abi = \"x86_64\"\nname = \"execve\"\nnumber = 59",
        ),
    ];
    let messages: Vec<_> =
        faults.map(|(from, to)| format!("{from:?} → {to:?}\n  {}", error(from, to))).into();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn text_that_is_no_allowlist_is_refused() {
    for text in ["", "<html>", "[Unit]\nDescription=x\n", "format = 1", "\u{0}"] {
        assert!(matches!(Allowlist::from_toml(text), Err(Error::Syntax { .. })), "{text:?}");
    }
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_u64..253_402_300_800).prop_map(Timestamp::from_unix)
}

prop_compose! {
    pub(crate) fn span()(
        first in time(), last in time(), seconds in 0_u64..1 << 40, starts in 0_u64..1 << 40,
        (stops, reloads, reloadable) in (0_u64..1 << 40, 0_u64..1 << 40, any::<bool>()),
        (start, hour) in ((0_u64..1 << 40, any::<u64>()), (0_u64..1 << 40, any::<u64>())),
        marks in vec((time(), (0..Event::ALL.len()).prop_map(|event| Event::ALL[event])), 0..5),
        calls in btree_map(
            ((0..Abi::ALL.len()).prop_map(|abi| Abi::ALL[abi]), any::<u32>().prop_map(|n| n % 700)),
            (
                (0_u64..1 << 62, time(), time(), btree_set(any::<String>(), 0..3)),
                (0_u64..1 << 40, 0_u64..1 << 62, 0_u64..1 << 40, 0_u64..1 << 62, any::<bool>()),
            ),
            0..20,
        ),
        // How many numbers have no name is counted anew each time.
        gaps in btree_map(
            (0..Gap::ALL.len()).prop_map(|gap| Gap::ALL[gap]).prop_filter("counted", |gap| *gap != Gap::UnnamedNumbers),
            1_u64..1 << 62,
            0..3,
        ),
    ) -> Span {
        let calls = calls.into_iter().map(|((abi, number), (seen, occasions))| {
            let (calls, first_seen, last_seen, programs) = seen;
            let (start, start_before, hour, hour_before, later) = occasions;
            let occasions = By {
                start: Incidence { over: start, before: start_before },
                hour: Incidence { over: hour, before: hour_before },
            };
            (Call { abi, number }, Tally { calls, first_seen, last_seen, programs, occasions, later })
        });
        let occasions = By {
            start: Occasions { over: start.0, after: start.1 },
            hour: Occasions { over: hour.0, after: hour.1 },
        };
        Span {
            first, last, seconds, starts, stops, reloads, reloadable, occasions,
            marks: marks.into_iter().map(|(at, event)| Mark { at, event }).collect(),
            calls: calls.collect(), gaps,
        }
    }
}

proptest! {
    #[test]
    fn write_then_read_gives_the_same(span in span(), unit in any::<String>(), names in btree_set(any::<String>(), 0..3)) {
        let host = Host {
            names: names.clone(), kernels: names.clone(), systemd: names.clone(),
            tools: names.clone(), libcs: names.clone(), packages: names,
        };
        let mut recording = Recording::new(unit, host);
        recording.spans.insert(SpanId { boot: "b".into(), began: 1 }, span);
        let allowlist = Allowlist::of(&recording);
        prop_assert_eq!(Allowlist::from_toml(&allowlist.to_toml()), Ok(allowlist));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Allowlist::from_toml(&text);
    }
}
