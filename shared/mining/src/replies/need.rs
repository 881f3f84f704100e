//! The customer's need: what was asked, over several messages.

use romashka_types::reply::Act;

use super::reading::read;

/// Bytes of the earlier messages of a need; those before are left out whole.
pub const MAX_EARLIER_BYTES: usize = 2_000;
/// Words below which a message behind an answer says too little by itself: "And to Austria?"
const FEW_WORDS: usize = 5;

/// The speaker of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The customer.
    Customer,
    /// A person or program of the team.
    Team,
}

/// The need behind a message: the message with the customer's earlier ones since the last real answer. A short message
/// right behind an answer brings the message before it along. Greetings are dropped.
#[must_use]
pub fn need<'text>(before: impl DoubleEndedIterator<Item = (Speaker, &'text str)>, message: &str) -> String {
    let mut parts = vec![message];
    let mut earlier = 0;
    let mut answered = false;
    for (speaker, text) in before.rev() {
        match speaker {
            Speaker::Team if read(text).act == Act::Answer => {
                if answered || !is_short(message) {
                    break;
                }
                answered = true;
            }
            Speaker::Team => {}
            Speaker::Customer if says_something(text) => {
                earlier += text.len();
                if earlier > MAX_EARLIER_BYTES {
                    break;
                }
                parts.push(text);
                if answered {
                    break;
                }
            }
            Speaker::Customer => {}
        }
    }
    parts.reverse();
    parts.join("\n")
}

fn is_short(message: &str) -> bool {
    message.split_whitespace().count() < FEW_WORDS && says_something(message)
}

/// Returns false for a mere greeting or thanks.
fn says_something(message: &str) -> bool {
    let read = read(message);
    !read.body.is_empty() && (read.act != Act::Courtesy || message.split_whitespace().count() >= FEW_WORDS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Speaker::{Customer, Team};

    fn of(before: &[(Speaker, &str)], message: &str) -> String {
        need(before.iter().copied(), message)
    }

    #[test]
    fn messages_up_to_the_first_answer_are_one_need() {
        let asked =
            [(Customer, "Hi!"), (Customer, "where is my order?"), (Team, "Could you tell me the order number?")];
        assert_eq!(of(&asked, "it is 10432"), "where is my order?\nit is 10432");
    }

    #[test]
    fn an_answer_ends_a_need_and_a_short_question_behind_it_keeps_its_context() {
        let answered =
            [(Customer, "Do you ship to Germany?"), (Team, "Yes, parcels to Germany take three working days.")];
        assert_eq!(of(&answered, "And to Austria?"), "Do you ship to Germany?\nAnd to Austria?");
        assert_eq!(of(&answered, "My last parcel never arrived at my door"), "My last parcel never arrived at my door");
    }

    proptest! {
        #[test]
        fn a_need_ends_with_the_message_and_is_bounded(
            before in prop::collection::vec((prop_oneof![Just(Customer), Just(Team)], "\\PC{0,60}"), 0..6),
            message in "[a-z ?]{1,80}",
        ) {
            let need = need(before.iter().map(|(speaker, text)| (*speaker, text.as_str())), &message);
            prop_assert!(need.ends_with(&message) && need.len() <= MAX_EARLIER_BYTES + before.len() + message.len());
        }
    }
}
