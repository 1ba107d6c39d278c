//! What the nodes are told: the settings of docs/operator/scale-out.md, with test ports, and without a watchdog.

use std::path::Path;

use super::PASSWORD;
use super::node::Node;

fn list(nodes: &[Node], of: impl Fn(&Node) -> String) -> String {
    nodes.iter().map(of).collect::<Vec<_>>().join(",")
}

/// Patroni's file.
pub(super) fn of(node: &Node, nodes: &[Node], postgres: &Path) -> String {
    let (name, rest, listen, host) = (&node.name, node.rest(), node.postgres(), node.host());
    let (data, bin, pass) = (node.data(), postgres.display(), node.folder().join("pgpass"));
    let (data, pass, etcd) = (data.display(), pass.display(), list(nodes, Node::clients));
    let network = if host == "127.0.0.1" {
        "127.0.0.1/32"
    } else {
        "10.0.0.0/8"
    };
    format!(
        "scope: evenkeel
name: {name}
restapi: {{listen: \"{rest}\", connect_address: \"{rest}\"}}
etcd3: {{hosts: \"{etcd}\"}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    maximum_lag_on_failover: 1048576
    primary_start_timeout: 5
    synchronous_mode: quorum
    synchronous_mode_strict: true
    failsafe_mode: true
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 200
        wal_keep_size: 256MB
        max_wal_size: 512MB
        tcp_keepalives_idle: 5
        tcp_keepalives_interval: 2
        tcp_keepalives_count: 3
        tcp_user_timeout: 10000
        wal_sender_timeout: 5s
        wal_receiver_timeout: 5s
        wal_retrieve_retry_interval: 500ms
        log_line_prefix: '%m [%p] %a '
  initdb: [{{encoding: UTF8}}, {{locale: C.UTF-8}}, data-checksums]
postgresql:
  listen: \"{listen}\"
  connect_address: \"{listen}\"
  data_dir: \"{data}\"
  bin_dir: \"{bin}\"
  pgpass: \"{pass}\"
  authentication:
    superuser: {{username: postgres, password: \"{PASSWORD}\"}}
    replication: {{username: replicator, password: \"{PASSWORD}\"}}
  parameters: {{unix_socket_directories: '', shared_buffers: 64MB}}
  basebackup: [{{checkpoint: fast}}]
  remove_data_directory_on_rewind_failure: true
  remove_data_directory_on_diverged_timelines: true
  pg_hba:
    - host all all {network} scram-sha-256
    - host replication replicator {network} scram-sha-256
watchdog: {{mode: \"off\"}}
"
    )
}

/// etcd's words.
pub(super) fn etcd(node: &Node, nodes: &[Node]) -> Vec<String> {
    let (clients, peers) = (format!("http://{}", node.clients()), format!("http://{}", node.peers()));
    let all = list(nodes, |node| format!("{}=http://{}", node.name, node.peers()));
    let data = node.folder().join("etcd");
    let words = [
        ("name", node.name.clone()),
        ("data-dir", data.display().to_string()),
        ("listen-client-urls", clients.clone()),
        ("advertise-client-urls", clients),
        ("listen-peer-urls", peers.clone()),
        ("initial-advertise-peer-urls", peers),
        ("initial-cluster", all),
        ("initial-cluster-token", "evenkeel".to_owned()),
        ("initial-cluster-state", "new".to_owned()),
        ("heartbeat-interval", "100".to_owned()),
        ("election-timeout", "1000".to_owned()),
        ("log-level", "warn".to_owned()),
    ];
    words
        .into_iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect()
}
