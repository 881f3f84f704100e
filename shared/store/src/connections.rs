//! Open sockets: `T#<tenant>#CONNECTION#<connection id>` / `SELF` and … / `TOPIC#<topic>`, and the way back from a
//! topic to its listeners: `T#<tenant>#TOPIC#<topic>` / `<connection id>`.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use romashka_domain::feed::Topic;
use romashka_domain::time::after;
use romashka_domain::{ConnectionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::error::malformed;
use crate::table::{Key, Table, Transacted, Unless, Write};
use crate::{Error, TenantStore};

/// How many topics one socket may listen to.
pub const MAX_TOPICS: usize = 50;

/// API Gateway closes a socket after two hours; rows that outlive theirs vanish after three.
const CONNECTION_SECONDS: i64 = 3 * 3600;

const SELF: &str = "SELF";
const TOPIC: &str = "TOPIC#";

/// Open sockets of one tenant.
pub struct Connections<'a> {
    store: &'a TenantStore,
}

#[derive(Serialize, Deserialize)]
struct ConnectionRow {
    user: UserId,
    connected_at: Timestamp,
}

#[derive(Serialize)]
struct Subscription {
    since: Timestamp,
}

impl<'a> Connections<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// Notes that a socket opened.
    pub async fn open(&self, id: &ConnectionId, user: &UserId) -> Result<(), Error> {
        let row = ConnectionRow { user: user.clone(), connected_at: self.store.now() };
        Table::open(self.store)?.put(self.lasting(self.own_key(id, SELF), &row)).await.map(|_| ())
    }

    /// Notes that a socket closed, and that it listens to nothing any more. Doing so twice changes nothing.
    pub async fn close(&self, id: &ConnectionId) -> Result<(), Error> {
        let table = Table::open(self.store)?;
        for place in table.places(&own_partition(id)).await? {
            if let Some(topic) = place.strip_prefix(TOPIC) {
                table.delete(&self.topic_key(topic, id)).await?;
            }
            table.delete(&self.own_key(id, &place)).await?;
        }
        Ok(())
    }

    /// Forgets a socket that turned out to be gone while a topic was told; its topic's row goes even where its own rows
    /// have vanished already.
    pub async fn forget(&self, id: &ConnectionId, topic: &Topic) -> Result<(), Error> {
        Table::open(self.store)?.delete(&self.topic_key(&topic.to_string(), id)).await?;
        self.close(id).await
    }

    /// Lets a socket listen to a topic; `false` where it listens to [`MAX_TOPICS`] others already.
    pub async fn subscribe(&self, id: &ConnectionId, topic: &Topic) -> Result<bool, Error> {
        let table = Table::open(self.store)?;
        let topic = topic.to_string();
        let own = format!("{TOPIC}{topic}");
        let places = table.places(&own_partition(id)).await?;
        if places.contains(&own) {
            return Ok(true);
        }
        if places.iter().filter(|place| place.starts_with(TOPIC)).count() >= MAX_TOPICS {
            return Ok(false);
        }
        let subscription = Subscription { since: self.store.now() };
        let mut backoff = Backoff::default();
        loop {
            let steps = vec![
                table.step(self.lasting(self.own_key(id, &own), &subscription))?,
                table.step(self.lasting(self.topic_key(&topic, id), &subscription))?,
            ];
            if table.transact(steps).await? != Transacted::Busy {
                return Ok(true);
            }
            backoff.wait("connection:subscribe").await?;
        }
    }

    /// Stops a socket from listening to a topic. Doing so twice changes nothing.
    pub async fn unsubscribe(&self, id: &ConnectionId, topic: &Topic) -> Result<(), Error> {
        let table = Table::open(self.store)?;
        let topic = topic.to_string();
        let keys = [self.own_key(id, &format!("{TOPIC}{topic}")), self.topic_key(&topic, id)];
        let mut backoff = Backoff::default();
        loop {
            let steps = keys.iter().map(|key| {
                let delete = Delete::builder().table_name(table.name()).set_key(Some(key.attributes()));
                let delete = delete.build().map_err(malformed("dynamodb:DeleteItem"))?;
                Ok(TransactWriteItem::builder().delete(delete).build())
            });
            if table.transact(steps.collect::<Result<_, Error>>()?).await? != Transacted::Busy {
                return Ok(());
            }
            backoff.wait("connection:unsubscribe").await?;
        }
    }

    /// The sockets that listen to a topic.
    pub async fn listeners(&self, topic: &Topic) -> Result<Vec<ConnectionId>, Error> {
        let places = Table::open(self.store)?.places(&topic_partition(&topic.to_string())).await?;
        let unreadable = |place: &str| Error::Corrupt { what: "connection", why: format!("{} bytes", place.len()) };
        places.into_iter().map(|place| place.parse().map_err(|_| unreadable(&place))).collect()
    }

    fn lasting<'b, T>(&self, key: Key, body: &'b T) -> Write<'b, T> {
        let expires_at = Some(after(self.store.now(), CONNECTION_SECONDS).as_second());
        Write { key, body, entity: None, expires_at, unless: Unless::Exists }
    }

    fn own_key(&self, id: &ConnectionId, place: &str) -> Key {
        Key::new(&self.store.tenant, &own_partition(id), place)
    }

    fn topic_key(&self, topic: &str, id: &ConnectionId) -> Key {
        Key::new(&self.store.tenant, &topic_partition(topic), id.as_str())
    }
}

fn own_partition(id: &ConnectionId) -> String {
    format!("CONNECTION#{id}")
}

fn topic_partition(topic: &str) -> String {
    format!("TOPIC#{topic}")
}
