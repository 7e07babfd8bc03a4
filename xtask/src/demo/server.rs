//! The demo's server: the real `comptroller serve` on a free port of loopback, stopped when the demo ends.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::servers::daemon::{Daemon, command};
use crate::servers::free_ports;

/// How long one try to connect may take.
const CONNECT: Duration = Duration::from_millis(500);

/// A running server. Dropping it stops the server.
pub(crate) struct Server {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    daemon: Daemon,
}

impl Server {
    /// Writes a configuration into `folder` and starts the server there; returns when it answers.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Server> {
        let [port] = free_ports::<1>()?;
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let config = folder.join("comptroller.toml");
        let text = format!(
            "# Made by the demo. Everything that is not here has its default.\n\n[server]\nlisten = \"{address}\"\n\n\
             [organisation]\nslug = \"demo-bank\"\n\n[lake]\nseal_seconds = 1\n"
        );
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let mut serve = command(binary, None, Some("TERM"))?;
        serve.args(["serve", "--config"]).arg(&config).current_dir(folder);
        without_settings(&mut serve);
        let answers = || TcpStream::connect_timeout(&address, CONNECT).is_ok();
        let daemon = Daemon::start("comptroller", serve, folder.join("server.log"), "TERM", answers)?;
        Ok(Server { url: format!("http://{address}"), daemon })
    }

    /// The last lines of its log.
    pub(crate) fn log_end(&self) -> String {
        self.daemon.log_end()
    }
}

/// The file of the one-time credential that the first start leaves.
pub(crate) fn bootstrap_token(folder: &Path) -> PathBuf {
    folder.join("comptroller-data").join("bootstrap-token")
}

/// Takes every setting of the developer's machine away, so that the demo is the same everywhere.
pub(crate) fn without_settings(command: &mut std::process::Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COMPTROLLER_") {
            command.env_remove(name);
        }
    }
}
