//! The values in a text: numbers with their units, dates, links, addresses, codes and words.
//!
//! A text is read the same way on both sides of a comparison, with few differences. Of an *answer* each value is read once,
//! in its widest form. Of a *source* the parts are read too: "12 March 2026" is a date there, and also the numbers 12 and
//! 2026.

use std::collections::BTreeSet;

use super::text::plain;
use super::words::{Count, MONTHS_THAT_ARE_WORDS, connects, count, is_qualifier, is_title, month, unit, weekday};

/// A unit that a number is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Percent,
    /// A currency by its ISO 4217 code; a symbol of several counts as that of the largest.
    Money(&'static str),
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    BeforeNoon,
    AfterNoon,
}

impl Unit {
    /// Returns true where the number means nothing without its unit.
    pub fn is_share_or_money(self) -> bool {
        matches!(self, Self::Percent | Self::Money(_))
    }
}

/// A number in canonical spelling: no thousands separators, a point before decimals, no trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    pub digits: String,
    pub unit: Option<Unit>,
}

/// A date, or the part of one that a text gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub day: Option<u8>,
    pub month: u8,
    pub year: Option<u16>,
}

impl Date {
    /// Returns true if this date gives each part that the other gives, and the same.
    pub fn covers(self, other: Self) -> bool {
        self.month == other.month
            && (other.day.is_none() || self.day == other.day)
            && (other.year.is_none() || self.year == other.year)
    }
}

/// A web address in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// In lower case, with its colon; empty for a bare domain.
    pub scheme: String,
    /// Host with port and user, in lower case.
    pub host: String,
    /// Everything after it, without a slash at the end.
    pub rest: String,
}

/// A value of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(Number),
    Date(Date),
    Weekday(u8),
    Link(Link),
    Email(String),
    /// Digits alone, without a plus or the zeros that stand for it.
    Phone(String),
    /// An account number such as an IBAN, without spaces.
    Account(String),
    /// Letters with digits, or what else is compared as it stands: in upper case, without hyphens.
    Code(String),
    /// The opening of a tag or of a Markdown link.
    Markup(String),
    /// The name of a variable in braces.
    Placeholder(String),
    Word(String),
    /// The first word of a sentence of an answer, which has its capital letter from there.
    Opening(String, After),
}

/// The item after the first word of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The sentence ends.
    End,
    /// A comma or another sign.
    Sign,
    /// A number or a value of another kind.
    Value,
    Word(String),
}

/// The side of a comparison that a text stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Answer,
    Source,
    /// A source whose numbers count only in digits: a telephone number can be spelled out.
    Customer,
}

/// Stands where a value was read: it is no letter, no digit, no space and no punctuation.
const READ: char = '\u{FFFC}';

/// Longest placeholder or tag that is read as one, in characters.
const MAX_MARKUP_CHARS: usize = 200;

/// Longest account number (ISO 13616), and the shortest.
const ACCOUNT_CHARS: std::ops::RangeInclusive<usize> = 15..=34;

/// Fewest digits of a telephone number; shorter ones are compared as numbers.
const MIN_PHONE_DIGITS: usize = 6;

/// Longest run of letters and digits that is read as something else than a code, in bytes.
const MAX_RUN_BYTES: usize = 64;

const SCHEMES: [&str; 13] = [
    "http:",
    "https:",
    "ftp:",
    "tel:",
    "sms:",
    "javascript:",
    "vbscript:",
    "data:",
    "file:",
    "tg:",
    "whatsapp:",
    "intent:",
    "skype:",
];

/// Letters that may follow the digits of a number without making it a code.
const ENDINGS: &str = "th st nd rd er te ten tes ter kg g mg km m cm mm l ml gb mb kb tb ghz mhz hz mah w kw kwh v mbit gbit \
    px x m2 m3 go mo го й я е кг г км м см мм л мл гб мб кб";

/// Reads the values of a text.
pub(super) fn read(text: &str, side: Side) -> Vec<Value> {
    let mut values = Vec::new();
    let mut text: Vec<char> = without_disguise(&plain(text)).chars().collect();
    read_placeholders(&mut text, &mut values);
    read_markup(&text, &mut values);
    read_links(&mut text, &mut values);
    read_accounts(&mut text, side, &mut values);
    read_phones(&mut text, side, &mut values);
    let (items, openings) = items(&text, side);
    join(&items, &openings, side, &mut values);
    values
}

