//! An outlet from its settings: what is missing is named.

use std::os::unix::fs::PermissionsExt;

use base::limit::Settings;
use messaging::limit::{CA_FILE, FROM, SMTP_URL};
use messaging::outlet::Outlet;

fn refused(texts: &[(&base::limit::TextSetting, &str)], keys: &std::path::Path) -> String {
    let mut settings = Settings::default();
    for (setting, text) in texts {
        settings.set_text(setting, text).unwrap();
    }
    match Outlet::smtp(&settings, keys) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn what_an_outlet_lacks_is_named() {
    let keys = std::env::temp_dir().join(format!("evenkeel-mail-keys-{}", std::process::id()));
    std::fs::create_dir_all(&keys).unwrap();
    assert!(
        Outlet::smtp(&Settings::default(), &keys).unwrap().is_none(),
        "nothing set, no outlet"
    );
    let url = (&SMTP_URL, "smtps://vax@mail.example.org");
    let from = (&FROM, "no-reply@vax.example.org");
    assert!(refused(&[url], &keys).contains("mail.from is not"));
    assert!(refused(&[url, from], &keys).contains("mail.password"));
    let password = keys.join("mail.password");
    std::fs::write(&password, "secret\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(&[url, from], &keys);
    assert!(said.contains("chmod 600") && !said.contains("secret"), "{said}");
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let said = refused(&[url, from, (&CA_FILE, "/nowhere.pem")], &keys);
    assert!(said.contains("mail.ca_file: /nowhere.pem"), "{said}");
    let key = keys.join("key.pem");
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    let said = refused(&[url, from, (&CA_FILE, key.to_str().unwrap())], &keys);
    assert!(said.contains("no certificate is in it"), "{said}");
    let mut settings = Settings::default();
    settings.set_text(&SMTP_URL, url.1).unwrap();
    settings.set_text(&FROM, from.1).unwrap();
    assert!(Outlet::smtp(&settings, &keys).unwrap().is_some());
    std::fs::remove_dir_all(&keys).unwrap();
}
