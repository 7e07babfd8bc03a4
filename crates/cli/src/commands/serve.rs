//! `comptroller serve`: opens the store, makes the first credential, serves, and stops in order.

use super::config::ConfigArgs;
use super::outside;
use crate::config::{Config, load};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::note;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use comptroller_app::App;
use comptroller_app::predictions::IngestSettings;
use comptroller_app::store::objects::ObjectsConfig;
use comptroller_app::store::{DbConfig, Store, StoreConfig};
use comptroller_core::time::SystemClock;
use comptroller_server::ServerConfig;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// File in the data folder that holds the first credential.
const BOOTSTRAP_FILE: &str = "bootstrap-token";

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    source: ConfigArgs,
    /// Address and port to listen on, instead of `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Data folder, instead of `store.data_dir`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// How the log on stderr looks.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug or trace; or per module, as in `info,comptroller_server=debug`.
    #[arg(long, default_value = "info", value_name = "FILTER")]
    log_level: String,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

pub(crate) fn run(arguments: &ServeArgs) -> anyhow::Result<Exit> {
    let mut loaded = load(arguments.source.config.as_deref(), std::env::vars())?;
    if let Some(listen) = arguments.listen {
        loaded.config.server.listen = listen;
    }
    if let Some(data_dir) = &arguments.data_dir {
        loaded.config.store.data_dir.clone_from(data_dir);
    }
    check(&loaded.config)?;
    start_log(arguments)?;
    runtime()?.block_on(serve(&loaded.config)).map(|()| Exit::OK)
}

/// The runtime of the commands that open a store.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

/// Refuses what can be seen to be wrong before anything is opened.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let listen = config.server.listen;
    if !listen.ip().is_loopback() && !config.server.allow_non_loopback {
        return Err(Failure::usage(
            format!(
                "server.listen is {listen}, which other machines can reach, and the server speaks plain HTTP"
            ),
            "put a proxy that does TLS in front and set server.allow_non_loopback = true, or listen on 127.0.0.1",
        ));
    }
    store_config(config).map(|_| ())
}

/// Where everything of the store lives.
pub(super) fn store_config(config: &Config) -> anyhow::Result<StoreConfig> {
    let store = &config.store;
    let folder =
        |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or_else(|| store.data_dir.join(name));
    let db = match &store.database {
        Some(text) => text.parse().map_err(|_| {
            // The text may hold a password, so it is not repeated.
            Failure::usage(
                "store.database is not usable",
                "give a file path, sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME",
            )
        })?,
        None => DbConfig::Sqlite(store.data_dir.join("db").join("comptroller.db")),
    };
    Ok(StoreConfig {
        db,
        objects: objects_config(config)?,
        keys: folder(&store.keys_dir, "keys"),
        guard: folder(&store.guard_dir, "guard"),
        host: config.log.host.clone(),
        organisation: config.organisation.slug.clone(),
    })
}

/// How prediction records are taken.
fn ingest_settings(config: &Config) -> IngestSettings {
    let lake = &config.lake;
    IngestSettings {
        wal: lake.wal_dir.clone().unwrap_or_else(|| config.store.data_dir.join("wal")),
        seal_after: Duration::from_secs(lake.seal_seconds.get().into()),
        memory: mib(lake.memory_mib),
        filters: mib(lake.filters_mib),
    }
}

fn mib(count: NonZeroU32) -> usize {
    usize::try_from(count.get()).unwrap_or(usize::MAX).saturating_mul(1 << 20)
}

fn objects_config(config: &Config) -> anyhow::Result<ObjectsConfig> {
    let Some(text) = &config.store.objects else {
        return Ok(ObjectsConfig::Local { path: config.store.data_dir.join("objects") });
    };
    let Some(address) = text.strip_prefix("s3://") else {
        if text.contains("://") {
            let message = format!("store.objects is {text:?}");
            return Err(Failure::usage(message, "give a folder, or s3://BUCKET[/PREFIX]"));
        }
        return Ok(ObjectsConfig::Local { path: PathBuf::from(text) });
    };
    let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
    let (Some(access_key), Some(secret_key)) = (&config.s3.access_key, &config.s3.secret_key) else {
        return Err(Failure::usage(
            "store.objects is a bucket, but s3.access_key or s3.secret_key is not set",
            "set both, best by s3.access_key_file and s3.secret_key_file",
        ));
    };
    Ok(ObjectsConfig::S3 {
        endpoint: config.s3.endpoint.clone(),
        bucket: bucket.to_owned(),
        region: config.s3.region.clone(),
        access_key: access_key.clone(),
        secret_key: secret_key.clone().into(),
        prefix: prefix.trim_end_matches('/').to_owned(),
        allow_http: config.s3.allow_http,
    })
}

