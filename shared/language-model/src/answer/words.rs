//! Words that the comparison of values knows: numbers, units, months, weekdays, and common words that are no names.
//!
//! English, German, Spanish and Russian. In other languages numbers in words and lower-case months are not recognised, and
//! a capitalised word is taken for a name unless a source or the question has it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::values::Unit;

/// A number that a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// The word means nothing else.
    Sure(u32),
    /// The word is an article, a pronoun or a word of another language too, so it counts only before a unit.
    WithUnit(u32),
}

const COUNTS: [(u32, &str); 34] = [
    (0, "zero null cero ноль нуля"),
    (1, "one ein eins eine einen einem einer eines uno una un один одна одно одного одной одну одним"),
    (2, "two zwei zwo dos два две двух двум двумя"),
    (3, "three drei tres три трёх трех трём трем"),
    (4, "four vier cuatro четыре четырёх четырех"),
    (5, "five fünf cinco пять пяти"),
    (6, "six sechs seis шесть шести"),
    (7, "seven sieben siete семь семи"),
    (8, "eight acht ocho восемь восьми"),
    (9, "nine neun nueve девять девяти"),
    (10, "ten zehn diez десять десяти"),
    (11, "eleven elf once одиннадцать одиннадцати"),
    (12, "twelve zwölf doce двенадцать двенадцати"),
    (13, "thirteen dreizehn trece тринадцать тринадцати"),
    (14, "fourteen vierzehn catorce четырнадцать четырнадцати"),
    (15, "fifteen fünfzehn quince пятнадцать пятнадцати"),
    (16, "sixteen sechzehn dieciséis шестнадцать шестнадцати"),
    (17, "seventeen siebzehn diecisiete семнадцать семнадцати"),
    (18, "eighteen achtzehn dieciocho восемнадцать восемнадцати"),
    (19, "nineteen neunzehn diecinueve девятнадцать девятнадцати"),
    (20, "twenty zwanzig veinte двадцать двадцати"),
    (21, "veintiuno veintiún"),
    (24, "veinticuatro"),
    (30, "thirty dreißig dreissig treinta тридцать тридцати"),
    (40, "forty vierzig cuarenta сорок сорока"),
    (50, "fifty fünfzig cincuenta пятьдесят пятидесяти"),
    (60, "sixty sechzig sesenta шестьдесят шестидесяти"),
    (70, "seventy siebzig setenta семьдесят семидесяти"),
    (80, "eighty achtzig ochenta восемьдесят восьмидесяти"),
    (90, "ninety neunzig noventa девяносто"),
    (100, "hundred hundert einhundert cien ciento сто ста"),
    (500, "fünfhundert quinientos пятьсот пятисот"),
    (1_000, "thousand tausend eintausend mil тысяча тысячи тысяч тысячу"),
    (1_000_000, "million millions millionen millón millones миллион миллиона миллионов"),
];

/// Words of [`COUNTS`] that often mean something else: articles, "once a day", "außer Acht", "por ciento".
const UNSURE: &str = "one ein eins eine einen einem einer eines uno una un один одна одно одного одной одну одним once null \
    acht elf dos ciento";

/// Ends of German compounds that begin with a number in words, without the endings of adjectives.
const ENDINGS_OF_COUNTS: &str = "tägig wöchig monatig jährig stündig minütig prozentig fach mal";

