//! What the tests share.

#[path = "../../../../xtask/src/chromium.rs"]
mod chromium;
mod samples;

use std::{
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    process::Command,
};

use recorder_daemon::allowlist::Allowlist;
use serde_json::{Value, json};

pub(crate) use samples::{busy, hostile, quiet, service};

/// A report in a browser, and the folder that holds it. The page ends before its folder goes.
pub(crate) struct Browser {
    page: chromium::Page,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Has the binary make the report and opens it, as wide as a desktop, in light colours.
    pub(crate) fn open(allowlist: &Allowlist) -> (Self, Vec<Value>) {
        let folder = tempfile::tempdir().unwrap();
        let file = report(allowlist, folder.path());
        let mut page = chromium::Page::new(&folder.path().join("profile")).unwrap();
        page.look(1280, "light").unwrap();
        let happened = page.open(&format!("file://{}", file.display())).unwrap();
        (Self { page, file, _folder: folder }, happened)
    }

    /// The page's file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The value of an expression in JavaScript, as if a person had asked for it.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let mut answer = self.call("Runtime.evaluate", &params).unwrap();
        assert!(answer.get("exceptionDetails").is_none(), "{expression:.200}: {answer}");
        answer["result"]["value"].take()
    }

    /// The page as it is printed on A4, as PDF.
    pub(crate) fn print(&mut self) -> Vec<u8> {
        let paper = json!({ "preferCSSPageSize": true, "paperWidth": 8.27, "paperHeight": 11.69 });
        self.bytes("Page.printToPDF", &paper).unwrap()
    }

    /// Leaves a picture in target/browser.
    pub(crate) fn picture(&mut self, name: &str, height: Option<u32>) {
        let png = self.page.picture(height).unwrap();
        fs::write(tools().join(name).with_extension("png"), png).unwrap();
    }
}

impl Deref for Browser {
    type Target = chromium::Page;

    fn deref(&self) -> &Self::Target {
        &self.page
    }
}

impl DerefMut for Browser {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.page
    }
}

/// Has the binary make a report of an allowlist.
pub(crate) fn report(allowlist: &Allowlist, folder: &Path) -> PathBuf {
    let (from, to) = (folder.join("a.toml"), folder.join("a.html"));
    fs::write(&from, allowlist.to_toml()).unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_syscall-recorder"))
        .arg("report")
        .arg(&from)
        .arg("-o")
        .arg(&to)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    to
}

/// Where `cargo xtask setup` puts what comes from npm, and pictures go.
pub(crate) fn tools() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/browser");
    assert!(
        folder.join("node_modules").exists(),
        "run `cargo xtask setup` first: it installs axe-core and vnu"
    );
    folder
}
