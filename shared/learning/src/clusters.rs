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

use std::collections::BTreeMap;

use crate::{
    content::ContentHash,
    embedding::{DIMENSIONS, Embedding},
    neighbours::{Neighbour, Probes, Widened, nearest},
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
const PROBES: Probes = Probes(10);
/// Neighbours of a message: a quarter of √n within these bounds. With fewer, a large topic falls apart; with more,
/// small ones melt together.
const NEIGHBOURS: (usize, usize) = (15, 50);
/// Rounds over all vertices in one level of the community search.
const MAX_ROUNDS: usize = 50;
/// What a move must gain to be made, so that rounding cannot keep the search going.
const LEAST_GAIN: f64 = 1e-9;

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
fn centre(embeddings: &[&Embedding]) -> Vec<Embedding> {
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

fn sum<'points>(points: impl Iterator<Item = &'points Embedding>) -> [f32; DIMENSIONS] {
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
struct Community {
    size: f32,
    /// Length of the sum of the members' unit vectors.
    length: f32,
    direction: Widened,
}

impl Community {
    /// Mean cosine of a point to the members.
    fn mean_cosine(&self, point: &Widened) -> f32 {
        point.cosine(&self.direction) * self.length / self.size
    }

    /// The same for a member, itself not counted.
    fn mean_cosine_of_member(&self, point: &Widened) -> f32 {
        (point.cosine(&self.direction) * self.length - 1.0) / (self.size - 1.0).max(1.0)
    }
}

fn communities_of(points: &[Embedding], partition: &[u32]) -> Vec<Community> {
    let count = partition.iter().max().map_or(0, |greatest| *greatest as usize + 1);
    let mut sums = vec![([0.0_f32; DIMENSIONS], 0_u32); count];
    for (point, &community) in points.iter().zip(partition) {
        let (sum, size) = &mut sums[community as usize];
        sum.iter_mut().zip(point.to_vector()).for_each(|(sum, value)| *sum += value);
        *size += 1;
    }
    sums.iter()
        .map(|(sum, size)| Community {
            size: *size as f32,
            length: sum.iter().map(|value| value * value).sum::<f32>().sqrt(),
            direction: Widened::of(&Embedding::of(sum)),
        })
        .collect()
}

/// Mean over messages of how much nearer their own community is than the next, −1 to 1; a message alone counts 0.
fn silhouette(points: &[Embedding], partition: &[u32]) -> f64 {
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

/// An undirected weighted graph. Each edge is listed at both ends; weight inside a vertex counts in its strength only.
struct Graph {
    edges: Vec<Vec<(u32, f64)>>,
    /// Sum of weights at each vertex.
    strengths: Vec<f64>,
    /// Sum of all strengths.
    total: f64,
}

impl Graph {
    fn of_shared_neighbours(neighbours: &[Vec<Neighbour>]) -> Self {
        // Which vertex looked last at a point, and that it is its neighbour.
        let mut seen_by = vec![usize::MAX; neighbours.len()];
        let mut weights: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        for (at, nearby) in neighbours.iter().enumerate() {
            nearby.iter().for_each(|neighbour| seen_by[neighbour.at as usize] = at);
            for neighbour in nearby {
                let theirs = &neighbours[neighbour.at as usize];
                let common = theirs.iter().filter(|third| seen_by[third.at as usize] == at).count();
                let mutual = theirs.iter().any(|third| third.at as usize == at);
                // Each belongs to its own neighbourhood.
                let common = common + 1 + usize::from(mutual);
                let jaccard = common as f64 / (nearby.len() + theirs.len() + 2 - common) as f64;
                let (low, high) = ((at as u32).min(neighbour.at), (at as u32).max(neighbour.at));
                *weights.entry((low, high)).or_default() += jaccard / 2.0;
            }
        }
        let mut edges = vec![Vec::new(); neighbours.len()];
        for ((low, high), weight) in weights {
            edges[low as usize].push((high, weight));
            edges[high as usize].push((low, weight));
        }
        let strengths: Vec<f64> = edges.iter().map(|edges| edges.iter().map(|(_, weight)| weight).sum()).collect();
        let total = strengths.iter().sum();
        Self { edges, strengths, total }
    }

    /// The community of each vertex, numbered from 0 by first appearance.
    fn communities(&self, resolution: f64) -> Vec<u32> {
        let mut partition: Vec<u32> = (0..self.edges.len() as u32).collect();
        let mut coarse: Option<Self> = None;
        loop {
            let graph = coarse.as_ref().unwrap_or(self);
            let found = graph.local_moves(resolution);
            let count = found.iter().max().map_or(0, |greatest| *greatest as usize + 1);
            partition.iter_mut().for_each(|vertex| *vertex = found[*vertex as usize]);
            if count == graph.edges.len() {
                return partition;
            }
            coarse = Some(graph.aggregated(&found, count));
        }
    }

    /// Moves vertices one by one into the neighbouring community that gains most modularity until none gains.
    fn local_moves(&self, resolution: f64) -> Vec<u32> {
        let vertices = self.edges.len();
        let mut community: Vec<u32> = (0..vertices as u32).collect();
        let mut strength = self.strengths.clone();
        let mut weight_to = vec![0.0; vertices];
        let mut touched: Vec<u32> = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let mut moved = false;
            for vertex in 0..vertices {
                let home = community[vertex];
                touched.clear();
                touched.push(home);
                for &(other, weight) in &self.edges[vertex] {
                    let theirs = community[other as usize];
                    if theirs != home && weight_to[theirs as usize] == 0.0 {
                        touched.push(theirs);
                    }
                    weight_to[theirs as usize] += weight;
                }
                strength[home as usize] -= self.strengths[vertex];
                let pull = |to: u32| {
                    weight_to[to as usize] - resolution * self.strengths[vertex] * strength[to as usize] / self.total
                };
                let mut best = (pull(home), home);
                for &candidate in &touched[1..] {
                    let gain = pull(candidate);
                    if gain > best.0 + LEAST_GAIN {
                        best = (gain, candidate);
                    }
                }
                strength[best.1 as usize] += self.strengths[vertex];
                touched.iter().for_each(|&community| weight_to[community as usize] = 0.0);
                moved |= best.1 != home;
                community[vertex] = best.1;
            }
            if !moved {
                break;
            }
        }
        renumbered(community)
    }

    /// Communities as vertices.
    fn aggregated(&self, community: &[u32], count: usize) -> Self {
        let mut between: Vec<BTreeMap<u32, f64>> = vec![BTreeMap::new(); count];
        let mut strengths = vec![0.0; count];
        for (vertex, edges) in self.edges.iter().enumerate() {
            let home = community[vertex];
            strengths[home as usize] += self.strengths[vertex];
            for &(other, weight) in edges.iter().filter(|(other, _)| community[*other as usize] != home) {
                *between[home as usize].entry(community[other as usize]).or_default() += weight;
            }
        }
        Self {
            edges: between.into_iter().map(|edges| edges.into_iter().collect()).collect(),
            strengths,
            total: self.total,
        }
    }
}

fn renumbered(mut community: Vec<u32>) -> Vec<u32> {
    let mut number = vec![u32::MAX; community.len()];
    let mut next = 0;
    for community in &mut community {
        let number = &mut number[*community as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *community = *number;
    }
    community
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
