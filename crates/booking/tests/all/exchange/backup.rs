//! A backup comes back as it was, and whatever is wrong with one is told by name before anything is touched.

use crate::site::{Site, person, site_on};
use base::limit::Settings;
use base::time::Timestamp;
use booking::exchange::backup::artefact::{Artefact, Unusable};
use booking::exchange::backup::{
    BackupError, KeptBackup, Made, Making, Step, Workplace, kept, made_at_of, name_of, outlived,
};
use booking::exchange::restore::{self, RestoreError};
use booking::limit::backup::{KEPT_DAYS, KEPT_LAST};
use booking::records::MIGRATIONS;
use database::migration::{Migration, migrate};
use database::{Database, OpenError};
use runtime::clock::Clock;
use runtime::destination::Place;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("evenkeel-backup-{:032x}", Entropy::real().bits128()));
        std::fs::create_dir_all(path.join("run")).unwrap();
        Self(path)
    }
    pub fn database(&self) -> Database {
        Database::file(&self.0.join("evenkeel.sqlite"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn go_on(_: Step, _: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub fn make(folder: &Folder, workplace: &Workplace) -> Result<Made, BackupError> {
    let making = Making {
        database: &folder.database(),
        keys: &KeyRing::for_tests(),
        clock: &Clock::real(),
        entropy: &Entropy::real(),
        settings: &Settings::default(),
        workplace,
    };
    making.make(&mut go_on)
}

/// A site with a few appointments, in a file.
pub async fn booked(folder: &Folder) -> Site {
    let site = site_on(folder.database(), &[3, 3], "a", Settings::default());
    for n in 0..3 {
        site.book(site.slots[n % 2], person(n as u32), 1).await.unwrap();
    }
    site
}

/// A backup of such a site, as bytes.
async fn artefact(folder: &Folder) -> Vec<u8> {
    let site = booked(folder).await;
    let workplace = Workplace::take(&folder.0).unwrap();
    let made = make(folder, &workplace).unwrap();
    site.stop().await;
    std::fs::read(&made.file).unwrap()
}

fn open(folder: &Folder, bytes: &[u8]) -> Result<Artefact, Unusable> {
    let path = folder.0.join("tried.ekb");
    std::fs::write(&path, bytes).unwrap();
    Artefact::open(&path, "tried.ekb", &mut go_on)
}

/// Changes the header, and the checksums with it: what another program version might have written.
fn with_header(bytes: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    let length = u32::from_be_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let header = change(String::from_utf8(bytes[24..24 + length].to_vec()).unwrap());
    let mut out = bytes[..24].to_vec();
    out[12..16].copy_from_slice(&(header.len() as u32).to_be_bytes());
    let whole = (bytes.len() + header.len() - length) as u64;
    out[16..24].copy_from_slice(&whole.to_be_bytes());
    out.extend_from_slice(header.as_bytes());
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    out.extend_from_slice(&bytes[24 + length + 32..bytes.len() - 32]);
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    out
}

fn restored(folder: &Folder, artefact: &Artefact) -> Result<PathBuf, RestoreError> {
    let workplace = Workplace::take(&folder.0).unwrap();
    let unpacked = restore::unpack(artefact, workplace.folder(), Clock::real().now(), &mut go_on)?;
    // Days later: what was held then was due long ago, and no server was there to free it.
    let made_at = artefact.header.made_at();
    restore::note(&unpacked, made_at, made_at + Duration::from_hours(240))?;
    restore::put_in_place(&unpacked, &folder.0)?;
    Ok(folder.0.join("evenkeel.sqlite"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_made_while_people_book_comes_back_whole_and_goes_on() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let site = booked(&folder).await;
    site.hold(&[site.slots[0]]).await.unwrap();
    let workplace = Workplace::take(&folder.0).unwrap();
    let made = make(&folder, &workplace).unwrap();
    assert_eq!(made.header.rows["appointment"], 3);
    assert_eq!(made.header.jurisdiction, "Testland");
    assert_eq!(made.header.key_numbers(), "1");
    let later = site.book(site.slots[1], person(9), 1).await.unwrap();
    let head = &made.header.heads["a"];
    assert!(made.header.last_event_at().unwrap() <= made.made_at && head.sequence > 0);
    site.stop().await;

    let artefact = Artefact::open(&made.file, &made.name, &mut go_on).unwrap();
    assert_eq!((&artefact.header, &artefact.written), (&made.header, &made.written));
    artefact.usable(&KeyRing::for_tests(), "here").unwrap();
    let file = restored(&elsewhere, &artefact).unwrap();
    let report = restore::verify(&Database::file(&file), &KeyRing::for_tests(), Duration::from_secs(120)).unwrap();
    assert_eq!((report.findings, report.appointments), (Vec::new(), 3));
    let mut connection = elsewhere.database().connect_read_only().unwrap();
    let mut traces = Vec::new();
    booking::records::audit::all(&mut connection.begin_read().unwrap(), |link| {
        traces.extend((link.kind == "backup-restored").then_some((link.chain, link.count)));
    })
    .unwrap();
    assert_eq!(traces, [("restore".to_owned(), 864_000)]);
    drop(connection);

    // An engine goes on from it: the chain continues, and the code of the lost appointment is not given out again.
    let code_of = |database: &Database| {
        let mut connection = database.connect_read_only().unwrap();
        let mut tx = connection.begin_read().unwrap();
        booking::records::appointment::last_code(&mut tx)
            .unwrap()
            .unwrap()
            .stored()
    };
    let lost = code_of(&folder.database());
    let again = site_on(elsewhere.database(), &[3, 3], "a", Settings::default());
    again.book(again.slots[1], person(10), 1).await.unwrap();
    assert!(code_of(&elsewhere.database()) > lost, "{later:?}");
    again.assert_whole();
    again.stop().await;
    assert!(matches!(
        restore::refuse_occupied(&elsewhere.0),
        Err(RestoreError::Occupied(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_anywhere_and_a_cut_anywhere_are_refused_by_name() {
    let folder = Folder::new();
    let bytes = artefact(&folder).await;
    open(&folder, &bytes).unwrap();
    let header_ends = 24 + u32::from_be_bytes(bytes[12..16].try_into().unwrap()) as usize + 32;
    let far = (header_ends..bytes.len())
        .step_by(997)
        .chain(bytes.len() - 32..bytes.len());
    for at in (0..header_ends).chain(far) {
        for bit in [0x01, 0x80] {
            let mut flipped = bytes.clone();
            flipped[at] ^= bit;
            match open(&folder, &flipped) {
                Err(Unusable::NotABackup(_)) if at < 8 => {}
                Err(Unusable::Damaged { part: "its header", .. }) if (8..header_ends).contains(&at) => {}
                // A header that claims to be longer than the file looks like one whose rest is missing.
                Err(Unusable::Cut { .. }) if (12..16).contains(&at) => {}
                Err(Unusable::Damaged {
                    part: "the whole file", ..
                }) if at >= header_ends => {}
                other => panic!("byte {at} of {}: {other:?}", bytes.len()),
            }
        }
    }
    let lengths = (1..header_ends + 3).chain((header_ends..bytes.len()).step_by(991));
    for length in lengths.chain([bytes.len() - 1]) {
        match open(&folder, &bytes[..length]) {
            Err(Unusable::Cut { there, wanted, .. }) => assert!(there == length as u64 && wanted > there),
            other => panic!("cut at {length}: {other:?}"),
        }
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(open(&folder, &longer), Err(Unusable::Damaged { .. })));
    for other in [&b""[..], b"SQLite format 3\0", b"EVEN more"] {
        assert!(matches!(open(&folder, other), Err(Unusable::NotABackup(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_keys_newer_data_and_content_that_is_not_as_said_are_refused_by_name() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let bytes = artefact(&folder).await;
    let whole = open(&folder, &bytes).unwrap();
    let kept = folder.0.join("kept.key");
    for (keys, why) in [
        ("2 ", "key 1 is not among them"),
        ("1 ", "key 1 is another one than the key 1 that is needed"),
    ] {
        std::fs::write(&kept, format!("{keys}{}\n", "ab".repeat(32))).unwrap();
        let error = whole
            .usable(&KeyRing::read_kept(&kept).unwrap(), "kept.key")
            .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Unusable::Keys { .. }), "{text}");
        assert!(
            text.contains(why) && text.contains("needs key 1") && text.contains("kept.key"),
            "{text}"
        );
    }
    // Both numbers right, and a sample that they do not open.
    let other = with_header(&bytes, |header| header.replace("\"sample\":\"01", "\"sample\":\"02"));
    let error = open(&folder, &other)
        .unwrap()
        .usable(&KeyRing::for_tests(), "here")
        .unwrap_err();
    assert!(
        error.to_string().contains("not a sealed value of a known layout"),
        "{error}"
    );

    let schema = MIGRATIONS.last().unwrap().version;
    let (now, then) = (format!("\"schema\":{schema},"), format!("\"schema\":{},", schema + 1));
    let newer = open(&folder, &with_header(&bytes, |header| header.replace(&now, &then))).unwrap();
    let error = newer.usable(&KeyRing::for_tests(), "here").unwrap_err();
    assert!(matches!(error, Unusable::NewerSchema { found, known, .. } if found == known + 1));
    let mut newer = bytes.clone();
    newer[11] = 2;
    let newer = with_header(&newer, |header| header);
    assert!(matches!(
        open(&folder, &newer),
        Err(Unusable::NewerFormat { found: 2, .. })
    ));

    let lies = with_header(&bytes, |header| {
        header.replace("\"appointment\":3", "\"appointment\":4")
    });
    let error = restored(&elsewhere, &open(&folder, &lies).unwrap()).unwrap_err();
    assert!(
        matches!(&error, RestoreError::NotAsSaid(what) if what == "3 rows of appointment"),
        "{error}"
    );
    assert!(!elsewhere.database().path().unwrap().exists());
    // A later version may say more of itself.
    let more = with_header(&bytes, |header| {
        header.replace("{\"product\"", "{\"new\":1,\"product\"")
    });
    assert_eq!(open(&folder, &more).unwrap().header, whole.header);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_a_newer_program_is_not_backed_up_by_an_older_one() {
    let folder = Folder::new();
    booked(&folder).await.stop().await;
    let next = Migration {
        version: MIGRATIONS.last().unwrap().version + 1,
        name: "of the next version",
        sql: "SELECT 1",
    };
    let mut connection = folder.database().connect().unwrap();
    migrate(&mut connection, &[MIGRATIONS, &[next]].concat(), Timestamp::default()).unwrap();
    let workplace = Workplace::take(&folder.0).unwrap();
    let refused = make(&folder, &workplace).unwrap_err();
    assert!(matches!(refused, BackupError::Open(OpenError::NewerSchema { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_works_at_a_time_and_what_it_leaves_is_cleared() {
    let folder = Folder::new();
    let site = booked(&folder).await;
    let first = Workplace::take(&folder.0).unwrap();
    assert!(matches!(Workplace::take(&folder.0), Err(BackupError::Busy)));
    let work = first.folder().to_owned();
    std::fs::write(work.join("left"), "behind").unwrap();
    std::mem::forget(first); // as if killed; only the lock is given up here by hand
    let entries = |path: &Path| std::fs::read_dir(path).unwrap().count();
    assert_eq!(entries(&work), 1);
    let folder_of_next = Folder::new();
    std::fs::rename(&work, folder_of_next.0.join("run/backup")).unwrap();
    let next = Workplace::take(&folder_of_next.0).unwrap();
    assert_eq!(entries(next.folder()), 0);
    // Stopped in each of its steps, nothing is left that is called a backup.
    for step in [Step::Copying, Step::Packing, Step::Checking] {
        let third = Folder::new();
        let place = Workplace::take(&third.0).unwrap();
        let database = folder.database();
        let making = Making {
            database: &database,
            keys: &KeyRing::for_tests(),
            clock: &Clock::real(),
            entropy: &Entropy::real(),
            settings: &small_steps(),
            workplace: &place,
        };
        let mut seen = false;
        let stopped = making.make(&mut |now, _, _| {
            seen |= now == step;
            if now == step {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(seen && matches!(stopped, Err(BackupError::Stopped)), "{step:?}");
        drop(place);
        assert!(!third.0.join("run/backup").exists());
    }
    site.stop().await;
}

fn small_steps() -> Settings {
    let mut settings = Settings::default();
    settings.set(&booking::limit::backup::PAGES, 1).unwrap();
    settings.set(&booking::limit::backup::PAUSE, 0).unwrap();
    settings
}

#[test]
fn names_tell_when_and_nothing_else_is_taken_for_a_backup() {
    let at = Timestamp::parse("2026-11-24T14:30:05.123Z").unwrap();
    assert_eq!(name_of(at), "evenkeel-backup-20261124T143005.123Z.ekb");
    assert_eq!(made_at_of(&name_of(at)), Some(at));
    for other in [
        "evenkeel.sqlite",
        ".evenkeel-backup-20261124T143005.123Z.ekb.unfinished",
        "evenkeel-backup-20261124T143005.123Z.ekb.old",
        "evenkeel-backup-20261324T143005.123Z.ekb",
        "evenkeel-backup-2026112éT14300.123Z.ekb",
        "evenkeel-backup-.ekb",
    ] {
        assert_eq!(made_at_of(other), None, "{other}");
    }
    let folder = Folder::new();
    for name in ["notes.txt", &name_of(at), &name_of(at - Duration::from_secs(1))] {
        std::fs::write(folder.0.join(name), "x").unwrap();
    }
    let found = kept(&Place::folder(&folder.0).destination).unwrap();
    assert_eq!(
        found.iter().map(|backup| backup.made_at).collect::<Vec<_>>(),
        [at - Duration::from_secs(1), at]
    );
}

#[test]
fn age_lets_go_and_the_last_ones_stay_whatever_their_age() {
    let now = Timestamp::parse("2026-11-24T00:00:00Z").unwrap();
    let day = Duration::from_secs(86_400);
    let made = |days: u32| KeptBackup {
        made_at: now - day * days,
        name: days.to_string(),
        bytes: 1,
    };
    let mut settings = Settings::default();
    settings.set(&KEPT_DAYS, 7).unwrap();
    settings.set(&KEPT_LAST, 2).unwrap();
    let check = |days: &[u32], gone: &[&str]| {
        let kept: Vec<_> = days.iter().map(|days| made(*days)).collect();
        assert_eq!(outlived(&kept, &settings, now), gone, "{days:?}");
    };
    check(&[], &[]);
    check(&[9, 8, 7, 1, 0], &["9", "8"]);
    check(&[30, 20, 10], &["30"]);
    check(&[30, 20], &[]);
}