/// Undoes ways of writing an address so that it is not taken for one: `shop[.]example`, `me (at) shop dot example`.
fn without_disguise(text: &str) -> String {
    let mut text = text.replace("hxxp", "http");
    for (disguised, sign) in [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        (" dot ", "."),
        ("[at]", "@"),
        ("(at)", "@"),
        ("[@]", "@"),
        ("(@)", "@"),
    ] {
        for spelled in [disguised.to_owned(), disguised.to_uppercase()] {
            for around in [format!(" {spelled} "), spelled] {
                text = text.replace(&around, sign);
            }
        }
    }
    // The ideographic full stop separates the labels of a domain too (RFC 3490).
    let signs: Vec<char> = text.chars().collect();
    let is_ascii = |at: Option<usize>| at.and_then(|at| signs.get(at)).is_some_and(char::is_ascii_alphanumeric);
    let dotted = signs.iter().enumerate().map(|(at, &sign)| match sign {
        '。' if is_ascii(at.checked_sub(1)) && is_ascii(Some(at + 1)) => '.',
        sign => sign,
    });
    dotted.collect()
}

fn read_placeholders(text: &mut [char], values: &mut Vec<Value>) {
    let mut at = 0;
    while at + 1 < text.len() {
        match (text[at], text[at + 1]) {
            ('{', '{') => {
                let until = text.len().min(at + MAX_MARKUP_CHARS);
                let end = (at + 2..until.saturating_sub(1)).find(|&end| text[end] == '}' && text[end + 1] == '}');
                let Some(end) = end else {
                    values.push(Value::Markup("{{".to_owned()));
                    at += 2;
                    continue;
                };
                let name = text[at + 2..end].iter().filter(|sign| !sign.is_whitespace()).collect::<String>();
                values.push(Value::Placeholder(name.to_lowercase()));
                text[at..end + 2].fill(READ);
                at = end + 2;
            }
            ('{', '%') => {
                values.push(Value::Markup("{%".to_owned()));
                at += 2;
            }
            _ => at += 1,
        }
    }
}

/// Reads tags and Markdown links. They are not blanked: the link inside is read by itself.
fn read_markup(text: &[char], values: &mut Vec<Value>) {
    for at in 0..text.len().saturating_sub(1) {
        match (text[at], text[at + 1]) {
            ('<', next) if next.is_alphabetic() || matches!(next, '/' | '!' | '?') => {
                let tag = text[at..].iter().take(MAX_MARKUP_CHARS).take_while(|sign| **sign != '>');
                values.push(Value::Markup(tag.collect::<String>().to_lowercase()));
            }
            (']', '(') => values.push(Value::Markup("](".to_owned())),
            _ => {}
        }
    }
}

fn read_links(text: &mut [char], values: &mut Vec<Value>) {
    let is_edge = |sign: char| sign.is_whitespace() || "()[]{}<>\"«»„“”‚|*'".contains(sign) || sign == READ;
    let mut at = 0;
    while at < text.len() {
        if is_edge(text[at]) {
            at += 1;
            continue;
        }
        let mut end = at + text[at..].iter().take_while(|sign| !is_edge(**sign)).count();
        let next = end;
        let leads = |sign: char| sign.is_alphanumeric() || matches!(sign, '@' | '+');
        at += text[at..end].iter().take_while(|sign| !leads(**sign)).count();
        while end > at && !(text[end - 1].is_alphanumeric() || matches!(text[end - 1], '/' | '@')) {
            end -= 1;
        }
        let piece: String = text[at..end].iter().collect();
        if let Some(value) = address(&piece) {
            values.push(value);
            text[at..end].fill(READ);
        }
        at = next;
    }
}

