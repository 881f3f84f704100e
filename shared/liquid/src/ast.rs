//! What a template says, as a tree. Every part of it knows where it stands in the source.

use std::sync::Arc;

use crate::filters::Filter;
use crate::place::{Place, Span};

/// A template that was read without an error. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Template {
    pub(crate) source: Arc<str>,
    pub(crate) body: Arc<Block>,
}

impl Template {
    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place::of(&self.source, span.start)
    }
}

/// What is rendered one after another.
pub(crate) type Block = Vec<Node>;

/// One thing to render.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Words of the template itself.
    Text(Span),
    /// `{{ … }}`.
    Output(Chain),
    /// `{% assign name = … %}`.
    Assign { name: Name, value: Chain },
    /// `{% capture name %}…{% endcapture %}`.
    Capture { name: Name, body: Block },
    /// `{% if %}`, and `{% unless %}`, whose first branch is negated.
    If { branches: Vec<Branch>, otherwise: Option<Otherwise> },
    /// `{% case %}`.
    Case { subject: Operand, arms: Vec<Arm>, otherwise: Option<Otherwise> },
    /// `{% for name in … %}`.
    For(Box<For>),
    /// `{% break %}`.
    Break(Span),
    /// `{% continue %}`.
    Continue(Span),
}

/// A loop.
#[derive(Debug, Clone)]
pub(crate) struct For {
    pub(crate) name: Name,
    pub(crate) over: Over,
    pub(crate) limit: Option<Operand>,
    pub(crate) offset: Option<Operand>,
    pub(crate) order: Order,
    pub(crate) body: Block,
    pub(crate) otherwise: Option<Otherwise>,
    pub(crate) span: Span,
}

/// What a loop goes over.
#[derive(Debug, Clone)]
pub(crate) enum Over {
    /// The items of a list.
    Items(Operand),
    /// Whole numbers, both ends included.
    Range(Operand, Operand),
}

/// Which way a loop goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Forwards,
    Backwards,
}

/// What is rendered under a condition.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) condition: Condition,
    pub(crate) body: Block,
    pub(crate) span: Span,
}

/// What is rendered for some values.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub(crate) values: Vec<Operand>,
    pub(crate) body: Block,
}

/// `{% else %}`.
#[derive(Debug, Clone)]
pub(crate) struct Otherwise {
    pub(crate) body: Block,
    pub(crate) span: Span,
}

/// Tests that are joined from the right, as Liquid does it: `a and b or c` is `a and (b or c)`.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) tests: Vec<Test>,
    /// One less than tests.
    pub(crate) joints: Vec<Joint>,
    pub(crate) sense: Sense,
}

/// How a condition is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sense {
    AsIs,
    Negated,
}

/// How a test is joined with what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joint {
    And,
    Or,
}

/// A question about one value, or about two.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) left: Operand,
    pub(crate) against: Option<(Comparison, Operand)>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// A value and what filters make of it.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) first: Operand,
    pub(crate) calls: Vec<Call>,
    pub(crate) span: Span,
}

/// A filter at work.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) filter: &'static Filter,
    pub(crate) arguments: Vec<Operand>,
    pub(crate) named: Vec<(Name, Operand)>,
    pub(crate) span: Span,
}

/// A name that the template itself gives.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: Arc<str>,
    pub(crate) span: Span,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Literal(Literal, Span),
    Variable(Path),
}

impl Operand {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Literal(_, span) => *span,
            Self::Variable(path) => path.span,
        }
    }
}

/// A value that the template itself holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Nil,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Arc<str>),
    /// `empty`: what has nothing in it.
    Empty,
    /// `blank`: what has nothing but white space in it.
    Blank,
}

/// A variable: a name and the way into it.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) root: Name,
    pub(crate) steps: Vec<Step>,
    pub(crate) span: Span,
}

/// One step into a value.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// `.name` and `["name"]`.
    Key(Arc<str>),
    /// `[0]`, `[other]`.
    Index(Operand),
}
