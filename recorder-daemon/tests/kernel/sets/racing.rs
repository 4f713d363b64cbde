//! Programs whose processes or threads race each other, so that not every run makes every call.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use rustix::process::Signal;

use super::{Agreement, Program};
use crate::support::{Bench, eventually, kill};

/// The kernel finishes an interrupted sleep by this call, and signals come when they come.
const SIGNALS: Agreement =
    Agreement::Union { rounds: 8, why: "a signal may interrupt a call, or come between two" };

#[test]
fn python_with_threads() {
    let Some(bench) = Bench::new(&["strace", "python3"]) else { return };
    let script = "import queue, socket, threading, time\n\
                  words, a, b = queue.Queue(), *socket.socketpair()\n\
                  def work(n):\n\
                  \x20   time.sleep(0.01)\n\
                  \x20   b.send(bytes(n + 1))\n\
                  \x20   words.put(n)\n\
                  threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]\n\
                  for thread in threads: thread.start()\n\
                  for thread in threads: thread.join()\n\
                  print(sorted(words.get() for _ in threads), len(a.recv(36, socket.MSG_WAITALL)))\n";
    let agreement =
        Agreement::Union { rounds: 12, why: "a lock that is free needs no futex, a late thread does" };
    Program::new("python3, 8 threads", &["python3", "-I", "-c", script], agreement).compare(&bench);
}

#[test]
fn git() {
    let Some(bench) = Bench::new(&["strace", "git"]) else { return };
    let script = "git init -q . && git add . && \
                  git -c user.name=n -c user.email=e@example.org commit -q -m first && \
                  git gc -q && git log --format=%s && git status --short";
    let agreement = Agreement::Union { rounds: 12, why: "git gc packs with a thread for each processor" };
    let command = ["sh", "-ec", script];
    let program = Program::new("git", &command, agreement);
    program.prepared(&|work| fs::write(work.join("file"), "text\n").unwrap()).compare(&bench);
}

#[test]
fn tar_with_gzip() {
    let Some(bench) = Bench::new(&["strace", "tar", "gzip"]) else { return };
    let script =
        "tar czf a.tar.gz files && mkdir other && tar xzf a.tar.gz -C other && cat other/files/1 | wc -c";
    let agreement =
        Agreement::Union { rounds: 8, why: "tar may be signalled by its gzip's end while it waits" };
    let command = ["sh", "-ec", script];
    let program = Program::new("tar, gzip", &command, agreement);
    program
        .prepared(&|work| {
            fs::create_dir(work.join("files")).unwrap();
            (0_u8..20).for_each(|n| fs::write(work.join(format!("files/{n}")), vec![n; 5000]).unwrap());
        })
        .compare(&bench);
}

#[test]
fn a_program_that_becomes_a_daemon() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    let program = bench.compile("daemonise", &[]);
    let done =
        |work: &Path| eventually("a daemon's last word", || fs::metadata(work.join("done")).ok().map(|_| ()));
    Program::new("daemon", &[&program, "done"], Agreement::Counts).with(&done).compare(&bench);
}

#[test]
fn bash_with_jobs_and_traps() {
    let Some(bench) = Bench::new(&["strace", "bash"]) else { return };
    let script = "trap 'echo one' USR1; trap 'rm -f mark' EXIT; echo > mark; \
                  (sleep 0.05; kill -USR1 $$) & wait; wait; \
                  for n in 1 2 3; do sleep 0.0$n & done; wait; \
                  read -r word < <(echo a word); echo $word; cat <<< here; ls mark";
    Program::new("bash, jobs and traps", &["bash", "-c", script], SIGNALS).compare(&bench);
}

#[test]
fn a_compiler() {
    let Some(bench) = Bench::new(&["strace", "cc"]) else { return };
    let command = ["cc", "-O1", "-pipe", "-o", "program", "program.c"];
    let agreement = Agreement::Union { rounds: 8, why: "its parts run at the same time, joined by pipes" };
    let program = Program::new("cc", &command, agreement);
    program
        .prepared(&|work| fs::write(work.join("program.c"), "int main(void) { return 0; }\n").unwrap())
        .compare(&bench);
}

#[test]
fn curl() {
    let Some(bench) = Bench::new(&["strace", "curl"]) else { return };
    let server = Server::start();
    let url = format!("http://{}/", server.address);
    let command = ["curl", "-sS", "--data", "word=1", &url, &url];
    let agreement = Agreement::Union { rounds: 8, why: "an answer may be there before it is waited for" };
    Program::new("curl", &command, agreement).compare(&bench);
}

#[test]
fn nginx() {
    let Some(bench) = Bench::new(&["strace", "nginx"]) else { return };
    // Below the ports that the kernel hands out, so that no other test is given it meanwhile; and at an address
    // that no other process takes which runs these tests.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, a, b, c);
    let port = (20_000..30_000).find(|port| TcpListener::bind((address, *port)).is_ok()).unwrap();
    let prepare = |work: &Path| {
        fs::create_dir(work.join("html")).unwrap();
        fs::write(work.join("html/index.html"), "a page\n").unwrap();
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths =
            paths.iter().map(|path| format!("{path}_temp_path {path};\n")).collect::<Vec<_>>().concat();
        let config = format!(
            "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\nevents {{}}\n\
             http {{\naccess_log access.log;\n{paths}server {{ listen {address}:{port}; root html; }}\n}}\n"
        );
        fs::write(work.join("nginx.conf"), config).unwrap();
    };
    let during = |work: &Path| {
        let page = eventually("a page of nginx", || get((address, port)));
        assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("\r\n\r\na page\n"), "{page}");
        let master = fs::read_to_string(work.join("nginx.pid")).unwrap().trim().parse().unwrap();
        kill(master, Signal::QUIT);
    };
    let agreement =
        Agreement::Union { rounds: 8, why: "the master may be signalled while it waits, or before" };
    let command = ["nginx", "-p", ".", "-e", "error.log", "-c", "nginx.conf"];
    Program::new("nginx", &command, agreement).prepared(&prepare).with(&during).compare(&bench);
}

/// A page, None while nobody listens.
fn get(address: (Ipv4Addr, u16)) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    Some(page)
}

/// Answers every request with the same page, until it is dropped.
struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                serve(stream.unwrap());
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// One connection, one request with a body of six bytes, one answer.
fn serve(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut bytes = [0; 1024];
    while !request.ends_with(b"word=1") {
        match stream.read(&mut bytes) {
            Ok(count) if count > 0 => request.extend(&bytes[..count]),
            _ => return,
        }
    }
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
}
