//! Names of columns, in the twelve languages in which help desks export most: English, German, French, Spanish,
//! Portuguese, Italian, Dutch, Polish, Russian, Ukrainian, Turkish and Japanese.
//!
//! Names are kept in [normal form](normal). Within a list the earlier name is preferred where a file has several.

/// Customers' words.
pub(crate) const TEXT: &[&str] = &[
    "text",
    "utterance",
    "message",
    "question",
    "query",
    "content",
    "body",
    "phrase",
    "example",
    "sentence",
    "input",
    "anfrage",
    "nachricht",
    "frage",
    "nachrichtentext",
    "texte",
    "phrase_utilisateur",
    "texto",
    "mensaje",
    "pregunta",
    "consulta",
    "frase",
    "mensagem",
    "pergunta",
    "testo",
    "messaggio",
    "domanda",
    "tekst",
    "bericht",
    "vraag",
    "wiadomość",
    "treść",
    "pytanie",
    "текст",
    "сообщение",
    "вопрос",
    "запрос",
    "фраза",
    "обращение",
    "повідомлення",
    "питання",
    "запитання",
    "звернення",
    "metin",
    "mesaj",
    "soru",
    "テキスト",
    "メッセージ",
    "質問",
    "本文",
];

/// Labels.
pub(crate) const INTENT: &[&str] = &[
    "intent",
    "label",
    "category",
    "absicht",
    "kategorie",
    "intention",
    "catégorie",
    "intención",
    "etiqueta",
    "categoría",
    "intenção",
    "categoria",
    "categorie",
    "intentie",
    "intencja",
    "kategoria",
    "интент",
    "намерение",
    "категория",
    "метка",
    "намір",
    "категорія",
    "niyet",
    "kategori",
    "インテント",
    "カテゴリ",
    "カテゴリー",
];

/// Questions of a FAQ.
pub(crate) const QUESTION: &[&str] = &[
    "question",
    "q",
    "title",
    "questions",
    "frage",
    "titel",
    "pregunta",
    "título",
    "pergunta",
    "domanda",
    "titolo",
    "vraag",
    "pytanie",
    "tytuł",
    "вопрос",
    "заголовок",
    "питання",
    "запитання",
    "soru",
    "başlık",
    "質問",
    "タイトル",
    "customer_message",
    "customer_question",
    "user_message",
    "customer",
    "user",
    "prompt",
    "input",
    "instruction",
    "kundenfrage",
    "kunde",
    "cliente",
    "клиент",
    "сообщение_клиента",
];

/// Answers of a FAQ.
pub(crate) const ANSWER: &[&str] = &[
    "answer",
    "a",
    "reply",
    "response",
    "body",
    "answers",
    "antwort",
    "réponse",
    "respuesta",
    "resposta",
    "risposta",
    "antwoord",
    "odpowiedź",
    "ответ",
    "відповідь",
    "cevap",
    "yanıt",
    "回答",
    "答え",
    "agent_reply",
    "agent_response",
    "agent_answer",
    "agent",
    "assistant",
    "first_reply",
    "completion",
    "output",
    "support_reply",
    "agente",
    "оператор",
    "ответ_оператора",
    "lösung",
    "solution",
];

/// Conversations of which a row is one message: their ids, and what they are called where [`ID`] stands beside it.
pub(crate) const CONVERSATION: &[&str] = &[
    "conversation_id",
    "conversation",
    "ticket_id",
    "ticket",
    "thread_id",
    "chat_id",
    "session_id",
    "case_id",
    "dialog_id",
    "dialogue_id",
    "conversation_uuid",
    "conversations_thread_id",
    "ticket_number",
    "case_number",
    "chat",
    "thread",
    "dialog",
    "dialogue",
    "session",
    "case",
    "issue",
    "request",
    "ticketnummer",
    "fallnummer",
    "vorgang",
    "vorgangsnummer",
    "gespräch",
    "anfrage",
    "conversación",
    "conversa",
    "solicitud",
    "chamado",
    "atendimento",
    "demande",
    "conversazione",
    "richiesta",
    "gesprek",
    "rozmowa",
    "rozmowy",
    "zgłoszenie",
    "zgłoszenia",
    "диалог",
    "диалога",
    "чат",
    "чата",
    "тикет",
    "тикета",
    "заявка",
    "заявки",
    "обращение",
    "обращения",
    "діалог",
    "діалогу",
    "чату",
    "тікет",
    "тікета",
    "тікету",
    "звернення",
    "розмова",
    "розмови",
    "konuşma",
    "talep",
    "sohbet",
    "会話id",
    "会話",
    "チケットid",
    "チケット番号",
    "チケット",
];

/// Words for a number or an id, and what stands between them and the noun.
const ID: &[&str] = &[
    "id",
    "uuid",
    "nr",
    "no",
    "number",
    "num",
    "key",
    "ref",
    "kennung",
    "nummer",
    "numéro",
    "numero",
    "número",
    "identifiant",
    "identificador",
    "numer",
    "номер",
    "ид",
    "айди",
    "numara",
    "numarası",
    "番号",
    "de",
    "du",
    "del",
    "da",
    "do",
    "di",
    "della",
    "der",
    "des",
    "van",
    "of",
    "the",
];

