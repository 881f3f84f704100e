//! Communities of a graph: groups of vertices with more weight between them than their strengths let expect.
//!
//! They maximise modularity (Newman & Girvan 2004) at a resolution (Reichardt & Bornholdt 2006) by moving vertices one by
//! one and then communities as vertices (Blondel et al. 2008, "Louvain"). Vertices are visited in their order, so the same
//! graph gives the same communities.

use std::collections::BTreeMap;

use crate::neighbours::Neighbour;

/// Rounds over all vertices in one level of the community search.
const MAX_ROUNDS: usize = 50;
/// What a move must gain to be made, so that rounding cannot keep the search going.
const LEAST_GAIN: f64 = 1e-9;

/// An undirected weighted graph. Each edge is listed at both ends; weight inside a vertex counts in its strength only.
pub(crate) struct Graph {
    edges: Vec<Vec<(u32, f64)>>,
    /// Sum of weights at each vertex.
    strengths: Vec<f64>,
    /// Sum of all strengths.
    total: f64,
}

impl Graph {
    /// Vertices joined to their nearest ones by the share of neighbours the two have in common (Jarvis & Patrick 1973); an
    /// edge that only one side sees counts half.
    pub(crate) fn of_shared_neighbours(neighbours: &[Vec<Neighbour>]) -> Self {
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

    /// A graph of edges that are listed at both ends, ascending, and of the weight inside each vertex.
    pub(crate) fn of_weights(edges: Vec<Vec<(u32, f64)>>, inside: &[f64]) -> Self {
        let strength =
            |(edges, inside): (&Vec<(u32, f64)>, &f64)| inside + edges.iter().map(|(_, weight)| weight).sum::<f64>();
        let strengths: Vec<f64> = edges.iter().zip(inside).map(strength).collect();
        let total = strengths.iter().sum();
        Self { edges, strengths, total }
    }

    /// The community of each vertex, numbered from 0 by first appearance.
    pub(crate) fn communities(&self, resolution: f64) -> Vec<u32> {
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
