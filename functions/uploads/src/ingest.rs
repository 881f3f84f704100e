//! Reads an uploaded file.
//!
//! S3 tells the ingest queue of every object below `raw/`. The same event may come twice, late, or after a
//! crash. Which file it is about is known by the object's key and version, never by the message; a claim keeps two
//! readers apart; and whatever is read again is cut into the same parts and written to the same places. A large file is cut
//! into pieces, each a message of its own; whoever reads the last one ends the upload.

use std::io::{self, Read};
use std::ops::Range;
use std::time::{Duration, Instant};

use aws_lambda_events::s3::S3Event;
use percent_encoding::percent_decode_str;
use romashka_domain::upload::{PieceRead, Upload};
use romashka_domain::{Fault, UploadId};
use romashka_ingest::errors::write_csv;
use romashka_ingest::pieces::{self, Piece, Pieces};
use romashka_ingest::redaction::Redactor;
use romashka_ingest::{Continuation, ErrorLog, FileError, Limits, Options, RowError, Stop};
use romashka_store::claims::{Claim, Claimed};
use romashka_store::objects::{Object, parse_raw_key};
use romashka_store::queues::{Envelope, IngestTask, PieceTask};
use romashka_store::{ChangeError, Cloud, TenantStore};
use romashka_worker::{Failure, Message, lease_seconds};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::SyncIoBridge;
use tracing::Instrument;

use crate::identities;
use crate::reading::{self, End, Part};

/// Parts that may wait between the reader and S3, so that a slow network slows the reader and memory stays bounded.
const PARTS_IN_FLIGHT: usize = 2;

/// From how many bytes on a file is cut, if it can be.
const CUT_FROM_BYTES: u64 = 64 << 20;

/// Bytes of a piece.
const PIECE_BYTES: u64 = 32 << 20;

/// Rows of a file, or of a piece of one.
const MAX_ROWS: u64 = 5_000_000;

/// How often progress is noted at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Reads what one message is about: files that S3 says have come, a file that was committed, or a piece of a large one.
pub async fn ingest(cloud: Cloud, message: Message) -> Result<(), Failure> {
    let unreadable = |error: serde_json::Error| Failure::Unreadable(format!("{:?}", error.classify()));
    let body: serde_json::Value = serde_json::from_str(&message.body).map_err(unreadable)?;
    if body.get("task").is_some() {
        let envelope: Envelope<IngestTask> = serde_json::from_value(body).map_err(unreadable)?;
        let file = Arrived { id: envelope.task.upload_id, version: envelope.task.version, subject: "task".to_owned() };
        return ingest_file(&cloud.tenant(envelope.tenant), file, envelope.task.piece, message.is_last_delivery).await;
    }
    // S3 greets a new queue with a test event, which has no records.
    if body.get("Records").is_none() {
        return Ok(());
    }
    let event: S3Event = serde_json::from_value(body).map_err(unreadable)?;
    for record in event.records {
        let object = record.s3.object;
        let key = object.key.unwrap_or_default();
        let Some((tenant, id)) = parse_raw_key(&decoded(&key)) else {
            return Err(Failure::Unreadable("the key names no upload".to_owned()));
        };
        let version = object.version_id.filter(|version| version != "null");
        // Without versions in the bucket, the sequencer tells one write of a key from the next.
        let subject = version.clone().or(object.sequencer).unwrap_or_default();
        let file = Arrived { id, version, subject };
        ingest_file(&cloud.tenant(tenant), file, None, message.is_last_delivery).await?;
    }
    Ok(())
}

/// A file that is there.
struct Arrived {
    id: UploadId,
    version: Option<String>,
    /// What tells this occasion to read it from another.
    subject: String,
}

