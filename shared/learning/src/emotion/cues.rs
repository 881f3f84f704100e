//! Cues of feeling that n-grams miss: what is negated, what is stressed, and how it is typed.
//!
//! A word of praise after "not" is no praise, and a complaint in capitals is a strong one. Cues are counted over the
//! text as it was typed, for normalisation takes the capitals away. The word lists are short and our own; a head learns
//! what each cue is worth, so a list need only be consistent, not complete.
//!
//! Bounded: [`MAX_CHARACTERS`] characters are read, once, and every cue lies between 0 and 1.

use crate::content::MAX_CHARACTERS;

/// Cues of a text.
pub(super) const CUES: usize = 24;

/// Words after a negation that it still reaches.
const NEGATION_REACH: usize = 3;
/// Words after an intensifier or a diminisher that it still reaches.
const STRESS_REACH: usize = 2;
/// Occurrences at which a counted cue is at its greatest.
const SATURATION: f32 = 3.0;
/// Times a letter is repeated when somebody draws a word out.
const ELONGATION: usize = 3;
/// Letters of the shortest word that can be shouted; "I" and "OK" are not.
const SHORTEST_SHOUT: usize = 3;

#[rustfmt::skip] // a word a line would take pages
const PRAISE: &[&str] = &[
    "amazing", "appreciate", "appreciated", "awesome", "beautiful", "best", "better", "brilliant", "calm", "congrats",
    "congratulations", "cool", "delighted", "easy", "enjoy", "enjoyed", "excellent", "excited", "fantastic", "fast",
    "favorite", "favourite", "fixed", "fun", "funny", "generous", "glad", "good", "grateful", "great", "happy",
    "helped", "helpful", "hilarious", "hope", "hopefully", "impressed", "impressive", "interesting", "kind", "like",
    "liked", "love", "loved", "lovely", "loving", "lucky", "nice", "perfect", "perfectly", "pleasant", "pleased",
    "polite", "pretty", "prompt", "proud", "quick", "quickly", "recommend", "relieved", "resolved", "right",
    "satisfied", "smart", "smooth", "solved", "superb", "sweet", "welcome", "win", "wonderful", "works", "worth",
    "wow",
];

#[rustfmt::skip] // a word a line would take pages
const COMPLAINT: &[&str] = &[
    "afraid", "angry", "annoyed", "annoying", "anxious", "ashamed", "awful", "bad", "boring", "broke", "broken",
    "cheat", "cheated", "complain", "complaint", "confused", "creepy", "cried", "cry", "damaged", "dead", "delay",
    "delayed", "died", "dirty", "disappointed", "disappointing", "disgusting", "dumb", "embarrassed", "embarrassing",
    "error", "fail", "failed", "fails", "failure", "fault", "faulty", "fear", "fraud", "frustrated", "frustrating",
    "furious", "gross", "hate", "hated", "horrible", "hurt", "hurts", "ignored", "incompetent", "issue", "joke",
    "late", "lazy", "liar", "lie", "lied", "lies", "lonely", "lost", "mad", "mess", "miserable", "misleading",
    "missing", "nervous", "nightmare", "overcharged", "pain", "painful", "pathetic", "poor", "problem", "refuse",
    "refused", "ridiculous", "rude", "ruined", "sad", "scam", "scared", "scary", "shame", "shameful", "shocking",
    "sick", "slow", "stolen", "stuck", "stupid", "suck", "sucks", "terrible", "terrified", "tired", "ugly",
    "unacceptable", "unfair", "unfortunately", "unhappy", "upset", "useless", "waste", "wasted", "weird", "worried",
    "worry", "worse", "worst", "wrong",
];

const SWEARING: &[&str] = &[
    "arse", "ass", "asshole", "bastard", "bitch", "bloody", "bollocks", "bullshit", "crap", "damn", "dick", "fuck",
    "fucked", "fucker", "fucking", "goddamn", "hell", "piss", "pissed", "shit", "shitty", "wtf",
];

const THANKS: &[&str] = &["bless", "cheers", "grateful", "thank", "thankful", "thanks", "thanx", "thx", "ty"];

const APOLOGY: &[&str] = &["apologies", "apologise", "apologize", "apology", "forgive", "oops", "regret", "sorry"];

const LAUGHTER: &[&str] = &["ha", "haha", "hahaha", "hahahaha", "hehe", "lmao", "lmfao", "lol", "rofl", "xd"];

const NEGATIONS: &[&str] = &[
    "aint", "arent", "barely", "cannot", "cant", "couldnt", "didnt", "doesnt", "dont", "hadnt", "hardly", "hasnt",
    "havent", "isnt", "neither", "never", "no", "nobody", "none", "nor", "not", "nothing", "nowhere", "scarcely",
    "shouldnt", "wasnt", "werent", "without", "wont", "wouldnt",
];

