//! Number ↔ name.

use recorder_common::Abi;

use super::tables;

/// The kernel version that the tables are of: a call that is newer has no name here.
pub const KERNEL_VERSION: &str = tables::KERNEL_VERSION;

/// All that `abi` has, as number and name, by ascending number.
///
/// x32's numbers are without bit 30. Calls that kernels implement no more, and ARM's private ones, are there.
#[must_use]
pub const fn table(abi: Abi) -> &'static [(u32, &'static str)] {
    match abi {
        Abi::X86_64 => tables::x86_64::NAMES,
        Abi::I386 => tables::i386::NAMES,
        Abi::X32 => tables::x32::NAMES,
        Abi::Aarch64 => tables::aarch64::NAMES,
        Abi::Arm => tables::arm::NAMES,
        Abi::Riscv64 => tables::riscv64::NAMES,
        Abi::S390x => tables::s390x::NAMES,
        Abi::Ppc64le => tables::ppc64le::NAMES,
    }
}

/// The name of a number (x32: without bit 30), or `None` if the tables have none for it.
#[must_use]
pub fn name(abi: Abi, number: u32) -> Option<&'static str> {
    let table = table(abi);
    let at = table.binary_search_by_key(&number, |&(number, _)| number).ok()?;
    Some(table[at].1)
}

/// The number of a name (x32: without bit 30), or `None` if the ABI has no such call.
#[must_use]
pub fn number(abi: Abi, name: &str) -> Option<u32> {
    // A second table by name is not worth its space: this runs once for each line of a file.
    table(abi).iter().find(|entry| entry.1 == name).map(|entry| entry.0)
}

/// Whether any ABI has a call of this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    Abi::ALL.into_iter().any(|abi| number(abi, name).is_some())
}
