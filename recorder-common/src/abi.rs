/// The calling convention by which a system call came in. A syscall number means nothing without it.
///
/// The discriminants are part of the map layout: they are never reused, new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Abi {
    /// 64-bit x86.
    X86_64 = 0,
    /// 32-bit x86: a 32-bit program, or `int 0x80` from a 64-bit one.
    I386 = 1,
    /// 64-bit x86 with 32-bit pointers: bit 30 of the number is set. Numbers are kept without that bit.
    X32 = 2,
    /// 64-bit ARM.
    Aarch64 = 3,
    /// 32-bit ARM (EABI).
    Arm = 4,
    /// 64-bit RISC-V.
    Riscv64 = 5,
    /// 64-bit IBM Z.
    S390x = 6,
    /// 64-bit POWER, little endian.
    Ppc64le = 7,
}

impl Abi {
    /// Every ABI, in the order of the discriminants.
    pub const ALL: [Self; 8] = [
        Self::X86_64,
        Self::I386,
        Self::X32,
        Self::Aarch64,
        Self::Arm,
        Self::Riscv64,
        Self::S390x,
        Self::Ppc64le,
    ];

    /// The ABI whose discriminant is `raw`, as a map key holds it.
    #[must_use]
    pub fn from_raw(raw: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|abi| *abi as u32 == raw)
    }

    /// The name that files and messages use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::I386 => "i386",
            Self::X32 => "x32",
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Ppc64le => "ppc64le",
        }
    }

    /// The ABI that files and messages call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|abi| abi.name() == name)
    }
}

/// One system call: a number and the calling convention that gives it its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// How it came in.
    pub abi: Abi,
    /// The number, without x32's bit.
    pub number: u32,
}
