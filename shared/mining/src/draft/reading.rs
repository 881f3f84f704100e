//! Exemplars read as sentences, each with its role and its place on the page.

use std::ops::Range;

use super::outputs::{CUT, Outputs, is_stand_in, without_stand_ins};
use super::roles::{Role, greets, role};
use super::{Exemplar, Text};
use crate::mining::clean;
use crate::tokens::{Kind, Token, begins_sentence, normal, tokens};

/// Tokens of a greeting before the mark that ends it.
const GREETING_TOKENS: usize = 8;

/// Words of a name that signs.
const SIGNING_WORDS: usize = 3;

/// What stands before a sentence to make it an item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lead {
    None,
    /// Its number, and this mark after it.
    Number(String),
    /// Such a mark.
    Bullet(String),
}

/// A sentence of an exemplar.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub exemplar: usize,
    pub tokens: Range<usize>,
    pub role: Role,
    pub lead: Lead,
    /// Line breaks before it, at most 2.
    pub breaks: usize,
    /// Its number in the exemplar.
    pub number: usize,
    /// Where it begins in the exemplar: 0 to 1.
    pub place: f64,
    /// Whether it is what comes after a greeting in the same sentence.
    pub continues: bool,
    /// Whether it is the name of who signs.
    pub signs: bool,
}

/// An exemplar that was read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub text: String,
    pub tokens: Vec<Token>,
    pub sentences: Vec<Sentence>,
    /// Whether something is left out for a tag.
    pub is_cut: bool,
}

impl Read {
    /// Reads the exemplar of a number; `None` where it is a template that does not parse.
    pub fn of(number: usize, exemplar: &Exemplar, outputs: &mut Outputs) -> Option<Self> {
        let text = match &exemplar.text {
            Text::Reply(text) => without_stand_ins(text),
            Text::Template(source) => outputs.read(source)?,
        };
        let text = clean(&text);
        let tokens = tokens(&text);
        let mut read = Self { is_cut: text.contains(CUT), text, tokens, sentences: Vec::new() };
        read.sentences = read.split(number);
        Some(read)
    }

    fn of_token(&self, at: usize) -> &str {
        self.tokens[at].of(&self.text)
    }

    fn gap(&self, at: usize) -> &str {
        let from = at.checked_sub(1).map_or(0, |before| self.tokens[before].range().end);
        &self.text[from..self.tokens[at].range().start]
    }

    /// The words of some tokens, in lower case.
    fn words(&self, range: Range<usize>) -> Vec<String> {
        range.filter(|at| self.tokens[*at].is_word()).map(|at| normal(self.of_token(at))).collect()
    }

    fn says_something(&self, range: &Range<usize>) -> bool {
        range.clone().any(|at| self.tokens[at].is_word() || is_stand_in(self.of_token(at)))
    }

    fn split(&self, exemplar: usize) -> Vec<Sentence> {
        let mut sentences: Vec<Sentence> = Vec::new();
        let (mut lead, mut breaks) = (Lead::None, 0);
        let mut was_item = false;
        for (mut range, continues) in self.ranges() {
            let before = self.gap(range.start).matches('\n').count();
            breaks = breaks.max(before).min(2);
            if let Some(last) = sentences.last_mut().filter(|last| breaks == 0 && last.tokens.end == range.start) {
                let smiles = range.clone().take_while(|at| is_smile(self.of_token(*at))).count();
                range.start += smiles;
                last.tokens.end = range.start;
                if range.is_empty() {
                    continue;
                }
            }
            if !self.says_something(&range) {
                let marks: String = range.clone().map(|at| self.of_token(at)).collect();
                match sentences.last_mut() {
                    // What ends a sentence, such as a smile, is of it.
                    Some(last) if breaks == 0 && lead == Lead::None && !was_item => last.tokens.end = range.end,
                    _ => {
                        lead = lead_of(&marks);
                        was_item = lead != Lead::None;
                    }
                }
                continue;
            }
            let (own, start) = self.own_lead(&range);
            if own != Lead::None {
                lead = own;
            }
            was_item = false;
            let place = range.start as f64 / self.tokens.len() as f64;
            let words = self.words(start..range.end);
            let signs = sentences.last().is_some_and(|last| last.role == Role::Closing) && self.signs(start..range.end);
            let role = if signs { Role::Closing } else { role(&words, place, lead != Lead::None) };
            sentences.push(Sentence {
                exemplar,
                tokens: start..range.end,
                role,
                lead: std::mem::replace(&mut lead, Lead::None),
                breaks,
                number: sentences.len(),
                place,
                continues,
                signs,
            });
            breaks = 0;
        }
        sentences.retain(|sentence| !sentence.tokens.clone().any(|at| self.of_token(at).starts_with(CUT)));
        sentences
    }

    /// The sentences as ranges of tokens, a greeting apart from what follows it; and whether it does follow one.
    fn ranges(&self) -> Vec<(Range<usize>, bool)> {
        let mut ranges = Vec::new();
        let mut start = 0;
        for at in 1..=self.tokens.len() {
            if at < self.tokens.len() && !begins_sentence(&self.text, &self.tokens, at) {
                continue;
            }
            match self.greeting_end(start..at) {
                Some(end) => ranges.extend([(start..end, false), (end..at, true)]),
                None => ranges.push((start..at, false)),
            }
            start = at;
        }
        ranges
    }

