//! Two replies laid beside each other.

use std::collections::HashMap;

/// Bits of a word of the machine.
const BITS: usize = 64;
/// What a pair of equal tokens is worth beside one that follows another pair at once: whole phrases are found together
/// rather than words here and there.
const WORTH_OF_PAIR: u32 = 4;
const WORTH_OF_FOLLOWING: u32 = 1;

/// Tokens at the edge of what both rows begin or end with that are looked at all the same.
const EDGE: usize = 4;

/// A row of keys, ready to be compared with many others: the length of the longest common subsequence by bits in parallel
/// (Hyyrö 2004).
pub(crate) struct Comparable {
    length: usize,
    /// For each key, where it stands.
    places: HashMap<u64, Vec<u64>>,
}

impl Comparable {
    pub fn of(keys: &[u64]) -> Self {
        let mut places: HashMap<u64, Vec<u64>> = HashMap::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            places.entry(*key).or_insert_with(|| vec![0; keys.len().div_ceil(BITS)])[at / BITS] |= 1 << (at % BITS);
        }
        Self { length: keys.len(), places }
    }

    /// The longest common subsequence, as a share of both rows: 1 for equal ones.
    pub fn likeness(&self, other: &[u64]) -> f64 {
        let both = self.length + other.len();
        if both == 0 {
            return 1.0;
        }
        2.0 * self.common(other) as f64 / both as f64
    }

    fn common(&self, other: &[u64]) -> usize {
        let mut row = vec![u64::MAX; self.length.div_ceil(BITS)];
        for key in other {
            let Some(places) = self.places.get(key) else { continue };
            let mut carry = false;
            for (bits, places) in row.iter_mut().zip(places) {
                let met = *bits & places;
                let (sum, first) = bits.overflowing_add(met);
                let (sum, second) = sum.overflowing_add(u64::from(carry));
                carry = first || second;
                *bits = sum | (*bits & !places);
            }
        }
        let mut common = 0;
        for (at, bits) in row.iter().enumerate() {
            let used = (self.length - at * BITS).min(BITS);
            let mask = if used == BITS { u64::MAX } else { (1 << used) - 1 };
            common += (!bits & mask).count_ones() as usize;
        }
        common
    }
}

