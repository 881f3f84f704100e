//! What a template needs to be given, read off the template itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Literal, Template};
use crate::filters::Type;
use crate::place::{Place, Span};
use crate::uses::Taken;

/// A variable that a template uses, and what its uses tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name, such as `customer.name`.
    pub name: String,
    /// What every use takes it for; [`Type::Any`] where uses tell nothing, or different things.
    pub taken_for: Type,
    /// Texts that it is compared with: what it may be, where there is a choice.
    pub options: Vec<String>,
    /// What stands in for it where it is nothing, as text, if each of its uses names the same.
    pub default: Option<String>,
    /// Where it stands, in order.
    pub places: Vec<Place>,
}

impl Template {
    /// The variables of the template, by name. What the template assigns itself is none.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        #[derive(Default)]
        struct Seen {
            types: BTreeSet<Type>,
            options: BTreeSet<String>,
            defaults: BTreeSet<String>,
            spans: BTreeSet<Span>,
            defaulted: BTreeSet<Span>,
        }
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        for one in self.uses().of_context {
            let seen = seen.entry(one.name).or_default();
            seen.spans.insert(one.span);
            match one.taken {
                Taken::AsIs | Taken::As(Type::Any, _) => {}
                Taken::As(kind, _) => {
                    seen.types.insert(kind);
                }
                Taken::Against(literal) => {
                    seen.types.extend(type_of(&literal));
                    if let Literal::Text(text) = literal {
                        seen.options.insert(text.to_string());
                    }
                }
                Taken::Default(literal) => {
                    seen.types.extend(type_of(&literal));
                    seen.defaults.extend(written(&literal));
                    seen.defaulted.insert(one.span);
                }
            }
        }
        seen.into_iter()
            .map(|(name, seen)| {
                let always = seen.defaulted.len() == seen.spans.len() && seen.defaults.len() == 1;
                Variable {
                    name,
                    taken_for: match seen.types.iter().collect::<Vec<_>>()[..] {
                        [one] => *one,
                        _ => Type::Any,
                    },
                    options: seen.options.into_iter().collect(),
                    default: always.then(|| seen.defaults.into_iter().next()).flatten(),
                    places: seen.spans.into_iter().map(|span| self.place(span)).collect(),
                }
            })
            .collect()
    }
}

/// What a literal is, where it says so.
pub(crate) fn type_of(literal: &Literal) -> Option<Type> {
    match literal {
        Literal::Integer(_) | Literal::Float(_) => Some(Type::Number),
        Literal::Text(_) => Some(Type::Text),
        Literal::Nil | Literal::Bool(_) | Literal::Empty | Literal::Blank => None,
    }
}

fn written(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Integer(integer) => Some(integer.to_string()),
        Literal::Float(float) => Some(float.to_string()),
        Literal::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(source: &str) -> Vec<(String, Type)> {
        let variables = Template::parse(source).unwrap().variables();
        variables.into_iter().map(|variable| (variable.name, variable.taken_for)).collect()
    }

    #[test]
    fn uses_tell_what_a_variable_is() {
        let source = "{{ name | upcase }} {{ total | plus: 1 }} {{ sent | date: 'long' }} {% for item in order.items %}{{ item.name }}\
                      {% endfor %}{{ note }}{% if count > 3 %}{% endif %}";
        assert_eq!(
            variables(source),
            [
                ("count".to_owned(), Type::Number),
                ("name".to_owned(), Type::Text),
                ("note".to_owned(), Type::Any),
                ("order.items".to_owned(), Type::List),
                ("sent".to_owned(), Type::Date),
                ("total".to_owned(), Type::Number),
            ]
        );
    }

    #[test]
    fn what_a_template_gives_itself_is_no_variable() {
        let source = "{% assign a = b %}{{ a }}{% capture c %}{{ d }}{% endcapture %}{{ c }}\
                      {% for e in (1..f) %}{{ e }}{{ forloop.index }}{% endfor %}{{ e }}{{ forloop }}";
        let names: Vec<_> = variables(source).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["b", "d", "e", "f", "forloop"]);
    }

    #[test]
    fn choices_and_defaults_are_read_off() {
        let source = "{% case plan %}{% when 'free', 'pro' %}{% when 'team' %}{% endcase %}{{ name | default: 'there' }}\
                      {{ name | default: 'there' | upcase }}{{ items[0].sku }}{{ items.size }}";
        let variables = Template::parse(source).unwrap().variables();
        assert_eq!(variables[2].options, ["free", "pro", "team"]);
        assert_eq!((variables[1].default.as_deref(), variables[1].taken_for), (Some("there"), Type::Text));
        assert_eq!((&*variables[0].name, variables[0].taken_for, variables[0].places.len()), ("items", Type::Any, 2));
    }
}