async fn ingest_file(
    store: &TenantStore,
    file: Arrived,
    piece: Option<PieceTask>,
    is_last_delivery: bool,
) -> Result<(), Failure> {
    let id = file.id;
    let Some(upload) = store.uploads().get(id).await? else {
        return Err(Failure::Unreadable("the upload was never announced".to_owned()));
    };
    let span = romashka_telemetry::correlated("uploads.ingest", Some(store.tenant()), &upload.correlation_id);
    async {
        if upload.state.is_final() {
            tracing::info!(upload_id = %id, "a second delivery: the upload has ended already");
            return if upload.state.is_usable() { identities::remember(store, &upload).await } else { Ok(()) };
        }
        if upload.awaits_commit() {
            let arrive = |upload: &mut Upload| {
                upload.arrive(store.now());
                Ok(())
            };
            store.uploads().change(id, arrive).await?;
            return Ok(());
        }
        // The whole file, which may yet be cut, and each piece of it.
        let place = piece.as_ref().map_or_else(|| id.to_string(), |piece| format!("{id}#{}", piece.index));
        let claim = Claim::new("ingest", place, file.subject);
        match store.claims().take(&claim, lease_seconds()).await? {
            Claimed::Granted => {
                let done = match piece {
                    Some(piece) => read_piece(store, &upload, file.version.as_deref(), piece).await,
                    None => read_or_cut(store, &upload, file.version).await,
                };
                // Whoever is given the message next need not wait for a lease whose holder has given up.
                store.claims().release(&claim).await?;
                if done.is_err() && is_last_delivery {
                    let fault =
                        Fault::new("gave_up", "the file could not be read in several attempts; upload it again");
                    fail(store, id, fault).await?;
                }
                done
            }
            Claimed::Busy => Err(Failure::Busy("upload")),
        }
    }
    .instrument(span)
    .await
}

/// A key as S3 writes it into events: form-encoded.
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// What hides personal data as the tenant wants it.
pub(crate) async fn redactor(store: &TenantStore) -> Result<Redactor, romashka_store::Error> {
    let policy = store.redaction().policy().await?;
    // What was decided was checked then; should it not hold any more, everything is hidden.
    Ok(Redactor::new(&policy.settings).unwrap_or_default())
}

async fn options(store: &TenantStore, upload: &Upload) -> Result<Options, Failure> {
    let limits = Limits { rows: MAX_ROWS, ..Limits::default() };
    Ok(Options { limits, redactor: redactor(store).await?, mapping: upload.mapping.clone(), continues: None })
}

/// Reads a file, or cuts it into pieces that are read at the same time.
async fn read_or_cut(store: &TenantStore, upload: &Upload, version: Option<String>) -> Result<(), Failure> {
    let id = upload.id;
    let upload = store.uploads().change(id, |upload| upload.begin_ingestion(store.now())).await?;
    let options = options(store, &upload).await?;
    if upload.size_bytes >= CUT_FROM_BYTES {
        let Some(file) = open(store, id, version.as_deref(), None).await? else { return gone(store, id).await };
        let (kind, options) = (upload.kind, options.clone());
        let cut = tokio::task::spawn_blocking(move || pieces::cut(file, kind, &options, PIECE_BYTES));
        match cut.await.map_err(|_| Failure::Panicked)? {
            Ok(Some(cut)) => return send_pieces(store, &upload, version, cut).await,
            // Why a file is refused is told by reading it.
            Ok(None) | Err(Stop::Refused(_)) => {}
            Err(Stop::Failed(error)) => return Err(stopped(&error)),
        }
    }
    let started = Instant::now();
    let Some(file) = open(store, id, version.as_deref(), None).await? else { return gone(store, id).await };
    match read(store, &upload, file, options, Reading { first_part: 0, notes_progress: true }).await? {
        Ok(end) => {
            identities::keep(store, id, 0, &end.identities).await?;
            let note = |upload: &mut Upload| upload.progress(end.reached.clone(), store.now());
            complete(store, id, end.errors, note).await?;
        }
        Err(refusal) => fail(store, id, Fault::new(refusal.code(), refusal.to_string())).await?,
    }
    tracing::info!(upload_id = %id, millis = started.elapsed().as_millis() as u64, "the file is read");
    Ok(())
}

