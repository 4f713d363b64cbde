//! What a package puts where: one list, `[package.metadata.deb] assets` of recorder-daemon, for every format.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::shell::root;

/// Debian's alone: what its archive's own tool reads.
const DEBIAN_ONLY: &str = "usr/share/lintian/";
/// Debian has a folder of its own for zsh's completions; zsh everywhere else has the other.
const ZSH: (&str, &str) = ("usr/share/zsh/vendor-completions/", "usr/share/zsh/site-functions/");
/// Debian has these texts in `copyright`.
pub(super) const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// One file of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct File {
    /// Where it goes, without the slash in front.
    pub(super) to: String,
    /// Where it is now.
    pub(super) from: PathBuf,
    /// Its mode.
    pub(super) mode: u32,
}

/// Where Debian's file of this path is elsewhere.
pub(super) fn elsewhere(path: &str) -> Option<String> {
    if path.starts_with(DEBIAN_ONLY) {
        return None;
    }
    Some(path.strip_prefix(ZSH.0).map_or_else(|| path.to_owned(), |name| format!("{}{name}", ZSH.1)))
}

/// All that a package holds that is not Debian's, sorted. `assets` are cargo-deb's.
pub(super) fn all(assets: &serde_json::Value, program: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for asset in assets.as_array().context("recorder-daemon has no [package.metadata.deb] assets")? {
        let word =
            |at: usize| asset[at].as_str().with_context(|| format!("{asset} is no asset of cargo-deb's"));
        let (from, to, mode) = (word(0)?, word(1)?, u32::from_str_radix(word(2)?, 8)?);
        let Some(to) = elsewhere(to) else { continue };
        let sources = if from.starts_with("target/release/") {
            vec![program.to_owned()]
        } else {
            sources(&root().join("recorder-daemon").join(from))?
        };
        for from in sources {
            let to = if to.ends_with('/') { format!("{to}{}", name(&from)?) } else { to.clone() };
            files.push(File { to, from, mode });
        }
    }
    for licence in LICENCES {
        let to = format!("usr/share/doc/syscall-recorder/{licence}");
        files.push(File { to, from: root().join(licence), mode: 0o644 });
    }
    files.sort();
    Ok(files)
}

/// The files that a pattern means: a `*` may stand for a part of the name.
fn sources(pattern: &Path) -> Result<Vec<PathBuf>> {
    let wanted = name(pattern)?;
    let Some((begin, end)) = wanted.split_once('*') else { return Ok(vec![pattern.to_owned()]) };
    let folder = pattern.parent().context("a pattern without a folder")?;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let fits = |path: &PathBuf| name(path).is_ok_and(|name| name.starts_with(begin) && name.ends_with(end));
    let found: Vec<_> = paths.into_iter().filter(fits).collect();
    ensure!(!found.is_empty(), "there is no {}", pattern.display());
    Ok(found)
}

/// Lays files out below a folder as they lie on a host.
pub(super) fn lay_out(files: &[File], tree: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(tree);
    for file in files {
        let to = tree.join(&file.to);
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::copy(&file.from, &to).with_context(|| format!("cannot copy {}", file.from.display()))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(file.mode))?;
    }
    Ok(())
}

fn name(path: &Path) -> Result<&str> {
    path.file_name().and_then(|name| name.to_str()).with_context(|| format!("{} has no name", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_debians_but_for_what_only_debian_has() {
        let assets = serde_json::json!([
            ["target/release/program", "usr/bin/", "755"],
            ["../deploy/debian/lintian-overrides", "usr/share/lintian/overrides/program", "644"],
            ["../deploy/sysusers.d/*.conf", "usr/share/zsh/vendor-completions/", "644"],
        ]);
        let files = all(&assets, Path::new("/built/program")).unwrap();
        let shown: Vec<_> = files.iter().map(|file| (file.to.as_str(), file.mode)).collect();
        let expected = [
            ("usr/bin/program", 0o755),
            ("usr/share/doc/syscall-recorder/LICENSE-APACHE", 0o644),
            ("usr/share/doc/syscall-recorder/LICENSE-MIT", 0o644),
            ("usr/share/zsh/site-functions/syscall-recorder.conf", 0o644),
        ];
        assert_eq!(shown, expected);
        assert_eq!(files[0].from, Path::new("/built/program"));
    }

    #[test]
    fn a_pattern_that_finds_nothing_is_an_error() {
        let assets = serde_json::json!([["../deploy/*.nothing", "usr/", "644"]]);
        assert!(all(&assets, Path::new("")).unwrap_err().to_string().contains("*.nothing"));
    }
}
