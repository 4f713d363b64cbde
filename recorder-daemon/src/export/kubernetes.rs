//! For Kubernetes: a `SeccompProfile` of the security-profiles-operator.

use std::fmt::{self, Write};

use super::{
    oci::{Seccomp, seccomp},
    options::{ErrorName, Options, Refusal, Stage},
    policy::Policy,
    words::{header, paragraph, stage},
};
use crate::allowlist::Allowlist;

/// The longest name that an object can have.
const LONGEST: usize = 253;

/// The object as YAML.
pub fn kubernetes(allowlist: &Allowlist, options: &Options) -> Result<String, Refusal> {
    let policy = Policy::of(allowlist, options)?;
    if let Stage::Errno(error) = options.stage
        && error != ErrorName::Eperm
    {
        return Err(Refusal::NoWord(
            "a SeccompProfile has no word for the error of a denied call: it is EPERM; take --error-number away",
        ));
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, &policy);
    Ok(text)
}

/// By hand: it is a dozen lines, and a YAML library would keep no comments.
fn write(text: &mut String, policy: &Policy<'_>) -> fmt::Result {
    for line in header(policy).iter().flat_map(|line| paragraph(line)) {
        writeln!(text, "# {line}")?;
    }
    writeln!(text, "# {}", stage(policy.options.stage))?;
    let Seccomp { default_action, architectures, syscalls, .. } = seccomp(policy);
    writeln!(text, "apiVersion: security-profiles-operator.x-k8s.io/v1beta1\nkind: SeccompProfile")?;
    writeln!(text, "metadata:\n  name: {}", object_name(&policy.allowlist.unit))?;
    writeln!(text, "spec:\n  defaultAction: {default_action}\n  architectures:")?;
    architectures.iter().try_for_each(|architecture| writeln!(text, "    - {architecture}"))?;
    writeln!(text, "  syscalls:")?;
    for (place, rule) in syscalls.iter().enumerate() {
        // The first one's is the file's.
        for line in paragraph(&rule.comment).iter().filter(|_| place > 0) {
            writeln!(text, "    # {line}")?;
        }
        writeln!(text, "    - action: SCMP_ACT_ALLOW\n      names:")?;
        rule.names.iter().try_for_each(|name| writeln!(text, "        - {name}"))?;
    }
    Ok(())
}

/// What an object of Kubernetes can be called: small letters, digits, dashes, and dots between them.
fn object_name(unit: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let parts = unit.split('.').map(|part| part.chars().map(plain).collect::<String>());
    let parts: Vec<_> =
        parts.map(|part| part.trim_matches('-').to_owned()).filter(|part| !part.is_empty()).collect();
    let mut name = parts.join(".");
    name.truncate(LONGEST);
    let name = name.trim_end_matches(['-', '.']);
    if name.is_empty() { "unit".to_owned() } else { name.to_owned() }
}
