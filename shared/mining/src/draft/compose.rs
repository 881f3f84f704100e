//! Chosen sentences put together as a template.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use romashka_liquid::{Template, Type};

use super::nearness::stem;
use super::outputs::{is_stand_in, written};
use super::reading::{Lead, Sentence};
use super::{Cluster, Draft, DraftSentence, FEW_EXEMPLARS, Material, Warning, compared, keys};
use crate::alignment::pair_within;
use crate::matching::Matcher;
use crate::naming::{Frequencies, STOP_WORDS, Unnamed, names_beside, title, wished};
use crate::pattern::{self, Passage, Piece, literals};
use crate::recognise::{PLACEHOLDERS, Recognised};
use crate::slots::{number, typed};
use crate::tokens::{Kind, Token, key_of, key_of_value, normal, tokens};
use crate::{Slot, SlotKind, source};

/// Words by which goals are put, and that no reply need say.
const GOAL_WORDS: &[&str] = &[
    "tell",
    "inform",
    "explain",
    "say",
    "write",
    "reply",
    "answer",
    "ask",
    "let",
    "know",
    "customer",
    "customers",
    "client",
    "user",
    "response",
    "template",
    "message",
    "how",
    "want",
    "need",
    "help",
    "make",
    "give",
    "try",
    "kunde",
    "kunden",
    "kundin",
    "mitteilen",
    "sagen",
    "erklären",
    "antworten",
    "antwort",
    "cliente",
    "clientes",
    "decir",
    "informar",
    "explicar",
    "responder",
    "respuesta",
    "клиент",
    "клиенту",
    "клиента",
    "сообщить",
    "сказать",
    "объяснить",
    "ответить",
    "ответ",
];

/// A variable of a chosen sentence.
struct Found {
    /// Where it stands among the draft's pieces.
    piece: usize,
    is: Is,
}

enum Is {
    /// What a template puts there.
    Output(String),
    Variable {
        placeholder: Option<u8>,
        recognised: Option<Recognised>,
        values: BTreeMap<usize, String>,
        signs: bool,
    },
}

/// The draft of clusters in their order.
pub(super) fn composed(material: &Material, chosen: &[usize]) -> Draft {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut page = Page::default();
    for cluster in chosen {
        let sentence = material.model(*cluster);
        let (said, variables) = said(material, *cluster);
        let Led { glue, mark, begins_sentence } = page.lead(sentence, &said);
        let glue = match mark {
            Some(mark) => {
                pieces.push(mark_piece(mark, glue));
                " ".to_owned()
            }
            None => glue,
        };
        let start = pieces.len();
        pieces.extend(said);
        if let Some(first) = pieces.get_mut(start) {
            set_glue(first, glue);
            if begins_sentence {
                capitalise(first);
            }
        }
        found.extend(variables.into_iter().map(|one| Found { piece: start + one.piece, is: one.is }));
        ranges.push(start..pieces.len());
    }
    told(material, chosen, &pieces, &found, &ranges)
}

/// What stands between sentences.
#[derive(Default)]
struct Page {
    has_begun: bool,
    was_item: bool,
    /// The number of the last item.
    item: usize,
    /// Whether the sentence before ends as one that another may go on in small letters.
    is_open: bool,
    /// The exemplar and number of the sentence before.
    before: Option<(usize, usize)>,
}

struct Led {
    glue: String,
    mark: Option<String>,
    begins_sentence: bool,
}

impl Page {
    fn lead(&mut self, sentence: &Sentence, said: &[Piece]) -> Led {
        let is_item = sentence.lead != Lead::None;
        let follows = self.before == Some((sentence.exemplar, sentence.number.wrapping_sub(1)));
        let breaks = match (self.has_begun, is_item, self.was_item) {
            (false, ..) => 0,
            (true, true, _) => sentence.breaks.max(1),
            (true, false, true) if !follows => 2,
            _ => sentence.breaks,
        };
        if is_item && !self.was_item && breaks > 1 {
            self.item = 0;
        }
        let mark = match &sentence.lead {
            Lead::None => None,
            Lead::Number(mark) => {
                self.item += 1;
                Some(format!("{}{mark}", self.item))
            }
            Lead::Bullet(mark) => Some(mark.clone()),
        };
        let led = Led {
            glue: match breaks {
                0 if self.has_begun => " ".to_owned(),
                breaks => "\n".repeat(breaks),
            },
            begins_sentence: sentence.continues && (!self.is_open || breaks > 0),
            mark,
        };
        self.was_item = is_item || (self.was_item && breaks == 0 && follows);
        self.has_begun = true;
        self.is_open = matches!(said.last(), Some(Piece::Literal { text, .. }) if text == ",");
        self.before = Some((sentence.exemplar, sentence.number));
        led
    }
}

