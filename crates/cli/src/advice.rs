//! What a person should know once about a PostgreSQL that could be kept better: said at start, never a reason not to.

use database::Database;
use database::postgres::Standing;

/// Sentences; none where all is well, or where the rows are in a file.
pub fn of(database: &Database) -> Vec<String> {
    let Some(cluster) = database.cluster() else {
        return Vec::new();
    };
    let standings = cluster.standings();
    let hosts = standings.len();
    let of_one = |(host, standing): (String, Result<Standing, String>)| match standing {
        Err(cause) => Some(format!("{host} does not answer: {cause}.")),
        Ok(standing) if standing.follows => None,
        Ok(standing) => of_primary(&host, &standing, hosts),
    };
    standings.into_iter().filter_map(of_one).collect()
}

/// Whether it was told to be strict cannot be seen from here while a standby is there; that it waits for a quorum can,
/// which Patroni does from version 4 on.
fn of_primary(host: &str, standing: &Standing, hosts: usize) -> Option<String> {
    let standbys = standing.standbys.as_str();
    if standbys.is_empty() && hosts == 1 {
        return Some(format!(
            "The database is one server ({host}) without a synchronous standby: bookings are as safe as its disk. \
             docs/operator/scale-out.md has the way to three."
        ));
    }
    if standbys.is_empty() {
        return Some(format!(
            "{host} commits without waiting for a standby: a failover can lose acknowledged bookings. \
             Set synchronous_mode: quorum and synchronous_mode_strict: true (docs/operator/scale-out.md)."
        ));
    }
    if standing.followers == 0 {
        return Some(format!(
            "{host} has no standby at the moment: commits wait until one is back."
        ));
    }
    if !standbys.starts_with("ANY ") {
        return Some(format!(
            "{host} waits for {standbys}, not for a quorum (ANY 1 …): losing that one stops bookings, and a Patroni \
             older than 4 may be at work. Patroni 3.0.2 with etcd v3 loses acknowledged bookings. Take 4 or newer with \
             synchronous_mode: quorum and synchronous_mode_strict: true (docs/operator/scale-out.md)."
        ));
    }
    None
}