const UNITS: [(Unit, &str); 22] = [
    (Unit::Percent, "% percent prozent ciento процент процента процентов"),
    (Unit::Money("EUR"), "€ eur euro euros евро"),
    (Unit::Money("USD"), "$ usd dollar dollars dólar dólares dolares доллар доллара долларов"),
    (Unit::Money("GBP"), "£ gbp pound pounds pfund libras"),
    (Unit::Money("CHF"), "chf franken"),
    (Unit::Money("JPY"), "¥ jpy yen"),
    (Unit::Money("RUB"), "₽ rub руб рубль рубля рублей rubel"),
    (Unit::Money("UAH"), "₴ uah гривна гривны гривен"),
    (Unit::Money("INR"), "₹ inr rupees"),
    (Unit::Money("PLN"), "zł pln zloty"),
    (Unit::Money("CZK"), "kč czk"),
    (Unit::Money("SEK"), "sek nok dkk kr kronor"),
    (Unit::Money("cents"), "cent cents centavos céntimos центов копеек"),
    (Unit::Money("other"), "cad aud cny try mxn brl peso pesos"),
    (Unit::Minute, "minute minutes min mins minuten minuto minutos минута минуту минуты минут"),
    (Unit::Hour, "hour hours hr hrs h stunde stunden hora horas час часа часов"),
    (
        Unit::Day,
        "day days tag tage tagen tages werktag werktage werktagen arbeitstag arbeitstage arbeitstagen kalendertag \
         kalendertage kalendertagen bankarbeitstage bankarbeitstagen tägige tägigen tägiges tägiger día días dia dias день \
         дня дней дни дням",
    ),
    (Unit::Week, "week weeks woche wochen semana semanas неделя неделю недели недель"),
    (Unit::Month, "month months monat monate monaten monats mes meses месяц месяца месяцев"),
    (Unit::Year, "year years jahr jahre jahren jahres año años год года лет"),
    (Unit::BeforeNoon, "am"),
    (Unit::AfterNoon, "pm"),
];

const MONTHS: [&str; 12] = [
    "january januar jänner enero январь января январе",
    "february februar feber febrero февраль февраля феврале",
    "march märz marzo март марта марте",
    "april abril апрель апреля апреле",
    "may mai mayo май мая мае",
    "june juni junio июнь июня июне",
    "july juli julio июль июля июле",
    "august agosto август августа августе",
    "september septiembre setiembre сентябрь сентября сентябре",
    "october oktober octubre октябрь октября октябре",
    "november noviembre ноябрь ноября ноябре",
    "december dezember diciembre декабрь декабря декабре",
];

/// Short forms, which are months only beside a number.
const SHORT_MONTHS: [&str; 12] = [
    "jan ene янв",
    "feb фев",
    "mar mär mrz",
    "apr abr апр",
    "may",
    "jun июн",
    "jul июл",
    "aug ago авг",
    "sep sept сен",
    "oct okt окт",
    "nov ноя",
    "dec dez dic дек",
];

/// Months that are ordinary words too, so that alone they are none.
pub(super) const MONTHS_THAT_ARE_WORDS: [&str; 2] = ["may", "march"];

const WEEKDAYS: [&str; 7] = [
    "monday mondays montag montags lunes понедельник понедельника",
    "tuesday tuesdays dienstag dienstags martes вторник вторника",
    "wednesday wednesdays mittwoch mittwochs miércoles среда среду среды",
    "thursday thursdays donnerstag donnerstags jueves четверг четверга",
    "friday fridays freitag freitags viernes пятница пятницу пятницы",
    "saturday saturdays samstag samstags sonnabend sábado суббота субботу субботы",
    "sunday sundays sonntag sonntags domingo воскресенье воскресенья",
];

/// Words that may stand between a number and its unit.
const QUALIFIERS: &str = "business working calendar full whole consecutive more further volle ganze weitere aufeinanderfolgende \
    per por рабочих рабочего рабочие календарных полных";

/// Words between the two ends of a range or the parts of a list.
const CONNECTORS: &str = "to and or bis und oder a y o hasta до и или";

/// Abbreviated titles before names.
const TITLES: &str = "mr mrs ms dr prof hr fr sr sra ing st";

/// Verbs in the third person that tell of somebody, and what stands between a name and such a verb.
const VERBS_OF_SUBJECTS: &str = "will is has can was would may might must should does did offers helps pays calls says gives \
    takes sends refunds wants needs and at from of wird ist hat kann war würde darf muss soll sollte hilft zahlt ruft sagt gibt \
    sendet erstattet bietet übernimmt meldet und von es está tiene puede va ha será fue debe ofrece ayuda paga llama y de может \
    будет был была поможет свяжется позвонит заплатит вернёт вернет и из";

/// Particles before German nouns.
const PARTICLES: &str =
    "rück zurück vor nach mit um ab an auf aus ein zu über unter wieder weiter haupt gesamt teil neben sonder un";

