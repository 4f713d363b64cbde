//! The files of a unit, found as systemd finds them: for hosts on which it cannot be asked.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::UnitName;

/// Where a unit is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Its own file. None where it has none, as what was started by hand.
    pub fragment: Option<PathBuf>,
    /// Its drop-ins, in the order in which they count.
    pub drop_ins: Vec<PathBuf>,
    /// Whether the files have changed since systemd read them.
    pub stale: bool,
}

/// systemd's folders, the first one first: what stands in one hides what has its name in a later one.
const FOLDERS: [&str; 13] = [
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
];

impl Files {
    /// Looks for them below a root. Symbolic links are followed, as an alias is one.
    #[must_use]
    pub fn find(root: &Path, unit: &UnitName) -> Self {
        let names = [Some(unit.to_string()), template(unit)];
        let fragment = names.iter().flatten().find_map(|name| first(root, name));
        // Under its own name, and not that of an alias, it has its drop-ins.
        let own = fragment.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let mut names = prefixes(unit.as_str());
        if let Some(own) = own.filter(|own| *own != unit.as_str() && !own.contains('@')) {
            names.splice(0..0, prefixes(own).into_iter().filter(|name| name.contains('.')));
        }
        let mut drop_ins: BTreeMap<_, PathBuf> = BTreeMap::new();
        for folder in
            names.iter().flat_map(|name| FOLDERS.map(|below| root.join(below).join(format!("{name}.d"))))
        {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.extension().is_some_and(|end| end == "conf") {
                    drop_ins.entry(path.file_name().unwrap_or_default().to_owned()).or_insert(path);
                }
            }
        }
        let drop_ins = drop_ins
            .into_values()
            .filter(|path| path.metadata().is_ok_and(|there| there.len() > 0 && there.is_file()));
        Self { fragment, drop_ins: drop_ins.collect(), stale: false }
    }
}

fn first(root: &Path, name: &str) -> Option<PathBuf> {
    let paths = FOLDERS.map(|folder| root.join(folder).join(name));
    let found = paths.into_iter().find(|path| path.symlink_metadata().is_ok())?;
    Some(found.canonicalize().unwrap_or(found))
}

/// `a@b.service` is made from `a@.service`.
fn template(unit: &UnitName) -> Option<String> {
    let (prefix, rest) = unit.as_str().split_once('@')?;
    let (_, suffix) = rest.rsplit_once('.')?;
    Some(format!("{prefix}@.{suffix}"))
}

/// The names under which a unit's drop-ins are looked for, the most specific first: `a-b@c.service`,
/// `a-b@.service`, `a-@c.service`, `a-@.service`, `service`.
fn prefixes(unit: &str) -> Vec<String> {
    let Some((stem, suffix)) = unit.rsplit_once('.') else { return Vec::new() };
    let (mut prefix, instance) = match stem.split_once('@') {
        Some((prefix, instance)) => (prefix, Some(instance)),
        None => (stem, None),
    };
    let mut names = Vec::new();
    loop {
        match instance {
            Some(instance) if !instance.is_empty() => {
                names.push(format!("{prefix}@{instance}.{suffix}"));
                names.push(format!("{prefix}@.{suffix}"));
            }
            Some(_) => names.push(format!("{prefix}@.{suffix}")),
            None => names.push(format!("{prefix}.{suffix}")),
        }
        // A dash that has been cut at already ends it, and so does one in front of all.
        let Some(dash) = prefix.strip_suffix('-').unwrap_or(prefix).rfind('-').filter(|dash| *dash > 0)
        else {
            break;
        };
        prefix = &prefix[..=dash];
    }
    names.push(suffix.to_owned());
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn unit(name: &str) -> UnitName {
        UnitName::parse(name).unwrap()
    }

    #[test]
    fn drop_ins_are_looked_for_under_every_prefix() {
        assert_eq!(prefixes("a-b-c.service"), ["a-b-c.service", "a-b-.service", "a-.service", "service"]);
        assert_eq!(
            prefixes("a-b@x.service"),
            ["a-b@x.service", "a-b@.service", "a-@x.service", "a-@.service", "service"]
        );
        assert_eq!(prefixes("-a.service"), ["-a.service", "service"]);
    }

    #[test]
    fn the_first_folder_hides_the_later_ones_and_names_set_the_order() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("usr/lib/systemd/system/a.service", "[Unit]");
        write("etc/systemd/system/a.service", "[Unit]");
        write("usr/lib/systemd/system/a.service.d/20.conf", "[Unit]");
        write("etc/systemd/system/a.service.d/20.conf", "[Unit]");
        write("etc/systemd/system/a.service.d/30.txt", "no drop-in");
        write("etc/systemd/system/service.d/10.conf", "[Unit]");
        write("usr/lib/systemd/system/a.service.d/40.conf", "[Unit]");
        symlink("/dev/null", root.path().join("etc/systemd/system/a.service.d/40.conf")).unwrap();
        let files = Files::find(root.path(), &unit("a.service"));
        let base = root.path().canonicalize().unwrap();
        assert_eq!(files.fragment, Some(base.join("etc/systemd/system/a.service")));
        let named: Vec<_> = files
            .drop_ins
            .iter()
            .map(|path| path.strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(named, ["etc/systemd/system/service.d/10.conf", "etc/systemd/system/a.service.d/20.conf"]);
    }

    #[test]
    fn templates_and_aliases_lead_to_the_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("etc/systemd/system");
        fs::create_dir_all(folder.join("real.service.d")).unwrap();
        fs::write(folder.join("t@.service"), "[Unit]").unwrap();
        fs::write(folder.join("real.service"), "[Unit]").unwrap();
        fs::write(folder.join("real.service.d/x.conf"), "[Unit]").unwrap();
        symlink("real.service", folder.join("alias.service")).unwrap();
        let name = |files: &Files| {
            files.fragment.as_ref().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(name(&Files::find(root.path(), &unit("t@1.service"))), "t@.service");
        let alias = Files::find(root.path(), &unit("alias.service"));
        assert_eq!((name(&alias).as_str(), alias.drop_ins.len()), ("real.service", 1));
        assert_eq!(Files::find(root.path(), &unit("none.service")), Files::default());
    }
}
