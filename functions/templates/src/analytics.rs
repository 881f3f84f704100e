//! How templates are used, and how well they do.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::ToSpan;
use jiff::civil::Date;
use romashka_domain::template::effect::{DayTally, Effectiveness, MAX_DAYS, Tally};
use romashka_domain::{Permission, TemplateId, Timestamp};
use romashka_http::{Caller, Problem, Refusals, Reply, Request, invalid_field};
use romashka_store::template_uses::day_of;
use serde::Serialize;
use utoipa::ToSchema;

use crate::seen::seen;

/// Days that are looked at where nothing is said.
const DAYS: u16 = 30;
/// Requests to the table at the same time.
const REQUESTS: usize = 8;
/// Templates of a ranking.
const MAX_RANKED: usize = 100;

/// How a template is used, and how well it does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Analytics {
    /// The template.
    template_id: TemplateId,
    /// The period.
    #[serde(flatten)]
    period: Period,
    /// Counts of the whole period.
    totals: Tally,
    /// How many people used it in the period, or later.
    users: usize,
    /// How effective it is; missing where nothing is known of any use.
    #[serde(skip_serializing_if = "Option::is_none")]
    effectiveness: Option<Effectiveness>,
    /// The same of as many days before the period.
    before: Before,
    /// Counts of each day with any, the earliest first.
    trend: Vec<DayTally>,
}

/// Some days, in UTC, both ends included.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Period {
    /// The first day.
    #[schema(value_type = String, format = "date")]
    from: Date,
    /// The last day, which is today.
    #[schema(value_type = String, format = "date")]
    to: Date,
}

/// The days before a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct Before {
    /// Counts of the whole time.
    totals: Tally,
    /// How effective it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    effectiveness: Option<Effectiveness>,
}

impl Before {
    fn of(days: &[DayTally]) -> Self {
        let totals = sum(days);
        Self { totals, effectiveness: Effectiveness::of(&totals) }
    }
}

/// How the templates of a tenant do, beside each other.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ranking {
    /// The period.
    #[serde(flatten)]
    period: Period,
    /// Counts of all templates that the caller sees.
    totals: Tally,
    /// The 100 that were used most, the most used first.
    items: Vec<Ranked>,
}

/// How one of them does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ranked {
    /// The template.
    template_id: TemplateId,
    /// What it is called.
    name: String,
    /// Counts of the period.
    totals: Tally,
    /// How effective it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    effectiveness: Option<Effectiveness>,
}

/// Tell how a template is used, and how well it does, day by day and beside the days before.
#[utoipa::path(
    get, path = "/v1/templates/{template_id}/analytics", operation_id = "templates.analytics", tag = "templates",
    params(
        ("template_id" = String, Path, format = "uuid", description = "The template."),
        ("days" = Option<u16>, Query, description = "How many days, today included: 1 to 90; 30 where it is left out.", minimum = 1, maximum = 90),
    ),
    responses((status = 200, description = "How it does.", body = Analytics), Refusals)
)]
pub async fn analytics(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = seen(&request, &caller).await?;
    let count = days(&request)?;
    let (period, before) = periods(caller.store.now(), count)?;
    let uses = caller.store.template_uses();
    let trend = uses.tallies(template.id, &period.days()).await?;
    let before = Before::of(&uses.tallies(template.id, &before.days()).await?);
    let totals = sum(&trend);
    Reply::ok(&Analytics {
        template_id: template.id,
        period,
        totals,
        users: uses.users_since(template.id, period.begins()?).await?,
        effectiveness: Effectiveness::of(&totals),
        before,
        trend,
    })
}

