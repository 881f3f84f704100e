//! Replies of agents that say the same in other words.
//!
//! 1. Distinct replies become points by their words and, where an encoder knows them, by their meaning.
//! 2. Communities of the graph of shared neighbours, at a fine resolution, are the groups; a reply that is nearer to the
//!    members of another group moves there.
//! 3. A threshold is learnt from the replies themselves: the cosine that best separates each reply and its group from the
//!    same reply and the nearest group of another matter, which is where it would go if its own were unknown.
//! 4. A reply, old or new, belongs to the nearest group if it is as near as the threshold, and otherwise to none.
//!
//! The same replies in any order give the same groups. Fifty thousand distinct replies is the bound; memory is about 4 kB a
//! reply.

use std::cmp::Reverse;

use crate::{
    clusters::{Community, MAX_EXEMPLARS, PROBES, communities_of},
    communities::Graph,
    content::ContentHash,
    embedding::Embedding,
    neighbours::{Widened, nearest},
    parallel,
};

use super::{TopicsError, families::families, views::TextSpace};

/// Distinct replies that are grouped at once.
pub const MAX_REPLIES: usize = 50_000;
/// Replies that make a group, the same words over and over included.
pub const MIN_REPLIES: usize = 2;

/// Weight of an encoder's embedding beside that of the words.
const ENCODER_WEIGHT: f32 = 1.0;
/// Neighbours of a reply.
const NEIGHBOURS: usize = 10;
/// Resolution of the communities, within these bounds: far finer than topics, so that one group is one answer, but not so
/// fine that a few replies cannot be a group.
const RESOLUTION: (f64, f64) = (1.0, 20.0);
/// Replies for each step of the resolution.
const REPLIES_A_STEP: f64 = 100.0;
/// Missing groups that one wrong group is as bad as.
const COST: i64 = 3;
/// Rounds in which replies move to the nearest centre.
const ROUNDS: usize = 2;

/// A reply without greeting, closing and signature; names and numbers are placeholders, `{{…}}`.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'text> {
    /// The body.
    pub text: &'text str,
    /// An encoder's embedding; `None` where no encoder knows the language.
    pub embedding: Option<&'text Embedding>,
}

/// Replies that say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerGroup {
    /// Replies by their index, ascending.
    pub members: Vec<usize>,
    /// The most central of them with distinct words, the most central first; at most [`MAX_EXEMPLARS`].
    pub exemplars: Vec<usize>,
    /// Mean cosine of the members to the others of their group, 0 to 1.
    pub cohesion: f32,
}

/// A reply's group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// Index of the group.
    pub group: usize,
    /// Mean cosine to the group's members, times the share of the reply's words that are known; at least
    /// [`AnswerGroups::threshold`].
    pub similarity: f32,
}

/// Replies by group, and what is needed to find the group of a new one.
#[derive(Debug)]
pub struct AnswerGroups {
    groups: Vec<AnswerGroup>,
    group_of: Vec<Option<usize>>,
    threshold: f32,
    space: TextSpace,
    centres: Vec<Community>,
}

