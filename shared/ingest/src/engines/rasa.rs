//! Rasa's training data in YAML and in Markdown; that in JSON is a list of rows.
//!
//! Format: <https://rasa.com/docs/rasa/nlu-training-data/>.

use std::iter::Peekable;

use saphyr_parser::{Event, Parser, ScanError, Span};

use super::{Example, without_marks};
use crate::errors::FileError;
use crate::limits::Limits;

/// Bytes of a label.
const LABEL_BYTES: usize = 400;

/// Returns true if a text in YAML is training data.
pub(crate) fn is_yaml(text: &str) -> bool {
    let has = |mark: &str| text.lines().any(|line| line.trim_start().starts_with(mark));
    text.lines().any(|line| line.trim_end() == "nlu:") && has("- intent:")
}

/// Returns true if a text in Markdown is training data.
pub(crate) fn is_markdown(text: &str) -> bool {
    text.lines().any(|line| intent_of(line).is_some())
}

/// The intent that a heading of Markdown names.
fn intent_of(line: &str) -> Option<&str> {
    let name = line.strip_prefix("##")?.trim_start().strip_prefix("intent:")?.trim();
    is_label(name).then_some(name)
}

/// Returns true if a name may be a label: it stands beside every example.
fn is_label(name: &str) -> bool {
    (1..=LABEL_BYTES).contains(&name.len())
}

/// Examples of a document in Markdown: the items under headings of intents.
pub(super) fn of_markdown(document: &str) -> Vec<Example> {
    let mut intent = None;
    let mut examples = Vec::new();
    for (number, line) in document.lines().enumerate() {
        if line.starts_with('#') {
            intent = intent_of(line);
        } else if let (Some(intent), Some(item)) = (intent, item(line)) {
            examples.push(Example { row: number as u64 + 1, text: without_marks(item), intent: intent.to_owned() });
        }
    }
    examples
}

/// The text of an item of a list.
fn item(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(['-', '*', '+'])?.strip_prefix(' ').map(str::trim).filter(|item| !item.is_empty())
}

/// Examples of a document in YAML.
pub(super) fn of_yaml(document: &str, limits: &Limits) -> Result<Vec<Example>, FileError> {
    let mut events = Parser::new_from_str(document).peekable();
    let mut examples = Vec::new();
    while let Some(event) = events.next() {
        if let Event::DocumentStart(_) = event.map_err(|error| broken(&error))?.0 {
            let root = Node::next(&mut events, limits.json_depth)?;
            for entry in root.of("nlu").map(Node::items).unwrap_or_default() {
                examples.extend(of_entry(entry));
            }
        }
    }
    Ok(examples)
}

fn of_entry(entry: &Node) -> Vec<Example> {
    let Some((intent, _)) = entry.of("intent").and_then(Node::scalar).filter(|(name, _)| is_label(name)) else {
        return Vec::new();
    };
    let Some(list) = entry.of("examples") else { return Vec::new() };
    let example =
        |row: usize, text: &str| Example { row: row as u64, text: without_marks(text), intent: intent.to_owned() };
    if let Some((block, first)) = list.scalar() {
        // A block begins on the line after its mark.
        let lines = block.lines().enumerate();
        return lines.filter_map(|(at, line)| Some(example(first + at, item(line)?))).collect();
    }
    let text = |node: &Node| {
        let (text, row) = node.scalar().or_else(|| node.of("text")?.scalar())?;
        let text = item(text).unwrap_or(text).trim();
        (!text.is_empty()).then(|| example(row, text))
    };
    list.items().iter().filter_map(text).collect()
}

fn broken(error: &ScanError) -> FileError {
    FileError::BrokenYaml { line: error.marker().line() }
}

/// A value of YAML. An alias is nothing: Rasa's files have none, and expanding them is how small files become large.
enum Node {
    Scalar(String, usize),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Nothing,
}

