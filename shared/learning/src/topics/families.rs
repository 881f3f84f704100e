//! Communities of communities: the few large matters that many small groups are about.

use crate::{
    clusters::{Community, communities_of, silhouette},
    communities::Graph,
    embedding::Embedding,
};

/// Resolutions that are tried, coarsest first, each ⁴√2 times the one before: 1 to 16.
const RESOLUTIONS: usize = 17;
const STEP: f64 = 1.189_207_115_002_721;
/// Power of the cosine between two groups that makes the weight between their members: what is little alike counts little.
const POWER: i32 = 2;
/// Share of the best silhouette that is given up for fewer families.
const TOLERANCE: f64 = 0.03;
/// Groups of which each is compared with each, at most; the largest are, and smaller ones stay alone.
const MAX_GROUPS: usize = 3_000;

/// The family of each point, numbered from 0: groups of a fine partition, merged to maximise modularity over the cosines of
/// all their members, at the coarsest resolution whose silhouette is within [`TOLERANCE`] of the best.
///
/// Unlike a graph of nearest neighbours, in which one matter asked in five ways is five islands, this one has all distances
/// between groups; that modularity prefers groups of like weight keeps a large one from swallowing the small.
pub(super) fn families(points: &[Embedding], fine: &[u32]) -> Vec<u32> {
    let groups = communities_of(points, fine);
    let graph = graph(&groups);
    let mut candidates: Vec<(f64, Vec<u32>)> = Vec::with_capacity(RESOLUTIONS);
    let mut resolution = 1.0;
    for _ in 0..RESOLUTIONS {
        let family_of = graph.communities(resolution);
        if candidates.last().is_none_or(|(_, last)| *last != family_of) {
            let partition: Vec<u32> = fine.iter().map(|&group| family_of[group as usize]).collect();
            candidates.push((silhouette(points, &partition), family_of));
        }
        resolution *= STEP;
    }
    let best = candidates.iter().map(|(silhouette, _)| *silhouette).fold(f64::NEG_INFINITY, f64::max);
    let enough = best - TOLERANCE * best.abs();
    let chosen = candidates.into_iter().find(|(silhouette, _)| *silhouette >= enough);
    let family_of = chosen.map(|(_, family_of)| family_of).unwrap_or_default();
    fine.iter().map(|&group| family_of[group as usize]).collect()
}

fn graph(groups: &[Community]) -> Graph {
    let mut largest: Vec<usize> = (0..groups.len()).collect();
    largest.sort_by(|&one, &other| groups[other].size.total_cmp(&groups[one].size).then(one.cmp(&other)));
    largest.truncate(MAX_GROUPS);
    largest.sort_unstable();
    let weight = |cosine: f32, pairs: f32| f64::from(pairs) * f64::from(cosine.max(0.0)).powi(POWER);
    let mut edges = vec![Vec::new(); groups.len()];
    for (place, &one) in largest.iter().enumerate() {
        for &other in &largest[..place] {
            let (left, right) = (&groups[one], &groups[other]);
            let weight = weight(left.mean_cosine_between(right), left.size * right.size);
            if weight > 0.0 {
                edges[one].push((other as u32, weight));
                edges[other].push((one as u32, weight));
            }
        }
    }
    edges.iter_mut().for_each(|edges| edges.sort_unstable_by_key(|(other, _)| *other));
    let inside: Vec<f64> = groups.iter().map(|group| weight(group.cohesion(), group.size * group.size)).collect();
    Graph::of_weights(edges, &inside)
}
