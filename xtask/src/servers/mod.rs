//! PostgreSQL and an S3 server for the tests: started on demand, on loopback only, always stopped.
//!
//! Every start makes new data folders, ports and passwords, so that runs cannot meet. Nothing outlives us: `Drop`
//! stops the servers, and where the system can do it a server dies with us even when we are killed.

pub(crate) mod daemon;
mod postgres;
mod s3;

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// The running servers. Dropping this stops them and removes their data.
pub(crate) struct Servers {
    postgres: postgres::Postgres,
    s3: s3::S3,
}

impl Servers {
    /// Installs what is missing and starts both servers; returns when both answer.
    pub(crate) fn start(workspace: &Workspace) -> Result<Servers> {
        let postgres = postgres::Postgres::start().context("cannot start PostgreSQL")?;
        let s3 = s3::S3::start(&workspace.cache).context("cannot start the S3 server")?;
        Ok(Servers { postgres, s3 })
    }

    /// The variables that the tests read, as (name, value).
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![("COMPTROLLER_TEST_POSTGRES_URL".to_owned(), self.postgres.url.clone())];
        variables.extend(self.s3.environment());
        variables
    }

    /// Prints the end of both logs, for a test that failed.
    pub(crate) fn print_logs(&self) {
        println!("---- the log of PostgreSQL ends:\n{}", self.postgres.daemon.log_end());
        println!("---- the log of the S3 server ends:\n{}", self.s3.daemon.log_end());
    }
}

/// `cargo xtask servers`: both servers until ctrl-c.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.first() {
        bail!("`servers` takes no arguments, found `{unknown}`");
    }
    let servers = Servers::start(workspace)?;
    for (name, value) in servers.environment() {
        println!("export {name}='{value}'");
    }
    eprintln!("PostgreSQL and S3 are up; ctrl-c stops both and removes their data");
    while !process::interrupted() {
        thread::sleep(Duration::from_millis(100));
    }
    Ok(true)
}

/// Ports that were free a moment ago, all different.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    // All listeners are held until every port is known; only then can none be handed out twice.
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// A random text of `2 * BYTES` hexadecimal digits from the operating system.
fn random_text<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_and_passwords_differ() {
        let ports: BTreeSet<u16> = free_ports::<20>().unwrap().into_iter().collect();
        assert_eq!(ports.len(), 20);
        let (one, other) = (random_text::<16>().unwrap(), random_text::<16>().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
