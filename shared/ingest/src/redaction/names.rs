//! Names of people, where the export says who took part.
//!
//! No list of first names is consulted: it would find those that it knows and miss everybody else's. A help desk's export
//! names its contacts, and in their conversation those names, whole or in part, are personal.

use std::ops::Range;

/// Characters of the shortest part of a name that is looked for.
const LEAST_CHARS: usize = 2;
/// Characters of the shortest part of which inflected forms are looked for.
const LEAST_STEM_CHARS: usize = 4;
/// Names that are looked for in one conversation.
const MOST_NAMES: usize = 50;

/// Names that are words, too: they count only where they are written and placed like a name.
const WORDS: &[&str] = &[
    "april",
    "august",
    "bill",
    "bob",
    "chance",
    "chase",
    "christian",
    "clay",
    "cliff",
    "crystal",
    "dawn",
    "daisy",
    "dean",
    "dick",
    "don",
    "drew",
    "earnest",
    "faith",
    "frank",
    "gene",
    "glen",
    "grace",
    "grant",
    "guy",
    "hope",
    "hunter",
    "iris",
    "ivy",
    "jack",
    "jade",
    "jan",
    "joy",
    "june",
    "lance",
    "lane",
    "lily",
    "mark",
    "mason",
    "max",
    "may",
    "miles",
    "nick",
    "olive",
    "pat",
    "patience",
    "pearl",
    "penny",
    "ray",
    "rich",
    "rob",
    "robin",
    "rock",
    "rose",
    "ruby",
    "sandy",
    "sky",
    "skip",
    "stone",
    "sue",
    "summer",
    "tanner",
    "victor",
    "violet",
    "will",
    "art",
    "love",
    "king",
    "long",
    "young",
    "brown",
    "green",
    "black",
    "white",
    "gray",
    "grey",
    "short",
    "small",
    "little",
    "good",
    "best",
    "day",
    "page",
    "price",
    "post",
    "bank",
    "cook",
    "baker",
    "carter",
    "case",
    "cash",
    "church",
    "fox",
    "field",
    "ford",
    "hall",
    "hill",
    "house",
    "law",
    "park",
    "pool",
    "power",
    "rice",
    "sharp",
    "silver",
    "snow",
    "street",
    "swift",
    "west",
    "north",
    "wood",
    "woods",
    "sales",
    "support",
    "klein",
    "groß",
    "lang",
    "kurz",
    "roth",
    "koch",
    "neu",
    "vogel",
    "wolf",
    "sommer",
    "winter",
    "heil",
    "sol",
    "mar",
    "paz",
    "luz",
    "reyes",
    "rosa",
    "cruz",
    "fleur",
    "petit",
    "blanc",
    "любовь",
    "вера",
    "надежда",
    "роман",
    "лев",
    "майя",
    "роза",
    "победа",
];

/// What precedes a month or a verb and never a name.
const NOT_BEFORE_NAMES: &[&str] = &[
    "in", "on", "of", "by", "since", "until", "till", "from", "during", "early", "late", "mid", "last", "next", "this",
    "i", "you", "we", "it", "he", "she", "they", "that", "the", "a", "an", "my", "your", "our", "their", "what",
    "which", "who", "and", "or", "is", "was", "im", "seit", "bis", "ab", "der", "die", "das", "ein", "eine", "mein",
    "meine", "en", "de", "el", "la", "le", "un", "une", "в", "с", "до", "на",
];

/// What a name follows.
const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "dear",
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "thanks",
    "thank",
    "regards",
    "cheers",
    "love",
    "yours",
    "sincerely",
    "best",
    "i'm",
    "am",
    "name",
    "this",
    "hallo",
    "liebe",
    "lieber",
    "herr",
    "frau",
    "grüße",
    "danke",
    "hola",
    "gracias",
    "señor",
    "señora",
    "bonjour",
    "merci",
    "cordialement",
    "olá",
    "obrigado",
    "ciao",
    "gentile",
    "grazie",
    "beste",
    "groet",
    "dag",
    "cześć",
    "pan",
    "pani",
    "здравствуйте",
    "привет",
    "уважаемый",
    "уважаемая",
    "спасибо",
    "уважением",
    "добрый",
];

