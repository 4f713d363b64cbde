use std::path::{Component, Path};

use super::{Mount, Request, UnitName, file_name, path};
use crate::fuzz::{is_one_line, target};

/// What is taken prints to itself, matches itself, and every refusal is one line.
#[test]
fn request() {
    target!("request", |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for cgroup in [false, true] {
            match Request::parse(text, cgroup) {
                Ok(request) => {
                    assert!(is_one_line(&request.to_string()), "{request:?}");
                    assert_eq!(request.to_string().parse(), Ok(request.clone()));
                    if let Request::Unit(unit) = &request {
                        assert!(request.matches(unit));
                        assert_eq!(UnitName::from_cgroup_name(&unit.cgroup_name()).as_ref(), Some(unit));
                    }
                    if let Request::Glob(_) = &request {
                        let _ = request.matches(&UnitName::parse("nginx").unwrap());
                    }
                }
                Err(error) => assert!(is_one_line(&error.to_string()), "{error}"),
            }
        }
    });
}

/// What a cgroup's folder is called gives at the most one unit, and that gives the folder's name, or an older
/// systemd's.
#[test]
fn cgroup_name() {
    target!("cgroup_name", |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Some(unit) = UnitName::from_cgroup_name(text) {
            let folder = unit.cgroup_name();
            assert!(folder == text || folder == format!("_{text}"), "{unit:?}");
        }
    });
}

/// Two names of files are never one, and none leads out of its folder.
#[test]
fn file_names() {
    target!("file_names", |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let (a, b) = text.split_once('\n').unwrap_or((&text, ""));
        assert_eq!(a == b, file_name(a) == file_name(b));
        for name in [file_name(a), file_name(b)] {
            assert!(!name.is_empty() && !name.starts_with('.') && !name.contains('/') && name.len() <= 200);
        }
    });
}

/// Tables of the kernel's: a line of mountinfo, and after it a path as /proc/PID/cgroup has it.
#[test]
fn cgroup_path() {
    target!("cgroup_path", |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let (line, cgroup) = text.split_once('\n').unwrap_or((text, ""));
        if let Some(mount) = Mount::parse(line)
            && let Some(folder) = mount.folder(cgroup)
        {
            let below = folder.strip_prefix(&mount.point).unwrap();
            assert!(below.components().all(|step| matches!(step, Component::Normal(_))), "{folder:?}");
        }
        if let Ok(checked) = path::checked(text) {
            assert!(checked.starts_with('/') && checked.len() > 1 && !checked.ends_with('/'));
            let steps = Path::new(&checked).components().skip(1);
            assert!(steps.into_iter().all(|step| matches!(step, Component::Normal(_))));
            assert_eq!(path::checked(&checked).as_deref(), Ok(&*checked));
        }
    });
}
