//! The nearest thing that there is to what somebody wrote.

/// As many typing errors as a suggestion may mend, by the length of the word.
fn patience(word: &str) -> usize {
    match word.len() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    }
}

/// The candidate with the fewest typing errors between, if they are few; of several, the first.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = word.to_ascii_lowercase();
    let plain = ["__nr_", "sys_"].iter().find_map(|prefix| plain.strip_prefix(prefix)).unwrap_or(&plain);
    // What is far longer than any name is none that was mistyped, and costs time.
    if plain.len() > 40 {
        return None;
    }
    let ranked = candidates.map(|candidate| (strsim::osa_distance(plain, candidate), candidate));
    let (distance, candidate) = ranked.min_by_key(|(distance, _)| *distance)?;
    // Of a short word, what would be left of it after so many changes says nothing.
    (distance <= patience(plain)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::Target;

    #[test]
    fn what_was_meant_is_near() {
        let target = Target::newest();
        let near = |word| nearest(word, target.names());
        for (word, meant) in [
            ("openatt", "openat"),
            ("SYS_read", "read"),
            ("__NR_close", "close"),
            ("Write", "write"),
            ("epoll_wiat", "epoll_wait"),
            ("recv_from", "recvfrom"),
            ("getrandm", "getrandom"),
        ] {
            assert_eq!(near(word), Some(meant), "{word}");
        }
        for word in ["switch", "", "x", "nothing_like_it_at_all", "ünïcödë"] {
            assert_eq!(near(word), None, "{word}");
        }
    }
}
