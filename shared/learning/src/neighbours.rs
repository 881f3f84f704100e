//! The nearest neighbours of every embedding of a set among the others.
//!
//! A small set is compared pair by pair. A large one is first sorted into about √n buckets by spherical k-means
//! (Dhillon & Modha 2001) and a point is compared with those buckets only whose centres are nearest to it (the inverted
//! file of Jégou et al. 2011), which makes n^1.5 comparisons of n². What that loses is measured by `examples/doctor.rs`.
//!
//! The same points in the same order give the same neighbours everywhere: dot products are whole numbers, the first
//! centres are evenly spaced points, and ties go to the lower index. Callers pass points in the order of their content.

use multiversion::multiversion;

use crate::{
    embedding::{DIMENSIONS, Embedding},
    parallel,
};

/// Points up to which every pair is compared.
pub const EXHAUSTIVE: usize = 3_000;
/// Points a bucket's centre is learnt from, at most.
const SAMPLE_PER_BUCKET: usize = 16;
/// Rounds in which centres move to the mean of their points.
const ROUNDS: usize = 2;

/// How many buckets a point is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probes(
    /// Buckets, at least 1; sets of at most [`EXHAUSTIVE`] points have none.
    pub usize,
);

/// A point near another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Index of the point.
    pub at: u32,
    /// Cosine of the angle between the two.
    pub cosine: f32,
}

/// For each point its nearest others, at most `count`, nearest first. A zero embedding has no neighbours and is nobody's.
#[must_use]
pub fn nearest(points: &[&Embedding], count: usize, probes: Probes) -> Vec<Vec<Neighbour>> {
    if points.len() <= EXHAUSTIVE {
        return exhaustive(points, count);
    }
    let members = buckets(points, probes);
    let all: Vec<&Member> = members.iter().flatten().collect();
    let found = parallel::map(&all, |member| {
        let mut nearest = Nearest::new(count);
        for &bucket in &member.nearest_buckets {
            offer_all(&mut nearest, member, &members[bucket as usize]);
        }
        nearest.kept
    });
    let mut neighbours = vec![Vec::new(); points.len()];
    for (member, found) in all.iter().zip(found) {
        neighbours[member.at as usize] = found;
    }
    neighbours
}

/// Offers a bucket's members to one of them or of another bucket. Sums are of whole numbers: however many a processor
/// adds at once, they are the same.
#[multiversion(targets("x86_64+avx2"))]
fn offer_all(nearest: &mut Nearest, member: &Member, others: &[Member]) {
    for other in others {
        if other.at != member.at {
            nearest.offer(other.at, member.point.cosine(&other.point));
        }
    }
}

fn exhaustive(points: &[&Embedding], count: usize) -> Vec<Vec<Neighbour>> {
    let mut nearest: Vec<Nearest> = points.iter().map(|_| Nearest::new(count)).collect();
    let points: Vec<Widened> = points.iter().map(|point| Widened::of(point)).collect();
    for (at, point) in points.iter().enumerate().filter(|(_, point)| !point.is_zero()) {
        for (other, embedding) in points.iter().enumerate().skip(at + 1).filter(|(_, other)| !other.is_zero()) {
            let cosine = point.cosine(embedding);
            nearest[at].offer(other as u32, cosine);
            nearest[other].offer(at as u32, cosine);
        }
    }
    nearest.into_iter().map(|nearest| nearest.kept).collect()
}

/// An embedding with its values at 16 bits, of which every processor multiplies and adds eight at once: an order of
/// magnitude faster than from 8 bits where code is compiled for any x86-64. The cosine is the same.
#[derive(Debug, Clone)]
pub(crate) struct Widened {
    scale: f32,
    values: [i16; DIMENSIONS],
}

impl Widened {
    pub(crate) fn of(embedding: &Embedding) -> Self {
        Self { scale: embedding.scale(), values: embedding.values().map(i16::from) }
    }

    #[inline(always)]
    pub(crate) fn cosine(&self, other: &Self) -> f32 {
        let products = self.values.iter().zip(&other.values).map(|(left, right)| i32::from(*left) * i32::from(*right));
        products.sum::<i32>() as f32 * self.scale * other.scale
    }

    /// The same with an embedding as it is: for one point and many others, each of which is met once.
    #[inline(always)]
    pub(crate) fn cosine_with(&self, other: &Embedding) -> f32 {
        let values = other.values().iter().map(|value| i32::from(*value));
        let products = self.values.iter().zip(values).map(|(left, right)| i32::from(*left) * right);
        products.sum::<i32>() as f32 * self.scale * other.scale()
    }

    fn is_zero(&self) -> bool {
        self.scale == 0.0
    }
}

/// The best of what was offered, sorted, nearest first.
struct Nearest {
    count: usize,
    /// A new one must be at least as near as this to be looked at.
    least: f32,
    kept: Vec<Neighbour>,
}

