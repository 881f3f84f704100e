//! A template read into its tree, or everything that is wrong with it.
//!
//! A person who writes a template wants to see all mistakes at once, so the parser goes on after each: markup that is wrong
//! is left out, and blocks are closed where they must have been meant to end.

mod expression;
mod markup;
mod tokens;

use std::sync::Arc;

use self::markup::{Piece, Pieces};
use self::tokens::{Token, Tokens};
use crate::ast::{Arm, Block, Branch, For, Name, Node, Operand, Order, Otherwise, Over, Sense, Template};
use crate::place::{Place, Span};
use crate::problem::{Code, Problem, nearest};

/// Bytes of a template.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;
/// Blocks inside blocks, and steps into a variable.
pub const MAX_DEPTH: usize = 16;
/// Problems that are told at once.
pub const MAX_PROBLEMS: usize = 50;

/// Tags that begin something.
const TAGS: [&str; 11] =
    ["if", "unless", "case", "for", "assign", "capture", "comment", "raw", "break", "continue", "#"];
/// Tags of the language that templates of answers do without, and why.
const LEFT_OUT: [&str; 9] =
    ["include", "render", "layout", "section", "cycle", "increment", "decrement", "tablerow", "liquid"];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the source, at most [`MAX_PROBLEMS`].
    pub fn parse(source: &str) -> Result<Self, Vec<Problem>> {
        if source.len() > MAX_SOURCE_BYTES {
            let why = format!("the template has {} bytes, more than the {MAX_SOURCE_BYTES} allowed", source.len());
            return Err(vec![Problem::error(source, Span::default(), Code::TooLarge, why)]);
        }
        let mut parser =
            Parser { source, pieces: Pieces::of(source), open: Vec::new(), back: None, problems: Vec::new() };
        let mut body = Block::new();
        while let Some(end) = parser.block(&mut body) {
            parser.closes_nothing(&end);
        }
        if parser.problems.is_empty() {
            return Ok(Self { source: source.into(), body: Arc::new(body) });
        }
        parser.problems.sort_by_key(|problem| problem.span);
        Err(parser.problems)
    }
}

/// A tag that ends a block or the part of one.
struct End<'source> {
    name: &'source str,
    tokens: Tokens<'source>,
    span: Span,
}

struct Parser<'source> {
    source: &'source str,
    pieces: Pieces<'source>,
    /// The blocks that are open, and where they were opened.
    open: Vec<(&'static str, Span)>,
    /// A tag that was given back: it ends a block further out.
    back: Option<End<'source>>,
    problems: Vec<Problem>,
}

