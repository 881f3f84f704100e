//! Bitext's replies with values in their slots.

#![allow(dead_code, reason = "each example needs a part of it")]

#[path = "../../tests/dice/mod.rs"]
mod dice;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use anyhow::{Context, Result};
use dice::Dice;
use xxhash_rust::xxh3::xxh3_64;

/// A reply with slots, and the entity that its customer named.
pub struct Row {
    pub reply: String,
    /// What the customer wrote.
    pub request: String,
    pub intent: String,
    entity: String,
}

/// The rows of bitext's file in one half of them, by the hash of the reply: 0 to choose methods by, 1 for figures.
pub fn rows(path: &str, half: u64) -> Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {path}"))?;
    let mut rows = Vec::new();
    for record in reader.deserialize() {
        let mut record: HashMap<String, String> = record?;
        let reply = record.remove("response").context("a row has no response")?;
        let (request, intent) = (record.remove("instruction"), record.remove("intent"));
        let (request, intent) = (request.context("a row has no instruction")?, intent.context("a row has no intent")?);
        let entity = record.remove("entity_value").unwrap_or_default();
        if xxh3_64(reply.as_bytes()) % 2 == half {
            rows.push(Row { reply, request, intent, entity });
        }
    }
    Ok(rows)
}

/// A reply with values in its slots.
#[derive(Clone)]
pub struct Filled {
    pub text: String,
    /// Where the values are.
    pub slots: Vec<Range<usize>>,
    /// What else may be another thing in another reply though it is not marked: what the customer named, such as the number
    /// of an order, and labels that are marked in other replies.
    pub echoes: Vec<Range<usize>>,
}

/// Takes the rows again and again until there are so many.
pub fn filled(rows: &[Row], count: usize) -> Vec<Filled> {
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

/// Bytes that two ranges have in common.
pub fn common(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}
