//! What runs while something is attached.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread::available_parallelism,
};

use anyhow::{Context, Result, ensure};

use super::{
    contestants::{Attached, Contestant},
    place::{Place, Running},
};
use crate::{nginx::wait_for, shell::output};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// getppid in a loop.
    Calls,
    /// The same on all processors at once.
    Threads,
    /// dd with blocks of one byte.
    Dd,
    /// fork, execve, wait.
    Forks,
    /// One worker, under wrk.
    Nginx,
    /// Under redis-benchmark.
    Redis,
}

pub(crate) const ALL: [Workload; 6] =
    [Workload::Calls, Workload::Threads, Workload::Dd, Workload::Forks, Workload::Nginx, Workload::Redis];

pub(crate) fn named(name: &str) -> Option<Workload> {
    ALL.into_iter().find(|workload| workload.name() == name)
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Threads => "threads",
            Self::Dd => "dd",
            Self::Forks => "forks",
            Self::Nginx => "nginx",
            Self::Redis => "redis",
        }
    }

    /// What one figure is the time of.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Calls => "one getppid",
            Self::Threads => "one getppid, on all processors at once",
            Self::Dd => "one byte copied by dd, which is a read and a write",
            Self::Forks => "one fork with execve of /bin/true",
            Self::Nginx => "one request to nginx by wrk",
            Self::Redis => "one GET of redis by redis-benchmark",
        }
    }

    /// Who competes, in the order of their turns.
    pub(crate) fn contestants(self, short: bool) -> Vec<Contestant> {
        let ours = |units, recorded| Contestant::Ours { units, recorded };
        let mut all = vec![Contestant::Nothing, Contestant::Floor, ours(1, None), ours(1, Some(0))];
        if short {
            return all;
        }
        match self {
            Self::Calls => {
                all.extend([10, 100, 1_000].map(|units| ours(units, Some(0))));
                // By the order of their names it is the last, and has no place of its own.
                all.extend([ours(1_000, Some(999)), ours(1_000, None)]);
            }
            Self::Threads => return all,
            _ => all.retain(|contestant| *contestant != ours(1, None)),
        }
        all.extend([Contestant::Bpftrace, Contestant::PerfTrace, Contestant::Strace, Contestant::Sysdig]);
        all
    }

    /// One turn: nanoseconds for one operation.
    pub(crate) fn turn(self, place: &Place, attached: &Attached, slowness: u32) -> Result<f64> {
        let program = place.path("workload").display().to_string();
        let size = |full: u32| (full / slowness).max(1).to_string();
        let own = |words: &[&str]| -> Result<f64> {
            let said = output(&mut attached.command(&[&[program.as_str()], words].concat())?)?;
            said.trim().parse().with_context(|| format!("no figure: {said}"))
        };
        match self {
            Self::Calls => own(&["calls", "200", &size(5_000)]),
            Self::Threads => {
                let threads = available_parallelism()?.to_string();
                own(&["calls", "200", &size(5_000), &threads])
            }
            Self::Forks => own(&["forks", "5", &size(200)]),
            Self::Dd => dd(attached, &size(1_000_000)),
            Self::Nginx => nginx(place, attached),
            Self::Redis => redis(place, attached, &size(50_000)),
        }
    }
}

/// dd's own time: that a tracer starts slowly is not counted against it.
fn dd(attached: &Attached, bytes: &str) -> Result<f64> {
    let count = format!("count={bytes}");
    let words = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", &count];
    let output = attached.command(&words)?.env("LC_ALL", "C").output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let seconds =
        said.lines().find_map(|line| line.split_once("copied, ")?.1.split_once(" s")?.0.parse::<f64>().ok());
    Ok(seconds.with_context(|| format!("dd: {said}"))? * 1e9 / bytes.parse::<f64>()?)
}

fn nginx(place: &Place, attached: &Attached) -> Result<f64> {
    let port = free_port()?;
    let folder = place.path("nginx");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("index.html"), "<h1>It is measured</h1>\n")?;
    let (config, folder) = (folder.join("nginx.conf"), folder.display());
    let text = format!(
        "user www-data; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log {folder}/access.log; sendfile on; keepalive_requests 1000000;\n\
         client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
         server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    );
    fs::write(&config, text)?;
    let server = serve(attached, &["nginx", "-c", &config.display().to_string()], port)?;
    let url = format!("http://127.0.0.1:{port}/");
    let said = output(Command::new("wrk").args(["-t1", "-c16", "-d2s", &url]))?;
    drop(server);
    fs::remove_file(place.path("nginx/access.log"))?;
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse::<f64>().ok());
    let rate = rate.filter(|rate| *rate > 0.0).with_context(|| format!("wrk: {said}"))?;
    ensure!(!said.contains("Non-2xx"), "nginx did not serve: {said}");
    Ok(1e9 / rate)
}

fn redis(place: &Place, attached: &Attached, requests: &str) -> Result<f64> {
    let port = free_port()?;
    let text = port.to_string();
    let folder = place.path("").display().to_string();
    let words = ["redis-server", "--port", &text, "--save", "", "--bind", "127.0.0.1", "--dir", &folder];
    let server = serve(attached, &words, port)?;
    let words = ["-p", &text, "-t", "get", "-c", "16", "-n", requests, "--csv"];
    let said = output(Command::new("redis-benchmark").args(words))?;
    drop(server);
    let rate = said.lines().find_map(|line| {
        let figure = line.strip_prefix("\"GET\",\"")?.split('"').next()?;
        figure.parse::<f64>().ok()
    });
    Ok(1e9 / rate.with_context(|| format!("redis-benchmark: {said}"))?)
}

/// A server, ended with whatever traces it when dropped: a tracer that is asked to end may leave it running.
struct Server<'a> {
    running: Running,
    attached: &'a Attached,
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        self.attached.end_all();
        let _ = self.running.0.wait();
    }
}

/// Starts a server, and waits until it listens.
fn serve<'a>(attached: &'a Attached, words: &[&str], port: u16) -> Result<Server<'a>> {
    let mut command = attached.command(words)?;
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let server = Server { running: Running(child), attached };
    wait_for("a server to listen", || TcpStream::connect(("127.0.0.1", port)).ok())?;
    Ok(server)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
