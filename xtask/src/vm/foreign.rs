//! Lets this machine run the programs of another architecture, while a disk with them is made.

use std::path::Path;

use anyhow::Result;

use crate::{
    setup,
    shell::{as_root, run},
    target::Arch,
};

/// Where the kernel is told who runs which programs.
const HANDLERS: &str = "/proc/sys/fs/binfmt_misc";

/// Has QEMU run them, wherever the kernel meets one. It stays so until the next boot.
pub(super) fn prepare(arch: Arch) -> Result<()> {
    if arch == Arch::host()? {
        return Ok(());
    }
    setup::tools(setup::FOREIGN)?;
    let handlers = Path::new(HANDLERS);
    if !handlers.join("register").exists() {
        run(as_root("mount").args(["-t", "binfmt_misc", "none"]).arg(handlers))?;
    }
    let handler = format!("qemu-{}", arch.name());
    if !handlers.join(&handler).exists() {
        run(as_root("update-binfmts").args(["--enable", &handler]))?;
    }
    Ok(())
}
