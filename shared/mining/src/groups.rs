//! Texts that say nearly the same, found without comparing each with each.
//!
//! Texts that share many words and pairs of words are likely to have the same least hash of them (MinHash, Broder 1997);
//! those that agree in any of several bands of such hashes are compared word by word (locality-sensitive hashing, Indyk &
//! Motwani 1998). The texts that most others agree with lead; each of the rest joins the leader that it is most like.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::alignment::Comparable;

/// Bands of hashes, and hashes of a band: two texts meet with probability 1 − (1 − s³)³², where s is the share of words and
/// pairs that they have in common: 0.88 for 0.4, 0.03 for 0.1.
const BANDS: usize = 32;
const HASHES_OF_BAND: usize = 3;
/// Leaders that a bucket names: more means that the bucket tells little.
const LEADERS_OF_BUCKET: usize = 16;
/// Leaders that a text is compared with, those it met most often.
const COMPARED: usize = 12;
/// Longest common subsequence, as a share of both texts, by which one joins the other.
const LIKENESS: f64 = 0.7;

/// A text as the keys of its words.
pub(crate) struct Form {
    pub keys: Vec<u64>,
    /// How many times it was written.
    pub weight: usize,
}

/// Groups of at least two texts, or of one that was written more than once: their places, the leader first. The order of
/// the texts is the only tie-break.
pub(crate) fn groups(forms: &[Form]) -> Vec<Vec<usize>> {
    let (buckets, weights) = buckets(forms);
    let weight = |(form, buckets): (&Form, &[u32; BANDS])| -> usize {
        buckets.iter().map(|bucket| weights[*bucket as usize].max(form.weight)).sum()
    };
    let density: Vec<usize> = forms.iter().zip(&buckets).map(weight).collect();
    let mut order: Vec<usize> = (0..forms.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(density[*at]), *at));

    let mut leaders: Vec<Vec<u32>> = vec![Vec::new(); weights.len()];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in order {
        match best_group(forms, &buckets[at], &leaders, &groups, at) {
            Some(group) => groups[group].push(at),
            None => {
                let number = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                for bucket in buckets[at].iter().filter(|bucket| **bucket != ALONE) {
                    let named = &mut leaders[*bucket as usize];
                    if named.len() < LEADERS_OF_BUCKET {
                        named.push(number);
                    }
                }
                groups.push(vec![at]);
            }
        }
    }
    groups.retain(|group| group.iter().map(|at| forms[*at].weight).sum::<usize>() > 1);
    groups
}

fn best_group(
    forms: &[Form],
    buckets: &[u32; BANDS],
    leaders: &[Vec<u32>],
    groups: &[Vec<usize>],
    at: usize,
) -> Option<usize> {
    let mut met: Vec<u32> = buckets.iter().flat_map(|bucket| &leaders[*bucket as usize]).copied().collect();
    if met.is_empty() {
        return None;
    }
    met.sort_unstable();
    let mut counted: Vec<(usize, u32)> = met.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
    counted.sort_unstable_by_key(|(times, group)| (std::cmp::Reverse(*times), *group));
    let own = Comparable::of(&forms[at].keys);
    let mut best: Option<(f64, usize)> = None;
    for (_, group) in counted.into_iter().take(COMPARED) {
        let group = group as usize;
        let likeness = own.likeness(&forms[groups[group][0]].keys);
        if likeness >= LIKENESS && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, group));
        }
    }
    best.map(|(_, group)| group)
}

/// The bucket of a text that no other shares.
const ALONE: u32 = 0;

/// The buckets of each text, one for each band, and the weights of the texts in each bucket. A bucket holds at least two
/// texts, but for [`ALONE`], which weighs nothing.
fn buckets(forms: &[Form]) -> (Vec<[u32; BANDS]>, Vec<usize>) {
    let bands: Vec<[u64; BANDS]> = forms.iter().map(|form| bands(&form.keys)).collect();
    let mut buckets = vec![[ALONE; BANDS]; forms.len()];
    let mut weights = vec![0];
    let mut hashed: Vec<(u64, u32)> = Vec::with_capacity(forms.len());
    for band in 0..BANDS {
        hashed.clear();
        hashed.extend((0..).zip(&bands).map(|(at, bands)| (bands[band], at)));
        hashed.sort_unstable();
        for met in hashed.chunk_by(|(a, _), (b, _)| a == b).filter(|met| met.len() > 1) {
            let bucket = u32::try_from(weights.len()).unwrap_or(ALONE);
            weights.push(met.iter().map(|(_, at)| forms[*at as usize].weight).sum());
            met.iter().for_each(|(_, at)| buckets[*at as usize][band] = bucket);
        }
    }
    (buckets, weights)
}

/// The hash of each band.
fn bands(keys: &[u64]) -> [u64; BANDS] {
    let mut least = [[u64::MAX; HASHES_OF_BAND]; BANDS];
    let pairs = keys.windows(2).map(|pair| pair[0].rotate_left(17) ^ pair[1].wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut shingles: Vec<u64> = keys.iter().copied().chain(pairs).collect();
    shingles.sort_unstable();
    shingles.dedup();
    for shingle in shingles {
        // A generator of independent numbers for each shingle (SplitMix64, Steele et al. 2014).
        let mut state = shingle;
        for hash in least.iter_mut().flatten() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *hash = (*hash).min(mixed ^ (mixed >> 31));
        }
    }
    let mut bands = [0; BANDS];
    for ((number, band), least) in (0..).zip(&mut bands).zip(&least) {
        let bytes: Vec<u8> = least.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        *band = xxh3_64_with_seed(&bytes, number);
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(words: &str) -> Form {
        Form { keys: words.split(' ').map(crate::tokens::key_of).collect(), weight: 1 }
    }

    #[test]
    fn what_is_nearly_the_same_comes_together() {
        let forms = [
            form("your order has left our house and will be with you in two days"),
            form("please send us the number of the invoice so that we can look it up"),
            form("your order has left our house and will be with you in three long days"),
            form("nothing of this is said by anybody else at all here"),
            form("please send us the number of your invoice so that we can look it up"),
        ];
        let mut groups = groups(&forms);
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort();
        assert_eq!(groups, [vec![0, 2], vec![1, 4]]);
    }

    #[test]
    fn what_was_written_twice_is_a_group() {
        let mut twice = form("a b c d");
        twice.weight = 2;
        assert_eq!(groups(&[twice, form("e f g h")]), [vec![0]]);
    }
}
