//! Finds topics and answers in published conversations without their labels, and measures them against the labels.
//!
//! ```text
//! ROMASHKA_ENCODER=$(cargo xtask encoder) cargo run --release -p romashka-learning --example topics -- ../shared/data
//! ```
//!
//! Slots of replies are filled with invented names, numbers and dates, and what looks like a number or an address becomes a
//! placeholder again, as redaction would have it. What is in no topic counts as one cluster: leaving it out would flatter.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    time::Instant,
};

use anyhow::{Context, bail};
use romashka_learning::{
    Embedding, Group,
    topics::{
        Exchange, Utterance,
        answers::{Reply, group_replies},
        induce,
    },
};
use serde::Deserialize;

mod published;

/// Of so many messages one is held out, and of so many intents one is unknown to the groups.
const HELD_OUT: usize = 5;
const UNKNOWN: usize = 9;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (data, is_verbose) = match arguments.as_slice() {
        [data] => (Path::new(data), false),
        [data, names] if names == "--names" => (Path::new(data), true),
        _ => bail!("usage: topics <folder of published data> [--names]"),
    };
    let encoder = published::encoder()?;
    let encoded = |texts: &[String]| -> Vec<Embedding> {
        let encodings = published::encode(&encoder, texts.iter().map(String::as_str));
        encodings.iter().map(|encoding| Embedding::of(&encoding.sentence)).collect()
    };
    let bitext = bitext(&data.join("bitext/bitext_customer_support_8b6ca3d.csv"))?;
    let questions_only = [
        ("dstc11", utterances(&data.join("dstc11_dev/utterances.jsonl"))?),
        ("banking77", published::csv(&data.join("banking77/train.csv"))?),
    ];
    let mut report = Report { is_verbose, out: std::io::stdout().lock() };
    report.heading()?;

    let meanings = (encoded(&bitext.questions), encoded(&bitext.replies));
    report.topics("bitext", &bitext, Some((&meanings.0, Some(&meanings.1))))?;
    report.topics("bitext, words only", &bitext, None)?;
    for (name, rows) in questions_only {
        let (questions, intents) = rows.into_iter().unzip();
        let labelled = Labelled { questions, replies: Vec::new(), intents };
        let meanings = encoded(&labelled.questions);
        report.topics(name, &labelled, Some((&meanings, None)))?;
        report.topics(&format!("{name}, words only"), &labelled, None)?;
    }
    for (language, matters) in [("English", ENGLISH), ("German", GERMAN)] {
        let small = small(&matters);
        report.topics(&format!("40 in {language}, words only"), &small, None)?;
        if language == "English" {
            let meanings = (encoded(&small.questions), encoded(&small.replies));
            report.topics("40 in English", &small, Some((&meanings.0, Some(&meanings.1))))?;
        }
    }
    report.answers("bitext", &bitext, Some(&meanings.1))?;
    report.answers("bitext, words only", &bitext, None)
}

/// Messages with their intents; there are as many replies as questions, or none.
struct Labelled {
    questions: Vec<String>,
    replies: Vec<String>,
    intents: Vec<String>,
}

struct Report<Out> {
    is_verbose: bool,
    out: Out,
}

impl<Out: Write> Report<Out> {
    fn heading(&mut self) -> anyhow::Result<()> {
        writeln!(
            self.out,
            "{:28} {:>7} {:>6} {:>6} {:>6} {:>6} {:>7}",
            "", "intents", "found", "NMI", "purity", "placed", "seconds"
        )?;
        Ok(())
    }

    fn topics(
        &mut self,
        name: &str,
        labelled: &Labelled,
        meanings: Option<(&[Embedding], Option<&[Embedding]>)>,
    ) -> anyhow::Result<()> {
        let exchanges: Vec<Exchange<'_>> = (0..labelled.questions.len())
            .map(|at| Exchange {
                conversation: Group::of_conversation(&at.to_string()),
                question: Utterance {
                    text: &labelled.questions[at],
                    embedding: meanings.map(|(questions, _)| &questions[at]),
                },
                reply: labelled.replies.get(at).map(|text| Utterance {
                    text,
                    embedding: meanings.and_then(|(_, replies)| replies).map(|replies| &replies[at]),
                }),
            })
            .collect();
        let start = Instant::now();
        let found = induce(&exchanges)?;
        self.row(name, &found.topic_of, &labelled.intents, start)?;
        for topic in found.topics.iter().filter(|_| self.is_verbose) {
            let exemplar = &labelled.questions[topic.exemplars[0]];
            writeln!(self.out, "    {:5} {:.2} {:32} {exemplar}", topic.members.len(), topic.cohesion, topic.name)?;
        }
        Ok(())
    }

