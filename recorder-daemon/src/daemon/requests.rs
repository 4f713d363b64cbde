//! What was asked for, kept over a restart of the daemon.

use std::{collections::BTreeSet, fs, io, io::Write, path::Path};

use atomic_write_file::AtomicWriteFile;
use serde::{Deserialize, Serialize};

use crate::units::Request;

/// The version of the file.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    boot: String,
    requests: Vec<String>,
}

/// Reads what was asked for since this boot. What cannot be read is said and left alone.
pub(super) fn load(path: &Path, boot: &str) -> BTreeSet<Request> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return BTreeSet::new(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the requests of before cannot be read");
            return BTreeSet::new();
        }
    };
    match serde_json::from_str::<File>(&text) {
        Ok(file) if file.format == FORMAT && file.boot == boot => {
            file.requests.iter().filter_map(|text| text.parse().ok()).collect()
        }
        Ok(file) if file.boot != boot => BTreeSet::new(),
        Ok(file) => {
            tracing::warn!(path = %path.display(), format = file.format, "the requests of before have another format");
            BTreeSet::new()
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the requests of before are none");
            BTreeSet::new()
        }
    }
}

/// Keeps them.
pub(super) fn save(path: &Path, boot: &str, requests: &BTreeSet<Request>) -> io::Result<()> {
    let requests = requests.iter().map(ToString::to_string).collect();
    let text = serde_json::to_string(&File { format: FORMAT, boot: boot.to_owned(), requests })?;
    let mut file = AtomicWriteFile::open(path)?;
    file.write_all(text.as_bytes())?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_outlive_a_restart_and_not_a_boot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.json");
        let requests: BTreeSet<Request> =
            ["nginx", "*.service", "/docker/a"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(load(&path, "boot"), BTreeSet::new());
        save(&path, "boot", &requests).unwrap();
        assert_eq!(load(&path, "boot"), requests);
        assert_eq!(load(&path, "another"), BTreeSet::new());
        fs::write(&path, "{").unwrap();
        assert_eq!(load(&path, "boot"), BTreeSet::new());
    }
}