/// Groups replies.
///
/// # Errors
/// [`TopicsError::TooMany`] beyond [`MAX_REPLIES`] distinct replies.
pub fn group_replies(replies: &[Reply<'_>]) -> Result<AnswerGroups, TopicsError> {
    let contents = parallel::map(replies, |reply| ContentHash::of(reply.text, None));
    let mut order: Vec<usize> = (0..replies.len()).collect();
    order.sort_by_key(|&at| (contents[at], replies[at].embedding.map(Embedding::values)));
    let distinct: Vec<&[usize]> = order.chunk_by(|&one, &other| contents[one] == contents[other]).collect();
    if distinct.len() > MAX_REPLIES {
        return Err(TopicsError::TooMany { found: distinct.len(), most: MAX_REPLIES });
    }
    let texts: Vec<_> = distinct.iter().map(|same| (replies[same[0]].text, replies[same[0]].embedding)).collect();
    let (space, points) = TextSpace::of(&texts, ENCODER_WEIGHT);
    let (points, coverages): (Vec<Embedding>, Vec<f32>) =
        points.into_iter().map(|point| (point.embedding, point.coverage)).unzip();
    let partition = partition(&points);
    let families = families(&points, &partition);
    let communities = communities_of(&points, &partition);
    let family_of = family_of(communities.len(), &partition, &families);
    let mut places = places(&communities, &family_of, &points, &partition);
    places.iter_mut().zip(&coverages).for_each(|(place, coverage)| place.scale(*coverage));
    let threshold = threshold(&places);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); communities.len()];
    for (at, place) in places.iter().enumerate() {
        if place.own.max(place.next) >= threshold {
            members[place.nearest(partition[at]) as usize].push(at);
        } else if distinct[at].len() >= MIN_REPLIES {
            members.push(vec![at]);
        }
    }
    let replies_of = |members: &Vec<usize>| members.iter().map(|&at| distinct[at].len()).sum::<usize>();
    members.retain(|members| replies_of(members) >= MIN_REPLIES);
    members.sort_by_key(|members| (Reverse(replies_of(members)), members[0]));
    let mut group_of = vec![None; replies.len()];
    for (group, members) in members.iter().enumerate() {
        members.iter().flat_map(|&at| distinct[at]).for_each(|&reply| group_of[reply] = Some(group));
    }
    let centres: Vec<Community> =
        members.iter().map(|members| Community::of(members.iter().map(|&at| &points[at]))).collect();
    let describe = |(members, centre): (&Vec<usize>, &Community)| {
        let mut central: Vec<(f32, usize)> =
            members.iter().map(|&at| (centre.mean_cosine(&Widened::of(&points[at])), at)).collect();
        central.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut all: Vec<usize> = members.iter().flat_map(|&at| distinct[at].iter().copied()).collect();
        all.sort_unstable();
        AnswerGroup {
            members: all,
            exemplars: central.iter().take(MAX_EXEMPLARS).map(|&(_, at)| distinct[at][0]).collect(),
            cohesion: centre.cohesion(),
        }
    };
    let groups = members.iter().zip(&centres).map(describe).collect();
    Ok(AnswerGroups { groups, group_of, threshold, space, centres })
}

impl AnswerGroups {
    /// The groups, those of the most replies first.
    #[must_use]
    pub fn groups(&self) -> &[AnswerGroup] {
        &self.groups
    }

    /// The group of each reply that was grouped, in the caller's order; `None` for a reply like no other.
    #[must_use]
    pub fn group_of(&self) -> &[Option<usize>] {
        &self.group_of
    }

    /// Similarity to a group from which a reply belongs to it.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// The group of a new reply; `None` for a reply like no group.
    #[must_use]
    pub fn assign(&self, reply: Reply<'_>) -> Option<Assignment> {
        let similarities = self.similarities(reply).into_iter().enumerate();
        let (group, similarity) = similarities.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
        (similarity >= self.threshold).then_some(Assignment { group, similarity })
    }

    /// How near a new reply is to each group. From [`AnswerGroups::threshold`] on it says what the group says, even if another
    /// group is nearer.
    #[must_use]
    pub fn similarities(&self, reply: Reply<'_>) -> Vec<f32> {
        let point = self.space.point((reply.text, reply.embedding));
        let (direction, coverage) = (Widened::of(&point.embedding), point.coverage);
        self.centres.iter().map(|centre| centre.mean_cosine(&direction) * coverage).collect()
    }
}

