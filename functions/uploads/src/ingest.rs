//! Reads an uploaded file.
//!
//! S3 tells the ingest queue of every object below `raw/`. The same event may come twice, late, or after a
//! crash. Which file it is about is known by the object's key and version, never by the message; a claim keeps two
//! readers apart; and whatever is read again is cut into the same parts and written to the same places.

use std::io;
use std::time::{Duration, Instant};

use aws_lambda_events::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use romashka_domain::upload::Upload;
use romashka_domain::{Fault, UploadId};
use romashka_ingest::errors::write_csv;
use romashka_ingest::{Options, RowError, Stop};
use romashka_store::claims::{Claim, Claimed};
use romashka_store::objects::{Object, parse_raw_key};
use romashka_store::{ChangeError, Cloud, TenantStore};
use romashka_worker::{Failure, Message, lease_seconds};
use tokio::sync::mpsc;
use tokio_util::io::SyncIoBridge;
use tracing::Instrument;

use crate::reading::{self, End, Part};

/// Parts that may wait between the reader and S3, so that a slow network slows the reader and memory stays bounded.
const PARTS_IN_FLIGHT: usize = 2;

/// How often progress is noted at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Reads the files that one message of S3 is about.
pub async fn ingest(cloud: Cloud, message: Message) -> Result<(), Failure> {
    // S3 greets a new queue with a test event, which has no records.
    if serde_json::from_str::<serde_json::Value>(&message.body).is_ok_and(|event| event.get("Records").is_none()) {
        return Ok(());
    }
    let event: S3Event =
        serde_json::from_str(&message.body).map_err(|error| Failure::Unreadable(format!("{:?}", error.classify())))?;
    for record in event.records {
        ingest_object(&cloud, record, message.is_last_delivery).await?;
    }
    Ok(())
}

async fn ingest_object(cloud: &Cloud, record: S3EventRecord, is_last_delivery: bool) -> Result<(), Failure> {
    let object = record.s3.object;
    let key = object.key.unwrap_or_default();
    let Some((tenant, id)) = parse_raw_key(&decoded(&key)) else {
        return Err(Failure::Unreadable("the key names no upload".to_owned()));
    };
    let store = cloud.tenant(tenant);
    let Some(upload) = store.uploads().get(id).await? else {
        return Err(Failure::Unreadable("the upload was never announced".to_owned()));
    };
    let span = romashka_telemetry::correlated("uploads.ingest", Some(store.tenant()), &upload.correlation_id);
    let version = object.version_id.filter(|version| version != "null");
    // Without versions in the bucket, the sequencer tells one write of a key from the next.
    let subject = version.clone().or(object.sequencer).unwrap_or_default();
    async {
        if upload.state.is_final() {
            tracing::info!(upload_id = %id, "a second delivery: the upload has ended already");
            return Ok(());
        }
        let claim = Claim::new("ingest", id, subject);
        match store.claims().take(&claim, lease_seconds()).await? {
            Claimed::Granted => {
                let done = read_upload(&store, &upload, version.as_deref()).await;
                // Whoever is given the message next need not wait for a lease whose holder has given up.
                store.claims().release(&claim).await?;
                if done.is_err() && is_last_delivery {
                    let fault =
                        Fault::new("gave_up", "the file could not be read in several attempts; upload it again");
                    finish(&store, id, |upload| upload.fail(fault.clone(), store.now())).await?;
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

async fn read_upload(store: &TenantStore, upload: &Upload, version: Option<&str>) -> Result<(), Failure> {
    let started = Instant::now();
    let id = upload.id;
    store.uploads().change(id, |upload| upload.begin_ingestion(store.now())).await?;
    let Some(stream) = store.objects().stream(&Object::Raw(id), version).await? else {
        return finish(store, id, |upload| {
            upload
                .fail(Fault::new("file_gone", "the file was deleted before it was read; upload it again"), store.now());
        })
        .await;
    };
    let (send, parts) = mpsc::channel(PARTS_IN_FLIGHT);
    let kind = upload.kind;
    let reader = SyncIoBridge::new(stream.into_async_read());
    let reading = tokio::task::spawn_blocking(move || {
        let give = |part| send.blocking_send(part).map_err(|_| io::Error::other("the writer is gone"));
        reading::read(reader, kind, &Options::default(), give)
    });
    let written = write_parts(store, id, parts).await;
    let read = reading.await.map_err(|_| Failure::Panicked)?;
    written?;
    match read {
        Ok(end) => complete(store, id, end).await?,
        Err(Stop::Refused(refusal)) => {
            let fault = Fault::new(refusal.code(), refusal.to_string());
            finish(store, id, |upload| upload.fail(fault.clone(), store.now())).await?;
        }
        Err(Stop::Failed(error)) => {
            return Err(Failure::Unreadable(format!("reading stopped: {:?}", error.kind())));
        }
    }
    tracing::info!(upload_id = %id, millis = started.elapsed().as_millis() as u64, "the file is read");
    Ok(())
}

async fn write_parts(store: &TenantStore, id: UploadId, mut parts: mpsc::Receiver<Part>) -> Result<(), Failure> {
    let mut noted = Instant::now();
    while let Some(part) = parts.recv().await {
        store.objects().put(&Object::Part(id, part.number), part.body).await?;
        if noted.elapsed() >= PROGRESS_EVERY {
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

async fn complete(store: &TenantStore, id: UploadId, end: End) -> Result<(), Failure> {
    if !end.errors.is_empty() {
        store.objects().put(&Object::RowErrors(id), error_list(end.errors)?).await?;
    }
    finish(store, id, |upload| {
        upload.progress(end.reached.clone(), store.now());
        upload.complete(store.now());
    })
    .await
}

fn error_list(errors: Vec<RowError>) -> Result<Vec<u8>, Failure> {
    let mut list = Vec::new();
    write_csv(errors, &mut list).map_err(|error| Failure::Unreadable(error.to_string()))?;
    Ok(list)
}

/// Ends an upload, unless somebody has ended it already.
async fn finish(store: &TenantStore, id: UploadId, end: impl Fn(&mut Upload)) -> Result<(), Failure> {
    let uploads = store.uploads();
    let changed = uploads.change(id, |upload| {
        if !upload.state.is_final() {
            end(upload);
        }
        Ok(())
    });
    match changed.await {
        Ok(_) => Ok(()),
        // Erased while it was read: nothing is left to do.
        Err(ChangeError::NotFound(_)) => Ok(()),
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
