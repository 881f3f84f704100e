//! What the encoder promises, on an invented network of the real size: random weights, a vocabulary of letters.

use std::{convert::Infallible, sync::OnceLock};

use proptest::prelude::*;

use crate::{
    Encoder, EncoderError, GLANCE, HIDDEN, Kernel, MAX_TEXT_BYTES, MAX_TOKENS, PackageError, QuantiseError, Scratch,
    Tokens, VOCABULARY,
    package::{Part, Section, assemble},
    quantise::dense,
    verify,
    vocabulary::tabulate,
    wordpiece::{SPECIAL, UNKNOWN},
};

/// Pseudo-random numbers from −1 to 1 (SplitMix64; Steele et al. 2014).
fn noise(seed: u64, length: usize) -> Vec<f32> {
    let number = |index: u64| {
        let mut bits = (seed << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length as u64).map(number).collect()
}

fn entries() -> Vec<String> {
    let mut entries: Vec<String> = (0..VOCABULARY).map(|id| format!("[filler{id}]")).collect();
    for (literal, id) in SPECIAL {
        entries[usize::from(id)] = literal.to_owned();
    }
    let words = ["parcel", "par", "##cel", "##s", "where", "is", "my", "?", ".", "refund", "家"].map(str::to_owned);
    let letters = ('a'..='z').flat_map(|letter| [letter.to_string(), format!("##{letter}")]);
    for (entry, word) in entries.iter_mut().skip(2000).zip(words.into_iter().chain(letters)) {
        *entry = word;
    }
    entries
}

fn content(section: Section) -> Vec<u8> {
    let seed = Section::all().position(|other| other == section).unwrap() as u64;
    let floats = |values: Vec<f32>| bytemuck::cast_slice(&values).to_vec();
    let vocabulary = || {
        let entries = entries();
        tabulate(&entries.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
    };
    let length = *section.lengths().end();
    match section {
        Section::VocabularyText => vocabulary().text,
        Section::VocabularyOffsets => bytemuck::cast_slice(&vocabulary().offsets).to_vec(),
        Section::VocabularySlots => bytemuck::cast_slice(&vocabulary().slots).to_vec(),
        Section::WordRows | Section::GlanceRows => {
            noise(seed, length).iter().map(|value| (value * 127.0) as i8 as u8).collect()
        }
        Section::WordScales | Section::GlanceScales => floats(vec![0.01; length / 4]),
        Section::Positions => floats(noise(seed, length / 4)),
        Section::EmbeddingNorm | Section::Norm { .. } => {
            let mut norm = vec![1.0; HIDDEN];
            norm.extend(noise(seed, HIDDEN));
            floats(norm)
        }
        Section::Dense { part: Part::Biases, .. } => floats(noise(seed, length / 4)),
        Section::Dense { layer, block, part } => {
            let weights = noise(1000 + (layer * 4 + block as usize) as u64, block.inputs() * block.outputs());
            dense(&weights.iter().map(|weight| weight * 0.1).collect::<Vec<_>>(), block.inputs(), part)
        }
    }
}

fn package() -> &'static [u8] {
    static PACKAGE: OnceLock<Vec<u8>> = OnceLock::new();
    PACKAGE.get_or_init(|| assemble(|section| Ok::<_, Infallible>(content(section))).unwrap())
}

fn encoder() -> &'static Encoder {
    static ENCODER: OnceLock<Encoder> = OnceLock::new();
    ENCODER.get_or_init(|| Encoder::from_bytes(package().to_vec()).unwrap())
}

fn words(text: &str) -> Vec<String> {
    let entries = entries();
    encoder().tokens(text).content().iter().map(|&id| entries[usize::from(id)].clone()).collect()
}

fn bits(encoder: &Encoder, batch: &[Tokens]) -> Vec<Vec<u32>> {
    let encodings = encoder.encode(batch, &mut Scratch::default());
    encodings.iter().map(|one| one.sentence.iter().chain(&one.middle).map(|value| value.to_bits()).collect()).collect()
}

fn sentences() -> Vec<Tokens> {
    let long = "where is my parcel? ".repeat(90);
    ["where is my parcel?", "", "refund", &long, "a b c d e f g h i j k l m n o p q r s t u v w", "parcels."]
        .map(|text| encoder().tokens(text))
        .to_vec()
}

