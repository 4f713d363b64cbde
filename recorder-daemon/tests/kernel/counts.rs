//! Counting is exact under any number of threads and processors: a program that makes N calls is recorded
//! with N, every time.

use crate::support::{Bench, NATIVE};

/// Records one run of `programs/count.c` and checks both of its counts.
fn exact(bench: &Bench, program: &str, kind: &str, workers: u64, first: u64, second: u64) {
    let words = [workers, first, second].map(|number| number.to_string());
    let allowlist = bench.record(&[program, kind, &words[0], &words[1], &words[2]]);
    allowlist.assert_whole();
    let of = |name| allowlist.calls(NATIVE, name);
    assert_eq!((of("getppid"), of("getpgid")), (workers * first, workers * second), "{kind}");
    if kind == "migrating" {
        assert_eq!(of("sched_setaffinity"), workers * first.div_ceil(1000));
    }
}

#[test]
fn five_million_calls_of_threads_twenty_times_in_a_row() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let processors = std::thread::available_parallelism().unwrap().get() as u64;
    // More threads than processors, so that they are preempted in the middle; a number that divides it all.
    let workers = [4, 5, 8, 10, 16, 20].into_iter().find(|n| *n >= 2 * processors).unwrap_or(40);
    for round in 0..20 {
        // By turns as the kernel spreads them, and so that every processor certainly has its share.
        let kind = if round % 2 == 0 { "threads" } else { "pinned" };
        exact(&bench, &program, kind, workers, 5_000_000 / workers, 500_000 / workers);
    }
}

#[test]
fn threads_that_stay_on_their_processors() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    exact(&bench, &program, "pinned", 6, 200_000, 100_000);
}

#[test]
fn threads_that_change_processors() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    exact(&bench, &program, "migrating", 6, 200_000, 50_000);
}

#[test]
fn processes() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    exact(&bench, &program, "processes", 16, 100_000, 25_000);
    // Short ones: hardly born, and gone.
    exact(&bench, &program, "processes", 1_500, 3, 2);
}

#[test]
fn many_threads_that_hardly_live() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    exact(&bench, &program, "threads", 1_500, 3, 2);
}

#[test]
fn two_recorders_at_once_count_their_own() {
    let Some(one) = Bench::new(&[]) else { return };
    let Some(other) = Bench::new(&[]) else { return };
    let program = one.compile("count", &[]);
    std::thread::scope(|scope| {
        scope.spawn(|| exact(&one, &program, "threads", 4, 150_000, 7));
        scope.spawn(|| exact(&other, &program, "threads", 4, 90_000, 11));
    });
}
