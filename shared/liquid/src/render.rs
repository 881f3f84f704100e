//! A template and its context made into text, within bounds.

mod scope;

use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;

use self::scope::{Forloop, Scope};
use crate::ast::{
    Block, Branch, Call, Chain, Comparison, Condition, For, Joint, Literal, Node, Operand, Order, Otherwise, Over,
    Path, Sense, Step, Template, Test,
};
use crate::filters::{Applied, Markup, Whose, escape_into};
use crate::limits::{Limits, Meter};
use crate::locale::Locale;
use crate::place::{Place, Span};
use crate::value::{Number, Object, Shown, Value};

/// Characters of a name that an error repeats.
const MOST_NAMED: usize = 100;

/// How a template is rendered.
pub struct Rendering<'run> {
    /// What it may cost.
    pub limits: Limits,
    /// What the text is for.
    pub channel: Channel,
    /// Whose numbers and dates.
    pub locale: &'run Locale,
    /// What `now` is, and the time zone of moments.
    pub now: Zoned,
    /// How long the rendering has taken so far.
    pub elapsed: &'run dyn Fn() -> Duration,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// Plain text: nothing is escaped.
    #[default]
    Text,
    /// HTML: what comes of variables is escaped, what the template says is not.
    Html,
}

/// What came of a rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Variables that had no value where they were shown, each once, in order.
    pub missing: Vec<Missing>,
    /// Steps that it took.
    pub steps: u64,
}

/// A variable without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The variable as the template writes it.
    pub variable: String,
    /// Where it is shown first.
    pub place: Place,
}

/// Why a template cannot be rendered. Values are never told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct RenderError {
    /// The stable name of the reason.
    pub code: RenderCode,
    /// A sentence for a person.
    pub message: String,
    /// Where it happened.
    pub place: Place,
}

/// The stable name of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenderCode {
    /// It takes more steps, items or time than allowed.
    TooMuchWork,
    /// The text, or one on the way to it, is too long.
    TooLong,
    /// A value is not what a filter or a loop works on.
    WrongType,
    /// Division by zero, or a number that cannot be held.
    Arithmetic,
}

/// What went wrong, before it is known where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    TooManySteps(u64),
    TooManyItems(usize),
    TooSlow(Duration),
    TooLong(usize),
    NoNumber(Whose),
    NoWholeNumber(Whose),
    NoList(Whose),
    NoObjects(Whose),
    NoDate(Whose),
    NoWords(Whose),
    NoFormat,
    NoUtf8,
    DividesByZero,
    NumberTooLarge,
}

impl Fault {
    fn code(self) -> RenderCode {
        match self {
            Self::TooManySteps(_) | Self::TooManyItems(_) | Self::TooSlow(_) => RenderCode::TooMuchWork,
            Self::TooLong(_) => RenderCode::TooLong,
            Self::DividesByZero | Self::NumberTooLarge => RenderCode::Arithmetic,
            _ => RenderCode::WrongType,
        }
    }

    /// What is wrong with the value of `whom`.
    fn message(self, whom: impl Fn(Whose) -> String) -> String {
        match self {
            Self::TooManySteps(most) => {
                format!("the template takes more than the {most} steps allowed; shorten its loops")
            }
            Self::TooManyItems(most) => {
                format!("a list or a loop has more than the {most} items allowed; set a `limit`")
            }
            Self::TooSlow(most) => {
                format!("the template takes longer than the {} ms allowed; shorten its loops", most.as_millis())
            }
            Self::TooLong(most) => format!("the text grows longer than the {most} bytes allowed; shorten it"),
            Self::NoNumber(whose) => format!("{} is no number", whom(whose)),
            Self::NoWholeNumber(whose) => format!("{} is no whole number", whom(whose)),
            Self::NoList(whose) => format!("{} is no list", whom(whose)),
            Self::NoObjects(whose) => format!("{} is no list of objects", whom(whose)),
            Self::NoDate(whose) => format!("{} is no date; write it as `2026-11-27`", whom(whose)),
            Self::NoWords(whose) => format!("{} is an object, which has no text; name one of its fields", whom(whose)),
            Self::NoFormat => {
                "the format of the date is none; write `short`, `long`, or one such as `%d.%m.%Y`".to_owned()
            }
            Self::NoUtf8 => "what is decoded is no text".to_owned(),
            Self::DividesByZero => "a number is divided by zero".to_owned(),
            Self::NumberTooLarge => "a number becomes too large to be held".to_owned(),
        }
    }
}

