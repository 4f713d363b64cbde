//! Signals reach the command as if the recorder were not there: each once.

use std::{io, mem, os::unix::process::CommandExt, path::Path, process::Command, ptr};

use rustix::process::Signal;

use crate::support::{Bench, NATIVE, Started, Stray, alive, eventually};

/// A recorded `programs/signals.c` that is ready, and its process id.
fn ready(bench: &Bench) -> (Started, u32) {
    let program = bench.compile("signals", &[]);
    let started = Started::talking(&mut bench.run(&[&program]));
    let line = started.line();
    (started, line.strip_prefix("ready ").unwrap().parse().unwrap())
}

#[test]
fn each_signal_reaches_the_command_once() {
    let Some(bench) = Bench::new(&[]) else { return };
    // One of those that ask for an end, then the others; the second of the former would end the recording.
    for end in [(Signal::INT, "INT"), (Signal::TERM, "TERM")] {
        let _ = std::fs::remove_file(bench.file());
        let (mut started, _) = ready(&bench);
        let others = [
            (Signal::HUP, "HUP"),
            (Signal::QUIT, "QUIT"),
            (Signal::USR1, "USR1"),
            (Signal::USR2, "USR2"),
            (Signal::USR1, "USR1"),
        ];
        for (signal, name) in [end].into_iter().chain(others) {
            started.signal(signal);
            assert_eq!(started.line(), name);
        }
        started.tell_end();
        let (int, term) = if end.1 == "INT" { (1, 0) } else { (0, 1) };
        assert_eq!(started.line(), format!("HUP=1 INT={int} QUIT=1 TERM={term} USR1=2 USR2=1"));
        assert_eq!(started.finish().status.code(), Some(0));
        let allowlist = bench.allowlist();
        assert_eq!(allowlist.calls(NATIVE, "rt_sigreturn"), 6);
        allowlist.assert_whole();
    }
}

#[test]
fn a_signal_that_ends_the_command_ends_the_recording_well() {
    let Some(bench) = Bench::new(&[]) else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::USR1] {
        let _ = std::fs::remove_file(bench.file());
        let started = Started::talking(&mut bench.run(&["sh", "-c", "echo ready; exec sleep 1000"]));
        assert_eq!(started.line(), "ready");
        started.signal(signal);
        let output = started.finish();
        assert_eq!(output.status.code(), Some(128 + signal.as_raw()), "{signal:?}");
        bench.allowlist().assert_whole();
    }
}

#[test]
fn the_second_interrupt_ends_the_recording_and_leaves_the_command_alone() {
    let Some(bench) = Bench::new(&[]) else { return };
    for second in [Signal::INT, Signal::TERM] {
        let _ = std::fs::remove_file(bench.file());
        let (mut started, command) = ready(&bench);
        let stray = Stray(command);
        started.signal(Signal::INT);
        assert_eq!(started.line(), "INT");
        started.signal(second);
        assert_eq!(started.line(), if second == Signal::INT { "INT" } else { "TERM" });
        assert_eq!(started.ended(), Some(128 + second.as_raw()));
        assert!(alive(command));
        let allowlist = bench.allowlist();
        assert_eq!(allowlist.gaps().into_iter().collect::<Vec<_>>(), [("still_running".to_owned(), 1)]);
        assert!(!allowlist.complete());
        assert!(allowlist.names(NATIVE).contains("rt_sigaction"));
        drop(stray);
    }
}

