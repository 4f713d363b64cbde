//! Settings that make systemd filter calls beside `SystemCallFilter=`, as systemd.exec(5) says.

use std::collections::BTreeSet;

use crate::syscalls::Target;

/// Such a setting.
#[derive(Debug)]
pub(super) struct Implied {
    pub(super) key: &'static str,
    /// The calls, or the set, that it denies whatever their arguments. Empty where it looks at the arguments,
    /// which a recording does not have.
    denies: &'static [&'static str],
}

pub(super) const ALL: &[Implied] = &[
    Implied { key: "LockPersonality", denies: &[] },
    Implied { key: "MemoryDenyWriteExecute", denies: &[] },
    Implied { key: "PrivateDevices", denies: &["@raw-io"] },
    Implied { key: "ProtectClock", denies: &["@clock"] },
    Implied { key: "ProtectHostname", denies: &["sethostname", "setdomainname"] },
    Implied { key: "ProtectKernelLogs", denies: &["syslog"] },
    Implied { key: "ProtectKernelModules", denies: &["@module"] },
    Implied { key: "ProtectKernelTunables", denies: &["_sysctl"] },
    Implied { key: "RestrictAddressFamilies", denies: &[] },
    Implied { key: "RestrictNamespaces", denies: &[] },
    Implied { key: "RestrictRealtime", denies: &[] },
    Implied { key: "RestrictSUIDSGID", denies: &[] },
];

/// Whether a value turns such a setting on. A list does, and so does what only newer versions know.
pub(super) fn is_on(value: &str) -> bool {
    let off = ["", "0", "no", "n", "false", "f", "off"];
    !off.iter().any(|off| value.eq_ignore_ascii_case(off))
}

impl Implied {
    /// The calls that it denies.
    pub(super) fn denied<'a>(&self, target: &'a Target) -> BTreeSet<&'a str> {
        let of = |name: &&'static str| match target.set(name) {
            Some(set) => set.iter().map(String::as_str).collect::<Vec<_>>(),
            None => vec![*name],
        };
        self.denies.iter().flat_map(of).collect()
    }
}