/// What rendering a block led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl Template {
    /// Renders the template with the values of its variables.
    ///
    /// What has no value is shown as nothing and told in [`Rendered::missing`].
    ///
    /// # Errors
    ///
    /// Where a bound is met, or a value is not what a filter works on.
    pub fn render(&self, context: &Object, rendering: &Rendering<'_>) -> Result<Rendered, RenderError> {
        let mut run = Run {
            template: self,
            rendering,
            meter: Meter::new(rendering.limits, rendering.elapsed),
            scope: Scope::of(context),
            out: String::with_capacity(self.source.len()),
            missing: Vec::new(),
        };
        run.block(&self.body)?;
        Ok(Rendered { text: run.out, missing: run.missing, steps: run.meter.steps() })
    }
}

struct Run<'run> {
    template: &'run Template,
    rendering: &'run Rendering<'run>,
    meter: Meter<'run>,
    scope: Scope<'run>,
    out: String,
    missing: Vec<Missing>,
}

impl<'run> Run<'run> {
    fn block(&mut self, block: &'run Block) -> Result<Flow, RenderError> {
        for node in block {
            let flow = self.node(node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'run Node) -> Result<Flow, RenderError> {
        match node {
            Node::Text(span) => {
                self.write(*span, span.of(&self.template.source))?;
            }
            Node::Output(chain) => self.output(chain)?,
            Node::Assign { name, value } => {
                let (value, _) = self.chain(value)?;
                self.at(name.span, |meter| meter.step(0))?;
                self.scope.assign(&name.text, value);
            }
            Node::Capture { name, body } => {
                let before = std::mem::take(&mut self.out);
                let flow = self.block(body)?;
                let captured = std::mem::replace(&mut self.out, before);
                let text: Arc<str> = captured.into();
                let (value, channel) = (Value::Text(Arc::clone(&text)), self.rendering.channel);
                self.scope.assign(&name.text, Value::Shown(Arc::new(Shown { value, text, channel })));
                return Ok(flow);
            }
            Node::If { branches, otherwise } => {
                for Branch { condition, body, .. } in branches {
                    if self.holds(condition)? {
                        return self.block(body);
                    }
                }
                return self.otherwise(otherwise.as_ref());
            }
            Node::Case { subject, arms, otherwise } => {
                let subject = self.operand(subject)?;
                let mut is_met = false;
                for arm in arms {
                    for value in &arm.values {
                        if self.are_equal(&subject, value)? {
                            is_met = true;
                            let flow = self.block(&arm.body)?;
                            if flow != Flow::On {
                                return Ok(flow);
                            }
                            break;
                        }
                    }
                }
                if !is_met {
                    return self.otherwise(otherwise.as_ref());
                }
            }
            Node::For(each) => return self.each(each),
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn otherwise(&mut self, otherwise: Option<&'run Otherwise>) -> Result<Flow, RenderError> {
        otherwise.map_or(Ok(Flow::On), |otherwise| self.block(&otherwise.body))
    }

    fn each(&mut self, each: &'run For) -> Result<Flow, RenderError> {
        let items = self.items(each)?;
        if items.is_empty() {
            return self.otherwise(each.otherwise.as_ref());
        }
        let length = items.len();
        self.scope.enter(&each.name.text);
        for (index, item) in items.into_iter().enumerate() {
            self.at(each.span, |meter| meter.step(0))?;
            self.scope.turn(item, Forloop { index, length });
            if self.block(&each.body)? == Flow::Break {
                break;
            }
        }
        self.scope.leave();
        Ok(Flow::On)
    }

    /// What a loop goes over, in its order.
    fn items(&mut self, each: &'run For) -> Result<Vec<Value>, RenderError> {
        let most = self.rendering.limits.items;
        let limit = self.count(each.limit.as_ref())?.unwrap_or(usize::MAX);
        let offset = self.count(each.offset.as_ref())?.unwrap_or(0);
        let mut items: Vec<Value> = match &each.over {
            Over::Range(first, last) => {
                let (from, to) = (self.whole(first)?, self.whole(last)?);
                let from = from.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX));
                (from..=to).take(limit.min(most + 1)).map(Value::Integer).collect()
            }
            Over::Items(operand) => {
                let value = self.operand(operand)?;
                match value.plain() {
                    Value::List(items) => items.iter().skip(offset).take(limit.min(most + 1)).cloned().collect(),
                    Value::Nil => Vec::new(),
                    Value::Object(object) => {
                        let pairs = object.iter().skip(offset).take(limit.min(most + 1));
                        pairs
                            .map(|(name, value)| Value::List([Value::Text(Arc::clone(name)), value.clone()].into()))
                            .collect()
                    }
                    _ => return Err(self.fault(Fault::NoList(Whose::Input), operand.span(), Some(operand), &[])),
                }
            }
        };
        self.at(each.span, |meter| meter.items(items.len()))?;
        if each.order == Order::Backwards {
            items.reverse();
        }
        Ok(items)
    }

    /// The number of a `limit` or an `offset`; below zero is zero.
    fn count(&mut self, operand: Option<&'run Operand>) -> Result<Option<usize>, RenderError> {
        let Some(operand) = operand else { return Ok(None) };
        Ok(Some(usize::try_from(self.whole(operand)?).unwrap_or(0)))
    }

    fn whole(&mut self, operand: &'run Operand) -> Result<i64, RenderError> {
        match self.operand(operand)?.number() {
            Some(Number::Integer(integer)) => Ok(integer),
            _ => Err(self.fault(Fault::NoWholeNumber(Whose::Input), operand.span(), Some(operand), &[])),
        }
    }

    fn output(&mut self, chain: &'run Chain) -> Result<(), RenderError> {
        let (value, is_markup) = self.chain(chain)?;
        if let (Value::Nil, Operand::Variable(path)) = (value.plain(), &chain.first) {
            self.is_missing(path);
        }
        if let Value::List(_) = value {
            self.at(chain.span, |meter| meter.value(&value))?;
        }
        let Some(words) = value.words() else {
            return Err(self.fault(Fault::NoWords(Whose::Input), chain.span, Some(&chain.first), &[]));
        };
        if self.rendering.channel == Channel::Html && !is_markup {
            let mut escaped = String::with_capacity(words.len());
            escape_into(&words, &mut escaped);
            return self.write(chain.span, &escaped);
        }
        self.write(chain.span, &words)
    }

    fn is_missing(&mut self, path: &Path) {
        let variable = path.span.of(&self.template.source);
        // A template has few variables, and each is told once.
        if !self.missing.iter().any(|missing| missing.variable == variable) {
            self.missing.push(Missing { variable: variable.to_owned(), place: self.template.place(path.span) });
        }
    }

    fn write(&mut self, span: Span, words: &str) -> Result<(), RenderError> {
        let length = self.out.len() + words.len();
        if length > self.rendering.limits.output_bytes {
            return Err(self.fault(Fault::TooLong(self.rendering.limits.output_bytes), span, None, &[]));
        }
        self.at(span, |meter| meter.step(words.len()))?;
        self.out.push_str(words);
        Ok(())
    }

    /// A value after its filters, and whether it is markup already.
    fn chain(&mut self, chain: &'run Chain) -> Result<(Value, bool), RenderError> {
        let mut value = self.operand(&chain.first)?;
        let mut is_markup = value.is_markup();
        for call in &chain.calls {
            (value, is_markup) = self.call(call, value, is_markup, &chain.first)?;
        }
        Ok((value, is_markup))
    }

    fn call(
        &mut self,
        call: &'run Call,
        input: Value,
        is_markup: bool,
        first: &Operand,
    ) -> Result<(Value, bool), RenderError> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.operand(argument)?);
        }
        let mut named = Vec::with_capacity(call.named.len());
        for (name, argument) in &call.named {
            named.push((Arc::clone(&name.text), self.operand(argument)?));
        }
        let is_html = self.rendering.channel == Channel::Html;
        let input = if call.filter.markup == Markup::AfterEscape && is_html && !is_markup {
            self.at(call.span, |meter| meter.value(&input))?;
            let escaped = input.words().map(|words| {
                let mut escaped = String::with_capacity(words.len());
                escape_into(&words, &mut escaped);
                Value::text(escaped)
            });
            escaped.unwrap_or(input)
        } else {
            input
        };
        let mut applied =
            Applied { input, arguments: &arguments, named: &named, meter: &mut self.meter, rendering: self.rendering };
        let result = applied.meter.step(0).and_then(|()| (call.filter.apply)(&mut applied));
        let value = result.map_err(|fault| self.fault(fault, call.span, Some(first), &call.arguments))?;
        Ok((value, is_html && call.filter.markup != Markup::Words))
    }

    fn holds(&mut self, condition: &'run Condition) -> Result<bool, RenderError> {
        let mut holds = true;
        for (place, test) in condition.tests.iter().enumerate() {
            holds = self.test(test)?;
            match condition.joints.get(place) {
                Some(Joint::And) if !holds => break,
                Some(Joint::Or) if holds => break,
                _ => {}
            }
        }
        Ok(holds == (condition.sense == Sense::AsIs))
    }

    fn test(&mut self, test: &'run Test) -> Result<bool, RenderError> {
        let Some((comparison, right)) = &test.against else { return Ok(self.operand(&test.left)?.is_truthy()) };
        match comparison {
            Comparison::Equal | Comparison::NotEqual => {
                let is_left_state = matches!(test.left, Operand::Literal(Literal::Empty | Literal::Blank, _));
                let (value, against) = if is_left_state { (right, &test.left) } else { (&test.left, right) };
                let value = self.operand(value)?;
                Ok(self.are_equal(&value, against)? == (*comparison == Comparison::Equal))
            }
            Comparison::Contains => {
                let (left, right) = (self.operand(&test.left)?, self.operand(right)?);
                self.at(test.left.span(), |meter| {
                    // A field is found without looking through the object.
                    let is_looked_through = !matches!(left.plain(), Value::Object(_));
                    if is_looked_through {
                        meter.value(&left).and_then(|()| meter.value(&right))
                    } else {
                        meter.value(&right)
                    }
                })?;
                Ok(contains(&left, &right))
            }
            ordered => {
                let (left, right) = (self.operand(&test.left)?, self.operand(right)?);
                self.at(test.left.span(), |meter| meter.value(&left).and_then(|()| meter.value(&right)))?;
                let order = left.order(&right);
                Ok(order.is_some_and(|order| match ordered {
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }))
            }
        }
    }

    fn are_equal(&mut self, value: &Value, against: &'run Operand) -> Result<bool, RenderError> {
        match against {
            Operand::Literal(Literal::Empty, _) => Ok(value.is_empty()),
            Operand::Literal(Literal::Blank, span) => {
                if let Value::Text(text) = value.plain() {
                    self.at(*span, |meter| meter.step(text.len()))?;
                }
                Ok(value.is_blank())
            }
            other => {
                let against = self.operand(other)?;
                self.at(other.span(), |meter| meter.comparison(value, &against))?;
                Ok(value.is_same(&against))
            }
        }
    }

    fn operand(&mut self, operand: &'run Operand) -> Result<Value, RenderError> {
        self.at(operand.span(), |meter| meter.step(0))?;
        match operand {
            Operand::Literal(literal, _) => Ok(match literal {
                Literal::Nil => Value::Nil,
                Literal::Bool(bool) => Value::Bool(*bool),
                Literal::Integer(integer) => Value::Integer(*integer),
                Literal::Float(float) => Value::Float(*float),
                Literal::Text(text) => Value::Text(Arc::clone(text)),
                Literal::Empty | Literal::Blank => Value::text(""),
            }),
            Operand::Variable(path) => self.variable(path),
        }
    }

    fn variable(&mut self, path: &'run Path) -> Result<Value, RenderError> {
        let mut value = self.scope.get(&path.root.text);
        for step in &path.steps {
            self.at(path.span, |meter| meter.step(0))?;
            value = match step {
                Step::Key(key) => self.field(path.span, &value, key)?,
                Step::Index(operand) => match self.operand(operand)?.plain() {
                    Value::Integer(index) => item(&value, *index),
                    Value::Text(key) => self.field(path.span, &value, key)?,
                    _ => Value::Nil,
                },
            };
        }
        Ok(value)
    }

    fn field(&mut self, span: Span, value: &Value, key: &str) -> Result<Value, RenderError> {
        if let (Value::Text(text), "size") = (value.plain(), key) {
            self.at(span, |meter| meter.step(text.len()))?;
        }
        Ok(field(value, key))
    }

    fn at(&mut self, span: Span, cost: impl FnOnce(&mut Meter<'run>) -> Result<(), Fault>) -> Result<(), RenderError> {
        cost(&mut self.meter).map_err(|fault| self.fault(fault, span, None, &[]))
    }

    /// The error of a fault: it names whose value it is, and never the value.
    fn fault(&self, fault: Fault, span: Span, input: Option<&Operand>, arguments: &[Operand]) -> RenderError {
        let source = &self.template.source;
        let message = fault.message(|whose| {
            let operand = match whose {
                Whose::Input => input,
                Whose::Argument(place) => arguments.get(place),
            };
            let name = |operand: &Operand| operand.span().of(source).chars().take(MOST_NAMED).collect::<String>();
            operand.map_or_else(|| "a value".to_owned(), |operand| format!("`{}`", name(operand)))
        });
        RenderError { code: fault.code(), message, place: self.template.place(span) }
    }
}

