//! Proposals written as Liquid, and read again.

use crate::pattern::Piece;

/// What a source consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'source> {
    Text(&'source str),
    Variable(&'source str),
}

/// The source of a pattern with the names of its variables in order.
pub(crate) fn written(pieces: &[Piece], names: &[String]) -> String {
    let mut source = String::new();
    let mut literal = String::new();
    let mut names = names.iter();
    for piece in pieces {
        match piece {
            Piece::Literal { glue, text, .. } => {
                literal.push_str(glue);
                literal.push_str(text);
            }
            Piece::Slot { glue, .. } => {
                literal.push_str(glue);
                escape_into(&mut source, &literal, true);
                literal.clear();
                if let Some(name) = names.next() {
                    source.push_str(&format!("{{{{ {name} }}}}"));
                }
            }
        }
    }
    escape_into(&mut source, &literal, false);
    source
}

/// Braces that Liquid would read as its own become texts in quotes: `{{ '{{' }}`.
fn escape_into(source: &mut String, literal: &str, before_variable: bool) {
    let mut rest = literal;
    while let Some(start) = rest.find('{') {
        source.push_str(&rest[..start]);
        let run = rest[start..].find(|char| !matches!(char, '{' | '%')).unwrap_or(rest.len() - start);
        let (braces, after) = rest[start..].split_at(run);
        let opens = braces.contains("{{") || braces.contains("{%");
        if opens || (after.is_empty() && before_variable && braces.ends_with('{')) {
            source.push_str(&format!("{{{{ '{braces}' }}}}"));
        } else {
            source.push_str(braces);
        }
        rest = after;
    }
    source.push_str(rest);
}

/// The parts of a source that [`written`] wrote; `None` for any other markup.
pub(crate) fn parts(source: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = source;
    loop {
        let opening = rest.match_indices('{').find(|(at, _)| matches!(rest.as_bytes().get(at + 1), Some(b'{' | b'%')));
        let Some((start, _)) = opening else {
            parts.push(Part::Text(rest));
            return Some(parts);
        };
        parts.push(Part::Text(&rest[..start]));
        let inside = rest[start..].strip_prefix("{{ ")?;
        if let Some(quoted) = inside.strip_prefix('\'') {
            let (braces, after) = quoted.split_once("' }}")?;
            parts.push(Part::Text(braces));
            rest = after;
        } else {
            let (name, after) = inside.split_once(" }}")?;
            if name.is_empty() || name.contains(|char: char| char.is_whitespace() || matches!(char, '|' | '\'' | '"')) {
                return None;
            }
            parts.push(Part::Variable(name));
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use romashka_liquid::Template;

    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal {
            glue: String::new(),
            text: text.to_owned(),
            key: 1,
            exact: 1,
            is_word: true,
            begins_sentence: false,
        }
    }

    fn slot(glue: &str) -> Piece {
        Piece::Slot { glue: glue.to_owned(), placeholder: None }
    }

    #[test]
    fn braces_are_shown_and_not_read() {
        let pieces = [literal("{{ a }} {% b %} {c} {"), slot("")];
        let source = written(&pieces, &["x".to_owned()]);
        assert_eq!(source, "{{ '{{' }} a }} {{ '{%' }} b %} {c} {{ '{' }}{{ x }}");
        assert_eq!(written(&[literal("{"), slot(" ")], &["x".to_owned()]), "{ {{ x }}");
        assert_eq!(parts("{{ a | upcase }}"), None);
        assert_eq!(parts("{% if a %}"), None);
        assert_eq!(parts("{{ a"), None);
    }

    proptest! {
        #[test]
        fn every_source_parses_and_is_read_again(texts in prop::collection::vec("[{}% a'\"-]{0,8}", 1..6)) {
            let mut pieces = Vec::new();
            for text in &texts {
                pieces.extend([literal(text), slot("")]);
            }
            let names: Vec<String> = (0..texts.len()).map(|at| format!("v{at}")).collect();
            let source = written(&pieces, &names);
            let template = Template::parse(&source).unwrap();
            let variables: Vec<String> = template.variables().into_iter().map(|variable| variable.name).collect();
            prop_assert_eq!(variables, names);
            let read: String = parts(&source).unwrap().into_iter().map(|part| match part {
                Part::Text(text) => text,
                Part::Variable(_) => "X",
            }).collect();
            prop_assert_eq!(read, texts.iter().map(|text| format!("{text}X")).collect::<String>());
        }
    }
}
