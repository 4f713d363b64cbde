use super::file;
use crate::fuzz::target;

/// What is read is written as it was read.
#[test]
fn recording() {
    target!("recording", |bytes: &[u8]| {
        let Ok(recording) = file::parse(bytes) else { return };
        let written = file::text(&recording);
        assert_eq!(file::parse(written.as_bytes()).ok().as_ref(), Some(&recording), "{written}");
    });
}
