//! What a template says, for those who read it instead of rendering it: its own words, where they stand, and what
//! stands for each value.

use crate::ast::{Block, Chain, Literal, Node, Operand, Otherwise, Step, Template};
use crate::place::Span;

/// A part of what a template says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words of the template itself, shown as they stand at this place. Nothing of it is markup, and neither is white
    /// space that markup takes away.
    Text(Span),
    /// A value.
    Value {
        /// Where it is asked for: what stands inside `{{ }}`.
        span: Span,
        /// What may be read in its stead: its default, or else what the variable is called. `order.ship_date` gives
        /// "ship date".
        words: String,
    },
    /// Parts of which one is shown: the branches of an `if` or a `case`; a loop and its `else`. The last one is empty
    /// where nothing may be shown.
    Choice(Vec<Vec<Piece>>),
    /// What a loop says each time.
    Loop(Vec<Piece>),
    /// What is not shown here: a `capture`.
    Aside(Vec<Piece>),
}

impl Template {
    /// What the template says, in the order of the source. It is nested no deeper than twice
    /// [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        pieces(&self.body)
    }

    /// The words of the template, of all its branches one after another, with white space collapsed. Where a value will
    /// stand, there is its default, or else what the variable is called: `order.ship_date` gives "ship date".
    #[must_use]
    pub fn prose(&self) -> String {
        let mut text = String::new();
        self.tell(&self.pieces(), &mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn tell(&self, pieces: &[Piece], text: &mut String) {
        for piece in pieces {
            match piece {
                Piece::Text(span) => text.push_str(span.of(&self.source)),
                Piece::Value { words, .. } => text.push_str(words),
                Piece::Choice(parts) => parts.iter().for_each(|part| self.tell(part, text)),
                Piece::Loop(body) | Piece::Aside(body) => self.tell(body, text),
            }
        }
    }
}

fn pieces(block: &Block) -> Vec<Piece> {
    let choice = |mut parts: Vec<Vec<Piece>>, otherwise: &Option<Otherwise>| {
        parts.push(otherwise.as_ref().map(|otherwise| pieces(&otherwise.body)).unwrap_or_default());
        Piece::Choice(parts)
    };
    let piece = |node: &Node| match node {
        Node::Text(span) => Some(Piece::Text(*span)),
        Node::Output(chain) => Some(Piece::Value { span: chain.span, words: stand_in(chain) }),
        Node::Assign { .. } | Node::Break(_) | Node::Continue(_) => None,
        Node::Capture { body, .. } => Some(Piece::Aside(pieces(body))),
        Node::If { branches, otherwise } => {
            Some(choice(branches.iter().map(|branch| pieces(&branch.body)).collect(), otherwise))
        }
        Node::Case { arms, otherwise, .. } => {
            Some(choice(arms.iter().map(|arm| pieces(&arm.body)).collect(), otherwise))
        }
        Node::For(each) => Some(choice(vec![vec![Piece::Loop(pieces(&each.body))]], &each.otherwise)),
    };
    block.iter().filter_map(piece).collect()
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

    /// Pieces as a person would note them down.
    fn noted(source: &str, pieces: &[Piece]) -> String {
        let noted = |pieces: &[Piece]| noted(source, pieces);
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Text(span) => format!("{:?}", span.of(source)),
            Piece::Value { span, words } => format!("<{} as {words}>", span.of(source).trim()),
            Piece::Choice(parts) => {
                format!("({})", parts.iter().map(|part| noted(part)).collect::<Vec<_>>().join(" | "))
            }
            Piece::Loop(body) => format!("[{}]*", noted(body)),
            Piece::Aside(body) => format!("({})?", noted(body)),
        });
        pieces.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pieces_tell_where_words_stand_and_which_are_alternatives() {
        let told = |source: &str| noted(source, &Template::parse(source).unwrap().pieces());
        assert_eq!(
            told("Hi {{ customer.name | default: 'there' }}{%- if a %} A{% elsif b %}B{% endif -%}  !"),
            r#""Hi " <customer.name | default: 'there' as there> (" A" | "B" | ) "!""#
        );
        assert_eq!(
            told("{% case a %}{% when 1 %}one{% else %}more{% endcase %}{% unless a %}c{% endunless %}"),
            r#"("one" | "more") ("c" | )"#
        );
        assert_eq!(told("{% for x in list %}{{ x }};{% else %}none{% endfor %}"), r#"([<x as x> ";"]* | "none")"#);
        assert_eq!(told("{% capture c %}d{% endcapture %}{% raw %}{{ e }}{% endraw %}"), r#"("d")? "{{ e }}""#);
    }
}