/// Words that a company, a team or an account has in its display name, and a person has not.
const NOT_OF_PERSONS: &[&str] = &[
    "team",
    "support",
    "service",
    "services",
    "care",
    "customer",
    "customers",
    "client",
    "help",
    "helpdesk",
    "desk",
    "shop",
    "store",
    "sales",
    "guest",
    "user",
    "visitor",
    "admin",
    "administrator",
    "info",
    "office",
    "company",
    "group",
    "gmbh",
    "ag",
    "llc",
    "ltd",
    "inc",
    "corp",
    "sarl",
    "spa",
    "bot",
    "assistant",
    "agent",
    "system",
    "noreply",
    "billing",
    "orders",
    "contact",
    "the",
    "our",
    "kundenservice",
    "kundendienst",
    "versand",
    "buchhaltung",
    "kunde",
    "gast",
    "besucher",
    "mannschaft",
    "werkstatt",
    "équipe",
    "boutique",
    "magasin",
    "invité",
    "equipo",
    "soporte",
    "tienda",
    "atención",
    "invitado",
    "usuario",
    "equipe",
    "suporte",
    "loja",
    "atendimento",
    "assistenza",
    "negozio",
    "klantenservice",
    "winkel",
    "zespół",
    "sklep",
    "obsługa",
    "магазин",
    "поддержка",
    "служба",
    "команда",
    "отдел",
    "гость",
    "пользователь",
    "клиент",
    "ооо",
    "підтримка",
    "крамниця",
    "гість",
    "користувач",
    "тов",
    "mağaza",
    "destek",
    "müşteri",
    "ekibi",
    "misafir",
];

/// Words between a person and the company: "Anna from Acme".
const BEFORE_COMPANIES: &[&str] = &["from", "at", "of", "by", "из", "от", "з", "від", "chez", "bei", "presso"];

/// Small words inside of names.
const PARTICLES: &[&str] = &[
    "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "e", "el", "la", "le", "los",
    "san", "ten", "ter", "van", "vom", "von", "y", "zu", "zum", "zur", "bin", "ibn", "al",
];

/// The parts of a display name that name a person: none of a company's or a team's, and nothing of the company behind a
/// person.
fn of_person(display: &str) -> Vec<&str> {
    let person = display.split(['@', '|', '(', '[', '/']).next().unwrap_or_default();
    let mut parts: Vec<&str> = Vec::new();
    for part in words(person).map(|bytes| &person[bytes]) {
        let lower = part.to_lowercase();
        if NOT_OF_PERSONS.contains(&lower.as_str()) {
            return Vec::new();
        }
        if BEFORE_COMPANIES.contains(&lower.as_str()) && !parts.is_empty() {
            break;
        }
        parts.push(part);
    }
    parts
}

/// The names of the people of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Parts in lower case, each once.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    lower: String,
    is_word: bool,
    is_particle: bool,
}

