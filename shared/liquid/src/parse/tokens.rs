//! The words and signs of a markup.

use crate::place::Span;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'source> {
    Name(&'source str),
    Integer(i64),
    Float(f64),
    Quoted(&'source str),
    /// A sign: `|`, `:`, `==` and so on.
    Sign(&'static str),
    /// What is none of these, and why.
    Wrong(&'static str),
}

/// Longer signs first.
const SIGNS: [&str; 17] = ["==", "!=", "<>", "<=", ">=", "..", "<", ">", "=", "|", ":", ",", ".", "[", "]", "(", ")"];

/// Takes the tokens of a markup one by one.
#[derive(Clone)]
pub(super) struct Tokens<'source> {
    source: &'source str,
    at: usize,
    end: usize,
    peeked: Option<(Token<'source>, Span)>,
}

impl<'source> Tokens<'source> {
    pub(super) fn of(source: &'source str, markup: Span) -> Self {
        Self { source, at: markup.start, end: markup.end, peeked: None }
    }

    /// The token that comes next, left where it is.
    pub(super) fn peek(&mut self) -> Option<(Token<'source>, Span)> {
        if self.peeked.is_none() {
            self.peeked = self.read();
        }
        self.peeked
    }

    pub(super) fn next(&mut self) -> Option<(Token<'source>, Span)> {
        self.peek()?;
        self.peeked.take()
    }

    /// Takes the sign, if it is the next token.
    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Some((Token::Sign(next), _)) if next == sign);
        if is_next {
            self.next();
        }
        is_next
    }

    /// Takes the name, if it is the next token.
    pub(super) fn takes_name(&mut self, name: &str) -> bool {
        let is_next = matches!(self.peek(), Some((Token::Name(next), _)) if next == name);
        if is_next {
            self.next();
        }
        is_next
    }

    /// Where the next token is, or the end.
    pub(super) fn here(&mut self) -> Span {
        self.peek().map_or(Span::new(self.end, self.end), |(_, span)| span)
    }

    fn read(&mut self) -> Option<(Token<'source>, Span)> {
        let text = &self.source[self.at..self.end];
        let start = self.at + (text.len() - text.trim_start().len());
        let text = &self.source[start..self.end];
        let first = text.chars().next()?;
        let (token, length) = match first {
            '"' | '\'' => match text[1..].find(first) {
                Some(length) => (Token::Quoted(&text[1..=length]), length + 2),
                None => (Token::Wrong("a quoted text is never closed: a quote is missing"), text.len()),
            },
            _ if first.is_ascii_digit() || (matches!(first, '-' | '+') && text[1..].starts_with(is_digit)) => {
                number(text)
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let mut length = text.find(|char: char| !is_of_name(char)).unwrap_or(text.len());
                // `order.is_late?` is a name in some help desks.
                length += usize::from(text[length..].starts_with('?'));
                (Token::Name(&text[..length]), length)
            }
            _ => match SIGNS.iter().find(|sign| text.starts_with(*sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => (Token::Wrong("a sign stands here that means nothing"), first.len_utf8()),
            },
        };
        self.at = start + length;
        Some((token, Span::new(start, self.at)))
    }
}

const TOO_LARGE: &str = "a number this large cannot be held; write it as a text, in quotes";

fn is_digit(char: char) -> bool {
    char.is_ascii_digit()
}

/// Letters of every script: `{{ клиент.имя }}` is a variable too.
fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-')
}

fn number(text: &str) -> (Token<'_>, usize) {
    let sign = usize::from(!text.starts_with(is_digit));
    let digits = |from: usize| from + text[from..].find(|char| !is_digit(char)).unwrap_or(text[from..].len());
    let whole = digits(sign);
    // `(1..5)` is a range, and `1.` no number.
    if text[whole..].starts_with('.') && text[whole + 1..].starts_with(is_digit) {
        let end = digits(whole + 1);
        let float = text[..end].parse().ok().filter(|float: &f64| float.is_finite());
        return (float.map_or(Token::Wrong(TOO_LARGE), Token::Float), end);
    }
    (text[..whole].parse().map_or(Token::Wrong(TOO_LARGE), Token::Integer), whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Vec<Token<'_>> {
        let mut tokens = Tokens::of(source, Span::new(0, source.len()));
        std::iter::from_fn(|| tokens.next()).map(|(token, _)| token).collect()
    }

    #[test]
    fn a_markup_has_names_numbers_texts_and_signs() {
        use Token::{Float, Integer, Name, Quoted, Sign};
        assert_eq!(
            tokens("order.total-eur | plus: -1.5, 'a b'"),
            [
                Name("order"),
                Sign("."),
                Name("total-eur"),
                Sign("|"),
                Name("plus"),
                Sign(":"),
                Float(-1.5),
                Sign(","),
                Quoted("a b")
            ]
        );
        assert_eq!(tokens("(1..имя)"), [Sign("("), Integer(1), Sign(".."), Name("имя"), Sign(")")]);
        assert_eq!(tokens("a<>b"), [Name("a"), Sign("<>"), Name("b")]);
        assert!(matches!(tokens("'open")[..], [Token::Wrong(_)]));
        assert!(matches!(tokens("99999999999999999999")[..], [Token::Wrong(_)]));
    }
}
