//! What of a machine depends on its architecture.

use std::process::Command;

use anyhow::Result;

use crate::{
    setup::{QEMU_AARCH64, QEMU_X86_64, Tool},
    target::Arch,
};

/// What QEMU emulates.
pub(super) struct Hardware {
    /// The program, and what else is needed only for this architecture.
    pub(super) tools: &'static [Tool],
    /// The board and the processor, in QEMU's words.
    pub(super) words: &'static [&'static str],
    /// The serial line, as the kernel calls it.
    pub(super) tty: &'static str,
}

impl Hardware {
    pub(super) fn of(arch: Arch) -> Self {
        match arch {
            Arch::X86_64 => Self { tools: QEMU_X86_64, words: &["-cpu", "max"], tty: "ttyS0" },
            // A processor that has the 32-bit ABI, and no pointer authentication, which is slow to emulate.
            Arch::Aarch64 => Self {
                tools: QEMU_AARCH64,
                words: &["-machine", "virt", "-cpu", "cortex-a72"],
                tty: "ttyAMA0",
            },
        }
    }

    /// QEMU's program for it.
    pub(super) fn qemu(&self) -> &'static str {
        self.tools[0].program()
    }
}

/// The C compiler for what calls its kernel by the 32-bit ABI, without a libc.
pub(super) fn cc32(arch: Arch) -> Result<Command> {
    Ok(match arch {
        Arch::X86_64 => {
            let mut cc = Command::new(arch.cc()?);
            cc.arg("-m32");
            cc
        }
        Arch::Aarch64 => Command::new(QEMU_AARCH64[1].program()),
    })
}
