//! From facts to lines: the judgement, and nothing else.

use super::{
    facts::{Daemon, Facts, Setting, Trial, may_load},
    line::{Level, Line, fault, line, ok, warning},
    service::Service,
    state::{Found, USER},
};
use crate::kernel::{LAST_EXACT, OLDEST, version};

/// The daemon cannot keep much with less.
const LITTLE: u64 = 64 << 20;

/// The oldest systemd that the package's units are for.
const OLDEST_SYSTEMD: u32 = 247;

pub(super) fn lines(facts: &Facts) -> Vec<Line> {
    let mut lines = vec![
        kernel(&facts.kernel),
        types(facts),
        exact(&facts.kernel),
        jit(&facts.jit),
        lockdown(&facts.lockdown),
        cgroups(facts),
        capabilities(facts),
        programs(facts),
        config(facts),
        pins(facts),
        daemon(&facts.daemon),
        state(facts),
        systemd(&facts.service),
    ];
    lines.extend(service(&facts.service));
    lines
}

const SUDO: &str = "run it with sudo";

fn kernel(release: &str) -> Line {
    let (major, minor) = OLDEST;
    match version(release) {
        Some(version) if version >= OLDEST => {
            ok("kernel", format!("Linux {release}; {major}.{minor} or later is needed"))
        }
        Some(_) => fault(
            "kernel",
            format!(
                "Linux {release} is older than {major}.{minor}, the first that recording is known to work on"
            ),
            "boot a later kernel; Debian 11 has 5.10",
        ),
        None => warning("kernel", format!("Linux {release} is of no known age"), "see the line `programs`"),
    }
}

fn types(facts: &Facts) -> Line {
    match &facts.layout {
        Ok(()) => ok("types", "the kernel's type information (BTF) has all that the programs read"),
        // The kernel's door words its errors with the mend.
        Err(error) => line("types", Level::Fault, error, None),
    }
}

/// See `kernel::Recorder::skipped`.
fn exact(release: &str) -> Line {
    let (major, minor) = LAST_EXACT;
    if version(release).is_none_or(|version| version <= LAST_EXACT) {
        return ok("exactness", "no task is preempted while it is counted, so no call is skipped");
    }
    warning(
        "exactness",
        format!(
            "after Linux {major}.{minor} a task may be preempted while it is counted (known of 7.2), and then \
             others' calls on that processor are skipped; the recording tells how many, as the gap `skipped`"
        ),
        &format!("do not build on a recording with that gap; record on Linux {major}.{minor} or before"),
    )
}

fn jit(setting: &Setting) -> Line {
    match setting {
        Setting::Is(value) if value == "0" => warning(
            "jit",
            "BPF programs are interpreted, so that every system call of the host costs more",
            "sysctl -w net.core.bpf_jit_enable=1",
        ),
        Setting::Is(_) => ok("jit", "BPF programs are compiled"),
        Setting::Closed => {
            warning("jit", "not known whether BPF programs are compiled: only root is told", SUDO)
        }
        Setting::Absent => warning(
            "jit",
            "not known whether BPF programs are compiled: the kernel cannot, or this is another network namespace",
            "look at /proc/sys/net/core/bpf_jit_enable outside of containers",
        ),
    }
}

/// Confidentiality takes the helper away by which the programs read names of cgroups and paths of programs
/// (`LOCKDOWN_BPF_READ_KERNEL`).
fn lockdown(setting: &Setting) -> Line {
    match setting {
        Setting::Is(text) if text.contains("[confidentiality]") => fault(
            "lockdown",
            "the kernel is locked down to `confidentiality`, so that no BPF program may read its memory",
            "boot with lockdown=integrity, or without",
        ),
        Setting::Is(text) if text.contains("[integrity]") => {
            ok("lockdown", "integrity, which allows recording")
        }
        Setting::Is(_) | Setting::Absent => ok("lockdown", "none"),
        Setting::Closed => warning("lockdown", "not known: only root is told", SUDO),
    }
}

fn cgroups(facts: &Facts) -> Line {
    let found = &facts.cgroups;
    let boot = "boot with systemd.unified_cgroup_hierarchy=1";
    let Some(mount) = &found.version2 else {
        let says = if found.version1 { "only version 1 is mounted" } else { "none are mounted" };
        return fault("cgroups", says, &format!("{boot}, or mount -t cgroup2 none /sys/fs/cgroup"));
    };
    let mount = mount.display();
    if !found.units && !matches!(facts.service, Service::NoSystemd) {
        let says = format!("version 2 is at {mount}, but systemd keeps its units in version 1");
        return fault("cgroups", says, boot);
    }
    let beside = if found.version1 { ", beside version 1" } else { "" };
    ok("cgroups", format!("version 2 at {mount}{beside}"))
}

fn capabilities(facts: &Facts) -> Line {
    if may_load(facts.capabilities) {
        return ok("capabilities", "this user may load BPF programs");
    }
    match facts.daemon {
        Daemon::Answers { .. } => {
            ok("capabilities", "this user may not load BPF programs; the daemon may, and answers")
        }
        Daemon::Silent(_) => fault(
            "capabilities",
            "this user may not load BPF programs, which takes CAP_BPF and CAP_PERFMON, and no daemon answers",
            SUDO,
        ),
    }
}