#[test]
fn words_are_cut_into_the_longest_pieces() {
    assert_eq!(words("Where is my PARCEL?"), ["where", "is", "my", "parcel", "?"]);
    assert_eq!(words("parcels parce"), ["parcel", "##s", "par", "##c", "##e"]);
}

#[test]
fn accents_controls_and_spaces_of_all_kinds_leave_no_trace() {
    assert_eq!(words("wh\u{e9}re\u{2003}\u{130}s\u{0}\u{200b} my\u{fffd}"), ["where", "is", "my"]);
}

#[test]
fn an_ideograph_is_a_word_of_its_own() {
    assert_eq!(words("my\u{5bb6}is"), ["my", "家", "is"]);
}

#[test]
fn a_word_with_an_unknown_piece_or_over_a_hundred_characters_is_unknown() {
    assert_eq!(words("par\u{394}cel"), ["[UNK]"]);
    assert_eq!(words(&"a".repeat(100)).len(), 100);
    assert_eq!(words(&"a".repeat(101)), ["[UNK]"]);
}

#[test]
fn a_special_token_spelt_out_is_that_token_as_in_the_reference() {
    assert_eq!(words("my[SEP]parcel [sep"), ["my", "[SEP]", "parcel", "[UNK]", "s", "##e", "##p"]);
}

#[test]
fn a_text_is_read_up_to_its_bound_and_no_further() {
    let spaces = " ".repeat(MAX_TEXT_BYTES - 2);
    assert_eq!(words(&format!("{spaces}my")), ["my"]);
    assert_eq!(words(&format!("{spaces}a\u{e9}")), ["a"]);
    assert_eq!(encoder().tokens(&"is ".repeat(1000)).ids().len(), MAX_TOKENS);
}

#[test]
fn a_sentence_is_encoded_alike_alone_and_in_company() {
    let batch = sentences();
    let together = bits(encoder(), &batch);
    for (sentence, encoding) in batch.iter().zip(&together) {
        assert_eq!(&bits(encoder(), std::slice::from_ref(sentence))[0], encoding);
    }
    let reversed: Vec<Tokens> = batch.iter().rev().cloned().collect();
    assert!(bits(encoder(), &reversed).iter().eq(together.iter().rev()));
}

#[test]
fn used_scratch_leaves_nothing_behind() {
    let batch = sentences();
    let mut scratch = Scratch::default();
    let first = encoder().encode(&batch[..1], &mut scratch);
    encoder().encode(&batch, &mut scratch);
    assert_eq!(encoder().encode(&batch[..1], &mut scratch), first);
}

#[test]
fn every_kernel_gives_the_same_encodings_bit_for_bit() {
    // Without the longest: the portable kernel is slow.
    let batch: Vec<Tokens> = sentences().into_iter().filter(|sentence| sentence.ids().len() < 100).collect();
    let expected = bits(encoder(), &batch);
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_supported()) {
        let other = Encoder::from_bytes(package().to_vec()).unwrap().with_kernel(kernel).unwrap();
        assert_eq!(bits(&other, &batch), expected, "{kernel:?}");
    }
}

#[test]
fn encodings_and_glances_have_length_one() {
    let length = |vector: &[f32]| vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let batch = sentences();
    for encoding in encoder().encode(&batch, &mut Scratch::default()) {
        assert!((length(&encoding.sentence) - 1.0).abs() < 1e-5);
        assert!((length(&encoding.middle) - 1.0).abs() < 1e-5);
        assert_ne!(encoding.sentence, encoding.middle);
    }
    assert!((length(&encoder().glance(&batch[0])) - 1.0).abs() < 1e-5);
}

#[test]
fn a_text_without_tokens_gives_a_glance_of_zeros() {
    assert_eq!(encoder().glance(&encoder().tokens(" \u{200b} ")), [0.0; GLANCE]);
}

#[test]
fn an_empty_batch_gives_no_encodings() {
    assert!(encoder().encode(&[], &mut Scratch::default()).is_empty());
}

#[test]
fn a_package_is_verified_by_its_digest() {
    assert_eq!(verify(package()), Ok(()));
    assert_eq!(encoder().id().len(), 64);
    let mut corrupted = package().to_vec();
    *corrupted.last_mut().unwrap() ^= 1;
    assert!(matches!(verify(&corrupted), Err(PackageError::Digest { .. })));
}

