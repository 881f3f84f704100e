//! The local cloud: starting, deploying, stopping.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::client::{Api, Tenant};
use crate::setup::Build;
use crate::{root, setup};

/// How long the cloud may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cloud on this machine.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// Where its state, logs and outputs are.
    pub folder: PathBuf,
    port: u16,
    issuer_port: u16,
    /// Whether it keeps nothing over a restart.
    ephemeral: bool,
    /// How long each object of S3 waits, in milliseconds.
    object_delay_ms: u32,
}

/// What functions are given that differs from AWS.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Seconds a batch may take.
    pub work_timeout: u32,
    /// Seconds after which a batch that was not done comes back.
    pub work_visibility: u32,
    /// Seconds a file or a fit may take.
    pub long_timeout: u32,
    /// Seconds after which a file or a fit that was not done comes back.
    pub long_visibility: u32,
}

impl Cloud {
    /// The one that `cargo xtask run` leaves up; it keeps its state.
    pub fn lasting(port: u16) -> Self {
        Self { folder: root().join(".local/cloud"), port, issuer_port: port + 1, ephemeral: false, object_delay_ms: 0 }
    }

    /// One that is thrown away, beside the lasting one.
    pub fn throwaway(name: &str, port: u16) -> Self {
        Self {
            folder: root().join(".local").join(name),
            port,
            issuer_port: port + 1,
            ephemeral: true,
            object_delay_ms: 0,
        }
    }

    /// The same, where each object of S3 waits so long, as S3 is not on the machine of a function.
    #[must_use]
    pub fn with_distant_objects(self, object_delay_ms: u32) -> Self {
        Self { object_delay_ms, ..self }
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
        self.pid().is_some() && agent.get(format!("{}/_ministack/health", self.endpoint())).call().is_ok()
    }

