use std::time::UNIX_EPOCH;

use ratatui::{Terminal, backend::TestBackend};

use super::{
    draw::{Style, draw},
    model::Model,
    words,
};
use crate::{
    control::wire::Watched,
    fuzz::{is_one_line, target},
};

/// Whatever a daemon tells, time after time: it fits the screen, and steers no terminal.
#[test]
fn watched() {
    target!("watched", |bytes: &[u8]| {
        let mut model = Model::default();
        for told in bytes.split(|byte| *byte == 0) {
            let Ok(watched) = serde_json::from_slice::<Watched>(told) else { return };
            watched.events.iter().for_each(|event| assert!(is_one_line(&words::line(event)), "{event:?}"));
            model.take(watched);
            for (width, height) in [(80, 24), (20, 5)] {
                let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                let (mut rows, style) = (0, Style { colours: true, unicode: true });
                terminal.draw(|frame| rows = draw(frame, &model, style, UNIX_EPOCH)).unwrap();
                let cells = terminal.backend().buffer().content();
                assert!(!cells.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
                model.scroll(1, rows);
                assert!(model.shown(rows).len() <= rows);
            }
        }
    });
}
