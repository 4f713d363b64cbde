//! Fuzzing: libFuzzer, led by which code an input reaches, looks for inputs that break a target. The targets are the
//! tests in modules called `fuzz`; nothing but a stable compiler and a C++ one is needed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, output, root};

/// What tells libFuzzer where an input leads: `cargo bolero` passes the same.
const FLAGS: [&str; 10] = [
    "--cfg",
    "fuzzing",
    "--cfg",
    "fuzzing_libfuzzer",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=3",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Ccodegen-units=1",
];

/// Where it works, below the project's folder. What it finds is kept there.
const PLACE: &str = "target/fuzz";

/// Seconds for one input, which takes milliseconds: so many that a machine that is slow, or stands still for a while,
/// is not taken for an input without end.
const ONE_INPUT: u32 = 100;

/// MiB that a target may take. What it does not free grows beyond any bound; the inputs themselves are small.
const MEMORY: u32 = 4096;

/// Fuzzes each target, or those that are named, for so many seconds. With a seed, each time the same inputs are tried
/// in the same order, as far as the time goes.
pub(crate) fn run(seconds: u32, seed: Option<u32>, names: &[String]) -> Result<()> {
    let tests = build()?;
    let listed = output(Command::new(&tests).args(["--list", "--format", "terse"]))?;
    let all = listed.lines().filter_map(Target::parse);
    let chosen: Vec<_> = all.filter(|target| names.is_empty() || names.contains(&target.name)).collect();
    ensure!(!chosen.is_empty(), "there is no such target; see `rg 'target!' recorder-daemon/src`");
    println!("{} targets, {seconds} s each", chosen.len());
    let left = Mutex::new(chosen.iter());
    let next = || left.lock().ok().and_then(|mut left| left.next());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    match target.fuzz(&tests, seconds, seed) {
                        Ok(done) => println!("{}: {done}", target.name),
                        Err(error) => failed.lock().into_iter().for_each(|mut all| {
                            all.push(format!("{error:#}"));
                        }),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    // What led to nothing is not needed any more.
    fs::remove_dir(root().join(PLACE)).or_else(|error| match error.kind() {
        // There are findings of earlier runs.
        io::ErrorKind::DirectoryNotEmpty => Ok(()),
        _ => Err(error),
    })?;
    Ok(())
}

/// Builds the tests of the library for libFuzzer. Gives the program.
fn build() -> Result<PathBuf> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    // With a target named, the flags are not for build scripts and macros, so those need not be built anew.
    let mut build = cargo(&["test", "--package", "recorder-daemon", "--lib", "--no-run", "--target", host]);
    build.args(["--message-format", "json-render-diagnostics"]);
    build.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f")).env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    let messages = build.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(messages.status.success(), "the fuzz targets cannot be built");
    let messages = String::from_utf8_lossy(&messages.stdout).into_owned();
    let program = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = program.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    program.context("cargo names no program")
}

/// A target.
struct Target {
    /// As the test is called, with its modules.
    path: String,
    name: String,
    /// Inputs that are checked in.
    corpus: PathBuf,
}

impl Target {
    /// From a line of the list of all tests.
    fn parse(line: &str) -> Option<Self> {
        let path = line.strip_suffix(": test")?;
        let (modules, name) = path.split_once("::fuzz::")?;
        let folder = Path::new("recorder-daemon/src").join(modules.replace("::", "/"));
        let corpus = folder.join("__fuzz__").join(name).join("corpus");
        Some(Self { path: path.to_owned(), name: name.to_owned(), corpus })
    }

    /// Gives how it went.
    fn fuzz(&self, tests: &Path, seconds: u32, seed: Option<u32>) -> Result<String> {
        // Relative, for libFuzzer's words are parted at blanks.
        let place = Path::new(PLACE).join(&self.name);
        fs::create_dir_all(root().join(&place).join("corpus"))?;
        ensure!(root().join(&self.corpus).is_dir(), "{}: there is no {}", self.name, self.corpus.display());
        let (found, seeds) = (place.join("corpus"), self.corpus.display());
        let words = format!(
            "-max_total_time={seconds} -seed={} -timeout={ONE_INPUT} -rss_limit_mb={MEMORY} -max_len=4096 \
             -artifact_prefix={}/ {} {seeds}",
            // 0: another one each time.
            seed.unwrap_or(0),
            place.display(),
            found.display(),
        );
        let done = Command::new(tests)
            .args([&self.path, "--exact", "--nocapture", "--test-threads", "1"])
            .env("BOLERO_LIBFUZZER_ARGS", words)
            .env("TMPDIR", root().join(&place))
            .current_dir(root())
            .output()?;
        let said =
            String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
        let log = place.join("log");
        fs::write(root().join(&log), &said)?;
        let last = said.lines().rfind(|line| line.starts_with("Done ")).unwrap_or_default().to_owned();
        ensure!(
            done.status.success() && !last.is_empty(),
            "{}: {}: see {}; an input that breaks it is beside that: put it into {seeds}, and cargo test shows it again",
            self.name,
            done.status,
            log.display(),
        );
        fs::remove_dir_all(root().join(&place))?;
        Ok(last.trim_start_matches("Done ").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_tests_in_modules_called_fuzz() {
        let target = Target::parse("daemon::config::fuzz::config: test").unwrap();
        assert_eq!((&*target.path, &*target.name), ("daemon::config::fuzz::config", "config"));
        assert_eq!(target.corpus, Path::new("recorder-daemon/src/daemon/config/__fuzz__/config/corpus"));
        assert!(Target::parse("daemon::config::tests::config: test").is_none());
        assert!(Target::parse("daemon::config::fuzz::config: benchmark").is_none());
    }
}
