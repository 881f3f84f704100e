//! What mining promises of replies that are written to be costly, a few of each kind.

use std::collections::BTreeSet;

use romashka_liquid::Template;
use romashka_mining::{Mined, Settings, mine};

mod hostile_sets;

use hostile_sets::{HOSTILE, replies};

/// Replies of each kind, and bytes of them; `cargo xtask bench mining` takes as many as are mined at once.
const FEW: usize = 2_000;
const FEW_BYTES: usize = 96 * 1024;

fn told(mined: &Mined) -> Vec<(String, usize)> {
    let all = mined.proposals.iter().chain(&mined.passages);
    all.map(|proposal| (proposal.source.clone(), proposal.replies)).collect()
}

#[test]
fn whatever_is_written_sources_parse_and_the_order_changes_nothing() {
    for hostile in HOSTILE {
        let kind = hostile.0;
        let mut replies = replies(hostile, FEW, FEW_BYTES);
        assert!(!replies.is_empty(), "{kind}");
        let mined = mine(&replies, &Settings::default()).unwrap();
        assert_eq!(mined.replies, replies.len(), "{kind}");
        assert!(mined.left_out + mined.covered + mined.partly_covered <= mined.replies, "{kind}");
        for proposal in mined.proposals.iter().chain(&mined.passages) {
            let template = Template::parse(&proposal.source).unwrap_or_else(|why| panic!("{kind}: {why:?}"));
            let used: BTreeSet<String> = template.variables().into_iter().map(|variable| variable.name).collect();
            let listed: BTreeSet<String> = proposal.variables.iter().map(|slot| slot.name.clone()).collect();
            assert_eq!(used, listed, "{kind}: {}", proposal.source);
            assert!((Settings::default().least_replies..=replies.len()).contains(&proposal.replies), "{kind}");
        }
        replies.reverse();
        let half = replies.len() / 2;
        replies.rotate_left(half);
        assert_eq!(told(&mine(&replies, &Settings::default()).unwrap()), told(&mined), "{kind}");
    }
}

#[test]
fn what_is_the_same_but_for_one_word_is_one_template() {
    for kind in ["all the same", "1,000 words, one of them another"] {
        let hostile = HOSTILE.into_iter().find(|(name, _)| *name == kind).unwrap();
        let replies = replies(hostile, FEW, FEW_BYTES);
        let mined = mine(&replies, &Settings::default()).unwrap();
        assert_eq!((mined.proposals.len(), mined.covered), (1, replies.len()), "{kind}");
    }
}
