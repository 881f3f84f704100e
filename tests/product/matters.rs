//! A generator of conversations over five matters, as teams have them: each reply opens with a customer's name, closes
//! with an agent's, and may hold an order number.

use std::fmt::Write;

/// Names of customers and agents; none is a word of the texts below.
pub const NAMES: [&str; 12] =
    ["Anna", "Tobias", "Maria", "Johann", "Elena", "Pedro", "Ivan", "Sofia", "Лена", "Олег", "Марина", "Игорь"];

/// A matter that customers ask about.
pub struct Matter {
    /// Customers' questions; `{}` stands for an order number.
    questions: [&'static str; 4],
    /// Bodies of replies; `{}` stands for an order number.
    replies: [&'static str; 2],
    /// A question that is in no conversation.
    pub asked: &'static str,
    /// Small letters that the right answer holds and no other.
    pub telling: &'static str,
}

/// Five matters in one language.
pub struct Language {
    pub matters: [Matter; 5],
    salutations: [&'static str; 2],
    closings: [&'static str; 2],
    /// A question that nothing answers.
    pub stranger: &'static str,
}

/// A CSV export of conversations.
pub fn conversations(language: &Language, count: usize) -> String {
    let mut file = "conversation_id,role,text\n".to_owned();
    for number in 0..count {
        let matter = &language.matters[number % 5];
        // Fibonacci hashing (Knuth): what one choice is tells nothing of another.
        let pick = |of: usize, salt: u32| ((number as u32 * 7 + salt).wrapping_mul(2_654_435_761) >> 16) as usize % of;
        let order = format!("LH-{}", 20_000 + number * 37);
        let question = matter.questions[number / 5 % 4].replace("{}", &order);
        let body = matter.replies[pick(2, 1)].replace("{}", &order);
        let (customer, agent) = (NAMES[pick(NAMES.len(), 2)], NAMES[pick(NAMES.len(), 5)]);
        let salutation = language.salutations[pick(2, 3)].replace("{}", customer);
        let closing = language.closings[pick(2, 4)].replace("{}", agent);
        writeln!(file, "c{number},customer,\"{question}\"").unwrap();
        writeln!(file, "c{number},agent,\"{salutation} {body}\n\n{closing}\"").unwrap();
    }
    file
}

/// English, German, Russian and Spanish.
pub const LANGUAGES: [Language; 4] = [
    Language {
        salutations: ["Hello {},", "Hi {}!"],
        closings: ["Kind regards,\n{}", "Best, {}"],
        stranger: "who won the football match yesterday evening?",
        matters: [
            Matter {
                questions: [
                    "How can I return my order {}?",
                    "I want to send the teapot back, order {}",
                    "the cups do not fit, can I return them?",
                    "what is your return policy?",
                ],
                replies: [
                    "you can return everything within 30 days. Please use the label in your parcel.",
                    "you may send your order {} back within 30 days of delivery, with the label in the parcel.",
                ],
                asked: "can I send something back to you?",
                telling: "30 days",
            },
            Matter {
                questions: [
                    "Where is my order {}?",
                    "my parcel has not arrived yet, {}",
                    "when will my delivery come?",
                    "tracking shows nothing for {}",
                ],
                replies: [
                    "parcels take three to five working days. You find the tracking link in your e-mail.",
                    "your order {} is on its way. Parcels take three to five working days, see the tracking link in your e-mail.",
                ],
                asked: "my parcel is still not here, where is it?",
                telling: "tracking link",
            },
            Matter {
                questions: [
                    "I forgot my password",
                    "cannot log in to my account",
                    "how do I reset my password?",
                    "login does not work any more",
                ],
                replies: [
                    "please press Forgot password below the login form. You get a link by e-mail to set a new password.",
                    "below the login form there is Forgot password. Press it and set a new password with the link we send.",
                ],
                asked: "I do not remember my password, what now?",
                telling: "forgot password",
            },
            Matter {
                questions: [
                    "I need an invoice for {}",
                    "please send me the invoice with VAT",
                    "where do I find my invoice?",
                    "our accounting needs an invoice for order {}",
                ],
                replies: [
                    "you can download each invoice as a PDF in your account under Orders.",
                    "the invoice for order {} is in your account under Orders, where you can download it as a PDF.",
                ],
                asked: "how do I get the invoice?",
                telling: "pdf",
            },
            Matter {
                questions: [
                    "Do you ship to Austria?",
                    "can you deliver to Switzerland?",
                    "shipping abroad possible?",
                    "what does shipping to France cost?",
                ],
                replies: [
                    "we ship to all countries of the European Union for 9 euros.",
                    "yes, we ship to every country of the European Union, it costs 9 euros.",
                ],
                asked: "do you ship to other countries, such as Austria?",
                telling: "european union",
            },
        ],
    },
    Language {
        salutations: ["Hallo {},", "Guten Tag {},"],
        closings: ["Mit freundlichen Grüßen\n{}", "Viele Grüße, {}"],
        stranger: "wer hat gestern Abend das Fußballspiel gewonnen?",
        matters: [
            Matter {
                questions: [
                    "Wie kann ich meine Bestellung {} zurückgeben?",
                    "Ich möchte die Teekanne zurückschicken, Bestellung {}",
                    "die Tassen passen nicht, kann ich sie zurücksenden?",
                    "wie läuft die Rückgabe bei Ihnen?",
                ],
                replies: [
                    "Sie können alles innerhalb von 30 Tagen zurückgeben. Bitte nutzen Sie das Etikett im Paket.",
                    "Ihre Bestellung {} können Sie innerhalb von 30 Tagen zurückschicken, das Etikett liegt im Paket.",
                ],
                asked: "kann ich etwas zurückschicken?",
                telling: "30 tagen",
            },
            Matter {
                questions: [
                    "Wo ist meine Bestellung {}?",
                    "mein Paket ist noch nicht da, {}",
                    "wann kommt meine Lieferung an?",
                    "die Sendungsverfolgung zeigt nichts für {}",
                ],
                replies: [
                    "Pakete sind drei bis fünf Werktage unterwegs. Den Link zur Sendungsverfolgung finden Sie in Ihrer E-Mail.",
                    "Ihre Bestellung {} ist unterwegs. Pakete brauchen drei bis fünf Werktage, siehe Sendungsverfolgung in Ihrer E-Mail.",
                ],
                asked: "mein Paket ist immer noch nicht da, wo ist es?",
                telling: "werktage",
            },
            Matter {
                questions: [
                    "Ich habe mein Passwort vergessen",
                    "ich kann mich nicht anmelden",
                    "wie setze ich mein Passwort zurück?",
                    "die Anmeldung klappt nicht mehr",
                ],
                replies: [
                    "bitte klicken Sie unter der Anmeldung auf Passwort vergessen. Sie erhalten einen Link für ein neues Passwort.",
                    "unter der Anmeldung finden Sie Passwort vergessen. Mit dem Link vergeben Sie ein neues Passwort.",
                ],
                asked: "ich weiß mein Passwort nicht mehr, was nun?",
                telling: "passwort vergessen",
            },
            Matter {
                questions: [
                    "Ich brauche eine Rechnung für {}",
                    "bitte schicken Sie mir die Rechnung mit Mehrwertsteuer",
                    "wo finde ich meine Rechnung?",
                    "unsere Buchhaltung braucht die Rechnung zur Bestellung {}",
                ],
                replies: [
                    "jede Rechnung können Sie in Ihrem Konto unter Bestellungen als PDF herunterladen.",
                    "die Rechnung zur Bestellung {} liegt in Ihrem Konto unter Bestellungen und lässt sich als PDF herunterladen.",
                ],
                asked: "wie bekomme ich die Rechnung?",
                telling: "pdf",
            },
            Matter {
                questions: [
                    "Liefern Sie nach Österreich?",
                    "können Sie in die Schweiz liefern?",
                    "ist Versand ins Ausland möglich?",
                    "was kostet der Versand nach Frankreich?",
                ],
                replies: [
                    "wir liefern in alle Länder der Europäischen Union für 9 Euro.",
                    "ja, wir liefern in jedes Land der Europäischen Union, das kostet 9 Euro.",
                ],
                asked: "liefern Sie auch in andere Länder, etwa nach Österreich?",
                telling: "europäischen union",
            },
        ],
    },
    Language {
        salutations: ["Здравствуйте, {}!", "Добрый день, {}!"],
        closings: ["С уважением,\n{}", "Всего доброго, {}"],
        stranger: "кто вчера вечером выиграл футбольный матч?",
        matters: [
            Matter {
                questions: [
                    "Как вернуть мой заказ {}?",
                    "Хочу отправить чайник обратно, заказ {}",
                    "чашки не подошли, можно вернуть?",
                    "какие у вас условия возврата?",
                ],
                replies: [
                    "Вернуть товар можно в течение 30 дней. Наклейка для возврата лежит в посылке.",
                    "Заказ {} можно отправить обратно в течение 30 дней, наклейка для возврата лежит в посылке.",
                ],
                asked: "можно ли вернуть товар?",
                telling: "30 дней",
            },
            Matter {
                questions: [
                    "Где мой заказ {}?",
                    "посылка до сих пор не пришла, {}",
                    "когда приедет моя доставка?",
                    "трек-номер ничего не показывает, {}",
                ],
                replies: [
                    "Посылки идут от трёх до пяти рабочих дней. Ссылка для отслеживания есть в вашем письме.",
                    "Ваш заказ {} уже в пути. Посылки идут от трёх до пяти рабочих дней, ссылка для отслеживания есть в письме.",
                ],
                asked: "моя посылка всё ещё не пришла, где она?",
                telling: "рабочих дней",
            },
            Matter {
                questions: [
                    "Я забыл пароль",
                    "не могу войти в личный кабинет",
                    "как сбросить пароль?",
                    "вход больше не работает",
                ],
                replies: [
                    "Нажмите под формой входа на ссылку «Забыли пароль». Мы пришлём письмо для нового пароля.",
                    "Под формой входа есть ссылка «Забыли пароль». По письму вы зададите новый пароль.",
                ],
                asked: "не помню свой пароль, что делать?",
                telling: "забыли пароль",
            },
            Matter {
                questions: [
                    "Мне нужен счёт на заказ {}",
                    "пришлите, пожалуйста, счёт с НДС",
                    "где найти мой счёт?",
                    "бухгалтерии нужен счёт по заказу {}",
                ],
                replies: [
                    "Каждый счёт можно скачать в формате PDF в личном кабинете в разделе «Заказы».",
                    "Счёт по заказу {} лежит в личном кабинете в разделе «Заказы», его можно скачать в формате PDF.",
                ],
                asked: "как получить счёт?",
                telling: "pdf",
            },
            Matter {
                questions: [
                    "Вы доставляете в Австрию?",
                    "можно доставить в Швейцарию?",
                    "есть ли доставка за границу?",
                    "сколько стоит доставка во Францию?",
                ],
                replies: [
                    "Мы доставляем во все страны Европейского союза за 9 евро.",
                    "Да, доставляем в любую страну Европейского союза, это стоит 9 евро.",
                ],
                asked: "доставляете ли вы в другие страны, например в Австрию?",
                telling: "европейского союза",
            },
        ],
    },
    Language {
        salutations: ["Hola {},", "Buenos días {},"],
        closings: ["Un saludo,\n{}", "Atentamente, {}"],
        stranger: "¿quién ganó ayer el partido de fútbol?",
        matters: [
            Matter {
                questions: [
                    "¿Cómo puedo devolver mi pedido {}?",
                    "Quiero devolver la tetera, pedido {}",
                    "las tazas no me sirven, ¿puedo devolverlas?",
                    "¿cuál es la política de devoluciones?",
                ],
                replies: [
                    "puede devolver todo en un plazo de 30 días. Use la etiqueta que está en el paquete.",
                    "puede devolver su pedido {} en un plazo de 30 días con la etiqueta que está en el paquete.",
                ],
                asked: "¿se puede devolver un producto?",
                telling: "30 días",
            },
            Matter {
                questions: [
                    "¿Dónde está mi pedido {}?",
                    "mi paquete no ha llegado todavía, {}",
                    "¿cuándo llega mi entrega?",
                    "el seguimiento no muestra nada de {}",
                ],
                replies: [
                    "los paquetes tardan de tres a cinco días laborables. El enlace de seguimiento está en su correo.",
                    "su pedido {} está en camino. Los paquetes tardan de tres a cinco días laborables, vea el enlace de seguimiento en su correo.",
                ],
                asked: "mi paquete todavía no está aquí, ¿dónde está?",
                telling: "laborables",
            },
            Matter {
                questions: [
                    "Olvidé mi contraseña",
                    "no puedo entrar en mi cuenta",
                    "¿cómo restablezco la contraseña?",
                    "el acceso ya no funciona",
                ],
                replies: [
                    "pulse Olvidé mi contraseña debajo del formulario. Recibirá un enlace para crear una nueva.",
                    "debajo del formulario está Olvidé mi contraseña. Con el enlace del correo puede crear una nueva.",
                ],
                asked: "no recuerdo mi contraseña, ¿qué hago?",
                telling: "olvidé mi contraseña",
            },
            Matter {
                questions: [
                    "Necesito una factura de {}",
                    "envíenme la factura con IVA, por favor",
                    "¿dónde encuentro mi factura?",
                    "contabilidad necesita la factura del pedido {}",
                ],
                replies: [
                    "puede descargar cada factura en PDF en su cuenta, en la sección Pedidos.",
                    "la factura del pedido {} está en su cuenta, en la sección Pedidos, y se descarga en PDF.",
                ],
                asked: "¿cómo consigo la factura?",
                telling: "pdf",
            },
            Matter {
                questions: [
                    "¿Envían a Austria?",
                    "¿pueden entregar en Suiza?",
                    "¿hacen envíos al extranjero?",
                    "¿cuánto cuesta el envío a Francia?",
                ],
                replies: [
                    "enviamos a todos los países de la Unión Europea por 9 euros.",
                    "sí, enviamos a cualquier país de la Unión Europea, cuesta 9 euros.",
                ],
                asked: "¿hacen envíos a otros países, por ejemplo a Austria?",
                telling: "unión europea",
            },
        ],
    },
];
