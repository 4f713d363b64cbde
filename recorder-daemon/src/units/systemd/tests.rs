//! A bus of our own, and on it a systemd that answers as the test wants.

use std::{
    io::{BufRead, BufReader},
    os::unix::net::UnixListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use futures_util::StreamExt;
use tempfile::TempDir;
use zbus::MessageStream;

use super::*;

/// So long that no machine is slow enough to meet it.
const LONG: Duration = Duration::from_mins(1);
/// For what never comes.
const SHORT: Duration = Duration::from_millis(200);

/// A dbus-daemon. Killed when dropped.
struct Bus(Child);

impl Bus {
    /// None where the program is not installed, which is said and, where tests must not be skipped, fails.
    fn start(folder: &Path) -> Option<Self> {
        let config = folder.join("bus.conf");
        let socket = folder.join("bus");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            socket.display(),
        );
        std::fs::write(&config, text).unwrap();
        let _ = std::fs::remove_file(socket);
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg("--config-file").arg(config).args(["--nofork", "--print-address"]);
        let child = daemon.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let required = ["CI", "SYSCALL_RECORDER_REQUIRE"].iter().any(|name| std::env::var_os(name).is_some());
        let mut child = match child {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
                eprintln!("skipped: dbus-daemon is not installed");
                return None;
            }
            child => child.unwrap(),
        };
        // It says its address once it listens.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:"), "{line:?}");
        Some(Self(child))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn address(folder: &TempDir) -> String {
    format!("unix:path={}", folder.path().join("bus").display())
}

fn asked(folder: &TempDir, limit: Duration) -> Systemd {
    Systemd { address: Some(address(folder)), limit, connection: Mutex::default() }
}

/// The object path of a unit, as systemd makes it.
fn object(unit: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("_{byte:02x}") }
    };
    format!("{PATH}/unit/{}", unit.bytes().map(escape).collect::<String>())
}

/// What a fake systemd says to one property of one unit. None: it says nothing, ever.
fn says(path: &str, property: &str) -> Option<Variant<'static>> {
    let unit = |name: &str| path == object(name);
    Some(match property {
        "Version" => "252.38-1~deb12u1".into(),
        "Id" if unit("alias.service") => "nginx.service".into(),
        "Id" if unit("evil.service") => "../\x1b[2J".into(),
        "Id" => {
            let known = ["nginx.service", "none.service", "masked.service", "broken.service", "deaf.service"];
            let odd = ["number.service", "strange.service", "list.service"];
            let rest = ["plain.socket", "some.slice"];
            let mut all = known.into_iter().chain(odd).chain(rest);
            all.find(|name| unit(name)).unwrap().into()
        }
        "LoadState" if unit("none.service") => "not-found".into(),
        "LoadState" if unit("masked.service") => "masked".into(),
        "LoadState" if unit("broken.service") => "bad-setting".into(),
        "LoadState" if unit("number.service") => 7_u32.into(),
        "LoadState" if unit("strange.service") => "superb".into(),
        "LoadState" if unit("deaf.service") => return None,
        "LoadState" => "loaded".into(),
        "SystemCallFilter" if unit("nginx.service") => (false, vec!["mount", "ptrace"]).into(),
        "SystemCallFilter" if unit("list.service") => vec!["mount"].into(),
        "SystemCallFilter" if unit("some.slice") => panic!("a slice has none"),
        "SystemCallFilter" => (false, Vec::<String>::new()).into(),
        "ExecReload" if unit("nginx.service") => {
            let run = |at| {
                ("/bin/kill", vec!["/bin/kill", "-HUP"], false, at, 0_u64, 0_u64, 0_u64, 0_u32, 0_i32, 0_i32)
            };
            vec![run(1_764_000_000_900_000_u64), run(1_764_000_001_100_000)].into()
        }
        "ExecReload" if unit("masked.service") => {
            vec![("/bin/true", vec!["/bin/true"], false, 0_u64, 0_u64, 0_u64, 0_u64, 0_u32, 0_i32, 0_i32)]
                .into()
        }
        "ExecReload" if unit("list.service") => vec!["/bin/kill"].into(),
        "ExecReload" => Vec::<(String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32)>::new().into(),
        other => panic!("{other}"),
    })
}

/// Answers on the bus until the bus goes.
async fn fake(folder: &TempDir) {
    let builder = Builder::address(address(folder).as_str()).name(NAME);
    let connection = timeout(LONG, builder.build()).await.unwrap().unwrap();
    let mut calls = MessageStream::from(&connection);
    tokio::spawn(async move {
        while let Some(Ok(call)) = calls.next().await {
            let header = call.header();
            let path = header.path().map(ToString::to_string).unwrap_or_default();
            match header.member().map(ToString::to_string).as_deref() {
                Some("LoadUnit") => {
                    let unit: String = call.body().deserialize().unwrap();
                    let no_such_unit = "org.freedesktop.systemd1.NoSuchUnit";
                    let denied = "org.freedesktop.DBus.Error.AccessDenied";
                    let answer = match unit.as_str() {
                        "gone.service" => connection.reply_error(&header, no_such_unit, &"gone").await,
                        "denied.service" => connection.reply_error(&header, denied, &"not\nyou").await,
                        "text.service" => connection.reply(&header, &"no path").await,
                        "nothing.service" => connection.reply(&header, &()).await,
                        _ => {
                            let path = OwnedObjectPath::try_from(object(&unit)).unwrap();
                            connection.reply(&header, &path).await
                        }
                    };
                    answer.unwrap();
                }
                Some("Get") => {
                    let (_, property): (String, String) = call.body().deserialize().unwrap();
                    if let Some(value) = says(&path, &property) {
                        connection.reply(&header, &value).await.unwrap();
                    }
                }
                _ => {}
            }
        }
    });
}

