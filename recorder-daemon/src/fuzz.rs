//! Fuzz targets, each beside what it is about, in a module `fuzz`. `cargo test` replays their corpora
//! (`__fuzz__/NAME/corpus`) and tries some inputs more; `cargo xtask fuzz` lets libFuzzer look for others.

/// How many inputs `cargo test` tries beside the corpus.
pub(crate) const INPUTS: usize = 1_000;

/// The largest input in bytes: with more a fuzzer learns nothing, and takes longer.
pub(crate) const LONGEST: usize = 4_096;

/// Whether a message is one line that no terminal can be steered by.
pub(crate) fn is_one_line(message: &str) -> bool {
    !message.is_empty() && message == crate::printable::printable(message)
}

/// A fuzz target by its name. Its body may be left early by `return`, for an input that says nothing.
macro_rules! target {
    ($name:literal, $body:expr) => {
        bolero::check!(name = $name)
            .with_iterations(crate::fuzz::INPUTS)
            .with_max_len(crate::fuzz::LONGEST)
            .for_each($body)
    };
    ($name:literal, $with_type:ident::<$type:ty>, $body:expr) => {
        bolero::check!(name = $name)
            .$with_type::<$type>()
            .with_iterations(crate::fuzz::INPUTS)
            .with_max_len(crate::fuzz::LONGEST)
            .for_each($body)
    };
}

pub(crate) use target;
