use super::*;
use crate::fuzz::{is_one_line, target};

/// What is taken from it is kept as it was taken.
#[test]
fn requests() {
    target!("requests", |bytes: &[u8]| match parse(bytes) {
        Ok(file) => {
            let kept = file.kept();
            let text = serde_json::to_string(&File::new(&file.boot, &kept)).unwrap();
            assert_eq!(parse(text.as_bytes()).map(|file| file.kept()), Ok(kept));
        }
        Err(why) => assert!(is_one_line(&why), "{why}"),
    });
}