type Events<'text> = Peekable<Parser<'text, saphyr_parser::StrInput<'text>>>;

impl Node {
    fn next(events: &mut Events<'_>, depth: usize) -> Result<Self, FileError> {
        let Some(event) = events.next() else { return Ok(Self::Nothing) };
        let (event, span): (Event<'_>, Span) = event.map_err(|error| broken(&error))?;
        let line = span.start.line();
        let Some(deeper) = depth.checked_sub(1) else { return Err(FileError::BrokenYaml { line }) };
        let ends = |events: &mut Events<'_>, end: &Event<'_>| match events.peek() {
            Some(Ok((event, _))) => event == end,
            // The next call reports it.
            Some(Err(_)) => false,
            None => true,
        };
        match event {
            Event::Scalar(text, ..) => Ok(Self::Scalar(text.into_owned(), line)),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                while !ends(events, &Event::SequenceEnd) {
                    list.push(Self::next(events, deeper)?);
                }
                events.next();
                Ok(Self::List(list))
            }
            Event::MappingStart(..) => {
                let mut map = Vec::new();
                while !ends(events, &Event::MappingEnd) {
                    map.push((Self::next(events, deeper)?, Self::next(events, deeper)?));
                }
                events.next();
                Ok(Self::Map(map))
            }
            _ => Ok(Self::Nothing),
        }
    }

    fn scalar(&self) -> Option<(&str, usize)> {
        match self {
            Self::Scalar(text, line) => Some((text, *line)),
            _ => None,
        }
    }

    fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    fn of(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.scalar().is_some_and(|(name, _)| name == key)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(examples: &[Example]) -> Vec<(u64, &str, &str)> {
        examples.iter().map(|it| (it.row, it.intent.as_str(), it.text.as_str())).collect()
    }

    #[test]
    fn yaml_is_read_with_examples_as_a_block_and_as_a_list() {
        let document = "version: \"3.1\"\nnlu:\n- intent: stock\n  examples: |\n    - is the [shelf](item) there\n    - any left?\n\
                        - lookup: item\n  examples: |\n    - shelf\n- intent: faq/pay\n  examples:\n  - text: can I pay later\n    \
                        metadata: {}\n  - in cash?\n";
        let examples = of_yaml(document, &Limits::default()).unwrap();
        assert_eq!(told(&examples)[..2], [(5, "stock", "is the shelf there"), (6, "stock", "any left?")]);
        let texts: Vec<_> = examples[2..].iter().map(|it| (it.intent.as_str(), it.text.as_str())).collect();
        assert_eq!(texts, [("faq/pay", "can I pay later"), ("faq/pay", "in cash?")]);
        assert!(is_yaml(document));
    }

    #[test]
    fn markdown_is_read_under_headings_of_intents() {
        let document = "## intent:stock\n- is the [shelf](item) there\n* any left?\n\n## synonym:shelf\n- board\n";
        let examples = of_markdown(document);
        assert_eq!(told(&examples), [(2, "stock", "is the shelf there"), (3, "stock", "any left?")]);
        assert!(is_markdown(document) && !is_markdown("## Returns\n- by post\n"));
    }

    #[test]
    fn broken_and_hostile_yaml_is_refused_with_its_line() {
        for document in
            ["nlu:\n- intent: a\n  examples: [\n", &format!("nlu: {}", "[".repeat(10_000)), "nlu: &a [*a, *a]\nx: \""]
        {
            assert!(matches!(of_yaml(document, &Limits::default()), Err(FileError::BrokenYaml { .. })), "{document}");
        }
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nnlu: [*c,*c,*c]\n";
        assert_eq!(of_yaml(bomb, &Limits::default()).unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(nlu:\n|- intent: a\n|  examples: \\|\n|    - b\n|[\\[\\]{}:&*|>\n -]){0,12}") {
            let _ = of_yaml(&text, &Limits::default());
            of_markdown(&text);
        }
    }
}