    /// Starts it, unless it is up already.
    pub fn start(&self) -> Result<()> {
        if self.is_up() {
            return Ok(());
        }
        if let Some(pid) = self.pid() {
            eprintln!("an earlier run (process {pid}) does not answer; ending it");
            self.stop()?;
        }
        for port in [self.port, self.issuer_port] {
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
                bail!("port {port} is taken by another program; end that program, or choose another port with --port");
            }
        }
        let python = setup::python()?;
        fs::create_dir_all(&self.folder)?;
        let log_path = self.folder.join("cloud.log");
        let log = File::create(&log_path)?;
        let mut command = Command::new(python);
        command
            .arg(root().join("infra/local/cloud.py"))
            .args(["--port", &self.port.to_string(), "--issuer-port", &self.issuer_port.to_string(), "--enforce-iam"])
            .args(["--object-delay-ms", &self.object_delay_ms.to_string()])
            .arg("--state")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own: Ctrl-C in this terminal is not for the cloud.
            .process_group(0);
        if self.ephemeral {
            command.arg("--ephemeral");
        }
        let mut child = command.spawn().context("cannot start the local cloud")?;
        fs::write(self.pid_file(), child.id().to_string())?;
        self.await_ready(&mut child).with_context(|| {
            let _ = fs::remove_file(self.pid_file());
            format!("the local cloud did not start; its log ends:\n{}", tail(&log_path))
        })
    }

    /// The language model that drafts: whichever stands in the environment; in a test, the one that the test itself plays.
    fn language_model(&self) -> String {
        let of_test = self.ephemeral.then(|| "openai:stub".to_owned());
        of_test.or_else(|| std::env::var("ROMASHKA_LANGUAGE_MODEL").ok()).unwrap_or_else(|| "none".to_owned())
    }

    fn language_model_url(&self) -> String {
        let of_test = self.ephemeral.then(|| format!("http://{}/v1", self.stub_address()));
        of_test.or_else(|| std::env::var("ROMASHKA_LANGUAGE_MODEL_URL").ok()).unwrap_or_default()
    }

    /// Where a test may play a language model. Mostly nobody listens there, as where a model has failed.
    pub fn stub_address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port + 2))
    }

    fn await_ready(&self, child: &mut Child) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait()? {
                bail!("it ended at once ({status})");
            }
            if self.is_up() {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        bail!("it did not answer within {} seconds", PATIENCE.as_secs())
    }

    /// Puts the template and the functions of a build into it.
    pub fn deploy(&self, build: Build, timing: Timing) -> Result<()> {
        let binaries = setup::build_functions(build)?;
        let python = setup::python()?;
        let encoder = setup::encoder();
        let execute_api = format!("127.0.0.1:{}/_aws/execute-api", self.port);
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let parameters = [
            ("Architecture", architecture.to_owned()),
            ("JwtIssuer", self.issuer()),
            ("SocketEndpoint", format!("ws://{execute_api}")),
            ("SocketManagementEndpoint", format!("http://{execute_api}")),
            ("S3PathStyle", "1".to_owned()),
            ("EncoderPath", encoder.map(|path| path.display().to_string()).unwrap_or_default()),
            ("WorkConcurrency", "2".to_owned()),
            ("LongConcurrency", "2".to_owned()),
            ("WorkTimeout", timing.work_timeout.to_string()),
            ("WorkVisibility", timing.work_visibility.to_string()),
            ("LanguageModel", self.language_model()),
            ("LanguageModelUrl", self.language_model_url()),
            ("LongTimeout", timing.long_timeout.to_string()),
            ("LongVisibility", timing.long_visibility.to_string()),
        ];
        let mut command = Command::new(python);
        command
            .arg(root().join("infra/local/deploy.py"))
            .args(["--endpoint", &self.endpoint(), "--stack", "romashka", "--template"])
            .arg(root().join("template.yaml"))
            .arg("--binaries")
            .arg(binaries)
            .arg("--outputs")
            .arg(self.outputs_file())
            .stdout(Stdio::from(File::create(self.folder.join("deploy.log"))?));
        for (name, value) in parameters {
            command.args(["--parameter", &format!("{name}={value}")]);
        }
        eprintln!("deploying template.yaml");
        setup::run(&mut command).with_context(|| format!("not deployed:\n{}", tail(&self.folder.join("deploy.log"))))
    }

    /// Ends it and its functions, where it runs.
    pub fn stop(&self) -> Result<bool> {
        let Some(pid) = self.pid() else { return Ok(false) };
        for (signal, patience) in [("-TERM", PATIENCE), ("-KILL", Duration::from_secs(10))] {
            let _ = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
            let started = Instant::now();
            while started.elapsed() < patience {
                if self.pid().is_none() {
                    let _ = fs::remove_file(self.pid_file());
                    return Ok(true);
                }
                sleep(Duration::from_millis(50));
            }
        }
        bail!("process {pid} does not end; end it by hand")
    }

    /// Ends it and forgets all it holds.
    pub fn reset(&self) -> Result<()> {
        self.stop()?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The process that runs it, where one does. A recycled process id is told by its command line.
    pub fn pid(&self) -> Option<u32> {
        let pid: u32 = fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()?;
        let listed = Command::new("ps").args(["-o", "stat=,args=", "-p", &pid.to_string()]).output().ok()?;
        let line = String::from_utf8_lossy(&listed.stdout).trim().to_owned();
        (line.contains("cloud.py") && !line.starts_with('Z')).then_some(pid)
    }

    /// The processes of one function, told by their environment; none where this system does not show it.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        let marker = format!("AWS_LAMBDA_FUNCTION_NAME=romashka-{function}-");
        let endpoint = format!("AWS_ENDPOINT_URL={}", self.endpoint());
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = entries.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let environment = String::from_utf8_lossy(&environment).into_owned();
            let is_ours = environment.split('\0').any(|variable| variable == endpoint);
            (is_ours && environment.split('\0').any(|variable| variable.starts_with(&marker))).then_some(pid)
        });
        ours.collect()
    }

    /// Kills a process at once, as a crash would; whether it was there.
    pub fn kill(pid: u32) -> bool {
        Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
    }

    /// The addresses of what was deployed.
    pub fn outputs(&self) -> Result<Value> {
        let text = fs::read_to_string(self.outputs_file()).context("nothing is deployed; `cargo xtask run` deploys")?;
        Ok(serde_json::from_str(&text)?)
    }

    /// One of the deployment's outputs.
    pub fn output(&self, name: &str) -> Result<String> {
        let outputs = self.outputs()?;
        let value = outputs.get(name).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("the deployment has no output {name}"))
    }

    /// The HTTP API.
    pub fn api(&self) -> Result<Api> {
        let id = self.output("HttpApiId")?;
        Ok(Api::new(format!("{}/_aws/execute-api/{id}/$default", self.endpoint())))
    }

    /// The API with a token for this tenant.
    pub fn tenant(&self, tenant: &str, role: &str) -> Result<Tenant> {
        let token = self.token(&json!({ "tenant": tenant, "user": format!("{role}@{tenant}"), "role": role }))?;
        Ok(self.api()?.with_token(token))
    }

    /// A token of the dev issuer, as asked for.
    pub fn token(&self, request: &Value) -> Result<String> {
        let mut response = ureq::post(format!("{}/token", self.issuer())).send_json(request)?;
        let body: Value = response.body_mut().read_json()?;
        let token = body.get("access_token").and_then(Value::as_str).context("the issuer gave no token")?;
        Ok(token.to_owned())
    }

    /// Where AWS's own APIs answer.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The dev issuer.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.issuer_port)
    }

    fn outputs_file(&self) -> PathBuf {
        self.folder.join("outputs.json")
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("cloud.pid")
    }
}

fn tail(path: &std::path::Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
