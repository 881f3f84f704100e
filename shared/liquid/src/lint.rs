//! What will surprise the writer of a template that can be read.

use std::collections::BTreeSet;

use crate::ast::{Block, Branch, Chain, Condition, Literal, Node, Operand, Over, Sense, Template, Test};
use crate::filters::Type;
use crate::place::Span;
use crate::problem::{Code, Problem, nearest};
use crate::uses::{Taken, Use};
use crate::variables::type_of;

/// A variable that somebody defined.
#[derive(Debug, Clone, Copy)]
pub struct Definition<'name> {
    /// Its name, such as `customer.name`.
    pub name: &'name str,
    /// What it holds.
    pub kind: Kind<'name>,
}

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'name> {
    /// Anything: nothing is known of it.
    Any,
    /// Words.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
    /// One of these texts.
    Select(&'name [String]),
}

impl Kind<'_> {
    fn told(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Date => "a date",
            Self::Select(_) => "one of its options",
        }
    }

    /// Whether what holds this can be taken for that.
    fn can_be(self, taken: Type) -> bool {
        match (self, taken) {
            (Self::Any, _) | (_, Type::Any) => true,
            // A number and a date have words too, and filters of words work on them.
            (_, Type::Text) => true,
            (Self::Number, Type::Number) | (Self::Date, Type::Date) => true,
            _ => false,
        }
    }
}

impl Template {
    /// What is wrong with how the template uses its variables, in the order of the source.
    ///
    /// `defined` are the template's own variables, and each should be used; `known` are those that every template may use,
    /// such as what is known of the customer.
    #[must_use]
    pub fn lint(&self, defined: &[Definition<'_>], known: &[Definition<'_>]) -> Vec<Problem> {
        let uses = self.uses();
        let mut lint = Lint { source: &self.source, problems: Vec::new() };
        let mut used = BTreeSet::new();
        for one in &uses.of_context {
            let definition = defined.iter().chain(known).find(|definition| stands_for(definition.name, &one.name));
            match definition {
                Some(definition) => {
                    used.insert(definition.name);
                    if definition.name == one.name {
                        lint.clash(one, definition.kind);
                    }
                }
                None => {
                    let names = defined.iter().chain(known).map(|definition| definition.name);
                    let why = format!("the variable `{}` is not defined", one.name);
                    lint.warn(one.span, Code::UnknownVariable, why, nearest(&one.name, names));
                }
            }
        }
        for definition in defined.iter().filter(|definition| !used.contains(definition.name)) {
            let why = format!("the variable `{}` is defined and never used", definition.name);
            lint.warn(Span::default(), Code::UnusedVariable, why, None);
        }
        for given in uses.assigned.iter().filter(|given| !given.is_used) {
            let why = format!("`{}` is assigned and never used", given.name.text);
            lint.warn(given.name.span, Code::UnusedAssignment, why, None);
        }
        lint.block(&self.body);
        let mut problems = lint.problems;
        problems.sort_by_key(|problem| (problem.span, problem.code));
        problems.dedup();
        problems
    }
}

/// Whether a definition stands for what is used: it is the same, or one is a part of the other.
fn stands_for(defined: &str, used: &str) -> bool {
    let is_within = |whole: &str, part: &str| part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
    defined == used || is_within(defined, used) || is_within(used, defined)
}

fn told(kind: Type) -> &'static str {
    match kind {
        Type::Any => "anything",
        Type::Text => "a text",
        Type::Number => "a number",
        Type::Date => "a date",
        Type::List => "a list",
    }
}

struct Lint<'source> {
    source: &'source str,
    problems: Vec<Problem>,
}

