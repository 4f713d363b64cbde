use std::{collections::BTreeSet, fmt::Write};

use recorder_common::Abi;
use serde::Serialize;
use toml::value::Datetime;

use super::{EvidenceTable, FORMAT};
use crate::{
    allowlist::{Allowlist, Course, Evidence, Observed, Part, Seen},
    printable::printable,
    recording::{Event, Gap, Per, Timestamp},
};

/// Up to so many hosts are listed with each call. Of more, the shorter is: those that made it, or those that did not.
const LISTED: usize = 16;

impl Allowlist {
    /// The text of the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# What {} was seen to call. Review, then export.", printable(&self.unit))?;
        writeln!(text, "format = {FORMAT}\nunit = {}\n", toml::Value::from(self.unit.as_str()))?;
        writeln!(text, "[allow]")?;
        for (abi, names) in &self.allow {
            list(text, *abi, names.iter().map(|name| format!("{name:?}")))?;
        }
        writeln!(text, "\n[unnamed]                   # numbers that no table names")?;
        for (abi, numbers) in &self.unnamed {
            list(text, *abi, numbers.iter().map(ToString::to_string))?;
        }
        self.observed.write(text, self.recording())?;
        for evidence in &self.evidence {
            // One at a time: the hosts of thousands need not be held for all calls at once.
            let list = EvidenceList { evidence: [EvidenceTable::new(self, evidence)] };
            write!(text, "\n{}", serialize(&list))?;
        }
        if self.recording().is_some() {
            return Ok(());
        }
        writeln!(
            text,
            "\n# What each recording saw of the calls above, in their order: calls/starts/hours."
        )?;
        writeln!(text, "# By these, merging the same recording again counts nothing twice.")?;
        self.parts.iter().try_for_each(|(recording, part)| part.write(text, recording, &self.evidence))
    }

    /// The recording that it is of, if it is of one.
    fn recording(&self) -> Option<&str> {
        let (recording, part) = self.parts.first_key_value().filter(|_| self.parts.len() == 1)?;
        (Part::of(&self.observed, &self.evidence) == *part).then_some(recording)
    }
}

impl Observed {
    fn write(&self, text: &mut String, recording: Option<&str>) -> std::fmt::Result {
        writeln!(text, "\n[observed]")?;
        if let Some(recording) = recording {
            writeln!(text, "recording = {}", toml::Value::from(recording))?;
        }
        for (key, set) in [
            ("hosts", &self.host.names),
            ("kernels", &self.host.kernels),
            ("systemd", &self.host.systemd),
            ("tools", &self.host.tools),
            ("libcs", &self.host.libcs),
            ("packages", &self.host.packages),
        ] {
            writeln!(text, "{key} = {}", array(set))?;
        }
        writeln!(text, "first = {}\nlast = {}", self.first, self.last)?;
        let seconds = format!("seconds = {}", self.seconds);
        writeln!(text, "{seconds:<28}# under observation, by a clock that nobody can set")?;
        writeln!(text, "starts = {}\ncomplete = {}\n", self.starts, self.complete())?;
        writeln!(text, "[observed.gaps]             # each may mean that a call is missing")?;
        self.gaps.iter().try_for_each(|(gap, count)| writeln!(text, "{} = {count}", gap.name()))?;
        writeln!(text, "\n[observed.course]           # what the coverage estimate rests on")?;
        self.course.write(text)
    }
}

impl Course {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "start_occasions = {}", self.occasions.start)?;
        writeln!(text, "hour_occasions = {}", self.occasions.hour)?;
        writeln!(text, "stops = {}\nreloads = {}", self.stops, self.reloads)?;
        writeln!(text, "reloadable = {}\nboots = {}", self.reloadable, self.boots)?;
        for event in Event::ALL {
            let times = self.marks.iter().filter(|mark| mark.event == event);
            let times: Vec<_> = times.map(|mark| mark.at.to_string()).collect();
            if !times.is_empty() {
                writeln!(text, "marks.{} = [{}]", event.name(), times.join(", "))?;
            }
        }
        Ok(())
    }
}

/// One entry a line, so that a review of what changed shows names and nothing else.
fn list(text: &mut String, abi: Abi, entries: impl ExactSizeIterator<Item = String>) -> std::fmt::Result {
    if entries.len() == 0 {
        return writeln!(text, "{} = []", abi.name());
    }
    writeln!(text, "{} = [", abi.name())?;
    for entry in entries {
        writeln!(text, "    {entry},")?;
    }
    writeln!(text, "]")
}

fn serialize(table: &impl Serialize) -> String {
    toml::to_string_pretty(table).expect("strings, numbers and times always have a TOML form")
}

impl EvidenceTable {
    fn new(allowlist: &Allowlist, evidence: &Evidence) -> Self {
        let all = &allowlist.observed.host.names;
        let hosts = allowlist.hosts_of(evidence.call);
        let but: BTreeSet<_> = all.iter().map(String::as_str).filter(|host| !hosts.contains(host)).collect();
        let owned = |hosts: BTreeSet<&str>| hosts.into_iter().map(str::to_owned).collect();
        let (hosts, all_hosts_but) = if hosts.len() <= LISTED || hosts.len() <= but.len() {
            (Some(owned(hosts)), None)
        } else {
            (None, Some(owned(but)))
        };
        Self {
            abi: evidence.call.abi.name().to_owned(),
            name: evidence.name.clone(),
            number: evidence.call.number,
            calls: evidence.tally.calls,
            first_seen: datetime(evidence.tally.first_seen),
            last_seen: datetime(evidence.tally.last_seen),
            programs: evidence.tally.programs.clone(),
            hosts,
            all_hosts_but,
            starts: evidence.occasions(Per::Start),
            hours: evidence.occasions(Per::Hour),
            only_at_start: !evidence.tally.later,
        }
    }
}

fn datetime(at: Timestamp) -> Datetime {
    at.to_string().parse().expect("both write RFC 3339")
}

#[derive(Serialize)]
struct EvidenceList {
    evidence: [EvidenceTable; 1],
}

impl Part {
    fn write(&self, text: &mut String, recording: &str, evidence: &[Evidence]) -> std::fmt::Result {
        writeln!(text, "\n[[parts]]\nrecording = {}", toml::Value::from(recording))?;
        writeln!(text, "hosts = {}", array(&self.hosts))?;
        writeln!(text, "first = {}\nlast = {}", self.first, self.last)?;
        writeln!(text, "seconds = {}\nstarts = {}\nstops = {}", self.seconds, self.starts, self.stops)?;
        writeln!(
            text,
            "start_occasions = {}\nhour_occasions = {}",
            self.occasions.start, self.occasions.hour
        )?;
        writeln!(text, "reloads = {}\nboots = {}", self.reloads, self.boots)?;
        if !self.gaps.is_empty() {
            let gap = |(gap, count): (&Gap, &u64)| format!("{} = {count}", gap.name());
            let gaps: Vec<_> = self.gaps.iter().map(gap).collect();
            writeln!(text, "gaps = {{ {} }}", gaps.join(", "))?;
        }
        text.push_str("seen = \"");
        for (place, evidence) in evidence.iter().enumerate() {
            if place > 0 {
                text.push(' ');
            }
            match self.seen(evidence.call) {
                None => text.push('-'),
                Some(Seen { calls, starts, hours, .. }) => write!(text, "{calls}/{starts}/{hours}")?,
            }
        }
        text.push_str("\"\n");
        Ok(())
    }
}

fn array(set: &BTreeSet<String>) -> toml::Value {
    toml::Value::Array(set.iter().map(|entry| toml::Value::from(entry.as_str())).collect())
}
