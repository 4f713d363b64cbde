//! Writing a file back, with some of its settings replaced.

use super::{Section, UnitFile};

impl UnitFile<'_> {
    /// The file with `block`, whole lines, in place of all settings of these keys in this section. Everything
    /// else stays as it is to the byte, comments between continued lines too.
    ///
    /// The block comes where the first of them stood; where there was none, at the end of the section, the last
    /// one of that name; where there is no such section, at the end of the file, under a new header.
    #[must_use]
    pub fn replaced(&self, section: &str, keys: &[&str], block: &str) -> Vec<u8> {
        let ours = |setting: &&super::Setting| setting.section == section && keys.contains(&&*setting.key);
        let mut gone = vec![false; self.lines.len()];
        for line in self.settings.iter().filter(ours).flat_map(|setting| setting.lines.clone()) {
            gone[line - 1] = !self.is_comment(line);
        }
        let first = self.settings.iter().find(ours).map(|setting| *setting.lines.start());
        let (before, header) = match (first, self.sections.iter().rfind(|there| there.name == section)) {
            (Some(line), _) => (line, false),
            (None, Some(header)) => (1 + self.last_of(header), false),
            (None, None) => (1 + self.lines.len(), true),
        };
        let mut text = Vec::with_capacity(self.bytes.len() + block.len());
        for number in 1..=self.lines.len() + 1 {
            if number == before {
                if text.last().is_some_and(|byte| *byte != b'\n') {
                    text.push(b'\n');
                }
                // Else the block would go on with what a backslash at the end of the file leaves open.
                let kept = |line: &usize| !gone[line - 1] && !self.is_comment(*line);
                if (1..before).rev().find(kept).is_some_and(|line| self.is_open(line)) {
                    text.push(b'\n');
                }
                if header {
                    text.extend(format!("{}[{section}]\n", if text.is_empty() { "" } else { "\n" }).bytes());
                }
                text.extend(block.bytes());
            }
            if number <= self.lines.len() && !gone[number - 1] {
                text.extend(self.raw(number));
            }
        }
        text
    }

    /// A line with its end.
    fn raw(&self, line: usize) -> &[u8] {
        let line = &self.lines[line - 1];
        &self.bytes[line.text.start..line.end]
    }

    /// Whether it ends in a backslash that no other one escapes.
    fn is_open(&self, line: usize) -> bool {
        let text = &self.bytes[self.lines[line - 1].text.clone()];
        text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
    }

    fn is_comment(&self, line: usize) -> bool {
        matches!(self.raw(line).trim_ascii_start().first(), Some(b'#' | b';'))
    }

    /// The last line with a setting below a header; the header, if there is none.
    fn last_of(&self, header: &Section) -> usize {
        let next = self.sections.iter().map(|section| section.line).find(|line| *line > header.line);
        let ours = |line: &usize| *line > header.line && next.is_none_or(|next| *line < next);
        self.settings.iter().map(|setting| *setting.lines.end()).filter(ours).max().unwrap_or(header.last)
    }
}
