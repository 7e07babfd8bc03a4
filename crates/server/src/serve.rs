//! Connections: accepts them in bounded number, with bounded header size and time, and stops gracefully.

use crate::router;
use crate::state::ServerConfig;
use comptroller_app::App;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Largest head of a request (line and headers), in bytes.
const MAX_HEAD: usize = 64 << 10;
/// Wait after the system refused a connection, for example because files ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `app` on `listener` until `shutdown` is ready, then lets requests under way finish.
///
/// Returns once no request is under way, or after [`crate::Limits::stop_time`].
pub async fn serve(
    app: App,
    config: ServerConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) {
    let ServerConfig { public_url, limits } = config;
    let base = public_url.unwrap_or_else(|| match listener.local_addr() {
        Ok(address) => format!("http://{address}"),
        Err(_) => String::new(),
    });
    let service = TowerToHyperService::new(router(app, &base, &limits));
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_time).max_buf_size(MAX_HEAD);
    // A request that has arrived whole is carried out, and its refusal recorded, also if its caller hung up since.
    http.half_close(true);

    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = &mut shutdown => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small answers must not wait for more to send. If the option fails, they only come later.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "no-delay could not be set");
        }
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection ended early");
            }
            drop(slot);
        });
    }

    drop(listener);
    if tokio::time::timeout(limits.stop_time, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way when the server stopped");
    }
}
