//! How well variables are found in replies of which it is known where they are.
//!
//! `cargo run --release --example bitext -- bitext.csv [development|final]`. The replies of the file hold slots such as
//! `{{Order Number}}`. Each is filled with a value of its kind; the miner sees the filled replies alone. The method was
//! chosen on one half of the replies, by the hash of their text; the figures are those of the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::ops::Range;
use std::time::Instant;

use anyhow::{Context, Result};
use romashka_mining::{MAX_REPLIES, Matcher, Mined, Proposal, Reply, Settings, Text, mine};
use xxhash_rust::xxh3::xxh3_64;

/// Replies that are looked at where all would take too long.
const LOOKED_AT: usize = 2_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("the path of bitext's file is missing")?;
    let half = arguments.next().unwrap_or_else(|| "final".to_owned());
    let rows = rows(&path, if half == "development" { 0 } else { 1 })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} replies of the {half} half, {:.0} words each", rows.len(), words(&rows))?;

    let once = filled(&rows, rows.len());
    writeln!(out, "\neach reply once, as a paraphrase of others")?;
    for least_replies in [2, 3] {
        let (mined, seconds) = mined(&once, &Settings { least_replies, most_proposals: usize::MAX })?;
        writeln!(out, "  at least {least_replies} replies a proposal ({seconds:.1} s)")?;
        report(&mut out, &mined, &once)?;
    }
    let (mined_few, _) = mined(&once, &Settings::default())?;
    let few = Figures::of(&mined_few, &once);
    writeln!(out, "  the 200 proposals and 200 passages of the default settings")?;
    few.print(&mut out, &mined_few)?;

    let often = filled(&rows, MAX_REPLIES);
    writeln!(
        out,
        "\neach reply {} times with other values, as templates are used: {} replies",
        often.len() / rows.len(),
        often.len()
    )?;
    let (mined, seconds) = mined(&often, &Settings { least_replies: 3, most_proposals: usize::MAX })?;
    writeln!(
        out,
        "  {seconds:.1} s, {:.0} replies a second, {:.0} MB at most",
        often.len() as f64 / seconds,
        peak_megabytes()
    )?;
    let looked_at: Vec<Filled> = often.iter().step_by(often.len().div_ceil(LOOKED_AT)).cloned().collect();
    Figures::of(&mined, &looked_at).print(&mut out, &mined)?;
    for proposal in mined.proposals.iter().take(2).chain(mined_few.passages.iter().take(5)) {
        let variables: Vec<_> = proposal.variables.iter().map(|slot| (&slot.name, &slot.kind, &slot.default)).collect();
        writeln!(out, "\n[{}, {} replies] {}\n{variables:?}", proposal.name, proposal.replies, proposal.source)?;
    }
    if std::env::var_os("SHOW").is_some() {
        for proposal in mined_few.proposals.iter().chain(&mined_few.passages) {
            let variables: Vec<_> =
                proposal.variables.iter().map(|slot| (&slot.name, &slot.kind, &slot.default, &slot.examples)).collect();
            writeln!(out, "\n[{}, {} replies] {}\n{variables:?}", proposal.name, proposal.replies, proposal.source)?;
        }
    }
    Ok(())
}

/// A reply with slots, and the entity that its customer named.
struct Row {
    reply: String,
    entity: String,
}

fn rows(path: &str, half: u64) -> Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {path}"))?;
    let mut rows = Vec::new();
    for record in reader.deserialize() {
        let mut record: HashMap<String, String> = record?;
        let reply = record.remove("response").context("a row has no response")?;
        let entity = record.remove("entity_value").unwrap_or_default();
        if xxh3_64(reply.as_bytes()) % 2 == half {
            rows.push(Row { reply, entity });
        }
    }
    Ok(rows)
}

fn words(rows: &[Row]) -> f64 {
    rows.iter().map(|row| row.reply.split_whitespace().count()).sum::<usize>() as f64 / rows.len().max(1) as f64
}

