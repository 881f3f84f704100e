//! The language of one short message, or the honest answer that it cannot be told.
//!
//! Detectors are made for paragraphs, and customers write six words. Two are asked because each lacks what the other has.
//! `whichlang` (a linear model over character n-grams) knows sixteen languages, calls 99.8 % of short English questions
//! English and takes a microsecond, but never says that it does not know. `whatlang` (trigram ranks; Cavnar & Trenkle
//! 1994) knows seventy and how sure it is, but calls only 75 % of the same questions English. `lingua` is as accurate as
//! the first and knows as many as the second, but adds tens of megabytes to every function for the models of a dozen
//! languages.
//!
//! Together: where both agree, or the second is sure, or a script has but one language, the answer is
//! [`Confidence::High`]. Where they disagree, the first is believed with [`Confidence::Low`], unless the message has
//! letters which that language does not write.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use whatlang::{Detector, Lang, Script};

/// Characters of a message that are read: more do not make a better answer.
pub const MAX_CHARACTERS: usize = 400;
/// Letters of an alphabet below which a message has no language: "ok", "visa" and "status?" are said in all of them.
pub const MIN_LETTERS: usize = 8;
/// The same for scripts of which one letter says much, such as Han, Hangul or Hebrew.
pub const MIN_LETTERS_OF_A_TELLING_SCRIPT: usize = 2;
/// Letters from which the first detector is believed although a message might be in a language it does not know.
const LETTERS_THAT_SETTLE: usize = 40;

/// Dead, planned or rarely written languages: between short messages they win by accident more often than by right.
static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_denylist(vec![Lang::Lat, Lang::Epo, Lang::Jav, Lang::Sna, Lang::Zul, Lang::Tuk]));

/// Languages that detectors take for each other in short texts.
const RELATIVES: [&[[u8; 2]]; 11] = [
    &[*b"be", *b"bg", *b"mk", *b"ru", *b"sr", *b"uk"],
    &[*b"ca", *b"es", *b"gl", *b"pt"],
    &[*b"cs", *b"sk"],
    &[*b"da", *b"no", *b"sv"],
    &[*b"af", *b"nl"],
    &[*b"bs", *b"hr", *b"sl", *b"sr"],
    // Short texts in Japanese may have no kana.
    &[*b"ja", *b"zh"],
    &[*b"hi", *b"mr", *b"ne"],
    &[*b"ar", *b"fa", *b"ur"],
    &[*b"az", *b"tr", *b"uz"],
    &[*b"id", *b"ms"],
];

/// A language, by its two-letter code (ISO 639-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 2]);

/// The text is not a language code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code:?} is not a language code; write two small letters as in ISO 639-1, such as en")]
pub struct LanguageError {
    /// What was given.
    pub code: String,
}

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(*b"en");

    /// The code, two small letters.
    #[must_use]
    pub fn code(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or("en")
    }

    /// The language of a three-letter code (ISO 639-3), where ISO 639-1 knows it and a detector does.
    fn of_three_letters(code: &str) -> Option<Self> {
        let at = TWO_LETTERS.binary_search_by_key(&code, |(three, _)| three).ok()?;
        Some(Self(*TWO_LETTERS[at].1))
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageError;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        match code.as_bytes() {
            [first @ b'a'..=b'z', second @ b'a'..=b'z'] => Ok(Self([*first, *second])),
            _ => Err(LanguageError { code: code.chars().take(20).collect() }),
        }
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.code().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Language({self})")
    }
}

/// How far an answer may be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Good enough to count; too little to answer in that language unasked.
    Low,
    /// Two independent signs agree.
    High,
}

/// What a message is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detection {
    /// The language.
    pub language: Language,
    /// How far that may be relied upon.
    pub confidence: Confidence,
}

/// Returns true if the shipped encoder, which reads English, may read a text: false where the text is surely in another
/// language.
#[must_use]
pub fn is_encoded(text: &str) -> bool {
    detect(text).is_none_or(|found| found.language == Language::ENGLISH || found.confidence == Confidence::Low)
}

/// Returns true if two texts are surely in different languages, of which who reads one need not understand the other.
#[must_use]
pub fn are_different(one: &str, other: &str) -> bool {
    let sure = |text| detect(text).filter(|it| it.confidence == Confidence::High).map(|it| it.language.0);
    let (Some(one), Some(other)) = (sure(one), sure(other)) else { return false };
    one != other && !RELATIVES.iter().any(|relatives| relatives.contains(&one) && relatives.contains(&other))
}

