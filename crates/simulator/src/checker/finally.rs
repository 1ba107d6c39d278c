//! What holds when all is over: rows, chains and secrets, looked at by `verify` and by what clients were told.

use super::always::{Rows, answers_are_kept, links_are_shared, messages_wait};
use super::{Checked, Found, require};
use crate::model::Event;
use crate::model::decide::text_of;
use crate::simulation::{Simulation, broken};
use crate::wish::seen_appointment;
use booking::records;
use booking::verify::acknowledged;
use booking::verify::{Invariant, verify};
use scheduling::resident::hold::HoldStatus;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The rows are those of the model, and the stored answers too.
pub fn rows_are_whole(simulation: &mut Simulation) -> Checked {
    let rows = Rows::read(&mut simulation.beside).map_err(broken)?;
    rows.check(&simulation.model)?;
    links_are_shared(&mut simulation.beside, &simulation.model).map_err(broken)??;
    messages_wait(&mut simulation.beside, &simulation.model).map_err(broken)??;
    answers_are_kept(&mut simulation.beside, &simulation.model).map_err(broken)?
}

/// What was answered with success is there as it was said, or as it was changed since; `verify` finds nothing.
pub fn acknowledged_is_stored(simulation: &mut Simulation) -> Checked {
    let mut record = String::new();
    for (id, told) in &simulation.acknowledged {
        let Some(booked) = simulation.model.appointments.get(id) else {
            return Err(Found::new(
                "finally_acknowledged_is_stored",
                format!("{id} was acknowledged"),
            ));
        };
        let (code, slot, status) = (&told.code, booked.slot, booked.status.code());
        let line = format!(r#"{{"appointment":"{id}","code":"{code}","slot":"{slot}","status":"{status}"}}"#);
        writeln!(record, "{line}").expect("a string takes any line");
    }
    let record = acknowledged::read(&record).map_err(broken)?;
    let keys = Simulation::keys();
    let grace = simulation.model.numbers.hold_grace;
    let report = verify(&mut simulation.beside, Some(&keys), &record, grace).map_err(broken)?;
    // `verify` tells by their instants whether one key was two requests; the model knows better.
    let told = |invariant| invariant != Invariant::OneEffectPerKey || !simulation.keys_may_return;
    match report.findings.iter().find(|finding| told(finding.invariant)) {
        None => Ok(()),
        Some(finding) => Err(Found::new(name_of(finding.invariant), finding.detail.clone())),
    }
}

fn name_of(invariant: Invariant) -> &'static str {
    match invariant {
        Invariant::NeverOverCapacity => "finally_never_over_capacity",
        Invariant::AcknowledgedIsStored => "finally_acknowledged_is_stored",
        Invariant::OneEffectPerKey => "finally_one_effect_per_key",
        Invariant::OneLiveAppointmentPerResidentAndDose => "finally_one_live_appointment_per_resident_and_dose",
        Invariant::LinksArePersonal => "finally_links_are_personal",
        Invariant::HoldsEnd => "finally_holds_end",
        Invariant::AuditUnbroken => "finally_audit_unbroken",
        Invariant::CountsAgree => "finally_counts_agree",
    }
}

/// Every change has its AuditEvent, in the order in which it was decided, and there are no others.
pub fn audit_unbroken(simulation: &mut Simulation) -> Checked {
    let mut found: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    let kinds: BTreeMap<String, &'static str> = simulation
        .model
        .audit
        .values()
        .flatten()
        .map(|event| (event.kind.to_owned(), event.kind))
        .collect();
    let mut tx = simulation.beside.begin_read().map_err(broken)?;
    records::audit::all(&mut tx, |link| {
        if let Some(kind) = kinds.get(&link.kind) {
            found.entry(link.chain).or_default().push(Event {
                kind,
                subject: link.subject,
                slot: link.slot,
                at: link.at,
            });
        }
    })
    .map_err(broken)?;
    for (chain, expected) in &simulation.model.audit {
        let found = found.remove(chain).unwrap_or_default();
        let at = found.iter().zip(expected).position(|(a, b)| a != b);
        let at = at.or_else(|| (found.len() != expected.len()).then(|| found.len().min(expected.len())));
        require(at.is_none(), "finally_audit_unbroken", || {
            let at = at.unwrap_or_default();
            let (found, expected) = (found.get(at), expected.get(at));
            format!("chain {chain}: event {} is {found:?}, expected {expected:?}", at + 1)
        })?;
    }
    require(found.is_empty(), "finally_audit_unbroken", || {
        format!("chains {:?} tell of what nobody did", found.keys())
    })
}

/// No hold is held any more, but for those whose time has not come.
pub fn holds_end(simulation: &mut Simulation) -> Checked {
    let now = simulation.clock.now();
    let grace = simulation.model.numbers.hold_grace;
    let over = simulation
        .model
        .holds
        .iter()
        .find(|(_, hold)| hold.status == HoldStatus::Held && hold.expires_at + grace <= now);
    require(over.is_none(), "finally_holds_end", || {
        format!("{over:?} is still held")
    })
}

/// Each secret opens what it was given for, and nothing else.
pub fn links_are_personal(simulation: &mut Simulation) -> Checked {
    const NAME: &str = "finally_links_are_personal";
    let up = simulation.up();
    let server = up.first().copied().ok_or_else(|| broken("no server is up"))?;
    let told: Vec<_> = simulation
        .acknowledged
        .iter()
        .map(|(id, told)| (*id, told.token.text.clone()))
        .collect();
    let Some(engine) = simulation.servers[server].engine.as_mut() else {
        return Ok(());
    };
    for (n, (id, token)) in told.iter().enumerate() {
        let seen = engine.see_appointment(*id, token).map_err(broken)?;
        let text = seen.as_ref().map(|seen| seen_appointment(seen).0);
        let expected = simulation.model.appointments.get(id).filter(|booked| {
            let lasts = simulation.model.numbers.link_lasts;
            simulation.clock.now() <= simulation.model.places[&booked.slot].ends_at + lasts
        });
        let expected = expected.map(|booked| text_of(*id, booked));
        require(text == expected, NAME, || {
            format!("{id}: its own secret shows {text:?}, expected {expected:?}")
        })?;
        let others = [
            told[(n + 1) % told.len()].1.clone(),
            token[1..].to_owned() + "A",
            token.chars().rev().collect(),
            String::new(),
        ];
        for other in others.iter().filter(|other| *other != token) {
            let seen = engine.see_appointment(*id, other).map_err(broken)?;
            require(seen.is_none(), NAME, || {
                format!("{id} is shown to a secret of something else")
            })?;
        }
    }
    let holds: Vec<_> = simulation.model.holds.keys().copied().collect();
    for (hold, (_, token)) in holds.iter().zip(&told) {
        let seen = engine.see_hold(*hold, token).map_err(broken)?;
        require(seen.is_none(), NAME, || {
            format!("{hold} is shown to an appointment's secret")
        })?;
    }
    Ok(())
}
