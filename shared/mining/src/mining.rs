//! The way from replies to proposals.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use xxhash_rust::xxh3::Xxh3Default;

use crate::groups::{Form, groups};
use crate::matching::{Filled, Matcher};
use crate::naming::{Frequencies, Unnamed, names, title};
use crate::pattern::{self, MOST_COMPARED, Passage, Piece};
use crate::recognise::Recognised;
use crate::slots::{Typed, typed};
use crate::tokens::{Kind, Token, sentences, tokens};
use crate::{
    LEAST_WORDS, MAX_CONVERSATIONS, MAX_EXEMPLARS, MAX_REPLIES, MAX_REPLY_BYTES, MAX_REPLY_TOKENS, MAX_TOTAL_BYTES,
    Mined, MiningError, Proposal, Reply, Settings, Slot, SlotKind, source,
};

/// How often what fits nowhere is grouped again.
const ROUNDS: usize = 2;
/// Words and marks that are mined at once, of all replies together; what comes after them is left out. Words of ordinary
/// length never get so far within [`MAX_TOTAL_BYTES`].
const MOST_TOKENS: usize = 16_000_000;
/// Sentences that are compared with each other.
const MOST_SENTENCES: usize = 500_000;
/// Cells of the tables by which members are laid beside each other and their patterns (see `alignment::pair_within`): seconds
/// of work, and many times what replies of people take.
const MOST_EFFORT: u64 = 2_000_000_000;
/// Share of the replies that have both of two variables in which their values must agree for the two to be one.
const SAME: f64 = 0.9;

/// Finds templates in what agents wrote.
///
/// # Errors
/// More replies or more text than is mined at once.
pub fn mine(replies: &[Reply], settings: &Settings) -> Result<Mined, MiningError> {
    if replies.len() > MAX_REPLIES {
        return Err(MiningError::TooManyReplies { found: replies.len() });
    }
    let bytes = replies.iter().map(|reply| reply.text.len()).sum();
    if bytes > MAX_TOTAL_BYTES {
        return Err(MiningError::TooLarge { found: bytes });
    }
    let read = read(replies);
    let least = settings.least_replies.max(2);
    let whole: Vec<Unit> =
        read.iter().enumerate().map(|(reply, read)| Unit { reply, tokens: 0..read.tokens.len() }).collect();
    let frequencies = Frequencies::of(whole.iter().map(|unit| unit.keys(&read)));
    let telling = Telling { read: &read, frequencies: &frequencies, replies: replies.len(), settings };

    let drafts = drafts(&read, whole, least);
    let fitting: BTreeSet<usize> = drafts.iter().flat_map(Draft::replies).collect();
    let (proposals, covered) = telling.proposals(drafts);

    let rest = (0..read.len()).filter(|reply| !fitting.contains(reply));
    let parts = rest.flat_map(|reply| {
        let read = &read[reply];
        let sentences = sentences(&read.text, &read.tokens);
        let is_enough = |range: &Range<usize>| words(&read.tokens[range.clone()]) >= LEAST_WORDS;
        sentences.into_iter().filter(is_enough).map(move |tokens| Unit { reply, tokens })
    });
    let parts = parts.take(MOST_SENTENCES).collect();
    let (passages, partly_covered) = telling.proposals(self::drafts(&read, parts, least));
    Ok(Mined {
        replies: replies.len(),
        left_out: replies.len() - read.len(),
        covered: covered.len(),
        partly_covered: partly_covered.len(),
        proposals,
        passages,
    })
}

/// A reply that is mined.
struct Read<'reply> {
    reply: &'reply Reply,
    text: String,
    tokens: Vec<Token>,
}

impl<'reply> Read<'reply> {
    fn of(reply: &'reply Reply) -> Self {
        let text = clean(&reply.text);
        let tokens = tokens(&text);
        Self { reply, text, tokens }
    }
}

/// The replies that are mined, in an order that is theirs alone.
fn read(replies: &[Reply]) -> Vec<Read<'_>> {
    let mut ordered: Vec<&Reply> = replies.iter().filter(|reply| reply.text.len() <= MAX_REPLY_BYTES).collect();
    ordered.sort_unstable();
    let is_mined = |read: &Read<'_>| read.tokens.len() <= MAX_REPLY_TOKENS && words(&read.tokens) >= LEAST_WORDS;
    let mut tokens = 0;
    let fits = |read: &Read<'_>| {
        tokens += read.tokens.len();
        tokens <= MOST_TOKENS
    };
    ordered.into_iter().map(Read::of).filter(is_mined).take_while(fits).collect()
}

