"""Real times, holds and appointments for Schemathesis.

Only cases that are meant to be right are changed: their ids and credentials become those of something that was made
for them a moment before, because a made-up id can never succeed. What is meant to be wrong stays as it was made.
"""

import itertools
import os
import uuid
from datetime import date, timedelta

import requests
import schemathesis
from schemathesis.specs.openapi import checks

URL = os.environ["EVENKEEL_URL"]
API = URL + "/api/v1"
HTTP = requests.Session()
# The contract answers a wrong credential as it answers an unknown id, 404, so that nobody learns which ids exist. The
# check of credentials has no setting for that; this is the constant that it reads. (Without any credential: 401.)
checks.AUTH_REJECTION_STATUSES = frozenset({401, 404})

COUNT = itertools.count(1)
ZIP = "02108"


def get(path, **query):
    answer = HTTP.get(API + path, params=query, timeout=10)
    answer.raise_for_status()
    return answer.json()


def post(path, body, token=None):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if token:
        headers["Authorization"] = "Bearer " + token
    return HTTP.post(API + path, json=body, headers=headers, timeout=10)


class Times:
    """Open times for adults, one after another: a time whose vaccine is for children is passed over once and for all."""

    def __init__(self):
        self.clinics = [clinic["id"] for clinic in get("/clinics", near=ZIP, limit=20)["clinics"]]
        self.slots = []
        for clinic in self.clinics:
            until = date.today() + timedelta(days=10)
            listed = get("/slots", clinic=clinic, to=until.isoformat(), limit=200)["slots"]
            self.slots += [slot["id"] for slot in listed if slot["free"]]
        self.vaccines = sorted({vaccine["cvx"] for vaccine in get("/vaccines")["vaccines"]})
        self.turn = itertools.cycle(range(len(self.slots)))

    def next(self):
        return self.slots[next(self.turn)]


TIMES = Times()


def resident():
    number = next(COUNT)
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return {
        "given_name": "Ada" + letters,
        "family_name": "Okafor",
        "birth_date": "1980-05-17",
        "email": f"ada{number}@example.org",
    }


def hold(entries=1):
    for _ in range(60):
        answer = post("/holds", {"slots": [TIMES.next() for _ in range(entries)]})
        if answer.status_code == 201:
            return answer.json()
    raise AssertionError("no time could be held: " + answer.text)


def booked():
    for _ in range(60):
        held = hold()
        body = {"hold": held["id"], "token": held["token"], "resident": resident(), "answers": {}, "dose": 1}
        answer = post("/appointments", body)
        if answer.status_code == 201:
            return answer.json()
    raise AssertionError("no time could be booked: " + answer.text)


def bearer(case, token):
    case.headers = {**(case.headers or {}), "Authorization": "Bearer " + token}
    # Says that this credential is real and not drawn: the check of credentials then tries without it, and with another.
    case._has_explicit_auth = True


def of_hold(case):
    held = hold()
    case.path_parameters["id"] = held["id"]
    bearer(case, held["token"])


def of_appointment(case):
    appointment = booked()
    case.path_parameters["id"] = appointment["id"]
    bearer(case, appointment["manage_token"])


def place_hold(case):
    if "slots" in case.body:
        case.body["slots"] = [TIMES.next() for _ in case.body["slots"]]
        case.body.pop("slot", None)
    else:
        case.body["slot"] = TIMES.next()


def book(case):
    several = case.body.get("bookings")
    held = hold(len(several) if several else 1)
    case.body["hold"], case.body["token"] = held["id"], held["token"]
    for entry, slot in zip(several or [], held["slots"]):
        entry["slot"] = slot["id"]
        entry["answers"] = {}
        entry["resident"] = {**entry["resident"], **resident()}
        entry["dose"] = 1
    if not several:
        case.body["answers"] = {}
        case.body["resident"] = {**case.body["resident"], **resident()}
        case.body["dose"] = 1


def reschedule(case):
    of_appointment(case)
    held = hold()
    case.body["hold"], case.body["token"] = held["id"], held["token"]


def list_clinics(case):
    case.query = {**(case.query or {})}
    if "near" in case.query:
        case.query["near"] = ZIP
    list_of(case)


def list_slots(case):
    case.query = {**(case.query or {}), "clinic": TIMES.clinics[0]}
    case.query.pop("from", None)
    case.query.pop("to", None)
    list_of(case)


def list_of(case):
    case.query.pop("cursor", None)
    if "vaccine" in case.query:
        case.query["vaccine"] = TIMES.vaccines[0]


def questions(case):
    case.query = {**(case.query or {}), "slot": TIMES.next()}


def published(case):
    manifest = HTTP.get(URL + "/$bulk-publish", timeout=10).json()
    case.path_parameters["file"] = manifest["output"][next(COUNT) % len(manifest["output"])]["url"].rsplit("/", 1)[1]


MAKE = {
    "GET /api/v1/clinics": list_clinics,
    "GET /api/v1/slots": list_slots,
    "GET /api/v1/questions": questions,
    "GET /smart/{file}": published,
    "POST /api/v1/holds": place_hold,
    "POST /api/v1/holds/{id}/extend": of_hold,
    "DELETE /api/v1/holds/{id}": of_hold,
    "POST /api/v1/appointments": book,
    "GET /api/v1/appointments/{id}": of_appointment,
    "POST /api/v1/appointments/{id}/cancel": of_appointment,
    "POST /api/v1/appointments/{id}/reschedule": reschedule,
}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    make = MAKE.get(case.operation.label)
    if make is not None:
        make(case)
    # A key drawn twice with two bodies is refused, rightly; what is meant to be right has a key of its own.
    if case.headers is not None and "Idempotency-Key" in case.headers:
        case.headers = {**case.headers, "Idempotency-Key": str(uuid.uuid4())}