/// The language of a message, from its first [`MAX_CHARACTERS`] characters; `None` where it is too short or ambiguous.
#[must_use]
pub fn detect(text: &str) -> Option<Detection> {
    let end = text.char_indices().nth(MAX_CHARACTERS).map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    let script = whatlang::detect_script(text)?;
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    if !matches!(script, Script::Latin | Script::Cyrillic) {
        return (letters >= MIN_LETTERS_OF_A_TELLING_SCRIPT).then(|| in_telling_script(text, script)).flatten();
    }
    if letters < MIN_LETTERS {
        return None;
    }
    let linear = linear(text, script);
    let ranked = DETECTOR.detect(text);
    let language = ranked.as_ref().and_then(|ranked| Language::of_three_letters(ranked.lang().code()));
    match (linear, language) {
        (Some(linear), Some(language)) if linear == language => {
            Some(Detection { language, confidence: Confidence::High })
        }
        (_, Some(language)) if ranked.is_some_and(|ranked| ranked.is_reliable()) => {
            Some(Detection { language, confidence: Confidence::High })
        }
        (Some(linear), _) if writes_all_letters(linear, text) => {
            let settled = linear == Language::ENGLISH
                || letters >= LETTERS_THAT_SETTLE
                || !text.is_ascii()
                || language.is_none_or(is_known_to_linear);
            settled.then_some(Detection { language: linear, confidence: Confidence::Low })
        }
        (linear, Some(language)) => {
            (linear != Some(language)).then_some(Detection { language, confidence: Confidence::Low })
        }
        _ => None,
    }
}

/// The linear model's answer, where it is one of the script's languages.
fn linear(text: &str, script: Script) -> Option<Language> {
    let language = Language::of_three_letters(whichlang::detect_language(text).three_letter_code())?;
    let cyrillic = &language.0 == b"ru";
    (is_known_to_linear(language) && cyrillic == (script == Script::Cyrillic)).then_some(language)
}

fn in_telling_script(text: &str, script: Script) -> Option<Detection> {
    let ranked = DETECTOR.detect(text)?;
    let language = Language::of_three_letters(ranked.lang().code())?;
    let alone = script.langs().len() == 1 || ranked.is_reliable();
    let agreed = whichlang::detect_language(text).three_letter_code() == ranked.lang().code();
    let confidence = if alone || agreed { Confidence::High } else { Confidence::Low };
    Some(Detection { language, confidence })
}

/// The languages of the linear model that are written in Latin or Cyrillic letters, with the letters they write beyond
/// the 26 of ASCII, or beyond а to я and ё; common loans included.
const ALPHABETS: [(&[u8; 2], &str); 11] = [
    (b"de", "äöüßé"),
    (b"en", "éèêïñçöüô"),
    (b"es", "áéíñóúü"),
    (b"fr", "àâæçéèêëîïôœùûüÿ"),
    (b"it", "àèéìíîòóùú"),
    (b"nl", "éëïóöèüêĳ"),
    (b"pt", "áâãàçéêíóôõúüº"),
    (b"ru", ""),
    (b"sv", "åäöéàü"),
    (b"tr", "çğıöşüâîû\u{307}"),
    (
        b"vi",
        "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ\u{300}\u{301}\u{303}\u{309}\u{323}\u{302}\u{306}\u{31b}",
    ),
];

fn is_known_to_linear(language: Language) -> bool {
    ALPHABETS.iter().any(|(code, _)| **code == language.0)
}

fn writes_all_letters(language: Language, text: &str) -> bool {
    let Some((_, further)) = ALPHABETS.iter().find(|(code, _)| **code == language.0) else { return false };
    let usual = |letter: char| match &language.0 {
        b"ru" => letter.is_ascii() || matches!(letter, 'а'..='я' | 'ё'),
        _ => letter.is_ascii(),
    };
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|character| character.is_alphabetic())
        .all(|letter| usual(letter) || further.contains(letter))
}

