//! The lines of a file, as systemd cuts it.

use std::ops::Range;

/// What systemd reads as one line at most, exclusive: 1 MiB. A longer one ends the reading of the file.
pub(super) const LONGEST: usize = 1024 * 1024;

/// A line: where its text is, and where it ends with its end-of-line marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: Range<usize>,
    pub(super) end: usize,
}

/// Cuts bytes into lines. LF, CR and NUL end one, alone or each once, such as CR LF; NUL only as the last of them.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        let mut seen: Vec<u8> = Vec::with_capacity(3);
        for byte in &rest[length..] {
            if !is_end(*byte) || seen.contains(byte) || seen.contains(&0) {
                break;
            }
            seen.push(*byte);
        }
        let text = at..at + length;
        at = text.end + seen.len();
        Some(Line { text, end: at })
    })
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(bytes: &[u8]) -> Vec<&[u8]> {
        lines(bytes).map(|line| &bytes[line.text]).collect()
    }

    #[test]
    fn every_end_of_line_is_one() {
        for end in [&b"\n"[..], b"\r", b"\0", b"\n\0", b"\r\0", b"\r\n", b"\n\r", b"\r\n\0", b"\n\r\0"] {
            let bytes = [b"a", end, b"b"].concat();
            assert_eq!(cut(&bytes), [b"a", b"b"], "{end:?}");
        }
    }

    #[test]
    fn an_end_twice_is_an_empty_line() {
        assert_eq!(cut(b"a\n\nb\n"), [&b"a"[..], b"", b"b"]);
        assert_eq!(cut(b"a\0\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(cut(b"\r\n\r\n"), [b"", b""]);
        assert!(cut(b"").is_empty());
    }
}
