"""Reads the calendar entries of mails with two readers that know nothing of each other: PyPI's icalendar, and libical,
which Evolution reads with. Plays a calendar: a request adds or replaces an entry, a cancellation removes it.

Standard input: a JSON list of mails, in order of arrival. Standard output: one JSON object with what each reader saw."""

import ctypes
import email
import email.policy
import json
import sys

import icalendar

libical = ctypes.CDLL("libical.so.3")
libicalss = ctypes.CDLL("libicalss.so.3")
for name in ("icalcomponent_new_from_string", "icalcomponent_get_first_real_component"):
    getattr(libical, name).restype = ctypes.c_void_p
for name in ("icalcomponent_get_uid", "icalcomponent_get_summary", "icalcomponent_get_location"):
    getattr(libical, name).restype = ctypes.c_char_p
libical.icalproperty_enum_to_string.restype = ctypes.c_char_p
# What a scheduling program should do with a message, in libicalss's own words.
NEW, UPDATES, CANCEL = "REQUEST-NEW", ("REQUEST-UPDATE", "REQUEST-RESCHEDULE"), "CANCEL-EVENT"


class Ical:
    """One component, as libical reads it."""

    def __init__(self, text):
        self.whole = libical.icalcomponent_new_from_string(text.encode())
        assert self.whole, "libical reads nothing"
        self.entry = libical.icalcomponent_get_first_real_component(ctypes.c_void_p(self.whole))
        assert self.entry, "libical finds no entry"
        # Counts broken properties and properties that RFC 5546 does not allow with this method.
        self.errors = libical.icalcomponent_count_errors(ctypes.c_void_p(self.whole))
        self.fits = bool(libical.icalrestriction_check(ctypes.c_void_p(self.whole)))
        self.uid = libical.icalcomponent_get_uid(ctypes.c_void_p(self.entry)).decode()
        self.sequence = libical.icalcomponent_get_sequence(ctypes.c_void_p(self.entry))

    def verdict(self, known, user):
        match = ctypes.c_void_p(known.whole) if known else None
        number = libicalss.icalclassify(ctypes.c_void_p(self.whole), match, user.encode())
        return libical.icalproperty_enum_to_string(number).decode()


def entries(mail):
    """The calendar parts of a mail, by Python's own reader of mails; the file must be the same as the part."""
    message = email.message_from_string(mail["data"], policy=email.policy.default)
    parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    files = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    texts = [part.get_content() for part in parts]
    for file in files:
        content = file.get_content()
        content = content.decode() if isinstance(content, bytes) else content
        assert content.replace("\r\n", "\n") in [text.replace("\r\n", "\n") for text in texts], "file and part differ"
    assert files, "no file"
    for part in parts:
        yield part.get_param("method"), part.get_content().replace("\r\n", "\n").replace("\n", "\r\n"), mail["to"]


def by_icalendar(mails):
    calendar, steps = {}, []
    for mail in mails:
        for method, text, _ in entries(mail):
            whole = icalendar.Calendar.from_ical(text)
            assert str(whole["METHOD"]) == method, "the part's method is another than the file's"
            assert not whole.errors, whole.errors
            event = whole.walk("VEVENT")[0]
            uid, sequence = str(event["UID"]), int(event["SEQUENCE"])
            known = calendar.get(uid)
            if known and int(known["SEQUENCE"]) >= sequence:
                steps.append("older")
            elif method == "CANCEL":
                assert str(event["STATUS"]) == "CANCELLED"
                steps.append("removed" if calendar.pop(uid, None) else "nothing to remove")
            else:
                steps.append("replaced" if known else "added")
                calendar[uid] = event
    return {"steps": steps, "left": sorted(describe(event) for event in calendar.values())}


def describe(event):
    return [str(event["UID"]), event["DTSTART"].dt.isoformat(), str(event["SUMMARY"]), str(event["LOCATION"])]


def by_libical(mails):
    calendar, steps = {}, []
    for mail in mails:
        for method, text, to in entries(mail):
            read = Ical(text)
            assert read.errors == 0, f"libical finds {read.errors} errors in {text}"
            assert read.fits, f"libical: not what RFC 5546 allows with {method}: {text}"
            known = calendar.get(read.uid)
            verdict = read.verdict(known, to)
            if verdict == CANCEL and known and known.sequence < read.sequence:
                calendar.pop(read.uid)
                steps.append("removed")
            elif verdict == NEW and not known:
                calendar[read.uid] = read
                steps.append("added")
            elif verdict in UPDATES and known and known.sequence < read.sequence:
                calendar[read.uid] = read
                steps.append("replaced")
            else:
                steps.append(f"verdict {verdict}")
    return {"steps": steps, "left": sorted(calendar)}


mails = json.load(sys.stdin)
print(json.dumps({"icalendar": by_icalendar(mails), "libical": by_libical(mails)}))
