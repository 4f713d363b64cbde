//! At a terminal: the command sees it, and what is typed there reaches the command once.

use std::{
    fs::File,
    io::{self, Write},
    mem,
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, Stdio},
};

use rustix::process::Signal;

use crate::support::{Bench, NATIVE, Stray, alive, eventually, kill, lines_of, put_an_end_to};

/// A pseudo-terminal: the side that a person sits at, and the side that programs are started on.
struct Terminal {
    person: File,
    program: File,
}

impl Terminal {
    fn open() -> Self {
        const FLAGS: libc::c_int = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        // Not openpty(3), whose descriptors go to every process that another test starts.
        // SAFETY: it takes flags and gives a descriptor.
        let person = unsafe { libc::posix_openpt(FLAGS) };
        assert!(person >= 0, "{}", io::Error::last_os_error());
        // SAFETY: it was just opened and belongs to nobody else.
        let person = unsafe { File::from_raw_fd(person) };
        // SAFETY: it takes the descriptor, and for TIOCGPTPEER flags by value.
        let program = unsafe {
            assert_eq!(libc::unlockpt(person.as_raw_fd()), 0, "{}", io::Error::last_os_error());
            libc::ioctl(person.as_raw_fd(), libc::TIOCGPTPEER, FLAGS)
        };
        assert!(program >= 0, "{}", io::Error::last_os_error());
        // SAFETY: as above.
        let program = unsafe { File::from_raw_fd(program) };
        quieten(&program);
        Self { person, program }
    }

    /// Starts the command as a login does: in a session of its own, with this as its terminal.
    fn start(&self, command: &mut Command) -> Session {
        let program = || Stdio::from(self.program.try_clone().unwrap());
        command.stdin(program()).stdout(program()).stderr(program());
        // SAFETY: both calls are async-signal-safe; descriptor 0 is the terminal by then.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
        Session(command.spawn().unwrap())
    }

    fn types(&mut self, text: &[u8]) {
        self.person.write_all(text).unwrap();
    }
}

/// What is typed is not echoed in between the lines that are read; and an interrupt does not throw away what
/// was written, which, as the kernel sends the signal first, would take the answer to it along.
fn quieten(terminal: &File) {
    let fd = terminal.as_raw_fd();
    // SAFETY: integers only, for which zeros are valid.
    let mut settings: libc::termios = unsafe { mem::zeroed() };
    // SAFETY: it writes the settings.
    assert_eq!(unsafe { libc::tcgetattr(fd, &raw mut settings) }, 0);
    settings.c_lflag &= !libc::ECHO;
    settings.c_lflag |= libc::NOFLSH;
    // SAFETY: it reads the settings.
    assert_eq!(unsafe { libc::tcsetattr(fd, libc::TCSANOW, &raw const settings) }, 0);
}

struct Session(Child);

impl Session {
    fn status(mut self) -> Option<i32> {
        eventually("an end", || self.0.try_wait().unwrap()).code()
    }

    /// Does something while the process stands still.
    fn held_up(&self, meanwhile: impl FnOnce()) {
        let path = format!("/proc/{}/stat", self.0.id());
        kill(self.0.id(), Signal::STOP);
        eventually("a process that stands still", || {
            std::fs::read_to_string(&path).unwrap().contains(") T ").then_some(())
        });
        meanwhile();
        kill(self.0.id(), Signal::CONT);
    }

    /// Waits until the process has taken the signals that were sent to it: of two alike that it has not, the
    /// kernel keeps one.
    fn has_taken_its_signals(&self) {
        let path = format!("/proc/{}/status", self.0.id());
        eventually("a signal taken", || {
            let status = std::fs::read_to_string(&path).unwrap();
            status.lines().any(|line| line == "ShdPnd:\t0000000000000000").then_some(())
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        put_an_end_to(&mut self.0);
    }
}

const CTRL_C: &[u8] = b"\x03";
const CTRL_D: &[u8] = b"\x04";

#[test]
fn the_command_sees_the_terminal() {
    let Some(bench) = Bench::new(&[]) else { return };
    let terminal = Terminal::open();
    let script = "test -t 0 && test -t 1 && test -t 2 && tty > name";
    let session = terminal.start(&mut bench.run(&["sh", "-c", script]));
    assert_eq!(session.status(), Some(0));
    let name = std::fs::read_to_string(bench.work().join("name")).unwrap();
    let path = format!("/proc/self/fd/{}", terminal.program.as_raw_fd());
    assert_eq!(name.trim(), std::fs::read_link(path).unwrap().to_str().unwrap());
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("signals", &[]);
    let mut terminal = Terminal::open();
    let session = terminal.start(&mut bench.run(&[&program]));
    let lines = lines_of(terminal.person.try_clone().unwrap());
    let next = || lines.recv().unwrap();
    assert!(next().starts_with("ready "));
    // The recorder learns of it when the command has had it: of two that come at once, the kernel would keep one.
    session.held_up(|| {
        terminal.types(CTRL_C);
        assert_eq!(next(), "INT");
    });
    session.has_taken_its_signals();
    // This one comes by the recorder, after all that the recorder has had before.
    kill(session.0.id(), Signal::USR1);
    assert_eq!(next(), "USR1");
    terminal.types(CTRL_D);
    assert_eq!(next(), "HUP=0 INT=1 QUIT=0 TERM=0 USR1=1 USR2=0");
    assert_eq!(session.status(), Some(0));
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.calls(NATIVE, "rt_sigreturn"), 2);
    allowlist.assert_whole();
}

#[test]
fn ctrl_c_typed_twice_ends_the_recording() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("signals", &[]);
    let mut terminal = Terminal::open();
    let session = terminal.start(&mut bench.run(&[&program]));
    let lines = lines_of(terminal.person.try_clone().unwrap());
    let next = || lines.recv().unwrap();
    let command: u32 = next().strip_prefix("ready ").unwrap().trim().parse().unwrap();
    let _stray = Stray(command);
    terminal.types(CTRL_C);
    assert_eq!(next(), "INT");
    assert!(alive(command));
    session.has_taken_its_signals();
    terminal.types(CTRL_C);
    // What the command says of it and what the recorder says come in any order.
    assert_eq!(session.status(), Some(130));
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.gaps().into_iter().collect::<Vec<_>>(), [("still_running".to_owned(), 1)]);
}

/// The terminal sends its signals to one process group, which this command has left.
#[test]
fn ctrl_c_reaches_a_command_that_has_left_the_foreground() {
    let Some(bench) = Bench::new(&["setsid"]) else { return };
    let program = bench.compile("signals", &[]);
    let mut terminal = Terminal::open();
    let session = terminal.start(&mut bench.run(&["setsid", &program]));
    let lines = lines_of(terminal.person.try_clone().unwrap());
    let next = || lines.recv().unwrap();
    let command: u32 = next().strip_prefix("ready ").unwrap().trim().parse().unwrap();
    let _stray = Stray(command);
    terminal.types(CTRL_C);
    assert_eq!(next(), "INT");
    session.has_taken_its_signals();
    terminal.types(CTRL_C);
    assert_eq!(session.status(), Some(130));
}

#[test]
fn bytes_typed_reach_the_command() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut terminal = Terminal::open();
    let session = terminal.start(&mut bench.run(&["sh", "-c", "head -n 1 > typed"]));
    terminal.types(b"a line\n");
    assert_eq!(session.status(), Some(0));
    assert_eq!(std::fs::read_to_string(bench.work().join("typed")).unwrap(), "a line\n");
}