/// Words that begin sentences, and other common words that are no names.
const ENGLISH: &str = "a about above absolutely accept access according account activate actually add additionally address after \
    afterwards again all allow almost already also alternatively although always an and another any anything apologies apply are \
    as ask at available be because been before below besides best better between both box bring but button buy by call can cancel \
    cannot can't change charges check choose click close collect come complete confirm consequently contact continue copy correct \
    could create currently customer customers damaged dear deliveries delivery depending details did do does don't download due \
    during each either email e mail end enjoy enter even every everything exchange exchanges failed fill final finally find first \
    follow following for form free from full further get give go good great had happy has have having he hello help her here hi \
    his hold how however i i'd i'll i'm i've id if in including indeed inside instead into is it item items it's its just keep \
    kind large last later leave let like link log login long look make many may maybe me mean meanwhile might more most move must \
    my name need neither never next no non nor normally not note nothing now of off often ok okay on once one only open option or \
    order orders other otherwise our out over own pack paid parcel parcels pay payment payments pdf faq please press previous \
    product products provide purchase put questions rather read ready receive refund refunds regarding regards remember remove \
    replace reply request reset return returned returning returns same save scroll second see select send set several shall she \
    shipment shipments shipping should show sign similarly simply since sms so some something soon sorry start step still stop \
    such support sure take tap than thank thanks that that's the their them then there therefore these they third this those \
    three through thus till to today together tomorrow too track tracking try turn two type under unfortunately unless until up \
    update upload upon us use used using usually very via visit wait was we we'll we're we've welcome well were what what's when \
    whenever where whether which while who why will wish with within without would write wrong yes yet you you'll you're you've \
    your yours yourself";

const GERMAN: &str = "ab aber abbrechen abschließend adresse aktuell alle allerdings alles als also alternativ am an ändern \
    anfrage anfragen angabe angaben angebot anmeldung anschließend ansprechpartner antwort antworten artikel auch auf auftrag \
    aus außerdem auswahl bei beide beim bereich bereits besten bestätigung bestellen bestellnummer bestellung bestellungen \
    betrag bezahlung bild bis bitte box brauchen da dabei dafür daher damit danach dank danke dann daraufhin darüber das dass \
    datum dazu dein deine deinem deinen deiner dem den denn der deren des deshalb details dich die dies diese diesem diesen \
    dieser dieses dir direkt doch dort du durch e ebenso eigentlich ein eine einem einen einer eines einfach eingang einige \
    einkauf einstellungen email empfang ende entschuldigen entschuldigung entweder er erfolgt erhalt erhalten erneut erst \
    erstattung erstattungen es etwa etwas euch euer eure falls fall fälle fällen fehler feld fotos formular foto frage fragen \
    frist für ganz gebühr gebühren gegebenenfalls geben gehen geld genau gerät gern gerne grund gründe gründen grüße guten gut \
    haben hallo halten hat hause her herr frau herzlichen heute hier hierfür hierzu hilfe hinweis hinweise hinzufügen höhe ich \
    ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im in informationen innerhalb ins inzwischen ist ja je jede jeder jederzeit \
    jedoch jetzt kann karte kauf kein keine keinen klicken kommt können konto kontakt kontaktieren kosten kunde kunden kundin \
    kundinnen kundenkonto kundenservice lager land laut leider lieferung lieferungen liegt link liste mail mal man manche mehr \
    mein meine meist melden menü minuten mir mit mitarbeiter möchten möglichkeit monat möglicherweise müssen nach nachdem \
    nachricht nachweis name namen natürlich neben nein nennen neue nicht noch normalerweise notieren nummer nun nur nutzen ob \
    obwohl oder öffnen ohne option ort paket pakete passwort per person personen platz preis preise problem probleme produkt \
    produkte prüfen punkt rechnung rechnungen recht rückfragen rückgabe rücksendung rücksendungen sagen schade schicken schritt \
    schritte schön schreiben sehen sehr seit seite selbst selbstverständlich senden sendung sendungen service sicherlich sicher \
    sie sind so sobald sofern sofort sogar solange soll sollte sollten somit sondern sonst sowie später sprache stelle stand \
    status stück stunden stornierung suchen support tag tage tagen team teil teile teilen telefon text tippen tun trotzdem über \
    übrigens um und unser unsere unserem unseren unserer uns unten unter unterlagen vertrag verfügung vergessen versand \
    versandkosten verstehe verständnis versuchen viel viele vielen vielleicht vielmals vom von vor voraussetzung vorher vorgang \
    wählen wann wahl war ware waren warum was website weg wegen weil weise weitere weiteres weiterhin welche wenden wenn wer \
    werden wert wie wieder will wir wird wo woche wochen wohnort woran worten wünschen wunsch zahlung zahlungen zeit zeitpunkt \
    zeitraum zudem zugang zum zunächst zur zurück zusammen zusätzlich zustand zwar zwischen zweifel verkauf versuch lösung \
    situation fragen hand sache blick laufe form art anzahl summe höhe haus";