/// Returns the link or e-mail address that a piece between spaces is.
fn address(piece: &str) -> Option<Value> {
    let lower = piece.to_lowercase();
    if let Some(scheme) = SCHEMES.iter().find(|scheme| lower.starts_with(**scheme)) {
        let rest = piece.get(scheme.len()..).unwrap_or_default();
        return Some(Value::Link(link(scheme, rest.trim_start_matches(['/', '\\']))));
    }
    if let Some((scheme, rest)) = piece.split_once("://") {
        return Some(Value::Link(link(&format!("{}:", scheme.to_lowercase()), rest)));
    }
    if piece.contains('@') {
        return Some(Value::Email(lower.strip_prefix("mailto:").unwrap_or(&lower).to_owned()));
    }
    let host = piece.split(['/', '?', '#', ':', '\\']).next().unwrap_or_default();
    is_host(host).then(|| Value::Link(link("", piece)))
}

fn link(scheme: &str, rest: &str) -> Link {
    let at = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(at);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    Link { scheme: scheme.to_owned(), host: host.to_lowercase(), rest: rest.to_owned() }
}

fn is_host(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|sign| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '&'))
    };
    if labels.len() < 2 || !labels.iter().all(is_label) {
        return false;
    }
    let is_number = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    let last = labels.last().copied().unwrap_or_default();
    let is_top = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) || last.starts_with("xn--");
    is_top && !labels[..labels.len() - 1].iter().all(is_number) || labels.len() == 4 && labels.iter().all(is_number)
}

/// Reads account numbers: two letters, two digits, and groups of up to four.
fn read_accounts(text: &mut [char], side: Side, values: &mut Vec<Value>) {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_alphanumeric() {
            at += 1;
            continue;
        }
        let run = |from: usize| text[from..].iter().take_while(|sign| sign.is_alphanumeric()).count();
        let mut end = at + run(at);
        let next = end;
        let starts_so = matches!(&text[at..end], [one, two, three, four, ..]
            if one.is_ascii_alphabetic() && two.is_ascii_alphabetic() && three.is_ascii_digit() && four.is_ascii_digit());
        if !starts_so {
            at = next;
            continue;
        }
        let mut account: String = text[at..end].iter().collect();
        while account.len().is_multiple_of(4) && matches!(text.get(end), Some(' ' | '-')) {
            let group = run(end + 1);
            let signs = &text[end + 1..end + 1 + group];
            let is_group = (1..=4).contains(&group)
                && signs.iter().all(char::is_ascii_alphanumeric)
                && (signs.iter().any(char::is_ascii_digit) || group == 4 && signs.iter().all(char::is_ascii_uppercase));
            if !is_group || account.len() + group > *ACCOUNT_CHARS.end() {
                break;
            }
            account.extend(signs);
            end += 1 + group;
        }
        if account.is_ascii() && ACCOUNT_CHARS.contains(&account.len()) {
            values.push(Value::Account(account.to_ascii_uppercase()));
            if side == Side::Answer {
                text[at..end].fill(READ);
            }
            at = end;
        } else {
            at = next;
        }
    }
}

/// Reads telephone numbers: a plus or a zero before enough digits, or many digits in groups.
fn read_phones(text: &mut [char], side: Side, values: &mut Vec<Value>) {
    let mut at = 0;
    while at < text.len() {
        let begins = matches!(text[at], '+' | '(') || text[at].is_ascii_digit();
        if !begins || at > 0 && text[at - 1].is_alphanumeric() {
            at += 1;
            continue;
        }
        let is_part = |sign: &&char| sign.is_ascii_digit() || matches!(sign, ' ' | '(' | ')' | '-' | '/' | '.' | '+');
        let mut end = at + text[at..].iter().take_while(is_part).count();
        let next = end;
        while end > at && !text[end - 1].is_ascii_digit() {
            end -= 1;
        }
        let run: String = text[at..end].iter().collect();
        if let Some(digits) = phone(&run) {
            values.push(Value::Phone(digits));
            if side == Side::Answer {
                text[at..end].fill(READ);
            }
        }
        at = next;
    }
}