/// For each key of the first row its partner in the second, in order on both sides, so that the pairs and their
/// neighbourhoods are worth most. A key of 0 has no partner. `None` where it would take more effort than is left: one for
/// each cell of the table of what differs.
pub(crate) fn pair_within(first: &[u64], second: &[u64], effort: &mut u64) -> Option<Vec<Option<usize>>> {
    let equal = |(a, b): (&u64, &u64)| a == b && *a != 0;
    let lead = first.iter().zip(second).take_while(|pair| equal(*pair)).count();
    // The last equal ones may belong to what follows.
    let lead = if lead == first.len().min(second.len()) { lead } else { lead.saturating_sub(EDGE) };
    let (a, b) = (&first[lead..], &second[lead..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|pair| equal(*pair)).count();
    let tail = if tail == a.len().min(b.len()) { tail } else { tail.saturating_sub(EDGE) };
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    *effort = effort.checked_sub((a.len() * b.len()) as u64)?;
    let mut pairs = vec![None; first.len()];
    (0..lead).for_each(|at| pairs[at] = Some(at));
    (0..tail).for_each(|back| pairs[first.len() - 1 - back] = Some(second.len() - 1 - back));
    pair_differing(a, b, lead, &mut pairs);
    Some(pairs)
}

/// Where the best worth of a cell comes from.
const FROM_ABOVE: u8 = 1;
const FROM_LEFT: u8 = 2;
const FROM_PAIR: u8 = 3;
/// Set where the pair of the cell follows another at once.
const FOLLOWS: u8 = 4;

fn pair_differing(a: &[u64], b: &[u64], offset: usize, pairs: &mut [Option<usize>]) {
    if a.is_empty() || b.is_empty() {
        return;
    }
    let width = b.len() + 1;
    let mut from = vec![0_u8; (a.len() + 1) * width];
    let (mut best, mut above) = (vec![0_u32; width], vec![0_u32; width]);
    // The worth where the cell is a pair; 0 where it is none.
    let (mut paired, mut paired_above) = (vec![0_u32; width], vec![0_u32; width]);
    for (i, key) in a.iter().enumerate() {
        std::mem::swap(&mut best, &mut above);
        std::mem::swap(&mut paired, &mut paired_above);
        best[0] = 0;
        let row = &mut from[(i + 1) * width..(i + 2) * width];
        for (j, other) in b.iter().enumerate() {
            let (mut worth, mut came) =
                if above[j + 1] >= best[j] { (above[j + 1], FROM_ABOVE) } else { (best[j], FROM_LEFT) };
            paired[j + 1] = 0;
            if key == other && *key != 0 {
                let following = if paired_above[j] > 0 { paired_above[j] + WORTH_OF_FOLLOWING } else { 0 };
                let follows = following > above[j];
                let as_pair = WORTH_OF_PAIR + following.max(above[j]);
                paired[j + 1] = as_pair;
                if as_pair > worth {
                    worth = as_pair;
                    came = FROM_PAIR;
                }
                if follows {
                    came |= FOLLOWS;
                }
            }
            best[j + 1] = worth;
            row[j + 1] = came;
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    let mut is_pair = false;
    while i > 0 && j > 0 {
        let cell = from[i * width + j];
        match cell & !FOLLOWS {
            _ if is_pair || cell & !FOLLOWS == FROM_PAIR => {
                pairs[offset + i - 1] = Some(offset + j - 1);
                is_pair = cell & FOLLOWS != 0;
                i -= 1;
                j -= 1;
            }
            FROM_LEFT => j -= 1,
            _ => i -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(a: &[u64], b: &[u64]) -> Vec<Option<usize>> {
        pair_within(a, b, &mut { u64::MAX }).unwrap()
    }

    fn by_table(a: &[u64], b: &[u64]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..a.len() {
            for j in 0..b.len() {
                table[i + 1][j + 1] = if a[i] == b[j] { table[i][j] + 1 } else { table[i][j + 1].max(table[i + 1][j]) };
            }
        }
        table[a.len()][b.len()]
    }

    #[test]
    fn a_phrase_is_found_whole() {
        assert_eq!(pair(&[1, 2, 3], &[1, 9, 1, 2, 3]), [Some(2), Some(3), Some(4)]);
        assert_eq!(pair(&[1, 0, 3], &[1, 7, 8, 3]), [Some(0), None, Some(3)]);
        assert_eq!(pair(&[5], &[]), [None]);
    }

    #[test]
    fn what_takes_more_effort_than_is_left_is_not_begun() {
        let mut effort = 20;
        assert!(pair_within(&[1, 2, 3, 4], &[5, 6, 7], &mut effort).is_some());
        assert_eq!(effort, 8);
        assert_eq!(pair_within(&[1, 2, 3, 4], &[5, 6, 7], &mut effort), None);
        assert!(pair_within(&[1, 2, 3, 4], &[1, 2, 3, 4], &mut effort).is_some(), "what is equal takes none");
    }

    proptest! {
        #[test]
        fn bits_count_what_a_table_counts(
            a in prop::collection::vec(1_u64..6, 0..150),
            b in prop::collection::vec(1_u64..6, 0..150),
        ) {
            prop_assert_eq!(Comparable::of(&a).common(&b), by_table(&a, &b));
        }

        #[test]
        fn pairs_are_equal_and_in_order(
            a in prop::collection::vec(0_u64..6, 0..30),
            b in prop::collection::vec(1_u64..6, 0..30),
        ) {
            let pairs = pair(&a, &b);
            prop_assert_eq!(pairs.len(), a.len());
            let taken: Vec<usize> = pairs.iter().flatten().copied().collect();
            prop_assert!(taken.is_sorted_by(|x, y| x < y));
            for (at, partner) in pairs.iter().enumerate() {
                prop_assert!(partner.is_none_or(|partner| a[at] == b[partner] && a[at] != 0));
            }
        }
    }
}
