//! A generalised reply, written as the answer to a new question.

use std::collections::BTreeMap;
use std::ops::Range;

use romashka_types::reply::{Act, Slot, SlotSource, ValueKind};

use super::reading::read;
use crate::recognise::Recognised;
use crate::tokens::{Kind, Token, begins_sentence, normal, tokens};

/// Values of the caller's context that are looked at.
pub const MAX_CONTEXT_VALUES: usize = 64;

/// Words that announce an identifier and go with it.
const LABELS: &[&str] =
    &["#", "№", "number", "no", "nr", "num", "id", "code", "nummer", "número", "numero", "номер", "номером", "numéro"];
/// Words that cannot end a phrase: without the slot behind them the sentence is broken.
const UNFINISHED: &[&str] = &[
    "a", "an", "the", "of", "with", "on", "at", "by", "for", "to", "from", "in", "under", "until", "is", "are", "was",
    "der", "die", "das", "den", "dem", "mit", "am", "im", "bis", "um", "auf", "unter", "von", "vom", "ist", "für",
    "el", "la", "los", "las", "del", "de", "con", "en", "por", "para", "al", "es", "hasta", "bajo", "в", "на", "с",
    "со", "по", "от", "до", "к", "под", "за", "из", "и", "le", "du", "au", "avec", "sous", "il", "di", "da", "do", "z",
    "pod", "dla", "van", "op", "met", "het",
];

/// Writes the answer. A slot takes its value from `context` by name or, where its value once came from the question, from
/// `question`. A sentence with an empty slot is left out, or shortened where it reads well without.
///
/// Returns `None` where no answer is left, or where a step of a list would be missing.
#[must_use]
pub fn fill(text: &str, slots: &[Slot], question: &str, context: &BTreeMap<String, String>) -> Option<String> {
    if !text.contains("{{") {
        return Some(capitalise(text));
    }
    let asked = tokens(question);
    let value = |name: &str| {
        if let Some(value) = context.get(name) {
            return Some(value.clone());
        }
        asked_for(slots.iter().find(|slot| slot.name == name)?, slots, question, &asked)
    };
    let mut written = String::new();
    for range in sentences(text) {
        let sentence = &text[range];
        match fill_sentence(sentence, &value) {
            Some(filled) => written.push_str(&filled),
            None if is_step(sentence) => return None,
            None => {
                // The break before the next sentence stays.
                if sentence.ends_with('\n') && !written.ends_with('\n') {
                    written.push('\n');
                }
            }
        }
    }
    let written = capitalise(&written);
    matches!(read(&written).act, Act::Answer | Act::Question).then_some(written)
}

/// The identifier in the question, if it has one and the reply one place for it: of two nobody knows which is meant.
/// Amounts and dates are never taken over, for what a customer claims is no promise of ours.
fn asked_for(slot: &Slot, slots: &[Slot], question: &str, asked: &[Token]) -> Option<String> {
    let takes = |slot: &&Slot| {
        slot.source == SlotSource::Question && matches!(slot.kind, ValueKind::Identifier | ValueKind::Number)
    };
    if !takes(&slot) || slots.iter().filter(takes).count() > 1 {
        return None;
    }
    let is_identifier = |token: &&Token| match token.kind {
        Kind::Value(Recognised::Id) => true,
        Kind::Value(Recognised::Number) => token.of(question).chars().filter(|char| char.is_numeric()).count() > 3,
        _ => false,
    };
    let mut found: Vec<&str> = asked.iter().filter(is_identifier).map(|token| token.of(question)).collect();
    found.sort_unstable();
    found.dedup();
    let [one] = found.as_slice() else { return None };
    Some((*one).to_owned())
}

/// Sentences with the white space behind them; together they are the text.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let tokens = tokens(text);
    let starts = (1..tokens.len())
        .filter(|at| begins_sentence(text, &tokens, *at) && !text[..tokens[*at].range().start].ends_with("{{ "));
    let mut starts: Vec<usize> = starts.map(|at| tokens[at].range().start).collect();
    // The mark of a list is of its sentence.
    starts.retain(|start| {
        let line = text[..*start].rfind('\n').map_or(0, |line| line + 1);
        let lead = text[line..*start].trim();
        lead.is_empty()
            || !lead.chars().all(|char| char.is_ascii_digit() || matches!(char, '.' | ')' | '-' | '*' | '•'))
    });
    starts.insert(0, 0);
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// Returns true for the item of a numbered list.
fn is_step(sentence: &str) -> bool {
    let rest = sentence.trim_start().trim_start_matches(|char: char| char.is_ascii_digit());
    rest.len() < sentence.trim_start().len() && rest.starts_with(['.', ')'])
}

