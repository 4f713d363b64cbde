use super::{
    super::{
        facts::Pins,
        line::{json, text},
        state::State,
    },
    *,
};
use crate::units::{Hierarchies, ServiceRights};

const BPF_AND_PERFMON: u64 = 1 << 38 | 1 << 39;

/// A host on which all is well, seen by root.
fn sound() -> Facts {
    Facts {
        kernel: "6.1.0-50-amd64".into(),
        config: Ok(()),
        layout: Ok(()),
        jit: Setting::Is("1".into()),
        lockdown: Setting::Is("[none] integrity confidentiality".into()),
        cgroups: Hierarchies { version2: Some("/sys/fs/cgroup".into()), version1: false, units: true },
        capabilities: u64::MAX,
        trial: Trial::Done,
        daemon: Daemon::Answers { version: env!("CARGO_PKG_VERSION").into(), degraded: None },
        pins: Pins { folder: "/sys/fs/bpf/syscall-recorder".into(), bpffs: Some(true) },
        state: State {
            path: "/var/lib/syscall-recorder".into(),
            found: Found::Folder { owner: 998, mode: 0o755, read_only: false, free: 5 << 30 },
            user: Some(998),
        },
        service: Service::Known {
            version: Some("252".into()),
            rights: ServiceRights { exists: true, capabilities: BPF_AND_PERFMON },
        },
    }
}

type Change = Box<dyn FnOnce(&mut Facts)>;

/// The lines that differ from a sound host's, without colours.
fn differs(change: impl FnOnce(&mut Facts)) -> String {
    let plain = |facts: &Facts| anstream::adapter::strip_str(&text(&lines(facts))).to_string();
    let mut facts = sound();
    let before = plain(&facts);
    change(&mut facts);
    let after = plain(&facts);
    after
        .lines()
        .filter(|line| !before.lines().any(|known| known == *line))
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn a_sound_host() {
    let lines = lines(&sound());
    assert!(lines.iter().all(|line| line.level == Level::Ok), "{lines:#?}");
    insta::assert_snapshot!(anstream::adapter::strip_str(&text(&lines)).to_string());
}

#[test]
fn json_says_the_same() {
    let mut facts = sound();
    facts.jit = Setting::Is("0".into());
    insta::assert_snapshot!(json(&lines(&facts)));
    facts.kernel = "5.9.0".into();
    assert!(json(&lines(&facts)).starts_with("{\n  \"works\": false,"));
}

/// Each fact that is not as it should be, by itself.
#[test]
fn every_lack_is_one_line_with_its_mend() {
    let folder = |owner, mode, read_only, free| {
        move |facts: &mut Facts| facts.state.found = Found::Folder { owner, mode, read_only, free }
    };
    let rights = |exists, capabilities| {
        move |facts: &mut Facts| {
            let rights = ServiceRights { exists, capabilities };
            facts.service = Service::Known { version: None, rights };
        }
    };
    let cases: [(&str, Change); 30] = [
        ("an old kernel", Box::new(|facts| facts.kernel = "5.9.16".into())),
        ("an odd kernel", Box::new(|facts| facts.kernel = "own\n".into())),
        ("a preemptible one", Box::new(|facts| facts.kernel = "7.2.0".into())),
        ("no types", Box::new(|facts| facts.layout = Err("no types; mend".into()))),
        ("no JIT", Box::new(|facts| facts.jit = Setting::Is("0".into()))),
        ("JIT closed", Box::new(|facts| facts.jit = Setting::Closed)),
        ("JIT absent", Box::new(|facts| facts.jit = Setting::Absent)),
        (
            "integrity",
            Box::new(|facts| facts.lockdown = Setting::Is("none [integrity] confidentiality".into())),
        ),
        (
            "confidentiality",
            Box::new(|facts| facts.lockdown = Setting::Is("none integrity [confidentiality]".into())),
        ),
        ("lockdown closed", Box::new(|facts| facts.lockdown = Setting::Closed)),
        ("hybrid", Box::new(|facts| facts.cgroups.version1 = true)),
        ("units in version 1", Box::new(|facts| facts.cgroups.units = false)),
        (
            "version 1 only",
            Box::new(|facts| facts.cgroups = Hierarchies { version1: true, ..Hierarchies::default() }),
        ),
        ("no cgroups", Box::new(|facts| facts.cgroups = Hierarchies::default())),
        ("programs refused", Box::new(|facts| facts.trial = Trial::Failed("cannot load\x1b[2J".into()))),
        ("a bad config", Box::new(|facts| facts.config = Err("config.toml: line 1: no".into()))),
        ("pins nowhere", Box::new(|facts| facts.pins.bpffs = Some(false))),
        ("pins unseen", Box::new(|facts| facts.pins.bpffs = None)),
        (
            "another version",
            Box::new(|facts| facts.daemon = Daemon::Answers { version: "0.0.9".into(), degraded: None }),
        ),
        (
            "degraded",
            Box::new(|facts| {
                facts.daemon = Daemon::Answers { version: "0".into(), degraded: Some("disk full\r".into()) };
            }),
        ),
        ("no daemon", Box::new(|facts| facts.daemon = Daemon::Silent("the daemon is not running".into()))),
        ("no state", Box::new(|facts| facts.state.found = Found::Nothing)),
        ("state is a file", Box::new(|facts| facts.state.found = Found::Unusable("it is no folder".into()))),
        ("read-only", Box::new(folder(998, 0o755, true, 5 << 30))),
        ("another's", Box::new(folder(0, 0o755, false, 5 << 30))),
        ("unwritable", Box::new(folder(998, 0o555, false, 5 << 30))),
        ("open to all", Box::new(folder(998, 0o777, false, 5 << 30))),
        ("full", Box::new(folder(998, 0o755, false, 3 << 20))),
        ("capabilities taken away", Box::new(rights(true, 1 << 38))),
        ("not installed", Box::new(rights(false, 0))),
    ];
    let told = cases.map(|(case, change)| format!("-- {case}\n{}", differs(change))).concat();
    assert!(!told.chars().any(|c| c.is_control() && c != '\n'), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn without_systemd() {
    let told = differs(|facts| facts.service = Service::NoSystemd);
    insta::assert_snapshot!(told + &differs(|facts| facts.service = Service::Silent("no bus".into())));
}

#[test]
fn a_user_without_rights_can_use_the_daemon_and_nothing_else() {
    let user = |facts: &mut Facts| {
        facts.capabilities = 0;
        facts.trial = Trial::NotTried;
    };
    let alone = |facts: &mut Facts| {
        user(facts);
        facts.daemon = Daemon::Silent("the daemon is not running".into());
    };
    insta::assert_snapshot!(format!("{}--\n{}", differs(user), differs(alone)));
    assert!(may_load(BPF_AND_PERFMON) && may_load(1 << 21));
    assert!(!may_load(1 << 38) && !may_load(1 << 39));
}