async fn send_pieces(
    store: &TenantStore,
    upload: &Upload,
    version: Option<String>,
    cut: Pieces,
) -> Result<(), Failure> {
    let begin = |upload: &mut Upload| {
        upload.begin_pieces(cut.facts.clone(), cut.pieces.len(), store.now());
        Ok(())
    };
    let upload = store.uploads().change(upload.id, begin).await?;
    let task = |(index, piece): (u32, &Piece)| IngestTask {
        upload_id: upload.id,
        version: version.clone(),
        piece: Some(PieceTask {
            index,
            start: piece.bytes.start,
            end: piece.bytes.end,
            header_bytes: cut.header_bytes,
            first_row: piece.first_row,
            facts: cut.facts.clone(),
        }),
    };
    let is_missing = |(index, _): &(u32, &Piece)| upload.pieces.get(*index as usize).is_some_and(Option::is_none);
    let tasks: Vec<_> = (0..).zip(&cut.pieces).filter(is_missing).map(task).collect();
    tracing::info!(upload_id = %upload.id, pieces = cut.pieces.len(), "the file is cut");
    store.queues().send(&upload.correlation_id, tasks).await?;
    complete_if_whole(store, &upload).await
}

async fn read_piece(
    store: &TenantStore,
    upload: &Upload,
    version: Option<&str>,
    piece: PieceTask,
) -> Result<(), Failure> {
    let started = Instant::now();
    let (id, index) = (upload.id, piece.index);
    let is_read = upload.pieces.get(index as usize).is_some_and(Option::is_some);
    if is_read {
        tracing::info!(upload_id = %id, piece = index, "a second delivery: the piece is read already");
        return complete_if_whole(store, upload).await;
    }
    let header = open(store, id, version, Some(0..piece.header_bytes)).await?;
    let rows = open(store, id, version, Some(piece.start..piece.end)).await?;
    let (Some(header), Some(rows)) = (header, rows) else { return gone(store, id).await };
    let continues = Some(Continuation { facts: piece.facts, first_row: piece.first_row });
    let options = Options { continues, ..options(store, upload).await? };
    let reading = Reading { first_part: Upload::first_part(index), notes_progress: false };
    let end = match read(store, upload, header.chain(rows), options, reading).await? {
        Ok(end) => end,
        // Blank rows only.
        Err(FileError::NoRows) => End::default(),
        Err(refusal) => return fail(store, id, Fault::new(refusal.code(), refusal.to_string())).await,
    };
    identities::keep(store, id, index, &end.identities).await?;
    let errors = serde_json::to_vec(&end.errors).map_err(|error| Failure::Unreadable(error.to_string()))?;
    store.objects().put(&Object::PieceErrors(id, index), errors).await?;
    let read = PieceRead {
        rows: end.reached.rows,
        redacted: end.reached.redacted,
        bytes_read: piece.end - piece.start,
        parts: end.reached.parts,
    };
    let note = |upload: &mut Upload| {
        if !upload.state.is_final() {
            upload.read_piece(index as usize, read.clone(), store.now());
        }
        Ok(())
    };
    let upload = store.uploads().change(id, note).await?;
    let millis = started.elapsed().as_millis() as u64;
    tracing::info!(upload_id = %id, piece = index, millis, "a piece is read");
    complete_if_whole(store, &upload).await
}

/// Ends an upload once every piece of it is read. Any delivery of any piece may ask: it ends once.
async fn complete_if_whole(store: &TenantStore, upload: &Upload) -> Result<(), Failure> {
    if upload.state.is_final() || !upload.is_whole() {
        return Ok(());
    }
    let mut errors = ErrorLog::new(Limits::default().errors);
    for piece in 0..u32::try_from(upload.pieces.len()).unwrap_or(u32::MAX) {
        let Some(list) = store.objects().get(&Object::PieceErrors(upload.id, piece)).await? else { continue };
        let list: Vec<RowError> =
            serde_json::from_slice(&list).map_err(|error| Failure::Unreadable(format!("{:?}", error.classify())))?;
        list.into_iter().for_each(|error| errors.push(error));
    }
    complete(store, upload.id, errors.into_kept(), |_| {}).await
}

/// The bytes of a file, or some of them.
type Bytes = SyncIoBridge<Box<dyn AsyncRead + Send + Unpin>>;

async fn open(
    store: &TenantStore,
    id: UploadId,
    version: Option<&str>,
    bytes: Option<Range<u64>>,
) -> Result<Option<Bytes>, Failure> {
    let objects = store.objects();
    let stream = match bytes {
        Some(bytes) => objects.stream_range(&Object::Raw(id), version, bytes).await?,
        None => objects.stream(&Object::Raw(id), version).await?,
    };
    Ok(stream.map(|stream| SyncIoBridge::new(Box::new(stream.into_async_read()) as Box<_>)))
}

