//! `cargo xtask`: see `cargo xtask --help`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its terminal")]

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use romashka_encoder::{Encoder, Scratch};
use romashka_ingest::Kind as IngestKind;
use serde_json::{Value, json};
use xtask::client::{Tenant, text};
use xtask::cloud::{Cloud, Timing};
use xtask::emotion::Purpose;
use xtask::job::{Deploy, Plan, Show, Source, Trained, train_and_deploy};
use xtask::setup::Build;
use xtask::{answered, bench, check, emotion, fuzz, logs, redrive, root, score, setup};

/// What the functions of the local cloud are given; a laptop recovers sooner than AWS's defaults allow.
const TIMING: Timing = Timing { work_timeout: 30, work_visibility: 60, long_timeout: 300, long_visibility: 330 };
/// What they are given where they are measured: the template's own defaults.
const DEFAULTS: Timing = Timing { work_timeout: 60, work_visibility: 360, long_timeout: 900, long_visibility: 5_400 };

/// The tenant that the local cloud is shown with.
const DEMO: &str = "lindenhof";
/// Topics that are named where all are told.
const SHOWN_TOPICS: usize = 8;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Romashka on one machine: run it, train with your own file, test it.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The local cloud's port; the dev issuer takes the next one.
    #[arg(long, global = true, default_value_t = 4566)]
    port: u16,
}

