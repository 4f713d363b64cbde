//! Metrics: over the socket and in a file, as Prometheus's own tool reads them.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::support::{Bench, Daemon, Slice, eventually, finish_in, kill};

/// Prometheus has no complaint. Gives the text.
#[track_caller]
fn checked(text: String) -> String {
    let mut promtool = Command::new("promtool");
    let check = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut check = check.stderr(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{text}", String::from_utf8_lossy(&said));
    text
}

fn value(text: &str, sample: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn they_say_what_was_recorded() {
    let Some(bench) = Bench::new(&["promtool"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("metrics");
    let unit = slice.service("a");
    let folder = slice.make("a");
    // It may be called anything but what could not be shown: see the plain test for what becomes of such a name.
    let odd = folder.join("x\"} 1 {y=\"");
    fs::create_dir(&odd).unwrap();
    let daemon = Daemon::start(&bench, "");
    daemon.done(&["start", &unit]);
    daemon.done(&["start", "--cgroup", odd.to_str().unwrap()]);
    finish_in(&folder, &[&program, "processes", "1", "1234", "0"]);
    finish_in(&odd, &["/bin/true"]);
    let text = checked(daemon.done(&["metrics"]));
    let of_unit = |name: &str| value(&text, &format!("syscall_recorder_unit_{name}{{unit=\"{unit}\"}}"));
    let status = daemon.status(&unit);
    assert!(of_unit("calls_total").unwrap() >= 1_234);
    for (metric, key) in [("calls_total", "calls"), ("names", "names"), ("starts_total", "starts")] {
        assert_eq!(of_unit(metric), status[key].as_u64(), "{metric}");
    }
    assert_eq!(of_unit("running"), Some(1));
    assert_eq!(value(&text, "syscall_recorder_units"), Some(2));
    assert_eq!(value(&text, "syscall_recorder_degraded"), Some(0));
    assert!(value(&text, "syscall_recorder_map_entries{map=\"cgroups\"}") >= Some(2), "{text}");
    assert!(text.contains("/x\\\"} 1 {y=\\\"\"} "), "{text}");
    fs::remove_dir(&odd).unwrap();
}

#[test]
fn a_file_has_them_and_is_gone_with_the_daemon() {
    let Some(bench) = Bench::new(&["promtool"]) else { return };
    let slice = Slice::new("file");
    let unit = slice.service("a");
    let folder = slice.make("a");
    let file = bench.path("daemon/run/metrics.prom");
    let config = format!("flush_seconds = 1\nmetrics_file = \"{}\"\n", file.display());
    let mut daemon = Daemon::start(&bench, &config);
    daemon.done(&["start", &unit]);
    let calls = |path: &Path| {
        let text = fs::read_to_string(path).ok()?;
        value(&text, &format!("syscall_recorder_unit_calls_total{{unit=\"{unit}\"}}"))
    };
    eventually("the metrics of the unit", || calls(&file));
    finish_in(&folder, &["/bin/true"]);
    eventually("what has come since", || calls(&file).filter(|&calls| calls > 0));
    checked(fs::read_to_string(&file).unwrap());
    let others = fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    assert_eq!(others.filter(|entry| entry.file_name() == "metrics.prom").count(), 1);
    // Another place, or none.
    let elsewhere = bench.path("daemon/run/elsewhere.prom");
    daemon.configure(&config.replace("metrics.prom", "elsewhere.prom"));
    kill(daemon.id(), Signal::HUP);
    eventually("the other file", || calls(&elsewhere));
    assert!(!file.exists());
    daemon.end();
    assert!(!elsewhere.exists());
}