#[rustfmt::skip] // a word a line would take pages
const INTENSIFIERS: &[&str] = &[
    "absolutely", "always", "completely", "deeply", "especially", "ever", "extremely", "highly", "incredibly",
    "insanely", "really", "seriously", "so", "soo", "such", "super", "terribly", "too", "totally", "truly", "utterly",
    "very",
];

/// Intensifiers that leave no doubt; "so", "too" and "really" are said too easily to make a feeling a strong one.
#[rustfmt::skip] // a word a line would take pages
const STRONG_INTENSIFIERS: &[&str] = &[
    "absolutely", "completely", "deeply", "extremely", "incredibly", "insanely", "seriously", "super", "totally",
    "truly", "utterly", "very",
];

const DIMINISHERS: &[&str] =
    &["almost", "bit", "fairly", "kinda", "little", "maybe", "mildly", "partly", "quite", "slightly", "somewhat"];

const CONTRASTS: &[&str] = &["although", "but", "except", "however", "instead", "though", "yet"];

const QUESTION_WORDS: &[&str] = &[
    "are", "can", "could", "did", "do", "does", "how", "is", "what", "when", "where", "which", "who", "whose", "why",
    "will", "would",
];

#[rustfmt::skip] // a word a line would take pages
const PUZZLEMENT: &[&str] = &[
    "confusing", "curious", "guess", "huh", "idk", "odd", "omg", "puzzled", "realised", "realized", "strange",
    "surprised", "surprising", "suddenly", "unsure", "unexpected", "whoa", "wonder", "wondering",
];

const GLAD_FACES: &[char] =
    &['😀', '😃', '😄', '😁', '😊', '🙂', '😇', '😎', '🤗', '👍', '👏', '🙌', '🎉', '🥳', '✨', '🔥', '🙏', '💪', '☺'];
const LOVING_FACES: &[char] =
    &['❤', '♥', '😍', '🥰', '😘', '💕', '💖', '💗', '💙', '💚', '💛', '💜', '🧡', '🖤', '💓', '💞', '😻'];
const LAUGHING_FACES: &[char] = &['😂', '🤣', '😆', '😅', '😹', '😜', '😝', '😛'];
const SAD_FACES: &[char] = &['😢', '😭', '😞', '😔', '😟', '🙁', '☹', '😩', '😫', '💔', '😥', '😓', '🥺', '😰', '😨'];
const ANGRY_FACES: &[char] = &['😠', '😡', '🤬', '👎', '🤮', '🤢', '💩', '😤', '🖕', '😒', '🙄'];
const PUZZLED_FACES: &[char] = &['🤔', '😕', '😮', '😲', '😯', '😳', '🤯', '😱', '🧐', '🤨', '🤷'];

const GLAD_EMOTICONS: &[&str] = &[":)", ":-)", ":d", ":-d", "=)", ";)", ";-)", "(:", "^^", ":p", ":-p"];
const SAD_EMOTICONS: &[&str] = &[":(", ":-(", ":'(", "=(", "):", ":/", ":-/", ":c", "d:", ">:("];
const LOVING_EMOTICONS: &[&str] = &["<3", ":*", "xoxo"];

/// Where each cue stands.
#[derive(Clone, Copy)]
enum Cue {
    Exclamation,
    Question,
    ExclaimedQuestion,
    Ellipsis,
    Shouting,
    Elongation,
    Praise,
    PraiseNegated,
    PraiseStressed,
    Complaint,
    ComplaintNegated,
    ComplaintStressed,
    Diminished,
    Swearing,
    Thanks,
    Apology,
    Laughter,
    LastIsPraise,
    LastIsComplaint,
    Contrast,
    Asks,
    Puzzlement,
    Tenderness,
    Length,
}

/// Whether a text stresses what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emphasis {
    /// It does not.
    Plain,
    /// Two exclamation marks, a shouted or drawn-out word, or an intensifier that leaves no doubt.
    Emphatic,
}

/// The cues of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cues {
    values: [f32; CUES],
    emphasis: Emphasis,
}

impl Cues {
    pub fn of(text: &str) -> Self {
        let mut reader = Reader::default();
        let end = text.char_indices().nth(MAX_CHARACTERS).map_or(text.len(), |(at, _)| at);
        text[..end].split_whitespace().for_each(|token| reader.read(token));
        reader.finish()
    }

    /// Each between 0 and 1.
    pub const fn values(&self) -> &[f32; CUES] {
        &self.values
    }

    pub const fn emphasis(&self) -> Emphasis {
        self.emphasis
    }
}

