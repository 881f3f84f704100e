//! What a template says, for those who look for it: its own words, with what stands for each variable.

use crate::ast::{Block, Chain, Literal, Node, Operand, Otherwise, Step, Template};

impl Template {
    /// The words of the template, of all its branches one after another, with white space collapsed. Where a value will
    /// stand, there is its default, or else what the variable is called: `order.ship_date` gives "ship date".
    #[must_use]
    pub fn prose(&self) -> String {
        let mut text = String::new();
        self.tell(&self.body, &mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn tell(&self, block: &Block, text: &mut String) {
        let otherwise = |otherwise: &Option<Otherwise>, text: &mut String| {
            if let Some(otherwise) = otherwise {
                self.tell(&otherwise.body, text);
            }
        };
        for node in block {
            match node {
                Node::Text(span) => text.push_str(span.of(&self.source)),
                Node::Output(chain) => text.push_str(&stand_in(chain)),
                Node::Assign { .. } | Node::Break(_) | Node::Continue(_) => {}
                Node::Capture { body, .. } => self.tell(body, text),
                Node::If { branches, otherwise: last } => {
                    branches.iter().for_each(|branch| self.tell(&branch.body, text));
                    otherwise(last, text);
                }
                Node::Case { arms, otherwise: last, .. } => {
                    arms.iter().for_each(|arm| self.tell(&arm.body, text));
                    otherwise(last, text);
                }
                Node::For(each) => {
                    self.tell(&each.body, text);
                    otherwise(&each.otherwise, text);
                }
            }
        }
    }
}

fn stand_in(chain: &Chain) -> String {
    let default =
        chain.calls.iter().filter(|call| call.filter.name == "default").find_map(|call| match call.arguments.first() {
            Some(Operand::Literal(Literal::Text(text), _)) => Some(text.to_string()),
            _ => None,
        });
    default.unwrap_or_else(|| match &chain.first {
        Operand::Literal(Literal::Text(text), _) => text.to_string(),
        Operand::Literal(..) => String::new(),
        Operand::Variable(path) => {
            let keys = path.steps.iter().rev().find_map(|step| match step {
                Step::Key(key) => Some(key),
                Step::Index(_) => None,
            });
            keys.unwrap_or(&path.root.text).replace('_', " ")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_told_as_people_would() {
        let prose = |source: &str| Template::parse(source).unwrap().prose();
        assert_eq!(
            prose(
                "Hello {{ customer.name | default: \"there\" }},\n\nyour order {{ order.ship_date | date: 'long' }} is late."
            ),
            "Hello there, your order ship date is late."
        );
        assert_eq!(prose("{% if a %}Yes.{% else %}No.{% endif %}{% for x in list %} {{ x }}{% endfor %}"), "Yes.No. x");
        assert_eq!(prose("{% raw %}{{ code }}{% endraw %}{% comment %}hidden{% endcomment %}"), "{{ code }}");
        assert_eq!(prose("{{ items[0] }}{{ 1 }}{{ 'words' }}"), "itemswords");
    }
}
