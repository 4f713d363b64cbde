//! Passes signals on to the command.

use std::{
    fs, io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
    iterator::{backend::SignalDelivery, exfiltrator::WithOrigin},
    low_level::siginfo::{Cause, Origin},
};

/// The signals that a person or a script sends to a command. Those that the kernel sends to one process for
/// what it did itself are not among them.
const PASSED: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

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
        let caught = PASSED.iter().filter(|signal| ignored & (1 << (**signal - 1)) == 0);
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

    /// Whether the terminal sent it. Then every process of the foreground has had it already, and the
    /// command among them must not get it twice.
    pub(super) fn by_terminal(&self) -> bool {
        self.by_terminal
    }

    /// Sends it on. A process that has ended meanwhile needs none.
    pub(super) fn pass_to(&self, process: u32) {
        let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
        if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(self.signal)) {
            let _ = kill_process(pid, signal);
        }
    }
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
