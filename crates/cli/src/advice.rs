//! What a person should know once about a PostgreSQL that could be kept better: said at start, never a reason not to.

use database::Database;

/// Sentences; none where all is well, or where the rows are in a file.
pub fn of(database: &Database) -> Vec<String> {
    let Some(cluster) = database.cluster() else {
        return Vec::new();
    };
    let standings = cluster.standings();
    let hosts = standings.len();
    let mut said = Vec::new();
    for (host, standing) in standings {
        match standing {
            Err(cause) => said.push(format!("{host} does not answer: {cause}.")),
            Ok(standing) if standing.follows => {}
            Ok(standing) => {
                if standing.standbys.is_empty() && hosts == 1 {
                    said.push(format!(
                        "The database is one server ({host}) without a synchronous standby: bookings are as safe as its disk. \
                         docs/operator/scale-out.md has the way to three."
                    ));
                } else if standing.standbys.is_empty() {
                    said.push(format!(
                        "{host} commits without waiting for a standby: a failover can lose acknowledged bookings. \
                         Set synchronous_mode: quorum and synchronous_mode_strict: true (docs/operator/scale-out.md)."
                    ));
                } else if standing.followers == 0 {
                    said.push(format!(
                        "{host} has no standby at the moment: commits wait until one is back."
                    ));
                }
            }
        }
    }
    said
}
