//! Topics from exchanges.

use std::{cmp::Reverse, collections::BTreeSet};

use crate::{
    clusters::{Community, MAX_EXEMPLARS, MIN_MEMBERS, PROBES, communities_of, sum},
    communities::Graph,
    content::{ContentHash, Group},
    embedding::Embedding,
    neighbours::{Neighbour, Widened, nearest},
    parallel,
};

use super::{
    MIN_CONVERSATIONS, TopicsError,
    families::families,
    naming::{TellingWord, Vocabulary, name_all},
    views::{Fusion, TextSpace, View},
};

/// Distinct exchanges that are sorted into topics at once.
pub const MAX_EXCHANGES: usize = 50_000;

/// Weight of an encoder's embedding beside that of the words, for short questions and for long replies.
const ENCODER_WEIGHTS: (f32, f32) = (2.0, 1.0);
/// Weight of a reply beside that of its question: replies tell topics apart better.
const REPLY_WEIGHT: f32 = 4.0;
/// Neighbours of an exchange.
const NEIGHBOURS: usize = 10;
/// Share of its cohesion by which a member must be like the others of a topic.
const LEAST_LIKENESS: f32 = 0.25;
/// Resolution of the communities that are merged into topics.
const RESOLUTION: f64 = 4.0;
/// Rounds in which exchanges go to the nearer half of a topic that is split.
const ROUNDS: usize = 20;

/// A text and its embedding, where an encoder knows its language.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'text> {
    /// The text; names and numbers are placeholders, `{{…}}`.
    pub text: &'text str,
    /// An encoder's embedding; `None` where no encoder knows the language.
    pub embedding: Option<&'text Embedding>,
}

/// A customer's question and the reply it got.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'text> {
    /// The conversation it is from.
    pub conversation: Group,
    /// The customer's question.
    pub question: Utterance<'text>,
    /// The agent's reply; `None` where there was none.
    pub reply: Option<Utterance<'text>>,
}

/// Exchanges about one matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    /// Identity of the previous topic that it continues.
    pub id: Option<String>,
    /// Two or three telling words, unique among the topics.
    pub name: String,
    /// The most telling words, the most telling first.
    pub words: Vec<TellingWord>,
    /// Exchanges by their index, ascending.
    pub members: Vec<usize>,
    /// The most central of them with distinct words, the most central first; at most [`MAX_EXEMPLARS`].
    pub exemplars: Vec<usize>,
    /// Mean cosine of the members to each other, 0 to 1.
    pub cohesion: f32,
    /// The members' questions, ascending and distinct.
    pub(super) questions: Vec<ContentHash>,
    /// The middle of the embeddings that an encoder made of the questions; `None` where it made none.
    pub(super) centre: Option<Embedding>,
}

/// Exchanges by topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topics {
    /// Those of the most exchanges first.
    pub topics: Vec<Topic>,
    /// The topic of each exchange, in the caller's order; `None` for one that is about something rare or several things.
    pub topic_of: Vec<Option<usize>>,
}

