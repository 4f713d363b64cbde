//! `watch`, at a terminal and without one.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use rustix::process::Signal;

use crate::support::{BINARY, Bench, Daemon, Slice, Started, Tmux, alive, eventually, finish_in, kill};

/// A daemon with a unit that it records, and a window in which it can be watched.
struct Watching {
    tmux: Tmux,
    daemon: Daemon,
    slice: Slice,
    unit: String,
    bench: Bench,
}

impl Watching {
    fn start(tag: &str) -> Option<Self> {
        let bench = Bench::new(&["tmux"])?;
        let slice = Slice::new(tag);
        let unit = slice.service("a");
        let daemon = Daemon::start(&bench, "");
        slice.make("a");
        daemon.done(&["start", &unit]);
        let tmux = Tmux::open(&bench, (100, 24));
        Some(Self { tmux, daemon, slice, unit, bench })
    }

    /// Begins to watch, and waits until the screen is there.
    fn watch(&self, environment: &str, words: &[&str]) {
        self.type_command(environment, words);
        let unit = &self.unit;
        self.tmux.until("the screen of watch", |screen| screen.contains(unit) && screen.contains("q quit"));
    }

    fn type_command(&self, environment: &str, words: &[&str]) {
        let command = self.daemon.command(&[&["watch"], words].concat());
        let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        // In the shell of the window, which tells the status and how it finds the terminal.
        self.tmux.line(&format!(
            "stty -g > before; {environment} {BINARY} {}; echo status=$?; stty -g > after",
            words.join(" ")
        ));
    }

    /// Starts the unit anew, as a cgroup.
    fn restart(&self) -> PathBuf {
        self.slice.remove("a");
        self.slice.make("a")
    }

    /// The process that watches.
    fn watcher(&self) -> u32 {
        eventually("the process", || {
            let shell = self.tmux.says("#{pane_pid}");
            let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        })
    }

    /// Waits until it has ended with this status; the terminal must be as it was before.
    #[track_caller]
    fn ended(&self, status: u8) -> String {
        let screen = self.tmux.shows(&format!("status={status}"));
        eventually("the settings afterwards", || {
            let after = fs::read_to_string(self.bench.work().join("after")).ok()?;
            let before = fs::read_to_string(self.bench.work().join("before")).unwrap();
            (!after.is_empty()).then(|| assert_eq!(before, after, "the terminal's settings"))
        });
        fs::remove_file(self.bench.work().join("after")).unwrap();
        assert_eq!(self.tmux.says("#{alternate_on} #{cursor_flag}"), "0 1", "the screen and the cursor");
        screen
    }
}

#[test]
fn a_new_call_appears_and_the_window_may_change_its_size() {
    let Some(at) = Watching::start("live") else { return };
    at.watch("", &["--interval", "0.2"]);
    assert!(!at.tmux.screen().contains("new call"));
    let folder = at.restart();
    finish_in(&folder, &["/bin/true"]);
    let screen = at
        .tmux
        .until("a new call", |screen| screen.contains("new call exit_group (") && screen.contains("running"));
    assert!(screen.contains("/bin/true"), "{screen}");
    assert!(screen.contains("start 1"), "{screen}");
    at.tmux.resize((40, 12));
    let small = at.tmux.until("a small screen", |screen| {
        screen.lines().count() <= 12 && screen.contains("q quit, arrows") && !screen.contains("STATE")
    });
    assert!(small.contains("NAMES"), "{small}");
    at.tmux.resize((150, 40));
    at.tmux.until("a large screen", |screen| screen.contains("STARTS") && screen.contains("NEW OVER TIME"));
    at.tmux.key("q");
    at.ended(0);
}

#[test]
fn whatever_ends_it_gives_the_terminal_back() {
    let Some(at) = Watching::start("ends") else { return };
    at.watch("", &[&at.unit]);
    at.tmux.key("C-c");
    at.ended(0);
    for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)]
    {
        at.tmux.line("clear");
        at.watch("", &[]);
        kill(at.watcher(), signal);
        at.ended(status);
    }
    // A bug of ours; SIGKILL is the one end that nothing can be done about.
    at.tmux.line("clear");
    at.type_command("SYSCALL_RECORDER_TEST_PANIC=1", &[]);
    let screen = at.ended(70);
    assert!(screen.contains("a panic was asked for"), "{screen}");
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let Some(at) = Watching::start("gone") else { return };
    at.watch("", &[]);
    let watcher = at.watcher();
    drop(at);
    eventually("an end of watch", || (!alive(watcher)).then_some(()));
}

#[test]
fn it_stops_and_goes_on_as_any_job() {
    let Some(at) = Watching::start("jobs") else { return };
    at.tmux.line("set -m");
    at.watch("", &[]);
    at.tmux.key("C-z");
    at.tmux.until("the shell", |screen| screen.contains("Stopped") && !screen.contains("q quit"));
    at.tmux.line("fg");
    at.tmux.shows("q quit");
    at.tmux.key("q");
    at.tmux.until("the shell again", |screen| !screen.contains("q quit"));
    assert_eq!(at.tmux.says("#{alternate_on} #{cursor_flag}"), "0 1");
}

