//! Where the log goes: standard error for people, the journal under systemd.

use std::{
    env,
    io::{IsTerminal, stderr},
    os::unix::fs::MetadataExt,
};

use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, fmt::format::debug_fn, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::printable::printable;

/// Warnings, or what RUST_LOG asks for. What the kernel side has to say comes here too.
pub(super) fn of_a_command() {
    to_standard_error(LevelFilter::WARN);
}

/// What happens, too. Under systemd it goes to the journal with its fields, such as `UNIT` and `ERROR`.
pub(super) fn of_the_daemon() {
    if is_the_journals()
        && let Ok(journal) = tracing_journald::layer()
    {
        // Without it every name would have an F_ in front.
        let journal = journal.with_field_prefix(None).with_filter(filter(LevelFilter::INFO));
        tracing_subscriber::registry().with(journal).init();
        return;
    }
    to_standard_error(LevelFilter::INFO);
}

fn to_standard_error(level: LevelFilter) {
    let log = tracing_subscriber::fmt().with_env_filter(filter(level)).with_writer(stderr);
    // The journal's own fields, in capitals, say nothing that the message does not.
    let fields = debug_fn(|text, field, value| match field.name() {
        "message" => write!(text, "{}", printable(&format!("{value:?}"))),
        name if name.starts_with("log.") || name.starts_with(char::is_uppercase) => Ok(()),
        name => write!(text, " {name}={value:?}"),
    });
    let log = log.fmt_fields(fields);
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