/// The community of each reply, numbered from 0.
fn partition(points: &[Embedding]) -> Vec<u32> {
    let references: Vec<&Embedding> = points.iter().collect();
    let neighbours = nearest(&references, NEIGHBOURS, PROBES);
    let resolution = (points.len() as f64 / REPLIES_A_STEP).clamp(RESOLUTION.0, RESOLUTION.1);
    let mut partition = Graph::of_shared_neighbours(&neighbours).communities(resolution);
    for _ in 0..ROUNDS {
        let communities = communities_of(points, &partition);
        let alone: Vec<u32> = (0..communities.len() as u32).collect();
        let places = places(&communities, &alone, points, &partition);
        partition.iter_mut().zip(&places).for_each(|(community, place)| *community = place.nearest(*community));
    }
    partition
}

fn family_of(count: usize, partition: &[u32], families: &[u32]) -> Vec<u32> {
    let mut family_of = vec![0; count];
    partition.iter().zip(families).for_each(|(&community, &family)| family_of[community as usize] = family);
    family_of
}

/// How near a reply is to its group and to others.
struct Place {
    /// Mean cosine to the others of its group; 0 where there are none.
    own: f32,
    /// The same for the nearest other group.
    next: f32,
    next_community: u32,
    /// The same for the nearest group of another family.
    stranger: f32,
    /// Whether there are others in its group.
    accompanied: bool,
}

impl Place {
    fn scale(&mut self, coverage: f32) {
        self.own *= coverage;
        self.next *= coverage;
        self.stranger *= coverage;
    }

    fn nearest(&self, own: u32) -> u32 {
        if self.next > self.own { self.next_community } else { own }
    }
}

fn places(communities: &[Community], family_of: &[u32], points: &[Embedding], partition: &[u32]) -> Vec<Place> {
    let all: Vec<(&Embedding, u32)> = points.iter().zip(partition.iter().copied()).collect();
    parallel::map(&all, |&(point, own)| {
        let point = Widened::of(point);
        let mut next = (0.0, own);
        let mut stranger = 0.0_f32;
        for (other, at) in communities.iter().zip(0..).filter(|(other, at)| *at != own && other.size > 1.0) {
            let cosine = other.mean_cosine(&point);
            if cosine > next.0 {
                next = (cosine, at);
            }
            if family_of[at as usize] != family_of[own as usize] {
                stranger = stranger.max(cosine);
            }
        }
        let community = &communities[own as usize];
        Place {
            own: community.mean_cosine_of_member(&point).max(0.0),
            next: next.0,
            next_community: next.1,
            stranger,
            accompanied: community.size > 1.0,
        }
    })
}

