//! The tables that the crate brings with it: tab-separated, with a heading, one entry to a line.

/// The rows of a table below its heading. A line with another number of columns is left out; a test of the tables sees
/// to it that there is none.
pub(crate) fn rows<const COLUMNS: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; COLUMNS]> {
    table.lines().skip(1).filter_map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.try_into().ok()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::language::Language;

    fn check<const COLUMNS: usize>(name: &str, table: &'static str) {
        let mut seen = BTreeSet::new();
        for (at, line) in table.lines().enumerate() {
            assert_eq!(line.split('\t').count(), COLUMNS, "{name}, line {}: {line}", at + 1);
            assert!(line.split('\t').all(|cell| cell.trim() == cell && !cell.is_empty()), "{name}: {line}");
            assert!(seen.insert(line), "{name} has this twice: {line}");
        }
        assert!(rows::<COLUMNS>(table).all(|row| Language::of_tag(row[0]).is_some()), "{name} has another language");
    }

    #[test]
    fn every_line_of_a_table_is_read() {
        check::<2>("common", include_str!("data/common.tsv"));
        check::<2>("known", include_str!("data/known.tsv"));
        check::<4>("parts", include_str!("data/parts.tsv"));
        check::<4>("phrases", include_str!("data/phrases.tsv"));
        check::<3>("tone", include_str!("data/tone.tsv"));
    }
}