fn mark_piece(text: String, glue: String) -> Piece {
    let key = key_of(&text);
    Piece::Literal { glue, text, key, exact: key, is_word: false, begins_sentence: true }
}

fn set_glue(piece: &mut Piece, with: String) {
    let (Piece::Literal { glue, .. } | Piece::Slot { glue, .. }) = piece;
    *glue = with;
}

/// Begins a sentence with what went on with one.
fn capitalise(piece: &mut Piece) {
    if let Piece::Literal { text, begins_sentence, is_word: true, .. } = piece {
        let mut chars = text.chars();
        let first = chars.next().map(char::to_uppercase).into_iter().flatten();
        *text = first.chain(chars).collect();
        *begins_sentence = true;
    }
}

/// What a cluster says, and its variables by their places in that.
fn said(material: &Material, cluster: usize) -> (Vec<Piece>, Vec<Found>) {
    let cluster = &material.clusters[cluster];
    let members: Vec<&Sentence> = compared(cluster).iter().map(|at| &material.sentences[*at]).collect();
    let passages: Vec<Passage<'_>> = members.iter().map(|sentence| material.passage(sentence)).collect();
    let signs = members[0].signs;
    let mut texts: BTreeSet<Vec<u64>> = BTreeSet::new();
    for passage in &passages {
        texts.insert(passage.tokens().iter().map(|token| token.exact(passage.text)).collect());
    }
    let whole = || literals(&passages[0], 0..passages[0].tokens().len(), "");
    let mut pieces = if signs && (texts.len() > 1 || members.len() == 1) && !is_of_team(&passages[0]) {
        signature(&passages[0])
    } else if texts.len() == 1 {
        whole()
    } else {
        pattern::common(&passages, &mut { u64::MAX })
            .filter(|pieces| says_most(pieces, &passages[0]))
            .unwrap_or_else(whole)
    };
    let of: BTreeSet<usize> = members.iter().map(|sentence| sentence.exemplar).collect();
    let has_few = of.len() < FEW_EXEMPLARS;
    generalise(&mut pieces, has_few, &differing(material, cluster, &passages[0]));
    let values = values(&members, &passages, &pieces);
    let found = pieces.iter_mut().enumerate().filter_map(|(at, piece)| {
        let said = values.get(&at);
        // Where templates are among the members, they know what it is called.
        let expression = match piece {
            Piece::Literal { text, .. } => material.outputs.expression(text),
            Piece::Slot { .. } => {
                said.and_then(|said| said.values().find_map(|said| material.outputs.expression(&said.text)))
            }
        };
        if let Some(expression) = expression {
            let (Piece::Literal { glue, .. } | Piece::Slot { glue, .. }) = piece;
            *piece = Piece::Slot { glue: std::mem::take(glue), placeholder: None };
            return Some(Found { piece: at, is: Is::Output(expression.to_owned()) });
        }
        let Piece::Slot { placeholder, .. } = piece else { return None };
        let recognised = said.and_then(|said| said.values().find_map(|said| said.recognised));
        let values = said.into_iter().flatten().map(|(exemplar, said)| (*exemplar, said.text.clone())).collect();
        Some(Found { piece: at, is: Is::Variable { placeholder: *placeholder, recognised, values, signs } })
    });
    let found = found.collect();
    (pieces, found)
}

fn is_of_team(passage: &Passage<'_>) -> bool {
    passage.tokens().iter().any(|token| {
        is_stand_in(token.of(passage.text)) || token.placeholder().is_some() || normal(token.of(passage.text)) == "team"
    })
}

/// A variable for who signs, and the marks after it.
fn signature(passage: &Passage<'_>) -> Vec<Piece> {
    let last = passage.tokens().iter().rposition(Token::is_word).unwrap_or_default();
    let mut pieces = vec![Piece::Slot { glue: String::new(), placeholder: None }];
    pieces.extend(literals(passage, last + 1..passage.tokens().len(), ""));
    pieces
}

/// Whether a pattern still says at least half of what its leader does, variables included.
fn says_most(pieces: &[Piece], leader: &Passage<'_>) -> bool {
    let said = pieces.iter().filter(|piece| matches!(piece, Piece::Slot { .. } | Piece::Literal { is_word: true, .. }));
    2 * said.count() >= keys(leader.tokens(), leader.text).len() && !pieces.is_empty()
}