fn start_log(arguments: &ServeArgs) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&arguments.log_level).map_err(|error| {
        Failure::usage(format!("--log-level: {error}"), "for example info, or warn,comptroller=debug")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => log.with_ansi(crate::output::Style::of_stderr().has_colours()).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let witnesses = outside::witnesses(config)?;
    let sign_in = outside::sign_in(config)?;
    let timestamps = outside::timestamps(config)?;
    let (destinations, events, reminders) = outside::notifications(config)?;
    // Before the store: a port that is taken must not leave a new data folder behind.
    let listener = TcpListener::bind(config.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.server.listen))?;
    let address = listener.local_addr().context("the listening address cannot be read")?;
    let settings = store_config(config)?;
    make_private(&config.store.data_dir)?;
    make_private(&settings.keys)?;
    let store = Store::open(&settings, Arc::new(SystemClock)).await.context("the store cannot be opened")?;
    let mut app = App::new(store.clone())?;
    app = app.with_solver(config.policy.solver.clone());
    if let Some(sign_in) = sign_in {
        app = app.with_sign_in(sign_in)?;
    }
    if let Some(witnesses) = witnesses {
        app = app.with_witnesses(witnesses)?;
        outside::ask_witnesses(&app).await;
    }
    if let Some(timestamps) = timestamps {
        app = app.with_timestamps(timestamps)?;
    }
    app = app.with_notifications(destinations, &events)?.with_reminders(reminders);
    app = app.with_ingest(ingest_settings(config)).await?;
    bootstrap(&app, &config.store.data_dir).await?;
    if !app.store().is_read_only() {
        app.record_shipped_policies().await?;
    }
    let log = app.log().await?;
    tracing::info!(server.address = %address, log.origin = %log.origin, log.size = log.size, "serving");
    for vkey in &log.vkeys {
        note(&format!("log key: {vkey}"));
    }
    if log.read_only {
        note("warning: the store is read-only; stop the server and run `comptroller doctor`");
    }
    // Last, so that whoever waits for this line finds everything ready.
    note(&format!("comptroller serves on http://{address} (reference: http://{address}/docs)"));

    let (stop_followers, stopped) = watch::channel(false);
    let followers = tokio::spawn(app.clone().run_followers(stopped));
    let served = ServerConfig { public_url: config.server.public_url.clone(), ..ServerConfig::default() };
    comptroller_server::serve(app, served, listener, stop.wait()).await;
    tracing::info!("stopping: no request is under way");
    // The followers sign the last head before they end.
    let _ = stop_followers.send(true);
    followers.await.context("the followers ended badly")?;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// SIGINT and SIGTERM. The first asks for an orderly stop, a second ends the process at once.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
        let terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
        Ok(Self { interrupt, terminate })
    }

    async fn wait(&mut self) {
        self.next().await;
        note("stopping; press Ctrl-C again to stop at once");
        tokio::spawn(async {
            if let Ok(mut again) = Self::new() {
                again.next().await;
                // What was acknowledged is durable; the head is signed at the next start.
                std::process::exit(130);
            }
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Makes a folder for its owner only; warns if an existing one is open to others.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let metadata = std::fs::metadata(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!(folder = %folder.display(), "other users can look into this folder; use chmod 700");
    }
    Ok(())
}

/// Makes the first owner and its one-day token, once, and tells where it is.
async fn bootstrap(app: &App, data_dir: &Path) -> anyhow::Result<()> {
    let path = data_dir.join(BOOTSTRAP_FILE);
    let before = std::fs::metadata(&path).ok().map(|metadata| metadata.len());
    if before.is_some_and(|length| length > 0) || app.store().is_read_only() {
        return Ok(());
    }
    // The file comes first: a credential that cannot be kept must not come into being.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let made = app.bootstrap().await;
    let Ok(Some(token)) = made else {
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        made?;
        if before.is_some() {
            note(
                "warning: an earlier first start was cut off before it could keep the first credential; if nobody can",
            );
            note("sign in, stop the server and delete the data folder, which holds nothing else yet");
        }
        return Ok(());
    };
    let written = file.write_all(format!("{token}\n").as_bytes()).and_then(|()| file.sync_all());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    note(&format!(
        "first start: this token makes you owner for one day; it is shown once and kept in {}",
        path.display()
    ));
    note(&format!("  {token}"));
    note(
        "add a person, grant owner, issue an invitation, then disable the service account `bootstrap` and delete the file",
    );
    Ok(())
}