fn fill_sentence(sentence: &str, value: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = sentence;
    while let Some(start) = rest.find("{{") {
        let end = start + rest[start..].find("}}")?;
        filled.push_str(&rest[..start]);
        let name = rest[start + 2..end].trim();
        rest = &rest[end + 2..];
        match value(name) {
            Some(value) => filled.push_str(&value),
            None => rest = left_out(name, &mut filled, rest)?,
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// Ends what is written so that nothing stands for a slot, and gives back what follows; `None` where that breaks the
/// sentence.
fn left_out<'rest>(name: &str, before: &mut String, after: &'rest str) -> Option<&'rest str> {
    let kept = before.trim_end().len();
    if name.ends_with("name") || name.contains("first_name") {
        // "Brian, if you like" and "Thank you, Eileen!"
        let opens = before[..kept].is_empty() || before[..kept].ends_with(['.', '!', '?', '\n']);
        if opens && let Some(rest) = after.strip_prefix([',', '!']) {
            return Some(rest.trim_start());
        }
        if before[..kept].ends_with(',') && after.starts_with(['.', '!', '?']) {
            before.truncate(kept - 1);
            return Some(after);
        }
        return None;
    }
    if !name.starts_with("order.") && !name.contains(".number") {
        return None;
    }
    before.truncate(kept);
    let hash = before.strip_suffix('#').map_or(before.as_str(), str::trim_end);
    let opened = hash.ends_with('(') && after.starts_with(')');
    if opened {
        before.truncate(hash.len() - 1);
    }
    if opened {
        before.truncate(before.trim_end().len());
    }
    while let Some(label) = last_word(before).filter(|word| LABELS.contains(&normal(word).as_str())) {
        let length = label.len();
        before.truncate(before.trim_end_matches(['.', ':']).len() - length);
        before.truncate(before.trim_end().len());
    }
    let last = last_word(before)?;
    if UNFINISHED.contains(&normal(last).as_str()) {
        return None;
    }
    Some(if opened { &after[1..] } else { after })
}

/// The last word of a text, or its last mark where no letter stands there.
fn last_word(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(['.', ':']);
    if text.ends_with(['#', '№']) {
        let (at, _) = text.char_indices().next_back()?;
        return Some(&text[at..]);
    }
    let start = text
        .rfind(|char: char| !char.is_alphanumeric())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    Some(&text[start..]).filter(|word| !word.is_empty())
}

/// The text with its first letter in upper case, without white space around it.
fn capitalise(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::replies::Corpus;

    fn named(slots: &[(&str, ValueKind, SlotSource)]) -> Vec<Slot> {
        slots
            .iter()
            .map(|(name, kind, source)| Slot { name: (*name).to_owned(), kind: *kind, source: *source })
            .collect()
    }

    const ORDER: (&str, ValueKind, SlotSource) = ("order.number", ValueKind::Identifier, SlotSource::Question);
    const DATE: (&str, ValueKind, SlotSource) = ("date", ValueKind::Date, SlotSource::Agent);
    const NAME: (&str, ValueKind, SlotSource) = ("customer.first_name", ValueKind::Name, SlotSource::Agent);

    fn filled(text: &str, slots: &[(&str, ValueKind, SlotSource)], question: &str) -> Option<String> {
        fill(text, &named(slots), question, &BTreeMap::new())
    }

    #[test]
    fn the_question_fills_what_a_question_once_brought() {
        let text = "your order {{ order.number }} can be cancelled in your account. It leaves on {{ date }}.";
        assert_eq!(
            filled(text, &[ORDER, DATE], "cancel AB-1043 please, I ordered on 1 May").as_deref(),
            Some("Your order AB-1043 can be cancelled in your account.")
        );
        assert_eq!(
            filled(text, &[ORDER, DATE], "how do I cancel?").as_deref(),
            Some("Your order can be cancelled in your account.")
        );
    }

    #[test]
    fn of_two_numbers_none_is_taken() {
        let text = "Your order {{ order.number }} can be changed in the account.";
        assert_eq!(
            filled(text, &[ORDER], "change AB-10432, sorry, I meant AB-10433").as_deref(),
            Some("Your order can be changed in the account.")
        );
    }

    #[test]
    fn the_context_fills_by_name() {
        let context = BTreeMap::from([("date".to_owned(), "2 May".to_owned())]);
        let filled = |context| fill("Your parcel leaves on {{ date }} at noon.", &named(&[DATE]), "when?", context);
        assert_eq!(filled(&context).as_deref(), Some("Your parcel leaves on 2 May at noon."));
        assert_eq!(filled(&BTreeMap::new()), None);
    }

    #[test]
    fn labels_go_with_what_they_announce_and_broken_sentences_are_left_out() {
        for (text, expected) in [
            ("You find order number {{ order.number }} in your account.", Some("You find order in your account.")),
            (
                "The order (#{{ order.number }}) can be changed in the account.",
                Some("The order can be changed in the account."),
            ),
            ("It is under {{ order.number }}. Open the page called Orders.", Some("Open the page called Orders.")),
            ("1. Open the page Orders.\n2. Look under {{ order.number }}.\n3. Press the red button.", None),
            ("{{ customer.first_name }}, you can do that in the account.", Some("You can do that in the account.")),
            ("{{ customer.first_name }}:\nYou can do that in the account.", Some("You can do that in the account.")),
            ("You can do that in the account, {{ customer.first_name }}!", Some("You can do that in the account!")),
            (
                "We told {{ customer.first_name }} to wait. You can do that in the account.",
                Some("You can do that in the account."),
            ),
        ] {
            assert_eq!(filled(text, &[ORDER, NAME], "how?").as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_slot_is_ever_shown(words in prop::collection::vec(prop_oneof![
            Just("word".to_owned()), Just("Order".to_owned()), Just("{{ order.number }}".to_owned()),
            Just("{{ date }}".to_owned()), Just(".".to_owned()), Just("\n".to_owned()), Just("1.".to_owned()),
            Just("{{ customer.first_name }},".to_owned()), Just("#".to_owned()), Just("{{ unknown }}".to_owned()),
        ], 0..30), question in "[a-zA-Z0-9 ]{0,20}") {
            let filled = filled(&words.join(" "), &[ORDER, DATE, NAME], &question);
            prop_assert!(filled.is_none_or(|filled| !filled.contains("{{")));
        }

        #[test]
        fn any_body_is_generalised_and_filled(body in "\\PC{0,120}", question in "\\PC{0,40}") {
            let generalised = Corpus::default().generalise(&body, &question);
            let filled = fill(&generalised.text, &generalised.slots, &question, &BTreeMap::new());
            prop_assert!(filled.is_none_or(|filled| !generalised.slots.iter().any(|slot| filled.contains(&slot.name))));
        }

        #[test]
        fn no_name_and_no_number_of_one_conversation_is_given_to_the_next(
            number in 10_000_u64..100_000_000,
            names in prop::sample::subsequence(vec!["Anna", "Tobias", "Marta", "Felix", "Ольга", "Иван"], 2),
            wording in 0_usize..4,
            asked_in in any::<bool>(),
        ) {
            let [customer, agent] = names.as_slice() else { unreachable!() };
            let body = [
                "your order {} has left our house. Parcels take three days.",
                "parcels take three days. Your order {} is on its way.",
                "Refunds take five days. We have noted the number {}.",
                "Деньги вернутся за пять дней. Заказ {} уже оформлен.",
            ][wording].replace("{}", &number.to_string());
            let reply = [
                format!("Hello {customer}, {body}\nKind regards,\n{agent}"),
                format!("{customer}, здравствуйте! {body}\nС уважением, {agent}"),
            ][usize::from(wording == 3)].clone();
            let question = if asked_in { format!("what about {number}?") } else { "what about it?".to_owned() };
            let read = read(&reply);
            let mut corpus = Corpus::default();
            corpus.observe("one", &question, &read);
            corpus.observe("other", "how long?", &super::super::read("Parcels take three days, and refunds five."));
            let generalised = corpus.generalise(&read.body, &question);
            let filled = fill(&generalised.text, &generalised.slots, "and mine?", &BTreeMap::new());
            prop_assert!(filled.is_some(), "{generalised:?}");
            let filled = filled.unwrap_or_default();
            for own in [&number.to_string(), *customer, *agent] {
                prop_assert!(!filled.contains(own), "{own} in {filled:?}");
            }
        }
    }
}
