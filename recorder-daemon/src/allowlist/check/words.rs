//! Words of a setting's value, as systemd takes them out.

use crate::unit_file::is_white;

/// A word, and where in the value it begins; an error where the value ends in a backslash, by which systemd
/// loses that word and all else.
pub(super) type Word = Result<(usize, String), BadEnd>;

/// The value ends within a word that cannot end there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadEnd;

/// Whether quotes hold words together and go, or are bytes like others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Plain,
    Removed,
}

/// Words are apart by white space, by nothing else. A backslash takes what follows as it is.
pub(super) fn words(value: &str, quotes: Quotes) -> impl Iterator<Item = Word> {
    let mut rest = value.char_indices().peekable();
    let mut over = false;
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| is_white(*c)).is_some() {}
        let &(begins, _) = rest.peek().filter(|_| !over)?;
        let mut word = String::new();
        let mut quote = None;
        while let Some((_, c)) = rest.next_if(|(_, c)| quote.is_some() || !is_white(*c)) {
            match c {
                '\\' => {
                    let Some((_, c)) = rest.next() else {
                        over = true;
                        return Some(Err(BadEnd));
                    };
                    word.push(c);
                }
                _ if quote == Some(c) => quote = None,
                '"' | '\'' if quotes == Quotes::Removed && quote.is_none() => quote = Some(c),
                _ => word.push(c),
            }
        }
        over = quote.is_some();
        Some(if over { Err(BadEnd) } else { Ok((begins, word)) })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(value: &str, quotes: Quotes) -> Vec<Result<String, BadEnd>> {
        words(value, quotes).map(|word| word.map(|(_, word)| word)).collect()
    }

    #[test]
    fn white_space_and_nothing_else_is_between_words() {
        let cut = |value| all(value, Quotes::Plain).into_iter().collect::<Result<Vec<_>, _>>();
        assert_eq!(
            cut("  read\t write,close \r\nopen"),
            Ok(["read", "write,close", "open"].map(str::to_owned).into())
        );
        assert_eq!(cut(""), Ok(vec![]));
        assert_eq!(cut(r"re\ad \\ a\ b"), Ok(["read", "\\", "a b"].map(str::to_owned).into()));
        assert_eq!(cut("\"a b\""), Ok(["\"a", "b\""].map(str::to_owned).into()));
    }

    #[test]
    fn a_bad_end_is_the_last() {
        assert_eq!(all("a b\\", Quotes::Plain), [Ok("a".to_owned()), Err(BadEnd)]);
        assert_eq!(all("a 'b c", Quotes::Removed), [Ok("a".to_owned()), Err(BadEnd)]);
        assert_eq!(
            all("a 'b \"c'd \"\"", Quotes::Removed),
            [Ok("a".to_owned()), Ok("b \"cd".to_owned()), Ok(String::new())]
        );
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in any::<String>()) {
            for quotes in [Quotes::Plain, Quotes::Removed] {
                for word in words(&value, quotes).flatten() {
                    prop_assert!(value.is_char_boundary(word.0));
                }
            }
        }
    }
}
