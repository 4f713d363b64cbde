//! The screen: units, what has happened, what the keys do. What does not fit is left out, the least telling first.

use std::{
    env,
    time::{Duration, SystemTime},
};

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style as Look},
    text::{Line as Text, Span},
    widgets::{Cell, Paragraph, Row, Table},
};

use super::{model::Model, words};
use crate::{
    control::wire::{Event, Line},
    printable::printable,
    text::{count, thousands},
};

/// What the terminal can show, and what its user wants to see.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) colours: bool,
    pub(super) unicode: bool,
}

impl Style {
    /// As <https://no-color.org> and the locale have it.
    pub(super) fn of_environment() -> Self {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_lowercase();
        Self {
            colours: set("NO_COLOR").is_none(),
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    fn colour(self, colour: Color) -> Look {
        if self.colours { Look::new().fg(colour) } else { Look::new() }
    }

    fn alarm(self) -> Look {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }
}

/// Something to know of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    State,
    Starts,
    Calls,
    Rate,
    Names,
    LastNew,
    Discoveries,
    Gaps,
}

/// In the order of the screen: each with its title, its width, and which of them come before it where not all fit.
const COLUMNS: [(Column, &str, u16, u8); 8] = [
    (Column::State, "STATE", 7, 4),
    (Column::Starts, "STARTS", 6, 6),
    (Column::Calls, "CALLS", 13, 7),
    (Column::Rate, "CALLS/S", 9, 1),
    (Column::Names, "NAMES", 5, 0),
    (Column::LastNew, "LAST NEW", 8, 5),
    (Column::Discoveries, "NEW OVER TIME", 16, 3),
    (Column::Gaps, "GAPS", 7, 2),
];

/// What a unit's name has at the least.
const NAME: u16 = 16;

/// Draws it. Gives the number of rows that there are for units.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, style: Style, now: SystemTime) -> usize {
    let alarms: Vec<_> = alarms(model).map(|text| Text::styled(text, style.alarm())).collect();
    let area = frame.area();
    let alarm = u16::try_from(alarms.len()).unwrap_or_default();
    // The heads of both parts, the alarms, the keys.
    let left = area.height.saturating_sub(4 + alarm);
    let units = u16::try_from(model.units.len()).unwrap_or(u16::MAX).clamp(1, (left * 3 / 5).max(1));
    let parts = [
        Constraint::Length(1),
        Constraint::Length(alarm),
        Constraint::Length(units + 1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [head, alarms_at, table, title, events, keys] = Layout::vertical(parts).areas(area);
    let rows = usize::from(table.height.saturating_sub(1));
    frame.render_widget(Paragraph::new(header(model, rows)).style(Modifier::REVERSED), head);
    frame.render_widget(Paragraph::new(alarms), alarms_at);
    draw_units(frame, table, model, style, now);
    let rule = if style.unicode { "─" } else { "-" };
    let title_text = format!("{} what has happened (UTC) ", rule.repeat(2));
    let rest = usize::from(title.width).saturating_sub(title_text.chars().count());
    frame.render_widget(Paragraph::new(title_text + &rule.repeat(rest)), title);
    draw_events(frame, events, model, style);
    let help = if area.width < 60 {
        "q quit, arrows scroll, s sort"
    } else {
        "q quit   arrows scroll   s sort by newest call or by name"
    };
    frame.render_widget(Paragraph::new(help).style(Modifier::DIM), keys);
    rows
}

fn header(model: &Model, rows: usize) -> String {
    let units = model.units.len();
    let last = (model.top + rows).min(units);
    let shown = if units > rows { format!(", {} to {last}", model.top + 1) } else { String::new() };
    let (units, since) = (count(units as u64, "unit"), printable(&model.since));
    format!("syscall-recorder: {units}{shown}, daemon since {since}")
}

fn alarms(model: &Model) -> impl Iterator<Item = String> {
    let trouble =
        model.trouble.as_ref().map(|reason| format!("NOT UP TO DATE, trying again: {}", printable(reason)));
    let degraded = model.degraded.as_ref().map(|reason| format!("DEGRADED: {}", printable(reason)));
    trouble.into_iter().chain(degraded)
}

/// The columns for which there is room.
fn columns(width: u16) -> Vec<(Column, &'static str, u16)> {
    let mut by_need = COLUMNS;
    by_need.sort_by_key(|column| column.3);
    let mut left = width.saturating_sub(NAME);
    let fits = |column: &(Column, &str, u16, u8)| {
        let fits = left > column.2;
        left -= if fits { column.2 + 1 } else { left };
        fits
    };
    let chosen: Vec<_> = by_need.into_iter().take_while(fits).map(|column| column.0).collect();
    COLUMNS
        .into_iter()
        .filter(|column| chosen.contains(&column.0))
        .map(|(column, title, width, _)| (column, title, width))
        .collect()
}

fn draw_units(frame: &mut Frame<'_>, area: Rect, model: &Model, style: Style, now: SystemTime) {
    if model.units.is_empty() {
        let text = "nothing is being recorded; begin with `syscall-recorder start UNIT`";
        return frame.render_widget(Paragraph::new(text), area);
    }
    let columns = columns(area.width);
    let title = |column, text| Cell::from(Text::from(text).alignment(alignment(column)));
    let titles = columns.iter().map(|&(column, text, _)| title(column, text));
    let head = Row::new(std::iter::once(Cell::from("UNIT")).chain(titles)).style(Modifier::BOLD);
    let shown = model.units.iter().skip(model.top).take(usize::from(area.height.saturating_sub(1)));
    let rows = shown.map(|unit| {
        let cells = columns.iter().map(|&(column, ..)| cell(unit, column, model, style, now));
        Row::new(std::iter::once(Cell::from(printable(&unit.name))).chain(cells))
    });
    let widths = columns.iter().map(|&(.., width)| Constraint::Length(width));
    // No wider than the names are, so that on a wide screen the figures stand beside them.
    let longest = model.units.iter().map(|unit| printable(&unit.name).chars().count()).max();
    let longest = longest.map_or(NAME, |longest| u16::try_from(longest).unwrap_or(u16::MAX));
    let left = area.width.saturating_sub(columns.iter().map(|column| column.2 + 1).sum());
    let name = longest.clamp(NAME, left.max(NAME));
    let widths = std::iter::once(Constraint::Length(name)).chain(widths);
    frame.render_widget(Table::new(rows, widths).header(head).column_spacing(1), area);
}

fn alignment(column: Column) -> Alignment {
    match column {
        Column::Starts | Column::Calls | Column::Rate | Column::Names | Column::LastNew => Alignment::Right,
        Column::State | Column::Discoveries | Column::Gaps => Alignment::Left,
    }
}

fn cell(unit: &Line, column: Column, model: &Model, style: Style, now: SystemTime) -> Cell<'static> {
    let (text, look) = match column {
        Column::State if unit.running => ("running".to_owned(), style.colour(Color::Green)),
        Column::State => ("-".to_owned(), Look::new()),
        Column::Starts => (thousands(unit.starts), Look::new()),
        Column::Calls => (thousands(unit.calls), Look::new()),
        Column::Rate => (model.rate(&unit.name).map_or_else(|| "-".to_owned(), thousands), Look::new()),
        Column::Names => (thousands(unit.names), Look::new()),
        Column::LastNew => {
            (unit.last_new.as_ref().map_or_else(|| "-".to_owned(), |at| age(at, now)), Look::new())
        }
        Column::Discoveries => (bars(&unit.discoveries, style.unicode), style.colour(Color::Cyan)),
        Column::Gaps if unit.gaps.is_empty() => ("-".to_owned(), Look::new()),
        Column::Gaps => (count(unit.gaps.len() as u64, "kind"), style.alarm()),
    };
    Cell::from(Text::styled(text, look).alignment(alignment(column)))
}

fn draw_events(frame: &mut Frame<'_>, area: Rect, model: &Model, style: Style) {
    let newest = model.events.iter().rev().take(usize::from(area.height));
    let lines: Vec<_> = newest.map(|event| line(event, style)).collect();
    let lines: Vec<_> = lines.into_iter().rev().collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn line(event: &Event, style: Style) -> Text<'static> {
    let look = match event.event.as_str() {
        "call" => style.colour(Color::Cyan),
        "gap" | "missed" => style.alarm(),
        _ => Look::new(),
    };
    // The time of day out of 2026-11-25T06:25:01Z.
    let time = event.at.get(11..19).map_or_else(|| "?".to_owned(), printable);
    Text::from(vec![
        Span::raw(format!("{time} {}", words::of(event))),
        Span::styled(words::what(event), look),
    ])
}

/// How long ago, in three or four characters and `ago`: what is more exact, `status` tells.
fn age(at: &str, now: SystemTime) -> String {
    let Ok(at) = humantime::parse_rfc3339(at) else { return "?".to_owned() };
    let seconds = now.duration_since(at).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..100 => format!("{seconds}s ago"),
        100..6_000 => format!("{}m ago", seconds / 60),
        6_000..172_800 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// The counts as bars side by side. What is more than nothing is seen to be.
fn bars(counts: &[u64], unicode: bool) -> String {
    const UNICODE: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 5] = ['.', ':', '-', '=', '#'];
    let bars: &[char] = if unicode { &UNICODE } else { &ASCII };
    let (most, highest) = (counts.iter().max().copied().unwrap_or_default(), bars.len() as u128 - 1);
    let bar = |&count: &u64| {
        let height = (u128::from(count) * highest).div_ceil(u128::from(most.max(1)));
        bars[usize::try_from(height).unwrap_or_default().min(bars.len() - 1)]
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests;
