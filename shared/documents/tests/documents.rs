//! Documents, good and hostile, read by a real child.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail on the spot")]

use std::fmt::Write as _;
use std::io::{Cursor, Read, Seek, Write};
use std::time::{Duration, Instant};

use romashka_documents::Document;
use romashka_documents::sandbox::Sandbox;
use romashka_ingest::{File, FileError, Kind, Limits, Options, Records, Stop};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What a document gives, or why it gives nothing.
fn extract(document: Document, bytes: &[u8]) -> Result<String, FileError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    let started = Instant::now();
    let read = Sandbox::of(env!("CARGO_BIN_EXE_extract")).extract(document, file).unwrap().read_to_string(&mut text);
    assert!(started.elapsed() < Duration::from_secs(60), "a document may take ten seconds of a processor");
    read.map(|_| text).map_err(|error| FileError::from_io(error).unwrap())
}

fn refusal(document: Document, bytes: &[u8]) -> &'static str {
    let error = extract(document, bytes).unwrap_err();
    assert!(!error.to_string().is_empty());
    error.code()
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(1));
    for (name, content) in members {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const PACKAGE: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

/// A workbook with one sheet of these rows and these shared texts, if any.
fn workbook(rows: &str, texts: &str) -> Vec<u8> {
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    raw_workbook(&sheet, texts)
}

fn raw_workbook(sheet: &str, texts: &str) -> Vec<u8> {
    let mut members = vec![
        ("_rels/.rels", PACKAGE.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    if !texts.is_empty() {
        members.push(("xl/sharedStrings.xml", texts.as_bytes()));
    }
    archive(&members)
}

fn texts(texts: &[&str]) -> String {
    let items: String = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    format!(
        r#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{items}</sst>"#
    )
}

/// A document of these objects, the first of which is its catalogue.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(bytes.len());
        bytes.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = bytes.len();
    let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for place in places {
        writeln!(end, "{place:010} 00000 n ").unwrap();
    }
    write!(end, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).unwrap();
    bytes.extend(end.bytes());
    bytes
}

const FONT: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// A document of one page with this content.
fn page(content: &str) -> Vec<u8> {
    pdf(&page_objects(content))
}

fn page_objects(content: &str) -> Vec<String> {
    vec![
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] >>".into(),
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".into(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        FONT.into(),
    ]
}

#[test]
fn a_sheet_becomes_csv_with_its_rows_where_they_were() {
    let rows = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
        <row r="3"><c r="A3" t="s"><v>2</v></c><c r="B3" t="str"><f>A1&amp;"x"</f><v>greeting</v></c></row>
        <row r="4"><c r="A4" t="inlineStr"><is><t>say "hi"</t></is></c><c r="D4"><v>7</v></c></row>"#;
    let file = workbook(rows, &texts(&["text", "intent", "hello, there"]));
    assert_eq!(
        extract(Document::Xlsx, &file).unwrap(),
        "text,intent\n\n\"hello, there\",greeting\n\"say \"\"hi\"\"\",,,7\n"
    );
}

/// A workbook of these sheets: a name, what else its entry says, and its rows.
fn workbook_of(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut entries = String::new();
    let mut relations = String::new();
    let mut members = Vec::new();
    for (number, (name, more, rows)) in (1..).zip(sheets) {
        write!(entries, r#"<sheet name="{name}" sheetId="{number}" r:id="rId{number}"{more}/>"#).unwrap();
        let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet";
        write!(relations, r#"<Relationship Id="rId{number}" Type="{kind}" Target="worksheets/sheet{number}.xml"/>"#)
            .unwrap();
        let sheet = format!(
            r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
        );
        members.push((format!("xl/worksheets/sheet{number}.xml"), sheet));
    }
    let entry = r#"<sheet name="One" sheetId="1" r:id="rId1"/>"#;
    members.push(("xl/workbook.xml".into(), WORKBOOK.replace(entry, &entries)));
    let start = RELATIONS.find("<Relationship ").unwrap();
    members.push(("xl/_rels/workbook.xml.rels".into(), format!("{}{relations}</Relationships>", &RELATIONS[..start])));
    members.push(("_rels/.rels".into(), PACKAGE.into()));
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    archive(&members)
}

fn row(number: u32, cells: &[(&str, &str)]) -> String {
    let cell =
        |(column, text): &(&str, &str)| format!(r#"<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    format!(r#"<row r="{number}">{}</row>"#, cells.iter().map(cell).collect::<String>())
}

#[test]
fn sheets_with_the_same_header_follow_each_other_and_hidden_ones_are_not_read() {
    let header = |third| row(1, &[("A", third), ("B", "Answer")]);
    let one =
        header("Question") + &row(3, &[("A", "Ash?"), ("B", "Yes.")]) + &row(4, &[("A", "Oak?"), ("XFD", "stray")]);
    let two = row(1, &[]) + &row(3, &[("A", "question"), ("B", "Answer")]) + &row(4, &[("A", "Pine?"), ("B", "No.")]);
    let file = workbook_of(&[
        ("Old", r#" state="hidden""#, &(header("Question") + &row(2, &[("A", "Elm?")]))),
        ("Empty", "", ""),
        ("Wood", "", &one),
        ("Prices", "", &row(1, &[("A", "Item"), ("B", "Price")])),
        ("More wood", "", &two),
    ]);
    assert_eq!(extract(Document::Xlsx, &file).unwrap(), "Question,Answer\n\nAsh?,Yes.\nOak?\nPine?,No.\n");
}

#[test]
fn a_sheet_is_read_like_any_table() {
    let rows = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
        <row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>3</v></c></row>"#;
    let bytes = workbook(rows, &texts(&["question", "answer", "how long?", "two days"]));
    let file = File::open(bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!(Document::of(file.prefix()), Some(Document::Xlsx));
    let text = extract(Document::Xlsx, &bytes).unwrap();
    let file = file.replaced_by(text.as_bytes(), Document::Xlsx.format(), &Limits::default()).unwrap();
    let mut records = Records::of(file, Kind::Faq, &Options::default()).unwrap();
    assert_eq!(records.next().unwrap().unwrap().unwrap().reply.as_deref(), Some("two days"));
    assert_eq!(records.facts().format, romashka_ingest::Format::Xlsx);
}

#[test]
fn a_document_becomes_its_words() {
    let text = extract(Document::Pdf, &page("BT /F1 12 Tf 72 700 Td (Returns within 30 days) Tj ET")).unwrap();
    assert!(text.contains("Returns within 30 days"), "{text}");
}

#[test]
fn lines_that_the_page_broke_are_put_together_and_headings_stay_alone() {
    let text = extract(Document::Pdf, include_bytes!("samples/returns.pdf")).unwrap();
    let paragraphs: Vec<_> = text.split_terminator("\n\n").collect();
    assert_eq!(paragraphs.len(), 6, "{text}");
    assert_eq!((paragraphs[0], paragraphs[4]), ("Returns", "Damaged goods"));
    assert!(paragraphs[1].ends_with("add the slip that came with it, and hand it in at any post office."), "{text}");
}

#[test]
fn of_a_workbook_the_first_sheet_with_anything_in_it_is_read() {
    let text = extract(Document::Xlsx, include_bytes!("samples/faq.xlsx")).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(text.starts_with("question,answer,category\nCan I change my order?,"), "{text}");
    assert!(!text.contains("internal"));
}

#[test]
fn a_document_without_a_word_and_one_with_a_password_say_so() {
    assert_eq!(refusal(Document::Pdf, &page("0 0 m 100 100 l S")), "no_text");
    let standard = "<< /Filter /Standard /V 1 /R 2 /O (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) /U (bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb) /P -4 >>";
    let mut objects = page_objects("BT (x) Tj ET");
    objects.push(standard.into());
    let encrypted = String::from_utf8(pdf(&objects)).unwrap();
    let encrypted = encrypted.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 6 0 R /ID [(a) (b)]");
    assert_eq!(refusal(Document::Pdf, encrypted.as_bytes()), "encrypted_document");
}

/// A document of Word with this body.
fn word(body: &str) -> Vec<u8> {
    let space = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main""#;
    let document = format!(r#"<?xml version="1.0"?><w:document {space}><w:body>{body}</w:body></w:document>"#);
    let styles = format!(
        r#"<w:styles {space}><w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>"#
    );
    archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
    ])
}

#[test]
fn a_document_of_word_is_cut_at_its_headings() {
    let body = r#"<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Care</w:t></w:r></w:p>
        <w:p><w:pPr><w:pPrChange><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr></w:pPrChange></w:pPr><w:r><w:t xml:space="preserve">Oil &amp; </w:t></w:r><w:r><w:t>wax.</w:t><w:br/><w:t>Twice.</w:t></w:r>
        <w:del><w:r><w:delText>SECRET</w:delText></w:r></w:del></w:p>
        <w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Stains</w:t></w:r></w:p>
        <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>sand it</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>tea</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>salt</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"#;
    let bytes = word(body);
    let file = File::open(bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!(Document::of(file.prefix()), Some(Document::Docx));
    let text = extract(Document::Docx, &bytes).unwrap();
    assert_eq!(text, "# Care\n\nOil & wax.\nTwice.\n\n## Stains\n\n- sand it\n\ntea | salt\n\n");
    let file = file.replaced_by(text.as_bytes(), Document::Docx.format(), &Limits::default()).unwrap();
    let records = Records::of(file, Kind::Knowledge, &Options::default()).unwrap();
    let titles: Vec<String> = records.map(|row| row.unwrap().unwrap().text).collect();
    assert_eq!(titles, ["Care", "Care › Stains"]);
    assert_eq!(refusal(Document::Docx, &word("<w:p/>")), "no_text");
}

/// What some of them must be refused for; a bomb may find either bound first.
const EXPECTED: &[(&str, &[&str])] = &[
    ("a billion laughs", &["broken_document"]),
    ("an external entity", &["broken_document"]),
    ("a document of word with entities", &["broken_document"]),
    ("a zip bomb of paragraphs", &["document_too_large", "document_too_slow"]),
    ("a zip bomb of shared texts", &["document_too_large", "document_too_slow"]),
    ("a zip bomb of cells", &["document_too_large", "document_too_slow"]),
    ("a cell in the last column", &["empty_file"]),
    ("a claim of four billion shared texts", &["document_too_large"]),
    ("a form that draws itself", &["document_too_large", "broken_document"]),
    ("a million saved states", &["document_too_large", "broken_document"]),
];

/// Every hostile document, by name.
fn hostile() -> Vec<(String, Document, Vec<u8>)> {
    let mut files: Vec<(String, Document, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, document: Document, bytes: Vec<u8>| files.push((name.to_owned(), document, bytes));
    let xlsx = Document::Xlsx;
    let one_cell = r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#;
    add("a billion laughs", xlsx, {
        let mut entities = String::from(r#"<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a0 "ha">"#);
        for level in 1..10 {
            let below = format!("&a{};", level - 1).repeat(10);
            write!(entities, r#"<!ENTITY a{level} "{below}">"#).unwrap();
        }
        workbook(one_cell, &format!("{entities}]><sst><si><t>&a9;</t></si></sst>"))
    });
    add("a document of word with entities", Document::Docx, {
        let document = r#"<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><d><p>&b;</p></d>"#;
        archive(&[("word/document.xml", document.as_bytes())])
    });
    add("a zip bomb of paragraphs", Document::Docx, {
        let paragraphs = "<w:p><w:r><w:t>aaaaaaaaaaaaaaaa</w:t></w:r></w:p>".repeat(6_000_000);
        archive(&[("word/document.xml", format!("<w:d xmlns:w=\"w\">{paragraphs}</w:d>").as_bytes())])
    });
    add("a million open paragraphs", Document::Docx, {
        archive(&[("word/document.xml", "<p><tr><tc>".repeat(1_000_000).as_bytes())])
    });
    add("an external entity", xlsx, {
        let texts = r#"<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst><si><t>&x;</t></si></sst>"#;
        workbook(one_cell, texts)
    });
    add("a zip bomb of shared texts", xlsx, workbook(one_cell, &texts(&[&"a".repeat(300 << 20)])));
    add(
        "a zip bomb of cells",
        xlsx,
        workbook(&r#"<row><c t="inlineStr"><is><t>aaaaaaaaaaaaaaaa</t></is></c></row>"#.repeat(5 << 20), ""),
    );
    add("a cell in the last column", xlsx, workbook(r#"<row r="1"><c r="XFD1"><v>1</v></c></row>"#, ""));
    add("a cell beyond every sheet", xlsx, workbook(r#"<row r="1"><c r="ZZZZZZ99999999999"><v>1</v></c></row>"#, ""));
    add(
        "a dimension of a billion cells",
        xlsx,
        raw_workbook(
            r#"<worksheet><dimension ref="A1:XFD1048576"/><sheetData><row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>"#,
            "",
        ),
    );
    add(
        "rows that go backwards",
        xlsx,
        workbook(r#"<row r="9"><c r="A9"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>"#, ""),
    );
    add(
        "a shared text that is not there",
        xlsx,
        workbook(r#"<row r="1"><c r="A1" t="s"><v>4000000000</v></c></row>"#, &texts(&["x"])),
    );
    add(
        "a claim of four billion shared texts",
        xlsx,
        workbook(one_cell, r#"<sst uniqueCount="4294967295"><si><t>x</t></si></sst>"#),
    );
    add(
        "a claim of more texts than there are numbers",
        xlsx,
        workbook(one_cell, r#"<sst uniqueCount="18446744073709551615"><si><t>x</t></si></sst>"#),
    );
    add("elements a million deep", xlsx, workbook(&"<row>".repeat(1_000_000), ""));
    add("XML that never closes", xlsx, workbook(r#"<row r="1"><c r="A1"><v>"#, ""));
    add(
        "a cell of NUL bytes",
        xlsx,
        workbook("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>\0\0\0</t></is></c></row>", ""),
    );
    add("an archive of nothing", xlsx, archive(&[]));
    add("an archive of something else", xlsx, archive(&[("word/document.xml", b"<w/>")]));
    add(
        "a member that climbs out",
        xlsx,
        archive(&[("../../etc/passwd", b"x"), ("xl/workbook.xml", WORKBOOK.as_bytes())]),
    );
    add("ten thousand members", xlsx, {
        let names: Vec<String> = (0..10_000).map(|number| format!("xl/worksheets/s{number}.xml")).collect();
        archive(&names.iter().map(|name| (name.as_str(), &b"<x/>"[..])).collect::<Vec<_>>())
    });
    let good = workbook(r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#, &texts(&["text"]));
    for share in 1..20 {
        add(&format!("a workbook cut after {share} twentieths"), xlsx, good[..good.len() * share / 20].to_vec());
    }
    for place in 0..20 {
        let mut bytes = good.clone();
        let at = bytes.len() * place / 20;
        bytes[at] ^= 0x55;
        add(&format!("a workbook with a wrong byte at {place} twentieths"), xlsx, bytes);
    }

    let document = Document::Pdf;
    let catalog = || "<< /Type /Catalog /Pages 2 0 R >>".to_owned();
    add(
        "pages that are their own children",
        document,
        pdf(&[catalog(), "<< /Type /Pages /Kids [2 0 R] /Count 1 >>".into()]),
    );
    add(
        "pages that are each other's children",
        document,
        pdf(&[
            catalog(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".into(),
            "<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 1 >>".into(),
        ]),
    );
    add(
        "a million pages that are one",
        document,
        pdf(&[
            catalog(),
            format!("<< /Type /Pages /Kids [{}] /Count 1000000 >>", "3 0 R ".repeat(1_000_000)),
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>".into(),
            "<< /Length 0 >>\nstream\n\nendstream".into(),
        ]),
    );
    add("arrays a million deep", document, pdf(&["[".repeat(1_000_000)]));
    add("dictionaries a million deep", document, pdf(&["<< /A ".repeat(1_000_000)]));
    add("content nested a million deep", document, page(&"[".repeat(1_000_000)));
    add("a million saved states", document, page(&"q ".repeat(1_000_000)));
    add("a form that draws itself", document, pdf(&[
        catalog(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] >>".into(),
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>".into(),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".into(),
        "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >> /Length 5 >>\nstream\n/X Do\nendstream".into(),
    ]));
    add(
        "a font that is its own descendant",
        document,
        pdf(&[
            catalog(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] >>".into(),
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".into(),
            "<< /Length 31 >>\nstream\nBT /F1 12 Tf 7 7 Td (words) Tj ET\nendstream".into(),
            "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [5 0 R] >>".into(),
        ]),
    );
    add(
        "a length that refers to itself",
        document,
        pdf(&[
            catalog(),
            "<< /Type /Pages /Kids [] /Count 0 >>".into(),
            "<< /Length 3 0 R >>\nstream\nx\nendstream".into(),
        ]),
    );
    add(
        "a length of four billion",
        document,
        pdf(&[
            catalog(),
            "<< /Type /Pages /Kids [] /Count 0 >>".into(),
            "<< /Length 4294967295 >>\nstream\nx\nendstream".into(),
        ]),
    );
    add("a table of nine billion objects", document, b"%PDF-1.4\nxref\n0 9999999999\n0000000000 65535 f \ntrailer\n<< /Size 9999999999 /Root 1 0 R >>\nstartxref\n9\n%%EOF".to_vec());
    add(
        "a table that comes before itself",
        document,
        b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Root 1 0 R /Prev 9 >>\nstartxref\n9\n%%EOF"
            .to_vec(),
    );
    add("a start beyond the end", document, b"%PDF-1.4\nstartxref\n99999999999999999999\n%%EOF".to_vec());
    add("a header and nothing else", document, b"%PDF-1.7".to_vec());
    add("a header and noise", document, {
        let noise = (0..200_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes());
        b"%PDF-1.7\n".iter().copied().chain(noise).collect()
    });
    add("a bomb of zeros", document, {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        for _ in 0..300 {
            encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let stream = encoder.finish().unwrap();
        let mut bytes = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 9 9] >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>\nendobj\n".to_vec();
        bytes.extend(format!("4 0 obj\n<< /Filter /FlateDecode /Length {} >>\nstream\n", stream.len()).bytes());
        bytes.extend(stream);
        bytes.extend(b"\nendstream\nendobj\ntrailer\n<< /Size 5 /Root 1 0 R >>\n%%EOF");
        bytes
    });
    let good = page("BT /F1 12 Tf 72 700 Td (Returns within 30 days) Tj ET");
    for share in 1..20 {
        add(&format!("a document cut after {share} twentieths"), document, good[..good.len() * share / 20].to_vec());
    }
    for place in 0..20 {
        let mut bytes = good.clone();
        let at = bytes.len() * place / 20;
        bytes[at] ^= 0x11;
        add(&format!("a document with a wrong byte at {place} twentieths"), document, bytes);
    }
    files
}

#[test]
fn every_hostile_document_is_read_or_refused_by_name_and_costs_nobody_else_anything() {
    let files = hostile();
    assert!(files.len() >= 100, "{}", files.len());
    let good = page("BT /F1 12 Tf 72 700 Td (Returns within 30 days) Tj ET");
    for (at, (name, document, bytes)) in files.iter().enumerate() {
        match extract(*document, bytes) {
            Ok(text) => assert!(text.len() < 2_000_000, "{name} gave {} bytes", text.len()),
            Err(FileError::Document { code, why }) => {
                assert!(!code.is_empty() && why.len() > 20 && !why.contains("/etc"), "{name}: {code} {why}");
            }
            Err(other) => panic!("{name}: {other}"),
        }
        if let Some((_, expected)) = EXPECTED.iter().find(|(expected, _)| expected == name) {
            assert!(expected.contains(&refusal(*document, bytes)), "{name}");
        }
        if at % 20 == 0 {
            assert!(extract(Document::Pdf, &good).is_ok(), "a sibling of {name}");
        }
    }
}

#[test]
fn a_reader_who_stops_reading_leaves_no_child_behind() {
    let rows = r#"<row><c t="inlineStr"><is><t>aaaaaaaaaaaaaaaa</t></is></c></row>"#.repeat(100_000);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&workbook(&rows, "")).unwrap();
    file.rewind().unwrap();
    let mut text = Sandbox::of(env!("CARGO_BIN_EXE_extract")).extract(Document::Xlsx, file).unwrap();
    let mut first = [0; 10];
    text.read_exact(&mut first).unwrap();
    let started = Instant::now();
    drop(text);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_refusal_reaches_the_reader_of_rows() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"%PDF-1.7").unwrap();
    file.rewind().unwrap();
    let text = Sandbox::of(env!("CARGO_BIN_EXE_extract")).extract(Document::Pdf, file).unwrap();
    let opened = File::open(text, &Limits::default());
    assert!(matches!(opened.err(), Some(Stop::Refused(FileError::Document { code: "broken_document", .. }))));
}
