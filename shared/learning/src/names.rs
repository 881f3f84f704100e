//! What an intent's name says.
//!
//! People name intents by what customers want: `order_status`, `Refund not showing up`. Said as words, a name is one more
//! example of its intent, and with few rows a good one: on splits of Banking77's training rows with ten an intent it is
//! worth half a point of accuracy; with a hundred an intent it is worth nothing. A name teaches; it is no row, so nothing
//! is measured on it, counted with it or remembered by it.

/// The longest name that is taken for words, in characters.
const MAX_CHARACTERS: usize = 100;
/// Letters that a name must have; fewer are a code.
const MIN_LETTERS: usize = 3;

/// The words of a name; `None` where it is a code such as `A17`.
#[must_use]
pub fn words(name: &str) -> Option<String> {
    if name.chars().count() > MAX_CHARACTERS {
        return None;
    }
    let mut words = String::with_capacity(name.len() + 8);
    let mut was_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() {
            words.push(' ');
        } else {
            if character.is_uppercase() && was_lower {
                words.push(' ');
            }
            words.push(character);
        }
        was_lower = character.is_lowercase();
    }
    let letters = words.chars().filter(|character| character.is_alphabetic()).count();
    let others = words.chars().filter(|character| character.is_numeric()).count();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (letters >= MIN_LETTERS && letters > others).then_some(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_in_every_fashion_are_the_same_words() {
        for name in ["order_status", "order-status", "order.status", " order  status ", "order/status?"] {
            assert_eq!(words(name).as_deref(), Some("order status"), "{name:?}");
        }
        assert_eq!(words("orderStatus").as_deref(), Some("order Status"));
        assert_eq!(words("статус_заказа").as_deref(), Some("статус заказа"));
    }

    #[test]
    fn codes_are_no_words() {
        for code in ["", "17", "A17", "x", "c_0042", "___", &"long".repeat(26)] {
            assert_eq!(words(code), None, "{code:?}");
        }
    }

    proptest! {
        #[test]
        fn words_have_single_spaces_between_them(name in ".{0,120}") {
            if let Some(words) = words(&name) {
                prop_assert!(!words.contains("  ") && words.trim() == words && !words.is_empty());
            }
        }
    }
}