async fn gone(store: &TenantStore, id: UploadId) -> Result<(), Failure> {
    fail(store, id, Fault::new("file_gone", "the file was deleted before it was read; upload it again")).await
}

fn stopped(error: &io::Error) -> Failure {
    Failure::Unreadable(format!("reading stopped: {:?}", error.kind()))
}

/// How a file or a piece of it is read.
#[derive(Clone, Copy)]
struct Reading {
    first_part: u32,
    /// Whether how far it came is noted in between.
    notes_progress: bool,
}

/// Reads rows and writes their parts; the inner error is why the file is refused.
async fn read(
    store: &TenantStore,
    upload: &Upload,
    file: impl Read + Send + 'static,
    options: Options,
    how: Reading,
) -> Result<Result<End, FileError>, Failure> {
    let (send, parts) = mpsc::channel(PARTS_IN_FLIGHT);
    let kind = upload.kind;
    let reading = tokio::task::spawn_blocking(move || {
        let give = |part| send.blocking_send(part).map_err(|_| io::Error::other("the writer is gone"));
        reading::read(file, kind, &options, how.first_part, give)
    });
    let written = write_parts(store, upload.id, parts, how.notes_progress).await;
    let read = reading.await.map_err(|_| Failure::Panicked)?;
    written?;
    match read {
        Ok(end) => Ok(Ok(end)),
        Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stop::Failed(error)) => Err(stopped(&error)),
    }
}

async fn write_parts(
    store: &TenantStore,
    id: UploadId,
    mut parts: mpsc::Receiver<Part>,
    notes_progress: bool,
) -> Result<(), Failure> {
    let mut noted = Instant::now();
    while let Some(part) = parts.recv().await {
        store.objects().put(&Object::Part(id, part.number), part.body).await?;
        if notes_progress && noted.elapsed() >= PROGRESS_EVERY {
            noted = Instant::now();
            let note = |upload: &mut Upload| {
                upload.progress(part.reached.clone(), store.now());
                Ok(())
            };
            store.uploads().change(id, note).await?;
        }
    }
    Ok(())
}

/// Ends an upload whose rows are read, and remembers them.
async fn complete(
    store: &TenantStore,
    id: UploadId,
    errors: Vec<RowError>,
    note: impl Fn(&mut Upload),
) -> Result<(), Failure> {
    if !errors.is_empty() {
        store.objects().put(&Object::RowErrors(id), error_list(errors)?).await?;
    }
    let Some(upload) = store.uploads().get(id).await? else { return Ok(()) };
    let repeated = identities::repeated(store, &upload).await?;
    let end = |upload: &mut Upload| {
        note(upload);
        upload.complete(repeated, store.now());
    };
    match finish(store, id, end).await? {
        Some(upload) if upload.state.is_usable() => identities::remember(store, &upload).await,
        _ => Ok(()),
    }
}

async fn fail(store: &TenantStore, id: UploadId, fault: Fault) -> Result<(), Failure> {
    finish(store, id, |upload| upload.fail(fault.clone(), store.now())).await?;
    Ok(())
}

fn error_list(errors: Vec<RowError>) -> Result<Vec<u8>, Failure> {
    let mut list = Vec::new();
    write_csv(errors, &mut list).map_err(|error| Failure::Unreadable(error.to_string()))?;
    Ok(list)
}

/// Ends an upload, unless somebody has ended it already; the upload as it is then, unless it was erased.
async fn finish(store: &TenantStore, id: UploadId, end: impl Fn(&mut Upload)) -> Result<Option<Upload>, Failure> {
    let uploads = store.uploads();
    let changed = uploads.change(id, |upload| {
        if !upload.state.is_final() {
            end(upload);
        }
        Ok(())
    });
    match changed.await {
        Ok(upload) => Ok(Some(upload)),
        // Erased while it was read: nothing is left to do.
        Err(ChangeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_decoded_before_it_is_read() {
        let id = "0190a7f2-7c1e-7d3a-9f00-1234567890ab";
        let read = parse_raw_key(&decoded(&format!("raw/acme%2Deu/{id}")));
        assert_eq!(read, Some(("acme-eu".parse().unwrap(), id.parse().unwrap())));
    }
}