#[test]
fn a_file_that_is_missing_empty_or_something_else_is_refused() {
    let directory = std::env::temp_dir().join(format!("romashka-encoder-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("package");
    assert!(matches!(Encoder::open(&path), Err(EncoderError::Unreadable { .. })));
    for content in [&b""[..], b"hello", b"ROMASHKA"] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(Encoder::open(&path), Err(EncoderError::Package(_))));
    }
    std::fs::write(&path, package()).unwrap();
    let mapped = Encoder::open(&path).unwrap();
    assert_eq!(mapped.id(), encoder().id());
    assert_eq!(bits(&mapped, &sentences()[..1]), bits(encoder(), &sentences()[..1]));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_package_of_another_version_or_cut_short_is_refused() {
    let mut other = package().to_vec();
    other[8] += 1;
    assert!(matches!(Encoder::from_bytes(other), Err(EncoderError::Package(PackageError::Version { .. }))));
    let short = package()[..package().len() - 1].to_vec();
    assert!(matches!(Encoder::from_bytes(short), Err(EncoderError::Package(PackageError::Length { .. }))));
}

#[test]
fn weights_of_another_network_are_refused() {
    assert!(matches!(crate::quantise(b"nonsense", ""), Err(QuantiseError::Format(_))));
    let no_tensors = b"\x02\0\0\0\0\0\0\0{}";
    assert!(matches!(crate::quantise(no_tensors, "a\nb"), Err(QuantiseError::Vocabulary { line: 3, .. })));
    let vocabulary = entries().join("\n");
    assert!(matches!(crate::quantise(no_tensors, &vocabulary), Err(QuantiseError::Format(_))));
}

#[test]
fn with_the_real_weights_alike_sentences_are_near() {
    let Some(path) = std::env::var_os("ROMASHKA_ENCODER") else {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "skipped: ROMASHKA_ENCODER names no package, so real sentences are not compared"
        );
        return;
    };
    let encoder = Encoder::open(path.as_ref()).unwrap();
    let texts = ["where is my parcel?", "my package has not arrived yet", "i would like to change my password"];
    let tokens = texts.map(|text| encoder.tokens(text));
    let dot = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f32>();
    let [parcel, package, password] = encoder.encode(&tokens, &mut Scratch::default()).try_into().unwrap();
    assert!(dot(&parcel.sentence, &package.sentence) > 0.5);
    assert!(dot(&parcel.sentence, &password.sentence) < 0.3);
    let [parcel, package, password] = tokens.map(|tokens| encoder.glance(&tokens));
    assert!(dot(&parcel, &package) > dot(&parcel, &password) + 0.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_has_tokens(text in any::<String>()) {
        let tokens = encoder().tokens(&text);
        prop_assert!((2..=MAX_TOKENS).contains(&tokens.ids().len()));
        prop_assert!(tokens.ids().iter().all(|&id| usize::from(id) < VOCABULARY));
    }

    #[test]
    fn a_text_of_one_word_is_unknown_or_spells_the_word(word in "[a-zäöü\u{394}]{1,120}") {
        let pieces = words(&word);
        if pieces != ["[UNK]"] {
            let bare = |word: &str| word.replace('ä', "a").replace('ö', "o").replace('ü', "u");
            prop_assert_eq!(pieces.concat().replace("##", ""), bare(&word));
        }
        prop_assert!(encoder().tokens(&word).content().iter().all(|&id| id == UNKNOWN || id >= 2000));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The header, the table of contents and the vocabulary are what indices are taken from.
    #[test]
    fn a_corrupted_package_is_an_error_or_works_without_a_panic(at in 0..450_000_usize, byte in any::<u8>()) {
        let mut corrupted = package().to_vec();
        corrupted[at] = byte;
        if let Ok(encoder) = Encoder::from_bytes(corrupted) {
            let tokens = encoder.tokens("where is my parcel? refunds a b c");
            prop_assert!(tokens.ids().iter().all(|&id| usize::from(id) < VOCABULARY));
            encoder.glance(&tokens);
            encoder.encode(&[tokens], &mut Scratch::default());
        }
    }

    #[test]
    fn a_corrupted_table_of_contents_never_reaches_beyond_the_file(at in 64..1936_usize, byte in any::<u8>()) {
        let mut corrupted = package().to_vec();
        corrupted[at] = byte;
        if let Ok(encoder) = Encoder::from_bytes(corrupted) {
            encoder.encode(&[encoder.tokens("my parcel")], &mut Scratch::default());
        }
    }
}