    /// Where the greeting ends that a sentence begins with, if more follows.
    fn greeting_end(&self, sentence: Range<usize>) -> Option<usize> {
        let few = sentence.start..sentence.end.min(sentence.start + GREETING_TOKENS);
        let end = few.clone().skip(1).find(|at| matches!(self.of_token(*at), "," | "!" | "." | ":" | "-" | "–"))?;
        let words = self.words(sentence.start..end);
        let is_short = words.len() <= 4 && self.is_addressed(sentence.start..end);
        (greets(&words) && is_short && end + 1 < sentence.end).then_some(end + 1)
    }

    /// Whether a greeting names somebody, or is all there is: "hello, we" and "hi Anna, we", but not "hello and welcome".
    fn is_addressed(&self, greeting: Range<usize>) -> bool {
        greeting.clone().skip(1).all(|at| {
            let token = self.tokens[at];
            token.kind != Kind::Word
                || self.of_token(at).starts_with(char::is_uppercase)
                || matches!(self.of_token(at), "there" | "again" | "all" | "team")
        })
    }

    /// Whether tokens are a line of few words, all written like names.
    fn signs(&self, range: Range<usize>) -> bool {
        let begins_line = self.gap(range.start).contains('\n');
        let is_name = |at: usize| {
            let word = self.of_token(at);
            is_stand_in(word) || self.tokens[at].placeholder().is_some() || word.starts_with(char::is_uppercase)
        };
        begins_line && range.len() <= SIGNING_WORDS && range.into_iter().all(is_name)
    }

    /// The mark of a list that a sentence begins with, and where its words begin.
    fn own_lead(&self, range: &Range<usize>) -> (Lead, usize) {
        let begins_line = range.start == 0 || self.gap(range.start).contains('\n');
        if !begins_line {
            return (Lead::None, range.start);
        }
        let marks = range.clone().take_while(|at| {
            self.tokens[*at].kind == Kind::Mark && !is_stand_in(self.of_token(*at)) && *at < range.start + 2
        });
        let end = range.start + marks.count();
        (range.start + 1..=end)
            .rev()
            .map(|end| (lead_of(&(range.start..end).map(|at| self.of_token(at)).collect::<String>()), end))
            .find(|(lead, end)| *lead != Lead::None && *end < range.end && !self.gap(*end).is_empty())
            .unwrap_or((Lead::None, range.start))
    }
}

/// Whether a mark is a picture: it belongs to what stands before.
fn is_smile(mark: &str) -> bool {
    mark.chars().all(|char| matches!(char, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}'))
}

/// What marks at the beginning of a line make of it.
fn lead_of(marks: &str) -> Lead {
    let after_number = marks.trim_start_matches(|char: char| char.is_ascii_digit());
    if after_number.len() < marks.len() && matches!(after_number, "." | ")") {
        return Lead::Number(after_number.to_owned());
    }
    if matches!(marks, "-" | "*" | "•" | "–" | "—" | "·") { Lead::Bullet(marks.to_owned()) } else { Lead::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Read {
        let exemplar =
            Exemplar { id: "a".to_owned(), text: Text::Reply(text.to_owned()), language: None, closeness: 1.0 };
        Read::of(0, &exemplar, &mut Outputs::default()).unwrap()
    }

    #[test]
    fn a_reply_is_split_into_what_its_sentences_do() {
        let read = read(
            "Hi Anna, we are sorry for that! 😊 Please do this:\n\n1. Log in. Then wait.\n2) Press Pay\n- or call us\n\nBest regards,\nTom",
        );
        let told: Vec<(&str, Role, &Lead, usize)> = read
            .sentences
            .iter()
            .map(|sentence| {
                let bytes =
                    read.tokens[sentence.tokens.start].range().start..read.tokens[sentence.tokens.end - 1].range().end;
                (&read.text[bytes], sentence.role, &sentence.lead, sentence.breaks)
            })
            .collect();
        let number = |mark: &str| Lead::Number(mark.to_owned());
        assert_eq!(
            told,
            [
                ("Hi Anna,", Role::Greeting, &Lead::None, 0),
                ("we are sorry for that! 😊", Role::Acknowledgement, &Lead::None, 0),
                ("Please do this:", Role::NextStep, &Lead::None, 0),
                ("Log in.", Role::NextStep, &number("."), 2),
                ("Then wait.", Role::Body, &Lead::None, 0),
                ("Press Pay", Role::NextStep, &number(")"), 1),
                ("or call us", Role::NextStep, &Lead::Bullet("-".to_owned()), 1),
                ("Best regards,", Role::Closing, &Lead::None, 2),
                ("Tom", Role::Closing, &Lead::None, 1),
            ]
        );
        assert!(read.sentences[1].continues && read.sentences[8].signs && !read.sentences[7].signs);
    }
}