/// Values of a sentence in whose place another sentence of the family has another value, as [`Token::exact`] tells them.
fn differing(material: &Material, cluster: &Cluster, leader: &Passage<'_>) -> BTreeSet<u64> {
    let keys = |passage: &Passage<'_>| passage.tokens().iter().map(|token| token.key).collect::<Vec<_>>();
    let own = keys(leader);
    let mut differing = BTreeSet::new();
    for other in material.clusters.iter().filter(|other| other.family == cluster.family) {
        for at in compared(other) {
            let other = material.passage(&material.sentences[*at]);
            let pairs = pair_within(&own, &keys(&other), &mut { u64::MAX }).unwrap_or_default();
            for (token, partner) in leader.tokens().iter().zip(pairs) {
                let exact = token.exact(leader.text);
                let is_value = matches!(token.kind, Kind::Value(_));
                if is_value && partner.is_some_and(|partner| other.tokens()[partner].exact(other.text) != exact) {
                    differing.insert(exact);
                }
            }
        }
    }
    differing
}

/// Makes variables of values that differ in the family, of names in any case, and, where there is little to compare with, of
/// identifiers, amounts and dates.
fn generalise(pieces: &mut [Piece], has_few: bool, differing: &BTreeSet<u64>) {
    let likely = [Recognised::Id, Recognised::Money, Recognised::Date].map(key_of_value);
    let (name, digits) = (key_of_value(Recognised::Name), key_of_value(Recognised::Number));
    for piece in pieces {
        let Piece::Literal { glue, text, key, exact, .. } = piece else { continue };
        let placeholder = placeholder_of(*key);
        let is_long_number = *key == digits && number(text).is_none();
        let is_likely = has_few && (likely.contains(key) || is_long_number);
        if placeholder.is_some() || *key == name || is_likely || differing.contains(exact) {
            *piece = Piece::Slot { glue: std::mem::take(glue), placeholder };
        }
    }
}

/// The placeholder of redaction that a key is of.
fn placeholder_of(key: u64) -> Option<u8> {
    (0..).zip(PLACEHOLDERS).map(|(place, _)| place).find(|place| key_of_value(Recognised::Placeholder(*place)) == key)
}

struct Said {
    text: String,
    recognised: Option<Recognised>,
}

/// What the members say in the place of each variable, by the exemplar.
fn values(members: &[&Sentence], passages: &[Passage<'_>], pieces: &[Piece]) -> BTreeMap<usize, BTreeMap<usize, Said>> {
    let matcher = Matcher::of_pieces(pieces);
    let mut values: BTreeMap<usize, BTreeMap<usize, Said>> = BTreeMap::new();
    for (sentence, passage) in members.iter().zip(passages) {
        let filled = matcher.find_in(passage);
        for (piece, value) in filled.into_iter().flat_map(|filled| filled.values) {
            let tokens = passage.tokens().get(value.clone()).unwrap_or_default();
            let has_name = tokens.iter().any(|token| token.kind == Kind::Value(Recognised::Name));
            let recognised = match tokens {
                [Token { kind: Kind::Value(kind), .. }] => Some(*kind),
                _ => has_name.then_some(Recognised::Name),
            };
            let text = passage.slice(value).to_owned();
            let own = values.entry(piece).or_default();
            own.entry(sentence.exemplar).or_insert(Said { text, recognised });
        }
    }
    values
}

/// A variable of the draft: the places where it stands.
struct Variable<'found> {
    pieces: Vec<usize>,
    placeholder: Option<u8>,
    recognised: Option<Recognised>,
    values: BTreeMap<usize, &'found str>,
    signs: bool,
    wished: String,
}

impl Variable<'_> {
    /// Whether two places hold the same: what is named after a person or an order is one in a reply, and so is what has the
    /// same value in each exemplar that has both.
    fn is_same(&self, other: &Self) -> bool {
        if self.placeholder.is_some() || other.placeholder.is_some() {
            return self.placeholder == other.placeholder || self.wished == other.wished;
        }
        let shared = self.values.iter().filter_map(|(exemplar, value)| Some((value, other.values.get(exemplar)?)));
        let shared: Vec<(&&str, &&str)> = shared.collect();
        let is_seen = !shared.is_empty() && self.recognised == other.recognised;
        let is_entity = self.wished == other.wished && self.wished.contains('.');
        shared.iter().all(|(own, other)| own == other) && (is_seen || is_entity)
    }
}

