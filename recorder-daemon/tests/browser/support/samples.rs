//! Allowlists to make reports of.

use std::collections::BTreeSet;

use recorder_common::{Abi, Call};
use recorder_daemon::{
    allowlist::Allowlist,
    recording::{By, Event, Gap, Host, Incidence, Mark, Recording, Span, SpanId, Tally, Timestamp},
    syscalls,
};

const BEGAN: u64 = 1_795_455_379;
const DAY: u64 = 86_400;

/// A service as most are: some seventy calls in two days, one of which came late.
pub(crate) fn service() -> Allowlist {
    recorded("nginx.service", 70, 4, &[], &["/usr/sbin/nginx", "/usr/sbin/nginx", "/usr/bin/rm"])
}

/// One with nothing seen.
pub(crate) fn quiet() -> Allowlist {
    recorded("quiet.service", 0, 0, &[Gap::RunningBefore], &[])
}

/// As many starts and names as a page must bear.
pub(crate) fn busy() -> Allowlist {
    recorded(
        "busy.service",
        400,
        1000,
        &[Gap::AlreadyFiltered, Gap::Skipped],
        &["/usr/bin/python3.11", "/bin/sh"],
    )
}

/// Names that are markup, steer terminals, or turn text around.
pub(crate) fn hostile() -> Allowlist {
    let mut allowlist = recorded(
        "<script>document.title = 'taken'</script>\u{202e}a\u{7}.service",
        8,
        2,
        &Gap::ALL,
        &[
            "</bdi></td><script>document.title = 'taken'</script>",
            "<img src=x onerror=\"document.title = 'taken'\">",
            "\" onmouseover=\"document.title = 'taken'",
            "{{ unit }} {% raw %} &lt;b&gt;",
            "/opt/\u{202e}gnp.exe \u{2066}\u{200f}\u{1b}[2J\0\n",
            "/opt/\u{5e9}\u{5dc}\u{5d5}\u{5dd}/\u{627}\u{644}",
            "--></style><style>body { display: none }</style>",
        ],
    );
    let names = &mut allowlist.observed.host.names;
    names.insert("<b id=\"taken\">host</b>".to_owned());
    // As a file is read that is no UTF-8.
    names.insert(String::from_utf8_lossy(b"h\xff\xfeost").into_owned());
    allowlist
}

/// Calls come in fast at first, then ever more rarely, in the order of their numbers.
fn recorded(unit: &str, calls: usize, starts: u64, gaps: &[Gap], programs: &[&str]) -> Allowlist {
    let mut span = Span::begin(Timestamp::from_unix(BEGAN));
    span.seconds = 2 * DAY;
    span.last = Timestamp::from_unix(BEGAN + span.seconds);
    span.starts = starts;
    span.gaps = gaps.iter().map(|&gap| (gap, 2)).collect();
    span.stops = starts;
    span.occasions.start.over = starts;
    span.occasions.hour.over = 48;
    let at = |of: u64, all: u64| Timestamp::from_unix(BEGAN + 2 * DAY * of / all.max(1));
    span.marks = (0..starts).map(|start| Mark { at: at(start, starts), event: Event::Start }).collect();
    span.marks.insert(Mark { at: at(1, 3), event: Event::Reload });
    let all = [Abi::X86_64, Abi::I386]
        .into_iter()
        .flat_map(|abi| syscalls::table(abi).iter().map(move |&(number, _)| Call { abi, number }));
    for (at, call) in all.take(calls).enumerate() {
        let (at, of) = (at as u64, calls as u64);
        let after = span.seconds * at.pow(4) / of.pow(4);
        let tally = Tally {
            calls: 1 + 7_919 * (of - at).pow(2),
            first_seen: Timestamp::from_unix(BEGAN + after),
            last_seen: span.last,
            programs: programs
                .iter()
                .cycle()
                .skip(call.number as usize)
                .take(1 + call.number as usize % 7 / 6)
                .map(|&program| program.to_owned())
                .collect(),
            occasions: By {
                start: Incidence { over: (starts * (of - at) / of).max(1), before: 0 },
                hour: Incidence { over: (48 * (of - at) / of).max(1), before: 0 },
            },
            later: at % 5 != 0,
        };
        span.calls.insert(call, tally);
    }
    let set = |text: &str| BTreeSet::from([text.to_owned()]);
    let host = Host {
        names: set("staging-3"),
        kernels: set("6.1.0-50-amd64"),
        systemd: set("252"),
        ..Host::default()
    };
    let mut recording = Recording::new(unit, host);
    recording.spans.insert(SpanId { boot: "b".to_owned(), began: 1 }, span);
    Allowlist::of(&recording)
}