/// The cosine that best separates replies and their groups from replies and the nearest group of another matter: it
/// maximises the share of the first above it less [`COST`] times that of the second (Youden 1950, weighted). 1 where there
/// is nothing to learn from.
fn threshold(places: &[Place]) -> f32 {
    let measured: Vec<&Place> = places.iter().filter(|place| place.accompanied).collect();
    let own = measured.iter().map(|place| (place.own.max(place.next), 1));
    let mut both: Vec<(f32, i64)> = own.chain(measured.iter().map(|place| (place.stranger, -COST))).collect();
    both.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let (mut best, mut balance) = ((0, 1.0), 0);
    for (at, (cosine, side)) in both.iter().enumerate() {
        balance += side;
        let last_of_equals = both.get(at + 1).is_none_or(|next| next.0 < *cosine);
        if last_of_equals && balance > best.0 {
            best = (balance, *cosine);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWERS: [(&[&str], &[&str]); 4] = [
        (
            &["Your refund", "The refund of {{order.number}}", "The money for your order"],
            &[
                "was sent today and takes three days",
                "is on its way and arrives within three days",
                "left us this morning, allow three days",
            ],
        ),
        (
            &["Please reset your password", "To change the password", "A new password is set"],
            &[
                "with the link on the login page",
                "through the link below the login form",
                "by the reset link of the login page",
            ],
        ),
        (
            &["The parcel", "Your parcel {{order.number}}", "The package with your order"],
            &[
                "is with the courier, see the tracking page",
                "was handed to the courier; track it there",
                "left our warehouse with the courier, follow the tracking",
            ],
        ),
        (
            &["We open", "The shop opens", "Our store is open from"],
            &["at nine from Monday to Saturday", "nine to six, Sundays closed", "nine o'clock on every day but Sunday"],
        ),
    ];

    fn replies() -> Vec<(usize, String)> {
        let mut replies = Vec::new();
        for (answer, (beginnings, endings)) in ANSWERS.iter().enumerate() {
            for beginning in *beginnings {
                for ending in *endings {
                    for last in ["", " as agreed", " for you", " now"] {
                        replies.push((answer, format!("{beginning} {ending}{last}.")));
                    }
                }
            }
        }
        replies
    }

    fn grouped(replies: &[(usize, String)]) -> AnswerGroups {
        let replies: Vec<Reply<'_>> = replies.iter().map(|(_, text)| reply(text)).collect();
        group_replies(&replies).unwrap()
    }

    fn reply(text: &str) -> Reply<'_> {
        Reply { text, embedding: None }
    }

    #[test]
    fn a_group_holds_one_answer() {
        let replies = replies();
        let found = grouped(&replies);
        for group in found.groups() {
            let answers: Vec<usize> = group.members.iter().map(|&member| replies[member].0).collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        }
        let placed = found.group_of().iter().flatten().count();
        assert!(placed * 10 > replies.len() * 9, "{placed} of {}", replies.len());
    }

    #[test]
    fn a_new_reply_finds_the_group_of_its_answer() {
        let replies = replies();
        let found = grouped(&replies);
        let assigned = found.assign(reply("Your refund left us today and takes three days")).unwrap();
        assert!(found.groups()[assigned.group].members.iter().all(|&member| replies[member].0 == 0));
        assert!(assigned.similarity >= found.threshold());
    }

    #[test]
    fn a_reply_about_something_else_has_no_group() {
        let found = grouped(&replies());
        assert_eq!(found.assign(reply("Birds migrate south because winters lack insects")), None);
        assert_eq!(found.assign(reply("")), None);
    }

    #[test]
    fn the_same_words_over_and_over_are_a_group_and_once_they_are_none() {
        let mut replies = replies();
        let canned = "Gift vouchers never expire";
        replies.extend([(9, canned.to_owned()), (9, canned.to_owned()), (8, "Ja, gerne übermorgen".to_owned())]);
        let found = grouped(&replies);
        let [.., one, other, alone] = found.group_of() else { unreachable!() };
        assert!(one.is_some());
        assert_eq!(one, other);
        assert_eq!(*alone, None);
    }

    #[test]
    fn nothing_and_one_reply_are_no_group() {
        assert_eq!(grouped(&[]).groups(), []);
        assert_eq!(grouped(&[(0, "One reply".to_owned())]).group_of(), [None]);
    }

    #[test]
    fn each_member_is_listed_in_its_group_and_nowhere_else() {
        let found = grouped(&replies());
        for (group, described) in found.groups().iter().enumerate() {
            assert!(described.members.iter().all(|&member| found.group_of()[member] == Some(group)));
            assert!(described.exemplars.iter().all(|exemplar| described.members.contains(exemplar)));
        }
        let members: usize = found.groups().iter().map(|group| group.members.len()).sum();
        assert_eq!(members, found.group_of().iter().flatten().count());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn the_order_of_replies_makes_no_difference(
            shuffled in Just((0..replies().len()).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let straight = replies();
            let mixed: Vec<_> = shuffled.iter().map(|&at| straight[at].clone()).collect();
            let (straight, mixed) = (grouped(&straight), grouped(&mixed));
            prop_assert_eq!(straight.threshold(), mixed.threshold());
            for (place, &at) in shuffled.iter().enumerate() {
                prop_assert_eq!(straight.group_of()[at], mixed.group_of()[place]);
            }
        }
    }
}
