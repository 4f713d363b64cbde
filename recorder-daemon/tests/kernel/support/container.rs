//! Containers of real runtimes.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use super::{Bench, Started, isolated};

/// What a container does.
pub(crate) const LIFE: &str = "echo begun; mkdir /tmp/folder; echo text > /tmp/folder/file; cat /tmp/folder/file; \
                    ls /tmp/folder | cat; rm -r /tmp/folder; (exit 3) || echo ended";

/// What it says of that.
pub(crate) const SAID: &str = "begun\ntext\nfile\nended\n";

/// What a container does, and was not seen to: chroot(2).
pub(crate) const ATTACK: &str = "chroot / /bin/true; echo status $?";

/// What a shell says of a process that was killed by SIGSYS.
pub(crate) const KILLED: i32 = 128 + libc::SIGSYS;

/// One to be run as often as wanted.
pub(crate) struct Container<'a> {
    bench: &'a Bench,
    /// The runtime, with its options.
    runtime: &'a [&'a str],
    /// The cgroup, if it gets one of its own.
    cgroup: Option<String>,
    no_new_privileges: bool,
    root: PathBuf,
}

impl<'a> Container<'a> {
    /// One whose runtime leaves it in the cgroup that it is started in.
    pub(crate) fn without_cgroup(bench: &'a Bench) -> Self {
        // Its cgroups are not what is tested, and a host may have laid them out as it does not like them.
        let runtime = &["crun", "--cgroup-manager=disabled"];
        Self { bench, runtime, cgroup: None, no_new_privileges: true, root: root(bench) }
    }

    /// One with the cgroup of this path.
    pub(crate) fn new(bench: &'a Bench, runtime: &'a [&'a str], cgroup: String, privileges: bool) -> Self {
        Self { bench, runtime, cgroup: Some(cgroup), no_new_privileges: !privileges, root: root(bench) }
    }

    /// Its root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs a script in it, under a profile.
    pub(crate) fn run(&self, profile: &Value, script: &str) -> Output {
        self.run_by(&[], profile, script)
    }

    /// The same, the runtime being started by a command that executes it.
    pub(crate) fn run_by(&self, words: &[&str], profile: &Value, script: &str) -> Output {
        let capabilities = ["CAP_SYS_CHROOT"];
        let namespaces = ["pid", "mount", "ipc", "uts"].map(|kind| json!({ "type": kind }));
        let mut linux = json!({ "namespaces": namespaces, "seccomp": profile });
        if let Some(cgroup) = &self.cgroup {
            linux["cgroupsPath"] = json!(cgroup);
        }
        let config = json!({
            "ociVersion": "1.0.0",
            "process": {
                "terminal": false,
                "user": { "uid": 0, "gid": 0 },
                "args": ["/bin/sh", "-c", script],
                "env": ["PATH=/bin"],
                "cwd": "/",
                "capabilities": { "bounding": capabilities, "effective": capabilities, "permitted": capabilities },
                "noNewPrivileges": self.no_new_privileges,
            },
            "root": { "path": self.root },
            "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
            "linux": linux,
        });
        let bundle = self.bench.path("bundle");
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        let words = [words, self.runtime].concat();
        let mut runtime = Command::new(words[0]);
        runtime.args(&words[1..]).arg("--root").arg(self.bench.path("state"));
        runtime.arg("run").arg("--bundle").arg(&bundle);
        runtime.arg(format!("syscall-recorder-test-{}", std::process::id()));
        // So both take the host for one with cgroups of version 2 alone.
        let mount = "mount -t cgroup2 none /sys/fs/cgroup";
        let output = Started::new(&mut isolated(self.bench, mount, &runtime)).finish();
        assert_eq!(output.status.signal(), None, "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

/// A root of this machine's own shell and tools, with the libraries that they are linked to.
fn root(bench: &Bench) -> PathBuf {
    let root = bench.path("root");
    for folder in ["bin", "proc", "dev", "tmp"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for tool in ["sh", "cat", "ls", "mkdir", "rm", "true", "chroot"] {
        let found = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(|folder| Path::new(folder).join(tool));
        let found = found.iter().find_map(|path| path.canonicalize().ok()).unwrap();
        fs::copy(&found, root.join("bin").join(tool)).unwrap();
        let linked = bench.command("ldd").arg(&found).output().unwrap();
        let linked = String::from_utf8(linked.stdout).unwrap();
        for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
            let place = root.join(&library[1..]);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(library, place).unwrap();
        }
    }
    root
}
