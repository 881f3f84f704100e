//! Measures: the deployed system from outside, as a tenant meets it, and learning beside other libraries.

mod ingest;
mod learning;
mod published;
mod steps;
mod templates;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::Tenant;
use crate::cloud::Cloud;
use crate::feed::Socket;
use crate::job::{Plan, Show, Source, millis, train_and_deploy};
use crate::root;
use crate::score::{Percentiles, read};
use crate::setup::Build;

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// `POST /v1/answers`: alone, at concurrency 16, and the first one of a fresh process.
    Answers,
    /// From a change of state in the table to its frame at a client.
    Push,
    /// The most memory that any process of each function has taken, of those that still run.
    Memory,
    /// Files read beside pandas, Python's own parsers and openpyxl, published files whole, and a large one by the deployed
    /// system.
    Ingest(ingest::Reading),
    /// Training and answering beside scikit-learn, fastText and SetFit, all on one core; writes `docs/benchmarks.md`.
    Learning(learning::Comparison),
    /// FAQs found by paraphrased questions (StackFAQ): words, embeddings, both.
    Retrieval(published::Files),
    /// Answers from conversations (bitext), an FAQ (StackFAQ) and articles (XQuAD in three languages): how many and how many right,
    /// beside BM25, embeddings and the nearest past question.
    AnswersQuality(published::Files),
    /// Reply templates suggested and found (StackFAQ, Banking77): words, embeddings, both; cold and after picks; and how fast.
    Suggestions(published::Files),
    /// Searches among 10,000 templates of a deployed system: end to end and inside the function, warm, and from fresh processes
    /// with S3 at a distance of 100 ms.
    Search,
    /// Templates that were written to do harm: how long until they are stopped.
    Bombs,
    /// Reply templates found in what agents wrote (bitext, airlines' tweets), and in replies written to be costly; drafts from
    /// a goal and examples (bitext).
    Mining(published::Files),
    /// Emotions and sentiment (GoEmotions), beside VADER.
    Mood(published::Files),
    /// Groups of messages of an unknown number (DSTC 11), beside k-means told the number.
    Clusters(published::Files),
    /// The encoder: speed, nearness to the published floats, identity of tokens.
    Encoder(published::Files),
}

impl What {
    /// What has to be built as it is deployed.
    pub fn build(&self) -> Build {
        match self {
            Self::Search => Build::ReleaseOf(&templates::MEASURED),
            _ => Build::Release,
        }
    }
}

/// Measures and prints. The deployed system is brought up by `up`; what needs none does without.
pub fn run(cloud: &Cloud, what: &What, up: impl Fn(&Cloud) -> Result<()>) -> Result<()> {
    let deployed = || -> Result<Tenant> {
        up(cloud)?;
        cloud.tenant("bench", "admin")
    };
    match what {
        What::Answers => answers(cloud, &deployed()?),
        What::Push => push(&deployed()?),
        What::Memory => deployed().and_then(|_| memory(cloud)),
        What::Ingest(reading) => ingest::run(reading, &up),
        What::Learning(comparison) => learning::run(comparison),
        What::Retrieval(files) => published::retrieval(files),
        What::AnswersQuality(files) => published::answers_quality(files),
        What::Suggestions(files) => published::suggestions(files),
        What::Search => templates::run(&up),
        What::Bombs => published::bombs(),
        What::Mining(files) => published::mining(files),
        What::Mood(files) => published::mood(files),
        What::Clusters(files) => published::clusters(files),
        What::Encoder(files) => published::encoder(files),
    }
}

fn sample() -> Result<Vec<Source>> {
    let bytes = std::fs::read(root().join("xtask/sample/utterances.csv"))?;
    Ok(vec![Source { name: "utterances.csv".to_owned(), kind: "utterances".to_owned(), bytes }])
}

fn answers(cloud: &Cloud, tenant: &Tenant) -> Result<()> {
    train_and_deploy(tenant, &sample()?, &Plan::default(), Show::Nothing)?;
    let questions = read(&std::fs::read(root().join("xtask/sample/questions.csv"))?)?;
    let questions: Vec<_> = questions.rows.into_iter().map(|question| question.text).collect();
    for question in &questions {
        ask(tenant, question)?;
    }
    print("from a fresh process (10 times)", &Percentiles::of(cold(cloud, tenant, &questions[0])?));
    for question in &questions {
        ask(tenant, question)?;
    }
    let alone = ask_all(tenant, &questions, 1, 600)?;
    print("alone", &alone);
    let crowd = ask_all(tenant, &questions, 16, 1600)?;
    print("at concurrency 16", &crowd);
    Ok(())
}

