//! How old the newest backup is, and when a restore was last rehearsed, told to whoever scrapes this process. Apart from
//! readiness on purpose: a server without a backup serves as well as ever.

use std::fmt::Error;

use base::time::Timestamp;
use booking::reconciler::backup::Backups;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use runtime::http::metrics::Metrics;

/// Adds the metrics of backups.
pub fn register(backups: &Backups, metrics: &Metrics) {
    let collector = BackupMetrics(backups.clone());
    metrics.register(|registry| registry.register_collector(Box::new(collector)));
}

struct BackupMetrics(Backups);

impl std::fmt::Debug for BackupMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackupMetrics")
    }
}

impl Collector for BackupMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let backups = &self.0;
        let mut count = |name: &str, help: &str, value: u64| {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        count(
            "backup_failures",
            "Backups that this process asked for and that failed",
            backups.failures(),
        )?;
        count(
            "backup_drill_failures",
            "Restore drills that this process asked for and that failed or found something",
            backups.drill_failures(),
        )?;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        let now = backups.clock().now();
        let age = |at: Timestamp| now.since(at).as_secs_f64();
        let seconds = |at: Timestamp| at.micros() as f64 / 1e6;
        // What never happened has no age: these are absent until there is one.
        if let Some(last) = backups.last() {
            gauge(
                "backup_last_success_timestamp_seconds",
                "Moment of the newest backup, since the epoch",
                seconds(last.made_at()),
            )?;
            gauge(
                "backup_age_seconds",
                "Age of the newest backup: what would be lost with the machine",
                age(last.made_at()),
            )?;
            gauge("backup_bytes", "Length of the newest backup", last.bytes as f64)?;
            gauge(
                "backup_duration_seconds",
                "How long the newest backup took, sending included",
                last.took_ms as f64 / 1e3,
            )?;
        }
        if let Some(drill) = backups.last_drill() {
            gauge(
                "backup_drill_age_seconds",
                "Time since a restore was last rehearsed",
                age(Timestamp::from_micros(drill.at_micros)),
            )?;
            gauge(
                "backup_drill_passed",
                "Whether the last rehearsal of a restore found everything as it must be",
                f64::from(u8::from(drill.passed)),
            )?;
            gauge(
                "backup_drill_restore_seconds",
                "How long the last rehearsal took until a verified database was there",
                drill.rto_s,
            )?;
        }
        Ok(())
    }
}
