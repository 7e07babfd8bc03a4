//! Counters of requests, and their Prometheus text (exposition format 0.0.4).
//!
//! Labels are bounded: a route is the pattern that matched, never the path that was sent.

mod drift;

use comptroller_app::ledger::LogView;
use comptroller_app::monitors::DriftGauge;
use comptroller_app::predictions::Waits;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Route and method, both from closed sets.
type Key = (String, &'static str);

/// What was counted since the server started.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    routes: Mutex<BTreeMap<Key, Route>>,
}

#[derive(Debug, Default)]
struct Route {
    statuses: BTreeMap<u16, u64>,
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), routes: Mutex::new(BTreeMap::new()) }
    }

    /// Counts an answered request.
    pub(crate) fn count(&self, route: &str, method: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        // A counter that a panic left half-updated is still a counter.
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = routes.entry((route.to_owned(), known(method))).or_default();
        *entry.statuses.entry(status).or_default() += 1;
        for (bucket, bound) in entry.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
        entry.count += 1;
        entry.seconds += seconds;
    }

    /// The text that Prometheus reads. `log` is absent if the database cannot be reached.
    pub(crate) fn text(&self, log: Option<&LogView>, records: Option<Waits>, drift: &[DriftGauge]) -> String {
        let mut out = String::new();
        self.process(&mut out);
        gauge(&mut out, "comptroller_database_up", "Whether the database answers.", u64::from(log.is_some()));
        if let Some(log) = log {
            gauge(&mut out, "comptroller_ledger_size", "Entries in the ledger.", log.size);
            let help = "Entries under the newest signed checkpoint.";
            gauge(&mut out, "comptroller_ledger_signed_size", help, log.signed_size);
            witnesses(&mut out, log);
            time_stamps(&mut out, log);
            channels(&mut out, log);
            let help = "Whether the store refuses writes.";
            gauge(&mut out, "comptroller_read_only", help, u64::from(log.read_only));
        }
        if let Some(Waits { batches, records, bytes }) = records {
            let help = "Batches of records that are taken and not sealed yet.";
            gauge(&mut out, "comptroller_records_waiting_batches", help, batches);
            let help = "Prediction records and labels that are taken and not sealed yet.";
            gauge(&mut out, "comptroller_records_waiting", help, records);
            let help = "Their bytes in memory; at lake.memory_mib senders are told to come again.";
            gauge(&mut out, "comptroller_records_waiting_bytes", help, bytes);
        }
        drift::write(&mut out, drift);
        self.requests(&mut out);
        out
    }

    fn process(&self, out: &mut String) {
        let version = env!("CARGO_PKG_VERSION");
        head(out, "comptroller_build_info", "gauge", "The version of the server.");
        line(out, &format!("comptroller_build_info{{version=\"{version}\"}} 1"));
        head(out, "comptroller_uptime_seconds", "gauge", "Time since the server started.");
        line(out, &format!("comptroller_uptime_seconds {:.3}", self.started.elapsed().as_secs_f64()));
        // Only Linux tells; elsewhere the line is absent rather than wrong.
        if let Some(bytes) = resident_bytes() {
            let help = "Memory of the process that is resident.";
            gauge(out, "process_resident_memory_bytes", help, bytes);
        }
    }

    fn requests(&self, out: &mut String) {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "comptroller_http_requests_total";
        head(out, name, "counter", "Requests answered, by route, method and status.");
        for ((route, method), entry) in routes.iter() {
            for (status, count) in &entry.statuses {
                let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
                line(out, &format!("{name}{{{labels}}} {count}"));
            }
        }
        let name = "comptroller_http_request_seconds";
        head(out, name, "histogram", "Time until a request was answered.");
        for ((route, method), entry) in routes.iter() {
            let labels = format!("route=\"{route}\",method=\"{method}\"");
            for (bound, count) in BUCKETS.iter().zip(entry.buckets) {
                line(out, &format!("{name}_bucket{{{labels},le=\"{bound}\"}} {count}"));
            }
            line(out, &format!("{name}_bucket{{{labels},le=\"+Inf\"}} {}", entry.count));
            line(out, &format!("{name}_sum{{{labels}}} {:.6}", entry.seconds));
            line(out, &format!("{name}_count{{{labels}}} {}", entry.count));
        }
    }
}

/// How far the witnesses are; nothing if none are configured. The configuration bounds the label.
fn witnesses(out: &mut String, log: &LogView) {
    if log.witnesses.is_empty() {
        return;
    }
    let help = "Entries under the newest checkpoint that reached the quorum of witnesses.";
    gauge(out, "comptroller_ledger_witnessed_size", help, log.witnessed_size.unwrap_or(0));
    let name = "comptroller_witness_lag_entries";
    head(out, name, "gauge", "Signed entries that a witness has not cosigned yet.");
    for witness in &log.witnesses {
        let label = witness.name.replace('\\', "\\\\").replace('"', "\\\"");
        line(out, &format!("{name}{{witness=\"{label}\"}} {}", witness.lag));
    }
}

