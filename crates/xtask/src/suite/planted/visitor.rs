//! Plants: one person through the API, one through the pages, and everything both are told; then whatever can go wrong
//! with it, so that the problems that are answered can be searched.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Planted;
use crate::client::{Answer, Ask, Client};
use crate::traveller::{self, Time, fresh_key};

/// Near the clinics that the demonstration has most of.
const NEAR: &str = "02108";
const CLINICS: usize = 6;

/// What was planted, and every problem that was answered on the way.
pub struct Visit {
    pub planted: Vec<Planted>,
    pub problems: String,
}

/// Plants.
pub async fn visit(client: &Client) -> Result<Visit> {
    let mut visit = Visit {
        planted: people(),
        problems: String::new(),
    };
    let times = traveller::open_times(client, NEAR, CLINICS).await?;
    let (booked, held) = by_api(client, &times, &mut visit).await?;
    by_pages(client, &booked, &mut visit).await?;
    wrong_requests(client, &booked, &held, &mut visit).await?;
    let cancelled = client.send(&traveller::cancel(&booked, &fresh_key("cancel"))).await?;
    ensure!(cancelled.status == 200, "cancelling: {}", cancelled.text());
    ensure!(!visit.problems.is_empty(), "no problem was answered");
    Ok(visit)
}

fn people() -> Vec<Planted> {
    vec![
        Planted::new("given name", "Quillonarda"),
        Planted::new("family name", "Vantersloot"),
        Planted::new("birth date", "1957-03-09"),
        Planted::new("phone", "617-867-5143"),
        Planted::new("e-mail", "quill.vantersloot@example.org"),
        Planted::new("given name", "Zoëlmarine"),
        Planted::new("family name", "Okonkwo-Blythefield"),
        Planted::new("birth date", "1949-11-23"),
        Planted::new("phone", "(413) 867-5177"),
        Planted::new("e-mail", "z.blythefield@example.net"),
    ]
}

fn resident() -> Value {
    json!({
        "given_name": "Quillonarda", "family_name": "Vantersloot", "birth_date": "1957-03-09",
        "phone": "617-867-5143", "email": "quill.vantersloot@example.org",
    })
}

fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Holds and books for the first person. The appointment, and the hold it came from.
async fn by_api(client: &Client, times: &[Time], visit: &mut Visit) -> Result<(Value, Value)> {
    for time in times {
        let held = client.send(&traveller::hold(&time.slot, &fresh_key("hold"))).await?;
        if held.status != 201 {
            continue;
        }
        let hold = held.json();
        let answer = client
            .send(&traveller::book(&hold, &resident(), &fresh_key("book")))
            .await?;
        if answer.status != 201 {
            visit.problems.push_str(&answer.text());
            continue;
        }
        let booked = answer.json();
        visit.planted.push(Planted::new("hold's token", word(&hold, "token")));
        visit.planted.push(Planted::new("code", word(&booked, "code")));
        visit
            .planted
            .push(Planted::new("manage token", word(&booked, "manage_token")));
        visit
            .planted
            .push(Planted::new("manage link", word(&booked, "manage_url")));
        return Ok((booked, hold));
    }
    anyhow::bail!("none of {} times could be booked: {}", times.len(), visit.problems)
}

/// A form as a browser without scripts sends it.
struct Form(BTreeMap<String, String>);

