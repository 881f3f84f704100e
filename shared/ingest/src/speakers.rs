//! Speakers, by the words that exports have for them.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::headings::normal;
use crate::record::Role;

/// Speaker of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person who asks.
    Customer,
    /// The person, or the language model, that answers.
    Agent,
    /// A bot with a menu, the system, a colleague in a note: nothing of it is learnt.
    Nobody,
}

/// Words for a customer, in [normal form](normal) and in the twelve languages of [`headings`](crate::headings).
const CUSTOMER: &[&str] = &[
    "customer",
    "user",
    "visitor",
    "contact",
    "client",
    "end_user",
    "enduser",
    "requester",
    "lead",
    "buyer",
    "guest",
    "consumer",
    "shopper",
    "patient",
    "member",
    "caller",
    "human",
    "kunde",
    "kundin",
    "benutzer",
    "besucher",
    "nutzer",
    "anfragender",
    "cliente",
    "utilisateur",
    "visiteur",
    "demandeur",
    "usuario",
    "usuaria",
    "visitante",
    "contacto",
    "solicitante",
    "usuário",
    "contato",
    "utente",
    "visitatore",
    "contatto",
    "klant",
    "gebruiker",
    "bezoeker",
    "aanvrager",
    "klient",
    "klientka",
    "użytkownik",
    "gość",
    "клиент",
    "пользователь",
    "посетитель",
    "покупатель",
    "заказчик",
    "гость",
    "клієнт",
    "користувач",
    "відвідувач",
    "покупець",
    "гість",
    "замовник",
    "müşteri",
    "kullanıcı",
    "ziyaretçi",
    "顧客",
    "お客様",
    "ユーザー",
];

/// Words for messages from customers.
const INCOMING: &[&str] = &[
    "incoming",
    "inbound",
    "in",
    "received",
    "eingehend",
    "entrant",
    "entrante",
    "recebida",
    "inkomend",
    "przychodząca",
    "входящее",
    "входящий",
    "входящая",
    "вхідне",
    "вхідний",
    "gelen",
    "受信",
];

/// Words for an agent.
const AGENT: &[&str] = &[
    "agent",
    "assistant",
    "operator",
    "admin",
    "support",
    "staff",
    "employee",
    "representative",
    "rep",
    "advisor",
    "adviser",
    "team",
    "team_member",
    "teammate",
    "human_agent",
    "support_agent",
    "service",
    "helpdesk",
    "csr",
    "manager",
    "mitarbeiter",
    "mitarbeiterin",
    "berater",
    "beraterin",
    "bearbeiter",
    "kundenservice",
    "kundendienst",
    "conseiller",
    "conseillère",
    "opérateur",
    "assistance",
    "agente",
    "operador",
    "operadora",
    "soporte",
    "asesor",
    "asesora",
    "atendente",
    "suporte",
    "operatore",
    "assistenza",
    "medewerker",
    "konsultant",
    "konsultantka",
    "pracownik",
    "obsługa",
    "агент",
    "оператор",
    "менеджер",
    "сотрудник",
    "поддержка",
    "консультант",
    "специалист",
    "підтримка",
    "співробітник",
    "temsilci",
    "müşteri_temsilcisi",
    "destek",
    "operatör",
    "担当者",
    "オペレーター",
    "サポート",
];

/// Words for messages to customers.
const OUTGOING: &[&str] = &[
    "outgoing",
    "outbound",
    "out",
    "sent",
    "ausgehend",
    "sortant",
    "saliente",
    "enviada",
    "uscente",
    "uitgaand",
    "wychodząca",
    "исходящее",
    "исходящий",
    "исходящая",
    "вихідне",
    "вихідний",
    "giden",
    "送信",
];

/// Words for what is not learnt from.
const NOBODY: &[&str] = &[
    "bot",
    "agent_bot",
    "operator_bot",
    "chatbot",
    "chat_bot",
    "system",
    "event",
    "activity",
    "note",
    "notes",
    "internal",
    "internal_note",
    "internal_comment",
    "private",
    "private_note",
    "private_comment",
    "automation",
    "automated",
    "trigger",
    "workflow",
    "flow",
    "macro",
    "lyro",
    "fin",
    "tool",
    "function",
    "template",
    "notification",
    "status_change",
    "voice_comment",
    "voicecomment",
    "call",
    "log",
    "notiz",
    "interne_notiz",
    "ereignis",
    "note_interne",
    "système",
    "sistema",
    "evento",
    "nota",
    "nota_interna",
    "nota_privada",
    "systeem",
    "notitie",
    "notatka",
    "zdarzenie",
    "бот",
    "система",
    "системное",
    "событие",
    "заметка",
    "примечание",
    "подія",
    "нотатка",
    "sistem",
    "not",
    "olay",
    "ボット",
    "システム",
    "メモ",
];

static SPEAKERS: LazyLock<HashMap<&str, Speaker>> = LazyLock::new(|| {
    let of = |words: &'static [&'static str], speaker| words.iter().map(move |word| (*word, speaker));
    let customers = of(CUSTOMER, Speaker::Customer).chain(of(INCOMING, Speaker::Customer));
    let agents = of(AGENT, Speaker::Agent).chain(of(OUTGOING, Speaker::Agent));
    customers.chain(agents).chain(of(NOBODY, Speaker::Nobody)).collect()
});

impl Speaker {
    /// The role of a turn that is learnt from.
    pub(crate) fn role(self) -> Option<Role> {
        match self {
            Self::Customer => Some(Role::Customer),
            Self::Agent => Some(Role::Agent),
            Self::Nobody => None,
        }
    }

