//! What replies that say nearly the same have in common, and where they differ.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::alignment::pair_within;
use crate::draft::is_stand_in;
use crate::recognise::Recognised;
use crate::tokens::{Kind, Token, begins_sentence};

/// Members by which a pattern is made; the others are only matched against it.
pub(crate) const MOST_COMPARED: usize = 64;
/// Words of a value.
pub(crate) const VALUE_WORDS: usize = 6;
/// Tokens of a value: its words and the marks among them.
pub(crate) const VALUE_TOKENS: usize = 12;

/// Share of the members that say a word, by which it belongs to the pattern whatever the others say.
const AGREED: f64 = 0.85;
/// Share of the members that have a value of the same kind, by which it is a variable at once.
const SAME_KIND: f64 = 0.6;
/// Share of the members whose words on both sides must be found before what stands between is looked at.
const FLANKED: f64 = 0.6;
/// Share of what stands there that must not be empty, and must be short.
const FILLED: f64 = 0.8;
/// Share that must look like a name or value of something.
const LIKE_NAMES: f64 = 0.6;

/// A part of a text: its tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage<'text> {
    pub text: &'text str,
    /// All tokens of the text, so that it is known what is before the part.
    pub all: &'text [Token],
    start: usize,
    end: usize,
}

impl<'text> Passage<'text> {
    pub fn of(text: &'text str, all: &'text [Token], range: Range<usize>) -> Self {
        Self { text, all, start: range.start, end: range.end }
    }

    pub fn tokens(&self) -> &'text [Token] {
        &self.all[self.start..self.end]
    }

    /// The bytes of some of its tokens.
    pub fn bytes(&self, tokens: Range<usize>) -> Range<usize> {
        match self.tokens().get(tokens) {
            Some([one]) => one.range(),
            Some([first, .., last]) => first.range().start..last.range().end,
            _ => 0..0,
        }
    }

    /// All of its text.
    pub fn whole(&self) -> &'text str {
        self.slice(0..self.tokens().len())
    }

    pub fn slice(&self, tokens: Range<usize>) -> &'text str {
        &self.text[self.bytes(tokens)]
    }

    /// What stands between a token and the one before. Before the first, where another member may have more, a space.
    fn glue(&self, at: usize) -> &'text str {
        match at.checked_sub(1) {
            Some(before) => &self.text[self.tokens()[before].range().end..self.tokens()[at].range().start],
            None => " ",
        }
    }

    /// From the first to the last token of a range that looks like a name or value.
    pub fn core(&self, range: Range<usize>) -> Option<Range<usize>> {
        let is_like = |at: &usize| self.looks_like_name(*at..*at + 1);
        let first = range.clone().find(is_like)?;
        let last = range.rev().find(is_like)?;
        Some(first..last + 1)
    }

    /// Whether a range is all of one or more sentences or lines.
    fn is_whole_sentence(&self, range: &Range<usize>) -> bool {
        let begins = |at: usize| self.start + at == self.end || begins_sentence(self.text, self.all, self.start + at);
        !range.is_empty() && begins(range.start) && begins(range.end)
    }

    /// Whether some tokens look like the name or the value of something, and not like plain words.
    fn looks_like_name(&self, range: Range<usize>) -> bool {
        range.into_iter().any(|at| {
            let token = self.tokens()[at];
            match token.kind {
                Kind::Value(_) => true,
                Kind::Mark => matches!(token.of(self.text), "@" | "#") || is_stand_in(token.of(self.text)),
                Kind::Word => {
                    let word = token.of(self.text);
                    word.contains(|char: char| char.is_ascii_digit())
                        || (word.starts_with(char::is_uppercase)
                            && word != "I"
                            && !word.starts_with("I'")
                            && !word.starts_with("I’")
                            && !begins_sentence(self.text, self.all, self.start + at))
                }
            }
        })
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A word or mark that members share.
    Literal {
        /// White space before it.
        glue: String,
        text: String,
        key: u64,
        /// What tells it from others of its key, as [`Token::exact`] does.
        exact: u64,
        is_word: bool,
        begins_sentence: bool,
    },
    /// What differs.
    Slot {
        glue: String,
        /// The placeholder of redaction that stands there.
        placeholder: Option<u8>,
    },
}

/// A token of the leading member, by what the others say to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// All say so.
    Agreed,
    /// All have such a value, each its own.
    Varies,
    /// Redaction put a placeholder there.
    Hidden(u8),
    Loose,
}