/// A reply with values in its slots.
#[derive(Clone)]
struct Filled {
    text: String,
    /// Where the values are.
    slots: Vec<Range<usize>>,
    /// What else may be another thing in another reply though it is not marked: what the customer named, such as the number
    /// of an order, and labels that are marked in other replies.
    echoes: Vec<Range<usize>>,
}

/// Takes the rows again and again until there are so many.
fn filled(rows: &[Row], count: usize) -> Vec<Filled> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let slots = row.reply.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0));
        slots.for_each(|slot| *counts.entry(slot).or_default() += 1);
    }
    let is_label = |slot: &&str| slot.starts_with(char::is_uppercase) && slot.len() > 3;
    let labels: Vec<&str> =
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(slot, _)| slot).filter(is_label).collect();
    (0..count).map(|number| fill(&rows[number % rows.len()], &labels, number as u64)).collect()
}

fn fill(row: &Row, labels: &[&str], number: u64) -> Filled {
    let mut text = String::new();
    let mut slots = Vec::new();
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    let mut rest = row.reply.as_str();
    while let Some((before, (slot, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        text.push_str(before);
        let value = values
            .entry(slot)
            .or_insert_with(|| value(slot, &mut Dice(xxh3_64(format!("{number} {slot}").as_bytes()))));
        slots.push(text.len()..text.len() + value.len());
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    let is_free = |range: &Range<usize>| slots.iter().all(|slot| common(slot, range) == 0);
    let named = labels.iter().copied().chain((row.entity.len() > 2).then_some(row.entity.as_str()));
    let mut echoes = Vec::new();
    for name in named {
        echoes.extend(text.match_indices(name).map(|(at, name)| at..at + name.len()).filter(is_free));
    }
    Filled { text, slots, echoes }
}

/// Numbers that look random and are always the same (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'value>(&mut self, values: &[&'value str]) -> &'value str {
        values[self.below(values.len() as u64) as usize]
    }
}

const PEOPLE: [&str; 10] = [
    "Anna Weiss",
    "John Miller",
    "María López",
    "Oleg Petrov",
    "Priya Shah",
    "Tom",
    "Aisha Khan",
    "Lena",
    "Marc Dubois",
    "Grace O'Neill",
];
const SHOPS: [&str; 10] = [
    "Lindenhof",
    "Northwind Market",
    "shopvelo.com",
    "Blue Harbor",
    "www.casaverde.example",
    "Tea & Clay",
    "Acme Store",
    "Fjord Outfitters",
    "Kiosk24",
    "Velora",
];
const HOURS: [&str; 8] = [
    "24/7",
    "Monday to Friday, 9am to 5pm",
    "from 8:00 to 20:00",
    "every day",
    "Mon-Fri 9-18",
    "on weekdays until 6 pm",
    "seven days a week",
    "around the clock",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Labels of a shop's pages that any other label may be in another shop.
const LABELS: [&str; 16] = [
    "My Hub",
    "Service Desk",
    "Overview",
    "Dashboard",
    "Customer Area",
    "Self Service",
    "Manage",
    "Help & More",
    "Settings",
    "Start Here",
    "Actions",
    "Center",
    "Menu",
    "Quick Links",
    "Tools",
    "Portal",
];

/// A value of the kind that the slot's name tells.
fn value(slot: &str, dice: &mut Dice) -> String {
    let lower = slot.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (a, b, c) = (dice.below(900) + 100, dice.below(900) + 100, dice.below(9_000) + 1_000);
    if has(&["phone number", "hotline", "toll-free"]) || lower == "phone" {
        return match dice.below(4) {
            0 => format!("({a}) {b}-{c}"),
            1 => format!("1-{a}-{b}-{c}"),
            2 => format!("+49 30 {a}{b}"),
            _ => format!("+1 {a} {b} {c}"),
        };
    }
    if has(&["email"]) && !has(&["support email support", "settings", "preferences"]) {
        return format!(
            "{}{}@{}",
            dice.one_of(&["help", "support", "care", "team"]),
            dice.below(90),
            dice.one_of(&["shop.example", "lindenhof.de", "acme.com"])
        );
    }
    if has(&["url", "link"]) {
        return format!(
            "https://www.{}/{}",
            dice.one_of(&["shop.example", "lindenhof.de", "acme.com"]),
            dice.one_of(&["help", "account", "a/orders"])
        );
    }
    if has(&["hours", "availability"]) {
        return dice.one_of(&HOURS).to_owned();
    }
    if has(&["date"]) && !has(&["update"]) {
        let (day, month) = (dice.below(28) + 1, dice.below(12) as usize);
        return match dice.below(3) {
            0 => format!("{} {day}, 2026", MONTHS[month]),
            1 => format!("2026-{:02}-{day:02}", month + 1),
            _ => format!("{:02}/{day:02}/2026", month + 1),
        };
    }
    if has(&["days", "number of", "months"]) {
        return (dice.below(29) + 2).to_string();
    }
    if has(&["amount", "money", "price"]) {
        return format!("${}.{:02}", dice.below(2_000), dice.below(100));
    }
    if has(&["percent"]) {
        return format!("{}%", dice.below(99) + 1);
    }
    let is_digits = slot.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits
        || (has(&["number", " id"]) && has(&["order", "purchase", "bill", "invoice", "tracking", "id", "account"]))
    {
        return match dice.below(4) {
            0 => format!("ORD-{c}{a}"),
            1 => format!("{a}{b}{c}"),
            2 => format!("#{c}{a}"),
            _ => format!("{}{a}-{c}", dice.one_of(&["A", "LX", "INV-"])),
        };
    }
    if has(&["website", "company", "app name", "platform", "store name"]) {
        return dice.one_of(&SHOPS).to_owned();
    }
    if has(&["customer name", "client name", "agent name", "person name", "name field", "user name"]) {
        return dice.one_of(&PEOPLE).to_owned();
    }
    // A label: the shop's own word for it, one of five that this slot has.
    let label = slot.replace(" Anonymized", "");
    let other = LABELS[(xxh3_64(slot.as_bytes()) as usize + dice.below(3) as usize) % LABELS.len()];
    match dice.below(5) {
        0 => label,
        1 => format!("My {label}"),
        _ => other.to_owned(),
    }
}

fn mined(filled: &[Filled], settings: &Settings) -> Result<(Mined, f64)> {
    let replies: Vec<Reply> = (0..)
        .zip(filled)
        .map(|(number, filled): (usize, _)| Reply {
            text: filled.text.clone(),
            conversation: number.to_string(),
            language: Some("en".to_owned()),
            resolved: None,
        })
        .collect();
    let started = Instant::now();
    let mined = mine(&replies, settings)?;
    Ok((mined, started.elapsed().as_secs_f64()))
}

fn report(out: &mut impl Write, mined: &Mined, filled: &[Filled]) -> Result<()> {
    Figures::of(mined, filled).print(out, mined)
}

/// How variables that were found compare with those that are there.
#[derive(Default)]
struct Counts {
    found: usize,
    /// Of those found, that overlap a slot by half of both; by anything; by half, echoes counted as slots.
    half: usize,
    any: usize,
    half_or_echo: usize,
    /// Slots in what is covered, and of them those that are found.
    slots: usize,
    slots_half: usize,
    slots_any: usize,
}

impl Counts {
    fn take(&mut self, filled: &Filled, within: &Range<usize>, values: &[Range<usize>]) {
        let half = |a: &Range<usize>, b: &Range<usize>| 2 * common(a, b) >= a.end.max(b.end) - a.start.min(b.start);
        let any = |a: &Range<usize>, b: &Range<usize>| common(a, b) > 0;
        for value in values {
            self.found += 1;
            let by_half = filled.slots.iter().any(|slot| half(slot, value));
            self.half += usize::from(by_half);
            self.any += usize::from(filled.slots.iter().any(|slot| any(slot, value)));
            self.half_or_echo += usize::from(by_half || filled.echoes.iter().any(|slot| half(slot, value)));
        }
        for slot in filled.slots.iter().filter(|slot| any(slot, within)) {
            self.slots += 1;
            self.slots_half += usize::from(values.iter().any(|value| half(slot, value)));
            self.slots_any += usize::from(values.iter().any(|value| any(slot, value)));
        }
    }

    fn print(&self, out: &mut impl Write, what: &str, all_slots: usize) -> Result<()> {
        let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        writeln!(
            out,
            "    variables in {what}: precision {:.1} % (any overlap {:.1} %; with what is not marked everywhere {:.1} %), recall {:.1} % (any {:.1} %); {} found, {} there; {:.1} % of all slots",
            percent(self.half, self.found),
            percent(self.any, self.found),
            percent(self.half_or_echo, self.found),
            percent(self.slots_half, self.slots),
            percent(self.slots_any, self.slots),
            self.found,
            self.slots,
            percent(self.slots_half, all_slots),
        )?;
        Ok(())
    }
}

fn common(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

#[derive(Default)]
struct Figures {
    replies: usize,
    covered: usize,
    with_passage: usize,
    characters: usize,
    characters_in_passages: usize,
    slots: usize,
    whole: Counts,
    passages: Counts,
}

impl Figures {
    /// Lays every reply beside every proposal, as somebody would who has nothing but the proposals.
    fn of(mined: &Mined, filled: &[Filled]) -> Self {
        let matchers = |proposals: &[Proposal]| -> Vec<Matcher> {
            proposals.iter().filter_map(|proposal| Matcher::of(&proposal.source)).collect()
        };
        let (whole, passages) = (matchers(&mined.proposals), matchers(&mined.passages));
        let mut figures = Self::default();
        for filled in filled {
            figures.replies += 1;
            figures.slots += filled.slots.len();
            let Some(text) = Text::read(&filled.text) else { continue };
            let found = whole.iter().filter_map(|matcher| matcher.find(&text));
            if let Some(best) = found.max_by(|a, b| a.share.total_cmp(&b.share)) {
                figures.covered += 1;
                let values: Vec<_> = best.values.into_iter().map(|(_, value)| value).collect();
                figures.whole.take(filled, &best.bytes, &values);
                continue;
            }
            let mut of_sentence: BTreeMap<usize, romashka_mining::Found> = BTreeMap::new();
            for found in passages.iter().flat_map(|matcher| matcher.find_passages(&text)) {
                let best = of_sentence.entry(found.bytes.start).or_insert_with(|| found.clone());
                if found.share > best.share {
                    *best = found;
                }
            }
            figures.with_passage += usize::from(!of_sentence.is_empty());
            figures.characters += filled.text.len();
            for found in of_sentence.into_values() {
                figures.characters_in_passages += found.bytes.len();
                let values: Vec<_> = found.values.into_iter().map(|(_, value)| value).collect();
                figures.passages.take(filled, &found.bytes, &values);
            }
        }
        figures
    }

    fn print(&self, out: &mut impl Write, mined: &Mined) -> Result<()> {
        let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        let distinct: BTreeSet<&str> = mined.proposals.iter().map(|proposal| proposal.source.as_str()).collect();
        writeln!(
            out,
            "    {} proposals ({} distinct) cover {:.1} % of the replies; {} passages are in {:.1} % of the others and make {:.1} % of their text",
            mined.proposals.len(),
            distinct.len(),
            percent(self.covered, self.replies),
            mined.passages.len(),
            percent(self.with_passage, self.replies - self.covered),
            percent(self.characters_in_passages, self.characters),
        )?;
        self.whole.print(out, "covered replies", self.slots)?;
        self.passages.print(out, "passages", self.slots)
    }
}

/// The most memory that this process has taken.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
