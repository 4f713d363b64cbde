//! New calls and gaps in the log: under systemd, as entries of the journal with the fields that docs/metrics.md
//! documents. A name in capitals is the journal's field; on a terminal only the message is shown.

use recorder_common::Call;
use tokio::time::Instant;

use super::{What, phase};
use crate::{printable::printable, syscalls};

/// The kinds of entries, as `MESSAGE_ID=` has them. They never change.
mod id {
    /// A call was made for the first time.
    pub(super) const NEW_CALL: &str = "8ad66526a6974992922dd24fbeea88a2";
    /// Several were, more than are told one by one.
    pub(super) const NEW_CALLS: &str = "3b17f4ab201a43929468cf2eb9c7106a";
    /// Something can be missing from a recording.
    pub(super) const GAP: &str = "bdbbf072bd0d476194bc01adc3f2dc84";
}

/// How many new calls are told one by one at once, and how many more in a second. The journal drops what a service
/// writes beyond some thousand entries in half a minute, and would drop what matters with it.
const AT_ONCE: u32 = 500;
const PER_SECOND: u32 = 20;

/// The longest list of names in one entry, in characters.
const SHOWN: usize = 2_000;

pub(super) struct Journal {
    left: u32,
    since: Option<Instant>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { left: AT_ONCE, since: None }
    }
}

impl Journal {
    /// Writes what is new of a unit.
    pub(super) fn note(&mut self, unit: &str, news: &[What], now: Instant) {
        let unit = printable(unit);
        let calls: Vec<_> = news
            .iter()
            .filter_map(|what| match what {
                What::Call { call, programs, later, .. } => Some((*call, programs, phase(*later))),
                _ => None,
            })
            .collect();
        if self.may_tell(calls.len(), now) {
            for (call, programs, phase) in calls {
                let (name, abi) = (name(call), call.abi.name());
                let programs = printable(&programs.join(" "));
                let by = if programs.is_empty() { String::new() } else { format!(", by {programs}") };
                tracing::info!(
                    MESSAGE_ID = id::NEW_CALL,
                    SYSCALL_RECORDER_UNIT = unit,
                    SYSCALL_RECORDER_CALL = name,
                    SYSCALL_RECORDER_NUMBER = call.number,
                    SYSCALL_RECORDER_ABI = abi,
                    SYSCALL_RECORDER_PROGRAMS = programs,
                    SYSCALL_RECORDER_PHASE = phase,
                    "{unit}: new call {name} ({abi}, {phase}){by}"
                );
            }
        } else {
            let count = calls.len();
            let names: Vec<_> = calls.into_iter().map(|(call, ..)| name(call)).collect();
            let names: String = names.join(" ").chars().take(SHOWN).collect();
            tracing::info!(
                MESSAGE_ID = id::NEW_CALLS,
                SYSCALL_RECORDER_UNIT = unit,
                SYSCALL_RECORDER_CALLS = names,
                SYSCALL_RECORDER_COUNT = count,
                "{unit}: {count} new calls: {names}"
            );
        }
        for what in news {
            if let What::Gap { gap, count } = what {
                let meaning = gap.meaning();
                tracing::warn!(
                    MESSAGE_ID = id::GAP,
                    SYSCALL_RECORDER_UNIT = unit,
                    SYSCALL_RECORDER_GAP = gap.name(),
                    SYSCALL_RECORDER_COUNT = count,
                    "{unit}: the recording is incomplete: {meaning}: {count}"
                );
            }
        }
    }

    /// Whether so many may be told one by one.
    fn may_tell(&mut self, count: usize, now: Instant) -> bool {
        let passed = self.since.map_or(0, |since| now.duration_since(since).as_secs());
        let more = u32::try_from(passed).unwrap_or(u32::MAX).saturating_mul(PER_SECOND);
        if more > 0 || self.since.is_none() {
            self.since = Some(now);
        }
        self.left = self.left.saturating_add(more).min(AT_ONCE);
        let left = u32::try_from(count).ok().and_then(|count| self.left.checked_sub(count));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// Of a call, for people.
pub(in crate::daemon) fn name(call: Call) -> String {
    syscalls::name(call.abi, call.number).map_or_else(|| format!("number {}", call.number), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::recording::{Gap, Timestamp};

    #[test]
    fn a_flood_is_told_in_one_entry_and_what_comes_later_one_by_one_again() {
        let (mut journal, now) = (Journal::default(), Instant::now());
        assert!(journal.may_tell(0, now) && journal.may_tell(499, now) && journal.may_tell(1, now));
        assert!(!journal.may_tell(1, now));
        assert!(journal.may_tell(0, now), "a gap is always told");
        let later = now + Duration::from_secs(2);
        assert!(!journal.may_tell(41, later) && journal.may_tell(40, later));
        assert!(!journal.may_tell(501, now + Duration::from_hours(24)));
    }

    /// What one entry says, field by field.
    #[derive(Clone, Default)]
    struct Entries(Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>);

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Entries {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            let mut fields = BTreeMap::new();
            event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                fields.insert(field.name(), format!("{value:?}"));
            });
            self.0.lock().unwrap().push(fields);
        }
    }

    #[test]
    fn a_hostile_name_is_spelled_out_in_all_fields() {
        let entries = Entries::default();
        let log = tracing_subscriber::registry().with(entries.clone());
        let hostile = "a\n\u{1b}[31m\u{202e}b";
        let call = Call { abi: recorder_common::Abi::X86_64, number: 0 };
        let at = Timestamp::from_unix(0);
        let news = [
            What::Call { call, at, later: true, programs: vec![hostile.into()] },
            What::Gap { gap: Gap::Skipped, count: 3 },
        ];
        tracing::subscriber::with_default(log, || {
            let mut journal = Journal::default();
            journal.note(hostile, &news, Instant::now());
            journal.left = 0;
            journal.note(hostile, &news[..1], Instant::now());
        });
        let entries = entries.0.lock().unwrap();
        let [call, gap, many] = &entries[..] else { panic!("{entries:?}") };
        let (name, spelled) = ("a\\u{a}\\u{1b}[31m\\u{202e}b", |text: &String| text.replace("\\\\", "\\"));
        assert_eq!(call["message"], format!("{name}: new call read (x86_64, later), by {name}"));
        for entry in [call, gap, many] {
            assert_eq!(spelled(&entry["SYSCALL_RECORDER_UNIT"]), format!("\"{name}\""));
            assert!(entry.values().all(|text| !text.contains(['\n', '\u{1b}', '\u{202e}'])), "{entry:?}");
        }
        assert_eq!(spelled(&call["SYSCALL_RECORDER_PROGRAMS"]), format!("\"{name}\""));
        assert_eq!(gap["SYSCALL_RECORDER_COUNT"], "3");
        assert_eq!(many["SYSCALL_RECORDER_CALLS"], "\"read\"");
    }

    #[test]
    fn a_kind_is_128_bits_in_hexadecimal() {
        for id in [id::NEW_CALL, id::NEW_CALLS, id::GAP] {
            assert!(id.len() == 32 && id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{id}");
        }
    }
}
