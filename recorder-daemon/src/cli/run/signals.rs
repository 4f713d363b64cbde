//! Passes signals on to the command.

use std::{
    fs, io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::atomic::{AtomicBool, Ordering},
};

use libc::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGPROF, SIGPWR, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM,
    SIGWINCH,
};
use rustix::process::{Pid, getpgid, getpgrp};
use signal_hook::{
    iterator::{backend::SignalDelivery, exfiltrator::WithOrigin},
    low_level::siginfo::{Cause, Origin},
};

/// The signals that a person or a script sends to a command, beside the real-time ones. Those that the kernel
/// sends to one process for what it did itself are not among them, nor those that stop and continue a job,
/// which go to us as well.
const PASSED: [i32; 12] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGWINCH,
];

/// The signals that came in.
pub(super) struct Signals(SignalDelivery<UnixStream, WithOrigin>);

/// One signal that came in.
pub(super) struct Received {
    signal: i32,
    by_terminal: bool,
}

impl Signals {
    /// From now on signals no longer end this process. One that it was told to ignore stays ignored: the
    /// command inherits that, and nohup relies on it.
    pub(super) fn catch() -> io::Result<Self> {
        let ignored = ignored()?;
        let passed = PASSED.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
        let caught = passed.filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let (read, write) = UnixStream::pair()?;
        Ok(Self(SignalDelivery::with_pipe(read, write, WithOrigin::default(), caught)?))
    }

    /// Readable when a signal has come in.
    pub(super) fn ready(&self) -> impl AsFd + '_ {
        self.0.get_read().as_fd()
    }

    /// What has come in since last asked.
    pub(super) fn take(&mut self) -> Vec<Received> {
        let received = |origin: Origin| Received {
            signal: origin.signal,
            by_terminal: matches!(origin.cause, Cause::Kernel),
        };
        self.0.pending().map(received).collect()
    }
}

impl Received {
    /// Whether it asks for an end.
    pub(super) fn is_interrupt(&self) -> bool {
        matches!(self.signal, SIGINT | SIGTERM)
    }

    /// Its number.
    pub(super) fn number(&self) -> i32 {
        self.signal
    }

    /// Whether a process has had it already: the terminal sends a signal to the whole of our process group,
    /// and whoever is in it must not get it twice.
    pub(super) fn has_reached(&self, process: u32) -> bool {
        self.by_terminal && pid(process).is_some_and(|pid| getpgid(Some(pid)) == Ok(getpgrp()))
    }

    /// Sends it on. A process that has ended meanwhile needs none.
    pub(super) fn pass_to(&self, process: u32) {
        if let Some(pid) = pid(process) {
            // SAFETY: kill(2) takes no memory. rustix has no names for the real-time signals.
            unsafe { libc::kill(pid.as_raw_pid(), self.signal) };
        }
    }
}

fn pid(process: u32) -> Option<Pid> {
    i32::try_from(process).ok().and_then(Pid::from_raw)
}

/// Whether this process was started with SIGPIPE ignored, as systemd starts services.
static BROKEN_PIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Rust's runtime ignores SIGPIPE before main, so what was inherited must be asked before that.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = {
    extern "C" fn ask() {
        // SAFETY: asks and changes nothing; a zeroed sigaction is a valid one to be written to.
        let ignored = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(SIGPIPE, std::ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        };
        BROKEN_PIPE_IGNORED.store(ignored, Ordering::Relaxed);
    }
    ask
};

/// What a command inherits of its signals where nobody stands between: std resets it in each child.
#[derive(Clone, Copy)]
pub(super) struct Inherited {
    blocked: libc::sigset_t,
    broken_pipe_ignored: bool,
}

impl Inherited {
    /// This thread's.
    pub(super) fn read() -> Self {
        // SAFETY: asks and changes nothing; a zeroed set is a valid one to be written to.
        let blocked = unsafe {
            let mut blocked: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &raw mut blocked);
            blocked
        };
        Self { blocked, broken_pipe_ignored: BROKEN_PIPE_IGNORED.load(Ordering::Relaxed) }
    }

    /// Makes it the calling thread's. Async-signal-safe.
    pub(super) fn restore(&self) {
        // SAFETY: both are allowed between fork and execve, and the set was filled by the kernel.
        unsafe {
            if self.broken_pipe_ignored {
                libc::signal(SIGPIPE, libc::SIG_IGN);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.blocked, std::ptr::null_mut());
        }
    }
}

/// The set of signals that this process ignores, bit 0 for signal 1: SigIgn in /proc/self/status.
fn ignored() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Ok(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default())
}
