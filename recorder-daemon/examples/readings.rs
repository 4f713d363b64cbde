//! A thousand readings of a unit, taken in and put on disk, without a kernel: what `cargo xtask test` has callgrind
//! count the instructions of.

use std::time::UNIX_EPOCH;

use recorder_common::{Abi, Call};
use recorder_daemon::{
    kernel::{Sighting, Snapshot},
    observe::observe,
    recording::{Clock, Host, Recording, Span, SpanId, Store},
};

const CALLS: u32 = 100;
const READINGS: u64 = 1_000;
const SAVED: usize = 50;

fn main() -> anyhow::Result<()> {
    let clock = Clock::new(UNIX_EPOCH, 0);
    let call = |number| Call { abi: Abi::X86_64, number };
    let program = || Some("/usr/sbin/nginx".to_owned());
    let mut snapshot = Snapshot {
        sightings: (0..CALLS)
            .map(|number| Sighting { call: call(number), program: program(), first: 1 })
            .collect(),
        ..Snapshot::default()
    };
    let mut span = Span::begin(clock.at(0));
    for reading in 1..=READINGS {
        snapshot.calls = (0..CALLS).map(|number| (call(number), reading)).collect();
        observe(&mut span, &snapshot, clock, reading * 1_000_000_000, false);
    }
    let mut recording = Recording::new("a.service", Host::default());
    recording.spans.insert(SpanId { boot: "boot".to_owned(), began: 0 }, span);
    let folder = std::env::args_os().nth(1).ok_or_else(|| anyhow::anyhow!("which folder?"))?;
    let store = Store::open(folder.as_ref(), 1 << 30)?;
    for _ in 0..SAVED {
        store.save(&mut recording)?;
    }
    Ok(())
}
