//! For container runtimes: the `seccomp` object of the OCI runtime specification, which Docker, Podman and
//! containerd take as a profile, and which Kubernetes' security-profiles-operator has in its `SeccompProfile`.

use std::collections::BTreeSet;

use recorder_common::Abi;
use serde::Serialize;

use super::{
    options::{Options, Refusal, Stage},
    policy::Policy,
    words::{beside, header, join, stage},
};
use crate::allowlist::Allowlist;

/// The object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seccomp<'a> {
    pub(super) default_action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_errno_ret: Option<u32>,
    pub(super) architectures: Vec<&'static str>,
    pub(super) syscalls: Vec<Rule<'a>>,
}

/// Calls that are let in together.
#[derive(Serialize)]
pub(super) struct Rule<'a> {
    pub(super) names: BTreeSet<&'a str>,
    action: &'static str,
    /// Docker and Podman have it in their own profiles; the specification does not, and runtimes ignore it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
}

/// The profile as JSON.
pub fn oci(allowlist: &Allowlist, options: &Options) -> Result<String, Refusal> {
    let policy = Policy::of(allowlist, options)?;
    Ok(json(&seccomp(&policy)))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings and numbers always have a JSON form") + "\n"
}

pub(super) fn seccomp<'a>(policy: &'a Policy<'_>) -> Seccomp<'a> {
    let rule = |comment, names| Rule { names, action: "SCMP_ACT_ALLOW", comment };
    let sentence = |line: String| line.trim_end_matches('.').to_owned() + ".";
    let words = header(policy).into_iter().chain([stage(policy.options.stage)]).map(sentence);
    let seen = rule(join(" ", words), policy.names.clone());
    let beside = beside(policy).into_iter().map(|(reason, names)| rule(reason, names));
    let (default_action, default_errno_ret) = match policy.options.stage {
        Stage::Log => ("SCMP_ACT_LOG", None),
        Stage::Errno(error) => ("SCMP_ACT_ERRNO", Some(error.number())),
        Stage::Kill => ("SCMP_ACT_KILL_PROCESS", None),
    };
    Seccomp {
        default_action,
        default_errno_ret,
        architectures: architectures(policy),
        syscalls: std::iter::once(seen).chain(beside).collect(),
    }
}

/// The ABIs that are open; a call by any other ends the process, whatever the default action. A stage that
/// denies nothing must leave open what the machine has.
fn architectures(policy: &Policy<'_>) -> Vec<&'static str> {
    let mut abis = policy.abis();
    if !policy.denies() {
        for native in abis.clone() {
            let foreign: &[Abi] = match native {
                Abi::X86_64 => &[Abi::I386, Abi::X32],
                Abi::Aarch64 => &[Abi::Arm],
                _ => &[],
            };
            abis.extend(foreign.iter().filter(|abi| !policy.allowlist.allow.contains_key(abi)));
        }
    }
    abis.iter().map(|abi| architecture(*abi)).collect()
}

/// What libseccomp calls the ABI.
fn architecture(abi: Abi) -> &'static str {
    match abi {
        Abi::X86_64 => "SCMP_ARCH_X86_64",
        Abi::I386 => "SCMP_ARCH_X86",
        Abi::X32 => "SCMP_ARCH_X32",
        Abi::Aarch64 => "SCMP_ARCH_AARCH64",
        Abi::Arm => "SCMP_ARCH_ARM",
        Abi::Riscv64 => "SCMP_ARCH_RISCV64",
        Abi::S390x => "SCMP_ARCH_S390X",
        Abi::Ppc64le => "SCMP_ARCH_PPC64LE",
    }
}