    fn answers(&mut self, name: &str, labelled: &Labelled, meanings: Option<&[Embedding]>) -> anyhow::Result<()> {
        let replies: Vec<Reply<'_>> = (0..labelled.replies.len())
            .map(|at| Reply { text: &labelled.replies[at], embedding: meanings.map(|meanings| &meanings[at]) })
            .collect();
        let start = Instant::now();
        let found = group_replies(&replies)?;
        self.row(&format!("answers of {name}"), found.group_of(), &labelled.intents, start)?;

        let intents = numbered(&labelled.intents);
        let is_known = |at: usize| !intents[at].is_multiple_of(UNKNOWN);
        let known: Vec<usize> = (0..replies.len()).filter(|&at| is_known(at) && !at.is_multiple_of(HELD_OUT)).collect();
        let groups = group_replies(&known.iter().map(|&at| replies[at]).collect::<Vec<_>>())?;
        let intent_of: Vec<usize> = groups
            .groups()
            .iter()
            .map(|group| commonest(group.members.iter().map(|&member| intents[known[member]])))
            .collect();
        let (mut held_out, mut unknown) = (Vec::new(), Vec::new());
        for at in (0..replies.len()).filter(|&at| !is_known(at) || at.is_multiple_of(HELD_OUT)) {
            let right = groups.assign(replies[at]).map(|assigned| intent_of[assigned.group] == intents[at]);
            if is_known(at) { &mut held_out } else { &mut unknown }.push(right);
        }
        let assigned = held_out.iter().flatten().count();
        writeln!(
            self.out,
            "    threshold {:.3}: of held-out replies {:.3} are assigned, {:.3} of them rightly; of unknown answers {:.3}",
            groups.threshold(),
            share(assigned, held_out.len()),
            share(held_out.iter().flatten().filter(|right| **right).count(), assigned),
            share(unknown.iter().flatten().count(), unknown.len()),
        )?;
        Ok(())
    }

    fn row(&mut self, name: &str, place: &[Option<usize>], intents: &[String], start: Instant) -> anyhow::Result<()> {
        let seconds = start.elapsed().as_secs_f64();
        let labels = numbered(intents);
        let all: Vec<usize> = place.iter().map(|place| place.map_or(0, |place| place + 1)).collect();
        let placed: Vec<(usize, usize)> =
            place.iter().zip(&labels).filter_map(|(place, label)| Some(((*place)?, *label))).collect();
        writeln!(
            self.out,
            "{name:28} {:7} {:6} {:6.3} {:6.3} {:6.3} {seconds:7.1}",
            labels.iter().collect::<BTreeSet<_>>().len(),
            placed.iter().map(|(place, _)| place).collect::<BTreeSet<_>>().len(),
            mutual_information(&all, &labels),
            purity(&placed),
            share(placed.len(), place.len()),
        )?;
        Ok(())
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn numbered(labels: &[String]) -> Vec<usize> {
    let distinct: BTreeSet<&String> = labels.iter().collect();
    let numbers: BTreeMap<&String, usize> = distinct.into_iter().zip(0..).collect();
    labels.iter().map(|label| numbers[label]).collect()
}

fn commonest(labels: impl Iterator<Item = usize>) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    labels.for_each(|label| *counts.entry(label).or_default() += 1);
    counts.into_iter().max_by_key(|(label, count)| (*count, *label)).map_or(0, |(label, _)| label)
}

/// Share of messages whose intent is the commonest of their cluster.
fn purity(placed: &[(usize, usize)]) -> f64 {
    let mut labels: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    placed.iter().for_each(|(place, label)| *labels.entry(*place).or_default().entry(*label).or_default() += 1);
    share(labels.values().filter_map(|counts| counts.values().max()).sum(), placed.len())
}

/// Mutual information divided by the arithmetic mean of the two entropies (Strehl & Ghosh 2002).
fn mutual_information(found: &[usize], labels: &[usize]) -> f64 {
    let count = found.len() as f64;
    let entropy = |keys: &mut dyn Iterator<Item = (usize, usize)>| {
        let mut tally: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        keys.for_each(|key| *tally.entry(key).or_default() += 1.0);
        tally.values().map(|n| -n / count * (n / count).ln()).sum::<f64>()
    };
    let joint = entropy(&mut found.iter().copied().zip(labels.iter().copied()));
    let found = entropy(&mut found.iter().map(|&key| (key, 0)));
    let labels = entropy(&mut labels.iter().map(|&key| (key, 0)));
    2.0 * (found + labels - joint) / (found + labels)
}

fn bitext(path: &Path) -> anyhow::Result<Labelled> {
    #[derive(Deserialize)]
    struct Row {
        instruction: String,
        intent: String,
        response: String,
    }
    let mut labelled = Labelled { questions: Vec::new(), replies: Vec::new(), intents: Vec::new() };
    let mut random = Random(7);
    for row in csv::Reader::from_path(path).with_context(|| path.display().to_string())?.deserialize() {
        let row: Row = row?;
        labelled.questions.push(redacted(&filled(&row.instruction, &mut random)));
        labelled.replies.push(redacted(&filled(&row.response, &mut random)));
        labelled.intents.push(row.intent);
    }
    Ok(labelled)
}

fn utterances(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    struct Line {
        utterance: String,
        intent: String,
    }
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let read = |line| {
        let Line { utterance, intent } = serde_json::from_str(line)?;
        Ok((utterance, intent))
    };
    text.lines().map(read).collect()
}

/// Knuth's linear congruential generator, of which the upper bits are good.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<'choice>(&mut self, choices: &[&'choice str]) -> &'choice str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

const FIRST_NAMES: [&str; 12] =
    ["Anna", "Tom", "Maria", "James", "Olga", "Peter", "Lucy", "Ahmed", "Chen", "Fatima", "David", "Julia"];
const LAST_NAMES: [&str; 10] =
    ["Smith", "Garcia", "Novak", "Brown", "Khan", "Meyer", "Rossi", "Silva", "Petrov", "Young"];

/// The text with something invented in each slot; of a slot that names a button or a page, its words.
fn filled(text: &str, random: &mut Random) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (slot, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        filled.push_str(before);
        filled.push_str(&value(slot, random));
        rest = after;
    }
    filled + rest
}