impl Form {
    /// Of the page's form with this action: what is hidden, and the last of each choice (the oldest age).
    fn of(page: &str, action: &str) -> Result<Self> {
        let start = page
            .find(&format!("action=\"{action}\""))
            .with_context(|| format!("no form {action} in {page}"))?;
        let form = page[start..].split("</form>").next().unwrap_or_default();
        let mut fields = BTreeMap::new();
        for input in form.split("<input").skip(1) {
            let input = input.split('>').next().unwrap_or_default();
            let kind = attribute(input, "type").unwrap_or_default();
            if let (true, Some(name)) = (kind == "hidden" || kind == "radio", attribute(input, "name")) {
                fields.insert(name, attribute(input, "value").unwrap_or_default());
            }
        }
        Ok(Self(fields))
    }
    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }
    async fn send(&self, client: &Client, path: &str) -> Result<Answer> {
        let encoded = |text: &str| {
            text.bytes()
                .fold(String::new(), |all, byte| all + &format!("%{byte:02X}"))
        };
        let fields: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        Ok(client.send(&Ask::form(path, fields.join("&"))).await?)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next()?;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

/// Where a page leads on to, without what follows the path.
fn leads_to(answer: &Answer) -> Result<String> {
    ensure!(
        answer.status == 303,
        "expected to be led on: {} {}",
        answer.status,
        answer.text()
    );
    let location = answer.header("location").context("no location")?;
    Ok(location.split('?').next().unwrap_or_default().to_owned())
}

/// Holds and books for the second person, at the same clinic for the same vaccine.
async fn by_pages(client: &Client, like: &Value, visit: &mut Visit) -> Result<()> {
    let slot = &like["slot"];
    let clinic = slot["clinic"]
        .as_str()
        .or(slot["clinic"]["id"].as_str())
        .context("the booked slot names no clinic")?;
    let slots = client.json(&format!("/api/v1/slots?clinic={clinic}&limit=200")).await?;
    let other = slots["slots"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["vaccine"] == slot["vaccine"] && one["id"] != slot["id"] && one["free"].as_u64() > Some(0))
        .context("no other time of that vaccine")?;
    let page = client
        .ask(&Ask::get(format!("/times/{}", word(other, "id"))), 200)
        .await?;
    let hold = leads_to(&Form::of(&page.text(), "/holds")?.send(client, "/holds").await?)?;
    visit.planted.push(Planted::new("hold's token", last_part(&hold)));
    let (details, book) = (format!("{hold}/details"), format!("{hold}/book"));
    let page = client.ask(&Ask::get(&hold), 200).await?;
    let form = Form::of(&page.text(), &details)?
        .with("given-name", "Zoëlmarine")
        .with("family-name", "Okonkwo-Blythefield")
        .with("birth-month", "11")
        .with("birth-day", "23")
        .with("birth-year", "1949")
        .with("phone", "(413) 867-5177")
        .with("email", "z.blythefield@example.net");
    let check = form.send(client, &details).await?;
    ensure!(check.status == 200, "the answers to check: {}", check.text());
    let link = leads_to(&Form::of(&check.text(), &book)?.send(client, &book).await?)?;
    visit.planted.push(Planted::new("manage token", last_part(&link)));
    visit.planted.push(Planted::new("manage link", link.clone()));
    let page = client.ask(&Ask::get(&link), 200).await?.text();
    let code = page
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .find(|word| word.len() == 12 && word.as_bytes()[4] == b'-' && word.as_bytes()[9] == b'-')
        .context("the page shows no code")?;
    visit.planted.push(Planted::new("code", code));
    Ok(())
}

fn last_part(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Everything that is answered with a problem although it carries a person or a secret.
async fn wrong_requests(client: &Client, booked: &Value, hold: &Value, visit: &mut Visit) -> Result<()> {
    let (id, token) = (word(booked, "id"), word(booked, "manage_token"));
    let mut strange = resident();
    strange["email"] = json!("quill.vantersloot@example.org is mine");
    strange["phone"] = json!("617-867-5143 ask for Quillonarda");
    strange["nickname"] = json!("Vantersloot, born 1957-03-09");
    let cut = Ask::post("/api/v1/appointments", &fresh_key("cut"), &resident()).cut(60);
    let key = fresh_key("again");
    let asks = [
        traveller::book(hold, &strange, &fresh_key("strange")),
        traveller::book(hold, &resident(), &fresh_key("twice")),
        traveller::book(hold, &resident(), &key),
        traveller::book(hold, &strange, &key),
        cut,
        Ask::post("/api/v1/Quillonarda", &fresh_key("lost"), &resident()),
        Ask::get(format!("/api/v1/appointments/{token}")).bearer(&token),
        Ask::get(format!("/api/v1/appointments/{id}")).bearer(&word(hold, "token")),
        Ask::get(format!("/api/v1/clinics?near={token}")),
        Ask::get("/api/v1/clinics?near=Vantersloot&within_km=Quillonarda"),
        Ask::get(format!("/nowhere/{token}?name=Quillonarda&born=1957-03-09")),
        Ask::get(format!("/appointment/{id}/{}", word(hold, "token"))),
        Ask::form(format!("/appointment/{id}/{token}/nowhere"), "given-name=Quillonarda"),
        Ask::form("/holds", "slot=Quillonarda&age=1957-03-09"),
    ];
    for ask in asks {
        let answer = client.send(&ask).await?;
        ensure!(
            answer.status >= 400,
            "{} was answered with {}",
            ask.shown(),
            answer.status
        );
        visit.problems.push_str(&answer.text());
        visit.problems.push('\n');
    }
    Ok(())
}