/// How long an answer takes when its process must be started, its clients made and its model read first.
fn cold(cloud: &Cloud, tenant: &Tenant, question: &str) -> Result<Vec<f64>> {
    let mut durations = Vec::new();
    for _ in 0..10 {
        let killed = cloud.processes("AnswersAsk").into_iter().filter(|pid| Cloud::kill(*pid)).count();
        if killed == 0 {
            bail!("no process of the answering function was found to be ended");
        }
        // The cloud must have noticed, or it would hand the question to a dead process first.
        std::thread::sleep(Duration::from_millis(500));
        durations.push(ask(tenant, question)?);
    }
    Ok(durations)
}

/// Prints the peak resident set of each function's processes, largest first.
fn memory(cloud: &Cloud) -> Result<()> {
    let template = std::fs::read_to_string(root().join("template.yaml"))?;
    let lines: Vec<_> = template.lines().collect();
    let names = lines.windows(2).filter(|pair| pair[1].trim() == "Type: AWS::Serverless::Function");
    let mut peaks: Vec<(u64, String)> = names
        .filter_map(|pair| {
            let name = pair[0].trim().trim_end_matches(':').to_owned();
            let peak = cloud.processes(&name).into_iter().filter_map(peak_kilobytes).max()?;
            Some((peak, name))
        })
        .collect();
    peaks.sort_unstable();
    for (kilobytes, name) in peaks.into_iter().rev() {
        println!("{name:>34}: {:.1} MB", kilobytes as f64 / 1024.0);
    }
    Ok(())
}

fn peak_kilobytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Asks `count` questions over `threads` connections.
fn ask_all(tenant: &Tenant, questions: &[String], threads: usize, count: usize) -> Result<Percentiles> {
    let (next, durations) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            return Ok(());
                        }
                        let took = ask(tenant, &questions[index % questions.len()])?;
                        durations.lock().unwrap_or_else(PoisonError::into_inner).push(took);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(Percentiles::of(durations.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

fn ask(tenant: &Tenant, question: &str) -> Result<f64> {
    let started = Instant::now();
    tenant.post("/v1/answers", &json!({ "text": question }))?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}

/// Starts sessions and compares the time in each transition with the time its first frame arrived. Both clocks are this
/// machine's.
fn push(tenant: &Tenant) -> Result<()> {
    const SESSIONS: usize = 20;
    let upload = sample()?;
    let bytes = &upload[0].bytes;
    let id = tenant.upload(&upload[0].name, &upload[0].kind, bytes)?;
    let path = format!("/v1/uploads/{id}");
    tenant.poll(&path, Duration::from_secs(60), |upload| upload["state"] == "ready" || upload["state"] == "failed")?;
    let mut socket = Socket::open(tenant)?;
    socket.send(&json!({ "action": "subscribe", "topic": "tenant" }))?;
    socket.await_frame(Duration::from_secs(10))?;
    let mut seen = BTreeSet::new();
    let mut delays = Vec::new();
    for _ in 0..SESSIONS {
        let session = tenant.post("/v1/training-sessions", &json!({ "upload_ids": [id] }))?;
        let wanted = session["id"].clone();
        let started = Instant::now();
        loop {
            if started.elapsed() > Duration::from_secs(60) {
                bail!("a session did not end within a minute");
            }
            let Some(frame) = socket.poll()? else { continue };
            let arrived = now_millis();
            if frame["resource"]["id"] != wanted {
                continue;
            }
            delays.extend(news(&frame, &mut seen, arrived));
            if matches!(frame["resource"]["state"].as_str(), Some("completed" | "failed")) {
                break;
            }
        }
    }
    println!("{} changes of state in {SESSIONS} sessions", delays.len());
    print("from the change to its frame", &Percentiles::of(delays));
    Ok(())
}

/// How long ago each state that the frame newly tells of was entered.
fn news(frame: &Value, seen: &mut BTreeSet<(String, u64)>, arrived: f64) -> Vec<f64> {
    let id = frame["resource"]["id"].as_str().unwrap_or_default().to_owned();
    let transitions = frame["transitions"].as_array().into_iter().flatten();
    let fresh = transitions.filter(|transition| {
        let seq = transition["seq"].as_u64().unwrap_or(0);
        seen.insert((id.clone(), seq))
    });
    fresh.filter_map(|transition| Some(arrived - millis(&transition["at"])?)).collect()
}

fn now_millis() -> f64 {
    const DAY: f64 = 86_400_000.0;
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (since_epoch.as_secs_f64() * 1000.0) % DAY
}

fn print(what: &str, percentiles: &Percentiles) {
    println!("{what:>34}: p50 {:.1} ms, p99 {:.1} ms", percentiles.p50, percentiles.p99);
}
