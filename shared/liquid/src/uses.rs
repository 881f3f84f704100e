//! Where a template uses what: the one walk that listing variables and linting both stand on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Block, Chain, Comparison, Condition, Literal, Name, Node, Operand, Over, Path, Step, Template};
use crate::filters::Type;
use crate::place::Span;

/// A variable of the context at work.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    /// Its name: keys joined by points, up to the first index.
    pub(crate) name: String,
    pub(crate) span: Span,
    /// What it is taken for.
    pub(crate) taken: Taken,
}

/// What a variable is taken for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Taken {
    /// Anything: it is shown, or asked whether it is there.
    AsIs,
    /// What the filter of this name, or a loop, works on.
    As(Type, &'static str),
    /// What it is compared with.
    Against(Literal),
    /// What stands in for it where it is nothing.
    Default(Literal),
}

/// A name that the template gives itself.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) name: Name,
    pub(crate) is_used: bool,
}

/// All uses, in the order of the source.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) of_context: Vec<Use>,
    pub(crate) assigned: Vec<Given>,
}

impl Template {
    pub(crate) fn uses(&self) -> Uses {
        let mut walk = Walk { uses: Uses::default(), assigned: BTreeMap::new(), loops: Vec::new() };
        walk.block(&self.body);
        walk.uses
    }
}

struct Walk {
    uses: Uses,
    /// The place of a name among those that were assigned.
    assigned: BTreeMap<Arc<str>, usize>,
    loops: Vec<Arc<str>>,
}

impl Walk {
    fn block(&mut self, block: &Block) {
        for node in block {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
            Node::Output(chain) => self.chain(chain),
            Node::Assign { name, value } => {
                self.chain(value);
                self.assign(name);
            }
            Node::Capture { name, body } => {
                self.block(body);
                self.assign(name);
            }
            Node::If { branches, otherwise } => {
                for branch in branches {
                    self.condition(&branch.condition);
                    self.block(&branch.body);
                }
                otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
            }
            Node::Case { subject, arms, otherwise } => {
                for value in arms.iter().flat_map(|arm| &arm.values) {
                    self.against(subject, value);
                    self.against(value, subject);
                }
                if arms.is_empty() {
                    self.operand(subject, Taken::AsIs);
                }
                arms.iter().for_each(|arm| self.block(&arm.body));
                otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
            }
            Node::For(each) => {
                match &each.over {
                    Over::Items(list) => self.operand(list, Taken::As(Type::List, "for")),
                    Over::Range(first, last) => {
                        self.operand(first, Taken::As(Type::Number, "for"));
                        self.operand(last, Taken::As(Type::Number, "for"));
                    }
                }
                for bound in each.limit.iter().chain(&each.offset) {
                    self.operand(bound, Taken::As(Type::Number, "for"));
                }
                self.loops.push(Arc::clone(&each.name.text));
                self.block(&each.body);
                self.loops.pop();
                each.otherwise.iter().for_each(|otherwise| self.block(&otherwise.body));
            }
        }
    }

    fn assign(&mut self, name: &Name) {
        self.assigned.insert(Arc::clone(&name.text), self.uses.assigned.len());
        self.uses.assigned.push(Given { name: name.clone(), is_used: false });
    }

    fn chain(&mut self, chain: &Chain) {
        let first = chain.calls.first();
        let default =
            first.filter(|call| call.filter.name == "default").and_then(|call| match call.arguments.first() {
                Some(Operand::Literal(literal, _)) => Some(Taken::Default(literal.clone())),
                _ => None,
            });
        // What follows a default works on the variable as well.
        let after = if default.is_some() { chain.calls.get(1) } else { first };
        let taken = after.filter(|call| call.filter.takes != Type::Any);
        let taken = taken.map(|call| Taken::As(call.filter.takes, call.filter.name));
        if let Some(default) = default {
            self.operand(&chain.first, default);
            if let Some(taken) = taken {
                self.operand(&chain.first, taken);
            }
        } else {
            self.operand(&chain.first, taken.unwrap_or(Taken::AsIs));
        }
        for call in &chain.calls {
            let of = call.filter.of;
            for argument in &call.arguments {
                self.operand(argument, if of == Type::Any { Taken::AsIs } else { Taken::As(of, call.filter.name) });
            }
            call.named.iter().for_each(|(_, argument)| self.operand(argument, Taken::AsIs));
        }
    }

    fn condition(&mut self, condition: &Condition) {
        for test in &condition.tests {
            match &test.against {
                None => self.operand(&test.left, Taken::AsIs),
                Some((Comparison::Contains, right)) => {
                    self.operand(&test.left, Taken::AsIs);
                    self.operand(right, Taken::AsIs);
                }
                Some((_, right)) => {
                    self.against(&test.left, right);
                    self.against(right, &test.left);
                }
            }
        }
    }

    /// What an operand is compared with tells what it is.
    fn against(&mut self, operand: &Operand, other: &Operand) {
        let taken = match other {
            Operand::Literal(literal, _) => Taken::Against(literal.clone()),
            Operand::Variable(_) => Taken::AsIs,
        };
        self.operand(operand, taken);
    }

    fn operand(&mut self, operand: &Operand, taken: Taken) {
        let Operand::Variable(path) = operand else { return };
        for step in &path.steps {
            if let Step::Index(index) = step {
                self.operand(index, Taken::AsIs);
            }
        }
        let root = &path.root.text;
        if self.loops.contains(root) || (&**root == "forloop" && !self.loops.is_empty()) {
            return;
        }
        if let Some(place) = self.assigned.get(root) {
            self.uses.assigned[*place].is_used = true;
            return;
        }
        let (name, is_whole) = named(path);
        self.uses.of_context.push(Use { name, span: path.span, taken: if is_whole { taken } else { Taken::AsIs } });
    }
}

/// The name of a variable, and whether the path goes to it and no further.
fn named(path: &Path) -> (String, bool) {
    let mut name = path.root.text.to_string();
    for (place, step) in path.steps.iter().enumerate() {
        match step {
            // Every list and text has a size: it is no variable.
            Step::Key(key) if &**key == "size" && place + 1 == path.steps.len() => return (name, false),
            Step::Key(key) => {
                name.push('.');
                name.push_str(key);
            }
            Step::Index(_) => return (name, false),
        }
    }
    (name, true)
}