/// Languages of the detectors by ISO 639-3 and ISO 639-1, ascending. Norwegian Bokmål, Mandarin and Iranian Persian go by
/// the codes people look for: no, zh and fa.
const TWO_LETTERS: [(&str, &[u8; 2]); 70] = [
    ("afr", b"af"),
    ("aka", b"ak"),
    ("amh", b"am"),
    ("ara", b"ar"),
    ("aze", b"az"),
    ("bel", b"be"),
    ("ben", b"bn"),
    ("bul", b"bg"),
    ("cat", b"ca"),
    ("ces", b"cs"),
    ("cmn", b"zh"),
    ("cym", b"cy"),
    ("dan", b"da"),
    ("deu", b"de"),
    ("ell", b"el"),
    ("eng", b"en"),
    ("epo", b"eo"),
    ("est", b"et"),
    ("fin", b"fi"),
    ("fra", b"fr"),
    ("guj", b"gu"),
    ("heb", b"he"),
    ("hin", b"hi"),
    ("hrv", b"hr"),
    ("hun", b"hu"),
    ("hye", b"hy"),
    ("ind", b"id"),
    ("ita", b"it"),
    ("jav", b"jv"),
    ("jpn", b"ja"),
    ("kan", b"kn"),
    ("kat", b"ka"),
    ("khm", b"km"),
    ("kor", b"ko"),
    ("lat", b"la"),
    ("lav", b"lv"),
    ("lit", b"lt"),
    ("mal", b"ml"),
    ("mar", b"mr"),
    ("mkd", b"mk"),
    ("mya", b"my"),
    ("nep", b"ne"),
    ("nld", b"nl"),
    ("nob", b"no"),
    ("ori", b"or"),
    ("pan", b"pa"),
    ("pes", b"fa"),
    ("pol", b"pl"),
    ("por", b"pt"),
    ("ron", b"ro"),
    ("rus", b"ru"),
    ("sin", b"si"),
    ("slk", b"sk"),
    ("slv", b"sl"),
    ("sna", b"sn"),
    ("spa", b"es"),
    ("srp", b"sr"),
    ("swe", b"sv"),
    ("tam", b"ta"),
    ("tel", b"te"),
    ("tgl", b"tl"),
    ("tha", b"th"),
    ("tuk", b"tk"),
    ("tur", b"tr"),
    ("ukr", b"uk"),
    ("urd", b"ur"),
    ("uzb", b"uz"),
    ("vie", b"vi"),
    ("yid", b"yi"),
    ("zul", b"zu"),
];

/// How many messages are in which language. Tallies of parts add up to the tally of the whole, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Languages {
    /// Messages by the two-letter code of their language.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub messages: BTreeMap<Language, u64>,
    /// Messages whose language could not be told.
    pub unknown: u64,
}

