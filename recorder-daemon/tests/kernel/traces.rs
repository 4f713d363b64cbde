//! What the coverage estimate says early in a long life of a real service, beside what came later.
//!
//! `cargo test -p recorder-daemon --test kernel -- traces --ignored --nocapture` prints the tables that docs/coverage.md
//! shows. Requests are drawn from a sequence that is the same in every run; the services' own timing is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use recorder_common::Call;
use recorder_daemon::{
    allowlist::Allowlist,
    recording::{Coverage, Per},
};
use rustix::process::Signal;

use crate::support::{Bench, Daemon, Slice, Started, eventually, in_cgroup, kill};

const STARTS: usize = 80;

/// Numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    /// True once in five times as many: most starts see little of what the service can do, so that much is new late.
    fn one_in(&mut self, times: u64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).is_multiple_of(5 * times)
    }
}

/// A service, and something that it can be asked for.
trait Service {
    fn command(&self) -> Vec<String>;
    fn port(&self) -> u16;
    /// Asks for this and that.
    fn use_it(&self, process: u32, random: &mut Random);
    fn stop(&self) -> Signal;
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Sends it all, and reads what comes until the other side closes.
fn talk(port: u16, request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        let _ = stream.write_all(request);
        let _ = stream.read_to_end(&mut answer);
    }
    answer
}

struct Nginx {
    folder: PathBuf,
    port: u16,
}