/// What has been counted so far, and which earlier words still reach the next.
#[derive(Default)]
struct Reader {
    counts: [f32; CUES],
    words: usize,
    strong_intensifiers: usize,
    exclamation_marks: usize,
    shouted: usize,
    /// Words that the last negation or stress still reaches.
    negated: usize,
    stressed: usize,
    diminished: usize,
}

impl Reader {
    fn read(&mut self, token: &str) {
        // Data sets and redaction put names like [NAME] in brackets; nobody shouted those.
        if token.starts_with('[') {
            self.words += 1;
            return;
        }
        self.read_marks(token);
        let lower = token.to_lowercase();
        if self.read_emoticon(&lower) {
            return;
        }
        // "great/terrible" and "slow...but" are two words each; an apostrophe belongs to its word.
        for part in token.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')) {
            if part.chars().any(char::is_alphanumeric) {
                self.read_word(part);
            }
        }
        if lower.ends_with([',', '.', ';', ':', '!', '?']) {
            self.end_clause();
        }
    }

    fn count(&mut self, cue: Cue) {
        self.counts[cue as usize] += 1.0;
    }

    fn end_clause(&mut self) {
        (self.negated, self.stressed, self.diminished) = (0, 0, 0);
    }

    fn read_marks(&mut self, token: &str) {
        let (mut exclaims, mut asks, mut dots) = (false, false, 0);
        for character in token.chars() {
            match character {
                '!' => {
                    exclaims = true;
                    self.exclamation_marks += 1;
                    self.count(Cue::Exclamation);
                }
                '?' => {
                    asks = true;
                    self.count(Cue::Question);
                }
                '.' => dots += 1,
                '…' => dots += 2,
                other if other.is_ascii() => {}
                face if GLAD_FACES.contains(&face) => self.count(Cue::Praise),
                face if LOVING_FACES.contains(&face) => self.count(Cue::Tenderness),
                face if LAUGHING_FACES.contains(&face) => self.count(Cue::Laughter),
                face if SAD_FACES.contains(&face) => self.count(Cue::Complaint),
                face if ANGRY_FACES.contains(&face) => {
                    self.count(Cue::Complaint);
                    self.count(Cue::ComplaintStressed);
                }
                face if PUZZLED_FACES.contains(&face) => self.count(Cue::Puzzlement),
                _ => {}
            }
        }
        if exclaims && asks {
            self.count(Cue::ExclaimedQuestion);
        }
        if dots >= 2 {
            self.count(Cue::Ellipsis);
        }
    }

    fn read_emoticon(&mut self, token: &str) -> bool {
        let cue = if GLAD_EMOTICONS.contains(&token) {
            Cue::Praise
        } else if SAD_EMOTICONS.contains(&token) {
            Cue::Complaint
        } else if LOVING_EMOTICONS.contains(&token) {
            Cue::Tenderness
        } else {
            return false;
        };
        self.count(cue);
        true
    }

    fn read_word(&mut self, typed: &str) {
        self.words += 1;
        if is_shouted(typed) {
            self.shouted += 1;
            self.count(Cue::Shouting);
        }
        let word: String = typed.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let drawn_out = is_drawn_out(&word);
        if drawn_out {
            self.count(Cue::Elongation);
        }
        let word = if drawn_out { without_repetition(&word) } else { word };
        let is_in = |list: &[&str]| list.contains(&word.as_str());

        if self.words == 1 && is_in(QUESTION_WORDS) {
            self.count(Cue::Asks);
        }
        for (list, cue) in [
            (SWEARING, Cue::Swearing),
            (THANKS, Cue::Thanks),
            (APOLOGY, Cue::Apology),
            (LAUGHTER, Cue::Laughter),
            (PUZZLEMENT, Cue::Puzzlement),
        ] {
            if is_in(list) {
                self.count(cue);
            }
        }
        if is_in(CONTRASTS) {
            self.count(Cue::Contrast);
            self.end_clause();
        }
        if is_in(PRAISE) {
            self.judge(Cue::Praise, Cue::PraiseNegated, Cue::PraiseStressed);
        } else if is_in(COMPLAINT) {
            self.judge(Cue::Complaint, Cue::ComplaintNegated, Cue::ComplaintStressed);
        }
        let reached = |flag: bool, reach: usize, left: usize| if flag { reach } else { left.saturating_sub(1) };
        self.negated = reached(is_in(NEGATIONS), NEGATION_REACH, self.negated);
        self.stressed = reached(is_in(INTENSIFIERS), STRESS_REACH, self.stressed);
        self.diminished = reached(is_in(DIMINISHERS), STRESS_REACH, self.diminished);
        self.strong_intensifiers += usize::from(is_in(STRONG_INTENSIFIERS));
    }

    /// Counts a word of praise or complaint as what reaches it makes of it.
    fn judge(&mut self, plain: Cue, negated: Cue, stressed: Cue) {
        let is_praise = matches!(plain, Cue::Praise) != (self.negated > 0);
        self.counts[Cue::LastIsPraise as usize] = f32::from(u8::from(is_praise));
        self.counts[Cue::LastIsComplaint as usize] = f32::from(u8::from(!is_praise));
        self.count(if self.negated > 0 { negated } else { plain });
        if self.stressed > 0 {
            self.count(stressed);
        }
        if self.diminished > 0 {
            self.count(Cue::Diminished);
        }
    }

    fn finish(self) -> Cues {
        let mut values = self.counts.map(|count| (count / SATURATION).min(1.0));
        for last in [Cue::LastIsPraise, Cue::LastIsComplaint] {
            values[last as usize] = self.counts[last as usize];
        }
        // Half of an average message is at 0.5 and the longest that is read below 1.
        values[Cue::Length as usize] = (libm::logf(1.0 + self.words as f32) / 8.0).min(1.0);
        let emphatic = self.exclamation_marks >= 2
            || self.shouted > 0
            || self.counts[Cue::Elongation as usize] > 0.0
            || self.strong_intensifiers > 0;
        Cues { values, emphasis: if emphatic { Emphasis::Emphatic } else { Emphasis::Plain } }
    }
}

