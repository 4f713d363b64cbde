//! What the daemon itself takes, by the number of units that it records.

use std::{
    fmt::Write,
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{
    figures::Spread,
    place::{Daemon, Place, Running},
};
use crate::{
    demo::inside,
    shell::{output, root},
};

/// Of these many units.
pub(crate) const SIZES: [usize; 3] = [1, 100, 1_000];

/// Longer than the minute after which counts that have grown are written.
const WINDOW: Duration = Duration::from_secs(65);

/// How often what is quick is repeated.
const REPEATED: usize = 5;

#[derive(Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) units: usize,
    /// From its start to READY=1, in ms.
    pub(crate) ready: Spread,
    /// From SIGTERM to its end, all written, in ms.
    pub(crate) end: Spread,
    /// `status --json`, which reads all units, in ms.
    pub(crate) snapshot: Spread,
    pub(crate) idle: Usage,
    /// Every unit has a process that makes 1,000 calls a second.
    pub(crate) load: Usage,
}

/// Over a minute.
#[derive(Serialize, Deserialize)]
pub(crate) struct Usage {
    /// At its end, in MiB.
    pub(crate) resident: f64,
    /// In percent of one processor.
    pub(crate) processor: f64,
    /// A second.
    pub(crate) wakeups: f64,
    /// Bytes written, by write(2) and its like.
    pub(crate) written: u64,
}

/// What /proc says of a process.
struct Sample {
    at: Instant,
    nanoseconds: u64,
    wakeups: u64,
    written: u64,
    resident: f64,
}

pub(crate) fn measure(place: &mut Place, units: usize) -> Result<Cost> {
    place.make_services(units)?;
    let (mut ready, mut end) = (Vec::new(), Vec::new());
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    for _ in 0..REPEATED {
        place.forget()?;
        let daemon = Daemon::start(place, units)?;
        ready.push(milliseconds(daemon.ready));
        let begun = Instant::now();
        drop(daemon);
        end.push(milliseconds(begun.elapsed()));
    }
    place.forget()?;
    let daemon = Daemon::start(place, units)?;
    // What is new is written, and the thread that wrote it has gone.
    sleep(Duration::from_secs(15));
    let idle = usage(&daemon)?;
    let mut snapshot = Vec::new();
    for _ in 0..REPEATED {
        let begun = Instant::now();
        Daemon::ask(place, &["status", "--json"])?;
        snapshot.push(milliseconds(begun.elapsed()));
    }
    let program = place.path("workload").display().to_string();
    let words = ["steady", "1", "1"].map(str::to_owned);
    let words = [&[program][..], &words].concat();
    let busy = (0..units).map(|number| {
        let mut command = inside(&place.service(number), &words)?;
        Ok(Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    });
    let mut busy = busy.collect::<Result<Vec<_>>>()?;
    sleep(Duration::from_secs(5));
    let load = usage(&daemon)?;
    for running in &mut busy {
        running.0.kill()?;
    }
    drop(busy);
    let spread = |figures: &[f64]| Spread::of(figures).context("nothing was measured");
    Ok(Cost { units, ready: spread(&ready)?, end: spread(&end)?, snapshot: spread(&snapshot)?, idle, load })
}

fn usage(daemon: &Daemon) -> Result<Usage> {
    let before = Sample::take(daemon.id())?;
    sleep(WINDOW);
    let after = Sample::take(daemon.id())?;
    let seconds = (after.at - before.at).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let per_second = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
    Ok(Usage {
        resident: after.resident,
        processor: per_second(before.nanoseconds, after.nanoseconds) / 1e7,
        wakeups: per_second(before.wakeups, after.wakeups),
        written: after.written - before.written,
    })
}

impl Sample {
    fn take(id: u32) -> Result<Self> {
        let process = format!("/proc/{id}");
        let figure = |text: &str, name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let status = fs::read_to_string(format!("{process}/status"))?;
        let io = fs::read_to_string(format!("{process}/io"))?;
        // Of threads that have ended too. The name may have blanks in it, and ends with the last parenthesis.
        let stat = fs::read_to_string(format!("{process}/stat"))?;
        let after = stat.rsplit_once(')').context("no stat")?.1;
        let ticks = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
        // USER_HZ is 100 for every program.
        let nanoseconds = ticks.sum::<u64>() * 10_000_000;
        // Of the thread that does all but the writing.
        let wakeups = figure(&status, "voluntary_ctxt_switches:").context("no wake-ups")?;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let resident = figure(&status, "VmRSS:").context("no VmRSS")? as f64 / 1024.0;
        let written = figure(&io, "wchar:").context("no wchar")?;
        Ok(Self { at: Instant::now(), nanoseconds, wakeups, written, resident })
    }
}

/// `merge` of so many files of 150 names each: seconds.
pub(crate) fn merge(place: &Place, files: usize) -> Result<Spread> {
    let folder = place.path("merge");
    fs::create_dir_all(&folder)?;
    for file in 0..files {
        fs::write(folder.join(format!("{file}.toml")), allowlist(file)?)?;
    }
    let mut took = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let mut merge = Command::new(place.built.join("syscall-recorder"));
        merge.arg("merge").arg(&folder).arg("--force").arg("-o").arg(place.path("merged.toml"));
        output(&mut merge)?;
        took.push(begun.elapsed().as_secs_f64());
    }
    fs::remove_dir_all(&folder)?;
    Spread::of(&took).context("nothing was measured")
}

/// What one host's `nginx.service.toml` may look like; not all hosts have the same names.
pub(crate) fn allowlist(host: usize) -> Result<String> {
    let table = root().join("recorder-daemon/src/syscalls/tables/x86_64.rs");
    let table = fs::read_to_string(&table).with_context(|| table.display().to_string())?;
    let entries = table.lines().filter_map(|line| line.trim().strip_prefix('(')?.strip_suffix("),"));
    let calls: Vec<_> = entries.filter_map(|entry| entry.split_once(", ")).skip(host % 7).take(150).collect();
    let mut names: Vec<_> = calls.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    let mut text = format!(
        "format = 1\nunit = \"a.service\"\n\n[allow]\nx86_64 = [\n    {},\n]\n\n[observed]\n\
         recording = \"boot/{host}\"\nhosts = [\"host-{host}\"]\nkernels = [\"6.1.0\"]\nsystemd = [\"252\"]\n\
         first = 2026-11-23T17:36:19Z\nlast = 2026-11-25T09:00:00Z\nseconds = 100\nstarts = 1\ncomplete = true\n\n\
         [observed.course]\nstart_occasions = 1\n",
        names.join(",\n    ")
    );
    for (number, name) in calls {
        write!(
            text,
            "\n[[evidence]]\nabi = \"x86_64\"\nname = {name}\nnumber = {number}\ncalls = {}\n\
             first_seen = 2026-11-23T17:36:21Z\nlast_seen = 2026-11-25T08:59:58Z\n\
             programs = [\"/usr/sbin/nginx\"]\nstarts = 1\n",
            host + 1
        )?;
    }
    Ok(text)
}
