use super::*;
use crate::fuzz::{is_one_line, target};

/// What is taken makes sense, and what is not is told in one line.
#[test]
fn config() {
    target!("config", |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match Config::parse(Path::new("config.toml"), text) {
            Ok(config) => {
                assert_eq!(config.requests().len(), config.units.len());
                assert!((1..=86_400).contains(&config.flush_seconds));
                let folders = [&config.state_directory, &config.runtime_directory, &config.pin_directory];
                assert!(folders.iter().all(|folder| folder.is_absolute()));
            }
            Err(error) => assert!(is_one_line(&error.to_string()), "{error}"),
        }
    });
}