fn value(slot: &str, random: &mut Random) -> String {
    let name = slot.to_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if is(&["phone"]) {
        format!("+1 555 {:03} {:04}", random.below(1_000), random.below(10_000))
    } else if is(&["number", " id", "anonymized"]) {
        (1_000_000 + random.below(900_000_000)).to_string()
    } else if is(&["email"]) {
        format!("{}@example.com", random.of(&FIRST_NAMES).to_lowercase())
    } else if is(&["name"]) && !is(&["website", "company"]) {
        format!("{} {}", random.of(&FIRST_NAMES), random.of(&LAST_NAMES))
    } else if is(&["date"]) && !is(&["update"]) {
        format!("{}.{:02}.2026", 1 + random.below(28), 1 + random.below(12))
    } else if is(&["hours", "availability"]) {
        format!("{}:00-{}:00", 6 + random.below(5), 16 + random.below(7))
    } else if is(&["amount", "money"]) {
        format!("${}.{:02}", 1 + random.below(998), random.below(100))
    } else {
        slot.to_owned()
    }
}

/// The text with placeholders for addresses, numbers and invented names.
fn redacted(text: &str) -> String {
    let redact = |word: &str| {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.contains('@') {
            "{{customer.email}}".to_owned()
        } else if core.chars().any(|c| c.is_ascii_digit()) {
            "{{order.number}}".to_owned()
        } else if FIRST_NAMES.contains(&core) || LAST_NAMES.contains(&core) {
            "{{customer.name}}".to_owned()
        } else {
            word.to_owned()
        }
    };
    text.split_whitespace().map(redact).collect::<Vec<_>>().join(" ")
}

/// A matter: its name, ways to ask, things asked about, and ways to answer.
type Matter = (&'static str, [&'static str; 4], [&'static str; 2], [&'static str; 4]);

const ENGLISH: [Matter; 5] = [
    (
        "refund",
        [
            "when do I get my money back for",
            "I still wait for the refund of",
            "please refund",
            "the refund is missing for",
        ],
        ["the shoes", "the jacket"],
        [
            "We sent the refund today; your bank takes three days.",
            "The money is on its way and will be on your account within three days.",
            "Your refund was booked this morning, please allow three days.",
            "The refund has left us and reaches your bank in three days.",
        ],
    ),
    (
        "delivery",
        [
            "where is the parcel with",
            "when will you deliver",
            "the courier has not brought",
            "the tracking does not show",
        ],
        ["my books", "the lamp"],
        [
            "The parcel is with the courier and arrives tomorrow; the tracking link is in your mail.",
            "Your parcel was handed to the courier and should be there tomorrow.",
            "According to the tracking the courier delivers it tomorrow.",
            "It left our warehouse and the courier brings it tomorrow.",
        ],
    ),
    (
        "password",
        [
            "I forgot the password of",
            "the password is not accepted for",
            "how do I reset the login of",
            "I cannot log in to",
        ],
        ["my account", "the app"],
        [
            "Please use the reset link below the login form to choose a new password.",
            "We have mailed you a link with which you can set a new password.",
            "Choose a new password with the link on the login page.",
            "Click on forgotten password; the link lets you set a new one.",
        ],
    ),
    (
        "hours",
        ["when is the shop open", "what are your opening hours", "until when are you there", "do you open early"],
        ["on Saturday", "on holidays"],
        [
            "The shop is open from nine to six, on Saturdays to four.",
            "Our opening hours are nine to six and on Saturdays nine to four.",
            "We open at nine and close at six, Saturdays at four.",
            "You find us here from nine to six, Saturdays until four.",
        ],
    ),
    (
        "damage",
        ["the glass is broken in", "there is a scratch on", "it came damaged:", "a part is broken off"],
        ["the mirror", "the table"],
        [
            "We are sorry for the damage; send us a photo and we replace it free of charge.",
            "Please send a photo of the damage, then you get a replacement.",
            "A replacement is on us; we only need a photo of the broken part.",
            "Sorry that it broke. With a photo we can send a replacement at once.",
        ],
    ),
];