const SPANISH: &str = "a abra acceda actualmente además adjunte ahora al algunos algún antes aquí así aún aunque ayuda bien buenos \
    buenas cada claro como cómo compruebe con consulte contacte contáctenos cuando cualquier cuál cuánto de debe del dentro \
    desde después días disculpe donde durante e el ella ellos elija en encontrará entonces entre envíe envíos es escríbanos ese \
    eso esperamos esta está estamos estas este esto estos fue gracias ha hace haga hasta hay haz hola igualmente indique \
    introduzca la lamentablemente lamentamos las le les lo los luego mediante mi mientras muchas muy más necesita ni no nos \
    nosotros nuestra nuestras nuestro nuestros nunca o otra otro para pero podemos podrá por porque posteriormente primero puede \
    puedes pueden pulse que qué quizá recibirá recuerde rellene revise saludos se seleccione según sentimos ser si sí siempre \
    siga sin sobre solicite solo sólo son su sus también tan te tenga tendrá tenemos tiene tienes todas todo todos tras tu tus u \
    un una unos usted ustedes utilice vaya veces verifique visite vuelva y ya yo él";

const RUSSIAN: &str = "а без благодарим более больше будет будьте бы был была были в вам вами вас ваш ваша ваше вашего вашей вашем \
    вашему ваши ваших вашу введите во возврат возможно вот все всё всегда вы выберите выполните где да даже деньги для до доброе \
    добрый доставка если есть ещё еще же за заказ затем здесь здравствуйте и из или им иногда их к как когда конечно кроме кто ли \
    либо лишь могу может можете можно мы на нажмите напишите нас нам нами наш наша наше нашего нашей наши не нет ни но ну \
    обратитесь обычно однако он она они оно от отправьте откройте отсутствует очень первый перейдите перед по пожалуйста подождите \
    пока после посылка потом потому почему поэтому при приносим привет проверьте просто против с свяжитесь сейчас сделайте со \
    сожалению спасибо срок стоимость сначала также так такие такой там тем теперь то товар тогда того только тот у уважаемый \
    уважаемая укажите хорошо хотя через что чтобы эта эти это этого этой этом этот я";

fn indexed<T: Copy>(entries: impl IntoIterator<Item = (T, &'static str)>) -> HashMap<&'static str, T> {
    let pairs = entries.into_iter().flat_map(|(value, words)| words.split_whitespace().map(move |word| (word, value)));
    pairs.collect()
}

fn numbered(lists: [&'static str; 12]) -> HashMap<&'static str, u8> {
    indexed((1..).zip(lists))
}

/// Returns the number that a lower-case word stands for, if it is one.
pub(super) fn count(word: &str) -> Option<Count> {
    static WORDS: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| indexed(COUNTS));
    if let Some(&value) = WORDS.get(word) {
        let is_unsure = UNSURE.split_whitespace().any(|unsure| unsure == word);
        return Some(if is_unsure { Count::WithUnit(value) } else { Count::Sure(value) });
    }
    // "zweiwöchig" and "dreimal".
    let stem = ENDINGS_OF_COUNTS.split_whitespace().find_map(|ending| word.split_once(ending));
    if let Some((counted, _)) = stem.filter(|(_, rest)| rest.chars().count() <= 2) {
        return WORDS.get(counted).filter(|value| **value > 1).map(|value| Count::Sure(*value));
    }
    let below_ten = |word: &str| WORDS.get(word).copied().filter(|value| (1..10).contains(value));
    let tens = |word: &str| WORDS.get(word).copied().filter(|value| (20..100).contains(value) && value % 10 == 0);
    // "twenty-five" and "fünfundzwanzig".
    let (one, ten) = match word.split_once('-') {
        Some((ten, one)) => (one, ten),
        None => word.split_once("und")?,
    };
    Some(Count::Sure(below_ten(one)? + tens(ten)?))
}

/// Returns the unit that a sign or a lower-case word stands for, if it is one.
pub(super) fn unit(word: &str) -> Option<Unit> {
    static WORDS: LazyLock<HashMap<&str, Unit>> = LazyLock::new(|| indexed(UNITS));
    WORDS.get(word).copied()
}

/// Returns the month of a lower-case word, 1 to 12, and true if the word is written in full.
pub(super) fn month(word: &str) -> Option<(u8, bool)> {
    static FULL: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| numbered(MONTHS));
    static SHORT: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| numbered(SHORT_MONTHS));
    let full = FULL.get(word).map(|month| (*month, true));
    full.or_else(|| SHORT.get(word).map(|month| (*month, false)))
}

/// Returns the weekday of a lower-case word, 1 for Monday to 7.
pub(super) fn weekday(word: &str) -> Option<u8> {
    static WORDS: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| indexed((1..).zip(WEEKDAYS)));
    WORDS.get(word).copied()
}