/// A name without the words for an id: `id del ticket` and `номер заявки` are the ticket and the request.
pub(crate) fn noun(normal: &str) -> Option<&str> {
    let mut words = normal.split('_').filter(|word| !ID.contains(word));
    words.next().filter(|_| words.next().is_none())
}

/// Speakers.
pub(crate) const ROLE: &[&str] = &[
    "role",
    "author_type",
    "sender_type",
    "from",
    "sender",
    "author",
    "speaker",
    "participant",
    "user_type",
    "author_role",
    "sender_role",
    "from_type",
    "actor",
    "actor_type",
    "rolle",
    "absender",
    "autor",
    "verfasser",
    "sprecher",
    "rôle",
    "expéditeur",
    "auteur",
    "rol",
    "remitente",
    "emisor",
    "papel",
    "remetente",
    "ruolo",
    "mittente",
    "autore",
    "afzender",
    "rola",
    "nadawca",
    "роль",
    "автор",
    "отправитель",
    "от_кого",
    "відправник",
    "gönderen",
    "yazar",
    "役割",
    "送信者",
    "発言者",
];

/// Messages of conversations.
pub(crate) const MESSAGE: &[&str] = &[
    "text",
    "message",
    "body",
    "content",
    "utterance",
    "comment",
    "message_text",
    "message_body",
    "plain_body",
    "body_text",
    "comment_body",
    "nachricht",
    "nachrichtentext",
    "inhalt",
    "kommentar",
    "texte",
    "contenu",
    "commentaire",
    "texto",
    "mensaje",
    "contenido",
    "comentario",
    "mensagem",
    "conteúdo",
    "comentário",
    "testo",
    "messaggio",
    "contenuto",
    "commento",
    "tekst",
    "bericht",
    "inhoud",
    "wiadomość",
    "treść",
    "komentarz",
    "текст",
    "сообщение",
    "содержание",
    "комментарий",
    "текст_сообщения",
    "повідомлення",
    "зміст",
    "коментар",
    "текст_повідомлення",
    "metin",
    "mesaj",
    "içerik",
    "yorum",
    "メッセージ",
    "本文",
    "内容",
    "コメント",
];

/// Time of a message.
pub(crate) const AT: &[&str] = &[
    "created_at",
    "timestamp",
    "sent_at",
    "date_time",
    "datetime",
    "date",
    "created",
    "created_time",
    "creation_date",
    "message_time",
    "message_date",
    "zeitpunkt",
    "datum",
    "erstellt_am",
    "erstellt",
    "date_de_création",
    "fecha",
    "fecha_de_creación",
    "data",
    "data_de_criação",
    "criado_em",
    "data_di_creazione",
    "creato_il",
    "aangemaakt_op",
    "data_utworzenia",
    "utworzono",
    "дата",
    "дата_создания",
    "создано",
    "дата_створення",
    "створено",
    "tarih",
    "oluşturulma_tarihi",
    "日時",
    "作成日時",
    "送信日時",
    "日付",
    "ts",
    "zeitstempel",
    "datum_uhrzeit",
    "sent",
    "sent_on",
    "created_on",
    "created_at_utc",
    "date_created",
    "horodatage",
    "fecha_hora",
    "data_hora",
    "дата_и_время",
    "час_і_дата",
    "отправлено",
    "надіслано",
    "送信時刻",
];

/// The time of day, where the date has a column of its own.
pub(crate) const TIME: &[&str] =
    &["time", "uhrzeit", "zeit", "heure", "hora", "ora", "tijd", "czas", "время", "час", "saat", "time_of_day", "時刻"];

/// Columns that tell messages among colleagues.
pub(crate) const PRIVATE: &[&str] = &[
    "private",
    "is_private",
    "internal",
    "is_internal",
    "is_note",
    "private_note",
    "internal_note",
    "intern",
    "privé",
    "interne",
    "privado",
    "interno",
    "privato",
    "privé_notitie",
    "prywatny",
    "wewnętrzny",
    "приватный",
    "внутренний",
    "служебное",
    "приватний",
    "внутрішній",
    "özel",
    "dahili",
    "非公開",
    "社内メモ",
    "interne_notiz",
    "note_interne",
    "nota_interna",
];

/// Columns that tell messages of programs.
pub(crate) const AUTOMATED: &[&str] =
    &["automated", "is_automated", "is_automatic", "is_bot", "from_bot", "auto_reply", "automatic", "automatisch"];

/// Columns that tell messages to the customer.
pub(crate) const PUBLIC: &[&str] = &[
    "public",
    "is_public",
    "öffentlich",
    "público",
    "pubblico",
    "openbaar",
    "publiczny",
    "публичный",
    "публічний",
    "公開",
];

/// Sort of a row: a message, a note, an event; incoming or outgoing.
pub(crate) const SORT: &[&str] = &[
    "message_type",
    "part_type",
    "direction",
    "type",
    "event_type",
    "comment_type",
    "visibility",
    "kind",
    "incoming",
    "richtung",
    "typ",
    "art",
    "sens",
    "tipo",
    "dirección",
    "direção",
    "direzione",
    "richting",
    "kierunek",
    "направление",
    "тип",
    "напрямок",
    "yön",
    "tür",
    "種別",
    "方向",
];

