//! Values, filters and conditions.

use std::sync::Arc;

use super::tokens::{Token, Tokens};
use super::{MAX_DEPTH, Parser};
use crate::ast::{Call, Chain, Comparison, Condition, Joint, Literal, Name, Operand, Path, Sense, Step, Test};
use crate::filters::{self, Filter};
use crate::place::Span;
use crate::problem::{Code, nearest};

/// Signs that compare.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<>", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterOrEqual),
];

impl Parser<'_> {
    /// A value and its filters, up to the end of the markup.
    pub(super) fn chain(&mut self, tokens: &mut Tokens<'_>) -> Option<Chain> {
        let start = tokens.here();
        let first = self.operand(tokens)?;
        let mut span = start.to(first.span());
        let mut calls = Vec::new();
        while tokens.takes("|") {
            let call = self.call(tokens)?;
            span = span.to(call.span);
            calls.push(call);
        }
        self.ends(tokens)?;
        Some(Chain { first, calls, span })
    }

    fn call(&mut self, tokens: &mut Tokens<'_>) -> Option<Call> {
        let Some((Token::Name(name), at)) = tokens.next() else {
            self.wrong(tokens.here(), "the name of a filter belongs after `|`");
            return None;
        };
        let mut span = at;
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        if tokens.takes(":") {
            loop {
                let mut ahead = tokens.clone();
                if let (Some((Token::Name(key), at)), true) = (ahead.next(), ahead.takes(":")) {
                    *tokens = ahead;
                    let value = self.operand(tokens)?;
                    span = span.to(value.span());
                    named.push((Name { text: key.into(), span: at }, value));
                } else {
                    let value = self.operand(tokens)?;
                    span = span.to(value.span());
                    arguments.push(value);
                }
                if !tokens.takes(",") {
                    break;
                }
            }
        }
        let Some(filter) = filters::named(name) else {
            self.error(
                at,
                Code::UnknownFilter,
                format!("there is no filter `{name}`"),
                nearest(name, filters::names()),
            );
            return None;
        };
        self.takes_arguments(filter, span, &arguments, &named).then_some(Call { filter, arguments, named, span })
    }

    /// Whether a filter is given what it takes.
    fn takes_arguments(
        &mut self,
        filter: &Filter,
        span: Span,
        arguments: &[Operand],
        named: &[(Name, Operand)],
    ) -> bool {
        let (least, most) = filter.arguments;
        if !(least..=most).contains(&arguments.len()) {
            let takes = match (least, most) {
                (0, 0) => "no argument".to_owned(),
                (1, 1) => "one argument".to_owned(),
                (least, most) if least == most => format!("{least} arguments"),
                (least, most) => format!("{least} to {most} arguments"),
            };
            let why = format!("`{}` takes {takes}, not {}", filter.name, arguments.len());
            self.error(span, Code::WrongArguments, why, None);
            return false;
        }
        let unknown = named.iter().find(|(name, _)| !filter.named.contains(&&*name.text));
        if let Some((name, _)) = unknown {
            let why = format!("`{}` has no argument named `{}`", filter.name, name.text);
            self.error(name.span, Code::WrongArguments, why, nearest(&name.text, filter.named.iter().copied()));
        }
        unknown.is_none()
    }

    /// A literal or a variable.
    pub(super) fn operand(&mut self, tokens: &mut Tokens<'_>) -> Option<Operand> {
        self.operand_within(tokens, 0)
    }

    fn operand_within(&mut self, tokens: &mut Tokens<'_>, depth: usize) -> Option<Operand> {
        let Some((token, span)) = tokens.next() else {
            self.wrong(tokens.here(), "a value is missing here: a name, a number or a text in quotes");
            return None;
        };
        let literal = match token {
            Token::Integer(integer) => Literal::Integer(integer),
            Token::Float(float) => Literal::Float(float),
            Token::Quoted(text) => Literal::Text(text.into()),
            Token::Name(name) => match name {
                "nil" | "null" => Literal::Nil,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                "empty" => Literal::Empty,
                "blank" => Literal::Blank,
                _ => return self.path(tokens, Name { text: name.into(), span }, depth).map(Operand::Variable),
            },
            Token::Wrong(why) => {
                self.wrong(span, why);
                return None;
            }
            Token::Sign(sign) => {
                self.wrong(span, format!("a value belongs here, not `{sign}`: a name, a number or a text in quotes"));
                return None;
            }
        };
        Some(Operand::Literal(literal, span))
    }

    fn path(&mut self, tokens: &mut Tokens<'_>, root: Name, depth: usize) -> Option<Path> {
        let mut span = root.span;
        let mut steps = Vec::new();
        loop {
            if steps.len() > MAX_DEPTH || depth > MAX_DEPTH {
                let why = format!("a variable goes at most {MAX_DEPTH} steps deep");
                self.error(span, Code::TooLarge, why, None);
                return None;
            }
            if tokens.takes(".") {
                match tokens.next() {
                    Some((Token::Name(key), at)) => {
                        steps.push(Step::Key(key.into()));
                        span = span.to(at);
                    }
                    _ => {
                        self.wrong(tokens.here(), "a name belongs after the point");
                        return None;
                    }
                }
            } else if tokens.takes("[") {
                let index = self.operand_within(tokens, depth + 1)?;
                span = span.to(tokens.here());
                if !tokens.takes("]") {
                    self.wrong(span, "a `]` is missing");
                    return None;
                }
                steps.push(match index {
                    Operand::Literal(Literal::Text(key), _) => Step::Key(key),
                    other => Step::Index(other),
                });
            } else {
                return Some(Path { root, steps, span });
            }
        }
    }

    /// What stands after `if`.
    pub(super) fn condition(&mut self, tokens: &mut Tokens<'_>, sense: Sense) -> Option<Condition> {
        let (mut tests, mut joints) = (vec![self.test(tokens)?], Vec::new());
        loop {
            if tokens.takes_name("and") {
                joints.push(Joint::And);
            } else if tokens.takes_name("or") {
                joints.push(Joint::Or);
            } else {
                self.ends(tokens)?;
                return Some(Condition { tests, joints, sense });
            }
            tests.push(self.test(tokens)?);
        }
    }

    fn test(&mut self, tokens: &mut Tokens<'_>) -> Option<Test> {
        let left = self.operand(tokens)?;
        let comparison = match tokens.peek() {
            Some((Token::Sign("="), span)) => {
                self.wrong(span, "`=` compares nothing; write `==`");
                return None;
            }
            Some((Token::Sign(sign), _)) => COMPARISONS.iter().find(|(known, _)| *known == sign).map(|found| found.1),
            Some((Token::Name("contains"), _)) => Some(Comparison::Contains),
            _ => None,
        };
        let Some(comparison) = comparison else { return Some(Test { left, against: None }) };
        tokens.next();
        let right = self.operand(tokens)?;
        Some(Test { left, against: Some((comparison, right)) })
    }

    /// Nothing may follow.
    pub(super) fn ends(&mut self, tokens: &mut Tokens<'_>) -> Option<()> {
        let Some((token, span)) = tokens.next() else { return Some(()) };
        let what = match token {
            Token::Name(name) => format!("`{name}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Wrong(why) => {
                self.wrong(span, why);
                return None;
            }
            Token::Integer(_) | Token::Float(_) => "a number".to_owned(),
            Token::Quoted(_) => "a text".to_owned(),
        };
        self.wrong(span, format!("{what} is not expected here; a filter begins with `|`"));
        None
    }

    /// A name that the template gives.
    pub(super) fn new_name(&mut self, tokens: &mut Tokens<'_>, tag: &str) -> Option<Name> {
        match tokens.next() {
            Some((Token::Name(name), span)) => Some(Name { text: Arc::from(name), span }),
            _ => {
                self.wrong(tokens.here(), format!("a name belongs after `{tag}`"));
                None
            }
        }
    }
}
