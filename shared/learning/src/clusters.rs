//! What customers write about, found without anybody saying how many things there are.
//!
//! Messages become a graph of shared neighbours, and communities of that graph are the clusters:
//!
//! 1. the mean of all embeddings is taken away, so that a cosine of 0 means "no more alike than any two messages here";
//! 2. each message is joined to its nearest ones, by the share of neighbours the two have in common (Jarvis & Patrick
//!    1973); an edge that only one side sees counts half;
//! 3. communities maximise modularity (Newman & Girvan 2004; Blondel et al. 2008, "Louvain") at each of a range of
//!    resolutions (Reichardt & Bornholdt 2006);
//! 4. the coarsest resolution whose silhouette (Rousseeuw 1987, by group averages) is within [`TOLERANCE`] of the best is
//!    taken: of answers about equally good people prefer fewer;
//! 5. communities of less than [`MIN_MEMBERS`], and members that are no more like their community than like any
//!    message, become the rest.
//!
//! The same messages in any order give the same clusters. Fifty thousand messages is the bound; time grows with
//! n^1.5 and memory is about 1.5 kB a message.

use crate::{
    communities::Graph,
    content::ContentHash,
    embedding::{DIMENSIONS, Embedding},
    neighbours::{Probes, Widened, nearest},
};

/// Distinct messages that are grouped at once.
pub const MAX_MESSAGES: usize = 50_000;
/// Messages that make a cluster; fewer are the rest.
pub const MIN_MEMBERS: usize = 5;
/// Exemplars of a cluster, at most.
pub const MAX_EXEMPLARS: usize = 3;
/// Share of the best silhouette that is given up for fewer clusters.
pub const TOLERANCE: f64 = 0.02;

/// Resolutions that are tried, coarsest first, each √2 times the one before.
const RESOLUTIONS: [f64; 9] = [0.5, 0.707, 1.0, 1.414, 2.0, 2.828, 4.0, 5.657, 8.0];
/// Messages whose silhouettes are measured, at most: enough for three digits of the mean.
const SILHOUETTES: usize = 5_000;
/// Buckets a message is compared with when it looks for neighbours.
pub(crate) const PROBES: Probes = Probes(10);
/// Neighbours of a message: a quarter of √n within these bounds. With fewer, a large topic falls apart; with more,
/// small ones melt together.
const NEIGHBOURS: (usize, usize) = (15, 50);

/// Why there are no clusters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// More messages than are grouped at once.
    #[error(
        "{found} distinct messages exceed the {MAX_MESSAGES} that are grouped at once; take those with the least content hashes, which are a fair sample"
    )]
    TooManyMessages {
        /// Distinct messages that were offered.
        found: usize,
    },
}

/// Messages that mean about the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The most central members, the most central first; at most [`MAX_EXEMPLARS`].
    pub exemplars: Vec<ContentHash>,
    /// All members, ascending.
    pub members: Vec<ContentHash>,
    /// Mean cosine of the members to their mean, 0 to 1: how tight the cluster is.
    pub cohesion: f32,
}

/// Messages grouped by meaning.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clusters {
    /// Largest first; equally large ones by their least member.
    pub clusters: Vec<Cluster>,
    /// Messages that belong to none, ascending.
    pub rest: Vec<ContentHash>,
}

/// Groups messages by meaning. A message that is given more than once counts once.
///
/// # Errors
/// [`ClusterError::TooManyMessages`] beyond [`MAX_MESSAGES`] distinct messages.
pub fn cluster(messages: &[(ContentHash, Embedding)]) -> Result<Clusters, ClusterError> {
    let mut ascending: Vec<(ContentHash, &Embedding)> = messages.iter().map(|(content, it)| (*content, it)).collect();
    ascending.sort_unstable_by_key(|(content, embedding)| (*content, *embedding.values()));
    ascending.dedup_by_key(|(content, _)| *content);
    if ascending.len() > MAX_MESSAGES {
        return Err(ClusterError::TooManyMessages { found: ascending.len() });
    }
    let (contents, embeddings): (Vec<ContentHash>, Vec<&Embedding>) = ascending.into_iter().unzip();
    let centred = centre(&embeddings);
    let partition = partition(&centred);
    Ok(describe(&contents, &centred, &partition))
}

/// Embeddings relative to their mean. What says nothing stays at zero.
pub(crate) fn centre(embeddings: &[&Embedding]) -> Vec<Embedding> {
    let speaking = embeddings.iter().filter(|embedding| !embedding.is_zero()).count().max(1);
    let mut mean = sum(embeddings.iter().copied());
    mean.iter_mut().for_each(|value| *value /= speaking as f32);
    let relative = |embedding: &&Embedding| {
        if embedding.is_zero() {
            return (*embedding).clone();
        }
        let mut vector = embedding.to_vector();
        vector.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
        Embedding::of(&vector)
    };
    embeddings.iter().map(relative).collect()
}