/// The variables among what was found, each once.
fn variables<'found>(pieces: &[Piece], found: &'found [Found]) -> Vec<Variable<'found>> {
    let mut variables: Vec<Variable<'found>> = Vec::new();
    for one in found {
        let Is::Variable { placeholder, recognised, values, signs } = &one.is else { continue };
        let unnamed = Unnamed { at: one.piece, placeholder: *placeholder, recognised: *recognised };
        let variable = Variable {
            pieces: vec![one.piece],
            placeholder: *placeholder,
            recognised: *recognised,
            values: values.iter().map(|(exemplar, value)| (*exemplar, value.as_str())).collect(),
            signs: *signs,
            wished: if *signs { AGENT.to_owned() } else { wished(pieces, &unnamed) },
        };
        let Some(before) = variables.iter_mut().find(|before| before.is_same(&variable)) else {
            variables.push(variable);
            continue;
        };
        before.pieces.push(one.piece);
        for (exemplar, value) in variable.values {
            before.values.entry(exemplar).or_insert(value);
        }
    }
    variables
}

/// A name for each variable. Where an output has the name of a person or an order, it is the same.
fn named(pieces: &[Piece], variables: &[Variable<'_>], outputs: &BTreeMap<usize, String>) -> Vec<String> {
    let all: String = outputs.values().map(|expression| written(expression)).collect();
    let used = Template::parse(&all).map(|template| template.variables()).unwrap_or_default();
    let taken = used.into_iter().map(|used| used.name).filter(|name| !name.contains('.')).collect();
    let unnamed = |variable: &Variable<'_>| Unnamed {
        at: variable.pieces[0],
        placeholder: variable.placeholder,
        recognised: variable.recognised,
    };
    let unnamed: Vec<Unnamed> = variables.iter().map(unnamed).collect();
    let names = names_beside(pieces, &unnamed, taken).into_iter().zip(variables);
    names.map(|(name, variable)| if variable.signs { AGENT.to_owned() } else { name }).collect()
}

fn told(material: &Material, chosen: &[usize], pieces: &[Piece], found: &[Found], ranges: &[Range<usize>]) -> Draft {
    let mut expressions: BTreeMap<usize, String> = BTreeMap::new();
    for one in found {
        if let Is::Output(expression) = &one.is {
            expressions.insert(one.piece, expression.clone());
        }
    }
    let variables = variables(pieces, found);
    let names = named(pieces, &variables, &expressions);
    for (variable, name) in variables.iter().zip(&names) {
        variable.pieces.iter().for_each(|piece| {
            expressions.insert(*piece, name.clone());
        });
    }
    let write = |range: Range<usize>| {
        let in_order: Vec<String> = expressions.range(range.clone()).map(|(_, name)| name.clone()).collect();
        source::written(&pieces[range], &in_order)
    };
    let source = write(0..pieces.len());
    let goal = tokens(&material.texts[0]);
    let language = material.language.as_deref();
    let mut slots: Vec<Slot> = Vec::new();
    for (variable, name) in variables.iter().zip(&names) {
        let slot = slot(variable, name, language, &wished_number(&material.texts[0], &goal, name));
        if slots.iter().all(|before| before.name != slot.name) {
            slots.push(slot);
        }
    }
    for used in Template::parse(&source).map(|template| template.variables()).unwrap_or_default() {
        if slots.iter().all(|slot| slot.name != used.name) {
            let kind = match used.taken_for {
                Type::Number => SlotKind::Number,
                Type::Date => SlotKind::Date,
                Type::Any | Type::Text | Type::List => SlotKind::Text,
            };
            slots.push(Slot { name: used.name, kind, default: None, examples: Vec::new(), seen: 0 });
        }
    }
    let sentences: Vec<DraftSentence> = chosen
        .iter()
        .zip(ranges)
        .map(|(cluster, range)| DraftSentence {
            role: material.clusters[*cluster].role,
            source: write(range.clone()).trim_start().to_owned(),
            exemplars: exemplars(material, *cluster),
            support: material.clusters[*cluster].support.min(1.0),
        })
        .collect();
    let mut warnings = Vec::new();
    let words = not_covered(&material.texts[0], &goal, pieces, &slots, &expressions);
    if !words.is_empty() {
        warnings.push(Warning::NotCovered { words });
    }
    warnings.extend(material.warnings.iter().cloned());
    Draft {
        name: name(material, &goal, pieces),
        source,
        variables: slots,
        language: material.language.clone(),
        sentences,
        warnings,
    }
}

/// Who signs.
const AGENT: &str = "agent.name";

