//! Groups of a few replies, each compared with each.
//!
//! A few distinct replies teach nothing about how alike replies to the same question are.
//! Two things still tell that two replies say the same: their words, and that customers who asked the same got either. Both are
//! cosines over all n-grams of words and characters, so no encoder needs to know the language; where one does, its cosine
//! counts, too. Groups are joined while the mean over the pairs between them is large enough (average linkage; Sokal and
//! Michener 1958, "A Statistical Method for Evaluating Systematic Relationships").

use crate::{
    content::ContentHash,
    embedding::Embedding,
    lexical::{Lexicon, Reading},
};

/// Distinct replies that are linked; of more, neighbours and communities tell more.
pub const MAX_LINKED: usize = 150;
/// Questions of one reply that are compared.
const MAX_QUESTIONS: usize = 8;
/// Weight of the questions beside the reply's words.
const QUESTIONS_WEIGHT: f32 = 0.5;
/// Cosine of an encoder's embeddings of two replies of one shop that have nothing else in common.
const UNRELATED: f32 = 0.6;
/// Likeness from which two groups are one: above that of nearly all pairs of different answers in forty conversations of each
/// of six languages.
const LEAST_LIKENESS: f32 = 0.15;

/// A reply and the questions that it answered.
#[derive(Debug, Clone)]
pub struct Answered<'text> {
    /// The body of the reply.
    pub reply: &'text str,
    /// Its embedding; `None` where no encoder knows the language.
    pub embedding: Option<&'text Embedding>,
    /// Customers' questions.
    pub questions: Vec<&'text str>,
}

/// The group of each reply. The same replies in any order get the same groups.
#[must_use]
pub fn link_replies(replies: &[Answered<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..replies.len()).collect();
    order.sort_by_cached_key(|&at| ContentHash::of(replies[at].reply, None));
    let in_order: Vec<&Answered<'_>> = order.iter().map(|&at| &replies[at]).collect();
    let likeness = likenesses(&in_order);
    let mut group_of = vec![0; replies.len()];
    for (group, members) in linked(&likeness).into_iter().enumerate() {
        members.into_iter().for_each(|at| group_of[order[at]] = group);
    }
    group_of
}

/// Likeness of each two replies.
fn likenesses(replies: &[&Answered<'_>]) -> Vec<Vec<f32>> {
    let lexicon = Lexicon::of(&replies.iter().map(|it| it.reply).collect::<Vec<_>>());
    let of_questions = Lexicon::of(&replies.iter().flat_map(|it| it.questions.iter().copied()).collect::<Vec<_>>());
    let read: Vec<(Reading, Vec<Reading>)> = replies
        .iter()
        .map(|it| {
            let mut questions = it.questions.clone();
            questions.sort_unstable();
            questions.truncate(MAX_QUESTIONS);
            (lexicon.read(it.reply), questions.iter().map(|question| of_questions.read(question)).collect())
        })
        .collect();
    let likeness = |a: usize, b: usize| {
        let ((reply, questions), (other, theirs)) = (&read[a], &read[b]);
        let meaning = match (replies[a].embedding, replies[b].embedding) {
            (Some(one), Some(other)) => one.cosine(other) - UNRELATED,
            _ => 0.0,
        };
        let asked = (covered(questions, theirs) + covered(theirs, questions)) / 2.0;
        reply.cosine(other) + meaning + QUESTIONS_WEIGHT * asked
    };
    (0..read.len()).map(|one| (0..read.len()).map(|other| likeness(one, other)).collect()).collect()
}

/// Mean over questions of the greatest cosine to one of others.
fn covered(questions: &[Reading], others: &[Reading]) -> f32 {
    let greatest = |question: &Reading| others.iter().map(|other| question.cosine(other)).fold(0.0, f32::max);
    questions.iter().map(greatest).sum::<f32>() / questions.len().max(1) as f32
}

/// Members of each group.
fn linked(likeness: &[Vec<f32>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = (0..likeness.len()).map(|at| vec![at]).collect();
    loop {
        let mut best = (LEAST_LIKENESS, None);
        for (one, members) in groups.iter().enumerate() {
            for (other, theirs) in groups.iter().enumerate().skip(one + 1) {
                let sum: f32 = members.iter().flat_map(|&a| theirs.iter().map(move |&b| likeness[a][b])).sum();
                let mean = sum / (members.len() * theirs.len()) as f32;
                if mean > best.0 {
                    best = (mean, Some((one, other)));
                }
            }
        }
        let (_, Some((one, other))) = best else { break };
        let joined = groups.remove(other);
        groups[one].extend(joined);
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Replies that say one of four things, in two wordings each, with a question that either answered.
    const REPLIES: [(usize, &str, &str); 8] = [
        (0, "Вернуть товар можно в течение 30 дней, наклейка лежит в посылке.", "как вернуть чайник?"),
        (0, "Товар принимаем обратно 30 дней, приложите наклейку из посылки.", "хочу вернуть чашки"),
        (1, "Ссылка для нового пароля есть под формой входа.", "забыл пароль"),
        (1, "Нажмите под формой входа на ссылку, мы пришлём новый пароль.", "не помню пароль"),
        (2, "Каждый счёт можно скачать в личном кабинете в формате PDF.", "где мой счёт?"),
        (2, "Счёт лежит в кабинете, его можно скачать как PDF.", "нужен счёт на заказ"),
        (3, "Доставляем по всей Европе за 9 евро.", "сколько стоит доставка в Австрию?"),
        (3, "Доставка в любую страну Европы стоит 9 евро.", "доставка в Польшу есть?"),
    ];

    fn grouped(order: &[usize]) -> Vec<usize> {
        let reply = |&at: &usize| Answered { reply: REPLIES[at].1, embedding: None, questions: vec![REPLIES[at].2] };
        link_replies(&order.iter().map(reply).collect::<Vec<_>>())
    }

    #[test]
    fn two_wordings_of_an_answer_are_one_group() {
        let groups = grouped(&[0, 1, 2, 3, 4, 5, 6, 7]);
        for (one, (answer, ..)) in REPLIES.iter().enumerate() {
            for (other, (of_other, ..)) in REPLIES.iter().enumerate() {
                assert_eq!(groups[one] == groups[other], answer == of_other, "{one} {other}");
            }
        }
    }

    #[test]
    fn nothing_and_one_reply_are_grouped() {
        assert!(grouped(&[]).is_empty());
        assert_eq!(grouped(&[3]), [0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn the_order_of_replies_makes_no_difference(
            order in Just((0..REPLIES.len()).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let (straight, mixed) = (grouped(&[0, 1, 2, 3, 4, 5, 6, 7]), grouped(&order));
            for (place, &at) in order.iter().enumerate() {
                prop_assert_eq!(straight[at], mixed[place]);
            }
        }
    }
}