impl Names {
    /// Those of the people who are called so.
    pub fn of<'name>(names: impl IntoIterator<Item = &'name str>) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for name in names {
            for written in of_person(name) {
                let (part, is_particle) = (written.to_lowercase(), PARTICLES.contains(&written));
                let is_known = parts.iter().any(|known| known.lower == part);
                if part.chars().count() >= LEAST_CHARS && !is_known && parts.len() < MOST_NAMES {
                    let is_word = WORDS.contains(&part.as_str());
                    parts.push(Part { lower: part, is_word, is_particle });
                }
            }
        }
        Self { parts }
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Where a text names one of them; parts that stand side by side are one.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let words: Vec<_> = words(text).collect();
        let fits: Vec<Option<Fit>> = words.iter().map(|word| self.fit(&text[word.clone()])).collect();
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let Some(fit) = fits[at] else { continue };
            let joins = |left: usize, right: usize| {
                right < words.len()
                    && fits[left].is_some()
                    && fits[right].is_some()
                    && is_joint(&text[words[left].end..words[right].start])
            };
            let after_part = at > 0 && joins(at - 1, at);
            let previous = at.checked_sub(1).map(|before| &words[before]);
            let counts = match fit {
                // "Frau Von Berg" and "Anna von Berg", but not "Von Montag an".
                Fit::Particle => joins(at, at + 1) && fits.get(at + 1).is_some_and(|next| *next != Some(Fit::Particle)),
                _ if after_part || joins(at, at + 1) => true,
                Fit::Name => true,
                Fit::Word => is_placed_like_a_name(text, word, previous),
                // What many languages write small is mostly the word and not the name, unless it is addressed.
                Fit::Small => {
                    previous.is_some_and(|before| is_greeting(&text[before.clone()], &text[before.end..word.start]))
                }
            };
            match found.last_mut().filter(|last| after_part && counts && is_joint(&text[last.end..word.start])) {
                Some(last) => last.end = word.end,
                None if counts => found.push(word.clone()),
                None => {}
            }
        }
        found
    }

    /// How a word resembles a name.
    fn fit(&self, written: &str) -> Option<Fit> {
        let lower = written.to_lowercase();
        let is_capital = written.chars().next().is_some_and(char::is_uppercase);
        // "Anna's", "Annas": what follows the name is grammar.
        let part =
            self.parts.iter().find(|part| lower == part.lower || is_capital && is_inflected(&lower, &part.lower))?;
        if part.is_particle {
            return Some(Fit::Particle);
        }
        Some(match is_capital {
            false => Fit::Small,
            true if part.is_word => Fit::Word,
            true => Fit::Name,
        })
    }
}

/// How a word resembles a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It is one.
    Name,
    /// It is one or a word that is written large for another reason.
    Word,
    /// It is written small.
    Small,
    /// It is a particle, which counts before another part of a name alone.
    Particle,
}

/// Whether a word that may be a name is one: after a greeting, before a genitive, or inside a sentence and not where a month
/// or a verb stands.
fn is_placed_like_a_name(text: &str, word: &Range<usize>, previous: Option<&Range<usize>>) -> bool {
    let after = &text[word.end..];
    if after.starts_with("'s ") || after.starts_with("’s ") {
        return true;
    }
    let Some(previous) = previous else {
        // At the very beginning: "Will, could you …" and "Mark" alone are names, "Will it …" is not.
        return after.trim_start_matches(' ').is_empty() || after.starts_with(',');
    };
    let before = text[previous.clone()].to_lowercase();
    let between = &text[previous.end..word.start];
    if is_greeting(&before, between) {
        return true;
    }
    let ends_sentence = between.contains(['.', '!', '?', ':', ';']);
    let ends_text = after.trim_matches(|c: char| !c.is_alphanumeric()).is_empty();
    let followed_by_number = after.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if ends_text && between.contains([',', '\n', '-', '–', '—']) {
        return true;
    }
    !ends_sentence
        && !followed_by_number
        && !NOT_BEFORE_NAMES.contains(&before.as_str())
        && !between.contains(['\n', '"'])
}

fn is_greeting(before: &str, between: &str) -> bool {
    GREETINGS.contains(&before.to_lowercase().as_str()) && matches!(between, " " | ", " | ". ")
}

