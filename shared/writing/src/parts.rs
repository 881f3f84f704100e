//! The parts that a reply has, and those that it lacks.

use std::collections::HashMap;
use std::sync::LazyLock;

use romashka_liquid::{Span, Template};

use crate::finding::{Draft, Remedy, Rule};
use crate::language::Language;
use crate::lexicon::{Lexicon, normal};
use crate::phrases::upper_first;
use crate::reading::{Reading, Readings};
use crate::words::Sentence;
use crate::{Channel, Mood, Situation, tables};

/// Words of a text that must have all its parts; a shorter one is a snippet to be put into replies.
const LEAST_WORDS: usize = 5;
/// Words at the beginning among which a greeting is looked for.
const OPENING: usize = 10;
/// Tokens at the end among which a closing formula is looked for: signatures are long.
const ENDING: usize = 30;
/// Words of a line that may be a closing formula.
const CLOSING_WORDS: usize = 6;

/// A part of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Greeting,
    Apology,
    NextStep,
    Closing,
}

impl Part {
    const ALL: [Self; 4] = [Self::Greeting, Self::Apology, Self::NextStep, Self::Closing];

    /// Its name in the table.
    fn name(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Apology => "apology",
            Self::NextStep => "next_step",
            Self::Closing => "closing",
        }
    }

    fn is_expected(self, situation: &Situation<'_>) -> bool {
        match self {
            Self::Greeting | Self::Closing => situation.channel == Channel::Email,
            Self::Apology => situation.mood == Mood::Upset,
            Self::NextStep => true,
        }
    }

    fn rule(self) -> Rule {
        match self {
            Self::Greeting => Rule::MissingGreeting,
            Self::Apology => Rule::MissingApology,
            Self::NextStep => Rule::MissingNextStep,
            Self::Closing => Rule::MissingClosing,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Greeting => "it begins without a greeting",
            Self::Apology => "the customer is upset, and it does not say sorry",
            Self::NextStep => "it does not say what happens next, or what the customer can do",
            Self::Closing => "it ends without a closing formula",
        }
    }
}

/// How a language says its parts.
struct Wording {
    /// Words that tell a part.
    marks: Lexicon<Vec<Part>>,
    /// What is put in for a part that is missing.
    offers: HashMap<Part, &'static str>,
}

static WORDINGS: LazyLock<[Wording; 4]> = LazyLock::new(|| {
    Language::ALL.map(|language| {
        let (mut marks, mut offers) = (HashMap::<&str, Vec<Part>>::new(), HashMap::new());
        for [tag, part, usage, words] in tables::rows(include_str!("data/parts.tsv")) {
            let Some(part) = Part::ALL.into_iter().find(|one| tag == language.tag() && one.name() == part) else {
                continue;
            };
            if usage == "offer" {
                offers.insert(part, words);
            } else {
                marks.entry(words).or_default().push(part);
            }
        }
        Wording { marks: Lexicon::of(marks), offers }
    })
});

/// What a reading says of each part.
struct Heard<'reading> {
    reading: &'reading Reading,
    words: Vec<String>,
    marks: Vec<(usize, &'static Vec<Part>)>,
}

impl<'reading> Heard<'reading> {
    fn of(reading: &'reading Reading, wording: &'static Wording) -> Self {
        let words: Vec<String> = reading.tokens.iter().map(|token| normal(token.of(&reading.text))).collect();
        // Parts overlap where one mark stands inside another, so each word is tried.
        let marks = (0..words.len()).filter_map(|at| Some((at, wording.marks.at(&words, at)?.0))).collect();
        Self { reading, words, marks }
    }

    fn marks(&self, part: Part) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.marks.iter().filter(move |(_, parts)| parts.contains(&part)).map(|(at, _)| *at)
    }

    fn has(&self, part: Part) -> bool {
        match part {
            Part::Greeting => self.marks(part).any(|at| at < OPENING && self.opens(at)) || self.addresses_by_name(),
            Part::Apology | Part::NextStep => self.marks(part).next().is_some(),
            Part::Closing => self.closing().is_some() || self.is_signed(),
        }
    }

    /// Whether a token stands in no closing line: `Saludos` greets at the beginning, and takes leave at the end.
    fn opens(&self, at: usize) -> bool {
        let first = self.reading.sentences.first().is_some_and(|first| at < first.tokens.end);
        first || self.reading.sentences.last().is_some_and(|last| at < last.tokens.start)
    }

    /// `{{ customer.name }},` greets as well.
    fn addresses_by_name(&self) -> bool {
        let tokens = &self.reading.tokens;
        let Some(first) = tokens.first() else { return false };
        let named = tokens.iter().take_while(|token| self.reading.is_value(token.at.start)).count();
        self.reading.is_value(first.at.start)
            && self.words.get(named).is_some_and(|next| matches!(&**next, "," | "!" | ":"))
    }

    /// The line that begins the closing formula.
    fn closing(&self) -> Option<&'reading Sentence> {
        let from = self.words.len().saturating_sub(ENDING);
        self.marks(Part::Closing).filter(|at| *at >= from).find_map(|at| {
            let sentence = self.sentence(at)?;
            let words = self.reading.tokens[sentence.tokens.clone()].iter().filter(|token| token.is_word()).count();
            (words <= CLOSING_WORDS).then_some(sentence)
        })
    }

    /// Whether the last line is a value: a name, or a signature.
    fn is_signed(&self) -> bool {
        let last = self.reading.sentences.last();
        last.is_some_and(|last| {
            self.reading.tokens[last.tokens.clone()].iter().all(|token| self.reading.is_value(token.at.start))
        })
    }

    fn sentence(&self, token: usize) -> Option<&'reading Sentence> {
        let after = self.reading.sentences.partition_point(|sentence| sentence.tokens.end <= token);
        self.reading.sentences.get(after)
    }
}

