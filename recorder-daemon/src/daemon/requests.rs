//! What was asked for, kept over a restart of the daemon.

use std::{collections::BTreeSet, fs, io, io::Write, path::Path};

use atomic_write_file::AtomicWriteFile;
use serde::{Deserialize, Serialize};

use crate::{printable::printable, units::Request};

/// The version of the file. The first one said nothing of what is configured.
const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    boot: String,
    requests: Vec<String>,
    #[serde(default)]
    configured: Vec<String>,
}

/// What was wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// By `start`.
    pub(super) asked: BTreeSet<Request>,
    /// By the configuration. It is what it is now; this tells whether a unit of it was recorded before.
    pub(super) configured: BTreeSet<Request>,
}

/// Reads what was asked for since this boot. What is no such file, or of a later version, is set aside and said.
pub(super) fn load(path: &Path, boot: &str) -> io::Result<Kept> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => return Err(error),
    };
    match parse(&text) {
        Ok(file) if file.boot == boot => Ok(file.kept()),
        Ok(_) => Ok(Kept::default()),
        Err(why) => {
            let aside = path.with_added_extension("set-aside");
            fs::rename(path, &aside)?;
            let (path, aside) = (path.display(), aside.display());
            tracing::warn!(%path, %aside, "{path}: no requests of before: {why}; it is set aside as {aside}");
            Ok(Kept::default())
        }
    }
}

impl File {
    fn new(boot: &str, kept: &Kept) -> Self {
        let texts = |requests: &BTreeSet<Request>| requests.iter().map(ToString::to_string).collect();
        let (requests, configured) = (texts(&kept.asked), texts(&kept.configured));
        Self { format: FORMAT, boot: boot.to_owned(), requests, configured }
    }

    fn kept(&self) -> Kept {
        let parsed = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        Kept { asked: parsed(&self.requests), configured: parsed(&self.configured) }
    }
}

/// Or why it is none.
fn parse(text: &[u8]) -> Result<File, String> {
    let file: File = serde_json::from_slice(text).map_err(|error| printable(&error.to_string()))?;
    if (1..=FORMAT).contains(&file.format) {
        Ok(file)
    } else {
        Err(format!("its format is {}, and this version knows those up to {FORMAT}", file.format))
    }
}

/// Keeps them.
pub(super) fn save(path: &Path, boot: &str, kept: &Kept) -> io::Result<()> {
    let text = serde_json::to_string(&File::new(boot, kept))?;
    let mut file = AtomicWriteFile::open(path)?;
    file.write_all(text.as_bytes())?;
    file.commit()
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_outlive_a_restart_and_not_a_boot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.json");
        let requests = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let kept =
            Kept { asked: requests(&["nginx", "*.service", "/docker/a"]), configured: requests(&["redis"]) };
        let load = |boot| load(&path, boot).unwrap();
        assert_eq!(load("boot"), Kept::default());
        save(&path, "boot", &kept).unwrap();
        assert_eq!(load("boot"), kept);
        assert_eq!(load("another"), Kept::default());
        fs::write(&path, r#"{"format":1,"boot":"boot","requests":["nginx"]}"#).unwrap();
        assert_eq!(load("boot"), Kept { asked: requests(&["nginx"]), configured: BTreeSet::new() });
    }

    #[test]
    fn what_is_none_is_set_aside_and_what_cannot_be_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.json");
        for text in ["{", "\u{1b}", r#"{"format":3,"boot":"boot","requests":["nginx"]}"#] {
            fs::write(&path, text).unwrap();
            assert_eq!(load(&path, "boot").unwrap(), Kept::default());
            assert!(!path.exists());
            assert_eq!(fs::read_to_string(folder.path().join("requests.json.set-aside")).unwrap(), text);
        }
        fs::create_dir(&path).unwrap();
        assert!(load(&path, "boot").is_err());
        assert!(path.exists());
    }
}
