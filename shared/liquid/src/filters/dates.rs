//! Days and moments as people read them.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, Zoned};

use super::{Applied, Whose};
use crate::locale::Style;
use crate::render::Fault;
use crate::value::{Number, Value};

/// Bytes of a format.
const MOST_FORMAT_BYTES: usize = 200;

/// `date: "%d.%m.%Y"` writes a day by `strftime`; `date: "long"` as the reader's country does it.
pub(super) fn date(call: &mut Applied<'_, '_>) -> Result<Value, Fault> {
    let format = call.words(Whose::Argument(0))?;
    if format.len() > MOST_FORMAT_BYTES {
        return Err(Fault::NoFormat);
    }
    let moment = moment(call).ok_or(Fault::NoDate(Whose::Input))?;
    if let Some(style) = Style::named(&format) {
        let text = call.locale().date(moment.date(), style);
        return call.made(text.into());
    }
    let text = jiff::fmt::strtime::format(&*format, &moment).map_err(|_| Fault::NoFormat)?;
    call.made(text.into())
}

fn moment(call: &Applied<'_, '_>) -> Option<Zoned> {
    let zone = call.rendering.now.time_zone();
    match call.input.plain() {
        Value::Moment(moment) => Some(Zoned::clone(moment)),
        Value::Date(date) => date.to_zoned(zone.clone()).ok(),
        Value::Integer(seconds) => Some(Timestamp::from_second(*seconds).ok()?.to_zoned(zone.clone())),
        Value::Text(text) => match text.trim() {
            "now" | "today" => Some(call.rendering.now.clone()),
            text => read(text)
                .map(|read| match read {
                    Read::Moment(timestamp) => Some(timestamp.to_zoned(zone.clone())),
                    Read::Local(local) => local.to_zoned(zone.clone()).ok(),
                })
                .or_else(|| match Value::text(text).number()? {
                    Number::Integer(seconds) => {
                        Some(Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone())))
                    }
                    Number::Float(_) => None,
                })?,
        },
        _ => None,
    }
}

/// A moment of the world, or one on the clock of wherever the reader is.
enum Read {
    Moment(Timestamp),
    Local(DateTime),
}

/// Reads RFC 3339, ISO 8601, and what Liquid's own tools write.
fn read(text: &str) -> Option<Read> {
    if let Ok(timestamp) = text.parse() {
        return Some(Read::Moment(timestamp));
    }
    if let Ok(moment) = Zoned::strptime("%Y-%m-%d %H:%M:%S %z", text) {
        return Some(Read::Moment(moment.timestamp()));
    }
    let local = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from));
    local.map(Read::Local)
}