/// The parts that a template lacks, each with what may be put in.
pub(crate) fn find(
    template: &Template,
    readings: &Readings,
    language: Language,
    situation: &Situation<'_>,
    drafts: &mut Vec<Draft>,
) {
    let Some(longest) = readings.longest() else { return };
    if longest.tokens.iter().filter(|token| token.is_word()).count() < LEAST_WORDS {
        return;
    }
    let wording = &WORDINGS[language as usize];
    let heard: Vec<Heard<'_>> = readings.all().map(|reading| Heard::of(reading, wording)).collect();
    let Some(heard_longest) = heard.iter().find(|heard| std::ptr::eq(heard.reading, longest)) else { return };
    let is_missing = |part: &Part| part.is_expected(situation) && !heard.iter().any(|heard| heard.has(*part));
    for part in Part::ALL.into_iter().filter(is_missing) {
        let Some(offer) = wording.offers.get(&part) else { continue };
        let put = match part {
            Part::Greeting => Some(greeting(template.source(), longest, offer)),
            Part::Apology => apology(heard_longest, language, offer),
            Part::NextStep => Some(next_step(template.source(), heard_longest, offer)),
            Part::Closing => Some((end(template.source()), format!("\n\n{offer}"))),
        };
        let (span, remedy) = match put {
            Some((span, words)) => (span, Remedy::Rewrite(words)),
            None => (Span::default(), Remedy::Hint(format!("put it in where it fits: “{offer}”"))),
        };
        drafts.push(Draft { rule: part.rule(), span, message: part.message().to_owned(), remedy });
    }
}

/// Before the first words, if they are shown always, or else before everything.
fn greeting(source: &str, reading: &Reading, offer: &str) -> (Span, String) {
    let first = reading.tokens.first().and_then(|first| reading.before(first.at.start));
    let at = first.unwrap_or(source.len() - source.trim_start().len());
    (Span::new(at, at), format!("{offer}\n\n"))
}