    /// The speaker that an export calls by this word, whatever its case; `None` for a word that says nothing.
    pub(crate) fn named(word: &str) -> Option<Self> {
        // Most words are written as they stand in the list.
        SPEAKERS.get(word).or_else(|| SPEAKERS.get(normal(word).as_str())).copied()
    }

    /// The speaker that a label of a person tells: `Anna (Support)`, `Agent Anna`, `Acme Support Team`. Words that begin
    /// sentences, such as `Please note`, are none.
    pub(crate) fn in_label(label: &str) -> Option<Self> {
        if let Some((_, inside)) = label.split_once('(') {
            return Self::named(inside.trim_end_matches(')'));
        }
        let words: Vec<&str> = label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let are_capitals = words.iter().all(|word| word.chars().next().is_some_and(char::is_uppercase));
        let told = words.iter().map(|word| word.to_lowercase()).find(|word| IN_LABELS.contains(&word.as_str()));
        told.filter(|_| are_capitals && words.len() > 1).and_then(|word| Self::named(&word))
    }

    /// The speaker that the sort of a message tells, by the name of its column: a direction in words or, of some columns, in
    /// numbers or truth values, or that it is a note or an event.
    pub(crate) fn of_sort(column: &str, sort: &str) -> Option<Self> {
        let normal = normal(sort);
        match (column, normal.as_str()) {
            ("incoming", "1" | "true") | ("message_type", "0") => Some(Self::Customer),
            ("incoming", "0" | "false") | ("message_type", "1") => Some(Self::Agent),
            ("message_type", "2" | "3") => Some(Self::Nobody),
            (_, word) if INCOMING.contains(&word) => Some(Self::Customer),
            (_, word) if OUTGOING.contains(&word) => Some(Self::Agent),
            ("message_type" | "part_type" | "event_type" | "comment_type", word) if NOBODY.contains(&word) => {
                Some(Self::Nobody)
            }
            // In other columns `call` and the like are channels and sorts of tickets.
            (_, word) if ASIDE.iter().any(|aside| word == *aside || word.starts_with(&format!("{aside}_"))) => {
                Some(Self::Nobody)
            }
            _ => None,
        }
    }
}

/// Words for what is said aside, whatever column holds them.
const ASIDE: &[&str] = &[
    "note",
    "private",
    "internal",
    "intern",
    "interne",
    "interno",
    "interna",
    "activity",
    "event",
    "file",
    "assignment",
    "system",
    "notiz",
    "заметка",
    "примечание",
    "внутренний",
    "нотатка",
];

/// Words that tell a speaker inside of a label.
const IN_LABELS: &[&str] = &[
    "agent",
    "support",
    "operator",
    "bot",
    "chatbot",
    "berater",
    "soporte",
    "suporte",
    "assistance",
    "conseiller",
    "оператор",
    "агент",
    "поддержка",
    "менеджер",
    "підтримка",
    "destek",
];

/// Some words for each side, for people.
pub(crate) const EXAMPLES: (&[&str], &[&str]) =
    (&["customer", "user", "visitor", "contact"], &["agent", "assistant", "operator", "admin"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_is_known_in_many_languages_and_spellings() {
        for word in ["Customer", " end-user ", "EndUser", "Клиент", "Kundin", "Müşteri", "お客様"] {
            assert_eq!(Speaker::named(word), Some(Speaker::Customer), "{word}");
        }
        for word in ["ASSISTANT", "Оператор", "Mitarbeiter", "Human Agent", "Conseiller"] {
            assert_eq!(Speaker::named(word), Some(Speaker::Agent), "{word}");
        }
        for word in ["Bot", "system", "Interne Notiz", "VoiceComment"] {
            assert_eq!(Speaker::named(word), Some(Speaker::Nobody), "{word}");
        }
        assert_eq!((Speaker::named("supervisor"), Speaker::named("")), (None, None));
    }

    #[test]
    fn a_direction_tells_the_speaker_and_the_sort_of_a_ticket_does_not() {
        for (column, sort, speaker) in [
            ("direction", "Incoming", Some(Speaker::Customer)),
            ("message_type", "0", Some(Speaker::Customer)),
            ("type", "outbound", Some(Speaker::Agent)),
            ("message_type", "1", Some(Speaker::Agent)),
            ("message_type", "2", Some(Speaker::Nobody)),
            ("incoming", "1", Some(Speaker::Customer)),
            ("incoming", "0", Some(Speaker::Agent)),
            ("type", "Private note", Some(Speaker::Nobody)),
            ("part_type", "note_and_reopen", Some(Speaker::Nobody)),
            ("type", "comment", None),
            ("type", "support", None),
            ("type", "call", None),
            ("type", "1", None),
        ] {
            assert_eq!(Speaker::of_sort(column, sort), speaker, "{column} {sort}");
        }
    }

    #[test]
    fn a_label_tells_the_speaker_and_a_sentence_does_not() {
        for label in ["Anna (Agent)", "Agent Anna", "Acme Support Team", "Оператор Анна", "Support - Anna"]
        {
            assert_eq!(Speaker::in_label(label), Some(Speaker::Agent), "{label}");
        }
        assert_eq!(Speaker::in_label("Bot Max"), Some(Speaker::Nobody));
        for label in ["Please note", "Contact support", "Check in", "Anna Weiss", "Note (new)"] {
            assert_eq!(Speaker::in_label(label).filter(|by| *by != Speaker::Nobody), None, "{label}");
        }
    }

    #[test]
    fn no_word_stands_for_two_speakers() {
        let words = [CUSTOMER, INCOMING, AGENT, OUTGOING, NOBODY].concat();
        assert_eq!(words.len(), SPEAKERS.len());
        assert!(words.iter().all(|word| normal(word) == *word));
    }
}