fn phone(run: &str) -> Option<String> {
    let digits: String = run.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < MIN_PHONE_DIGITS {
        return None;
    }
    let groups: Vec<&str> = run.split(|sign: char| !sign.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    if run.split(' ').any(|piece| date(piece.trim_matches(['(', ')', '.', '-'])).is_some()) {
        return None;
    }
    let is_international = run.starts_with('+') || run.starts_with("(+") || digits.starts_with("00");
    let is_national = digits.starts_with('0') && groups.len() > 1;
    let is_thousands = groups.iter().skip(1).all(|group| group.len() == 3) && groups[0].len() <= 3;
    let is_grouped = digits.len() >= 9 && groups.len() > 2 && !is_thousands;
    let is_phone = is_international || is_national || is_grouped;
    is_phone.then(|| digits.strip_prefix("00").unwrap_or(&digits).to_owned())
}

/// A part of a text that no address claims.
#[derive(Debug, PartialEq)]
enum Item {
    Number(Number),
    /// A number that is only one where a unit follows, since its word has other meanings.
    Perhaps(Number, String),
    Date(Date),
    Code(String),
    Word(String),
    Sign(char),
}

/// Reads the items of a text, and the indices of those that begin a sentence.
fn items(text: &[char], side: Side) -> (Vec<Item>, BTreeSet<usize>) {
    let mut items = Vec::new();
    let mut openings = BTreeSet::new();
    let mut opens = true;
    let mut line_starts = true;
    let mut step = 1_u32;
    let mut at = 0;
    while at < text.len() {
        let sign = text[at];
        if !is_inside_word(sign) {
            line_starts = sign == '\n' || line_starts && (sign.is_whitespace() || "-*•".contains(sign));
            opens = match sign {
                '.' => opens || !is_abbreviated(items.last()),
                '!' | '?' | '\n' => true,
                ',' | ';' | ':' | READ => false,
                _ => opens,
            };
            if !sign.is_whitespace() {
                items.push(Item::Sign(sign));
            }
            at += 1;
            continue;
        }
        let end = end_of_run(text, at);
        let run: String = text[at..end].iter().collect();
        // The numbers of a list are the answer's own, as long as they count from one.
        let is_step = line_starts && run == step.to_string() && matches!(text.get(end), Some('.' | ')'));
        line_starts = false;
        if is_step && text.get(end + 1).is_some_and(|next| next.is_whitespace()) && side == Side::Answer {
            step += 1;
            opens = true;
            at = end + 1;
            continue;
        }
        if std::mem::take(&mut opens) {
            openings.insert(items.len());
        }
        let grouped = end_of_thousands(text, at, end);
        if grouped > end {
            let digits: String = text[at..grouped].iter().filter(|sign| sign.is_ascii_digit()).collect();
            items.push(number(digits));
            at = grouped;
            continue;
        }
        classify(&run, side, &mut items);
        at = end;
    }
    (items, openings)
}

/// Returns true for words whose full stop ends no sentence, such as "Mr" and the letters of "z. B.".
fn is_abbreviated(item: Option<&Item>) -> bool {
    matches!(item, Some(Item::Word(word)) if word.chars().count() == 1 || is_title(&word.to_lowercase()))
}

fn number(digits: String) -> Item {
    Item::Number(Number { digits, unit: None })
}

fn is_inside_word(sign: char) -> bool {
    sign.is_alphanumeric() && sign != READ || ('\u{300}'..='\u{36F}').contains(&sign)
}

/// Returns where the run of letters and digits ends, with the signs that join its parts.
fn end_of_run(text: &[char], from: usize) -> usize {
    let mut end = from;
    while end < text.len() {
        if is_inside_word(text[end]) {
            end += 1;
            continue;
        }
        let (Some(&before), Some(&after)) = (text.get(end.wrapping_sub(1)), text.get(end + 1)) else { break };
        if end == from || !is_inside_word(after) {
            break;
        }
        let are = |is: fn(&char) -> bool| is(&before) && is(&after);
        let joins = match text[end] {
            '-' | '_' => true,
            '.' | ',' | ':' => are(char::is_ascii_digit),
            '/' => before.is_ascii_digit() || after.is_ascii_digit(),
            '\'' => are(char::is_ascii_digit) || !before.is_numeric() && !after.is_numeric(),
            '&' => are(|sign| sign.is_uppercase()),
            _ => false,
        };
        if !joins {
            break;
        }
        end += 1;
    }
    end
}

/// Returns where a number ends whose thousands are set apart by spaces; `end` where none is there.
fn end_of_thousands(text: &[char], at: usize, end: usize) -> usize {
    let is_number = |from: usize, to: usize| text[from..to].iter().all(char::is_ascii_digit);
    if end - at > 3 || !is_number(at, end) || text[at] == '0' {
        return end;
    }
    let mut end = end;
    while text.get(end) == Some(&' ') && end + 4 <= text.len() && is_number(end + 1, end + 4) {
        if end_of_run(text, end + 1) != end + 4 {
            break;
        }
        end += 4;
    }
    end
}

/// Reads one run of letters and digits.
fn classify(run: &str, side: Side, items: &mut Vec<Item>) {
    if !run.chars().any(char::is_numeric) {
        if run.contains('_') {
            items.push(Item::Code(code(run)));
            return;
        }
        let counted = |word: &str| count(&word.to_lowercase()).filter(|_| side != Side::Customer);
        if let Some(count) = counted(run) {
            items.push(counted_item(count, run));
            return;
        }
        items.extend(run.split('-').filter(|part| !part.is_empty()).map(|part| match counted(part) {
            Some(count) => counted_item(count, part),
            None => Item::Word(part.to_owned()),
        }));
        return;
    }
    if run.len() > MAX_RUN_BYTES {
        items.push(Item::Code(code(run)));
        return;
    }
    if let Some(date) = date(run) {
        items.push(Item::Date(date));
        return;
    }
    let figures = run.find(|sign: char| !(sign.is_ascii_digit() || ".,':".contains(sign))).unwrap_or(run.len());
    let (figures, rest) = run.split_at(figures);
    let Some(digits) = canonical(figures) else {
        items.push(Item::Code(code(run)));
        return;
    };
    let Some(first) = rest.chars().next() else {
        items.push(number(digits));
        return;
    };
    let lower = rest.to_lowercase();
    if let Some(unit) = unit(&lower) {
        items.push(Item::Number(Number { digits, unit: Some(unit) }));
    } else if ENDINGS.split_whitespace().any(|ending| ending == lower) {
        items.push(number(digits));
    } else if first == '-' && rest[1..].chars().next().is_some_and(|sign| sign.is_ascii_digit()) {
        // A range. What is joined to its end is read with that.
        items.push(number(digits));
        items.push(Item::Sign('-'));
        classify(&rest[1..], side, items);
    } else if first == '-' && is_ordinary(&rest[1..]) {
        items.push(number(digits));
        items.extend(rest[1..].split('-').map(|part| Item::Word(part.to_owned())));
    } else {
        items.push(Item::Code(code(run)));
    }
}

fn counted_item(count: Count, word: &str) -> Item {
    match count {
        Count::Sure(value) => number(value.to_string()),
        Count::WithUnit(value) => Item::Perhaps(Number { digits: value.to_string(), unit: None }, word.to_owned()),
    }
}

/// Returns true for words such as those of "14-day" and "14-tägige", as opposed to the letters of an order number.
fn is_ordinary(words: &str) -> bool {
    words.split('-').all(|word| {
        let mut signs = word.chars();
        let capital = signs.next().is_some_and(char::is_alphabetic);
        capital && signs.clone().count() >= 1 && signs.all(char::is_lowercase)
    })
}

fn code(run: &str) -> String {
    run.chars().filter(|sign| *sign != '-').flat_map(char::to_uppercase).collect()
}

/// Returns a number without its separators; `None` where the separators are those of no number, such as a version's.
///
/// A single separator before three digits is one of thousands, except after a leading zero: of "1.500" nobody can tell.
fn canonical(figures: &str) -> Option<String> {
    if let Some((hours, rest)) = figures.split_once(':') {
        let is_time =
            hours.len() <= 2 && rest.split(':').all(|part| part.len() == 2) && !rest.contains(['.', ',', '\'']);
        let hours = if hours.len() == 2 { hours.strip_prefix('0').unwrap_or(hours) } else { hours };
        return is_time.then(|| format!("{hours}:{rest}"));
    }
    let separators: Vec<char> = figures.chars().filter(|sign| !sign.is_ascii_digit()).collect();
    let Some(&last) = separators.last() else { return (!figures.is_empty()).then(|| figures.to_owned()) };
    let (whole, fraction) = figures.rsplit_once(last)?;
    let is_alone = separators.len() == 1;
    let is_thousands = !figures.starts_with('0')
        && separators.iter().all(|sign| *sign == last)
        && figures.split(last).skip(1).all(|group| group.len() == 3)
        && figures.split(last).next().is_some_and(|group| (1..=3).contains(&group.len()));
    if is_thousands {
        return Some(figures.replace(last, ""));
    }
    let others = &separators[..separators.len() - 1];
    let are_thousands = others.iter().all(|sign| *sign == others[0] && *sign != last)
        && whole.split(|sign: char| !sign.is_ascii_digit()).skip(1).all(|group| group.len() == 3);
    if last == '\'' || !is_alone && !are_thousands || fraction.is_empty() || whole.is_empty() {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
}

/// Returns the date that a run of digits is. Of "03/04/2026" nobody can tell the day from the month, so it is none.
fn date(run: &str) -> Option<Date> {
    let separator = run.chars().find(|sign| !sign.is_ascii_digit()).filter(|sign| "-./".contains(*sign))?;
    let parts: Vec<&str> = run.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    if !parts.iter().all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let small = |part: &str| part.parse::<u8>().ok().filter(|_| part.len() <= 2);
    let full = |day: u8, month: u8, year: u16| {
        let is_date = (1..=31).contains(&day) && (1..=12).contains(&month);
        is_date.then_some(Date { day: Some(day), month, year: Some(year) })
    };
    if first.len() == 4 {
        return full(small(third)?, small(second)?, first.parse().ok()?);
    }
    let year = match third.len() {
        4 => third.parse().ok()?,
        2 => 2_000 + third.parse::<u16>().ok()?,
        _ => return None,
    };
    let (first, second) = (small(first)?, small(second)?);
    match separator {
        '/' if first <= 12 && second <= 12 && first != second => None,
        '/' if first <= 12 => full(second, first, year),
        _ => full(first, second, year),
    }
}

/// Joins what stands in several items: dates in words, and numbers with their units.
fn join(items: &[Item], openings: &BTreeSet<usize>, side: Side, values: &mut Vec<Value>) {
    let mut at = 0;
    while at < items.len() {
        if let Some((date, next)) = date_in_words(items, at) {
            values.push(Value::Date(date));
            if side != Side::Answer {
                items[at..next].iter().for_each(|item| plainly(item, values));
            }
            at = next;
            continue;
        }
        let item = &items[at];
        match item {
            Item::Number(number) | Item::Perhaps(number, _) => {
                let unit = number.unit.or_else(|| unit_at(items, at));
                if let (Item::Perhaps(_, word), None) = (item, unit) {
                    values.push(Value::Word(word.clone()));
                    if side != Side::Answer {
                        values.push(Value::Number(number.clone()));
                    }
                } else {
                    values.push(Value::Number(Number { digits: number.digits.clone(), unit }));
                }
            }
            Item::Word(word)
                if side == Side::Answer && openings.contains(&at) && weekday(&word.to_lowercase()).is_none() =>
            {
                let after = match items.get(at + 1) {
                    None | Some(Item::Sign('.' | '!' | '?')) => After::End,
                    Some(Item::Sign(_)) => After::Sign,
                    Some(Item::Word(next)) if !openings.contains(&(at + 1)) => After::Word(next.clone()),
                    Some(_) if openings.contains(&(at + 1)) => After::End,
                    Some(_) => After::Value,
                };
                values.push(Value::Opening(word.clone(), after));
            }
            item => plainly(item, values),
        }
        if let (Item::Date(date), Side::Source | Side::Customer) = (item, side) {
            let parts = [date.day.map(u16::from), date.year].into_iter().flatten();
            values.extend(parts.map(|part| Value::Number(Number { digits: part.to_string(), unit: None })));
        }
        at += 1;
    }
}

/// Pushes the value that an item is by itself.
fn plainly(item: &Item, values: &mut Vec<Value>) {
    match item {
        Item::Number(number) | Item::Perhaps(number, _) => values.push(Value::Number(number.clone())),
        Item::Date(date) => values.push(Value::Date(*date)),
        Item::Code(code) => values.push(Value::Code(code.clone())),
        Item::Word(word) => values.push(match weekday(&word.to_lowercase()) {
            Some(day) => Value::Weekday(day),
            None => Value::Word(word.clone()),
        }),
        Item::Sign(_) => {}
    }
}

/// Reads a date with the name of its month, and returns it with the index after it.
fn date_in_words(items: &[Item], at: usize) -> Option<(Date, usize)> {
    let day_at = |at: usize| {
        number_at(items, at).and_then(|digits| digits.parse::<u8>().ok()).filter(|day| (1..=31).contains(day))
    };
    let month_at = |at: usize| match items.get(at) {
        // "Option 5 may be used" has no date.
        Some(Item::Word(word)) if !MONTHS_THAT_ARE_WORDS.contains(&&**word) => month(&word.to_lowercase()),
        _ => None,
    };
    let past = |at: usize, is: fn(&Item) -> bool| if items.get(at).is_some_and(is) { at + 1 } else { at };
    let is_of = |item: &Item| matches!(item, Item::Word(word) if matches!(&*word.to_lowercase(), "of" | "de" | "del"));
    let year_at = |at: usize| {
        let at = past(past(at, |item| matches!(item, Item::Sign(',' | '.'))), is_of);
        let year =
            number_at(items, at).filter(|digits| digits.len() == 4).and_then(|digits| digits.parse::<u16>().ok());
        year.filter(|year| (1900..2200).contains(year)).map(|year| (year, at + 1))
    };
    if let Some(day) = day_at(at) {
        let next = past(past(at + 1, |item| matches!(item, Item::Sign('.'))), is_of);
        let (month, _) = month_at(next)?;
        let (year, next) = year_at(next + 1).unzip();
        let end = past(past(at + 1, |item| matches!(item, Item::Sign('.'))), is_of) + 1;
        return Some((Date { day: Some(day), month, year }, next.unwrap_or(end)));
    }
    let (month, is_full) = month_at(at)?;
    if let Some((year, next)) = year_at(at + 1) {
        return Some((Date { day: None, month, year: Some(year) }, next));
    }
    if let Some(day) = day_at(at + 1) {
        let (year, next) = year_at(at + 2).unzip();
        return Some((Date { day: Some(day), month, year }, next.unwrap_or(at + 2)));
    }
    let Some(Item::Word(word)) = items.get(at) else { return None };
    let is_lone = is_full && !MONTHS_THAT_ARE_WORDS.contains(&&*word.to_lowercase());
    is_lone.then_some((Date { day: None, month, year: None }, at + 1))
}

fn number_at(items: &[Item], at: usize) -> Option<&str> {
    match items.get(at) {
        Some(Item::Number(Number { digits, unit: None }) | Item::Perhaps(Number { digits, .. }, _)) => Some(digits),
        _ => None,
    }
}

/// Returns the unit of the number at this place: that of a sign or word beside it, or of the end of its range.
fn unit_at(items: &[Item], at: usize) -> Option<Unit> {
    let before = at.checked_sub(1).and_then(|at| items.get(at)).and_then(unit_of);
    unit_after(items, at).or_else(|| before.filter(|unit| matches!(unit, Unit::Money(_)))).or_else(|| {
        let connector = items.get(at + 1)?;
        let is_range = match connector {
            Item::Sign('-') => true,
            Item::Word(word) => connects(&word.to_lowercase()),
            _ => false,
        };
        match items.get(at + 2).filter(|_| is_range)? {
            Item::Number(Number { unit: Some(unit), .. }) => Some(*unit),
            Item::Number(_) | Item::Perhaps(..) => unit_after(items, at + 2),
            _ => None,
        }
    })
}

fn unit_after(items: &[Item], at: usize) -> Option<Unit> {
    let mut next = at + 1;
    for _ in 0..2 {
        match items.get(next) {
            Some(Item::Word(word)) if is_qualifier(&word.to_lowercase()) => next += 1,
            _ => break,
        }
    }
    items.get(next).and_then(unit_of)
}

fn unit_of(item: &Item) -> Option<Unit> {
    match item {
        Item::Sign(sign) => unit(sign.encode_utf8(&mut [0; 4])),
        Item::Word(word) => unit(&word.to_lowercase()),
        _ => None,
    }
}
