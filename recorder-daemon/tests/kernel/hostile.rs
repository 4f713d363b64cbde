//! A daemon that records, while users without rights do to its socket what they can. What the socket alone withstands
//! is looked at in `tests/control`.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::Write,
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread::{self, Scope},
    time::{Duration, Instant},
};

use rustix::{
    net::{AddressFamily, SocketAddrUnix, SocketType, sockopt},
    thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

use crate::support::{Bench, Daemon, NATIVE, Slice, eventually, finish_in};

/// Something that one of them does. Nothing where it could not even connect.
type Does = fn(&Path, &mut VecDeque<UnixStream>) -> Option<()>;

/// One of them, who does the same again and again until it is over.
struct Hostile {
    name: &'static str,
    does: Does,
    done: AtomicU64,
}

const CALL: &[u8] = b"{\"method\":\"org.syscall-recorder.Control.";

/// A connection that waits for nobody for ever: a test must come to its end. std cannot connect with a time-out.
fn connect(socket: &Path) -> Option<UnixStream> {
    let stream = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).ok()?;
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Send, Some(Duration::from_millis(500))).ok()?;
    rustix::net::connect(&stream, &SocketAddrUnix::new(socket).ok()?).ok()?;
    Some(stream.into())
}

/// Keeps a connection open, and lets the oldest go.
fn hold(open: &mut VecDeque<UnixStream>, stream: UnixStream) {
    open.push_back(stream);
    if open.len() > 100 {
        open.pop_front();
    }
}

/// What a peer says may fail at any time: the daemon has turned it away, or does not listen any more.
fn garbage(socket: &Path, _: &mut VecDeque<UnixStream>) -> Option<()> {
    let mut bytes: Vec<_> =
        (0..4_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    bytes.push(0);
    let _ = connect(socket)?.write_all(&bytes);
    Some(())
}

fn half_frames(socket: &Path, open: &mut VecDeque<UnixStream>) -> Option<()> {
    let mut stream = connect(socket)?;
    let _ = stream.write_all(CALL);
    hold(open, stream);
    Some(())
}

fn hangs_up(socket: &Path, _: &mut VecDeque<UnixStream>) -> Option<()> {
    let _ = connect(socket)?.shutdown(Shutdown::Both);
    Some(())
}

/// Asks for all there is, and takes no answer.
fn never_reads(socket: &Path, open: &mut VecDeque<UnixStream>) -> Option<()> {
    let mut stream = connect(socket)?;
    let ask = |method: &str| [CALL, method.as_bytes(), b"\",\"parameters\":{}}\0"].concat();
    let watch = b"Watch\",\"more\":true,\"parameters\":{\"unit\":null,\"shown\":[],\"after\":null}}\0";
    let asks = [&[CALL, watch].concat()[..], &ask("Status"), &ask("Metrics")].concat();
    // Until nobody takes them any more.
    while stream.write_all(&asks).is_ok() {}
    hold(open, stream);
    Some(())
}

/// Megabytes, and no end of the frame.
fn endless(socket: &Path, _: &mut VecDeque<UnixStream>) -> Option<()> {
    let mut stream = connect(socket)?;
    let chunk = vec![b'['; 1 << 20];
    for _ in 0..8 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    Some(())
}

/// Becomes another user, as which it does so until it is over: on Linux each thread has credentials of its own.
fn besiege<'scope>(
    scope: &'scope Scope<'scope, '_>,
    hostile: &'scope Hostile,
    uid: u32,
    socket: &'scope Path,
    over: &'scope AtomicBool,
) {
    scope.spawn(move || {
        set_thread_groups(&[]).unwrap();
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(uid));
        set_thread_res_gid(gid, gid, gid).unwrap();
        set_thread_res_uid(uid, uid, uid).unwrap();
        let mut open = VecDeque::new();
        while !over.load(Relaxed) {
            if (hostile.does)(socket, &mut open).is_some() {
                hostile.done.fetch_add(1, Relaxed);
            }
        }
    });
}

#[test]
fn no_client_keeps_a_new_call_from_the_disk_or_a_count_from_being_exact() {
    const FIRST: u32 = 600;
    const COUNT: u32 = 20;
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("news", &["-static"]);
    let slice = Slice::new("siege");
    let (unit, folder) = (slice.service("a"), slice.make("a"));
    let daemon = Daemon::start(&bench, "");
    daemon.done(&["start", &unit]);
    let file = daemon.state().join("recordings").join(format!("{unit}.json"));
    let socket = bench.path("daemon/run/control.socket");
    let over = AtomicBool::new(false);
    let hostiles = [
        ("garbage", garbage as Does),
        ("half frames", half_frames),
        ("hang up", hangs_up),
        ("answers not read", never_reads),
        ("no end", endless),
    ]
    .map(|(name, does)| Hostile { name, does, done: AtomicU64::new(0) });
    let done = || hostiles.each_ref().map(|hostile| hostile.done.load(Relaxed));

    let (mut longest, mut before, mut after) = (Duration::ZERO, [0; 5], [0; 5]);
    thread::scope(|scope| {
        // However this ends, they must.
        let _end = Ends(&over);
        for (uid, hostile) in (60_000..).zip(&hostiles) {
            besiege(scope, hostile, uid, &socket, &over);
        }
        eventually("a siege", || done().iter().all(|done| *done > 0).then_some(()));
        before = done();
        for number in FIRST..FIRST + COUNT {
            finish_in(&folder, &[&program, &number.to_string(), "1"]);
            let made = Instant::now();
            let there = format!("\"number\":{number},");
            eventually("new call on disk", || fs::read_to_string(&file).ok()?.contains(&there).then_some(()));
            longest = longest.max(made.elapsed());
            assert_eq!(daemon.status(&unit)["calls"].as_u64().map(|calls| calls > 0), Some(true));
        }
        after = done();
    });
    for ((hostile, before), after) in hostiles.iter().zip(before).zip(after) {
        println!("{}: {} meanwhile", hostile.name, after - before);
        assert!(after > before, "{}: it did nothing meanwhile", hostile.name);
    }
    println!("a new call was on disk {longest:?} after the end of its program, at the latest");
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    let counts = allowlist.counts(NATIVE);
    let expected: BTreeMap<_, u64> =
        (FIRST..FIRST + COUNT).map(|number| (format!("number {number}"), 3)).collect();
    let unnamed = counts.iter().filter(|(name, _)| name.starts_with("number "));
    assert_eq!(unnamed.map(|(name, count)| (name.clone(), *count)).collect::<BTreeMap<_, _>>(), expected);
    assert_eq!((counts["getppid"], counts["execve"]), (7 * u64::from(COUNT), u64::from(COUNT)));
    assert_eq!(allowlist.gaps().keys().collect::<Vec<_>>(), ["unnamed_numbers"]);
}

/// Says that it is over when dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