impl Lint<'_> {
    fn warn(&mut self, span: Span, code: Code, message: String, meant: Option<&str>) {
        self.problems.push(Problem::warning(self.source, span, code, message).meant(meant));
    }

    /// Whether a variable is used as what it is not.
    fn clash(&mut self, one: &Use, kind: Kind<'_>) {
        let (name, told) = (&one.name, kind.told());
        match &one.taken {
            Taken::AsIs => {}
            Taken::As(taken, by) if !kind.can_be(*taken) => {
                let needs = self::told(*taken);
                self.warn(one.span, Code::TypeClash, format!("`{name}` is {told}, and `{by}` needs {needs}"), None);
            }
            Taken::As(..) => {}
            Taken::Against(Literal::Text(text)) if matches!(kind, Kind::Select(_)) => {
                let Kind::Select(options) = kind else { return };
                if !options.iter().any(|option| **option == **text) {
                    let meant = nearest(text, options.iter().map(String::as_str));
                    let why = format!("`{name}` can never be `{text}`: that is none of its options");
                    self.warn(one.span, Code::ImpossibleValue, why, meant);
                }
            }
            Taken::Against(literal) | Taken::Default(literal) => {
                let Some(kind_of_literal) = type_of(literal) else { return };
                // A date is compared with a day that is written as a text.
                let fits = match kind {
                    Kind::Any => true,
                    Kind::Text | Kind::Date | Kind::Select(_) => kind_of_literal == Type::Text,
                    Kind::Number => kind_of_literal == Type::Number,
                };
                if !fits {
                    let other = if kind_of_literal == Type::Number { "a number" } else { "a text" };
                    let why = format!("`{name}` is {told}, and stands here against {other}");
                    self.warn(one.span, Code::TypeClash, why, None);
                }
            }
        }
    }

    fn block(&mut self, block: &Block) {
        let mut left = None;
        for node in block {
            if let Some((tag, at)) = left.take()
                && !matches!(node, Node::Text(span) if span.of(self.source).trim().is_empty())
            {
                self.warn(at, Code::Unreachable, format!("what follows `{tag}` is never shown"), None);
            }
            match node {
                Node::Break(span) => left = Some(("break", *span)),
                Node::Continue(span) => left = Some(("continue", *span)),
                Node::Capture { body, .. } => self.block(body),
                Node::If { branches, otherwise } => {
                    self.branches(branches, otherwise.as_ref().map(|otherwise| otherwise.span));
                    branches.iter().for_each(|branch| self.block(&branch.body));
                    otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
                }
                Node::Case { arms, otherwise, .. } => {
                    let mut seen: Vec<&Literal> = Vec::new();
                    for value in arms.iter().flat_map(|arm| &arm.values) {
                        let Operand::Literal(literal, span) = value else { continue };
                        if seen.contains(&literal) {
                            let why = "this value stands in an earlier `when`: both are shown";
                            self.warn(*span, Code::Repeated, why.to_owned(), None);
                        }
                        seen.push(literal);
                    }
                    arms.iter().for_each(|arm| self.block(&arm.body));
                    otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
                }
                Node::For(each) => {
                    if let Over::Range(
                        Operand::Literal(Literal::Integer(first), span),
                        Operand::Literal(Literal::Integer(last), _),
                    ) = &each.over
                        && first > last
                    {
                        let why = "the loop has no turn: its range ends before it begins".to_owned();
                        self.warn(*span, Code::Unreachable, why, None);
                    }
                    self.block(&each.body);
                    each.otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
                }
                Node::Output(chain) | Node::Assign { value: chain, .. } => self.chain(chain),
                Node::Text(_) => {}
            }
        }
    }

    /// Filters that are given by the one before what they do not work on.
    fn chain(&mut self, chain: &Chain) {
        for pair in chain.calls.windows(2) {
            let [before, call] = pair else { continue };
            let fits = match (before.filter.gives, call.filter.takes) {
                (Type::Any, _) | (_, Type::Any) => true,
                (Type::List, takes) => takes == Type::List,
                (_, Type::Text) => true,
                (gives, takes) => gives == takes,
            };
            if !fits {
                let (after, by) = (told(before.filter.gives), told(call.filter.takes));
                let why = format!("`{}` gives {after}, and `{}` needs {by}", before.filter.name, call.filter.name);
                self.warn(call.span, Code::TypeClash, why, None);
            }
        }
    }

    /// Branches that no value leads to.
    fn branches(&mut self, branches: &[Branch], otherwise: Option<Span>) {
        let mut always = None;
        let mut seen: Vec<String> = Vec::new();
        for branch in branches {
            let key = self.key(&branch.condition);
            if always.is_some() {
                let why = "this is never reached: a condition before it is always true".to_owned();
                self.warn(branch.span, Code::Unreachable, why, None);
            } else if constant(&branch.condition) == Some(false) {
                let why = "this is never reached: its condition is never true".to_owned();
                self.warn(branch.span, Code::Unreachable, why, None);
            } else if seen.contains(&key) {
                let why = "this is never reached: the same condition stands before it".to_owned();
                self.warn(branch.span, Code::Unreachable, why, None);
            }
            seen.push(key);
            if constant(&branch.condition) == Some(true) {
                always.get_or_insert(branch.span);
            }
        }
        if let (Some(_), Some(span)) = (always, otherwise) {
            let why = "this `else` is never reached: a condition before it is always true".to_owned();
            self.warn(span, Code::Unreachable, why, None);
        }
    }

    /// A condition without the white space that it is written with.
    fn key(&self, condition: &Condition) -> String {
        let operand = |operand: &Operand| operand.span().of(self.source).to_owned();
        let tests = condition.tests.iter().map(|test| {
            let against = test.against.as_ref().map(|(comparison, right)| (*comparison, operand(right)));
            (operand(&test.left), against)
        });
        format!("{:?} {:?} {:?}", tests.collect::<Vec<_>>(), condition.joints, condition.sense)
    }
}