impl Languages {
    /// Counts one message.
    pub fn count(&mut self, detection: Option<Detection>) {
        match detection {
            Some(detection) => *self.messages.entry(detection.language).or_default() += 1,
            None => self.unknown += 1,
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (language, count) in &other.messages {
            *self.messages.entry(*language).or_default() += count;
        }
        self.unknown += other.unknown;
    }

    /// The language of most messages; of equally common ones the first by code. `None` where none could be told.
    #[must_use]
    pub fn commonest(&self) -> Option<Language> {
        let commonest = self.messages.iter().min_by_key(|(language, count)| (std::cmp::Reverse(**count), **language));
        commonest.map(|(language, _)| *language)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Short support messages, invented for this test.
    const MESSAGES: [(&str, &[&str]); 14] = [
        (
            "en",
            &[
                "where is my card",
                "card not working",
                "cancel my order please",
                "how do i change my password?",
                "i was charged twice for one thing",
            ],
        ),
        (
            "ru",
            &[
                "где моя карта",
                "карта не работает, что делать",
                "верните деньги за заказ",
                "не могу войти в приложение",
            ],
        ),
        (
            "es",
            &[
                "¿dónde está mi tarjeta?",
                "no puedo entrar en mi cuenta",
                "quiero cancelar mi pedido",
                "necesito un reembolso",
            ],
        ),
        (
            "de",
            &["ich kann mich nicht anmelden", "bitte stornieren sie meine bestellung", "ich möchte mein geld zurück"],
        ),
        (
            "fr",
            &[
                "où est ma carte",
                "je ne peux pas me connecter",
                "je veux un remboursement",
                "quand vais-je recevoir mon colis",
            ],
        ),
        ("it", &["non riesco ad accedere al mio conto", "vorrei annullare il mio ordine"]),
        ("pt", &["onde está o meu cartão", "não consigo entrar na minha conta", "quero cancelar o meu pedido"]),
        ("nl", &["waar is mijn pas gebleven", "ik kan niet inloggen op mijn account"]),
        ("pl", &["nie mogę zalogować się na konto"]),
        ("uk", &["не можу увійти в застосунок"]),
        ("tr", &["kartım nerede kaldı", "siparişimi iptal etmek istiyorum"]),
        ("ja", &["カードはどこですか"]),
        ("zh", &["我的卡在哪里"]),
        ("ko", &["카드가 어디에 있나요"]),
    ];

    fn code_of(text: &str) -> Option<String> {
        detect(text).map(|detection| detection.language.to_string())
    }

    #[test]
    fn short_support_messages_are_known_in_many_languages() {
        for (code, texts) in MESSAGES {
            for text in texts {
                assert_eq!(code_of(text).as_deref(), Some(code), "{text}");
            }
        }
    }

    #[test]
    fn what_is_said_alike_everywhere_has_no_language() {
        for text in ["", "  ", "ok", "visa", "12345", "🙂👍", "???", "status?", "AB-1234-XY"] {
            assert_eq!(detect(text), None, "{text}");
        }
    }

    #[test]
    fn letters_a_language_does_not_write_speak_against_it() {
        assert_eq!(code_of("kde je moje karta, prosím").as_deref(), Some("cs"));
        assert_ne!(code_of("де моя картка і мій рахунок").as_deref(), Some("ru"));
    }

    #[test]
    fn a_short_message_in_an_unlisted_language_is_unknown_rather_than_german() {
        assert_ne!(code_of("gdzie jest moja karta").as_deref(), Some("de"));
    }

    #[test]
    fn agreement_is_high_confidence_and_one_voice_is_low() {
        let confidence = |text| detect(text).map(|detection| detection.confidence);
        assert_eq!(confidence("je ne peux pas me connecter"), Some(Confidence::High));
        assert_eq!(confidence("card not working"), Some(Confidence::Low));
    }

    #[test]
    fn languages_differ_where_both_are_sure() {
        let (german, english) =
            ("Wie kann ich meine Bestellung stornieren?", "Orders can be cancelled until they are shipped.");
        assert!(are_different(german, english));
        assert!(!are_different(german, "Bestellungen können bis zum Versand storniert werden."));
        assert!(!are_different("4711 ok", english));
        let russian = "Заказ можно отменить в личном кабинете до того, как мы передадим посылку курьеру.";
        let ukrainian = "Чи можна скасувати моє замовлення, якщо посилку вже передали кур'єрові?";
        assert!(are_different(german, russian));
        assert!(!are_different(ukrainian, russian));
        assert!(!are_different("返品方法", "返品は三十日以内にお願いします。送料は無料です。"));
    }

    #[test]
    fn tallies_of_parts_add_up_in_any_order() {
        let texts: Vec<&str> = MESSAGES.iter().flat_map(|(_, texts)| texts.iter().copied()).chain(["ok"]).collect();
        let tally = |texts: &[&str]| {
            let mut languages = Languages::default();
            texts.iter().for_each(|text| languages.count(detect(text)));
            languages
        };
        let (left, right) = texts.split_at(9);
        let (mut forwards, mut backwards) = (tally(left), tally(right));
        forwards.merge(&tally(right));
        backwards.merge(&tally(left));
        assert_eq!(forwards, tally(&texts));
        assert_eq!(backwards, forwards);
        assert_eq!(forwards.unknown, 1);
        assert_eq!(forwards.commonest(), Some(Language::ENGLISH));
    }

    #[test]
    fn a_tally_is_written_by_two_letter_codes() {
        let mut languages = Languages::default();
        languages.count(Some(Detection { language: Language::ENGLISH, confidence: Confidence::High }));
        let written = serde_json::to_string(&languages).unwrap();
        assert_eq!(written, r#"{"messages":{"en":1},"unknown":0}"#);
        assert_eq!(serde_json::from_str::<Languages>(&written).unwrap(), languages);
        assert!(serde_json::from_str::<Languages>(r#"{"messages":{"EN":1},"unknown":0}"#).is_err());
    }

    #[test]
    fn codes_are_listed_in_order_and_every_detectable_language_has_one() {
        assert!(TWO_LETTERS.is_sorted_by(|a, b| a.0 < b.0));
        let missing: Vec<_> =
            Lang::all().iter().filter(|lang| Language::of_three_letters(lang.code()).is_none()).collect();
        assert_eq!(missing, Vec::<&Lang>::new());
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "\\PC{0,600}") {
            let _ = detect(&text);
        }
    }
}