#[test]
fn what_is_left_behind_gets_the_signals_once_the_command_has_ended() {
    let Some(bench) = Bench::new(&[]) else { return };
    // The shell ends at once; what it leaves is no child of the recorder, and of another session.
    let command = ["sh", "-c", "setsid sleep 1000 > sleeping 2>&1 & echo $!; echo $$"];
    let started = Started::talking(&mut bench.run(&command));
    let left: u32 = started.line().parse().unwrap();
    let _stray = Stray(left);
    let shell: u32 = started.line().parse().unwrap();
    let in_cgroup = || std::fs::read_to_string(started.cgroup().join("cgroup.procs")).unwrap();
    eventually("the shell's end", || (in_cgroup().lines().count() == 1).then_some(()));
    eventually("setsid's exec", || {
        let name = std::fs::read_to_string(format!("/proc/{left}/comm")).unwrap();
        (name == "sleep\n").then_some(())
    });
    // Then the recorder has waited for it, and says what it has left before it looks for signals.
    eventually("the shell waited for", || (!Path::new(&format!("/proc/{shell}")).exists()).then_some(()));
    started.signal(Signal::TERM);
    let output = started.finish();
    assert_eq!(output.status.code(), Some(0), "the command's own, which ended well before");
    assert!(!alive(left));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("left 1 running"), "{said}");
    bench.allowlist().assert_whole();
}

/// How a command is born under a shell that ignores `signals`: what it ignores, blocks and catches.
fn dispositions(bench: &Bench, signals: &str, recorded: bool) -> String {
    let script = format!("trap '' {signals}; exec \"$@\"");
    let command = bench.run(&["grep", "^Sig[IB]", "/proc/self/status"]);
    let mut shell = bench.command("sh");
    shell.args(["-c", &script, "sh"]);
    if recorded {
        shell.arg(command.get_program()).args(command.get_args());
    } else {
        shell.args(["grep", "^Sig[IB]", "/proc/self/status"]);
    }
    let _ = std::fs::remove_file(bench.file());
    String::from_utf8(Started::new(&mut shell).finish().stdout).unwrap()
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let Some(bench) = Bench::new(&[]) else { return };
    for signals in ["HUP", "INT QUIT", "TERM USR1 USR2", "CHLD TSTP", "''"] {
        assert_eq!(dispositions(&bench, signals, true), dispositions(&bench, signals, false), "{signals}");
    }
}

#[test]
fn a_broken_pipe_that_was_ignored_stays_ignored() {
    let Some(bench) = Bench::new(&[]) else { return };
    assert_eq!(dispositions(&bench, "PIPE", true), dispositions(&bench, "PIPE", false));
}

#[test]
fn a_signal_that_was_blocked_stays_blocked() {
    let Some(bench) = Bench::new(&[]) else { return };
    let blocked = |mut command: Command| {
        // SAFETY: the calls are async-signal-safe, and sigemptyset fills the set in.
        unsafe {
            command.pre_exec(|| {
                let mut set: libc::sigset_t = mem::zeroed();
                libc::sigemptyset(&raw mut set);
                libc::sigaddset(&raw mut set, libc::SIGUSR2);
                libc::sigaddset(&raw mut set, libc::SIGALRM);
                match libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) {
                    0 => Ok(()),
                    _ => Err(io::Error::last_os_error()),
                }
            });
        }
        String::from_utf8(Started::new(&mut command).finish().stdout).unwrap()
    };
    let words = ["grep", "^Sig[IB]", "/proc/self/status"];
    let mut alone = bench.command(words[0]);
    alone.args(&words[1..]);
    let alone = blocked(alone);
    assert!(alone.contains("SigBlk:\t0000000000002800"), "{alone}");
    assert_eq!(blocked(bench.run(&words)), alone);
}

#[test]
fn a_hangup_that_is_ignored_disturbs_nobody() {
    let Some(bench) = Bench::new(&["nohup"]) else { return };
    let program = bench.compile("signals", &[]);
    let run = bench.run(&[&program]);
    let mut nohup = bench.command("nohup");
    let mut started = Started::talking(nohup.arg(run.get_program()).args(run.get_args()));
    assert!(started.line().starts_with("ready "));
    started.signal(Signal::HUP);
    started.signal(Signal::USR1);
    assert_eq!(started.line(), "USR1");
    started.tell_end();
    assert_eq!(started.line(), "HUP=0 INT=0 QUIT=0 TERM=0 USR1=1 USR2=0");
    assert_eq!(started.finish().status.code(), Some(0));
    bench.allowlist().assert_whole();
}
