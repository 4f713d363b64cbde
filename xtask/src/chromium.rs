//! Chromium without a window, driven by its own DevTools protocol over a pipe: no driver beside it that has to
//! be of its version, no port that others could reach.
//!
//! The browser tests include this file.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

/// How long an answer may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(2);

/// What keeps it from the network, and from asking questions.
const QUIET: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// One page in a Chromium of its own. Both end when it is dropped.
pub(crate) struct Page {
    chromium: Child,
    orders: ChildStdin,
    answers: Receiver<Value>,
    session: Option<String>,
    last: u64,
    events: VecDeque<Value>,
}

impl Page {
    /// Starts Chromium, with an empty folder for its profile.
    pub(crate) fn new(profile: &Path) -> Result<Self> {
        // It reads orders from descriptor 3 and writes to 4; a shell puts them there.
        let mut chromium = Command::new("sh")
            .args(["-c", r#"exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"])
            .args(QUIET)
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start sh")?;
        let orders = chromium.stdin.take().context("no standard input")?;
        let read = chromium.stdout.take().context("no standard output")?;
        let (send, answers) = channel();
        thread::spawn(move || {
            for message in BufReader::new(read).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { continue };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        let mut page = Self { chromium, orders, answers, session: None, last: 0, events: VecDeque::new() };
        let target = page.call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = page.call("Target.attachToTarget", &attach)?;
        page.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(page)
    }

    /// Gives an order and waits for what comes of it.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last += 1;
        let mut order = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            order["sessionId"] = json!(session);
        }
        self.orders.write_all(order.to_string().as_bytes())?;
        self.orders.write_all(b"\0")?;
        loop {
            let mut message = self.next().with_context(|| format!("no answer to {method}"))?;
            if message["id"] != self.last {
                self.events.push_back(message);
                continue;
            }
            ensure!(message.get("error").is_none(), "{method}: {}", message["error"]);
            return Ok(message["result"].take());
        }
    }

    fn next(&mut self) -> Result<Value> {
        self.answers.recv_timeout(PATIENCE).context("chromium says nothing more; is it installed?")
    }

    /// Opens a page and waits until it has loaded. Gives what happened meanwhile: requests, messages, errors.
    pub(crate) fn open(&mut self, url: &str) -> Result<Vec<Value>> {
        self.events.clear();
        let opened = self.call("Page.navigate", &json!({ "url": url }))?;
        if let Some(error) = opened["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        let is_load = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(is_load) {
            let event = self.next()?;
            self.events.push_back(event);
        }
        Ok(self.events.drain(..).collect())
    }

    /// How the page is looked at: width, colours (`light`, `dark`).
    pub(crate) fn look(&mut self, width: u32, colours: &str) -> Result<()> {
        let phone = width < 600;
        let height = if phone { 844 } else { 900 };
        let scale = if phone { 2 } else { 1 };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", &size)?;
        let colours = json!({ "features": [{ "name": "prefers-color-scheme", "value": colours }] });
        self.call("Emulation.setEmulatedMedia", &colours)?;
        Ok(())
    }

    /// A picture of the page, as PNG: all of it, or as much of it as `height` points.
    pub(crate) fn picture(&mut self, height: Option<u32>) -> Result<Vec<u8>> {
        let size = self.call("Page.getLayoutMetrics", &json!({}))?["cssContentSize"].take();
        let height = height.map_or(size["height"].clone(), |height| json!(height));
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
        let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        self.bytes("Page.captureScreenshot", &params)
    }

    /// What an order gives as data.
    pub(crate) fn bytes(&mut self, method: &str, params: &Value) -> Result<Vec<u8>> {
        let answer = self.call(method, params)?;
        Ok(BASE64_STANDARD.decode(answer["data"].as_str().context("no data")?)?)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Asked first, so that it takes its own children along.
        self.session = None;
        let _ = self.call("Browser.close", &json!({}));
        let _ = self.chromium.wait();
    }
}