/// What members have in common, by the words of the first of them; `None` where it would take more effort than is left.
pub(crate) fn common(members: &[Passage<'_>], effort: &mut u64) -> Option<Vec<Piece>> {
    let Some(leader) = members.first() else { return Some(Vec::new()) };
    let keys = |member: &Passage<'_>| member.tokens().iter().map(|token| token.key).collect::<Vec<_>>();
    let own = keys(leader);
    let pairs: Option<Vec<Vec<Option<usize>>>> =
        members.iter().map(|member| pair_within(&own, &keys(member), effort)).collect();
    let pairs = pairs?;
    let standing = standing(members, &pairs);
    let mut pieces = Vec::new();
    let mut at = 0;
    while at <= own.len() {
        let end = at + standing[at..].iter().take_while(|standing| **standing == Standing::Loose).count();
        pieces.extend(between(members, &pairs, at..end));
        if let Some(standing) = standing.get(end) {
            let glue = leader.glue(end).to_owned();
            pieces.push(match standing {
                Standing::Hidden(place) => Piece::Slot { glue, placeholder: Some(*place) },
                Standing::Varies => Piece::Slot { glue, placeholder: None },
                Standing::Agreed | Standing::Loose => literal(leader, end, glue),
            });
        }
        at = end + 1;
    }
    join_slots(&mut pieces);
    if let Some(Piece::Literal { glue, .. } | Piece::Slot { glue, .. }) = pieces.first_mut() {
        glue.clear();
    }
    Some(pieces)
}

/// Some tokens of a text as pieces; the white space before the first is given.
pub(crate) fn literals(member: &Passage<'_>, range: Range<usize>, glue: &str) -> Vec<Piece> {
    let first = range.start;
    let glue_of = |at: usize| if at == first { glue.to_owned() } else { member.glue(at).to_owned() };
    range.map(|at| literal(member, at, glue_of(at))).collect()
}

fn literal(member: &Passage<'_>, at: usize, glue: String) -> Piece {
    let token = member.tokens()[at];
    Piece::Literal {
        glue,
        text: token.of(member.text).to_owned(),
        key: token.key,
        exact: token.exact(member.text),
        is_word: token.is_word(),
        begins_sentence: begins_sentence(member.text, member.all, member.start + at),
    }
}

fn standing(members: &[Passage<'_>], pairs: &[Vec<Option<usize>>]) -> Vec<Standing> {
    let leader = &members[0];
    let share = |count: usize| count as f64 / members.len() as f64;
    let of = |(at, token): (usize, &Token)| {
        let exact = token.exact(leader.text);
        let partners = members.iter().zip(pairs).filter_map(|(member, pairs)| Some((member, pairs[at]?)));
        let (mut paired, mut same) = (0, 0);
        for (member, partner) in partners {
            paired += 1;
            same += usize::from(member.tokens()[partner].exact(member.text) == exact);
        }
        match token.kind {
            Kind::Value(Recognised::Placeholder(place)) if share(paired) >= SAME_KIND => Standing::Hidden(place),
            _ if share(same) >= AGREED => Standing::Agreed,
            Kind::Value(_) if share(paired) >= SAME_KIND => Standing::Varies,
            _ => Standing::Loose,
        }
    };
    leader.tokens().iter().enumerate().map(of).collect()
}

/// What stands between two tokens of the leader that others have too: a variable, the words of the majority, or nothing.
fn between(members: &[Passage<'_>], pairs: &[Vec<Option<usize>>], run: Range<usize>) -> Vec<Piece> {
    let leader = &members[0];
    // Of each member that has the words on both sides, the tokens between.
    let values: Vec<(&Passage<'_>, Range<usize>)> = members
        .iter()
        .zip(pairs)
        .filter_map(|(member, pairs)| {
            let start = run.start.checked_sub(1).map_or(Some(0), |before| pairs[before].map(|at| at + 1))?;
            let end = pairs.get(run.end).map_or(Some(member.tokens().len()), |at| *at)?;
            Some((member, start..end))
        })
        .collect();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let filled: Vec<_> = values.iter().filter(|(_, value)| !value.is_empty()).collect();
    if filled.is_empty() {
        return Vec::new();
    }
    if values.len() < 2 || share(values.len(), members.len()) < FLANKED {
        return majority_tokens(members, pairs, run);
    }
    let is_short = |(member, value): &&&(&Passage<'_>, Range<usize>)| is_short(&member.tokens()[value.clone()]);
    let short = filled.iter().filter(is_short).count();
    let mut said: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
    for (number, (member, value)) in values.iter().enumerate() {
        let said_here = member.tokens()[value.clone()].iter().map(|token| token.exact(member.text)).collect();
        said.entry(said_here).or_default().push(number);
    }
    let like_names = filled.iter().filter(|(member, value)| member.looks_like_name(value.clone())).count();
    let is_slot = said.len() > 1
        && share(filled.len(), values.len()) >= FILLED
        && share(short, values.len()) >= FILLED
        && share(like_names, filled.len()) >= LIKE_NAMES;
    if is_slot {
        return slot_among(leader, &run, &filled);
    }
    // Of equally common ones the leader's, or the first.
    let most = said.values().max_by_key(|numbers| (numbers.len(), Reverse(numbers[0])));
    if let Some(numbers) = most
        && let Some((member, value)) = values.get(numbers[0])
        && (2 * numbers.len() > values.len() || !leader.is_whole_sentence(&run))
    {
        return value.clone().map(|at| literal(member, at, member.glue(at).to_owned())).collect();
    }
    // A sentence that others put otherwise, or leave out, is not for all.
    Vec::new()
}

/// A variable with the words that most have around it: of `through the Live Chat feature` and `through our Help Desk` the
/// names are the values.
fn slot_among(leader: &Passage<'_>, run: &Range<usize>, filled: &[&(&Passage<'_>, Range<usize>)]) -> Vec<Piece> {
    /// A member, its value, and the core of the value.
    type Core<'members, 'text> = (&'members Passage<'text>, Range<usize>, Range<usize>);
    let mut cores: Vec<Core<'_, '_>> = Vec::new();
    for (member, value) in filled {
        cores.extend(member.core(value.clone()).map(|core| (*member, value.clone(), core)));
    }
    let exact = |member: &Passage<'_>, range: Range<usize>| -> Vec<u64> {
        member.tokens()[range].iter().map(|token| token.exact(member.text)).collect()
    };
    // The member whose words before, or after, the core most others have too.
    let most = |side: &dyn Fn(&Core<'_, '_>) -> Range<usize>| {
        let mut said: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
        for (number, one) in cores.iter().enumerate() {
            said.entry(exact(one.0, side(one))).or_default().push(number);
        }
        said.into_values().max_by_key(|numbers| (numbers.len(), Reverse(numbers[0]))).map_or(0, |numbers| numbers[0])
    };
    let before = |one: &Core<'_, '_>| one.1.start..one.2.start;
    let after = |one: &Core<'_, '_>| one.2.end..one.1.end;
    let (Some(leads), Some(trails)) = (cores.get(most(&before)), cores.get(most(&after))) else { return Vec::new() };
    let (before, after) = (before(leads), after(trails));
    let as_is = |member: &Passage<'_>, range: Range<usize>| -> Vec<Piece> {
        range.map(|at| literal(member, at, member.glue(at).to_owned())).collect()
    };
    let placeholders: BTreeSet<u8> = cores
        .iter()
        .flat_map(|(member, _, core)| &member.tokens()[core.clone()])
        .filter_map(Token::placeholder)
        .collect();
    let placeholder = if placeholders.len() == 1 { placeholders.first().copied() } else { None };
    let glue = leads.0.glue(leads.2.start).to_owned();
    let glue = if before.is_empty() && !run.is_empty() { leader.glue(run.start).to_owned() } else { glue };
    let mut pieces = as_is(leads.0, before);
    pieces.push(Piece::Slot { glue, placeholder });
    pieces.extend(as_is(trails.0, after));
    pieces
}

/// Whether tokens are few enough to be a value.
pub(crate) fn is_short(tokens: &[Token]) -> bool {
    tokens.len() <= VALUE_TOKENS && tokens.iter().filter(|token| token.is_word()).count() <= VALUE_WORDS
}

/// The leader's words that the majority says too.
fn majority_tokens(members: &[Passage<'_>], pairs: &[Vec<Option<usize>>], run: Range<usize>) -> Vec<Piece> {
    let is_kept = |at: &usize| {
        let same = |(member, pairs): (&Passage<'_>, &Vec<Option<usize>>)| {
            pairs[*at].is_some_and(|partner| {
                member.tokens()[partner].exact(member.text) == members[0].tokens()[*at].exact(members[0].text)
            })
        };
        2 * members.iter().zip(pairs).filter(|member| same(*member)).count() > members.len()
    };
    run.filter(is_kept).map(|at| literal(&members[0], at, members[0].glue(at).to_owned())).collect()
}

/// What tells a pattern from others whatever its white space: the words, and 0 with the placeholder for a variable.
pub(crate) fn skeleton(pieces: &[Piece]) -> Vec<(u64, Option<u8>)> {
    let of = |piece: &Piece| match piece {
        Piece::Literal { exact, .. } => (*exact, None),
        Piece::Slot { placeholder, .. } => (0, *placeholder),
    };
    pieces.iter().map(of).collect()
}

/// Variables with nothing between them are one, except those that redaction put there.
fn join_slots(pieces: &mut Vec<Piece>) {
    pieces.dedup_by(|second, first| match (first, second) {
        (Piece::Slot { placeholder: of_first, .. }, Piece::Slot { placeholder: of_second, .. }) => {
            of_first.is_none() && of_second.is_none()
        }
        _ => false,
    });
}
