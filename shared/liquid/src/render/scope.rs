//! Which value a name has at the moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::{Object, Value};

/// What a template knows of the loop that it is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forloop {
    /// Turns before this one.
    pub(super) index: usize,
    /// Turns in all.
    pub(super) length: usize,
}

impl Forloop {
    fn value(self, parent: Option<&Value>) -> Value {
        let number = |number: usize| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let fields = [
            ("index", number(self.index + 1)),
            ("index0", number(self.index)),
            ("rindex", number(self.length - self.index)),
            ("rindex0", number(self.length - self.index - 1)),
            ("first", Value::Bool(self.index == 0)),
            ("last", Value::Bool(self.index + 1 == self.length)),
            ("length", number(self.length)),
            ("parentloop", parent.cloned().unwrap_or_default()),
        ];
        Value::Object(Arc::new(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }
}

/// A loop that is being gone through.
struct Turn {
    name: Arc<str>,
    item: Value,
    at: Forloop,
}

/// The names of a rendering: loops inside out, then what was assigned, then the context.
pub(super) struct Scope<'run> {
    context: &'run Object,
    assigned: BTreeMap<Arc<str>, Value>,
    loops: Vec<Turn>,
}

impl<'run> Scope<'run> {
    pub(super) fn of(context: &'run Object) -> Self {
        Self { context, assigned: BTreeMap::new(), loops: Vec::new() }
    }

    pub(super) fn get(&self, name: &str) -> Value {
        if name == "forloop" && !self.loops.is_empty() {
            return self
                .loops
                .iter()
                .fold(None, |parent, turn| Some(turn.at.value(parent.as_ref())))
                .unwrap_or_default();
        }
        let item = self.loops.iter().rev().find(|turn| &*turn.name == name).map(|turn| &turn.item);
        item.or_else(|| self.assigned.get(name)).or_else(|| self.context.get(name)).cloned().unwrap_or_default()
    }

    pub(super) fn assign(&mut self, name: &Arc<str>, value: Value) {
        self.assigned.insert(Arc::clone(name), value);
    }

    pub(super) fn enter(&mut self, name: &Arc<str>) {
        self.loops.push(Turn { name: Arc::clone(name), item: Value::Nil, at: Forloop { index: 0, length: 0 } });
    }

    pub(super) fn turn(&mut self, item: Value, at: Forloop) {
        if let Some(turn) = self.loops.last_mut() {
            turn.item = item;
            turn.at = at;
        }
    }

    pub(super) fn leave(&mut self) {
        self.loops.pop();
    }
}
