//! A real nginx for the demo: its configuration, and requests of every common kind.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::shell::output;

/// Bytes of the file that goes out by sendfile.
const LARGE: usize = 8 << 20;

/// An nginx in a folder of its own, on a free port of the loopback address.
pub(crate) struct Nginx {
    folder: PathBuf,
    port: u16,
}

impl Nginx {
    /// Writes the configuration and the pages.
    pub(crate) fn prepare(folder: &Path) -> Result<Self> {
        for below in ["html", "log", "temp"] {
            fs::create_dir_all(folder.join(below))?;
        }
        fs::write(folder.join("html/index.html"), "<h1>It is recorded</h1>\n")?;
        fs::write(folder.join("html/large.bin"), vec![b'x'; LARGE])?;
        let (port, echo) = (free_port()?, free_port()?);
        fs::write(folder.join("nginx.conf"), configuration(folder, port, echo))?;
        Ok(Self { folder: folder.to_owned(), port })
    }

    /// nginx's command line for this configuration, `words` added: as a unit file would have it.
    pub(crate) fn command(&self, words: &[&str]) -> Vec<String> {
        let mut command = vec!["nginx".to_owned(), "-c".to_owned(), self.path("nginx.conf")];
        command.extend(words.iter().map(|word| (*word).to_owned()));
        command
    }

    /// The master process, once it serves.
    pub(crate) fn wait(&self) -> Result<u32> {
        let pid = wait_for("nginx to serve", || {
            TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            fs::read_to_string(self.folder.join("nginx.pid")).ok()?.trim().parse().ok()
        })?;
        Ok(pid)
    }

    /// Makes requests and checks each answer. Says what it did.
    pub(crate) fn request(&self) -> Result<()> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let get =
            |words: &[&str]| output(Command::new("curl").args(["--silent", "--show-error"]).args(words));
        let status = ["--output", "/dev/null", "--write-out", "%{http_code} "];

        ensure!(get(&[&url])?.contains("It is recorded"), "the page is not the page");
        let missing = get(&[&status[..], &[&format!("{url}/missing")]].concat())?;
        ensure!(missing == "404 ", "a missing page gave {missing}");
        let large = get(&[&format!("{url}/large.bin")])?;
        ensure!(large.len() == LARGE, "the large file came with {} bytes", large.len());
        let body = format!("@{}", self.path("html/large.bin"));
        let posted = get(&["--data-binary", &body, &format!("{url}/echo")])?;
        ensure!(posted == "posted\n", "a POST gave {posted:?}");
        let pages: Vec<_> = (0..20).map(|_| url.as_str()).collect();
        let kept = get(&pages)?;
        ensure!(
            kept.matches("It is recorded").count() == pages.len(),
            "a page over a kept connection is missing"
        );
        println!(
            "served: a page, a 404, {LARGE} bytes by sendfile, a POST through a proxy, 20 pages on one connection"
        );
        Ok(())
    }

    /// Moves the log away, as logrotate does.
    pub(crate) fn rotate_log(&self) -> Result<()> {
        fs::rename(self.path("log/access.log"), self.path("log/access.log.1"))?;
        Ok(())
    }

    /// Waits for nginx to open a new log.
    pub(crate) fn wait_for_log(&self) -> Result<()> {
        let log = self.path("log/access.log");
        wait_for("nginx to open its log anew", || Path::new(&log).exists().then_some(()))
    }

    fn path(&self, below: &str) -> String {
        self.folder.join(below).display().to_string()
    }
}

/// Tries until it gives something.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if let Some(found) = attempt() {
            return Ok(found);
        }
        sleep(Duration::from_millis(50));
    }
    bail!("waited half a minute for {what}")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// As on a small real host: workers under a user of their own, sendfile, a reverse proxy, logs.
fn configuration(folder: &Path, port: u16, echo: u16) -> String {
    let folder = folder.display();
    format!(
        "user www-data;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/log/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/log/access.log;
    client_max_body_size 16m;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {folder}/temp/body;
    proxy_temp_path {folder}/temp/proxy;
    fastcgi_temp_path {folder}/temp/fastcgi;
    uwsgi_temp_path {folder}/temp/uwsgi;
    scgi_temp_path {folder}/temp/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/html;
        location /echo {{ proxy_pass http://127.0.0.1:{echo}/; }}
    }}
    server {{
        listen 127.0.0.1:{echo};
        location / {{ return 200 \"posted\\n\"; }}
    }}
}}
"
    )
}
