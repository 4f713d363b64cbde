//! For systemd: a drop-in, or the whole unit file.
//!
//! Both list every name, although systemd adds its set `@default` in front of any allowlist: what that set
//! holds differs from version to version.

use std::fmt::{self, Write};

use super::{
    options::{Options, Refusal},
    policy::{Beside, Policy},
    settings::{self, KEYS, Place, comment, section},
    words::header,
};
use crate::{allowlist::Allowlist, unit_file::UnitFile};

/// What our lines in a unit file stand between, so that a later export can take them out.
const BEGIN: &str = "# syscall-recorder: begin";
const END: &str = "# syscall-recorder: end";

/// The text of a drop-in.
pub fn systemd(allowlist: &Allowlist, options: &Options) -> Result<String, Refusal> {
    let policy = Policy::of(allowlist, options)?;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = drop_in(&mut text, &policy);
    Ok(text)
}

fn drop_in(text: &mut String, policy: &Policy<'_>) -> fmt::Result {
    commented(text, policy)?;
    writeln!(text, "[{}]", section(&policy.allowlist.unit))?;
    settings::write(text, policy, Place::DropIn)
}

/// The unit file with the filter's lines in place of those that it has, and all else as it was.
pub fn unit(allowlist: &Allowlist, options: &Options, file: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut policy = Policy::of(allowlist, options)?;
    let file = without_our_comments(file);
    let file = UnitFile::parse(&file);
    if let Some((line, fault)) = file.fault {
        return Err(Refusal::UnitFile(format!("line {line} {fault}, and systemd does not load such a unit")));
    }
    let section = section(&allowlist.unit);
    if !file.sections.iter().any(|there| there.name == section) {
        return Err(Refusal::UnitFile(format!(
            "it has no [{section}] section, so it is not the unit's own file"
        )));
    }
    let mut types =
        file.settings.iter().filter(|setting| setting.section == section && setting.key == "Type");
    if types.next_back().is_some_and(|setting| setting.value == "exec") {
        policy.let_in("write", Beside::TypeExec);
    }
    let mut block = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(block, "{BEGIN}");
    let _ = commented(&mut block, &policy);
    let _ = settings::write(&mut block, &policy, Place::Unit);
    let _ = writeln!(block, "{END}");
    Ok(file.replaced(section, &KEYS, &block))
}

fn commented(text: &mut String, policy: &Policy<'_>) -> fmt::Result {
    header(policy).iter().try_for_each(|line| comment(text, line))
}

/// The file without the comments that an earlier export has put there. Its settings go as all such do.
fn without_our_comments(file: &[u8]) -> Vec<u8> {
    let is = |line: &[u8], mark: &str| line.trim_ascii() == mark.as_bytes();
    let ends = file.split_inclusive(|byte| *byte == b'\n').filter(|line| is(line, END)).count();
    let begins = file.split_inclusive(|byte| *byte == b'\n').filter(|line| is(line, BEGIN)).count();
    if begins != ends {
        // Somebody has edited the marks: what is a comment of whom cannot be told any more.
        return file.to_vec();
    }
    let mut kept = Vec::with_capacity(file.len());
    let mut ours = false;
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let plain = line.trim_ascii();
        if is(line, BEGIN) {
            ours = true;
        }
        if !ours || !(plain.is_empty() || plain.starts_with(b"#")) {
            kept.extend(line);
        }
        if is(line, END) {
            ours = false;
        }
    }
    kept
}
