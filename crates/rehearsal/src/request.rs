//! Pure. The requests of the public API, written from the contract alone.

use hyper::Method;
use serde_json::{Value, json};

use crate::client::Ask;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Holds one time.
pub fn hold(slot: &str, key: &str) -> Ask {
    Ask::post("/api/v1/holds", key, &json!({ "slot": slot }))
}

/// Gives a hold back.
pub fn give_back(hold: &Value) -> Ask {
    Ask::get(format!("/api/v1/holds/{}", text(&hold["id"])))
        .method(Method::DELETE)
        .bearer(text(&hold["token"]))
}

/// Books a hold of one entry for one resident.
pub fn book(hold: &Value, resident: &Value, key: &str) -> Ask {
    let body = json!({ "hold": hold["id"], "token": hold["token"], "resident": resident, "answers": {}, "dose": 1 });
    Ask::post("/api/v1/appointments", key, &body)
}

/// Cancels an appointment.
pub fn cancel(appointment: &Value, key: &str) -> Ask {
    let path = format!("/api/v1/appointments/{}/cancel", text(&appointment["id"]));
    Ask::post(path, key, &json!({})).bearer(text(&appointment["manage_token"]))
}

/// Moves an appointment to what a hold keeps.
pub fn reschedule(appointment: &Value, hold: &Value, key: &str) -> Ask {
    let path = format!("/api/v1/appointments/{}/reschedule", text(&appointment["id"]));
    let body = json!({ "hold": hold["id"], "token": hold["token"] });
    Ask::post(path, key, &body).bearer(text(&appointment["manage_token"]))
}

/// Reads an appointment by its own link.
pub fn appointment(id: &str, token: &str) -> Ask {
    Ask::get(format!("/api/v1/appointments/{id}")).bearer(token)
}
