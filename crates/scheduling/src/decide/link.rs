//! Links to an appointment: sharing one with somebody who helps, stopping it, and sending the resident's own anew.
//! Keeps `links_are_personal`: a shared link is somebody's own, makes no further ones, and can be stopped alone.

use super::change::{has_begun, managed};
use super::{Circumstances, Decided, Done, No, event};
use crate::command::Proof;
use crate::jurisdiction::audit::{AuditKind, Subject};
use crate::refusal::Refusal;
use crate::resident::appointment::{Appointment, Status};
use crate::resident::personal_link::SharedLink;
use crate::working_set::{Effect, WorkingSet};
use base::id::AppointmentId;

fn links_of(id: AppointmentId, set: &WorkingSet) -> impl Iterator<Item = &SharedLink> {
    set.links.values().filter(move |link| link.appointment == id)
}

pub(super) fn share(id: AppointmentId, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let appointment = managed(id, proof.own_link, set, at)?;
    if appointment.status != Status::Booked || has_begun(appointment, set, at) {
        return Err(Refusal::TooLate.into());
    }
    let live = links_of(id, set).filter(|link| link.is_live()).count();
    if live >= at.limits.links_shared as usize {
        // The page that asked shows them all, each with its button to stop it: nothing more is to be said.
        return Ok((Done::Linked(id), Vec::new()));
    }
    let last = links_of(id, set).map(|link| link.number).max().unwrap_or_default();
    let link = SharedLink {
        appointment: id,
        number: last + 1,
        made_at: at.now,
        stopped_at: None,
    };
    let told = event(AuditKind::LinkShared, Subject::Appointment(id), None, at.now);
    Ok((Done::Linked(id), vec![told, Effect::LinkShared(link)]))
}

pub(super) fn stop(id: AppointmentId, number: u32, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    managed(id, proof.own_link, set, at)?;
    let link = set.links.get(&(id, number)).ok_or(No::NotFound)?;
    if !link.is_live() {
        return Ok((Done::Linked(id), Vec::new()));
    }
    let stopped = SharedLink {
        stopped_at: Some(at.now),
        ..*link
    };
    let told = event(AuditKind::LinkStopped, Subject::Appointment(id), None, at.now);
    Ok((Done::Linked(id), vec![told, Effect::LinkStopped(stopped)]))
}

/// Only where somebody will get the new one: else the old one is all they have.
pub(super) fn send_anew(id: AppointmentId, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let appointment = managed(id, proof.by_code || proof.own_link, set, at)?;
    let has_address = set
        .residents
        .get(&appointment.resident)
        .is_some_and(|details| details.person.email.is_some());
    let just_sent = appointment
        .link_sent_at
        .is_some_and(|sent| at.now.since(sent) < at.limits.link_anew_every);
    if !at.sends_mail || !has_address || just_sent || appointment.status != Status::Booked {
        return Ok((Done::Linked(id), Vec::new()));
    }
    let anew = Appointment {
        generation: appointment.generation + 1,
        link_sent_at: Some(at.now),
        ..appointment.clone()
    };
    let told = event(AuditKind::LinkSentAnew, Subject::Appointment(id), None, at.now);
    Ok((Done::Linked(id), vec![told, Effect::AppointmentChanged(Box::new(anew))]))
}