fn slot(variable: &Variable<'_>, name: &str, language: Option<&str>, wished: &Option<String>) -> Slot {
    let shown: Vec<&str> = variable.values.values().copied().filter(|value| !value.contains("{{")).collect();
    let seen = variable.values.len();
    if variable.placeholder.is_some() || shown.is_empty() {
        return Slot { name: name.to_owned(), kind: SlotKind::Text, default: None, examples: Vec::new(), seen };
    }
    let typed = typed(&shown, language);
    let common = typed.default_for_all(name, variable.recognised);
    let default = wished.clone().filter(|_| typed.kind == SlotKind::Number).or(common);
    Slot { name: name.to_owned(), kind: typed.kind, default, examples: typed.examples, seen }
}

/// The number that the goal itself has for a variable, such as 5 for `days` in "takes 5 days".
fn wished_number(goal: &str, tokens: &[Token], name: &str) -> Option<String> {
    tokens.windows(2).find_map(|two| {
        let counted = normal(two[1].of(goal));
        (two[0].kind == Kind::Value(Recognised::Number) && counted == name).then(|| number(two[0].of(goal))).flatten()
    })
}

fn exemplars(material: &Material, cluster: usize) -> Vec<String> {
    let places = material.clusters[cluster].members.iter().map(|at| material.sentences[*at].exemplar);
    let places: BTreeSet<usize> = places.collect();
    let mut ids: Vec<String> = Vec::new();
    for place in places {
        let id = &material.exemplars[place].id;
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// The words of the goal that tell something.
fn telling<'goal>(goal: &'goal str, tokens: &'goal [Token]) -> impl Iterator<Item = (usize, &'goal str)> {
    tokens.iter().enumerate().filter(|(_, token)| token.is_word()).map(|(at, token)| (at, token.of(goal))).filter(
        |(_, word)| {
            let word = normal(word);
            let is_number = word.starts_with(|char: char| char.is_ascii_digit());
            let is_long = is_number || word.chars().count() > 2;
            is_long && !STOP_WORDS.contains(&word.as_str()) && !GOAL_WORDS.contains(&word.as_str())
        },
    )
}

/// Words of the goal, each once, that nothing in the draft begins like. Its names, identifiers and amounts are values, which
/// variables take.
fn not_covered(
    goal: &str,
    tokens: &[Token],
    pieces: &[Piece],
    slots: &[Slot],
    expressions: &BTreeMap<usize, String>,
) -> Vec<String> {
    let mut said: BTreeSet<String> = BTreeSet::new();
    for piece in pieces {
        if let Piece::Literal { text, is_word: true, .. } = piece {
            said.insert(stem(&normal(text)).to_owned());
        }
    }
    let names = expressions.values().map(String::as_str);
    for part in names.flat_map(|name| name.split(|char: char| !char.is_alphanumeric())) {
        said.insert(stem(&normal(part)).to_owned());
    }
    said.extend(slots.iter().filter_map(|slot| slot.default.clone()));
    let is_said = |word: &str| {
        let word = normal(word);
        let own = stem(&word);
        let least = own.len().min(LEAST_OF_STEM);
        said.iter().any(|said| {
            said == own
                || (said.len() >= least && own.starts_with(said.as_str()) && least >= LEAST_OF_STEM)
                || (own.len() >= LEAST_OF_STEM && said.starts_with(own))
        })
    };
    let is_value = |at: usize| match tokens[at].kind {
        Kind::Value(Recognised::Number) => number(tokens[at].of(goal)).is_none(),
        Kind::Value(_) => true,
        Kind::Word | Kind::Mark => false,
    };
    let is_taken = |at: usize| !slots.is_empty() && is_value(at);
    let mut words: Vec<String> = Vec::new();
    for (_, word) in telling(goal, tokens).filter(|(at, word)| !is_said(word) && !is_taken(*at)) {
        if !words.iter().any(|before| normal(before) == normal(word)) {
            words.push(word.to_owned());
        }
    }
    words
}

/// Bytes that two words must have in common to be forms of one.
const LEAST_OF_STEM: usize = 4;

/// A title of the goal's telling words, or else of the draft's.
fn name(material: &Material, goal: &[Token], pieces: &[Piece]) -> String {
    let text = &material.texts[0];
    let passage = Passage::of(text, goal, 0..goal.len());
    let telling: Vec<Piece> = telling(text, goal).flat_map(|(at, _)| literals(&passage, at..at + 1, " ")).collect();
    let frequencies = Frequencies::of(std::iter::empty());
    title(if telling.is_empty() { pieces } else { &telling }, &frequencies)
}