/// Tell how the templates that the caller sees do, beside each other.
#[utoipa::path(
    get, path = "/v1/templates/analytics", operation_id = "templates.rank", tag = "templates",
    params(("days" = Option<u16>, Query, description = "How many days, today included: 1 to 90; 30 where it is left out.", minimum = 1, maximum = 90)),
    responses((status = 200, description = "How they do.", body = Ranking), Refusals)
)]
pub async fn rank(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let (period, _) = periods(caller.store.now(), days(&request)?)?;
    let mut used: Vec<(TemplateId, Tally)> = by_template(&caller, period).await?.into_iter().collect();
    used.sort_by_key(|(id, tally)| (std::cmp::Reverse(tally.uses), *id));
    let ids: Vec<TemplateId> = used.iter().map(|(id, _)| *id).collect();
    let templates = caller.store.templates().get_many(&ids).await?;
    let names: BTreeMap<TemplateId, String> = templates
        .into_iter()
        .filter(|template| template.is_seen_by(&caller.identity))
        .map(|template| (template.id, template.content.name))
        .collect();
    used.retain(|(id, _)| names.contains_key(id));
    let totals = used.iter().fold(Tally::default(), |all, (_, tally)| all.and(tally));
    let items = used.into_iter().take(MAX_RANKED).map(|(template_id, totals)| Ranked {
        template_id,
        name: names.get(&template_id).cloned().unwrap_or_default(),
        effectiveness: Effectiveness::of(&totals),
        totals,
    });
    Reply::ok(&Ranking { period, totals, items: items.collect() })
}

async fn by_template(caller: &Caller, period: Period) -> Result<BTreeMap<TemplateId, Tally>, Problem> {
    let uses = caller.store.template_uses();
    let days = stream::iter(period.days()).map(|day| uses.tallies_of(day)).buffer_unordered(REQUESTS);
    let days: Vec<Vec<(TemplateId, Tally)>> = days.try_collect().await?;
    let mut all: BTreeMap<TemplateId, Tally> = BTreeMap::new();
    for (id, tally) in days.into_iter().flatten() {
        let known = all.entry(id).or_default();
        *known = known.and(&tally);
    }
    Ok(all)
}

fn sum(days: &[DayTally]) -> Tally {
    days.iter().fold(Tally::default(), |all, day| all.and(&day.tally))
}

fn days(request: &Request) -> Result<u16, Problem> {
    let days = request.query_number("days")?.unwrap_or(DAYS.into());
    let is_possible = |days: &u16| (1..=MAX_DAYS).contains(days);
    u16::try_from(days)
        .ok()
        .filter(is_possible)
        .ok_or_else(|| invalid_field("days", "out_of_range", format!("must be a whole number from 1 to {MAX_DAYS}")))
}

/// The days up to today, and as many before them.
fn periods(now: Timestamp, days: u16) -> Result<(Period, Period), Problem> {
    let back = |from: Date, days: u16| from.checked_sub(i64::from(days).days()).map_err(Problem::internal);
    let to = day_of(now);
    let period = Period { from: back(to, days - 1)?, to };
    let before = Period { from: back(period.from, days)?, to: back(period.from, 1)? };
    Ok((period, before))
}

impl Period {
    fn days(self) -> Vec<Date> {
        self.from.series(1.day()).take_while(|day| *day <= self.to).collect()
    }

    fn begins(self) -> Result<Timestamp, Problem> {
        let begins = self.from.to_zoned(jiff::tz::TimeZone::UTC).map_err(Problem::internal)?;
        Ok(begins.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_today_and_the_one_before_it_is_as_long() {
        let now: Timestamp = "2026-03-02T23:59:59Z".parse().unwrap();
        let (period, before) = periods(now, 3).unwrap();
        let written = |period: Period| period.days().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(written(period), ["2026-02-28", "2026-03-01", "2026-03-02"]);
        assert_eq!(written(before), ["2026-02-25", "2026-02-26", "2026-02-27"]);
        assert_eq!(period.begins().unwrap().to_string(), "2026-02-28T00:00:00Z");
        assert_eq!(written(periods(now, 1).unwrap().0), ["2026-03-02"]);
    }
}
