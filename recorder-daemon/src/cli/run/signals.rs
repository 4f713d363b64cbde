//! Passes signals on to the command.
//!
//! They are blocked and read from a descriptor. With handlers, the child that becomes the command would have
//! them too until its execve, and what it caught there would be lost.

use std::{
    fs::{self, File},
    io::{self, Read},
    mem,
    os::fd::{AsFd, FromRawFd},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use libc::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGPROF, SIGPWR, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM,
    SIGWINCH,
};
use rustix::process::{Pid, getpgid, getpgrp};

/// The signals that a person or a script sends to a command, beside the real-time ones. Those that the kernel
/// sends to one process for what it did itself are not among them, nor those that stop and continue a job,
/// which go to us as well.
const PASSED: [i32; 12] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGWINCH,
];

/// The signals that came in.
pub(super) struct Signals {
    descriptor: File,
    inherited: Inherited,
}

/// One signal that came in.
pub(super) struct Received {
    signal: i32,
    by_terminal: bool,
}

/// What a command inherits of its signals where nobody stands between.
#[derive(Clone, Copy)]
pub(super) struct Inherited {
    blocked: libc::sigset_t,
    broken_pipe_ignored: bool,
}

impl Signals {
    /// From now on signals no longer end this process. One that it was told to ignore stays ignored: the
    /// command inherits that, and nohup relies on it.
    pub(super) fn catch() -> io::Result<Self> {
        let ignored = ignored()?;
        let passed = PASSED.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
        // SAFETY: a zeroed set is a valid one to be written to, and every call is given the sets that it
        // wants; the descriptor is ours alone.
        unsafe {
            let mut caught: libc::sigset_t = mem::zeroed();
            let mut blocked: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut caught);
            for signal in passed.filter(|signal| ignored & (1 << (signal - 1)) == 0) {
                libc::sigaddset(&raw mut caught, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const caught, &raw mut blocked);
            match libc::signalfd(-1, &raw const caught, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
                -1 => Err(io::Error::last_os_error()),
                descriptor => Ok(Self {
                    descriptor: File::from_raw_fd(descriptor),
                    inherited: Inherited {
                        blocked,
                        broken_pipe_ignored: BROKEN_PIPE_IGNORED.load(Ordering::Relaxed),
                    },
                }),
            }
        }
    }

    /// Readable when a signal has come in.
    pub(super) fn ready(&self) -> impl AsFd + '_ {
        self.descriptor.as_fd()
    }

    /// What the command is to inherit.
    pub(super) fn inherited(&self) -> Inherited {
        self.inherited
    }

    /// What has come in since last asked.
    pub(super) fn take(&mut self) -> io::Result<Vec<Received>> {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let mut received = Vec::new();
        loop {
            let mut bytes = [0; SIZE];
            match self.descriptor.read(&mut bytes) {
                Ok(SIZE) => {
                    // SAFETY: the kernel has filled it whole, and it holds integers only.
                    let info: libc::signalfd_siginfo = unsafe { mem::transmute(bytes) };
                    let by_terminal = info.ssi_code == libc::SI_KERNEL;
                    received.push(Received { signal: info.ssi_signo.cast_signed(), by_terminal });
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => return Ok(received),
            }
        }
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

impl Inherited {
    /// Makes it the calling thread's, between fork and execve: std has unblocked all signals there and set
    /// SIGPIPE back to its default. Async-signal-safe.
    pub(super) fn restore(&self) {
        // SAFETY: both calls are allowed there, and the set was filled by the kernel.
        unsafe {
            if self.broken_pipe_ignored {
                libc::signal(SIGPIPE, libc::SIG_IGN);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.blocked, ptr::null_mut());
        }
    }
}

fn pid(process: u32) -> Option<Pid> {
    i32::try_from(process).ok().and_then(Pid::from_raw)
}

/// The set of signals that this process ignores, bit 0 for signal 1: SigIgn in /proc/self/status.
fn ignored() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Ok(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default())
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
            let mut action: libc::sigaction = mem::zeroed();
            libc::sigaction(SIGPIPE, ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        };
        BROKEN_PIPE_IGNORED.store(ignored, Ordering::Relaxed);
    }
    ask
};