/// Only upper-case letters, enough of them to be no abbreviation of habit.
fn is_shouted(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic());
    letters.clone().count() >= SHORTEST_SHOUT && letters.clone().all(char::is_uppercase)
}

fn is_drawn_out(word: &str) -> bool {
    let mut run = 0;
    let mut previous = None;
    word.chars().filter(|c| c.is_alphabetic()).any(|character| {
        run = if previous == Some(character) { run + 1 } else { 1 };
        previous = Some(character);
        run >= ELONGATION
    })
}

/// "sooo" as "so", "baaaad" as "bad".
fn without_repetition(word: &str) -> String {
    let mut characters: Vec<char> = word.chars().collect();
    characters.dedup();
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cue(text: &str, cue: Cue) -> f32 {
        Cues::of(text).values()[cue as usize]
    }

    #[test]
    fn a_negation_turns_the_next_words_and_ends_with_its_clause() {
        assert!(cue("this is not a good answer", Cue::PraiseNegated) > 0.0);
        assert_eq!(cue("this is not a good answer", Cue::Praise), 0.0);
        assert!(cue("it doesn’t seem good", Cue::PraiseNegated) > 0.0);
        assert!(cue("no, good answer", Cue::Praise) > 0.0);
        assert!(cue("I will not come but good luck", Cue::Praise) > 0.0);
    }

    #[test]
    fn the_last_word_of_feeling_is_what_stays() {
        let text = "the food was great but the service terrible";
        assert_eq!((cue(text, Cue::LastIsPraise), cue(text, Cue::LastIsComplaint)), (0.0, 1.0));
    }

    #[test]
    fn capitals_marks_and_drawn_out_words_are_emphatic() {
        for text in ["this is BROKEN", "broken!!", "soooo broken", "this is utterly broken", "wrong! again!"] {
            assert_eq!(Cues::of(text).emphasis(), Emphasis::Emphatic, "{text}");
        }
        for text in ["this is broken", "I am OK", "broken!", "[NAME] is broken", "good food"] {
            assert_eq!(Cues::of(text).emphasis(), Emphasis::Plain, "{text}");
        }
    }

    #[test]
    fn a_drawn_out_word_still_counts_as_itself() {
        assert!(cue("baaaad service", Cue::Complaint) > 0.0);
    }

    #[test]
    fn faces_are_read() {
        assert!(cue("there you go 👍", Cue::Praise) > 0.0);
        assert!(cue("there you go 😡", Cue::ComplaintStressed) > 0.0);
        assert!(cue("there you go :(", Cue::Complaint) > 0.0);
        assert!(cue("❤️", Cue::Tenderness) > 0.0);
    }

    #[test]
    fn a_text_without_a_word_has_no_cue() {
        assert_eq!(Cues::of(" \n ").values(), &[0.0; CUES]);
    }

    proptest! {
        #[test]
        fn every_text_gives_cues_between_0_and_1(text in "(\\PC|[a-zA-Z!?.' ]){0,300}") {
            prop_assert!(Cues::of(&text).values().iter().all(|value| (0.0..=1.0).contains(value)));
        }

        #[test]
        fn what_follows_the_limit_is_not_read(tail in "[a-z! ]{0,50}") {
            let text = "word ".repeat(MAX_CHARACTERS / 5);
            prop_assert_eq!(Cues::of(&text), Cues::of(&(text.clone() + &tail)));
        }
    }
}