pub(crate) fn sum<'points>(points: impl Iterator<Item = &'points Embedding>) -> [f32; DIMENSIONS] {
    let mut sum = [0.0; DIMENSIONS];
    for point in points {
        sum.iter_mut().zip(point.to_vector()).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// The community of each point, numbered from 0 without gaps.
fn partition(points: &[Embedding]) -> Vec<u32> {
    let count = (points.len().isqrt() / 4).clamp(NEIGHBOURS.0, NEIGHBOURS.1);
    let references: Vec<&Embedding> = points.iter().collect();
    let graph = Graph::of_shared_neighbours(&nearest(&references, count, PROBES));
    let candidates: Vec<(f64, Vec<u32>)> = RESOLUTIONS
        .iter()
        .map(|&resolution| {
            let partition = graph.communities(resolution);
            (silhouette(points, &partition), partition)
        })
        .collect();
    let best = candidates.iter().map(|(silhouette, _)| *silhouette).fold(f64::NEG_INFINITY, f64::max);
    let enough = best - TOLERANCE * best.abs();
    candidates
        .into_iter()
        .find(|(silhouette, _)| *silhouette >= enough)
        .map(|(_, partition)| partition)
        .unwrap_or_default()
}

/// A community as the sum of its members.
#[derive(Debug)]
pub(crate) struct Community {
    pub(crate) size: f32,
    /// Length of the sum of the members' unit vectors.
    pub(crate) length: f32,
    pub(crate) direction: Widened,
}

impl Community {
    pub(crate) fn of<'points>(members: impl Iterator<Item = &'points Embedding> + Clone) -> Self {
        Self::of_sum(&sum(members.clone()), members.count())
    }

    fn of_sum(sum: &[f32; DIMENSIONS], size: usize) -> Self {
        Self {
            size: size as f32,
            length: sum.iter().map(|value| value * value).sum::<f32>().sqrt(),
            direction: Widened::of(&Embedding::of(sum)),
        }
    }

    /// Mean cosine of the members to the others, 0 to 1; 1 for a member alone.
    pub(crate) fn cohesion(&self) -> f32 {
        if self.size < 2.0 {
            return 1.0;
        }
        ((self.length * self.length - self.size) / (self.size * (self.size - 1.0))).clamp(0.0, 1.0)
    }

    /// Mean cosine of the members of one to those of another.
    pub(crate) fn mean_cosine_between(&self, other: &Self) -> f32 {
        self.direction.cosine(&other.direction) * (self.length / self.size) * (other.length / other.size)
    }

    /// Mean cosine of a point to the members.
    pub(crate) fn mean_cosine(&self, point: &Widened) -> f32 {
        point.cosine(&self.direction) * self.length / self.size
    }

    /// The same for a member, itself not counted.
    pub(crate) fn mean_cosine_of_member(&self, point: &Widened) -> f32 {
        (point.cosine(&self.direction) * self.length - 1.0) / (self.size - 1.0).max(1.0)
    }
}

pub(crate) fn communities_of(points: &[Embedding], partition: &[u32]) -> Vec<Community> {
    let count = partition.iter().max().map_or(0, |greatest| *greatest as usize + 1);
    let mut sums = vec![([0.0_f32; DIMENSIONS], 0); count];
    for (point, &community) in points.iter().zip(partition) {
        let (sum, size) = &mut sums[community as usize];
        sum.iter_mut().zip(point.to_vector()).for_each(|(sum, value)| *sum += value);
        *size += 1;
    }
    sums.iter().map(|(sum, size)| Community::of_sum(sum, *size)).collect()
}

/// Mean over messages of how much nearer their own community is than the next, −1 to 1; a message alone counts 0.
pub(crate) fn silhouette(points: &[Embedding], partition: &[u32]) -> f64 {
    let communities = communities_of(points, partition);
    if communities.len() < 2 {
        return 0.0;
    }
    let measured = points.len().min(SILHOUETTES);
    let mut total = 0.0;
    for at in (0..measured).map(|at| at * points.len() / measured) {
        let (own, point) = (partition[at] as usize, Widened::of(&points[at]));
        if communities[own].size < 2.0 {
            continue;
        }
        let others = communities.iter().enumerate().filter(|(other, _)| *other != own);
        let next = others.map(|(_, other)| other.mean_cosine(&point)).fold(f32::NEG_INFINITY, f32::max);
        let (own, next) = (1.0 - communities[own].mean_cosine_of_member(&point), 1.0 - next);
        total += f64::from((next - own) / own.max(next).max(f32::MIN_POSITIVE));
    }
    total / measured as f64
}

fn describe(contents: &[ContentHash], points: &[Embedding], partition: &[u32]) -> Clusters {
    let communities = communities_of(points, partition);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); communities.len()];
    let mut rest = Vec::new();
    for (at, &community) in partition.iter().enumerate() {
        if communities[community as usize].mean_cosine_of_member(&Widened::of(&points[at])) > 0.0 {
            members[community as usize].push(at);
        } else {
            rest.push(contents[at]);
        }
    }
    let mut clusters = Vec::new();
    for members in members {
        if members.len() < MIN_MEMBERS {
            rest.extend(members.iter().map(|&at| contents[at]));
            continue;
        }
        let middle = Embedding::of(&sum(members.iter().map(|&at| &points[at])));
        let mut central: Vec<(f32, usize)> = members.iter().map(|&at| (points[at].cosine(&middle), at)).collect();
        let cohesion = central.iter().map(|(cosine, _)| cosine).sum::<f32>() / members.len() as f32;
        central.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        clusters.push(Cluster {
            exemplars: central.iter().take(MAX_EXEMPLARS).map(|&(_, at)| contents[at]).collect(),
            members: members.into_iter().map(|at| contents[at]).collect(),
            cohesion: cohesion.clamp(0.0, 1.0),
        });
    }
    clusters.sort_by(|a, b| b.members.len().cmp(&a.members.len()).then(a.members[0].cmp(&b.members[0])));
    rest.sort_unstable();
    Clusters { clusters, rest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::neighbours::tests::near_topic;

    fn messages(topics: u64, each: u64, lean: f32) -> Vec<(ContentHash, Embedding)> {
        (0..topics * each)
            .map(|at| {
                let topic = at % topics;
                (ContentHash::of(&format!("{topic} {at}"), None), near_topic(topic, at, lean))
            })
            .collect()
    }

    fn strangers(count: u64) -> impl Iterator<Item = (ContentHash, Embedding)> {
        (0..count).map(|at| (ContentHash::of(&format!("stranger {at}"), None), near_topic(1_000 + at, at, 2.0)))
    }

    #[test]
    fn the_number_of_topics_is_found_and_not_asked_for() {
        for topics in [3, 12, 40] {
            let found = cluster(&messages(topics, 30, 1.5)).unwrap();
            assert_eq!(found.clusters.len() as u64, topics);
            assert!(found.clusters.iter().all(|cluster| cluster.members.len() == 30));
            assert_eq!(found.rest, []);
        }
    }

    #[test]
    fn every_message_is_in_one_place_once() {
        let mut all = messages(4, 30, 1.0);
        all.extend(strangers(20));
        all.extend(messages(4, 30, 1.0));
        let found = cluster(&all).unwrap();
        let mut placed: Vec<_> = found.clusters.iter().flat_map(|cluster| cluster.members.clone()).collect();
        placed.extend(&found.rest);
        placed.sort_unstable();
        let mut offered: Vec<_> = all.iter().map(|(content, _)| *content).collect();
        offered.sort_unstable();
        offered.dedup();
        assert_eq!(placed, offered);
    }

    #[test]
    fn an_exemplar_is_a_member_and_nearer_the_middle_than_most() {
        let found = cluster(&messages(3, 40, 1.0)).unwrap();
        for cluster in &found.clusters {
            assert_eq!(cluster.exemplars.len(), MAX_EXEMPLARS);
            assert!(cluster.exemplars.iter().all(|exemplar| cluster.members.contains(exemplar)));
            assert!(cluster.cohesion > 0.5, "{}", cluster.cohesion);
        }
    }

    #[test]
    fn a_handful_too_small_for_a_topic_is_the_rest() {
        let mut all = messages(3, 40, 2.0);
        all.truncate(120);
        let few: Vec<_> = (0..MIN_MEMBERS as u64 - 1)
            .map(|at| (ContentHash::of(&format!("few {at}"), None), near_topic(77, at, 4.0)))
            .collect();
        all.extend(few.clone());
        let found = cluster(&all).unwrap();
        assert_eq!(found.clusters.len(), 3);
        assert!(few.iter().all(|(content, _)| found.rest.contains(content)));
    }

    #[test]
    fn what_says_nothing_is_the_rest() {
        let mut all = messages(3, 20, 2.0);
        let silent = ContentHash::of("", None);
        all.push((silent, Embedding::of(&[0.0; DIMENSIONS])));
        assert_eq!(cluster(&all).unwrap().rest, [silent]);
    }

    #[test]
    fn nothing_or_one_message_is_no_cluster() {
        assert_eq!(cluster(&[]).unwrap(), Clusters::default());
        let one = messages(1, 1, 1.0);
        assert_eq!(cluster(&one).unwrap().rest, [one[0].0]);
    }

    #[test]
    fn one_message_over_and_over_is_one_message() {
        let one = messages(1, 1, 1.0).remove(0);
        assert_eq!(cluster(&vec![one; 500]).unwrap().rest.len(), 1);
    }

    #[test]
    fn too_many_messages_are_refused_before_the_work_begins() {
        let embedding = near_topic(0, 0, 1.0);
        let all: Vec<_> = (0..=MAX_MESSAGES as u128)
            .map(|at| (ContentHash::from_bytes(at.to_be_bytes()), embedding.clone()))
            .collect();
        assert_eq!(cluster(&all), Err(ClusterError::TooManyMessages { found: MAX_MESSAGES + 1 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn the_order_of_messages_makes_no_difference(
            shuffled in Just(messages(5, 12, 0.8).into_iter().chain(strangers(8)).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let straight: Vec<_> = messages(5, 12, 0.8).into_iter().chain(strangers(8)).collect();
            prop_assert_eq!(cluster(&shuffled).unwrap(), cluster(&straight).unwrap());
        }
    }
}