impl Nearest {
    fn new(count: usize) -> Self {
        Self { count, least: f32::NEG_INFINITY, kept: Vec::with_capacity(count + 1) }
    }

    fn offer(&mut self, at: u32, cosine: f32) {
        if cosine < self.least || self.count == 0 {
            return;
        }
        let place = self.kept.partition_point(|kept| (-kept.cosine, kept.at) < (-cosine, at));
        self.kept.insert(place, Neighbour { at, cosine });
        self.kept.truncate(self.count);
        if self.kept.len() == self.count {
            self.least = self.kept[self.count - 1].cosine;
        }
    }
}

/// A point that is not zero, in its bucket.
#[derive(Clone)]
struct Member {
    at: u32,
    /// A copy: what is compared together lies together.
    point: Widened,
    /// The buckets it is compared with, nearest first.
    nearest_buckets: Vec<u32>,
}

/// Points by their nearest centre.
fn buckets(points: &[&Embedding], probes: Probes) -> Vec<Vec<Member>> {
    let count = points.len().isqrt();
    let sample = spaced(points, count * SAMPLE_PER_BUCKET);
    let mut centres: Vec<Widened> = spaced(&sample, count).into_iter().map(Widened::of).collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![[0.0_f32; DIMENSIONS]; centres.len()];
        for point in &sample {
            let nearest = nearest_centres(&centres, &Widened::of(point), 1)[0];
            sums[nearest as usize].iter_mut().zip(point.to_vector()).for_each(|(sum, value)| *sum += value);
        }
        for (centre, sum) in centres.iter_mut().zip(&sums) {
            let moved = Widened::of(&Embedding::of(sum));
            if !moved.is_zero() {
                *centre = moved;
            }
        }
    }
    let probes = probes.0.clamp(1, count);
    let nearest_of_each = parallel::map(points, |point| nearest_centres(&centres, &Widened::of(point), probes));
    let mut members = vec![Vec::new(); count];
    for ((at, point), nearest_buckets) in
        (0..).zip(points).zip(nearest_of_each).filter(|((_, point), _)| !point.is_zero())
    {
        members[nearest_buckets[0] as usize].push(Member { at, point: Widened::of(point), nearest_buckets });
    }
    members
}

/// The nearest of the centres, nearest first.
#[multiversion(targets("x86_64+avx2"))]
fn nearest_centres(centres: &[Widened], point: &Widened, count: usize) -> Vec<u32> {
    let mut nearest = Nearest::new(count);
    centres.iter().zip(0..).for_each(|(centre, at)| nearest.offer(at, point.cosine(centre)));
    nearest.kept.iter().map(|centre| centre.at).collect()
}

/// At most `count` of the points, evenly spaced.
fn spaced<'points>(points: &[&'points Embedding], count: usize) -> Vec<&'points Embedding> {
    let count = count.min(points.len());
    (0..count).map(|at| points[at * points.len() / count]).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A point that leans towards one of the topics by `lean`, and otherwise anywhere.
    pub(crate) fn near_topic(topic: u64, member: u64, lean: f32) -> Embedding {
        Embedding::of(&std::array::from_fn(|dimension| {
            lean * noise(topic, 1, dimension) + noise(member, 2 + topic, dimension)
        }))
    }

    fn noise(seed: u64, stream: u64, dimension: usize) -> f32 {
        let bytes = [seed.to_le_bytes(), stream.to_le_bytes(), (dimension as u64).to_le_bytes()].concat();
        (xxhash_rust::xxh3::xxh3_64(&bytes) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    #[test]
    fn buckets_find_most_of_what_a_full_comparison_finds() {
        let points: Vec<Embedding> = (0..4_000).map(|at| near_topic(at % 40, at, 2.0)).collect();
        let points: Vec<&Embedding> = points.iter().collect();
        let (found, sought) = (nearest(&points, 10, Probes(12)), exhaustive(&points, 10));
        let hits: usize =
            found.iter().zip(&sought).map(|(found, sought)| sought.iter().filter(|s| found.contains(s)).count()).sum();
        assert!(hits > 30_000, "{hits} of 40000");
    }

    #[test]
    fn neighbours_come_nearest_first_and_ties_by_index() {
        let points = [near_topic(0, 0, 3.0), near_topic(0, 1, 3.0), near_topic(0, 1, 3.0), near_topic(9, 5, 3.0)];
        let points: Vec<&Embedding> = points.iter().collect();
        let found = nearest(&points, 3, Probes(1));
        assert_eq!(found[0].iter().map(|neighbour| neighbour.at).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(found[1][0].at, 2);
    }

    #[test]
    fn what_says_nothing_is_nobodys_neighbour() {
        let zero = Embedding::of(&[0.0; DIMENSIONS]);
        let (one, other) = (near_topic(0, 0, 1.0), near_topic(0, 1, 1.0));
        let found = nearest(&[&one, &zero, &other], 5, Probes(1));
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1]);
    }
}
