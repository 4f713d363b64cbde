//! What has happened, in words.

use crate::{control::wire::Event, printable::printable, recording::Gap};

/// What has happened to the unit, in one line without its name.
pub(super) fn what(event: &Event) -> String {
    let name = event.name.as_deref().unwrap_or("?");
    let count = event.count.unwrap_or_default();
    let said = match event.event.as_str() {
        "call" => {
            let abi = event.abi.as_deref().unwrap_or("?");
            let by = if event.programs.is_empty() {
                String::new()
            } else {
                format!(", by {}", event.programs.join(" "))
            };
            let phase = event.phase.as_ref().map(|phase| format!(", {phase}")).unwrap_or_default();
            format!("new call {name} ({abi}{phase}){by}")
        }
        "gap" => {
            let meaning = Gap::from_name(name).map_or(name, |gap| gap.meaning());
            format!("INCOMPLETE, {count} {meaning}")
        }
        "start" => format!("start {count}"),
        "began" => "its recording begins".to_owned(),
        "ended" => "its recording has ended".to_owned(),
        // Of the watching itself.
        "lost" => format!("the daemon cannot be asked, trying again: {name}"),
        "back" => "the daemon answers again".to_owned(),
        "missed" => format!("{count} events were missed"),
        "degraded" => format!("DEGRADED: {name}"),
        "recovered" => "no longer degraded".to_owned(),
        other => other.to_owned(),
    };
    printable(&said)
}

/// Where it has happened, in front of what has; nothing where it is the daemon itself.
pub(super) fn of(event: &Event) -> String {
    if event.unit.is_empty() { String::new() } else { printable(&event.unit) + ": " }
}

/// All of it, without a terminal.
pub(super) fn line(event: &Event) -> String {
    format!("{} {}{}", printable(&event.at), of(event), what(event))
}
