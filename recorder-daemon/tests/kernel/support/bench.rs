//! A folder of its own for each test, and the ways to start the recorder in it.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{Allowlist, Started, need};

/// The recorder.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_syscall-recorder");

/// Where tools are looked for, here and by what is started: the system's own, whatever the user has put in
/// front of them.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a test works in. Removed when dropped.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// None where the test cannot run, which has then been said.
    pub(crate) fn new(tools: &[&'static str]) -> Option<Self> {
        if !need::met(tools) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Not only for root: some of what is recorded drops its privileges.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let bench = Self { folder };
        for folder in [bench.work(), bench.out(), bench.temporary(), bench.programs()] {
            fs::create_dir(folder).unwrap();
        }
        Some(bench)
    }

    /// The current directory of what is started.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Where the allowlist goes, and nothing else.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Where the allowlist goes.
    pub(crate) fn file(&self) -> PathBuf {
        self.out().join("allowlist.toml")
    }

    /// Where temporary files go.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    fn programs(&self) -> PathBuf {
        self.folder.path().join("programs")
    }

    /// A path for something that is neither's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles `programs/NAME.c`. Gives the program's path.
    pub(crate) fn compile(&self, name: &str, flags: &[&str]) -> String {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name).with_extension("c");
        let program = self.programs().join(name);
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"])
            .args(flags)
            .arg("-o")
            .arg(&program)
            .arg(source);
        let output = cc.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text(&program)
    }

    /// Any command, as all are started here: nothing of this process's surroundings shows.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", self.work())
            .env("TMPDIR", self.temporary())
            .env("LC_ALL", "C")
            .current_dir(self.work())
            .stdin(Stdio::null());
        // SAFETY: signal(2) is async-signal-safe.
        unsafe { command.pre_exec(signals_as_ever) };
        command
    }

    /// `syscall-recorder run -o FILE -- WORDS`.
    pub(crate) fn run(&self, words: &[&str]) -> Command {
        let mut command = self.command(BINARY);
        command.arg("run").arg("-o").arg(self.file()).arg("--").args(words);
        command
    }

    /// Records a command that ends by itself with status 0.
    #[track_caller]
    pub(crate) fn record(&self, words: &[&str]) -> Allowlist {
        let _ = fs::remove_file(self.file());
        let output = finish(&mut self.run(words));
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
        self.allowlist()
    }

    /// The allowlist, and that there is no other file beside it.
    #[track_caller]
    pub(crate) fn allowlist(&self) -> Allowlist {
        assert_eq!(self.written(), ["allowlist.toml"]);
        Allowlist::read(&self.file())
    }

    /// The names of all files in the output folder.
    pub(crate) fn written(&self) -> Vec<String> {
        let entries = fs::read_dir(self.out()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs what must fail before the command is started: nothing on standard output, one line on standard
    /// error, no file and no cgroup left. Gives the line.
    #[track_caller]
    pub(crate) fn complaint(&self, run: &mut Command, status: i32) -> String {
        let before = self.written();
        let output = finish(run);
        let line = said(&output);
        assert_eq!(output.status.code(), Some(status), "{line}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.starts_with("syscall-recorder: "), "{line}");
        assert_eq!(self.written(), before, "a failure leaves no file");
        assert_eq!(fs::read_dir(self.temporary()).unwrap().count(), 0, "nor a temporary one");
        line
    }
}

/// A shell without job control starts what it puts into the background with interrupts ignored, and nohup
/// ignores hang-ups; whoever runs the tests so would hand that on, to commands that wait for those signals.
#[expect(clippy::unnecessary_wraps, reason = "pre_exec wants it")]
fn signals_as_ever() -> io::Result<()> {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: it sets a default, and fails for those that cannot be set and those that libc keeps.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}

/// Runs the recorder to its end. Whatever came of it, it has left no cgroup.
#[track_caller]
pub(crate) fn finish(run: &mut Command) -> Output {
    let started = Started::new(run);
    let id = started.id();
    let output = started.finish();
    assert_eq!(super::started::cgroups_of(id), Vec::<PathBuf>::new(), "a cgroup is left behind");
    output
}

/// What was written to standard error, but for what is said of a cgroup that some killed recorder has left:
/// it is nobody's in particular, and falls to whichever recorder comes next.
pub(crate) fn said(output: &Output) -> String {
    let text = stderr(output);
    let of_others = |line: &&str| {
        line.starts_with("syscall-recorder: removed ")
            && line.ends_with("an earlier run left when it was killed")
    };
    text.lines().filter(|line| !of_others(line)).map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}

/// A command in a mount namespace of its own, in which `script` (for sh) has changed what it sees. Its words
/// are the script's `"$@"`, to be executed at its end.
pub(crate) fn isolated(bench: &Bench, script: &str, command: &Command) -> Command {
    let mut unshare = bench.command("unshare");
    unshare.args(["--mount", "sh", "-ec"]).arg(format!("{script}\nexec \"$@\"")).arg("sh");
    unshare.arg(command.get_program()).args(command.get_args());
    unshare
}

pub(super) fn text(path: &Path) -> String {
    path.to_str().expect("a temporary folder has a plain name").to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