/// What a condition says whatever the context: only where it is one literal.
fn constant(condition: &Condition) -> Option<bool> {
    let [Test { left: Operand::Literal(literal, _), against: None }] = &condition.tests[..] else { return None };
    let is_true = !matches!(literal, Literal::Nil | Literal::Bool(false));
    Some(is_true == (condition.sense == Sense::AsIs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lint(source: &str) -> Vec<String> {
        let options = ["free".to_owned(), "pro".to_owned()];
        let defined = [
            Definition { name: "customer.name", kind: Kind::Text },
            Definition { name: "plan", kind: Kind::Select(&options) },
            Definition { name: "total", kind: Kind::Number },
            Definition { name: "sent", kind: Kind::Date },
        ];
        let used = "{{ customer.name }}{{ plan }}{{ total }}{{ sent }}";
        let template = Template::parse(&format!("{source}{used}")).unwrap();
        template.lint(&defined, &[]).into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_clean_template_has_no_problem() {
        assert_eq!(
            lint(
                "{% if plan == 'pro' and total > 3 %}{{ sent | date: 'long' }}{% elsif plan %}{% else %}{% endif %}{% assign a = 1 %}{{ a }}"
            ),
            [""; 0]
        );
    }

    #[test]
    fn each_problem_says_what_where_and_how_to_mend_it() {
        insta::assert_snapshot!(
            [
                "{{ customer.nmae }}\n",
                "{% assign x = 1 %}",
                "{{ customer.name | plus: 1 }}",
                "{{ sent | date: 'long' | date: 'short' }}{{ customer.name | split: ',' | upcase }}",
                "{% if plan == 'por' %}{% endif %}",
                "{% if total == 'many' %}{% endif %}",
                "{% if true %}{% elsif plan %}{% else %}{% endif %}",
                "{% unless true %}a{% endunless %}",
                "{% if plan %}{% elsif  plan %}{% endif %}",
                "{% for i in (3..1) %}{% break %} x{% endfor %}",
                "{% case plan %}{% when 'pro' %}{% when 'free', 'pro' %}{% endcase %}",
            ]
            .map(|source| format!("{}\n  {}", source.trim(), lint(source).join("\n  ")))
            .join("\n"),
            @r#"
            {{ customer.nmae }}
              line 1, column 4: the variable `customer.nmae` is not defined; did you mean `customer.name`?
            {% assign x = 1 %}
              line 1, column 11: `x` is assigned and never used
            {{ customer.name | plus: 1 }}
              line 1, column 4: `customer.name` is a text, and `plus` needs a number
            {{ sent | date: 'long' | date: 'short' }}{{ customer.name | split: ',' | upcase }}
              line 1, column 26: `date` gives a text, and `date` needs a date
              line 1, column 74: `split` gives a list, and `upcase` needs a text
            {% if plan == 'por' %}{% endif %}
              line 1, column 7: `plan` can never be `por`: that is none of its options; did you mean `pro`?
            {% if total == 'many' %}{% endif %}
              line 1, column 7: `total` is a number, and stands here against a text
            {% if true %}{% elsif plan %}{% else %}{% endif %}
              line 1, column 17: this is never reached: a condition before it is always true
              line 1, column 33: this `else` is never reached: a condition before it is always true
            {% unless true %}a{% endunless %}
              line 1, column 4: this is never reached: its condition is never true
            {% if plan %}{% elsif  plan %}{% endif %}
              line 1, column 17: this is never reached: the same condition stands before it
            {% for i in (3..1) %}{% break %} x{% endfor %}
              line 1, column 14: the loop has no turn: its range ends before it begins
              line 1, column 25: what follows `break` is never shown
            {% case plan %}{% when 'pro' %}{% when 'free', 'pro' %}{% endcase %}
              line 1, column 48: this value stands in an earlier `when`: both are shown
            "#
        );
    }

    #[test]
    fn a_definition_that_nobody_uses_is_told() {
        let template = Template::parse("{{ customer.city }}").unwrap();
        let defined = [Definition { name: "customer", kind: Kind::Any }, Definition { name: "note", kind: Kind::Text }];
        let problems = template.lint(&defined, &[Definition { name: "agent", kind: Kind::Any }]);
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::UnusedVariable]);
    }
}
