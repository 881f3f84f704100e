//! Phrases that are looked for word by word.

use std::collections::HashMap;

/// Phrases and what each stands for. Finding one takes time in the length of the phrases that begin with a word,
/// whatever the size of the lexicon.
#[derive(Debug)]
pub(crate) struct Lexicon<Meaning> {
    /// By their first words; longer ones first.
    phrases: HashMap<String, Vec<(Vec<String>, Meaning)>>,
}

impl<Meaning> Lexicon<Meaning> {
    pub(crate) fn of<'phrase>(phrases: impl IntoIterator<Item = (&'phrase str, Meaning)>) -> Self {
        let mut lexicon: HashMap<String, Vec<(Vec<String>, Meaning)>> = HashMap::new();
        for (phrase, meaning) in phrases {
            let words: Vec<String> =
                crate::words::tokens(phrase).iter().map(|token| normal(token.of(phrase))).collect();
            let Some(first) = words.first() else { continue };
            lexicon.entry(first.clone()).or_default().push((words, meaning));
        }
        lexicon.values_mut().for_each(|phrases| phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len())));
        Self { phrases: lexicon }
    }

    /// The longest phrase that begins with a word, and how many words of the text it takes. A comma of the phrase may
    /// be missing in the text.
    pub(crate) fn at(&self, words: &[String], at: usize) -> Option<(&Meaning, usize)> {
        let phrases = self.phrases.get(words.get(at)?)?;
        phrases.iter().find_map(|(phrase, meaning)| fits(phrase, &words[at..]).map(|length| (meaning, length)))
    }

    /// Everything that is found in a text, from left to right, without overlaps: the word, how many words, the meaning.
    pub(crate) fn all<'lexicon>(
        &'lexicon self,
        words: &'lexicon [String],
    ) -> impl Iterator<Item = (usize, usize, &'lexicon Meaning)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            while at < words.len() {
                let here = at;
                if let Some((meaning, length)) = self.at(words, here) {
                    at += length;
                    return Some((here, length, meaning));
                }
                at += 1;
            }
            None
        })
    }
}

/// How many words of a text a phrase takes, if they begin with it.
fn fits(phrase: &[String], words: &[String]) -> Option<usize> {
    let mut length = 0;
    for word in phrase {
        if words.get(length) == Some(word) {
            length += 1;
        } else if word != "," {
            return None;
        }
    }
    Some(length)
}

/// A word as it is compared: without its case, with one kind of apostrophe and of hyphen, with `е` for `ё`.
pub(crate) fn normal(word: &str) -> String {
    let char = |char: char| match char {
        '’' | 'ʼ' => '\'',
        '‑' => '-',
        'ё' | 'Ё' => 'е',
        other => other,
    };
    word.chars().map(char).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_phrase_wins_and_a_comma_may_be_missing() {
        let lexicon = Lexicon::of([("in order", 1), ("in order to", 2), ("sadly, we", 3), ("don't", 4)]);
        let found = |text: &str| {
            let words: Vec<String> = crate::words::tokens(text).iter().map(|token| normal(token.of(text))).collect();
            lexicon.all(&words).map(|(at, length, meaning)| (at, length, *meaning)).collect::<Vec<_>>()
        };
        assert_eq!(found("In order TO see, in order"), [(0, 3, 2), (5, 2, 1)]);
        assert_eq!(found("Sadly we; sadly, we don’t"), [(0, 2, 3), (3, 3, 3), (6, 1, 4)]);
        assert_eq!(found("in orders"), []);
    }
}
