//! Appointment times as pages say them: a slot with its clinic's words; and the nearest others when one is gone.

use base::id::{ClinicId, SlotId};
use base::time::{Timestamp, Zone, date_text};
use booking::availability::snapshot::{ClinicAvailability, OpenSlot};
use booking::engine::SlotSeen;
use scheduling::clinic::location::Clinic;
use scheduling::rules::product::Cvx;

use super::search::address;
use super::typed::Typed;
use super::vaccine;
use super::view::hold::{AppointmentTime, Bar, Nearest};
use crate::api::clinic::tenths_km;
use crate::app::App;
use crate::limit::NEAREST;

/// Other clinics are offered up to this far away: 25 miles, the search's own radius.
const NEAR_TENTHS_KM: u32 = 402;

/// A slot in words.
pub fn of_slot(slot: &SlotSeen, app: &App) -> AppointmentTime {
    let snapshot = app.engine().snapshot();
    match snapshot.clinic(slot.clinic) {
        Some(availability) => in_words(
            slot.id,
            slot.starts_at,
            slot.ends_at,
            slot.vaccine,
            &availability.clinic,
            app,
        ),
        // Just imported and not in the picture yet: the time is true, the words will follow.
        None => AppointmentTime {
            slot: slot.id,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            zone: Zone::utc(),
            clinic: String::new(),
            street: String::new(),
            town: String::new(),
            vaccine: vaccine::name(slot.vaccine, app),
            clinic_href: "/".to_owned(),
        },
    }
}

/// An open slot of a clinic in words.
pub fn of_open(slot: &OpenSlot, availability: &ClinicAvailability, app: &App) -> AppointmentTime {
    in_words(
        slot.id,
        slot.starts_at,
        slot.ends_at,
        slot.vaccine,
        &availability.clinic,
        app,
    )
}

fn in_words(
    slot: SlotId,
    starts_at: Timestamp,
    ends_at: Timestamp,
    product: Cvx,
    clinic: &Clinic,
    app: &App,
) -> AppointmentTime {
    let date = starts_at.date_in(&clinic.zone);
    AppointmentTime {
        slot,
        starts_at,
        ends_at,
        zone: clinic.zone.clone(),
        clinic: clinic.name.clone(),
        street: clinic.street.clone().unwrap_or_default(),
        town: town_line(clinic),
        vaccine: vaccine::name(product, app),
        clinic_href: clinic_href(clinic.id, &vaccine::group(product, app), Some(date_text(date))),
    }
}

/// A clinic's page at a vaccine and day.
pub fn clinic_href(clinic: ClinicId, vaccine: &str, day: Option<String>) -> String {
    address(
        &format!("/clinics/{clinic}"),
        &[("vaccine", vaccine.to_owned()), ("day", day.unwrap_or_default())],
    )
}

/// `Worcester, MA 01602`, as far as known.
pub fn town_line(clinic: &Clinic) -> String {
    let state_and_zip: Vec<&str> = [&clinic.state, &clinic.zip]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    let parts = [clinic.city.clone().unwrap_or_default(), state_and_zip.join(" ")];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// `486 Chandler St, Worcester, MA 01602`, as far as known.
pub fn address_line(clinic: &Clinic) -> String {
    let parts = [clinic.street.clone().unwrap_or_default(), town_line(clinic)];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The open times nearest to one that is gone: the same vaccine at the same clinic, then at clinics close by.
pub fn nearest(gone: &SlotSeen, typed: Typed, key: String, app: &App) -> Nearest {
    let snapshot = app.engine().snapshot();
    let now = app.engine().clock().now();
    let apart = |slot: &OpenSlot| (slot.starts_at.micros() - gone.starts_at.micros()).abs();
    let fits =
        |slot: &&OpenSlot| slot.starts_at > now && slot.free > 0 && slot.vaccine == gone.vaccine && slot.id != gone.id;
    let mut times = Vec::new();
    let here = snapshot.clinic(gone.clinic);
    if let Some(availability) = here {
        let mut open: Vec<&OpenSlot> = availability.slots.iter().filter(fits).collect();
        open.sort_unstable_by_key(|slot| (apart(slot), slot.id));
        open.truncate(NEAREST);
        open.sort_unstable_by_key(|slot| (slot.starts_at, slot.id));
        times.extend(open.into_iter().map(|slot| of_open(slot, availability, app)));
    }
    if let (true, Some(from)) = (times.len() < NEAREST, here.and_then(|here| place_of(&here.clinic))) {
        let mut others: Vec<_> = snapshot
            .clinics()
            .iter()
            .filter(|other| other.clinic.id != gone.clinic)
            .filter_map(|other| {
                let far = tenths_km(from, place_of(&other.clinic)?);
                let slot = other
                    .slots
                    .iter()
                    .filter(fits)
                    .min_by_key(|slot| (apart(slot), slot.id))?;
                (far <= NEAR_TENTHS_KM).then_some((far, slot.id, slot, other))
            })
            .collect();
        others.sort_unstable_by_key(|(far, id, ..)| (*far, *id));
        let missing = NEAREST - times.len();
        times.extend(
            others
                .into_iter()
                .take(missing)
                .map(|(_, _, slot, other)| of_open(slot, other, app)),
        );
    }
    Nearest {
        times,
        key,
        typed,
        action: "/holds".to_owned(),
    }
}

/// Where a clinic is.
pub fn place_of(clinic: &Clinic) -> Option<(f64, f64)> {
    clinic.latitude.zip(clinic.longitude)
}

/// The bar of a hold.
pub fn bar(hold: &booking::engine::HoldSeen, zone: &Zone, base: &str, is_move: bool, app: &App) -> Bar {
    let settings = app.engine().settings();
    Bar {
        now: app.engine().clock().now(),
        expires_at: hold.expires_at,
        lifetime_s: settings.get(&booking::limit::HOLD_LIFETIME),
        zone: zone.clone(),
        more_time: (hold.extensions_left > 0).then(|| format!("{base}/more-time")),
        is_move,
    }
}
