//! Pure. Clinics as FHIR Locations, and what they give as Schedules: one for each clinic and vaccine, since the
//! specification allows one product a schedule.

use booking::availability::snapshot::Snapshot;
use scheduling::rules::Rules;
use serde_json::{Value, json};

use crate::public_url::PublicUrl;

/// Where the extensions of SMART Scheduling Links are defined.
pub const EXTENSION: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition";
/// FHIR's coding system of CVX.
const CVX: &str = "http://hl7.org/fhir/sid/cvx";
/// Coding systems of a schedule's service.
const SERVICE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/service-type";
const COVID_SERVICE_TYPE: &str = "http://fhir-registry.smarthealthit.org/CodeSystem/service-type";

/// A line for each clinic.
pub fn locations(snapshot: &Snapshot, public_url: &PublicUrl) -> Vec<u8> {
    let mut lines = Vec::new();
    for availability in snapshot.clinics() {
        let clinic = &availability.clinic;
        let mut telecom = Vec::new();
        telecom.extend(
            clinic
                .phone
                .iter()
                .map(|phone| json!({"system": "phone", "value": phone})),
        );
        telecom.push(json!({"system": "url", "value": public_url.link(&format!("/clinics/{}", clinic.id))}));
        let mut address = json!({"line": clinic.street.iter().collect::<Vec<_>>()});
        for (name, value) in [
            ("city", &clinic.city),
            ("state", &clinic.state),
            ("postalCode", &clinic.zip),
        ] {
            if let Some(value) = value {
                address[name] = json!(value);
            }
        }
        let mut location = json!({
            "resourceType": "Location",
            "id": clinic.id.to_string(),
            "name": clinic.name,
            "telecom": telecom,
            "address": address,
            "identifier": [{"system": public_url.link("/clinics"), "value": clinic.id.to_string()}],
        });
        if let (Some(latitude), Some(longitude)) = (clinic.latitude, clinic.longitude) {
            location["position"] = json!({"latitude": latitude, "longitude": longitude});
        }
        if clinic.demonstration {
            location["description"] = json!("Demonstration: not a place to go.");
        }
        write_line(&mut lines, &location);
    }
    lines
}

/// A line for each clinic and vaccine.
pub fn schedules(snapshot: &Snapshot, rules: &Rules) -> Vec<u8> {
    let mut lines = Vec::new();
    for availability in snapshot.clinics() {
        let mut vaccines: Vec<_> = availability.slots.iter().map(|slot| slot.vaccine).collect();
        vaccines.sort_unstable();
        vaccines.dedup();
        for cvx in vaccines {
            let vaccine = rules.vaccine(cvx);
            let name = vaccine.map_or_else(|| format!("CVX {cvx}"), |vaccine| vaccine.name.clone());
            let mut coding = vec![json!({"system": SERVICE_TYPE, "code": "57", "display": "Immunization"})];
            if vaccine.is_some_and(|vaccine| vaccine.group.to_ascii_uppercase().starts_with("COVID")) {
                coding.push(json!({
                    "system": COVID_SERVICE_TYPE,
                    "code": "covid19-immunization",
                    "display": "COVID-19 Immunization Appointment",
                }));
            }
            let schedule = json!({
                "resourceType": "Schedule",
                "id": format!("{}.{cvx}", availability.clinic.id),
                "actor": [{"reference": format!("Location/{}", availability.clinic.id)}],
                "serviceType": [{"coding": coding}],
                "extension": [{
                    "url": format!("{EXTENSION}/vaccine-product"),
                    "valueCoding": {"system": CVX, "code": cvx.to_string(), "display": name},
                }],
            });
            write_line(&mut lines, &schedule);
        }
    }
    lines
}

fn write_line(lines: &mut Vec<u8>, resource: &Value) {
    serde_json::to_writer(&mut *lines, resource).expect("a resource is plain values");
    lines.push(b'\n');
}
