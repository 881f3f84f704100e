//! One-time tickets that open a socket: `T#<tenant>#TICKET` / `<SHA-256 of the secret>`.
//!
//! A socket's address ends up in logs and histories, so the token that proves who somebody is must not be in it. A
//! ticket is good once and for half a minute. It reads `<tenant>.<secret>`: the tenant says in whose partition to
//! look, the secret proves that it was given there.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::ReturnValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use romashka_domain::time::after;
use romashka_domain::{Identity, Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::aws;
use crate::table::{Key, Table, Unless, Write, n, read};
use crate::{Cloud, Error, TenantStore};

/// How long a ticket is good for, in seconds.
pub const TICKET_SECONDS: i64 = 30;

/// Tickets of one tenant.
pub struct Tickets<'a> {
    store: &'a TenantStore,
}

/// A ticket as it is handed out.
#[derive(Debug)]
pub struct Ticket {
    /// What to put into the socket's address.
    pub ticket: String,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct TicketRow {
    user: UserId,
    role: Role,
}

impl<'a> Tickets<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// A ticket for this person.
    pub async fn issue(&self, identity: &Identity) -> Result<Ticket, Error> {
        let secret = self.store.ids().secret();
        let expires_at = after(self.store.now(), TICKET_SECONDS);
        let row = TicketRow { user: identity.user.clone(), role: identity.role };
        let write = Write {
            key: key(&self.store.tenant, &secret),
            body: &row,
            entity: None,
            expires_at: Some(expires_at.as_second()),
            unless: Unless::Exists,
        };
        if !Table::open(self.store)?.put(write).await? {
            return Err(Error::Conflict("ticket:issue"));
        }
        let ticket = format!("{}.{}", self.store.tenant, URL_SAFE_NO_PAD.encode(secret));
        Ok(Ticket { ticket, expires_at })
    }
}

/// Uses a ticket up: who it was given to, or `None` where it was never given, is used up or has expired.
pub async fn redeem(cloud: &Cloud, ticket: &str) -> Result<Option<Identity>, Error> {
    let Some((tenant, secret)) = parse(ticket) else { return Ok(None) };
    let store = cloud.tenant(tenant.clone());
    let table = Table::open(&store)?;
    let deleted = table
        .client()
        .delete_item()
        .table_name(table.name())
        .set_key(Some(key(&tenant, &secret).attributes()))
        .condition_expression("expires_at > :now")
        .expression_attribute_values(":now", n(cloud.now().as_second()))
        .return_values(ReturnValue::AllOld)
        .send()
        .await;
    match deleted {
        Ok(output) => {
            let row: Option<TicketRow> = output.attributes.map(|item| read(item, "ticket")).transpose()?;
            // A socket is told what its whole tenant is told: no team matters there.
            Ok(row.map(|row| Identity { tenant, user: row.user, role: row.role, teams: BTreeSet::new() }))
        }
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(None),
        Err(error) => Err(aws("dynamodb:DeleteItem")(error)),
    }
}

fn parse(ticket: &str) -> Option<(TenantId, [u8; 32])> {
    let (tenant, secret) = ticket.split_once('.')?;
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
    Some((tenant.parse().ok()?, secret.try_into().ok()?))
}

fn key(tenant: &TenantId, secret: &[u8; 32]) -> Key {
    Key::new(tenant, "TICKET", hex::encode(Sha256::digest(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_ticket_is_no_ticket() {
        for made_up in ["", ".", "acme", "acme.", "acme.short", "a#b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(parse(made_up).is_none(), "{made_up}");
        }
        assert!(parse("acme.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_some());
    }
}