impl<'source> Parser<'source> {
    fn error(&mut self, span: Span, code: Code, message: impl Into<String>, meant: Option<&str>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem::error(self.source, span, code, message).meant(meant));
        }
    }

    fn wrong(&mut self, span: Span, message: impl Into<String>) {
        self.error(span, Code::Syntax, message, None);
    }

    /// Reads into a block until a tag that ends it or a part of it; `None` at the end of the template.
    fn block(&mut self, block: &mut Block) -> Option<End<'source>> {
        loop {
            if let Some(end) = self.back.take() {
                return Some(end);
            }
            match self.pieces.next()? {
                Piece::Text(span) if span.start == span.end => {}
                Piece::Text(span) => block.push(Node::Text(span)),
                Piece::Output { inside, whole } => {
                    let mut tokens = Tokens::of(self.source, inside);
                    if tokens.peek().is_none() {
                        self.wrong(whole, "`{{ }}` is empty; write the name of a variable into it");
                    } else if let Some(chain) = self.chain(&mut tokens) {
                        block.push(Node::Output(chain));
                    }
                }
                Piece::Tag { inside, whole } => {
                    let mut tokens = Tokens::of(self.source, inside);
                    match tokens.next() {
                        Some((Token::Name(name), span)) if ends_something(name) => {
                            return Some(End { name, tokens, span });
                        }
                        Some((Token::Name(name), span)) => {
                            let node = self.tag(name, span, tokens);
                            block.extend(node);
                        }
                        _ if inside.of(self.source).trim_start().starts_with('#') => {}
                        _ => self.wrong(whole, "the name of a tag belongs after `{%`"),
                    }
                }
                Piece::Unclosed(span) => {
                    let (opened, closing) = if span.of(self.source) == "{{" { ("{{", "}}") } else { ("{%", "%}") };
                    let why = format!(
                        "`{opened}` is never closed by `{closing}`; to show it as it is, write it between `{{% raw %}}` and `{{% endraw %}}`"
                    );
                    self.error(span, Code::UnclosedBlock, why, None);
                }
            }
        }
    }

    fn tag(&mut self, name: &str, span: Span, mut tokens: Tokens<'source>) -> Option<Node> {
        match name {
            "if" => self.choice("if", Sense::AsIs, span, tokens),
            "unless" => self.choice("unless", Sense::Negated, span, tokens),
            "case" => self.case(span, tokens),
            "for" => self.for_loop(span, tokens),
            "assign" => {
                let name = self.new_name(&mut tokens, "assign")?;
                if !tokens.takes("=") {
                    self.wrong(tokens.here(), "`=` and a value belong after the name");
                    return None;
                }
                Some(Node::Assign { name, value: self.chain(&mut tokens)? })
            }
            "capture" => {
                let name = self.new_name(&mut tokens, "capture");
                let mut body = Block::new();
                self.whole("capture", span, &mut body);
                Some(Node::Capture { name: name?, body })
            }
            "comment" | "raw" => {
                let end = if name == "raw" { "endraw" } else { "endcomment" };
                match self.pieces.up_to(end) {
                    Some(words) if name == "raw" && words.start < words.end => return Some(Node::Text(words)),
                    Some(_) => {}
                    None => self.error(span, Code::UnclosedBlock, format!("`{name}` is never closed by `{end}`"), None),
                }
                None
            }
            "break" | "continue" => {
                self.ends(&mut tokens)?;
                if !self.open.iter().any(|(open, _)| *open == "for") {
                    self.wrong(span, format!("`{name}` stands in no `for`"));
                    return None;
                }
                Some(if name == "break" { Node::Break(span) } else { Node::Continue(span) })
            }
            _ if LEFT_OUT.contains(&name) => {
                let why = format!("`{name}` is not part of the language of templates here");
                self.error(span, Code::UnknownTag, why, None);
                None
            }
            _ => {
                let why = format!("there is no tag `{name}`");
                self.error(span, Code::UnknownTag, why, nearest(name, TAGS));
                None
            }
        }
    }

    fn choice(&mut self, tag: &'static str, sense: Sense, span: Span, mut tokens: Tokens<'source>) -> Option<Node> {
        let (mut branches, mut otherwise) = (Vec::new(), None);
        let mut condition = self.condition(&mut tokens, sense);
        let mut at = span;
        self.opened(tag, span)?;
        loop {
            let mut body = Block::new();
            let end = self.part(&mut body, &["elsif", "else"]);
            match (condition.take(), &mut otherwise) {
                (Some(condition), _) => branches.push(Branch { condition, body, span: at }),
                (None, Some(Otherwise { body: last, .. })) => *last = body,
                // Its condition was wrong, which is told already.
                (None, None) => {}
            }
            match end {
                Some(End { name: "elsif", mut tokens, span }) => {
                    if otherwise.is_some() {
                        self.wrong(span, "`elsif` stands after `else`; put it before");
                    }
                    condition = self.condition(&mut tokens, Sense::AsIs);
                    at = span;
                }
                Some(End { name: "else", span, .. }) => {
                    if otherwise.is_some() {
                        self.wrong(span, format!("this `{tag}` has an `else` already"));
                    }
                    otherwise = Some(Otherwise { body: Block::new(), span });
                }
                _ => return Some(Node::If { branches, otherwise }),
            }
        }
    }

    fn case(&mut self, span: Span, mut tokens: Tokens<'source>) -> Option<Node> {
        let subject = self.operand(&mut tokens);
        if subject.is_some() {
            self.ends(&mut tokens);
        }
        self.opened("case", span)?;
        let (mut arms, mut otherwise) = (Vec::new(), None::<Otherwise>);
        let mut between = Block::new();
        let mut end = self.part(&mut between, &["when", "else"]);
        for node in &between {
            match node {
                Node::Text(words) if words.of(self.source).trim().is_empty() => {}
                _ => {
                    self.wrong(span, "what stands between `case` and its first `when` is never shown");
                    break;
                }
            }
        }
        loop {
            let mut body = Block::new();
            match end {
                Some(End { name: "when", mut tokens, span }) => {
                    if otherwise.is_some() {
                        self.wrong(span, "`when` stands after `else`; put it before");
                    }
                    let values = self.values(&mut tokens);
                    end = self.part(&mut body, &["when", "else"]);
                    arms.extend(values.map(|values| Arm { values, body }));
                }
                Some(End { name: "else", span, .. }) => {
                    if otherwise.is_some() {
                        self.wrong(span, "this `case` has an `else` already");
                    }
                    end = self.part(&mut body, &["when", "else"]);
                    otherwise = Some(Otherwise { body, span });
                }
                _ => return Some(Node::Case { subject: subject?, arms, otherwise }),
            }
        }
    }

    /// What stands after `when`: values between commas or `or`.
    fn values(&mut self, tokens: &mut Tokens<'_>) -> Option<Vec<Operand>> {
        let mut values = vec![self.operand(tokens)?];
        while tokens.takes(",") || tokens.takes_name("or") {
            values.push(self.operand(tokens)?);
        }
        self.ends(tokens)?;
        Some(values)
    }

    fn for_loop(&mut self, span: Span, mut tokens: Tokens<'source>) -> Option<Node> {
        let head = self.head(&mut tokens);
        self.opened("for", span)?;
        let (mut body, mut otherwise) = (Block::new(), None);
        let mut end = self.part(&mut body, &["else"]);
        while let Some(End { name: "else", span, .. }) = end {
            if otherwise.is_some() {
                self.wrong(span, "this `for` has an `else` already");
            }
            let mut body = Block::new();
            end = self.part(&mut body, &["else"]);
            otherwise = Some(Otherwise { body, span });
        }
        let Head { name, over, limit, offset, order } = head?;
        Some(Node::For(Box::new(For { name, over, limit, offset, order, body, otherwise, span })))
    }

    /// What stands after `for`.
    fn head(&mut self, tokens: &mut Tokens<'source>) -> Option<Head> {
        let name = self.new_name(tokens, "for")?;
        if !tokens.takes_name("in") {
            self.wrong(tokens.here(), "`in` and a list belong after the name, such as `for item in order.items`");
            return None;
        }
        let over = if tokens.takes("(") {
            let first = self.operand(tokens)?;
            if !tokens.takes("..") {
                self.wrong(tokens.here(), "a range is written with two points, such as `(1..5)`");
                return None;
            }
            let last = self.operand(tokens)?;
            if !tokens.takes(")") {
                self.wrong(tokens.here(), "a `)` is missing");
                return None;
            }
            Over::Range(first, last)
        } else {
            Over::Items(self.operand(tokens)?)
        };
        let mut head = Head { name, over, limit: None, offset: None, order: Order::Forwards };
        loop {
            tokens.takes(",");
            let span = tokens.here();
            match tokens.next() {
                None => return Some(head),
                Some((Token::Name("reversed"), _)) => head.order = Order::Backwards,
                Some((Token::Name(which @ ("limit" | "offset")), _)) => {
                    if !tokens.takes(":") {
                        self.wrong(tokens.here(), format!("`:` and a number belong after `{which}`"));
                        return None;
                    }
                    let value = Some(self.operand(tokens)?);
                    if which == "limit" { head.limit = value } else { head.offset = value }
                }
                Some(_) => {
                    let what = span.of(self.source).to_owned();
                    let meant = nearest(&what, ["reversed", "limit", "offset"]);
                    let why = "a `for` knows `limit: n`, `offset: n` and `reversed`";
                    self.error(span, Code::Syntax, why, meant);
                    return None;
                }
            }
        }
    }

    /// Enters a block; `None` where it is one too deep, and then nothing more is read.
    fn opened(&mut self, tag: &'static str, span: Span) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            let why = format!("blocks are nested deeper than the {MAX_DEPTH} levels allowed");
            self.error(span, Code::TooLarge, why, None);
            // What follows belongs to nothing that is known.
            self.open.clear();
            self.pieces = Pieces::of("");
            return None;
        }
        self.open.push((tag, span));
        Some(())
    }

    /// A block that has one part only.
    fn whole(&mut self, tag: &'static str, span: Span, body: &mut Block) {
        if self.opened(tag, span).is_some() {
            self.part(body, &[]);
        }
    }

    /// A part of the innermost open block, up to the tag that begins its next part; `None` where the block is closed, by
    /// its own tag or because it must have been meant to end.
    fn part(&mut self, body: &mut Block, next: &[&str]) -> Option<End<'source>> {
        let depth = self.open.len();
        let (tag, opened) = *self.open.last()?;
        loop {
            let Some(end) = self.block(body) else {
                if self.open.len() == depth {
                    self.never_closed(tag, opened);
                }
                return None;
            };
            if next.contains(&end.name) {
                return Some(end);
            }
            match end.name.strip_prefix("end") {
                Some(closed) if closed == tag => {
                    let mut tokens = end.tokens;
                    self.ends(&mut tokens);
                    self.open.pop();
                    return None;
                }
                Some(closed) if self.open.iter().any(|(open, _)| *open == closed) => {
                    self.never_closed(tag, opened);
                    self.back = Some(end);
                    return None;
                }
                _ => self.closes_nothing(&end),
            }
        }
    }

    fn never_closed(&mut self, tag: &str, opened: Span) {
        self.error(opened, Code::UnclosedBlock, format!("`{tag}` is never closed by `end{tag}`"), None);
        self.open.pop();
    }

    fn closes_nothing(&mut self, end: &End<'_>) {
        let why = match self.open.last() {
            Some((tag, span)) => {
                let place = Place::of(self.source, span.start);
                format!("`{}` does not belong here: the `{tag}` of line {} is open", end.name, place.line)
            }
            None => format!("`{}` does not belong here: nothing is open", end.name),
        };
        let meant = self.open.last().map(|(tag, _)| format!("end{tag}"));
        let meant = meant.filter(|_| end.name.starts_with("end"));
        self.error(end.span, Code::UnclosedBlock, why, meant.as_deref());
    }
}

struct Head {
    name: Name,
    over: Over,
    limit: Option<Operand>,
    offset: Option<Operand>,
    order: Order,
}

/// Whether a tag ends a block or a part of one.
fn ends_something(name: &str) -> bool {
    matches!(name, "elsif" | "else" | "when")
        || name.strip_prefix("end").is_some_and(|tag| TAGS.contains(&tag) && !matches!(tag, "break" | "continue"))
}
