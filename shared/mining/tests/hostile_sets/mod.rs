//! Replies that are written to be costly to mine. The tests take few of each kind, the measurement as many as are mined.

#[path = "../dice/mod.rs"]
mod dice;

use dice::Dice;
use romashka_mining::{MAX_REPLY_BYTES, MAX_REPLY_TOKENS, Reply};

/// A kind of hostile replies: what they are, and the one of a number.
pub type Hostile = (&'static str, fn(u64) -> String);

/// The kinds.
pub const HOSTILE: [Hostile; 16] = [
    ("all the same", |_| "We are sorry for the delay. Your parcel has left our house today.".to_owned()),
    ("random words", random_words),
    ("one beginning, many ends", |number| format!("{} {}", words(&mut Dice(0), 40), words(&mut Dice(number + 1), 40))),
    ("a word of 8 KiB", |number| {
        let tail = "thank you for writing to us";
        format!("{number}{} {tail}", "x".repeat(MAX_REPLY_BYTES - 40))
    }),
    ("1,000 words, one of them another", |number| {
        let mut said = vec!["a"; MAX_REPLY_TOKENS];
        said[number as usize % MAX_REPLY_TOKENS] = "b";
        said.join(" ")
    }),
    ("two words in turn", |number| "no yes ".repeat(3 + number as usize % (MAX_REPLY_TOKENS / 2 - 3))),
    ("two words by chance", |number| letters(&mut Dice(number), MAX_REPLY_TOKENS, 2).join(" ")),
    ("a block of words moved", moved_block),
    ("sentences of one-letter words", |number| {
        let mut dice = Dice(number);
        (0..MAX_REPLY_TOKENS / 5).map(|_| letters(&mut dice, 4, 26).join(" ") + ". ").collect()
    }),
    ("words of one letter", |number| letters(&mut Dice(number), MAX_REPLY_TOKENS, 26).join(" ")),
    ("braces and tags", |number| {
        let pieces =
            ["{{", "}}", "{%", "%}", "{", "{{{", "{{ a }}", "{% if b %}", "{# c #}", "'", "we", "are", "sorry"];
        let mut dice = Dice(number);
        (0..60).map(|_| pieces[dice.below(pieces.len() as u64) as usize].to_owned() + " ").collect()
    }),
    ("emoji", |number| {
        let mut dice = Dice(number);
        (0..60).filter_map(|_| char::from_u32(0x1f600 + dice.below(64) as u32)).collect()
    }),
    ("marks upon letters", |number| {
        let mut dice = Dice(number);
        let mark = |dice: &mut Dice| char::from_u32(0x300 + dice.below(0x70) as u32);
        (0..20).map(|_| format!("a{} ", (0..20).filter_map(|_| mark(&mut dice)).collect::<String>())).collect()
    }),
    ("numbers, amounts and dates", |number| {
        let mut dice = Dice(number);
        let shapes =
            ["2026-11-27", "$1,299.00", "+49 30 901820", "12 34 56", "a.b.c.de", "x@y.z", "9:30", "5 %", "1.2"];
        (0..80).map(|_| shapes[dice.below(shapes.len() as u64) as usize].to_owned() + " ").collect()
    }),
    ("greetings and names", |number| {
        let mut dice = Dice(number);
        let pieces = ["Hi", "Anna", "Dear", "Mr", "Weiss,", "Hello.", "Ms", "\n", "O'Neill"];
        (0..100).map(|_| pieces[dice.below(pieces.len() as u64) as usize].to_owned() + " ").collect()
    }),
    ("placeholders of redaction", |number| {
        let mut dice = Dice(number);
        let pieces = ["{{ customer.name }}", "{{ order.number }}", "{{customer.email}}", "we", "wrote", "to", "you"];
        (0..80).map(|_| pieces[dice.below(pieces.len() as u64) as usize].to_owned() + " ").collect()
    }),
];

/// So many replies of a kind, or as many as have so many bytes.
pub fn replies((_, text): Hostile, count: usize, most_bytes: usize) -> Vec<Reply> {
    let mut bytes = 0;
    (0..count as u64)
        .map(|number| Reply { text: text(number), conversation: number.to_string(), language: None, resolved: None })
        .take_while(|reply| {
            bytes += reply.text.len();
            bytes <= most_bytes
        })
        .collect()
}

fn word(dice: &mut Dice) -> String {
    (0..3 + dice.below(7)).map(|_| char::from(b'a' + dice.below(26) as u8)).collect()
}

fn words(dice: &mut Dice, count: usize) -> String {
    (0..count).map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}

fn random_words(number: u64) -> String {
    let mut dice = Dice(number.wrapping_mul(0x5851_f42d_4c95_7f2d));
    (0..20).map(|_| words(&mut dice, 8) + ". ").collect()
}

/// Words of one letter, of so many letters.
fn letters(dice: &mut Dice, count: usize, alphabet: u64) -> Vec<String> {
    (0..count).map(|_| char::from(b'a' + dice.below(alphabet) as u8).to_string()).collect()
}

/// The same many words, a quarter of them moved to another place: alike enough to be laid beside each other, and nothing at
/// their edges that is the same.
fn moved_block(number: u64) -> String {
    let mut said = letters(&mut Dice(0), MAX_REPLY_TOKENS, 26);
    said.rotate_left(number as usize % (MAX_REPLY_TOKENS / 4));
    said.join(" ")
}
