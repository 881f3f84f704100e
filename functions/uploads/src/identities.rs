//! Which rows a tenant has sent before.
//!
//! A row is known by 64 bits of a hash. Each upload, or piece of a large one, keeps a sorted list of its own; all uploads of a
//! kind together keep one, into which an upload's are merged once it is ready. That list is a union, so merging twice changes
//! nothing, and it is written only over what was read. Two files that are read at the same moment do not see each other, and
//! training counts equal rows once in any case.

use romashka_domain::UploadId;
use romashka_domain::upload::{Repeated, Upload};
use romashka_store::objects::{Object, Tag};
use romashka_store::{Error, TenantStore};
use romashka_worker::Failure;

/// Bytes of an identity.
const BYTES: usize = 8;
/// Rows that are remembered of one kind: 64 MiB. What comes after them is taken for new.
const MOST_KNOWN: usize = 8 << 20;
/// Times that a list is merged anew because others wrote theirs.
const ATTEMPTS: u32 = 20;

/// Keeps which rows a piece holds.
pub(crate) async fn keep(store: &TenantStore, id: UploadId, piece: u32, sorted: &[u64]) -> Result<(), Error> {
    store.objects().put(&Object::Identities(id, piece), encode(sorted)).await
}

/// How many rows of an upload stand in it, or in an earlier one, already.
pub(crate) async fn repeated(store: &TenantStore, upload: &Upload) -> Result<Repeated, Failure> {
    let (distinct, all) = of_upload(store, upload).await?;
    let known = known(store, upload).await?.map(|(known, _)| known).unwrap_or_default();
    Ok(Repeated { in_the_file: all - distinct.len() as u64, known: common(&distinct, &known) })
}

/// Adds an upload's rows to those that are known.
pub(crate) async fn remember(store: &TenantStore, upload: &Upload) -> Result<(), Failure> {
    let (own, _) = of_upload(store, upload).await?;
    for _ in 0..ATTEMPTS {
        let (known, tag) = known(store, upload).await?.map_or((Vec::new(), None), |(known, tag)| (known, Some(tag)));
        let all = merged(&known, &own);
        if all.len() == known.len() || all.len() > MOST_KNOWN {
            return Ok(());
        }
        if store.objects().put_unless_changed(&Object::Known(upload.kind), encode(&all), tag.as_ref()).await? {
            return Ok(());
        }
    }
    // The message comes back.
    Err(Failure::Busy("list of rows"))
}

/// The distinct rows of an upload, and how many there were with those that stand in several pieces.
async fn of_upload(store: &TenantStore, upload: &Upload) -> Result<(Vec<u64>, u64), Failure> {
    let mut all = Vec::new();
    for piece in 0..u32::try_from(upload.pieces.len().max(1)).unwrap_or(u32::MAX) {
        if let Some(list) = store.objects().get(&Object::Identities(upload.id, piece)).await? {
            all.extend(decode(&list)?);
        }
    }
    let count = all.len() as u64;
    all.sort_unstable();
    all.dedup();
    Ok((all, count))
}

async fn known(store: &TenantStore, upload: &Upload) -> Result<Option<(Vec<u64>, Tag)>, Failure> {
    match store.objects().get_tagged(&Object::Known(upload.kind)).await? {
        Some((list, tag)) => Ok(Some((decode(&list)?, tag))),
        None => Ok(None),
    }
}

fn encode(sorted: &[u64]) -> Vec<u8> {
    sorted.iter().flat_map(|identity| identity.to_le_bytes()).collect()
}

fn decode(list: &[u8]) -> Result<Vec<u64>, Failure> {
    let (identities, rest) = list.as_chunks::<BYTES>();
    if !rest.is_empty() {
        return Err(Failure::Unreadable("a list of rows is cut off".to_owned()));
    }
    Ok(identities.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
}

/// How many of one sorted list stand in another.
fn common(some: &[u64], others: &[u64]) -> u64 {
    let mut others = others.iter().peekable();
    let is_there = |identity: &&u64| {
        while others.next_if(|other| other < identity).is_some() {}
        others.peek() == Some(identity)
    };
    some.iter().filter(is_there).count() as u64
}

/// Both sorted lists as one.
fn merged(some: &[u64], others: &[u64]) -> Vec<u64> {
    let mut all = Vec::with_capacity(some.len() + others.len());
    all.extend_from_slice(some);
    all.extend_from_slice(others);
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_lists_share_is_counted_and_their_union_has_it_once() {
        let (some, others) = ([1, 3, 5, 9], [2, 3, 4, 9, 12]);
        assert_eq!((common(&some, &others), common(&others, &some), common(&some, &[])), (2, 2, 0));
        assert_eq!(merged(&some, &others), [1, 2, 3, 4, 5, 9, 12]);
        assert_eq!(decode(&encode(&some)).unwrap(), some);
        assert!(decode(&[1, 2, 3]).is_err());
    }
}
