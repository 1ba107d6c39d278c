//! What a server believes of the edge header.

use std::time::Duration;

use base::time::Timestamp;
use runtime::entropy::Entropy;
use runtime::http::edge::{Edge, EdgeKey};

#[test]
fn ours_of_just_now_and_nothing_else() {
    let folder = std::env::temp_dir().join(format!("evenkeel-edge-{:032x}", Entropy::real().bits128()));
    std::fs::create_dir(&folder).unwrap();
    let key = EdgeKey::open_or_create(&folder, &Entropy::seeded(1)).unwrap();
    let same = EdgeKey::open_or_create(&folder, &Entropy::seeded(2)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let now = Timestamp::from_seconds(1_800_000_000);
    let edge = Edge {
        client: "2001:db8::1".parse().unwrap(),
        left: Duration::from_millis(1234),
    };
    let value = key.seal(&edge, now);
    assert_eq!(same.open(&value, now + Duration::from_secs(5)), Some(edge));
    assert_eq!(same.open(&value, now + Duration::from_secs(6)), None);
    assert_eq!(same.open(&value.replace("db8::1", "db8::2"), now), None);
    assert_eq!(same.open(&value.replace("1234", "9234"), now), None);
    for other in ["", ";", "1;2;3;4;5", &value[..value.len() - 1]] {
        assert_eq!(same.open(other, now), None, "{other}");
    }
}