/// Before what follows the greeting, or before the first words where there is none.
fn apology(heard: &Heard<'_>, language: Language, offer: &str) -> Option<(Span, String)> {
    let reading = heard.reading;
    let sentence = reading.sentences.get(usize::from(heard.has(Part::Greeting)))?;
    let start = sentence.at.start;
    let at = reading.before(start)?;
    let first = reading.text[start..].chars().next()?;
    if !first.is_lowercase() {
        return Some((Span::new(at, at), format!("{offer} ")));
    }
    // The sentence went on from the greeting: now it begins one.
    let span = reading.own(start..start + first.len_utf8())?;
    let is_going_on = language == Language::German && reading.text[..start].trim_end().ends_with(',');
    let offer = if is_going_on { lower_first(offer) } else { (*offer).to_owned() };
    Some((span, format!("{offer} {}", upper_first(&first.to_string()))))
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Before the closing formula, or at the end.
fn next_step(source: &str, heard: &Heard<'_>, offer: &str) -> (Span, String) {
    let reading = heard.reading;
    let closing = heard.closing().map(|closing| closing.at.start).filter(|start| *start > 0);
    let Some((start, at)) = closing.and_then(|start| Some((start, reading.before(start)?))) else {
        return (end(source), format!("\n\n{offer}"));
    };
    let is_line = reading.text[..start].trim_end_matches([' ', '\t']).ends_with('\n');
    (Span::new(at, at), if is_line { format!("{offer}\n\n") } else { format!("{offer} ") })
}

/// Behind everything but white space.
fn end(source: &str) -> Span {
    let end = source.trim_end().len();
    Span::new(end, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{apply, review};

    fn parts(source: &str, language: Language, mood: Mood, channel: Channel) -> (Vec<Rule>, String) {
        let template = Template::parse(source).unwrap();
        let situation = Situation { language: Some(language.tag()), channel, mood, ..Situation::default() };
        let review = review(&template, &situation);
        let missing: Vec<_> =
            review.findings.iter().filter(|one| Part::ALL.iter().any(|part| part.rule() == one.rule)).collect();
        let ids: Vec<_> = missing.iter().filter(|one| one.rewrite.is_some()).map(|one| one.id.clone()).collect();
        let rules = missing.iter().map(|one| one.rule).collect();
        (rules, apply(&template, &review, &ids).unwrap())
    }

    #[test]
    fn what_is_missing_is_put_where_it_belongs() {
        let (rules, mended) = parts(
            "Your order {{ order.number }} is late.\n\nKind regards,\n{{ agent.name }}",
            Language::English,
            Mood::Upset,
            Channel::Email,
        );
        assert_eq!(rules, [Rule::MissingGreeting, Rule::MissingApology, Rule::MissingNextStep]);
        assert_eq!(
            mended,
            "Hello,\n\nI'm sorry for the trouble this has caused you. Your order {{ order.number }} is \
             late.\n\nIf you have any questions, just reply to this message and we'll be happy to \
             help.\n\nKind regards,\n{{ agent.name }}"
        );

        let (rules, mended) = parts(
            "Guten Tag {{ name }},\n\nihr Paket kommt morgen an.\n",
            Language::German,
            Mood::Upset,
            Channel::Email,
        );
        assert_eq!(rules, [Rule::MissingApology, Rule::MissingNextStep, Rule::MissingClosing]);
        assert_eq!(
            mended,
            "Guten Tag {{ name }},\n\nes tut uns leid, dass Ihnen dadurch Unannehmlichkeiten entstanden sind. \
             Ihr Paket kommt morgen an.\n\nWenn Sie Fragen haben, antworten Sie einfach auf diese Nachricht. Wir helfen Ihnen \
             gern.\n\nFreundliche Grüße\n"
        );

        let (rules, mended) =
            parts("Ваш заказ приедет завтра утром.", Language::Russian, Mood::Unknown, Channel::Email);
        assert_eq!(rules, [Rule::MissingGreeting, Rule::MissingNextStep, Rule::MissingClosing]);
        assert_eq!(
            mended,
            "Здравствуйте!\n\nВаш заказ приедет завтра утром.\n\n\
             Если у Вас есть вопросы, просто ответьте на это сообщение, и мы поможем.\n\nС уважением"
        );

        let (rules, mended) =
            parts("Su pedido llegará mañana temprano. Saludos", Language::Spanish, Mood::Upset, Channel::Email);
        assert_eq!(rules, [Rule::MissingGreeting, Rule::MissingApology, Rule::MissingNextStep]);
        assert_eq!(
            mended,
            "Hola:\n\nSentimos las molestias que esto le ha causado. Su pedido llegará mañana temprano. Si \
             tiene alguna duda, responda a este mensaje y le ayudaremos con mucho gusto. Saludos"
        );
    }

    #[test]
    fn what_a_template_lacks_depends_on_where_and_to_whom_it_goes() {
        let source = "Your order left our house today.";
        let rules = |mood, channel| parts(source, Language::English, mood, channel).0;
        assert_eq!(rules(Mood::Neutral, Channel::Chat), [Rule::MissingNextStep]);
        assert_eq!(rules(Mood::Upset, Channel::Other), [Rule::MissingApology, Rule::MissingNextStep]);
        assert_eq!(parts("Back soon.", Language::English, Mood::Upset, Channel::Email).0, []);
    }

    #[test]
    fn a_part_in_a_branch_or_by_a_value_is_there() {
        let there = |source: &str| parts(source, Language::English, Mood::Upset, Channel::Email).0;
        assert_eq!(
            there(
                "{% if vip %}Dear{% else %}Hello{% endif %} {{ n }},\n\n\
                 {% if late %}We're sorry. {% endif %}Reply any time.\n\n{{ signature }}"
            ),
            []
        );
        assert_eq!(there("{{ customer.name }}, sorry, please wait a little more.\nThanks!"), []);
        assert_eq!(
            there("{% if a %}Your order is on its way{% endif %}{%- if b %}, sorry.{% endif -%}"),
            [Rule::MissingGreeting, Rule::MissingNextStep, Rule::MissingClosing]
        );
    }

    #[test]
    fn what_is_put_in_is_found_again() {
        for language in Language::ALL {
            let source = "xx xx xx xx xx xx.";
            let (rules, mended) = parts(source, language, Mood::Upset, Channel::Email);
            assert_eq!(rules.len(), 4, "{language:?}");
            assert_eq!(parts(&mended, language, Mood::Upset, Channel::Email).0, [], "{mended}");
        }
    }
}
