//! Searches among many templates, as a tenant meets them: over HTTP, on a cloud of its own.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::print;
use crate::client::Tenant;
use crate::cloud::Cloud;
use crate::root;
use crate::score::{Percentiles, read};

/// Templates, and how many come in one file.
const TEMPLATES: usize = 10_000;
const IN_A_FILE: usize = 250;
/// Searches that are measured warm, and from fresh processes.
const WARM: usize = 600;
const COLD: usize = 10;
/// How far S3 is away.
const S3_MS: u32 = 100;
/// How long 10,000 templates may take until all are found by their words, and how long by what they mean.
const INDEXED_WITHIN: Duration = Duration::from_secs(900);

/// The functions that are measured.
pub const MEASURED: [&str; 2] = ["templates-search", "templates-reindex"];

/// Makes the templates and searches them.
pub fn run(up: &impl Fn(&Cloud) -> Result<()>) -> Result<()> {
    let cloud = Cloud::throwaway("bench", 4596).with_distant_objects(S3_MS);
    cloud.reset()?;
    let measured = up(&cloud).and_then(|()| measure(&cloud, &cloud.tenant("bench", "admin")?));
    cloud.stop()?;
    measured
}

fn measure(cloud: &Cloud, tenant: &Tenant) -> Result<()> {
    let rows = read(&fs::read(root().join("xtask/sample/utterances.csv"))?)?.rows;
    let texts: Vec<String> = rows.into_iter().map(|row| row.text).collect();
    let started = Instant::now();
    for file in 0..TEMPLATES / IN_A_FILE {
        let templates: Vec<Value> = (0..IN_A_FILE).map(|at| template(&texts, file * IN_A_FILE + at)).collect();
        let body = json!({ "templates": templates }).to_string().into_bytes();
        let call = tenant.call("POST", "/v1/templates/import?layout=json&visibility=everyone").bytes(body);
        let made = call.send()?.expect(200)?;
        if made["created"] != IN_A_FILE {
            bail!("of {IN_A_FILE} templates {} were made", made["created"]);
        }
    }
    println!("{TEMPLATES} templates imported in {:.0} s", started.elapsed().as_secs_f64());
    await_words(tenant)?;
    println!("all of them found by their words after {:.0} s", started.elapsed().as_secs_f64());
    await_index(cloud)?;
    println!("all of them found by what they mean after {:.0} s", started.elapsed().as_secs_f64());
    for at in 0..50 {
        search(tenant, &texts, at)?;
    }
    let mut inside = Inside::of(cloud);
    let warm = (0..WARM).map(|at| search(tenant, &texts, at)).collect::<Result<_>>()?;
    print("warm, end to end", &Percentiles::of(warm));
    print("warm, inside the function", &Percentiles::of(inside.new_ones()?));
    let mut cold = Vec::new();
    for at in 0..COLD {
        let ended = cloud.processes("TemplatesSearch").into_iter().filter(|pid| Cloud::kill(*pid)).count();
        if ended == 0 {
            bail!("no process of the searching function was found to be ended");
        }
        std::thread::sleep(Duration::from_millis(500));
        cold.push(search(tenant, &texts, at)?);
    }
    print("cold, end to end", &Percentiles::of(cold));
    print(&format!("cold, inside, S3 {S3_MS} ms away"), &Percentiles::of(inside.new_ones()?));
    Ok(())
}

/// A template with words of customers; no two are alike.
fn template(texts: &[String], at: usize) -> Value {
    let text = |step: usize| &texts[(at * 31 + step * 97) % texts.len()];
    let name: String = format!("{at} {}", text(0)).chars().take(100).collect();
    let body: Vec<&str> = (1..8).map(|step| text(step).as_str()).collect();
    json!({ "name": name, "source": body.join(". "), "language": "en", "tags": [format!("topic-{}", at % 50)] })
}

/// Searches by four words of a customer, the last one unfinished; how long it took in milliseconds.
fn search(tenant: &Tenant, texts: &[String], at: usize) -> Result<f64> {
    let words: Vec<&str> = texts[at * 7 % texts.len()].split_whitespace().take(4).collect();
    let typed = words.join("%20").replace(['?', '&', '#', '+', '"'], "");
    let typed = typed.char_indices().nth_back(1).map_or(&*typed, |(end, _)| &typed[..end]);
    let started = Instant::now();
    let found = tenant.get(&format!("/v1/templates/search?q={typed}"))?;
    let took = started.elapsed().as_secs_f64() * 1000.0;
    if found["searched"] != TEMPLATES {
        bail!("{} of {TEMPLATES} templates were looked through", found["searched"]);
    }
    Ok(took)
}

/// Waits until every template is looked through.
fn await_words(tenant: &Tenant) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < INDEXED_WITHIN {
        if tenant.get("/v1/templates/search?q=parcel")?["searched"] == TEMPLATES {
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    bail!("the templates were not found within {} s", INDEXED_WITHIN.as_secs())
}

/// Waits until the index knows every template, and the encoder has read each.
fn await_index(cloud: &Cloud) -> Result<()> {
    let log = cloud.folder.join("logs/TemplatesReindex.log");
    let started = Instant::now();
    while started.elapsed() < INDEXED_WITHIN {
        std::thread::sleep(Duration::from_secs(1));
        let said = fs::read_to_string(&log).unwrap_or_default();
        let mut lines = said.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let last = lines.find(|line| line["message"] == "indexed").unwrap_or_default();
        if last["templates"] == TEMPLATES && last["unread"] == 0 {
            println!("the index of them has {:.1} MB", last["bytes"].as_f64().unwrap_or_default() / 1e6);
            return Ok(());
        }
    }
    bail!("the templates were not indexed within {} s", INDEXED_WITHIN.as_secs())
}

/// What the searching function says of itself in its log.
struct Inside {
    log: std::path::PathBuf,
    read: usize,
}

impl Inside {
    fn of(cloud: &Cloud) -> Self {
        let log = cloud.folder.join("logs/TemplatesSearch.log");
        let read = fs::read(&log).map(|log| log.len()).unwrap_or_default();
        Self { log, read }
    }

    /// How long the searches took that were answered since, in milliseconds.
    fn new_ones(&mut self) -> Result<Vec<f64>> {
        std::thread::sleep(Duration::from_secs(1));
        let log = fs::read_to_string(&self.log).with_context(|| format!("no log at {}", self.log.display()))?;
        let lines = log[self.read.min(log.len())..].lines();
        self.read = log.len();
        let answered = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(answered.filter(|line| line["message"] == "answered").filter_map(|line| line["millis"].as_f64()).collect())
    }
}
