//! Finds a field in the kernel's type information (BTF).
//!
//! Only what that takes: the kinds of types are told apart to step over them, and structs and unions are
//! looked into. Layout: Documentation/bpf/btf.rst in the kernel's source.

use std::collections::HashMap;

/// Why the type information cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum BtfError {
    /// It does not begin as BTF does.
    #[error("it is no BTF of this machine's byte order")]
    Magic,
    /// It ends too early.
    #[error("it ends in the middle")]
    Truncated,
    /// A kind that this version does not know the length of.
    #[error("it holds types of kind {0}, which this version does not know")]
    Kind(u32),
}

/// Type information, indexed.
pub(super) struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins in `types`; the first is type 1.
    begins: Vec<usize>,
    /// The structs by name.
    structs: HashMap<&'a [u8], usize>,
}

/// A struct or union: where its members begin in `types`, and how many they are.
#[derive(Clone, Copy)]
struct Aggregate {
    members: usize,
    count: usize,
    /// Whether member offsets carry a bit field's width in their top byte.
    bit_fields: bool,
}

const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
/// name, info, size or type: what every type begins with.
const TYPE: usize = 12;
/// name, type, offset.
const MEMBER: usize = 12;
/// An anonymous struct in an anonymous struct in …: far deeper than any kernel's.
const DEPTH: u32 = 16;

impl<'a> Btf<'a> {
    /// Indexes a BTF file.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, BtfError> {
        if file.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err(BtfError::Magic);
        }
        // magic 2, version 1, flags 1; then header length, and offset and length of types and strings.
        let word = |at| word(file, at).ok_or(BtfError::Truncated);
        let header = word(4)?;
        let section = |offset: usize, length: usize| {
            let begin = header.checked_add(offset)?;
            file.get(begin..begin.checked_add(length)?)
        };
        let types = section(word(8)?, word(12)?).ok_or(BtfError::Truncated)?;
        let strings = section(word(16)?, word(20)?).ok_or(BtfError::Truncated)?;
        let mut btf = Self { types, strings, begins: Vec::new(), structs: HashMap::new() };
        btf.index()?;
        Ok(btf)
    }

    fn index(&mut self) -> Result<(), BtfError> {
        let mut at = 0;
        while at < self.types.len() {
            let info = word(self.types, at + 4).ok_or(BtfError::Truncated)?;
            let kind = kind(info);
            if kind == STRUCT
                && let Some(name) = self.name(at)
            {
                // Several structs of one name are all one to C; the first is vmlinux's own.
                self.structs.entry(name).or_insert(at);
            }
            self.begins.push(at);
            at += TYPE + tail(kind, parts(info))?;
        }
        if at == self.types.len() { Ok(()) } else { Err(BtfError::Truncated) }
    }

    /// The offset of a field in bytes, anonymous structs and unions looked through.
    pub(super) fn offset(&self, structure: &str, field: &str) -> Option<u32> {
        let at = *self.structs.get(structure.as_bytes())?;
        let bits = self.member(self.aggregate(at)?, field.as_bytes(), DEPTH)?;
        u32::try_from(bits / 8).ok()
    }

    fn member(&self, aggregate: Aggregate, field: &[u8], depth: u32) -> Option<usize> {
        let mut members = (0..aggregate.count).map(|index| aggregate.members + index * MEMBER);
        members.find_map(|at| {
            let offset = word(self.types, at + 8)?;
            let bits = if aggregate.bit_fields { offset & 0x00ff_ffff } else { offset };
            match self.name(at)? {
                name if name == field => Some(bits),
                b"" if depth > 0 => {
                    let inner = *self.begins.get(word(self.types, at + 4)?.checked_sub(1)?)?;
                    Some(bits + self.member(self.aggregate(inner)?, field, depth - 1)?)
                }
                _ => None,
            }
        })
    }

    /// The struct or union that begins at `at`; None if it is another kind of type.
    fn aggregate(&self, at: usize) -> Option<Aggregate> {
        let info = word(self.types, at + 4)?;
        let is_one = matches!(kind(info), STRUCT | UNION);
        is_one.then_some(Aggregate { members: at + TYPE, count: parts(info), bit_fields: info >> 31 == 1 })
    }

    /// The name of the type or member that begins at `at`; types and members both begin with it.
    fn name(&self, at: usize) -> Option<&'a [u8]> {
        let begin = self.strings.get(word(self.types, at)?..)?;
        begin.split(|byte| *byte == 0).next()
    }
}