fn unit(name: &str) -> UnitName {
    UnitName::parse(name).unwrap()
}

#[tokio::test]
async fn whether_a_unit_was_reloaded() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_bus) = Bus::start(folder.path()) else { return };
    fake(&folder).await;
    let systemd = asked(&folder, LONG);
    for (name, reload) in [
        ("nginx.service", Some(Reload { last: Some(1_764_000_001) })),
        ("masked.service", Some(Reload { last: None })),
        ("strange.service", None),
        ("plain.socket", None),
        ("some.slice", None),
    ] {
        assert_eq!(systemd.reload(&unit(name)).await.unwrap(), reload, "{name}");
    }
    let error = systemd.reload(&unit("list.service")).await.unwrap_err().to_string();
    assert!(error.contains("the reloads of list.service"), "{error}");
}

#[tokio::test]
async fn what_systemd_knows_of_a_unit() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_bus) = Bus::start(folder.path()) else { return };
    fake(&folder).await;
    let systemd = asked(&folder, LONG);
    assert_eq!(systemd.version().await.unwrap().as_deref(), Some("252"));
    let nginx = Loaded { name: unit("nginx"), state: State::Exists, filter: true };
    assert_eq!(systemd.load(&unit("nginx")).await.unwrap(), nginx);
    assert_eq!(systemd.load(&unit("alias")).await.unwrap().name, unit("nginx"));
    for (name, state) in [
        ("none.service", State::NotFound),
        ("gone.service", State::NotFound),
        ("masked.service", State::Masked),
        ("broken.service", State::Broken("bad-setting".into())),
        ("plain.socket", State::Exists),
        ("some.slice", State::Exists),
    ] {
        let name = unit(name);
        let expected = Loaded { name: name.clone(), state, filter: false };
        assert_eq!(systemd.load(&name).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn an_odd_answer_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_bus) = Bus::start(folder.path()) else { return };
    fake(&folder).await;
    let systemd = asked(&folder, LONG);
    let mut lines = Vec::new();
    for name in ["text", "nothing", "number", "strange", "list", "evil", "denied"] {
        lines.push(systemd.load(&unit(name)).await.unwrap_err().to_string());
    }
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:#?}");
    insta::assert_snapshot!(lines.join("\n"));
    // None of them has cost the connection.
    assert!(systemd.load(&unit("nginx")).await.is_ok());
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_bus) = Bus::start(folder.path()) else { return };
    fake(&folder).await;
    let error = asked(&folder, SHORT).load(&unit("deaf")).await.unwrap_err();
    assert!(matches!(error, SystemdError::TimedOut { .. }), "{error}");
    assert!(asked(&folder, LONG).load(&unit("nginx")).await.is_ok());
}

#[tokio::test]
async fn a_bus_that_does_not_speak_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let _listener = UnixListener::bind(folder.path().join("bus")).unwrap();
    let error = asked(&folder, SHORT).version().await.unwrap_err();
    assert!(matches!(error, SystemdError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_bus_that_comes_back_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let systemd = asked(&folder, LONG);
    for _ in 0..3 {
        let error = systemd.version().await.unwrap_err();
        assert!(matches!(error, SystemdError::Connect { .. }), "{error}");
        let Some(bus) = Bus::start(folder.path()) else { return };
        fake(&folder).await;
        assert!(systemd.load(&unit("nginx")).await.is_ok());
        drop(bus);
    }
    // It is asked again right after it went and came, before anybody has noticed.
    let Some(_bus) = Bus::start(folder.path()) else { return };
    fake(&folder).await;
    assert!(systemd.load(&unit("nginx")).await.is_ok());
}

#[tokio::test]
async fn without_systemd_on_the_bus_the_call_fails() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_bus) = Bus::start(folder.path()) else { return };
    let error = asked(&folder, LONG).version().await.unwrap_err();
    assert!(matches!(error, SystemdError::Call { .. }), "{error}");
}

#[test]
fn a_version_is_its_number() {
    for (text, expected) in [
        ("252.38-1~deb12u1", Some("252")),
        ("v256~rc1", Some("256")),
        ("systemd 247", Some("247")),
        ("257", Some("257")),
        ("", None),
        ("unknown", None),
    ] {
        assert_eq!(number(text).as_deref(), expected, "{text}");
    }
}
