//! What mining promises of all replies, hostile ones too.

use std::collections::BTreeSet;

use proptest::prelude::*;
use romashka_liquid::Template;
use romashka_mining::{Mined, Reply, Settings, mine};

fn replies(texts: &[String]) -> Vec<Reply> {
    let reply = |(at, text): (usize, &String)| Reply {
        conversation: format!("c-{at}"),
        text: text.clone(),
        language: None,
        resolved: None,
    };
    texts.iter().enumerate().map(reply).collect()
}

fn mined(replies: &[Reply]) -> Mined {
    mine(replies, &Settings { least_replies: 2, ..Settings::default() }).expect("so few replies are within the bounds")
}

fn sources(mined: &Mined) -> Vec<(String, usize)> {
    mined.proposals.iter().map(|proposal| (proposal.source.clone(), proposal.replies)).collect()
}

#[test]
fn what_is_of_one_customer_is_no_default_for_others() {
    let reply = |name: &str, order: &str, days: u32| {
        format!(
            "Hello {name}, your order {order} has left our house and reaches you in {days} days. Thank you for waiting!"
        )
    };
    let texts = [reply("Anna", "AB-1043", 3), reply("Anna", "AB-1043", 3), reply("Tom", "XK-9310", 4)];
    let proposals = mined(&replies(&texts)).proposals;
    let [proposal] = &proposals[..] else { panic!("{proposals:?}") };
    let defaults: Vec<_> = proposal.variables.iter().map(|slot| (&*slot.name, slot.default.as_deref())).collect();
    assert_eq!(defaults, [("customer.name", None), ("order.number", None), ("days", Some("3"))]);
    let texts = [reply("Anna", "1043123", 3), reply("Anna", "1043123", 3), reply("Tom", "9310555", 4)];
    let proposals = mined(&replies(&texts)).proposals;
    assert!(!format!("{:?}", proposals[0].variables).contains("default: Some(\"1043123\")"), "{proposals:?}");
}

/// Replies made of few pieces, so that they repeat, with braces among them.
fn some_reply() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Hello Anna,".to_owned()),
        Just("your order AB-1043 has left our house today.".to_owned()),
        Just("we send {{ it }} back to you {% if %} soon.".to_owned()),
        "[0-9]{1,4} days until it arrives at your door.",
        "[a-z{}%]{1,8}",
        Just("Thank you for your patience and have a nice day!".to_owned()),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn sources_parse_and_have_the_variables_that_are_listed(texts in prop::collection::vec(some_reply(), 0..40)) {
        for proposal in mined(&replies(&texts)).proposals {
            let template = Template::parse(&proposal.source);
            prop_assert!(template.is_ok(), "{}", proposal.source);
            let used: BTreeSet<String> = template.unwrap().variables().into_iter().map(|variable| variable.name).collect();
            let listed: BTreeSet<String> = proposal.variables.iter().map(|slot| slot.name.clone()).collect();
            prop_assert_eq!(used, listed, "{}", proposal.source);
        }
    }

    #[test]
    fn the_order_of_replies_changes_nothing(texts in prop::collection::vec(some_reply(), 0..40)) {
        let in_order = replies(&texts);
        let mut backwards = in_order.clone();
        backwards.reverse();
        prop_assert_eq!(sources(&mined(&in_order)), sources(&mined(&backwards)));
    }
}

#[test]
fn hostile_replies_cost_no_more_than_others() {
    let one_word = "x".repeat(1 << 20);
    let braces = "{{".repeat(10_000);
    let mut texts = vec![one_word, braces, "\u{0}\u{1}\u{202e}".repeat(1_000), String::new()];
    texts.extend((0..2_000).map(|_| "The same reply to everybody, again and again.".to_owned()));
    let mined = mined(&replies(&texts));
    assert!(mined.covered >= 2_000, "{}", mined.covered);
}
