//! Who changed what is recorded, in the log.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    peer::{Peer, changes},
    wire::{Refusal, Reply, Request},
};
use crate::printable::printable;

/// One line for each request that changes something, done or not.
///
/// Those without rights may be many, and the journal drops the lines of a service that writes too many: then
/// the ones that matter would be among them. So of theirs there is one line in a second.
#[derive(Default)]
pub(super) struct Audit {
    refused: Mutex<Refused>,
}

#[derive(Default)]
struct Refused {
    next: Option<Instant>,
    unsaid: u64,
}

/// The longest list of requests that a line shows, in characters.
const SHOWN: usize = 500;

impl Audit {
    pub(super) fn note(&self, peer: &Peer, request: &Request, outcome: &Result<Reply, Refusal>) {
        if !changes(request) {
            return;
        }
        let (method, requests) = match request {
            Request::Start { requests, .. } => ("Start", requests),
            Request::Stop { requests } => ("Stop", requests),
            Request::Snapshot { units } => ("Snapshot", units),
            Request::Status { .. }
            | Request::Watch { .. }
            | Request::Metrics {}
            | Request::Allowlist { .. } => return,
        };
        let (uid, pid) = (peer.uid, peer.pid.unwrap_or_default());
        let requests = shown(requests);
        match outcome {
            Ok(_) => {
                info!(uid, pid, method, requests, outcome = "done", "{method} {requests} by uid {uid}: done");
            }
            Err(Refusal::NotPermitted { .. }) => {
                if let Some(unsaid) = self.may_say() {
                    warn!(
                        uid,
                        pid,
                        method,
                        requests,
                        outcome = "not permitted",
                        unsaid,
                        "{method} {requests} by uid {uid}: not permitted"
                    );
                }
            }
            Err(refusal) => {
                let outcome = printable(&refusal.to_string());
                info!(uid, pid, method, requests, outcome, "{method} {requests} by uid {uid}: {outcome}");
            }
        }
    }

    /// Whether a refusal may be told now, and how many have not been since the last that was.
    fn may_say(&self) -> Option<u64> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if refused.next.is_some_and(|next| now < next) {
            refused.unsaid += 1;
            return None;
        }
        refused.next = Some(now + Duration::from_secs(1));
        Some(std::mem::take(&mut refused.unsaid))
    }
}

/// The requests in one short line.
fn shown(requests: &[String]) -> String {
    let all = requests.join(" ");
    let text = printable(&all.chars().take(SHOWN).collect::<String>());
    if all.chars().nth(SHOWN).is_some() { format!("{text}… ({} in all)", requests.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_hostile_list_makes_one_short_line() {
        assert_eq!(shown(&["nginx".into(), "a\nb\x1b[2J".into()]), "nginx a\\u{a}b\\u{1b}[2J");
        let long = shown(&vec!["ü".repeat(100); 100]);
        assert!(long.ends_with("… (100 in all)") && long.chars().count() < 600, "{long}");
    }

    #[test]
    fn refusals_are_told_once_in_a_while_and_counted() {
        let audit = Audit::default();
        assert_eq!(audit.may_say(), Some(0));
        assert_eq!((audit.may_say(), audit.may_say()), (None, None));
        audit.refused.lock().unwrap().next = None;
        assert_eq!(audit.may_say(), Some(2));
    }
}