pub(super) fn is_qualifier(word: &str) -> bool {
    QUALIFIERS.split_whitespace().any(|qualifier| qualifier == word)
}

/// Returns true for a lower-case title whose full stop ends no sentence.
pub(super) fn is_title(word: &str) -> bool {
    TITLES.split_whitespace().any(|title| title == word)
}

/// Returns true for a lower-case verb that a name may be the subject of.
pub(super) fn is_verb_of_subject(word: &str) -> bool {
    VERBS_OF_SUBJECTS.split_whitespace().any(|verb| verb == word)
}

/// Returns a German word in lower case without a particle before it, such as "erstattung" for "rückerstattung".
pub(super) fn without_particle(word: &str) -> Option<&str> {
    PARTICLES
        .split_whitespace()
        .find_map(|particle| word.strip_prefix(particle))
        .filter(|rest| rest.chars().count() >= 4)
}

pub(super) fn connects(word: &str) -> bool {
    CONNECTORS.split_whitespace().any(|connector| connector == word)
}

/// Returns true for a lower-case word that is common in answers, and for units.
pub(super) fn is_common(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let lists = [ENGLISH, GERMAN, SPANISH, RUSSIAN, UNSURE];
        lists.into_iter().flat_map(str::split_whitespace).collect()
    });
    WORDS.contains(word) || unit(word).is_some()
}

/// Returns true for the beginning and the end of compounds of common words, such as "Kunden" and "konto".
pub(super) fn is_common_part(part: &str) -> bool {
    is_common(part) || ["s", "n", "es", "en", "e"].iter().any(|link| part.strip_suffix(link).is_some_and(is_common))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_in_four_languages() {
        for (word, value) in [
            ("five", 5),
            ("fünf", 5),
            ("cinco", 5),
            ("пяти", 5),
            ("twenty", 20),
            ("veinte", 20),
            ("двадцать", 20),
            ("twenty-five", 25),
            ("fünfundzwanzig", 25),
            ("vierzehntägige", 14),
            ("dreimal", 3),
            ("neunundneunzig", 99),
        ] {
            assert_eq!(count(word), Some(Count::Sure(value)), "{word}");
        }
        assert_eq!(count("once"), Some(Count::WithUnit(11)));
        for word in ["und", "-", "hundund", "twenty-", "zwanzigundfünf", "rund", "normal", "einfach"] {
            assert_eq!(count(word), None, "{word}");
        }
    }

    #[test]
    fn every_number_up_to_twenty_has_a_word_in_each_language() {
        for value in 0..=20 {
            let words = COUNTS.iter().find(|(known, _)| *known == value).unwrap().1;
            assert!(words.split_whitespace().count() >= 4, "{value}: {words}");
        }
    }

    #[test]
    fn months_and_weekdays_are_the_same_in_each_language() {
        assert_eq!(["march", "märz", "marzo", "марта"].map(month), [Some((3, true)); 4]);
        assert_eq!(month("dez"), Some((12, false)));
        assert_eq!(["monday", "montag", "lunes", "понедельник"].map(weekday), [Some(1); 4]);
    }
}