/// Bits 24 to 30 of a type's second word. Before Linux 7.2 it was five bits, and the rest zero.
#[expect(clippy::cast_possible_truncation, reason = "seven bits")]
fn kind(info: usize) -> u32 {
    (info >> 24 & 0x7f) as u32
}

/// How many parts a type has: bits 0 to 23 of its second word. Before Linux 7.2 it was 16 bits, and the rest
/// zero.
fn parts(info: usize) -> usize {
    info & 0x00ff_ffff
}

/// How many bytes follow a type's first three words. `count` is the number of its parts.
fn tail(kind: u32, count: usize) -> Result<usize, BtfError> {
    Ok(match kind {
        // pointer, forward, typedef, volatile, const, restrict, function, float, type tag
        2 | 7..=12 | 16 | 18 => 0,
        // integer, variable, declaration tag
        1 | 14 | 17 => 4,
        // array
        3 => 12,
        // struct, union, data section, 64-bit enum
        STRUCT | UNION | 15 | 19 => 12 * count,
        // enum, function prototype
        6 | 13 => 8 * count,
        other => return Err(BtfError::Kind(other)),
    })
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_ne_bytes(word)).ok()
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod samples;
#[cfg(test)]
pub(super) use samples::sample;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{samples::file, *};

    const STRINGS: &[u8] = b"\0task\0mm\0flags\0";
    const TASK: u32 = 1;
    const MM: u32 = 6;
    const FLAGS: u32 = 9;

    /// An integer, an anonymous union with `mm` at bit 64, and `struct task` with it at bit 128.
    fn sample() -> Vec<u8> {
        let integer = [0, 1 << 24, 8, 64];
        let union = [0, UNION << 24 | 1, 16, MM, 1, 64];
        let task = [TASK, STRUCT << 24 | 2, 32, FLAGS, 1, 0, 0, 2, 128];
        file(&[&integer[..], &union, &task].concat(), STRINGS)
    }

    #[test]
    fn fields_are_found_through_anonymous_members() {
        let file = sample();
        let btf = Btf::parse(&file).unwrap();
        assert_eq!(btf.offset("task", "flags"), Some(0));
        assert_eq!(btf.offset("task", "mm"), Some(24));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let file = sample();
        let btf = Btf::parse(&file).unwrap();
        assert_eq!(btf.offset("task", "comm"), None);
        assert_eq!(btf.offset("mm", "flags"), None);
    }

    #[test]
    fn a_file_that_is_no_btf_says_why() {
        assert_eq!(Btf::parse(b"\x7fELF").err(), Some(BtfError::Magic));
        assert_eq!(Btf::parse(&sample()[..60]).err(), Some(BtfError::Truncated));
        assert_eq!(Btf::parse(&file(&[0, 31 << 24, 0], STRINGS)).err(), Some(BtfError::Kind(31)));
        assert_eq!(Btf::parse(&file(&[0, STRUCT << 24 | 9, 0], STRINGS)).err(), Some(BtfError::Truncated));
    }

    #[test]
    fn a_struct_that_holds_itself_ends() {
        let file = file(&[TASK, STRUCT << 24 | 1, 8, 0, 1, 0], STRINGS);
        assert_eq!(Btf::parse(&file).unwrap().offset("task", "mm"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(change in prop::collection::vec((0_usize..150, any::<u8>()), 0..8)) {
            let mut file = sample();
            for (at, byte) in change {
                if let Some(place) = file.get_mut(at) {
                    *place = byte;
                }
            }
            if let Ok(btf) = Btf::parse(&file) {
                let _ = btf.offset("task", "mm");
            }
        }
    }
}
