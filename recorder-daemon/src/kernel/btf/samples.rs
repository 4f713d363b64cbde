//! BTF files for tests.

use super::{MAGIC, STRUCT};

/// A file of these types, each given as its words, over these strings.
pub(super) fn file(types: &[u32], strings: &[u8]) -> Vec<u8> {
    let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let mut file = MAGIC.to_ne_bytes().to_vec();
    file.extend([1, 0]);
    for word in [24, 0, length(&types), length(&types), length(strings)] {
        file.extend(word.to_ne_bytes());
    }
    file.extend(types);
    file.extend(strings);
    file
}

/// A file of these structs, each of fields of eight bytes, one after the other.
pub(crate) fn sample(structs: &[(&str, &[&str])]) -> Vec<u8> {
    let mut strings = vec![0];
    let mut string = |text: &str| {
        let at = u32::try_from(strings.len()).unwrap();
        strings.extend(text.bytes().chain([0]));
        at
    };
    // The type of every field.
    let mut types = vec![string("u64"), 1 << 24, 8, 64];
    for (name, fields) in structs {
        let count = u32::try_from(fields.len()).unwrap();
        types.extend([string(name), STRUCT << 24 | count, 8 * count]);
        for (field, at) in fields.iter().zip(0..) {
            types.extend([string(field), 1, 64 * at]);
        }
    }
    file(&types, &strings)
}
