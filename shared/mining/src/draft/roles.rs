//! What a sentence does in a reply, told by the words that such sentences begin or end with.
//!
//! The cues are short lists in English, German, Spanish and Russian: they order a draft and keep it from greeting twice. A
//! sentence of another language, or one that no cue tells of, is taken for the body.

use serde::Serialize;
use utoipa::ToSchema;

use crate::recognise::{opens_greeting, precedes_name};

/// What a sentence does in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It greets.
    Greeting,
    /// It thanks, understands or apologises.
    Acknowledgement,
    /// It says what there is to say.
    Body,
    /// It says what comes next, or what to do.
    NextStep,
    /// It offers more help, wishes well, or signs.
    Closing,
}

/// Words of a greeting.
const GREETING_WORDS: usize = 8;
/// From this share of a reply on, thanks close it.
const LATE: f64 = 0.6;

const CLOSING: &[&str] = &[
    " regards",
    " sincerely",
    " best wishes",
    " take care",
    " let us know",
    " let me know",
    " feel free to",
    " hesitate to",
    " reach out to",
    " if you have any",
    " if you encounter any",
    " any other question",
    " any further",
    " anything else",
    " here to help",
    " have a great",
    " have a nice",
    " have a wonderful",
    " have a lovely",
    " have a good",
    " mit freundlichen",
    " grüße",
    " bei fragen",
    " falls sie",
    " noch fragen",
    " weitere fragen",
    " melden sie sich",
    " gern zur verfügung",
    " gerne zur verfügung",
    " schönen tag",
    " saludo",
    " atentamente",
    " cordialmente",
    " no dude en",
    " no dudes en",
    " alguna otra",
    " a su disposición",
    " si tiene alguna",
    " si tienes alguna",
    " buen día",
    " с уважением",
    " если у вас",
    " обращайтесь",
    " будем рады помочь",
    " хорошего дня",
    " всего доброго",
    " cordialement",
    " bien à vous",
    " bonne journée",
    " n'hésitez pas",
    " atenciosamente",
    " cumprimentos",
    " cordiali saluti",
    " distinti saluti",
    " pozdrawiam",
    " z poważaniem",
    " vriendelijke groet",
    " met groet",
    " saygıların",
    " saygılarım",
    " iyi günler",
    " s pozdravem",
    " з повагою",
];
const THANKS: &[&str] = &[
    " thank you",
    " thanks",
    " appreciate",
    " danke",
    " vielen dank",
    " gracias",
    " agradec",
    " спасибо",
    " благодар",
];
const ACKNOWLEDGEMENT: &[&str] = &[
    " sorry",
    " apolog",
    " regret",
    " understand",
    " i hear",
    " i get it",
    " i see that",
    " no worries",
    " entschuldig",
    " tut uns leid",
    " tut mir leid",
    " bedauer",
    " verstehe",
    " verständnis",
    " lo siento",
    " sentimos",
    " lamento",
    " lamentamos",
    " disculp",
    " entiendo",
    " entendemos",
    " извин",
    " сожале",
    " понимаем",
    " понимаю",
    " жаль",
];
const NEXT_STEP: &[&str] = &[
    " we will",
    " we'll",
    " i will",
    " i'll",
    " you will",
    " you'll",
    " you can",
    " please",
    " once ",
    " as soon as",
    " within ",
    " next ",
    " bitte",
    " wir werden",
    " sie können",
    " sie erhalten",
    " sobald",
    " innerhalb",
    " por favor",
    " puede ",
    " puedes ",
    " le enviaremos",
    " recibirá",
    " en cuanto",
    " пожалуйста",
    " вы можете",
    " вы получите",
    " как только",
    " в течение",
];

/// The role of a sentence of such words, in lower case, that stands at a share of the reply from 0, its beginning, to 1.
pub(crate) fn role(words: &[String], place: f64, is_item: bool) -> Role {
    if is_item {
        return Role::NextStep;
    }
    if words.len() <= GREETING_WORDS && greets(words) {
        return Role::Greeting;
    }
    let said = format!(" {} ", words.join(" "));
    let has = |cues: &[&str]| cues.iter().any(|cue| said.contains(cue));
    if has(CLOSING) {
        return Role::Closing;
    }
    if has(THANKS) {
        return if place >= LATE { Role::Closing } else { Role::Acknowledgement };
    }
    if has(ACKNOWLEDGEMENT) {
        return Role::Acknowledgement;
    }
    if has(NEXT_STEP) {
        return Role::NextStep;
    }
    Role::Body
}

/// Whether a sentence begins with a greeting. "Good" greets before a time of day alone: "good news" is none.
pub(crate) fn greets(words: &[String]) -> bool {
    let Some(first) = words.first() else { return false };
    let takes_time_of_day = matches!(
        first.as_str(),
        "good"
            | "guten"
            | "buenos"
            | "buenas"
            | "добрый"
            | "добрий"
            | "доброго"
            | "sehr"
            | "bom"
            | "boa"
            | "dzień"
            | "dobrý"
            | "dag"
    );
    opens_greeting(first) && (!takes_time_of_day || words.get(1).is_some_and(|second| precedes_name(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_known_by_their_cues() {
        for (words, place, expected) in [
            ("hi anna", 0.0, Role::Greeting),
            ("guten tag frau weiß", 0.0, Role::Greeting),
            ("good news about your order", 0.0, Role::Body),
            ("thank you for reaching out", 0.0, Role::Acknowledgement),
            ("thank you for reaching out", 0.9, Role::Closing),
            ("lamentamos la demora", 0.2, Role::Acknowledgement),
            ("деньги вернутся в течение недели", 0.5, Role::NextStep),
            ("mit freundlichen grüßen", 1.0, Role::Closing),
            ("the refund was issued", 0.5, Role::Body),
            ("", 0.0, Role::Body),
        ] {
            let read: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(role(&read, place, false), expected, "{words}");
        }
    }
}
