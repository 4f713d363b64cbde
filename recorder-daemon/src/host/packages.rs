//! Which packages the recorded programs are from, by dpkg's own files. dpkg itself is not run, and where there is
//! none nothing is known: that is no error.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Where dpkg keeps what it knows.
const DPKG: &str = "/var/lib/dpkg";

/// The packages of programs, remembered for as long as nothing is installed or removed.
#[derive(Debug)]
pub struct Packages {
    dpkg: PathBuf,
    /// When `known` was last true.
    changed: Option<SystemTime>,
    /// By program: name and version of its package, None where it is in none.
    known: BTreeMap<String, Option<String>>,
}

impl Default for Packages {
    fn default() -> Self {
        Self::at(Path::new(DPKG))
    }
}

impl Packages {
    fn at(dpkg: &Path) -> Self {
        Self { dpkg: dpkg.to_owned(), changed: None, known: BTreeMap::new() }
    }

    /// Name and version of the packages that the programs are in, as `nginx-light 1.22.1-9`.
    pub fn of<'a>(&mut self, programs: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let Ok(changed) = fs::metadata(self.dpkg.join("status")).and_then(|status| status.modified()) else {
            return BTreeSet::new();
        };
        if self.changed != Some(changed) {
            self.known.clear();
            self.changed = Some(changed);
        }
        let programs: BTreeSet<_> = programs.into_iter().collect();
        let new: Vec<_> = programs.iter().filter(|program| !self.known.contains_key(**program)).collect();
        if !new.is_empty() {
            let packages = self.owners(&new.iter().flat_map(|program| spellings(program)).collect());
            let versions = self.versions(&packages.values().map(String::as_str).collect());
            for program in new {
                let package = spellings(program).iter().find_map(|path| packages.get(path));
                let version = package.and_then(|package| Some((package, versions.get(package)?)));
                let found = version.map(|(package, version)| format!("{package} {version}"));
                self.known.insert((*program).to_owned(), found);
            }
        }
        programs.iter().filter_map(|program| self.known.get(*program)?.clone()).collect()
    }

    /// By path: the package that has it in its list.
    fn owners(&self, paths: &BTreeSet<String>) -> HashMap<String, String> {
        let mut owners = HashMap::new();
        let mut lists: Vec<_> = fs::read_dir(self.dpkg.join("info"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "list"))
            .collect();
        // Two packages may have one path, by a diversion; which one is named must not be chance.
        lists.sort();
        for list in lists {
            let Some(package) = list.file_stem().and_then(|name| name.to_str()) else { continue };
            // `libc6:amd64`: the architecture is no part of the name.
            let package = package.split(':').next().unwrap_or(package);
            let Ok(text) = fs::read(&list) else { continue };
            for line in text.split(|byte| *byte == b'\n') {
                if let Ok(line) = std::str::from_utf8(line)
                    && paths.contains(line)
                {
                    owners.entry(line.to_owned()).or_insert_with(|| package.to_owned());
                }
            }
        }
        owners
    }

    /// By package: its version, if it is installed.
    fn versions(&self, packages: &BTreeSet<&str>) -> HashMap<String, String> {
        let mut versions = HashMap::new();
        let Ok(status) = fs::File::open(self.dpkg.join("status")) else { return versions };
        let mut package = String::new();
        for line in BufReader::new(status).lines().map_while(Result::ok) {
            if let Some(name) = line.strip_prefix("Package: ") {
                name.clone_into(&mut package);
            } else if let Some(version) = line.strip_prefix("Version: ")
                && packages.contains(package.as_str())
            {
                versions.insert(std::mem::take(&mut package), version.to_owned());
            }
        }
        versions
    }
}

/// How a package's list may spell the path of a program: as it was executed, or as it is without links
/// (`/etc/alternatives`), each with `/usr` in front or without it.
fn spellings(program: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let canonical = fs::canonicalize(program).ok().and_then(|path| path.into_os_string().into_string().ok());
    for path in [Some(program.to_owned()), canonical].into_iter().flatten() {
        paths.extend(path.strip_prefix("/usr").filter(|rest| rest.starts_with('/')).map(str::to_owned));
        if path.starts_with('/') && !path.starts_with("/usr/") {
            paths.insert(format!("/usr{path}"));
        }
        paths.insert(path);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dpkg() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("info")).unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("info/nginx-light.list", "/.\n/usr\n/usr/sbin\n/usr/sbin/nginx-of-a-test\n");
        put("info/odd:amd64.list", "/bin/odd-tool\n");
        put("info/gone.list", "/usr/bin/gone-tool\n");
        put(
            "status",
            "Package: nginx-light\nStatus: install ok installed\nVersion: 1.22.1-9\nDescription: x\n Version: 7\n\n\
             Package: odd\nStatus: install ok installed\nVersion: 2\n",
        );
        folder
    }

    fn of(packages: &mut Packages, programs: &[&str]) -> Vec<String> {
        packages.of(programs.iter().copied()).into_iter().collect()
    }

    #[test]
    fn a_program_is_found_under_either_spelling_of_its_path() {
        let folder = dpkg();
        let mut packages = Packages::at(folder.path());
        assert_eq!(of(&mut packages, &["/usr/sbin/nginx-of-a-test"]), ["nginx-light 1.22.1-9"]);
        assert_eq!(
            of(&mut packages, &["/sbin/nginx-of-a-test", "/usr/bin/odd-tool"]),
            ["nginx-light 1.22.1-9", "odd 2"]
        );
    }

    #[test]
    fn what_is_in_no_package_or_in_one_that_is_gone_is_left_out() {
        let folder = dpkg();
        let mut packages = Packages::at(folder.path());
        assert!(of(&mut packages, &["/opt/own", "relative", "", "/usr/bin/gone-tool"]).is_empty());
        assert!(of(&mut Packages::at(Path::new("/nowhere")), &["/usr/sbin/nginx"]).is_empty());
    }

    #[test]
    fn an_upgrade_is_noticed() {
        let folder = dpkg();
        let mut packages = Packages::at(folder.path());
        assert_eq!(of(&mut packages, &["/bin/odd-tool"]), ["odd 2"]);
        let status = folder.path().join("status");
        fs::write(&status, "Package: odd\nVersion: 3\n").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        fs::File::options().write(true).open(&status).unwrap().set_modified(later).unwrap();
        assert_eq!(of(&mut packages, &["/bin/odd-tool"]), ["odd 3"]);
    }
}
