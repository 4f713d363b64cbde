//! Where the log goes: standard error for people, the journal under systemd.

use std::{
    env,
    io::{IsTerminal, stderr},
    os::unix::fs::MetadataExt,
};

use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Warnings, or what RUST_LOG asks for. What the kernel side has to say comes here too.
pub(super) fn of_a_command() {
    to_standard_error(LevelFilter::WARN);
}

/// What happens, too. Under systemd it goes to the journal with its fields, such as `UNIT` and `ERROR`.
pub(super) fn of_the_daemon() {
    if is_the_journals()
        && let Ok(journal) = tracing_journald::layer()
    {
        let journal = journal.with_filter(filter(LevelFilter::INFO));
        tracing_subscriber::registry().with(journal).init();
        return;
    }
    to_standard_error(LevelFilter::INFO);
}

fn to_standard_error(level: LevelFilter) {
    let log = tracing_subscriber::fmt().with_env_filter(filter(level)).with_writer(stderr);
    log.with_ansi(stderr().is_terminal()).with_target(false).without_time().init();
}

fn filter(level: LevelFilter) -> EnvFilter {
    EnvFilter::builder().with_default_directive(level.into()).from_env_lossy()
}

/// Whether standard error goes to the journal: systemd says so by its device and inode in JOURNAL_STREAM.
fn is_the_journals() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else { return false };
    let Ok(metadata) = std::fs::metadata("/proc/self/fd/2") else { return false };
    stream == format!("{}:{}", metadata.dev(), metadata.ino())
}