/// Without control characters and without white space around it.
pub(crate) fn clean(text: &str) -> String {
    let kept = |char: &char| !char.is_control() || matches!(char, '\n' | '\t');
    text.trim().chars().filter(kept).collect::<String>().trim().to_owned()
}

pub(crate) fn words(tokens: &[Token]) -> usize {
    tokens.iter().filter(|token| token.is_word()).count()
}

/// A reply or a part of it.
#[derive(Debug, Clone)]
struct Unit {
    reply: usize,
    tokens: Range<usize>,
}

impl Unit {
    fn of<'read>(&self, read: &'read [Read<'_>]) -> Passage<'read> {
        let read = &read[self.reply];
        Passage::of(&read.text, &read.tokens, self.tokens.clone())
    }

    fn keys(&self, read: &[Read<'_>]) -> Vec<u64> {
        self.of(read).tokens().iter().filter(|token| token.is_word()).map(|token| token.key).collect()
    }
}

/// A pattern and what it fits.
struct Draft {
    pieces: Vec<Piece>,
    members: Vec<(Unit, Filled)>,
}

impl Draft {
    fn replies(&self) -> impl Iterator<Item = usize> + '_ {
        self.members.iter().map(|(unit, _)| unit.reply)
    }
}

/// Patterns that fit at least so many replies. A unit is in one of them at most.
fn drafts(read: &[Read<'_>], units: Vec<Unit>, least: usize) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut skeletons: HashMap<Vec<(u64, Option<u8>)>, usize> = HashMap::new();
    let mut rest = units;
    let mut effort = MOST_EFFORT;
    for _ in 0..ROUNDS {
        let before = rest.len();
        let (forms, members) = forms(read, &rest);
        let mut is_left = vec![true; rest.len()];
        for group in groups(&forms) {
            let group: Vec<usize> = group.iter().flat_map(|form| members[*form].iter().copied()).collect();
            let Some(draft) = draft(read, &rest, &group, least, &mut effort) else { continue };
            draft.fitting.iter().for_each(|at| is_left[*at] = false);
            match skeletons.entry(pattern::skeleton(&draft.draft.pieces)) {
                Entry::Occupied(entry) => drafts[*entry.get()].members.extend(draft.draft.members),
                Entry::Vacant(entry) => {
                    entry.insert(drafts.len());
                    drafts.push(draft.draft);
                }
            }
        }
        let mut left = is_left.into_iter();
        rest.retain(|_| left.next().unwrap_or_default());
        if rest.len() == before {
            break;
        }
    }
    drafts
}

/// The distinct texts among the units, and of each the places of its units.
fn forms(read: &[Read<'_>], units: &[Unit]) -> (Vec<Form>, Vec<Vec<usize>>) {
    // By the hash of the text: the words of all units would be held twice.
    let mut places: HashMap<u128, usize> = HashMap::with_capacity(units.len());
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut forms: Vec<Form> = Vec::new();
    for (at, unit) in units.iter().enumerate() {
        let keys = unit.keys(read);
        let mut hash = Xxh3Default::new();
        keys.iter().for_each(|key| hash.update(&key.to_le_bytes()));
        let hash = hash.digest128();
        match places.get(&hash) {
            Some(place) => {
                members[*place].push(at);
                forms[*place].weight += 1;
            }
            None => {
                places.insert(hash, forms.len());
                members.push(vec![at]);
                forms.push(Form { keys, weight: 1 });
            }
        }
    }
    (forms, members)
}

struct Drafted {
    draft: Draft,
    /// Places of the units that fit.
    fitting: Vec<usize>,
}

fn draft(read: &[Read<'_>], units: &[Unit], group: &[usize], least: usize, effort: &mut u64) -> Option<Drafted> {
    let sampled = group.len().min(MOST_COMPARED);
    let sample: Vec<Passage<'_>> = (0..sampled).map(|at| units[group[at * group.len() / sampled]].of(read)).collect();
    let mut pieces = pattern::common(&sample, effort)?;
    let mut fitting = fitting(read, units, group, &pieces, effort);
    if settle(read, units, &fitting, &mut pieces) {
        fitting = self::fitting(read, units, group, &pieces, effort);
    }
    let replies: BTreeSet<usize> = fitting.iter().map(|(at, _)| units[*at].reply).collect();
    let said = pieces.iter().filter(|piece| matches!(piece, Piece::Literal { is_word: true, .. })).count();
    let slots = pieces.iter().filter(|piece| matches!(piece, Piece::Slot { .. })).count();
    if replies.len() < least || said < LEAST_WORDS || said < slots {
        return None;
    }
    let places = fitting.iter().map(|(at, _)| *at).collect();
    let members = fitting.into_iter().map(|(at, filled)| (units[at].clone(), filled)).collect();
    Some(Drafted { draft: Draft { pieces, members }, fitting: places })
}

fn fitting(
    read: &[Read<'_>],
    units: &[Unit],
    group: &[usize],
    pieces: &[Piece],
    effort: &mut u64,
) -> Vec<(usize, Filled)> {
    let matcher = Matcher::of_pieces(pieces);
    let fit = |at: &usize| Some((*at, matcher.find_within(&units[*at].of(read), effort)?));
    group.iter().filter_map(fit).collect()
}

/// What turned out to be always the same is no variable. Whether there was any.
fn settle(read: &[Read<'_>], units: &[Unit], fitting: &[(usize, Filled)], pieces: &mut Vec<Piece>) -> bool {
    let mut said: BTreeMap<usize, BTreeMap<&str, (usize, Range<usize>)>> = BTreeMap::new();
    for (at, filled) in fitting {
        for (piece, value) in &filled.values {
            let text = units[*at].of(read).slice(value.clone());
            said.entry(*piece).or_default().entry(text).or_insert((*at, value.clone()));
        }
    }
    let mut settled = false;
    let mut kept = Vec::with_capacity(pieces.len());
    for (number, piece) in std::mem::take(pieces).into_iter().enumerate() {
        match &piece {
            Piece::Slot { placeholder: None, glue } if said.get(&number).is_none_or(|said| said.len() < 2) => {
                settled = true;
                if let Some((at, value)) = said.get(&number).and_then(|said| said.values().next()) {
                    kept.extend(pattern::literals(&units[*at].of(read), value.clone(), glue));
                }
            }
            _ => kept.push(piece),
        }
    }
    *pieces = kept;
    settled
}

/// What it takes to tell people of a draft.
struct Telling<'mining> {
    read: &'mining [Read<'mining>],
    frequencies: &'mining Frequencies,
    replies: usize,
    settings: &'mining Settings,
}

impl Telling<'_> {
    /// The proposals that cover most, and the replies that they cover.
    fn proposals(&self, drafts: Vec<Draft>) -> (Vec<Proposal>, BTreeSet<usize>) {
        let mut proposals: Vec<(Proposal, BTreeSet<usize>)> =
            drafts.iter().map(|draft| (self.proposal(draft), draft.replies().collect())).collect();
        proposals.retain(|(proposal, _)| proposal.source.len() <= romashka_liquid::MAX_SOURCE_BYTES);
        proposals.sort_by(|(a, _), (b, _)| {
            (b.replies, b.source.len(), &a.source).cmp(&(a.replies, a.source.len(), &b.source))
        });
        proposals.truncate(self.settings.most_proposals);
        let covered = proposals.iter().flat_map(|(_, replies)| replies.iter().copied()).collect();
        (proposals.into_iter().map(|(proposal, _)| proposal).collect(), covered)
    }

    fn proposal(&self, draft: &Draft) -> Proposal {
        let slots = self.slots(draft);
        let unnamed: Vec<Unnamed> = slots.iter().map(|slot| slot.unnamed(draft)).collect();
        let names = names(&draft.pieces, &unnamed);
        // The name of each variable's every place.
        let mut named: BTreeMap<usize, &str> = BTreeMap::new();
        for (slot, name) in slots.iter().zip(&names) {
            slot.pieces.iter().for_each(|piece| {
                named.insert(*piece, name);
            });
        }
        let in_order: Vec<String> = named.values().map(|name| (*name).to_owned()).collect();
        let replies: BTreeSet<usize> = draft.replies().collect();
        let language = self.language(&replies);
        let variables = slots.iter().zip(names.iter()).map(|(slot, name)| slot.told(name, language.as_deref()));
        let is_resolved = |reply: &usize| self.read[*reply].reply.resolved == Some(true);
        let conversations: BTreeSet<&String> =
            replies.iter().map(|reply| &self.read[*reply].reply.conversation).collect();
        Proposal {
            name: title(&draft.pieces, self.frequencies),
            source: source::written(&draft.pieces, &in_order),
            variables: variables.collect(),
            language,
            replies: replies.len(),
            resolved: replies.iter().filter(|reply| is_resolved(reply)).count(),
            share: replies.len() as f64 / self.replies.max(1) as f64,
            exemplars: self.exemplars(draft),
            conversations: conversations.into_iter().take(MAX_CONVERSATIONS).cloned().collect(),
        }
    }

    fn language(&self, replies: &BTreeSet<usize>) -> Option<String> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let known = replies.iter().filter_map(|reply| self.read[*reply].reply.language.as_deref());
        known.for_each(|language| *counts.entry(language).or_default() += 1);
        let (language, count) = counts.into_iter().max_by_key(|(language, count)| (*count, Reverse(*language)))?;
        (2 * count > replies.len()).then(|| language.to_owned())
    }

    /// The members that fit best, those of resolved conversations first.
    fn exemplars(&self, draft: &Draft) -> Vec<String> {
        let mut members: Vec<&(Unit, Filled)> = draft.members.iter().collect();
        let rank = |(unit, filled): &(Unit, Filled)| {
            let is_resolved = self.read[unit.reply].reply.resolved == Some(true);
            (is_resolved, (filled.share * 1e6) as u64)
        };
        members.sort_by_key(|member| (Reverse(rank(member)), member.0.reply, member.0.tokens.start));
        let mut exemplars: Vec<String> = Vec::new();
        for (unit, _) in members {
            let passage = unit.of(self.read);
            let text = passage.whole();
            if !exemplars.iter().any(|exemplar| exemplar == text) {
                exemplars.push(text.to_owned());
            }
            if exemplars.len() == MAX_EXEMPLARS {
                break;
            }
        }
        exemplars
    }

    /// The variables of a draft: those that have the same values are one.
    fn slots<'draft>(&'draft self, draft: &'draft Draft) -> Vec<Variable<'draft>> {
        let mut columns: BTreeMap<usize, BTreeMap<usize, &'draft [Token]>> = BTreeMap::new();
        for (number, (unit, filled)) in draft.members.iter().enumerate() {
            for (piece, value) in &filled.values {
                let tokens = &unit.of(self.read).tokens()[value.clone()];
                columns.entry(*piece).or_default().insert(number, tokens);
            }
        }
        let text = |number: usize, tokens: &[Token]| {
            let text = &self.read[draft.members[number].0.reply].text;
            let ends = tokens.first().zip(tokens.last());
            ends.map_or("", |(first, last)| &text[first.range().start..last.range().end])
        };
        let mut slots: Vec<Variable<'draft>> = Vec::new();
        for (piece, of_piece) in draft.pieces.iter().enumerate() {
            let Piece::Slot { placeholder, .. } = of_piece else { continue };
            let column = columns.remove(&piece).unwrap_or_default();
            let values: BTreeMap<usize, &str> =
                column.iter().map(|(number, tokens)| (*number, text(*number, tokens))).collect();
            if let Some(same) = slots.iter_mut().find(|slot| slot.is_same(*placeholder, &values)) {
                same.pieces.push(piece);
                continue;
            }
            let mut recognised: BTreeMap<Recognised, usize> = BTreeMap::new();
            for tokens in column.values() {
                if let [Token { kind: Kind::Value(kind), .. }] = tokens {
                    *recognised.entry(*kind).or_default() += 1;
                }
            }
            let most = recognised.into_iter().max_by_key(|(_, count)| *count);
            let recognised = most.filter(|(_, count)| 2 * count > column.len()).map(|(kind, _)| kind);
            slots.push(Variable { pieces: vec![piece], placeholder: *placeholder, recognised, values });
        }
        slots
    }
}

/// A variable before it has a name.
struct Variable<'draft> {
    /// Where it stands in the pattern.
    pieces: Vec<usize>,
    placeholder: Option<u8>,
    recognised: Option<Recognised>,
    /// Its values by the members that have them.
    values: BTreeMap<usize, &'draft str>,
}

impl Variable<'_> {
    fn is_same(&self, placeholder: Option<u8>, values: &BTreeMap<usize, &str>) -> bool {
        if placeholder.is_some() || self.placeholder.is_some() {
            return self.placeholder == placeholder;
        }
        let both = || values.iter().filter_map(|(member, value)| Some((*value, *self.values.get(member)?)));
        let agreeing: Vec<&str> = both().filter(|(one, other)| one == other).map(|(value, _)| value).collect();
        let distinct: BTreeSet<&str> = agreeing.iter().copied().collect();
        distinct.len() > 1 && agreeing.len() as f64 >= SAME * both().count() as f64
    }

    fn unnamed(&self, draft: &Draft) -> Unnamed {
        let at = self.pieces.first().copied().unwrap_or_default().min(draft.pieces.len().saturating_sub(1));
        Unnamed { at, placeholder: self.placeholder, recognised: self.recognised }
    }

    fn told(&self, name: &str, language: Option<&str>) -> Slot {
        let shown: Vec<&str> = self.values.values().copied().filter(|value| !value.contains("{{")).collect();
        let typed = if self.placeholder.is_some() {
            Typed { kind: SlotKind::Text, default: None, examples: Vec::new() }
        } else {
            typed(&shown, language)
        };
        Slot {
            name: name.to_owned(),
            default: typed.default_for_all(name, self.recognised),
            kind: typed.kind,
            examples: typed.examples,
            seen: self.values.len(),
        }
    }
}