fn programs(facts: &Facts) -> Line {
    match &facts.trial {
        Trial::Done => ok("programs", "all load and attach"),
        Trial::Failed(error) => line("programs", Level::Fault, error, None),
        Trial::NotTried if matches!(facts.daemon, Daemon::Answers { .. }) => {
            ok("programs", "not tried by this user; the daemon has attached its own")
        }
        Trial::NotTried => warning("programs", "not tried, for this user may not load them", SUDO),
    }
}

fn config(facts: &Facts) -> Line {
    match &facts.config {
        Ok(()) => ok("config", "the daemon's configuration can be used"),
        Err(error) => fault("config", error, "edit it, and look with syscall-recorder daemon --check-config"),
    }
}

fn pins(facts: &Facts) -> Line {
    let folder = &facts.pins.folder;
    match facts.pins.bpffs {
        Some(true) => ok("pins", format!("{folder} can hold the kernel side while the daemon is away")),
        Some(false) => warning(
            "pins",
            format!("{folder} is no folder of a bpffs, so that recording ends with the daemon"),
            "mount -t bpf none /sys/fs/bpf, if it is not; then systemd-tmpfiles --create syscall-recorder.conf",
        ),
        None => warning("pins", format!("{folder} cannot be looked at by this user"), SUDO),
    }
}

fn daemon(daemon: &Daemon) -> Line {
    match daemon {
        Daemon::Answers { degraded: Some(reason), version } => warning(
            "daemon",
            format!("version {version} answers, but is degraded: {reason}"),
            "look at journalctl -u syscall-recorder",
        ),
        Daemon::Answers { version, .. } if version != env!("CARGO_PKG_VERSION") => warning(
            "daemon",
            format!(
                "version {version} answers, and this command is of version {}",
                env!("CARGO_PKG_VERSION")
            ),
            "systemctl restart syscall-recorder, which loses nothing",
        ),
        Daemon::Answers { version, .. } => ok("daemon", format!("version {version} answers")),
        // It says the mend.
        Daemon::Silent(error) => line("daemon", Level::Warning, format!("{error}; `run` needs none"), None),
    }
}

fn state(facts: &Facts) -> Line {
    const TOPIC: &str = "state";
    let path = facts.state.path.display().to_string();
    let fault = |says: &str, mend: &str| fault(TOPIC, format!("{path} {says}"), mend);
    let (owner, mode, read_only, free) = match &facts.state.found {
        Found::Nothing => return ok(TOPIC, format!("{path} is not there yet; the daemon makes it")),
        Found::Unusable(why) => {
            return fault(&format!("cannot be used: {why}"), "see the path's every folder with namei -l");
        }
        &Found::Folder { owner, mode, read_only, free } => (owner, mode, read_only, free),
    };
    if read_only {
        return fault("is on a file system that is read-only", "mount it for writing: mount -o remount,rw");
    }
    if let Some(user) = facts.state.user
        && user != owner
    {
        let says = format!("belongs to user {owner}, and the daemon runs as {USER}");
        return fault(&says, &format!("chown -R {USER}: {path}"));
    }
    if mode & 0o700 != 0o700 {
        return fault(
            &format!("has mode {mode:o}, so that its owner cannot write"),
            &format!("chmod 755 {path}"),
        );
    }
    if mode & 0o022 != 0 {
        return fault(
            &format!("has mode {mode:o}, so that others can forge recordings"),
            &format!("chmod 755 {path}, and look through what is in it"),
        );
    }
    if free < LITTLE {
        return warning(
            TOPIC,
            format!("{path} has {} MiB left", free >> 20),
            "make space on that file system",
        );
    }
    ok(TOPIC, format!("{path} can be written, {} MiB are free", free >> 20))
}

fn systemd(service: &Service) -> Line {
    const TOPIC: &str = "systemd";
    match service {
        Service::NoSystemd => warning(
            TOPIC,
            "this host does not run under systemd, so that no unit can be recorded by its name",
            "record by `run`, or by `start --cgroup PATH`",
        ),
        Service::Silent(error) => line(TOPIC, Level::Warning, error, None),
        Service::Known { version: None, .. } => ok(TOPIC, "runs this host; it does not tell its version"),
        Service::Known { version: Some(version), .. } => match version.parse::<u32>() {
            Ok(number) if number < OLDEST_SYSTEMD => warning(
                TOPIC,
                format!("version {version}; the units of the package are for {OLDEST_SYSTEMD} or later"),
                "record by `run`, or upgrade it",
            ),
            _ => ok(TOPIC, format!("version {version} runs this host")),
        },
    }
}

fn service(service: &Service) -> Option<Line> {
    const TOPIC: &str = "service";
    let Service::Known { rights, .. } = service else { return None };
    Some(if !rights.exists {
        warning(TOPIC, "syscall-recorder.service is not installed; `run` needs none", "install the package")
    } else if may_load(rights.capabilities) {
        ok(TOPIC, "syscall-recorder.service has the capabilities that it takes")
    } else {
        fault(
            TOPIC,
            "syscall-recorder.service is not given CAP_BPF and CAP_PERFMON",
            "see which drop-in takes them away: systemctl cat syscall-recorder",
        )
    })
}

#[cfg(test)]
mod tests;