/// Names of those who wrote messages.
pub(crate) const AUTHOR_NAME: &[&str] =
    &["author_name", "sender_name", "from_name", "speaker_name", "user_name", "full_name", "display_name", "name"];

/// Names of customers.
pub(crate) const CUSTOMER_NAME: &[&str] = &[
    "customer_name",
    "requester_name",
    "contact_name",
    "visitor_name",
    "client_name",
    "kundenname",
    "nom_du_client",
    "nombre_del_cliente",
    "nome_do_cliente",
    "nome_cliente",
    "klantnaam",
    "имя_клиента",
    "имя_пользователя",
    "ім_я_клієнта",
    "müşteri_adı",
    "顧客名",
    "お名前",
];

/// Names of agents.
pub(crate) const AGENT_NAME: &[&str] = &[
    "agent_name",
    "assignee_name",
    "operator_name",
    "admin_name",
    "assignee",
    "assigned_to",
    "bearbeiter",
    "имя_оператора",
    "имя_агента",
    "ім_я_оператора",
    "担当者名",
];

/// Titles of articles.
pub(crate) const TITLE: &[&str] = &[
    "title",
    "name",
    "heading",
    "subject",
    "headline",
    "titel",
    "überschrift",
    "betreff",
    "titre",
    "título",
    "asunto",
    "titolo",
    "onderwerp",
    "tytuł",
    "temat",
    "заголовок",
    "название",
    "тема",
    "назва",
    "başlık",
    "konu",
    "タイトル",
    "件名",
    "見出し",
];

/// Bodies of articles.
pub(crate) const ARTICLE: &[&str] = &[
    "body",
    "content",
    "text",
    "article",
    "html",
    "body_html",
    "description",
    "inhalt",
    "artikel",
    "beschreibung",
    "contenu",
    "corps",
    "texte",
    "contenido",
    "texto",
    "cuerpo",
    "conteúdo",
    "corpo",
    "contenuto",
    "testo",
    "inhoud",
    "tekst",
    "treść",
    "содержание",
    "текст",
    "содержимое",
    "статья",
    "описание",
    "зміст",
    "вміст",
    "стаття",
    "içerik",
    "metin",
    "本文",
    "内容",
    "コンテンツ",
];

/// Columns that tell unpublished articles.
pub(crate) const DRAFT: &[&str] =
    &["draft", "is_draft", "archived", "is_archived", "entwurf", "brouillon", "borrador", "черновик"];

/// The state of an article.
pub(crate) const STATE: &[&str] = &["state", "status", "zustand", "statut", "estado", "stato", "статус"];

/// A name in lower case, its words parted by single underscores: `Ticket ID`, `ticket-id` and `ticketId` are one name.
pub(crate) fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len() + 2);
    let mut after = None;
    let mut chars = name.trim().chars().peekable();
    while let Some(c) = chars.next() {
        // Diacritics that stand alone belong to their letter.
        if !c.is_alphanumeric() && !('\u{300}'..='\u{36F}').contains(&c) {
            after = None;
            continue;
        }
        let begins = match after {
            None => true,
            // `ticketId` and `HTMLBody`: a capital begins a word after a small letter, or before one.
            Some(last) => is_capital(c) && (is_small(last) || chars.peek().is_some_and(|next| is_small(*next))),
        };
        if begins && !normal.is_empty() {
            normal.push('_');
        }
        normal.extend(c.to_lowercase());
        after = Some(c);
    }
    normal
}

/// Returns true if there is a small letter for it: some mathematical capitals have none.
fn is_capital(c: char) -> bool {
    c.is_uppercase() && c.to_lowercase().next() != Some(c)
}

fn is_small(c: char) -> bool {
    c.is_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: &[&[&str]] =
        &[TEXT, INTENT, QUESTION, ANSWER, CONVERSATION, ROLE, MESSAGE, AT, PRIVATE, PUBLIC, SORT, TITLE, ARTICLE];

    #[test]
    fn one_name_is_written_in_many_ways() {
        for name in ["ticket_id", "Ticket ID", " ticket-id", "TicketId", "ticketID", "TICKET ID", "ticket.id"] {
            assert_eq!(normal(name), "ticket_id");
        }
        assert_eq!(normal("HTMLBody"), "html_body");
        assert_eq!(normal("Überschrift"), "überschrift");
        assert_eq!(normal("Кто написал?"), "кто_написал");
        assert_eq!(normal("会話ID"), "会話id");
    }

    #[test]
    fn every_known_name_is_in_normal_form_once() {
        for names in ALL {
            let mut seen = std::collections::HashSet::new();
            for name in *names {
                assert!(seen.insert(name), "{name} stands twice");
                assert_eq!(normal(name), **name);
            }
        }
    }

    proptest! {
        #[test]
        fn a_normal_form_stays_as_it_is(name in any::<String>()) {
            let once = normal(&name);
            prop_assert_eq!(normal(&once), once);
        }
    }
}
