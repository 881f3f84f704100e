//! What customers write is used and kept without what is personal in it, as uploads are.

use std::borrow::Cow;
use std::sync::LazyLock;

use romashka_ingest::redaction::{Findings, Names, Redactor};

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// The text with placeholders for what is personal.
pub(crate) fn hidden(text: String) -> String {
    let found = match REDACTOR.redact(&text, &Names::default(), &mut Findings::default()) {
        Cow::Owned(hidden) => Some(hidden),
        Cow::Borrowed(_) => None,
    };
    found.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_number_does_not_reach_the_model() {
        assert_eq!(hidden("call me at +49 30 901820".to_owned()), "call me at {{customer.phone}}");
        assert_eq!(hidden("where is it?".to_owned()), "where is it?");
    }
}