/// Sorts exchanges into topics.
///
/// # Errors
/// [`TopicsError::TooMany`] beyond [`MAX_EXCHANGES`] distinct exchanges.
pub fn induce(exchanges: &[Exchange<'_>]) -> Result<Topics, TopicsError> {
    let contents = parallel::map(exchanges, |it| ContentHash::of(it.question.text, it.reply.map(|reply| reply.text)));
    let mut order: Vec<usize> = (0..exchanges.len()).collect();
    let embeddings = |at: usize| {
        let exchange = &exchanges[at];
        let reply = exchange.reply.and_then(|reply| reply.embedding);
        (exchange.question.embedding.map(Embedding::values), reply.map(Embedding::values))
    };
    order.sort_by(|&one, &other| {
        contents[one].cmp(&contents[other]).then_with(|| embeddings(one).cmp(&embeddings(other)))
    });
    let distinct: Vec<&[usize]> = order.chunk_by(|&one, &other| contents[one] == contents[other]).collect();
    if distinct.len() > MAX_EXCHANGES {
        return Err(TopicsError::TooMany { found: distinct.len(), most: MAX_EXCHANGES });
    }
    let first: Vec<&Exchange<'_>> = distinct.iter().map(|same| &exchanges[same[0]]).collect();
    let points = points(&first);
    let partition = partition(&points);
    let mut members = members_of(&points, &partition);
    let all_of =
        |members: &[usize]| -> Vec<usize> { members.iter().flat_map(|&at| distinct[at].iter().copied()).collect() };
    members.retain(|members| {
        let all = all_of(members);
        let conversations: BTreeSet<Group> = all.iter().map(|&at| exchanges[at].conversation).collect();
        all.len() >= MIN_MEMBERS && conversations.len() >= MIN_CONVERSATIONS
    });
    members.sort_by_cached_key(|members| (Reverse(all_of(members).len()), members[0]));

    let mut topics = Topics { topics: Vec::with_capacity(members.len()), topic_of: vec![None; exchanges.len()] };
    for (topic, members) in members.iter().enumerate() {
        all_of(members).into_iter().for_each(|at| topics.topic_of[at] = Some(topic));
    }
    for members in &members {
        let distinct: Vec<(usize, &Embedding)> = members.iter().map(|&at| (distinct[at][0], &points[at])).collect();
        topics.topics.push(described(exchanges, &distinct, all_of(members)));
    }
    topics.name(exchanges);
    Ok(topics)
}

/// A topic without words and name. `distinct` are its distinct exchanges with their points.
fn described(exchanges: &[Exchange<'_>], distinct: &[(usize, &Embedding)], mut members: Vec<usize>) -> Topic {
    let centre = Community::of(distinct.iter().map(|(_, point)| *point));
    let mut central: Vec<(f32, usize)> =
        distinct.iter().map(|(at, point)| (centre.mean_cosine(&Widened::of(point)), *at)).collect();
    // Stable: equals stay in the order of their content.
    central.sort_by(|a, b| b.0.total_cmp(&a.0));
    members.sort_unstable();
    let mut questions: Vec<ContentHash> =
        distinct.iter().map(|(at, _)| ContentHash::of(exchanges[*at].question.text, None)).collect();
    questions.sort_unstable();
    questions.dedup();
    Topic {
        id: None,
        name: String::new(),
        words: Vec::new(),
        members,
        exemplars: central.iter().take(MAX_EXEMPLARS).map(|(_, at)| *at).collect(),
        cohesion: centre.cohesion(),
        questions,
        centre: middle(distinct.iter().filter_map(|(at, _)| exchanges[*at].question.embedding)),
    }
}

impl Topics {
    /// Splits the topics of some identities in two, each as its exchanges are most unlike each other. The larger half keeps
    /// identity and name. A topic of which a half would be no topic stays whole.
    pub fn split(&mut self, exchanges: &[Exchange<'_>], ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        for at in 0..self.topics.len() {
            if !self.topics[at].id.as_ref().is_some_and(|id| ids.contains(id)) {
                continue;
            }
            let Some([larger, smaller]) = halves(exchanges, &self.topics[at].members) else { continue };
            let place = self.topics.len();
            smaller.members.iter().for_each(|&member| self.topic_of[member] = Some(place));
            let Topic { id, name, .. } = &self.topics[at];
            self.topics[at] = Topic { id: id.clone(), name: name.clone(), ..larger };
            self.topics.push(smaller);
        }
        self.name(exchanges);
    }

    /// Finds the telling words of all topics, and names for those that have none.
    fn name(&mut self, exchanges: &[Exchange<'_>]) {
        let vocabulary = Vocabulary::of(exchanges, &self.topic_of, self.topics.len());
        self.topics.iter_mut().enumerate().for_each(|(at, topic)| topic.words = vocabulary.telling(at));
        name_all(&mut self.topics);
    }
}

/// Two topics of the members of one, the larger first: spherical 2-means (Dhillon and Modha 2001) that begins at the exchange
/// least like the others and at the one least like that.
fn halves(exchanges: &[Exchange<'_>], members: &[usize]) -> Option<[Topic; 2]> {
    let content = |at: usize| ContentHash::of(exchanges[at].question.text, exchanges[at].reply.map(|reply| reply.text));
    let mut in_order: Vec<(ContentHash, usize)> = members.iter().map(|&at| (content(at), at)).collect();
    in_order.sort_unstable();
    let distinct: Vec<&[(ContentHash, usize)]> = in_order.chunk_by(|a, b| a.0 == b.0).collect();
    let first: Vec<&Exchange<'_>> = distinct.iter().map(|same| &exchanges[same[0].1]).collect();
    let points = points(&first);
    let farthest = |from: &Embedding| points.iter().min_by(|a, b| a.cosine(from).total_cmp(&b.cosine(from))).cloned();
    let one = farthest(&middle(points.iter())?)?;
    let mut centres = [one.clone(), farthest(&one)?];
    let is_second = |point: &Embedding, centres: &[Embedding; 2]| point.cosine(&centres[1]) > point.cosine(&centres[0]);
    for _ in 0..ROUNDS {
        let of = |second: bool| middle(points.iter().filter(|point| is_second(point, &centres) == second));
        centres = [of(false)?, of(true)?];
    }
    let half = |second: bool| {
        let of_half: Vec<usize> = (0..points.len()).filter(|&at| is_second(&points[at], &centres) == second).collect();
        let members: Vec<usize> = of_half.iter().flat_map(|&at| distinct[at]).map(|(_, at)| *at).collect();
        let conversations: BTreeSet<Group> = members.iter().map(|&at| exchanges[at].conversation).collect();
        let with_points: Vec<(usize, &Embedding)> =
            of_half.iter().map(|&at| (distinct[at][0].1, &points[at])).collect();
        let is_topic = members.len() >= MIN_MEMBERS && conversations.len() >= MIN_CONVERSATIONS;
        is_topic.then(|| described(exchanges, &with_points, members))
    };
    let (first, second) = (half(false)?, half(true)?);
    Some(if first.members.len() >= second.members.len() { [first, second] } else { [second, first] })
}

/// Each exchange as a point, by its question and its reply.
fn points(exchanges: &[&Exchange<'_>]) -> Vec<Embedding> {
    let questions: Vec<_> = exchanges.iter().map(|it| (it.question.text, it.question.embedding)).collect();
    let (_, questions) = TextSpace::of(&questions, ENCODER_WEIGHTS.0);
    let questions: Vec<Embedding> = questions.into_iter().map(|point| point.embedding).collect();
    let answered: Vec<usize> = (0..exchanges.len()).filter(|&at| exchanges[at].reply.is_some()).collect();
    if answered.is_empty() {
        return questions;
    }
    let replies: Vec<_> =
        answered.iter().filter_map(|&at| exchanges[at].reply).map(|reply| (reply.text, reply.embedding)).collect();
    let (_, points) = TextSpace::of(&replies, ENCODER_WEIGHTS.1);
    let mut replies: Vec<Option<Embedding>> = vec![None; exchanges.len()];
    for (at, point) in answered.iter().zip(points) {
        replies[*at] = Some(point.embedding);
    }
    if answered.len() < exchanges.len() {
        replies = expected(&questions, &replies);
    }
    let views = [
        View { weight: 1.0, points: questions.iter().map(Some).collect() },
        View { weight: REPLY_WEIGHT, points: replies.iter().map(Option::as_ref).collect() },
    ];
    Fusion::of(&views).1
}

/// Replies with the middle of those to the nearest questions where there was none. Otherwise what was answered and what
/// was not would be two topics.
fn expected(questions: &[Embedding], replies: &[Option<Embedding>]) -> Vec<Option<Embedding>> {
    let references: Vec<&Embedding> = questions.iter().collect();
    let neighbours = nearest(&references, NEIGHBOURS, PROBES);
    let expected = |(reply, nearby): (&Option<Embedding>, &Vec<Neighbour>)| {
        reply.clone().or_else(|| middle(nearby.iter().filter_map(|neighbour| replies[neighbour.at as usize].as_ref())))
    };
    replies.iter().zip(&neighbours).map(expected).collect()
}

/// The direction of the sum; `None` of nothing.
fn middle<'points>(points: impl Iterator<Item = &'points Embedding>) -> Option<Embedding> {
    let middle = Embedding::of(&sum(points));
    (!middle.is_zero()).then_some(middle)
}

fn partition(points: &[Embedding]) -> Vec<u32> {
    let references: Vec<&Embedding> = points.iter().collect();
    let neighbours = nearest(&references, NEIGHBOURS, PROBES);
    let fine = Graph::of_shared_neighbours(&neighbours).communities(RESOLUTION);
    families(points, &fine)
}

/// Members of each community, without those that are hardly like the others of it. A community whose members are
/// mostly nearer to another one is several things or a part of one, and has none.
fn members_of(points: &[Embedding], partition: &[u32]) -> Vec<Vec<usize>> {
    let communities = communities_of(points, partition);
    let all: Vec<usize> = (0..points.len()).collect();
    let margins = parallel::map(&all, |&at| {
        let (own, point) = (partition[at] as usize, Widened::of(&points[at]));
        let others = communities.iter().enumerate().filter(|(other, _)| *other != own);
        let next = others.map(|(_, other)| other.mean_cosine(&point)).fold(0.0, f32::max);
        let own = communities[own].mean_cosine_of_member(&point);
        (own, own - next)
    });
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); communities.len()];
    let mut margin = vec![0.0; communities.len()];
    for (at, &(own, beyond)) in margins.iter().enumerate() {
        let community = partition[at] as usize;
        margin[community] += beyond;
        if own > LEAST_LIKENESS * communities[community].cohesion() {
            members[community].push(at);
        }
    }
    members.iter_mut().zip(margin).filter(|(_, margin)| *margin <= 0.0).for_each(|(members, _)| members.clear());
    members
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A matter: ways to ask, things asked about, and ways to answer.
    const MATTERS: [(&[&str], &[&str], &[&str]); 4] = [
        (
            &["when do I get my money back for", "I wait for the refund of", "please refund"],
            &["the shoes", "the jacket"],
            &["We sent the refund today.", "The refund is on its way to your bank."],
        ),
        (
            &["where is the parcel with", "the courier did not bring", "the tracking does not show"],
            &["my books", "my lamp"],
            &["The courier brings the parcel tomorrow.", "The parcel is with the courier."],
        ),
        (
            &["I forgot the password of", "the password is wrong for", "reset the password of"],
            &["my account", "the app"],
            &["Set a new password with the link.", "The link lets you choose a new password."],
        ),
        (
            &["the glass is broken in", "there is a scratch on", "a part broke off"],
            &["the mirror", "the table"],
            &["Send a photo of the damage, then we replace it.", "We replace it; send us a photo."],
        ),
    ];

    pub(in super::super) struct Spoken {
        pub matter: usize,
        pub question: String,
        pub reply: Option<&'static str>,
    }

    /// Conversations of all matters in which customers are called by a name that does not matter.
    pub(in super::super) fn spoken() -> Vec<Spoken> {
        let mut all = Vec::new();
        for (matter, (ways, things, replies)) in MATTERS.iter().enumerate() {
            for (at, way) in ways.iter().enumerate() {
                for (other, thing) in things.iter().enumerate() {
                    for (last, ending) in ["", " {{customer.name}} 4711", ", Wanda here"].into_iter().enumerate() {
                        let reply = replies[(at + other + last) % replies.len()];
                        all.push(Spoken { matter, question: format!("{way} {thing}{ending}"), reply: Some(reply) });
                    }
                }
            }
        }
        all
    }

    pub(in super::super) fn exchanges(spoken: &[Spoken]) -> Vec<Exchange<'_>> {
        let utterance = |text| Utterance { text, embedding: None };
        spoken
            .iter()
            .map(|spoken| Exchange {
                conversation: Group::of_conversation(&spoken.question),
                question: utterance(&spoken.question),
                reply: spoken.reply.map(utterance),
            })
            .collect()
    }

    #[test]
    fn topics_are_the_matters_of_the_conversations() {
        let spoken = spoken();
        let found = induce(&exchanges(&spoken)).unwrap();
        assert_eq!(found.topics.len(), MATTERS.len());
        for topic in &found.topics {
            assert!(topic.members.iter().all(|&member| spoken[member].matter == spoken[topic.members[0]].matter));
            assert!(topic.exemplars.iter().all(|exemplar| topic.members.contains(exemplar)));
            assert!(topic.cohesion > 0.0 && topic.cohesion <= 1.0);
        }
    }

    #[test]
    fn questions_without_replies_join_the_topics_of_those_with() {
        let mut spoken = spoken();
        spoken.iter_mut().step_by(3).for_each(|spoken| spoken.reply = None);
        let found = induce(&exchanges(&spoken)).unwrap();
        assert_eq!(found.topics.len(), MATTERS.len());
        spoken.iter_mut().for_each(|spoken| spoken.reply = None);
        assert!(!induce(&exchanges(&spoken)).unwrap().topics.is_empty());
    }

    #[test]
    fn one_conversation_over_and_over_is_no_topic() {
        let spoken = spoken();
        let mut exchanges = exchanges(&spoken);
        let echo = Exchange {
            conversation: Group::of_conversation("echo"),
            question: Utterance { text: "sing me a lullaby about whales", embedding: None },
            reply: Some(Utterance { text: "La la la", embedding: None }),
        };
        exchanges.extend([echo; 20]);
        let found = induce(&exchanges).unwrap();
        assert_eq!(found.topics.len(), MATTERS.len());
        assert!(found.topic_of[spoken.len()..].iter().all(Option::is_none));
    }

    #[test]
    fn names_are_unique_and_hold_no_numbers_placeholders_or_names_of_people() {
        let spoken = spoken();
        let found = induce(&exchanges(&spoken)).unwrap();
        let names: BTreeSet<&str> = found.topics.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(names.len(), found.topics.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_lowercase() || c == '_'), "{name}");
            assert!(!name.contains("wanda") && !name.contains("customer"), "{name}");
            assert!((2..=3).contains(&name.split('_').count()), "{name}");
        }
    }

    #[test]
    fn a_topic_is_split_where_its_exchanges_are_most_unlike() {
        let spoken = spoken();
        let exchanges = exchanges(&spoken);
        let mut topics = induce(&exchanges).unwrap();
        // Two topics are made one by hand, and told apart again.
        let second = topics.topics.remove(1);
        let first = &mut topics.topics[0];
        first.members.extend(&second.members);
        first.id = Some("kept".to_owned());
        let both = first.members.clone();
        topics.topic_of =
            topics.topic_of.iter().map(|topic| topic.map(|it| if it == 0 { 0 } else { it - 1 })).collect();
        let count = topics.topics.len();
        topics.split(&exchanges, &["kept".to_owned(), "unknown".to_owned()]);
        assert_eq!(topics.topics.len(), count + 1);
        let [kept, .., new] = topics.topics.as_slice() else { unreachable!() };
        assert_eq!((kept.id.as_deref(), new.id.as_deref()), (Some("kept"), None));
        for half in [kept, new] {
            let matters: BTreeSet<usize> = half.members.iter().map(|&at| spoken[at].matter).collect();
            assert_eq!(matters.len(), 1, "{half:?}");
            assert!(!half.name.is_empty() && !half.words.is_empty());
        }
        assert_eq!(kept.members.len() + new.members.len(), both.len());
        assert!(new.members.iter().all(|&at| topics.topic_of[at] == Some(count)));
    }

    #[test]
    fn nothing_and_a_few_exchanges_have_no_topics() {
        assert_eq!(induce(&[]).unwrap(), Topics::default());
        let spoken = spoken();
        let found = induce(&exchanges(&spoken[..3])).unwrap();
        assert_eq!((found.topics.len(), found.topic_of), (0, vec![None; 3]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn the_order_of_exchanges_makes_no_difference(
            shuffled in Just((0..spoken().len()).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let spoken = spoken();
            let straight = exchanges(&spoken);
            let mixed: Vec<_> = shuffled.iter().map(|&at| straight[at]).collect();
            let (straight, mixed) = (induce(&straight).unwrap(), induce(&mixed).unwrap());
            let names = |topics: &Topics| topics.topics.iter().map(|topic| topic.name.clone()).collect::<Vec<_>>();
            prop_assert_eq!(names(&straight), names(&mixed));
            for (place, &at) in shuffled.iter().enumerate() {
                prop_assert_eq!(straight.topic_of[at], mixed.topic_of[place]);
            }
        }
    }
}
