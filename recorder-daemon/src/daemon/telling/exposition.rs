//! The text format of Prometheus, version 0.0.4: what node_exporter reads from a file, and every server scrapes.
//!
//! By hand: the libraries keep counters of their own, which would be set from ours at each reading, and the one
//! that is kept best writes OpenMetrics, whose counters the readers of this format take for untyped.

use std::fmt::{Display, Write};

use crate::printable::printable;

/// A text of metrics that grows.
#[derive(Default)]
pub(super) struct Exposition(String);

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Only grows, until the daemon starts anew. Its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// The labels of one sample.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// One metric with all its samples. Without any it is left out.
    pub(super) fn metric<'a, V: Display>(
        &mut self,
        (name, kind, help): (&str, Kind, &str),
        samples: impl IntoIterator<Item = (Labels<'a>, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            self.0.push_str(name);
            for (place, (label, text)) in labels.iter().enumerate() {
                let open = if place == 0 { '{' } else { ',' };
                let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
            }
            let close = if labels.is_empty() { "" } else { "}" };
            let _ = writeln!(self.0, "{close} {value}");
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// As the format wants it. Control bytes are spelled out before: the file is looked at in terminals, too.
fn escaped(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_label_stays_a_label() {
        let mut text = Exposition::default();
        let name = "a\"} 1\nb{c=\"\\ \u{1b}[2J\u{202e}";
        text.metric(("x_total", Kind::Counter, "Of x."), [(&[("unit", name), ("kind", "k")][..], 3)]);
        text.metric(("y", Kind::Gauge, "None."), std::iter::empty::<(Labels<'_>, u64)>());
        assert_eq!(
            text.into_text(),
            "# HELP x_total Of x.\n# TYPE x_total counter\n\
             x_total{unit=\"a\\\"} 1\\\\u{a}b{c=\\\"\\\\ \\\\u{1b}[2J\\\\u{202e}\",kind=\"k\"} 3\n"
        );
    }
}