impl Nginx {
    fn new(folder: &Path) -> Self {
        for below in ["html/list", "log", "temp"] {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        fs::write(folder.join("html/index.html"), "a page").unwrap();
        fs::write(folder.join("html/large.bin"), vec![b'x'; 4 << 20]).unwrap();
        let (port, closed) = (free_port(), free_port());
        let place = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/temp/{kind};"))
            .join(" ");
        let configuration = format!(
            "user www-data; worker_processes 2; daemon off; pid {place}/pid; error_log {place}/log/error.log;
             events {{ worker_connections 64; }}
             http {{ access_log {place}/log/access.log; sendfile on; gzip on; gzip_types text/html;
               client_max_body_size 16m; client_body_buffer_size 8k; {temporary}
               server {{ listen 127.0.0.1:{port}; root {place}/html;
                 location /list/ {{ autoindex on; }}
                 location /back/ {{ proxy_pass http://127.0.0.1:{port}/; }}
                 location /dead/ {{ proxy_pass http://127.0.0.1:{closed}/; }}
                 location /copy {{ sendfile off; aio threads=default; alias {place}/html/large.bin; }}
                 location /mail {{ proxy_pass http://localhost:{port}/; }} }} }}"
        );
        // A build without threads refuses aio.
        fs::write(folder.join("nginx.conf"), configuration).unwrap();
        Self { folder: folder.to_owned(), port }
    }

    fn get(&self, path: &str, head: &str) {
        talk(self.port, format!("GET {path} HTTP/1.0\r\n{head}\r\n").as_bytes());
    }
}

impl Service for Nginx {
    fn command(&self) -> Vec<String> {
        vec!["nginx".into(), "-c".into(), self.folder.join("nginx.conf").display().to_string()]
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn use_it(&self, process: u32, random: &mut Random) {
        self.get("/", "");
        if random.one_in(2) {
            self.get("/large.bin", "");
        }
        if random.one_in(2) {
            self.get("/missing", "");
        }
        if random.one_in(3) {
            self.get("/back/", "Accept-Encoding: gzip\r\n");
        }
        if random.one_in(5) {
            self.get("/list/", "");
        }
        if random.one_in(6) {
            let body = vec![b'y'; 1 << 20];
            let head = format!("POST /back/index.html HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
            talk(self.port, &[head.as_bytes(), &body].concat());
        }
        if random.one_in(8) {
            self.get("/dead/", "");
        }
        if random.one_in(12) {
            self.get("/copy", "");
        }
        if random.one_in(10) {
            kill(process, Signal::USR1);
            self.get("/", "");
        }
        if random.one_in(15) {
            kill(process, Signal::HUP);
            std::thread::sleep(std::time::Duration::from_millis(200));
            self.get("/", "");
        }
    }

    fn stop(&self) -> Signal {
        Signal::QUIT
    }
}

struct Redis {
    folder: PathBuf,
    port: u16,
}

impl Redis {
    fn ask(&self, commands: &[&str]) {
        let text = commands.join("\r\n") + "\r\nQUIT\r\n";
        talk(self.port, text.as_bytes());
    }
}

impl Service for Redis {
    fn command(&self) -> Vec<String> {
        let (folder, port) = (self.folder.display().to_string(), self.port.to_string());
        let words = ["redis-server", "--port", &port, "--bind", "127.0.0.1", "--dir", &folder, "--save", ""];
        words.map(str::to_owned).into()
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn use_it(&self, _process: u32, random: &mut Random) {
        self.ask(&["PING", "SET a 1", "GET a"]);
        let sets = [
            (2, vec!["INCR n", "LPUSH l a b c", "LRANGE l 0 -1"]),
            (3, vec!["EVAL \"return redis.call('GET','a')\" 0"]),
            (4, vec!["INFO", "CLIENT LIST", "MEMORY USAGE a"]),
            (5, vec!["BGSAVE"]),
            (8, vec!["SAVE"]),
            (10, vec!["CONFIG SET appendonly yes", "SET b 2", "BGREWRITEAOF"]),
            (12, vec!["FLUSHALL ASYNC"]),
            (15, vec!["CONFIG SET io-threads-do-reads yes", "CONFIG SET maxmemory 64mb"]),
            (20, vec!["REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"]),
            (25, vec!["DEBUG SLEEP 0", "MEMORY PURGE", "MEMORY DOCTOR"]),
        ];
        for (times, commands) in sets {
            if random.one_in(times) {
                self.ask(&commands);
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
    }

    fn stop(&self) -> Signal {
        Signal::TERM
    }
}

/// The calls of each start, and the estimate after it.
fn record(service: &dyn Service, tag: &str, bench: &Bench) -> Vec<(BTreeSet<Call>, Option<Coverage>)> {
    let slice = Slice::new(tag);
    let unit = slice.service("a");
    let daemon = Daemon::start(bench, "");
    slice.make("a");
    daemon.done(&["start", &unit]);
    slice.remove("a");
    let read = || {
        daemon.done(&["snapshot", &unit]);
        let text = fs::read_to_string(daemon.state().join(format!("{unit}.toml"))).unwrap();
        Allowlist::from_toml(&text).unwrap()
    };
    let stopped = |count: u64| {
        eventually("a stop in the recording", || {
            let allowlist = read();
            (allowlist.observed.course.stops == count).then_some(allowlist)
        })
    };
    stopped(1);
    let mut random = Random(1);
    let mut before: BTreeMap<Call, u64> = BTreeMap::new();
    let mut starts = Vec::new();
    for start in 1..=STARTS {
        let folder = slice.make("a");
        let words = service.command();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut running = Started::new(&mut in_cgroup(&folder, &words));
        eventually("a service that serves", || TcpStream::connect(("127.0.0.1", service.port())).ok());
        service.use_it(running.id(), &mut random);
        running.signal(service.stop());
        eventually("an end of the service", || running.ended());
        slice.remove("a");
        let allowlist = stopped(1 + start as u64);
        assert_eq!(allowlist.observed.course.occasions.start, start as u64);
        let now: BTreeMap<Call, u64> = allowlist
            .evidence
            .iter()
            .map(|evidence| (evidence.call, evidence.tally.occasions(Per::Start)))
            .collect();
        let grown = |call: &Call| now[call] > before.get(call).copied().unwrap_or_default();
        let calls = now.keys().copied().filter(grown).collect();
        let coverage = allowlist.coverage().into_iter().find(|(per, _)| *per == Per::Start);
        starts.push((calls, coverage.map(|(_, coverage)| coverage)));
        before = now;
    }
    starts
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn table(name: &str, starts: &[(BTreeSet<Call>, Option<Coverage>)]) {
    for at in [starts.len() / 10, starts.len() / 4, starts.len() / 2] {
        let (earlier, later) = starts.split_at(at);
        let seen: BTreeSet<Call> = earlier.iter().flat_map(|(calls, _)| calls).copied().collect();
        let found: BTreeSet<Call> = later.iter().flat_map(|(calls, _)| calls).copied().collect();
        let of = earlier.last().unwrap().1.unwrap();
        let all: usize = later.iter().map(|(calls, _)| calls.len()).sum();
        let new: usize = later.iter().map(|(calls, _)| calls.difference(&seen).count()).sum();
        println!(
            "| {name} | {at} of {} | {} | {:.2} % ({:.2} to {:.2} %) | {:.2} % | {:.2} ({:.2} to {:.2}) | {:.2} | {:.1} ({:.0} to {:.0}) | {} |",
            starts.len(),
            seen.len(),
            100.0 * of.covered.value,
            100.0 * of.covered.low,
            100.0 * of.covered.high,
            100.0 * (1.0 - new as f64 / all as f64),
            of.next.value,
            of.next.low,
            of.next.high,
            new as f64 / later.len() as f64,
            of.unseen.value,
            of.unseen.low,
            of.unseen.high,
            found.difference(&seen).count(),
        );
    }
}

#[test]
#[ignore = "takes minutes, and prints what is to be looked at; docs/coverage.md shows it"]
fn an_early_estimate_beside_what_came_later() {
    let Some(bench) = Bench::new(&["nginx", "redis-server"]) else { return };
    let nginx = Nginx::new(&bench.path("nginx"));
    table("nginx", &record(&nginx, "nginx", &bench));
    let redis = Redis { folder: bench.path("redis"), port: free_port() };
    fs::create_dir(&redis.folder).unwrap();
    table("redis", &record(&redis, "redis", &bench));
}