/// How far the time-stamps are; nothing if no authority is configured.
fn time_stamps(out: &mut String, log: &LogView) {
    let Some(stamp) = &log.time_stamp else { return };
    let help = "Signed entries that no time-stamp covers yet.";
    gauge(out, "comptroller_timestamp_lag_entries", help, stamp.lag);
    let seconds = stamp.stamped_at.map_or(0, |at| at.micros() / 1_000_000);
    let help = "POSIX time in the newest time-stamp; 0 if there is none.";
    gauge(out, "comptroller_timestamp_time_seconds", help, seconds.unsigned_abs());
}

/// How far the channels of notifications are; nothing if none are configured.
fn channels(out: &mut String, log: &LogView) {
    if log.channels.is_empty() {
        return;
    }
    let name = "comptroller_channel_lag_entries";
    head(out, name, "gauge", "Entries that a channel of notifications has not looked at.");
    for channel in &log.channels {
        line(out, &format!("{name}{{channel=\"{}\"}} {}", channel.channel, channel.lag));
    }
    let name = "comptroller_channel_failing";
    head(out, name, "gauge", "Whether the next message of a channel is not taken.");
    for channel in &log.channels {
        let failing = u64::from(channel.failing_since.is_some());
        line(out, &format!("{name}{{channel=\"{}\"}} {failing}", channel.channel));
    }
}

/// The method if HTTP defines it; a client may send any word.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    line(out, &format!("# HELP {name} {help}"));
    line(out, &format!("# TYPE {name} {kind}"));
}

fn gauge(out: &mut String, name: &str, help: &str, value: u64) {
    head(out, name, "gauge", help);
    line(out, &format!("{name} {value}"));
}

fn line(out: &mut String, text: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{text}");
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_app::notify::ChannelView;
    use comptroller_app::timestamp::TimestampView;
    use comptroller_app::witness::WitnessView;
    use comptroller_core::Timestamp;

    #[test]
    fn the_lag_of_each_witness_is_shown_with_a_closed_label() {
        let witness = WitnessView {
            name: "w.example/\"1\\".into(),
            vkey: String::new(),
            asked: true,
            cosigned_size: Some(5),
            cosigned_at: None,
            lag: 2,
            last_error: None,
        };
        let mut log = LogView {
            origin: String::new(),
            vkeys: Vec::new(),
            size: 8,
            signed_size: 7,
            witnessed_size: Some(5),
            witnesses: vec![witness],
            channels: vec![ChannelView {
                channel: "webhook".parse().unwrap(),
                lag: 4,
                failing_since: None,
                last_error: None,
            }],
            time_stamp: Some(TimestampView {
                authority: None,
                stamped_size: Some(4),
                stamped_at: Some(Timestamp::from_micros(1_800_000_000_500_000)),
                lag: 3,
                last_error: None,
            }),
            signed_root: None,
            read_only: false,
        };
        let text = Metrics::new().text(Some(&log), None, &[]);
        assert!(text.contains("comptroller_ledger_witnessed_size 5\n"));
        assert!(
            text.contains("comptroller_witness_lag_entries{witness=\"w.example/\\\"1\\\\\"} 2\n"),
            "{text}"
        );
        assert!(text.contains("comptroller_timestamp_lag_entries 3\n"), "{text}");
        assert!(text.contains("comptroller_channel_lag_entries{channel=\"webhook\"} 4\n"), "{text}");
        assert!(text.contains("comptroller_channel_failing{channel=\"webhook\"} 0\n"), "{text}");
        assert!(text.contains("comptroller_timestamp_time_seconds 1800000000\n"), "{text}");
        log.witnesses.clear();
        log.time_stamp = None;
        log.channels.clear();
        let text = Metrics::new().text(Some(&log), None, &[]);
        assert!(!text.contains("witness") && !text.contains("timestamp"), "{text}");
    }

    #[test]
    fn buckets_are_cumulative_and_labels_closed() {
        let metrics = Metrics::new();
        metrics.count("/a/{b}", "GET", 200, Duration::from_millis(3));
        metrics.count("/a/{b}", "GET", 404, Duration::from_secs(60));
        metrics.count("unmatched", "BREW\"", 405, Duration::ZERO);
        let text = metrics.text(None, Some(Waits { batches: 2, records: 9, bytes: 70 }), &[]);
        assert!(
            text.contains(
                "comptroller_http_requests_total{route=\"/a/{b}\",method=\"GET\",status=\"404\"} 1"
            )
        );
        assert!(text.contains("_bucket{route=\"/a/{b}\",method=\"GET\",le=\"0.0025\"} 0\n"));
        assert!(text.contains("_bucket{route=\"/a/{b}\",method=\"GET\",le=\"0.005\"} 1\n"));
        assert!(text.contains("_bucket{route=\"/a/{b}\",method=\"GET\",le=\"30\"} 1\n"));
        assert!(text.contains("_bucket{route=\"/a/{b}\",method=\"GET\",le=\"+Inf\"} 2\n"));
        assert!(text.contains("method=\"other\""));
        assert!(!text.contains("BREW"));
        assert!(text.contains("comptroller_database_up 0\n"));
        assert!(!text.contains("comptroller_ledger_size"));
        assert!(text.contains("comptroller_records_waiting 9\n"), "{text}");
    }
}
