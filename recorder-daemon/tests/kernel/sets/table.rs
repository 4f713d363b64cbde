//! What was compared, for whoever runs the tests with `--nocapture`.

use std::sync::Mutex;

struct Row {
    name: &'static str,
    text: String,
}

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// Adds one program, and prints all that have been compared so far: the last table is the whole one.
pub(super) fn add(name: &'static str, names: usize, calls: u64, compared: &str, rounds: u32, why: &str) {
    let text = format!("{name:<22} {names:>5} {calls:>8}  {compared:<8} {rounds:>6}  {why}");
    let mut rows = ROWS.lock().unwrap();
    rows.push(Row { name, text });
    rows.sort_by_key(|row| row.name);
    let lines: Vec<_> = rows.iter().map(|row| row.text.as_str()).collect();
    println!(
        "\n{:<22} {:>5} {:>8}  {:<8} {:>6}  why more than one round may be needed\n{}\n{} programs compared so far",
        "PROGRAM",
        "NAMES",
        "CALLS",
        "COMPARED",
        "ROUNDS",
        lines.join("\n"),
        lines.len()
    );
}