#[test]
fn a_daemon_that_goes_away_is_said_and_waited_for() {
    let Some(mut at) = Watching::start("away") else { return };
    at.watch("", &["--interval", "0.2"]);
    at.daemon.end();
    let gone = at.tmux.shows("NOT UP TO DATE");
    assert!(gone.contains("the daemon is not running"), "{gone}");
    at.daemon.start_again(&at.bench);
    let folder = at.restart();
    finish_in(&folder, &["/bin/true"]);
    at.tmux.until("news of the next daemon", |screen| {
        !screen.contains("NOT UP TO DATE") && screen.contains("new call exit_group")
    });
    at.tmux.key("q");
    at.ended(0);
    at.daemon.end();
    at.tmux.line("clear");
    at.type_command("", &[]);
    at.ended(69);
}

/// Names come from whoever may start programs in a recorded cgroup.
#[test]
fn a_hostile_program_cannot_steer_the_terminal() {
    let Some(at) = Watching::start("hostile") else { return };
    let program = at.bench.path("a\u{1b}]0;owned\u{7}\u{1b}[31m\u{202e}b");
    fs::copy("/bin/true", &program).unwrap();
    at.tmux.resize((300, 40));
    at.watch("", &["--interval", "0.2"]);
    let title = at.tmux.says("#{pane_title}");
    finish_in(&at.restart(), &[program.to_str().unwrap()]);
    let screen = at.tmux.until("the new calls", |screen| screen.contains("\\u{202e}b"));
    assert!(screen.contains("\\u{1b}]0;owned\\u{7}\\u{1b}[31m"), "{screen}");
    assert_eq!(at.tmux.says("#{pane_title}"), title);
    at.tmux.key("q");
    at.ended(0);
}

#[test]
fn without_a_terminal_there_is_a_line_for_each_event() {
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("lines");
    let unit = slice.service("a");
    let mut daemon = Daemon::start(&bench, "");
    let refused = daemon.ask(&["watch", &unit]);
    assert_eq!(refused.status.code(), Some(66), "{}", String::from_utf8_lossy(&refused.stderr));
    slice.make("a");
    daemon.done(&["start", &unit]);
    let watch = |words: &[&str]| {
        let mut command = daemon.command(&[&["watch", "--interval", "0.2"], words].concat());
        let started = Started::talking(&mut command);
        // What comes before it listens is not told.
        eventually("a watcher that waits", || waits(started.id()).then_some(()));
        started
    };
    let (text, json) = (watch(&[&unit]), watch(&["--json"]));
    slice.remove("a");
    let folder = slice.make("a");
    finish_in(&folder, &["/bin/true"]);
    let lines = |of: &Started, last: &str| {
        let mut lines = vec![of.line()];
        while !lines.last().unwrap().contains(last) {
            lines.push(of.line());
        }
        lines
    };
    let told = lines(&text, "exit_group");
    let all = told.join("\n");
    assert!(told[0].ends_with(&format!("{unit}: start 1")), "{all}");
    assert!(all.contains(&format!("{unit}: new call execve (x86_64, start-up)")), "{all}");
    assert!(told.last().unwrap().ends_with("by /bin/true"), "{all}");
    let events: Vec<serde_json::Value> =
        lines(&json, "exit_group").iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["unit"]), (&"call".into(), &unit.as_str().into()));
    assert_eq!(last["programs"], serde_json::json!(["/bin/true"]));
    // Each once, and nothing is told again.
    let mut names: Vec<_> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    finish_in(&folder, &["/bin/true"]);
    daemon.end();
    let rest = lines(&text, "the daemon cannot be asked, trying again: ");
    // What else was new at the first time, and nothing of the second.
    let all: BTreeSet<_> = told.iter().chain(&rest).collect();
    assert_eq!(all.len(), told.len() + rest.len(), "{all:?}");
    daemon.start_again(&bench);
    assert!(text.line().ends_with("the daemon answers again"));
}

/// It does not wait for an event to find out that nobody reads.
#[test]
fn it_ends_when_nobody_reads() {
    let Some(bench) = Bench::new(&[]) else { return };
    let daemon = Daemon::start(&bench, "");
    let command = daemon.command(&["watch"]);
    let mut pipeline = Command::new("bash");
    pipeline.args(["-o", "pipefail", "-c", "\"$0\" \"$@\" | true"]).arg(BINARY).args(command.get_args());
    assert_eq!(Started::new(&mut pipeline).finish().status.code(), Some(0));
}

fn waits(process: u32) -> bool {
    let wait = fs::read_to_string(format!("/proc/{process}/syscall")).unwrap_or_default();
    // poll(2), which aarch64 has not, or ppoll(2) on standard output, for nothing but its end.
    let calls = [
        libc::SYS_ppoll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
    ];
    calls.iter().any(|call| wait.starts_with(&format!("{call} ")))
}
