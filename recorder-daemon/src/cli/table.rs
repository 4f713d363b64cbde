//! Tables that fit the terminal, and are whole where there is none.

use std::{fmt::Write, io::IsTerminal};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

/// What a column that is broken over lines should have, for which others are left out.
const READABLE: usize = 24;

/// The least that such a column is worth. Where there is not even that, the terminal breaks the lines.
const LEAST: usize = 12;

/// A column.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) kind: Kind,
    /// On a terminal that is too narrow the columns with the largest figure are left out first; 0 stays.
    pub(super) spare: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Figure,
    /// May be broken over several lines.
    Long,
}

/// A row.
pub(super) struct Row {
    /// One for each column: in full, and as short as it can be said.
    pub(super) cells: Vec<[String; 2]>,
    /// How it is coloured on a terminal.
    pub(super) style: anstyle::Style,
}

/// The width of the terminal that standard output is; None where it is none, and nothing is to be left out.
pub(super) fn width() -> Option<usize> {
    let stdout = std::io::stdout();
    let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// The text of a table. Columns in which no row has anything are left out.
pub(super) fn render(columns: &[Column], rows: &[Row], width: Option<usize>) -> String {
    let used = |place: &usize| rows.iter().any(|row| !matches!(row.cells[*place][0].as_str(), "" | "-"));
    let mut shown: Vec<usize> = (0..columns.len()).filter(used).collect();
    let full = draw(columns, rows, &shown, 0, None);
    let Some(width) = width.filter(|width| full.iter().any(|line| line.chars().count() > *width)) else {
        return styled(&full, rows);
    };
    let least = |place: &usize, readable: usize| {
        let longest = rows.iter().map(|row| row.cells[*place][1].chars().count()).max().unwrap_or_default();
        let longest = longest.max(columns[*place].title.chars().count());
        2 + if columns[*place].kind == Kind::Long { longest.min(readable) } else { longest }
    };
    while shown.iter().map(|place| least(place, READABLE)).sum::<usize>() > width {
        let Some(spare) = shown
            .iter()
            .copied()
            .filter(|place| columns[*place].spare > 0)
            .max_by_key(|place| columns[*place].spare)
        else {
            break;
        };
        shown.retain(|place| *place != spare);
    }
    let width = width.max(shown.iter().map(|place| least(place, LEAST)).sum());
    styled(&draw(columns, rows, &shown, 1, Some(width)), rows)
}

/// The lines of the table. Those that go on with a row begin with a blank.
fn draw(columns: &[Column], rows: &[Row], shown: &[usize], form: usize, width: Option<usize>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(shown.iter().map(|place| columns[*place].title));
    for row in rows {
        table.add_row(shown.iter().map(|place| row.cells[*place][form].as_str()));
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        // The blank that stands where a frame would be begins each line, and is taken off below.
        table.set_width(u16::try_from(width + 1).unwrap_or(u16::MAX));
    }
    for (place, column) in shown.iter().zip(0..) {
        let Some(drawn) = table.column_mut(column) else { continue };
        if columns[*place].kind == Kind::Figure {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
        if columns[*place].kind != Kind::Long {
            drawn.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let line = |line: String| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned();
    table.lines().map(line).collect()
}

fn styled(lines: &[String], rows: &[Row]) -> String {
    let mut rows = rows.iter();
    let mut style = anstyle::Style::new();
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        if place > 0 && !line.starts_with(' ') {
            style = rows.next().map_or(style, |row| row.style);
        }
        if style.is_plain() {
            text.push_str(line);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "{style}{line}{style:#}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>) -> String {
        let column = |title, kind, spare| Column { title, kind, spare };
        let columns = [
            column("NAME", Kind::Text, 0),
            column("CALLS", Kind::Figure, 0),
            column("FIRST SEEN", Kind::Text, 2),
            column("EMPTY", Kind::Text, 0),
            column("NOTE", Kind::Long, 0),
        ];
        let row = |name: &str, note: &str| Row {
            cells: [
                [name, name],
                ["1,234", "1,234"],
                ["2026-11-23T17:36:19Z", "2026-11-23"],
                ["", ""],
                [note, note],
            ]
            .map(|cell| cell.map(str::to_owned))
            .into(),
            style: anstyle::Style::new(),
        };
        let rows =
            [row("read", ""), row("process_vm_readv", "high: reads other processes' memory; seen once")];
        render(&columns, &rows, width)
    }

    #[test]
    fn it_is_whole_in_a_pipe_and_fits_a_terminal() {
        let drawn = [None, Some(120), Some(80), Some(60), Some(40), Some(10)].map(|width| {
            let text = table(width);
            if let Some(width) = width.filter(|width| *width >= 60) {
                assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            }
            format!("{width:?}\n{text}")
        });
        insta::assert_snapshot!(drawn.join("\n"));
    }
}
