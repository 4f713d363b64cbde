//! The programs, by the hooks that they are attached to.

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, ProgramFd, ProgramType},
    sys::{BpfHelper, is_helper_supported},
};
use recorder_common::names;

use super::{Error, target};

/// In the order of attachment. Counting comes last: what it relies on is in place by then.
pub(super) const HOOKS: [&str; 6] = [
    names::SCHED_PROCESS_EXIT,
    names::SCHED_PROCESS_FORK,
    names::SCHED_PROCESS_EXEC,
    names::CGROUP_RMDIR,
    names::CGROUP_MKDIR,
    names::SYS_ENTER,
];

/// Which of two programs counts. They differ in how they read the task that makes a call, and in nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// By loads.
    Direct,
    /// By a helper call for each, which is dear: before Linux 5.11 a program gets no task that it could load from.
    Probing,
}

impl Counting {
    /// What counts best on this kernel. Asked of the kernel itself: distributions bring helpers to older ones.
    pub(super) fn here() -> Self {
        // Where it cannot be asked, the load says why. What raw tracepoints may call, those with types may.
        let helper = BpfHelper::BPF_FUNC_get_current_task_btf;
        match is_helper_supported(ProgramType::RawTracePoint, helper) {
            Ok(false) => Self::Probing,
            _ => Self::Direct,
        }
    }

    /// What the program on a hook is called.
    fn program(self, hook: &'static str) -> &'static str {
        if hook == names::SYS_ENTER && self == Self::Probing { names::SYS_ENTER_PROBING } else { hook }
    }
}

/// Loads a program for each hook.
pub(super) fn load_programs(ebpf: &mut Ebpf, counting: Counting) -> Result<(), Error> {
    tracing::debug!(?counting, "loading the kernel programs");
    let btf = Btf::from_sys_fs()
        .map_err(|error| Error::NoBtf { path: target::VMLINUX.into(), reason: error.to_string() })?;
    HOOKS.into_iter().try_for_each(|name| {
        hook(ebpf, name, counting)?.load(name, &btf).map_err(|error| Error::program(name, error))
    })
}

/// The programs that are loaded.
pub(super) fn programs(ebpf: &mut Ebpf, counting: Counting) -> Result<Vec<ProgramFd>, Error> {
    HOOKS.into_iter().map(|name| fd(hook(ebpf, name, counting)?)).collect()
}

pub(super) fn fd(program: &BtfTracePoint) -> Result<ProgramFd, Error> {
    let fd = program.fd().map_err(|error| Error::program("of the recorder", error))?;
    fd.try_clone().map_err(|source| Error::Read { path: "/proc/self/fd".into(), source })
}

/// The program for a hook.
pub(super) fn hook<'a>(
    ebpf: &'a mut Ebpf,
    name: &'static str,
    counting: Counting,
) -> Result<&'a mut BtfTracePoint, Error> {
    let program = counting.program(name);
    ebpf.program_mut(program)
        .ok_or(Error::Missing { name: program })?
        .try_into()
        .map_err(|error| Error::program(name, error))
}
