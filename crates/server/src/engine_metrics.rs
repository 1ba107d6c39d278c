//! What the engine counts, told to whoever scrapes this process. The engine itself knows no metrics' text forms.

use std::fmt::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use booking::engine::{Engine, MessageCounters};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use runtime::http::metrics::Metrics;

/// Adds the engine's metrics.
pub fn register(engine: &Engine, metrics: &Metrics) {
    let collector = EngineMetrics { engine: engine.clone() };
    metrics.register(|registry| registry.register_collector(Box::new(collector)));
}

struct EngineMetrics {
    engine: Engine,
}

impl std::fmt::Debug for EngineMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineMetrics")
    }
}

impl Collector for EngineMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let counters = self.engine.counters();
        let mut count = |name: &str, help: &str, value: &AtomicU64| {
            let metric = ConstCounter::new(value.load(Ordering::Relaxed));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        count("commits", "Transactions committed", &counters.commits)?;
        count("commands", "Commands in committed transactions", &counters.commands)?;
        count(
            "commit_violations",
            "Batches decided again because they met another writer",
            &counters.violations,
        )?;
        count(
            "commit_conflicts",
            "Batches decided again because another writer was in the way",
            &counters.conflicts,
        )?;
        count("commits_in_doubt", "Commits whose answer was lost", &counters.in_doubt)?;
        count(
            "commands_panicked",
            "Commands that panicked while being decided: each is a bug",
            &counters.panics,
        )?;
        count(
            "commands_timed_out",
            "Commands dropped because their deadline had passed",
            &counters.timed_out,
        )?;
        count(
            "commands_turned_away",
            "Commands turned away because the queue was full",
            &counters.turned_away,
        )?;
        count(
            "holds_expired",
            "Holds freed because their time was over",
            &counters.expired_holds,
        )?;
        encode_messages(&counters.messages, &mut encoder)?;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        let age = self.engine.clock().now().since(self.engine.as_of());
        gauge(
            "commands_waiting",
            "Commands that wait for the committer",
            self.engine.queue_len() as f64,
        )?;
        gauge(
            "availability_age_seconds",
            "Time since availability was last confirmed to be current",
            age.as_secs_f64(),
        )?;
        gauge(
            "slots_offered",
            "Slots in the availability snapshot",
            self.engine.snapshot().slots_len() as f64,
        )?;
        self.replica(&mut encoder)?;
        self.secrecy(&mut encoder)
    }
}

impl EngineMetrics {
    /// What became of looks at the read replica.
    fn replica(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counters = self.engine.counters();
        let mut count = |name: &str, help: &str, value: &AtomicU64| {
            let metric = ConstCounter::new(value.load(Ordering::Relaxed));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        count(
            "replica_looks_current",
            "Looks at the read replica that showed what is young enough",
            &counters.replica_current,
        )?;
        count(
            "replica_looks_behind",
            "Looks at the read replica that showed what is too old",
            &counters.replica_behind,
        )?;
        count(
            "replica_looks_failed",
            "Looks at the read replica that failed",
            &counters.replica_failed,
        )
    }

    /// What concerns keys and the audit chains.
    fn secrecy(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let (counters, heads) = (self.engine.counters(), self.engine.heads());
        let mut count = |name: &str, help: &str, value: &AtomicU64| {
            let metric = ConstCounter::new(value.load(Ordering::Relaxed));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        count(
            "values_resealed",
            "Values that were sealed anew with the key in force",
            &counters.resealed,
        )?;
        count(
            "reads_audited",
            "Reads by personal link written to the audit chain",
            &counters.reads_audited,
        )?;
        count(
            "reads_unaudited",
            "Reads by personal link that could not be noted for the audit chain",
            &counters.reads_unaudited,
        )?;
        count(
            "residents_erased",
            "Residents erased because their retention was over",
            &counters.residents_erased,
        )?;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        gauge(
            "sealing_key",
            "Number of the key that new values are sealed with",
            f64::from(self.engine.keys().key_id()),
        )?;
        gauge(
            "values_to_reseal",
            "Values not yet looked at since the key in force was declared",
            counters.to_reseal.load(Ordering::Relaxed) as f64,
        )?;
        gauge(
            "audit_events_missing",
            "Acknowledged events that were found missing, ever",
            heads.missing() as f64,
        )?;
        gauge(
            "audit_heads_age_seconds",
            "Time since the recorded ends of the audit chains were those of the database",
            heads.age(self.engine.clock().now()).as_secs_f64(),
        )
    }
}

fn encode_messages(messages: &MessageCounters, encoder: &mut DescriptorEncoder) -> Result<(), Error> {
    let metric = ConstCounter::new(messages.deferred.load(Ordering::Relaxed));
    let help = "Times that an address had to wait for its day's limit of mails";
    metric.encode(encoder.encode_descriptor("messages_deferred", help, None, metric.metric_type())?)?;
    let metric = ConstGauge::new(messages.oldest_s.load(Ordering::Relaxed) as i64);
    let help = "Age of the oldest message that waits, as last counted";
    metric.encode(encoder.encode_descriptor("message_oldest_age_seconds", help, None, metric.metric_type())?)?;
    let mut receipts = encoder.encode_descriptor(
        "message_attempts",
        "Attempts to deliver a message, by receipt",
        None,
        MetricType::Counter,
    )?;
    let by_receipt = [
        ("delivered", &messages.delivered),
        ("rejected", &messages.rejected),
        ("unknown", &messages.unknown),
    ];
    for (receipt, value) in by_receipt {
        let metric = ConstCounter::new(value.load(Ordering::Relaxed));
        metric.encode(receipts.encode_family(&[("receipt", receipt)])?)?;
    }
    let mut states = encoder.encode_descriptor(
        "messages",
        "Messages in the outbox, by state, as last counted",
        None,
        MetricType::Gauge,
    )?;
    for (state, value) in [("waiting", &messages.waiting), ("dead", &messages.dead)] {
        let metric = ConstGauge::new(value.load(Ordering::Relaxed) as i64);
        metric.encode(states.encode_family(&[("state", state)])?)?;
    }
    Ok(())
}