const GERMAN: [Matter; 5] = [
    (
        "refund",
        [
            "wann bekomme ich mein Geld zurück für",
            "ich warte auf die Erstattung für",
            "bitte erstatten Sie",
            "die Rückerstattung fehlt für",
        ],
        ["die Schuhe", "die Jacke"],
        [
            "Die Erstattung ist heute raus, Ihre Bank braucht drei Tage.",
            "Das Geld ist unterwegs und in drei Tagen auf Ihrem Konto.",
            "Wir haben die Erstattung heute gebucht, bitte warten Sie drei Tage.",
            "Die Rückerstattung erreicht Ihre Bank in drei Tagen.",
        ],
    ),
    (
        "delivery",
        ["wo ist das Paket mit", "wann liefern Sie", "der Paketbote brachte nicht", "die Sendung ist nicht da mit"],
        ["meinen Büchern", "der Lampe"],
        [
            "Das Paket ist beim Paketdienst und kommt morgen; den Link zur Sendung haben Sie per Mail.",
            "Ihre Sendung wurde dem Paketdienst übergeben und kommt morgen an.",
            "Laut Sendungsverfolgung bringt der Paketdienst es morgen.",
            "Die Sendung hat unser Lager verlassen und kommt morgen.",
        ],
    ),
    (
        "password",
        [
            "ich habe das Passwort vergessen für",
            "das Passwort geht nicht bei",
            "wie setze ich das Passwort zurück für",
            "ich kann mich nicht anmelden bei",
        ],
        ["mein Konto", "die App"],
        [
            "Bitte setzen Sie mit dem Link unter der Anmeldung ein neues Passwort.",
            "Wir haben Ihnen einen Link gemailt, mit dem Sie ein neues Passwort wählen.",
            "Wählen Sie ein neues Passwort mit dem Link auf der Anmeldeseite.",
            "Klicken Sie bei der Anmeldung auf Passwort vergessen, dann kommt ein Link.",
        ],
    ),
    (
        "hours",
        [
            "wann ist das Geschäft geöffnet",
            "wie sind die Öffnungszeiten",
            "bis wann haben Sie offen",
            "öffnen Sie früh",
        ],
        ["am Samstag", "an Feiertagen"],
        [
            "Das Geschäft ist von neun bis sechs geöffnet, samstags bis vier.",
            "Unsere Öffnungszeiten sind neun bis sechs, samstags neun bis vier.",
            "Wir öffnen um neun und schließen um sechs, samstags um vier.",
            "Geöffnet ist von neun bis sechs, samstags bis vier.",
        ],
    ),
    (
        "damage",
        [
            "das Glas ist zerbrochen bei",
            "es ist ein Kratzer an",
            "es kam beschädigt an:",
            "ein Teil ist abgebrochen an",
        ],
        ["dem Spiegel", "dem Tisch"],
        [
            "Das tut uns leid; schicken Sie ein Foto vom Schaden, dann ersetzen wir es kostenlos.",
            "Bitte schicken Sie uns ein Foto des Schadens, dann bekommen Sie Ersatz.",
            "Der Ersatz ist kostenlos, wir brauchen nur ein Foto vom Schaden.",
            "Mit einem Foto vom Schaden können wir sofort Ersatz schicken.",
        ],
    ),
];

/// Forty conversations: each way to ask about each thing, and an answer in turn.
fn small(matters: &[Matter; 5]) -> Labelled {
    let mut labelled = Labelled { questions: Vec::new(), replies: Vec::new(), intents: Vec::new() };
    for (intent, ways, things, answers) in matters {
        for (at, way) in ways.iter().enumerate() {
            for (other, thing) in things.iter().enumerate() {
                labelled.questions.push(format!("{way} {thing}"));
                labelled.replies.push(answers[(at + other) % answers.len()].to_owned());
                labelled.intents.push((*intent).to_owned());
            }
        }
    }
    labelled
}