#[derive(Subcommand)]
enum Command {
    /// Do the main job on the sample shop, and leave the local cloud up.
    Run {
        /// Use a cloud of its own, leave nothing running, and say by the exit code whether all went well.
        #[arg(long)]
        check: bool,
        /// Build the functions as AWS gets them.
        #[arg(long)]
        release: bool,
    },
    /// Upload a file, train on it, deploy the model and, with --test, ask it every row of a labelled file.
    Train {
        /// The file to learn from: a table, JSON, text, or the export of a help desk.
        file: PathBuf,
        /// What it holds.
        #[arg(long)]
        kind: Kind,
        /// A file with columns such as `text,intent` whose rows are asked.
        #[arg(long)]
        test: Option<PathBuf>,
        /// Print one JSON document instead of words.
        #[arg(long)]
        json: bool,
        /// Parameters of the training, as a JSON object.
        #[arg(long, default_value = "{}")]
        parameters: String,
        /// Deploy the model only if it is better than the one that answers.
        #[arg(long)]
        if_better: bool,
        /// Build the functions as AWS gets them.
        #[arg(long)]
        release: bool,
        /// The tenant to do it for.
        #[arg(long, default_value = "own")]
        tenant: String,
    },
    /// Make the sentence encoder's package where it is missing, and print where it is.
    Encoder,
    /// Learn the shipped emotion head from GoEmotions anew.
    Emotion {
        /// The folder of `train.tsv` and `dev.tsv`.
        folder: PathBuf,
        /// Change nothing, and say by the exit code whether the shipped head is what the data give.
        #[arg(long)]
        check: bool,
    },
    /// End the local cloud; what it holds stays.
    Stop,
    /// End the local cloud and forget what it holds.
    Reset,
    /// Show what functions print.
    Logs {
        /// One function, such as `training-fit`; all where it is left out.
        function: Option<String>,
        /// Do not go on with what comes.
        #[arg(long)]
        once: bool,
    },
    /// Print a token of the dev issuer.
    Token {
        /// The tenant it is for.
        #[arg(long, default_value = DEMO)]
        tenant: String,
        /// owner, admin, agent or viewer.
        #[arg(long, default_value = "admin")]
        role: String,
    },
    /// Put the dead letters of a queue back to work.
    Redrive {
        /// Ingest, Prepare, Training or Fit.
        queue: String,
    },
    /// Run every test, or those of the product whose name holds FILTER.
    Test {
        /// Part of a test's name.
        filter: Option<String>,
    },
    /// Feed the readers of files and templates what a fuzzer thinks of; takes a nightly compiler and cargo-fuzz.
    Fuzz {
        /// A target of `tests/fuzz/targets`; each in its turn where it is left out.
        target: Option<String>,
        /// Seconds for each.
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Measure the deployed system, or learning beside other libraries.
    Bench {
        /// What to measure.
        #[command(subcommand)]
        what: bench::What,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Utterances,
    Faq,
    Conversations,
    Knowledge,
}

impl Kind {
    fn of_file(self) -> IngestKind {
        match self {
            Self::Utterances => IngestKind::Utterances,
            Self::Faq => IngestKind::Faq,
            Self::Conversations => IngestKind::Conversations,
            Self::Knowledge => IngestKind::Knowledge,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Utterances => "utterances",
            Self::Faq => "faq",
            Self::Conversations => "conversations",
            Self::Knowledge => "knowledge",
        }
    }
}

fn main() -> ExitCode {
    match obey(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(arguments: Arguments) -> Result<()> {
    let cloud = Cloud::lasting(arguments.port);
    match arguments.command {
        Command::Run { check: true, release } => check_run(release),
        Command::Run { check: false, release } => {
            up(&cloud, Build::of(release), TIMING)?;
            demonstrate(&cloud.tenant(DEMO, "admin")?)?;
            introduce(&cloud)
        }
        Command::Train { file, kind, test, json, parameters, if_better, release, tenant } => {
            // Read before anything is built: a misspelt path should not cost minutes.
            let parameters = serde_json::from_str(&parameters).context("--parameters is not JSON")?;
            let plan = Plan { parameters, deploy: if if_better { Deploy::IfBetter } else { Deploy::Always } };
            let source = source(&file, kind)?;
            let asked = test.as_deref().map(|file| asked(file, kind)).transpose()?;
            up(&cloud, Build::of(release), TIMING)?;
            train(&cloud.tenant(&tenant, "admin")?, source, &plan, asked, json)
        }
        Command::Encoder => {
            println!("{}", setup::encoder().context("there is no encoder")?.display());
            Ok(())
        }
        Command::Emotion { folder, check } => learn_emotions(&folder, check),
        Command::Stop => {
            let ended = cloud.stop()?;
            println!("{}", if ended { "the local cloud has ended" } else { "no local cloud was running" });
            Ok(())
        }
        Command::Reset => cloud.reset(),
        Command::Logs { function, once } => logs::show(&cloud, function.as_deref(), !once),
        Command::Token { tenant, role } => {
            println!("{}", cloud.tenant(&tenant, &role)?.token());
            Ok(())
        }
        Command::Redrive { queue } => redrive::redrive(&cloud, &queue),
        Command::Test { filter } => check::test(filter.as_deref()),
        Command::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Command::Bench { what } => bench::run(&cloud, &what, |cloud| up(cloud, what.build(), DEFAULTS)),
    }
}

fn up(cloud: &Cloud, build: Build, timing: Timing) -> Result<()> {
    cloud.start()?;
    cloud.deploy(build, timing)
}

/// Does the main job on a cloud of its own and ends it, whatever comes of it.
fn check_run(release: bool) -> Result<()> {
    let cloud = Cloud::throwaway("check", 4586);
    let done = up(&cloud, Build::of(release), TIMING).and_then(|()| demonstrate(&cloud.tenant(DEMO, "admin")?));
    cloud.stop()?;
    done
}

/// The main job on the sample shop: an export without labels, an FAQ and articles.
fn demonstrate(tenant: &Tenant) -> Result<()> {
    let sample = root().join("xtask/sample");
    let sources = [
        ("export.csv", Kind::Conversations),
        ("questions-and-answers.csv", Kind::Faq),
        ("articles.ndjson", Kind::Knowledge),
    ]
    .map(|(name, kind)| source(&sample.join(name), kind));
    let sources = sources.into_iter().collect::<Result<Vec<_>>>()?;
    println!("\nTraining the support AI of an invented shop, Lindenhof Tea & Ceramics, on its unlabelled export\n");
    let trained = train_and_deploy(tenant, &sources, &Plan::default(), show())?;
    describe(&trained, &topics(tenant)?);
    for question in [
        "hi, i ordered a teapot last week and it still has not arrived, where is it?",
        "one of the cups was broken when i opened the box",
        "how hot must the water be for green tea?",
        "can you recommend a good pizza place near me?",
    ] {
        let answer = tenant.post("/v1/answers", &json!({ "text": question }))?;
        println!("\n  customer  {question}\n  Romashka  {}", in_words(&answer));
    }
    let before = json!([
        { "role": "customer", "text": "Do you ship to Germany?" },
        { "role": "agent", "text": "Yes, parcels within the European Union cost 6.90 euros." },
    ]);
    let follow_up = "and to Switzerland?";
    let answer = tenant.post("/v1/answers", &json!({ "text": follow_up, "before": before }))?;
    println!("\n  (behind a question about Germany)\n  customer  {follow_up}\n  Romashka  {}", in_words(&answer));
    println!();
    Ok(())
}

fn in_words(answer: &Value) -> String {
    let percent = |share: &Value| format!("{:.0} %", 100.0 * share.as_f64().unwrap_or(0.0));
    let reply = answer["reply"].as_str();
    match (answer["action"].as_str(), reply) {
        (Some("reply"), Some(reply)) => {
            let provenance = &answer["provenance"];
            let source = &provenance["sources"][0];
            let kind = source["kind"].as_str().unwrap_or("text");
            let sure = percent(&provenance["reply_confidence"]);
            format!("{reply}\n            [{sure} sure; from row {} of the {kind} file]", source["row"])
        }
        (Some("reply"), None) => {
            let intent = answer["intent"].as_str().unwrap_or_default();
            format!("[{intent}, {}] (the training data holds no reply for this intent)", percent(&answer["confidence"]))
        }
        (Some("clarify"), Some(question)) => format!("[asks back] {question}"),
        (Some("clarify"), None) => {
            let intent = answer["intent"].as_str().unwrap_or_default();
            let other = answer["runner_up"]["intent"].as_str().unwrap_or("something else");
            format!("[asks back] is it about {intent} or about {other}?")
        }
        _ => format!("[hands over to a person: {}]", answer["reason"].as_str().unwrap_or_default().replace('_', " ")),
    }
}

/// Topics that training found in the tenant's conversations: name, state, questions and share of each.
fn topics(tenant: &Tenant) -> Result<Vec<Value>> {
    let listed = tenant.get("/v1/topics")?;
    let items = listed["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let summary = |topic: &Value| {
        json!({
            "name": topic["name"], "state": topic["state"], "questions": topic["questions"], "share": topic["share"],
        })
    };
    Ok(items.iter().map(summary).collect())
}

fn describe(trained: &Trained, topics: &[Value]) {
    let model = &trained.model;
    let evaluation = &model["evaluation"];
    let share = |value: &Value| value.as_f64().map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    match model["intents"].as_array().map_or(0, Vec::len) {
        0 => {
            println!("\n  {} rows, no intents in them: customers are answered from the texts", trained.session["rows"])
        }
        intents => println!(
            "\n  {} rows, {intents} intents; on a hold-out that it never saw: accuracy {}, macro-F1 {}",
            trained.session["rows"],
            share(&evaluation["accuracy"]["value"]),
            share(&evaluation["macro_f1"]),
        ),
    }
    if let Some(passages) = model["knowledge"]["passages"].as_u64() {
        println!("  {passages} texts that can answer, in {} answer groups", model["knowledge"]["groups"]);
    }
    if !topics.is_empty() {
        let named = topics.iter().take(SHOWN_TOPICS).filter_map(|topic| topic["name"].as_str());
        let more = if topics.len() > SHOWN_TOPICS { ", …" } else { "" };
        println!("  {} topics: {}{more}", topics.len(), named.collect::<Vec<_>>().join(", "));
    }
    let agreement = &model["knowledge"]["agreement"];
    if let Some(questions) = agreement["questions"].as_u64() {
        println!(
            "  of {questions} past questions it would have answered {}, {} of them as people did",
            agreement["answered"]["count"],
            share(&agreement["agreed"]["value"])
        );
        let points = agreement["points"].as_array().map(Vec::as_slice).unwrap_or_default();
        for point in points.iter().step_by(points.len().div_ceil(5).max(1)) {
            println!(
                "    answering {:>7} agrees in {:>7} (threshold {:.2})",
                share(&point["answered"]["value"]),
                share(&point["agreed"]["value"]),
                point["threshold"].as_f64().unwrap_or(0.0)
            );
        }
    }
    let hash = model["model_hash"].as_str().unwrap_or_default();
    let seconds = &trained.seconds;
    println!("  model {} of {} bytes", hash.get(..12).unwrap_or_default(), model["size_bytes"]);
    if model["encoder"].is_null() {
        println!("  no sentence encoder was there: the model knows words, not paraphrases");
    }
    let verdict = model["comparison"]["verdict"]["kind"].as_str();
    if let Some(verdict) = verdict.or(model["knowledge"]["comparison"]["verdict"]["kind"].as_str()) {
        println!("  beside the version that answered before: {}", verdict.replace('_', " "));
    }
    println!(
        "  upload {:.1} s, ingest {:.1} s, train {:.1} s, evaluate {:.1} s, deploy {:.1} s",
        seconds.upload, seconds.ingest, seconds.train, seconds.evaluate, seconds.deploy
    );
}

fn learn_emotions(folder: &Path, check: bool) -> Result<()> {
    let path = setup::encoder().context("the emotion head is learnt from what the encoder says")?;
    let encoder = Encoder::open(&path)?;
    let mut scratch = Scratch::default();
    let purpose = if check { Purpose::Check } else { Purpose::Write };
    let learnt = emotion::emotion(folder, purpose, |texts| {
        let tokens: Vec<_> = texts.iter().map(|text| encoder.tokens(text)).collect();
        let encodings = encoder.encode(&tokens, &mut scratch);
        Ok(encodings.into_iter().map(|encoding| (encoding.sentence, encoding.middle)).collect())
    })?;
    println!("{} bytes, SHA-256 {}", learnt.bytes, learnt.hash);
    if check && !learnt.unchanged {
        bail!("the shipped head is another one");
    }
    Ok(())
}

fn introduce(cloud: &Cloud) -> Result<()> {
    let api = cloud.api()?;
    println!(
        "The local cloud goes on in the background; `cargo xtask stop` ends it, `cargo xtask logs` shows its functions."
    );
    println!("  API     {}", api.base());
    println!("  OpenAPI {}/openapi.json", api.base());
    println!("  issuer  {}", cloud.issuer());
    println!("  token   {}", cloud.tenant(DEMO, "admin")?.token());
    Ok(())
}

fn train(tenant: &Tenant, source: Source, plan: &Plan, asked: Option<Asked>, as_json: bool) -> Result<()> {
    let trained = train_and_deploy(tenant, &[source], plan, if as_json { Show::Nothing } else { show() })?;
    let (mut score, mut answered) = (None, None);
    match asked {
        Some(Asked::Labelled(questions)) => score = Some(score::score(tenant, &questions)?),
        Some(Asked::Unlabelled(questions)) => answered = Some(answered::ask(tenant, &questions)?),
        None => {}
    }
    if !as_json {
        describe(&trained, &topics(tenant)?);
        if let Some(score) = score {
            println!(
                "  asked {} rows: accuracy {:.2} %, macro-F1 {:.2} %",
                score.rows,
                100.0 * score.accuracy,
                100.0 * score.macro_f1
            );
            if let Some(outside) = score.out_of_scope {
                println!(
                    "  out of scope: recall {:.1} %, false alarms {:.1} %",
                    100.0 * outside.recall,
                    100.0 * outside.false_alarm
                );
            }
            println!("  an answer takes {:.1} ms (p50), {:.1} ms (p99)", score.answer_ms.p50, score.answer_ms.p99);
        }
        if let Some(answered) = answered {
            println!(
                "  asked {} questions: answered {:.1} %, asked back {:.1} %; an answer takes {:.1} ms (p50), {:.1} ms (p99)",
                answered.asked,
                100.0 * answered.answered,
                100.0 * answered.clarified,
                answered.answer_ms.p50,
                answered.answer_ms.p99
            );
        }
        return Ok(());
    }
    let mut report = match (score, answered) {
        (Some(score), _) => serde_json::to_value(score)?,
        (None, Some(answered)) => serde_json::to_value(answered)?,
        (None, None) => json!({}),
    };
    let knowledge = &trained.model["knowledge"];
    report["agreement"] = knowledge["agreement"]["agreed"]["value"].clone();
    report["coverage"] = knowledge["agreement"]["answered"]["value"].clone();
    report["threshold"] = knowledge["agreement"]["threshold"].clone();
    report["curve"] = knowledge["agreement"]["points"].clone();
    for figure in ["passages", "groups", "left_out"] {
        report[figure] = knowledge[figure].clone();
    }
    report["topics"] = json!(topics(tenant)?);
    report["answers_comparison"] = knowledge["comparison"].clone();
    report["seconds"] = serde_json::to_value(trained.seconds)?;
    report["model_hash"] = json!(text(&trained.model, "model_hash")?);
    report["model_bytes"] = trained.model["size_bytes"].clone();
    report["encoder"] = trained.model["encoder"].clone();
    report["verdict"] = trained.model["comparison"]["verdict"]["kind"].clone();
    report["comparison"] = trained.model["comparison"].clone();
    for figure in ["accuracy", "macro_f1", "calibration_error", "fast_share"] {
        report["hold_out"][figure] = trained.model["evaluation"][figure].clone();
    }
    report["deployed_model_id"] = tenant.get("/v1/deployment")?["model_id"].clone();
    report["model_id"] = trained.model["id"].clone();
    report["upload"] = trained.uploads.first().map(|upload| upload["rows"].clone()).unwrap_or_default();
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn show() -> Show {
    if std::io::stderr().is_terminal() { Show::Progress } else { Show::Nothing }
}

fn source(file: &Path, kind: Kind) -> Result<Source> {
    let bytes = read(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { name, kind: kind.name().to_owned(), bytes })
}

/// Questions of a test file.
enum Asked {
    Labelled(score::Questions),
    Unlabelled(Vec<answered::Unlabelled>),
}

/// The questions of a test file: with intents where the file has them, else as a file of the kind that was learnt from, or
/// as plain messages.
fn asked(file: &Path, kind: Kind) -> Result<Asked> {
    let bytes = read(file)?;
    if let Ok(questions) = score::read(&bytes) {
        return Ok(Asked::Labelled(reported(file, questions)));
    }
    let kind = if matches!(kind, Kind::Knowledge) { IngestKind::Utterances } else { kind.of_file() };
    let questions = answered::read(&bytes, kind).or_else(|_| answered::read(&bytes, IngestKind::Utterances));
    Ok(Asked::Unlabelled(questions.with_context(|| format!("{} cannot be asked", file.display()))?))
}

fn reported(file: &Path, questions: score::Questions) -> score::Questions {
    let refused = &questions.refused;
    if let Some(why) = refused.first() {
        eprintln!("{} of {}'s rows are not asked; the first: {why}", refused.len(), file.display());
    }
    questions
}

fn read(file: &Path) -> Result<Vec<u8>> {
    if !file.is_file() {
        bail!("{} is not a file", file.display());
    }
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
