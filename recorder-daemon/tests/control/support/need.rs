//! Whether a test can run here.

use std::{env, fmt, fs::OpenOptions, io::Write, thread};

/// What is missing.
#[derive(Debug)]
enum Unsupported {
    NotRoot,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => write!(f, "it needs root, to become somebody else"),
        }
    }
}

/// Whether this thread can become another user. A skipped test is never silent.
pub(crate) fn root() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let unsupported = Unsupported::NotRoot;
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let required = ["CI", "SYSCALL_RECORDER_REQUIRE"].iter().any(|name| env::var_os(name).is_some());
    assert!(!required, "{name} must not be skipped here: {unsupported}");
    eprintln!("skipped: {name}: {unsupported}");
    if let Some(path) = env::var_os("SYSCALL_RECORDER_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        // One write, so that tests that end at once do not mix their lines.
        file.and_then(|mut file| file.write_all(format!("{name}: {unsupported}\n").as_bytes())).unwrap();
    }
    false
}