/// A field, or what the language knows of every list and text.
fn field(value: &Value, key: &str) -> Value {
    let size = |size: usize| Value::Integer(i64::try_from(size).unwrap_or(i64::MAX));
    match (value.plain(), key) {
        (Value::Object(object), key) => match (object.get(key), key) {
            (Some(value), _) => value.clone(),
            (None, "size") => size(object.len()),
            (None, _) => Value::Nil,
        },
        (Value::List(items), "first") => items.first().cloned().unwrap_or_default(),
        (Value::List(items), "last") => items.last().cloned().unwrap_or_default(),
        (Value::List(items), "size") => size(items.len()),
        (Value::Text(text), "size") => size(text.chars().count()),
        _ => Value::Nil,
    }
}

/// An item; below zero counts from the end.
fn item(value: &Value, index: i64) -> Value {
    let Value::List(items) = value.plain() else { return Value::Nil };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let index = if index < 0 { index.saturating_add(length) } else { index };
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned().unwrap_or_default()
}

fn contains(left: &Value, right: &Value) -> bool {
    match left.plain() {
        Value::Text(text) => match right.plain() {
            Value::Nil => false,
            other => other.words().is_some_and(|words| text.contains(&*words)),
        },
        Value::List(items) => items.iter().any(|item| item.is_same(right)),
        Value::Object(object) => match right.plain() {
            Value::Text(name) => object.contains_key(name),
            _ => false,
        },
        _ => false,
    }
}
