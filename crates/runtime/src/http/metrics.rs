//! The metrics of this process and their two text forms: OpenMetrics for who asks for it, else the older Prometheus
//! text. Doesn't know what is counted; each part registers its own.

use std::fmt::{Error, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::clock::Clock;
use crate::{error_kind, task};

/// OpenMetrics 1.0.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The text format of Prometheus, 0.0.4.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of this process; cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// The process's own metrics only, under the `process_…` names that every tool knows.
    pub fn new(clock: &Clock) -> Self {
        let mut registry = Registry::default();
        let started_s = clock.now().micros() as f64 / 1e6;
        registry.register_collector(Box::new(Process { started_s }));
        Self(Arc::new(Mutex::new(registry)))
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds metrics under `evenkeel_…`.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(self.registry().sub_registry_with_prefix("evenkeel"));
    }

    /// As OpenMetrics text.
    pub fn openmetrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry()).expect("a string takes any text");
        text
    }

    /// The answer to a scrape, in the form that its `Accept` asks for.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let text = self.openmetrics();
        if accepted.any(|accept| accept.contains("application/openmetrics-text")) {
            ([(CONTENT_TYPE, OPENMETRICS)], text).into_response()
        } else {
            ([(CONTENT_TYPE, PROMETHEUS)], prometheus_text(&text)).into_response()
        }
    }
}

/// Rewrites OpenMetrics text as Prometheus text 0.0.4: a counter's family is called as its samples are (`…_total`),
/// units, exemplars and the end mark go, and types that the older form lacks become those it has.
pub fn prometheus_text(openmetrics: &str) -> String {
    let mut out = String::with_capacity(openmetrics.len());
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = Some(rest.split_once(' ').unwrap_or((rest, "")));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                "stateset" => ("", "gauge"),
                kind => ("", kind),
            };
            if let Some((_, text)) = help.take().filter(|(helped, _)| *helped == name) {
                let _ = writeln!(out, "# HELP {name}{suffix} {text}");
            }
            let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') && !line.is_empty() {
            out.push_str(without_exemplar(line));
            out.push('\n');
        }
    }
    out
}

/// A sample without ` # {…} …` after its value. Inside a label's quotes those characters mean nothing.
fn without_exemplar(sample: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in sample.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return sample[..at].trim_end(),
            _ => {}
        }
    }
    sample
}

/// What the operating system says about this process, under the names that every dashboard knows.
#[derive(Debug)]
struct Process {
    started_s: f64,
}

/// Processor time that this process has spent, in all its threads.
pub fn processor_time() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    u64::try_from(micros).ok().map(Duration::from_micros)
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let mut gauge = |name: &str, help: &str, value: f64| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        gauge(
            "process_start_time_seconds",
            "Start time of the process since the epoch.",
            self.started_s,
        )?;
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory_bytes", "Resident memory.", bytes)?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            gauge("process_open_fds", "Open files and sockets.", open.count() as f64)?;
        }
        if let Ok((soft, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            gauge("process_max_fds", "Files and sockets that may be open.", soft as f64)?;
        }
        let mut counter = |name: &str, help: &str, value: f64| {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        if let Some(spent) = processor_time() {
            counter("process_cpu_seconds", "Processor time spent.", spent.as_secs_f64())?;
        }
        counter(
            "evenkeel_panics",
            "Panics caught: each is a bug.",
            task::panics() as f64,
        )?;
        counter(
            "evenkeel_errors",
            "Errors logged, requests that failed among them.",
            error_kind::errors() as f64,
        )?;
        counter(
            "evenkeel_new_errors",
            "Kinds of error seen for the first time since the start.",
            error_kind::new_errors() as f64,
        )
    }
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}
