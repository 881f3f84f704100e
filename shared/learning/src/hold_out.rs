//! Which rows measure the model instead of teaching it.
//!
//! A group is held out by its own hash alone, so that the same rows are held out in every version, whatever was
//! uploaded since: before and after are compared on rows neither has seen. A group is never split, and
//! an intent never loses all its rows to the hold-out.

use std::collections::BTreeMap;

use crate::content::Group;

const HOLD_OUT: u64 = 0x686f_6c64_5f6f_7574;
const FOLD: u64 = 0x666f_6c64_0000_0001;

/// Whether a share of all groups (0 to 1) includes this one.
#[must_use]
pub fn contains(group: Group, share: f32) -> bool {
    fraction(group) < f64::from(share)
}

/// The group's place in 0 (inclusive) to 1 (exclusive), uniform over groups.
fn fraction(group: Group) -> f64 {
    (group.hash_for(HOLD_OUT) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The part of a cross-validation that a group belongs to.
pub(crate) fn fold(group: Group, folds: u64) -> u64 {
    group.hash_for(FOLD) % folds
}

/// Which half of the hold-out a group belongs to.
pub(crate) fn half(group: Group) -> usize {
    usize::from(fold(group, 2) == 1)
}

/// For each row, given as its group and its class, whether it is held out. Where every row of a class would be,
/// the class's last group in the order of hashes goes back to training.
pub(crate) fn split(rows: &[(Group, u32)], share: f32) -> Vec<bool> {
    let mut lasts: BTreeMap<u32, Group> = BTreeMap::new();
    for &(group, class) in rows {
        let last = lasts.entry(class).or_insert(group);
        if rank(group) > rank(*last) {
            *last = group;
        }
    }
    let returned: Vec<Group> = lasts.into_values().filter(|last| contains(*last, share)).collect();
    rows.iter().map(|(group, _)| contains(*group, share) && !returned.contains(group)).collect()
}

fn rank(group: Group) -> (u64, Group) {
    (group.hash_for(HOLD_OUT) >> 11, group)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn about_the_share_asked_for_is_held_out() {
        let held = (0..10_000).filter(|bits| contains(Group::from_bits(*bits), 0.1)).count();
        assert!((900..1_100).contains(&held), "{held} of 10,000");
    }

    #[test]
    fn a_row_held_out_once_stays_so_when_rows_are_added() {
        let rows: Vec<_> = (0..2_000).map(|bits| (Group::from_bits(bits), (bits % 3) as u32)).collect();
        let before = split(&rows[..1_000], 0.1);
        assert_eq!(before, split(&rows, 0.1)[..1_000]);
    }

    proptest! {
        #[test]
        fn groups_stay_whole_and_every_class_keeps_a_row_to_learn_from(
            rows in prop::collection::vec((0_u64..30, 0_u32..6), 1..80),
            share in 0.05_f32..=0.5,
        ) {
            let rows: Vec<_> =
                rows.into_iter().map(|(group, class)| (Group::from_bits(group), class)).collect();
            let held = split(&rows, share);
            for (row, is_held) in rows.iter().zip(&held) {
                let same_side = |(other, other_held): (&(Group, u32), &bool)| {
                    other.0 != row.0 || other_held == is_held
                };
                prop_assert!(rows.iter().zip(&held).all(same_side));
                prop_assert!(rows.iter().zip(&held).any(|(other, held)| other.1 == row.1 && !held));
            }
        }
    }
}