/// Whether a word is a form of a name: with an `s`, or with an ending of a Slavic case.
fn is_inflected(word: &str, name: &str) -> bool {
    if name.chars().count() < LEAST_STEM_CHARS {
        return false;
    }
    if word.strip_prefix(name).is_some_and(|ending| ending == "s") {
        return true;
    }
    let stem = name.trim_end_matches(['а', 'я', 'й', 'ь', 'о', 'е', 'ы', 'и', 'a', 'o']);
    let ending = word.strip_prefix(stem);
    stem.chars().count() >= 3 && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Endings of Russian and Polish names in every case.
const ENDINGS: &[&str] = &[
    "а", "у", "ом", "ем", "ём", "е", "ы", "и", "ой", "ей", "ою", "я", "ю", "ью", "ого", "ому", "ым", "им", "ую", "ая",
    "его", "ему", "a", "owi", "em", "iem", "u", "ą", "ę", "y", "i", "ie", "ego", "emu", "ej", "om", "ami",
];

/// Whether two parts with this between them are one name.
fn is_joint(between: &str) -> bool {
    matches!(between, " " | "-" | ". " | "\u{A0}")
}

/// Runs of letters; an apostrophe inside belongs to the word unless it begins an English genitive.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphabetic)?;
        let mut end = start;
        let mut letters = text[start..].char_indices().peekable();
        while let Some((at, c)) = letters.next() {
            let next = letters.peek().map(|(_, next)| *next);
            let inside = matches!(c, '\'' | '’')
                && next.is_some_and(|next| next.is_alphabetic())
                && !is_genitive(&text[start + at + c.len_utf8()..]);
            if !c.is_alphabetic() && !inside && !is_mark(c) {
                break;
            }
            end = start + at + c.len_utf8();
        }
        rest = end;
        Some(start..end)
    })
}

/// Whether what follows an apostrophe is the `s` of a genitive.
fn is_genitive(after: &str) -> bool {
    let mut letters = after.chars();
    matches!(letters.next(), Some('s' | 'S')) && !letters.next().is_some_and(char::is_alphabetic)
}

/// A combining mark, which belongs to the letter before it.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36F}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'text>(contact: &str, text: &'text str) -> Vec<&'text str> {
        Names::of([contact]).find(text).into_iter().map(|bytes| &text[bytes]).collect()
    }

    #[test]
    fn a_contact_is_found_whole_and_in_part_and_in_lower_case() {
        assert_eq!(
            named("Anna Weiss", "hi, Anna Weiss here, i am anna, Weiss is my last name"),
            ["Anna Weiss", "anna", "Weiss"]
        );
        assert!(named("Anna Weiss", "Annabel wrote, banana").is_empty());
    }

    #[test]
    fn a_genitive_and_other_cases_are_found() {
        assert_eq!(named("Anna", "Anna's parcel, Annas Paket"), ["Anna", "Annas"]);
        assert_eq!(named("Marek Kowal", "pisałem z Markiem, dla Kowala"), ["Kowala"]);
        assert_eq!(named("Анна Петрова", "для Анны Петровой, Анне"), ["Анны Петровой", "Анне"]);
    }

    #[test]
    fn a_display_name_that_names_no_person_hides_no_words() {
        assert_eq!(named("Hedda from Birch", "From May on the birch is sold out. Hedda from Birch"), ["Hedda"]);
        for company in
            ["The Birch Shop", "Team Birke", "Customer Care", "info", "Guest User", "Служба поддержки", "Birke GmbH"]
        {
            assert!(named(company, "The birch, Birke, info, care, User 5, служба").is_empty(), "{company}");
        }
        assert_eq!(named("Maria da Silva", "De acordo, da loja. Maria Silva"), ["Maria Silva"]);
        assert_eq!(named("Weiss, Anna", "Anna here, Anna Weiss"), ["Anna", "Anna Weiss"]);
        assert_eq!(named("tom.becker@shop.example", "Tom Becker, shop"), ["Tom Becker"]);
    }

    #[test]
    fn a_name_that_is_a_word_counts_only_where_it_is_a_name() {
        assert!(named("Will", "will it come? Will it come in time").is_empty());
        assert!(named("May", "it came in May, it may be").is_empty());
        assert_eq!(named("Will", "Hi Will, will it come"), ["Will"]);
        assert_eq!(named("Mark Stone", "thanks, Mark Stone"), ["Mark Stone"]);
        assert!(named("Bill", "the bill is wrong").is_empty());
    }
}
