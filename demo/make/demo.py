#!/usr/bin/env python3
"""Makes the generated files of demo/ out of a folder with the sources that LICENSES.md names.

    demo/make/demo.py SOURCES [DEMO]

Writes clinics.csv, zips.csv, cvx.csv and rules/cdsi-4.64-508.json. The other files of demo/ are written by hand. Same
sources, same bytes: running it twice changes nothing. Uses the standard library only.
"""

import csv
import json
import pathlib
import re
import sys

# Massachusetts and the states beside it: people who live over the border look for clinics too.
STATES = {"MA", "CT", "ME", "NH", "NY", "RI", "VT"}
# As in the sources; the description columns are cut, they hold availability of one week in 2021.
CLINIC_COLUMNS = ["source_id", "name", "street", "city", "state", "zip", "county", "phone", "latitude", "longitude", "hours"]
CDSI = "4.64-508"
SPAN = re.compile(r"^\d+ (day|week|month|year)s?( [+-] \d+ (day|week|month|year)s?)*$")


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path, columns, lines):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        out.writerows(lines)
    print(f"{path}: {len(lines)} rows")


def clinics(source, demo):
    lines = []
    for row in rows(source / "clinics" / "ma.csv"):
        line = {column: " ".join(row.get(column, "").split()) for column in CLINIC_COLUMNS}
        line["source_id"] = row["site_id"]
        lines.append(line)
    write(demo / "clinics.csv", CLINIC_COLUMNS, sorted(lines, key=lambda line: line["source_id"]))


def zips(source, demo):
    lines = [row for row in rows(source / "zips.csv") if row["state"] in STATES and row["latitude"]]
    write(demo / "zips.csv", ["zip", "city", "state", "latitude", "longitude"], sorted(lines, key=lambda row: row["zip"]))


def cvx(source, demo):
    groups = {row["cvx"]: row["vaccine_group"] for row in rows(source / "vaccines" / "cvx_vaccine_groups.csv")}
    lines = rows(source / "vaccines" / "cvx.csv")
    for row in lines:
        row["vaccine_group"] = groups.get(row["cvx"], "")
    columns = ["cvx", "short_name", "full_name", "status", "last_updated", "vaccine_group"]
    write(demo / "cvx.csv", columns, sorted(lines, key=lambda row: (len(row["cvx"]), row["cvx"])))


def span(text):
    if text and not SPAN.match(text):
        raise SystemExit(f"{text!r} is not a span as CDSi writes it")
    return text or None


def days(text):
    """Only to compare two spans of CDSi."""
    length = {"day": 1, "week": 7, "month": 30.4, "year": 365.25}
    parts = re.findall(r"([+-]?) ?(\d+) (day|week|month|year)", text)
    return sum((-1 if sign == "-" else 1) * int(number) * length[unit] for sign, number, unit in parts)


def without_nothing(entry):
    return {key: value for key, value in entry.items() if value not in (None, [], {})}


def dose(entry):
    intervals = [i for i in entry.get("intervals", []) if entry["dose"] > 1]
    # CDSi lists alternatives by product history, which is not known when somebody books: the longest one is always
    # late enough, and a dose is never scheduled early.
    previous = [i["min_interval"] for i in intervals if i["from_previous"] == "Y"]
    since = {}
    for interval in intervals:
        if number := interval.get("from_target_dose"):
            since[number] = max(since.get(number, "0 days"), interval["min_interval"], key=days)
    return without_nothing({
        "min_age": span(entry.get("min_age")),
        "max_age": span(entry.get("max_age")),
        "min_interval": span(max(previous, key=days, default=None)),
        "min_interval_since": {number: span(text) for number, text in sorted(since.items())},
        "products": sorted(set(entry.get("allowable_cvx", [])) | set(entry.get("preferable_cvx", []))),
    })


def cdsi(source, demo):
    """Paths by vaccine group. Antigens of one group whose paths differ by product only become one path."""
    groups = {}
    series_of_source = json.loads((source / "vaccines" / "cdsi_series.json").read_text(encoding="utf-8"))["series"]
    standard = {s["vaccine_group"] for s in series_of_source if s["series_type"] == "Standard"}
    for series in series_of_source:
        group = series["vaccine_group"]
        # Series for a risk need a diagnosis; they count where a vaccine is given for a risk only.
        wanted = "Standard" if group in standard else "Risk"
        if series["series_type"] != wanted or "Unknown" not in series.get("required_gender", ["Unknown"]):
            continue
        path = without_nothing({
            "name": series["series"],
            "start": without_nothing({
                "min_age": span(series.get("min_age_to_start")),
                "max_age": span(series.get("max_age_to_start")),
            }),
            "doses": [dose(entry) for entry in series["doses"]],
        })
        merge(groups.setdefault(group, []), path)
    document = {
        "authority": "cdsi",
        "version": CDSI,
        "effective_from": "2025-08-27",
        "note": "CDC CDSi supporting data, reduced by demo/make/demo.py. For scheduling checks, not clinical advice.",
        "series": {group: {"paths": paths} for group, paths in sorted(groups.items())},
    }
    target = demo / "rules" / f"cdsi-{CDSI}.json"
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {sum(len(paths) for paths in groups.values())} paths of {len(groups)} groups")


def merge(paths, path):
    def shape(one):
        return one.get("start"), [{**d, "products": None} for d in one["doses"]]

    for known in paths:
        if shape(known) == shape(path):
            for old, new in zip(known["doses"], path["doses"]):
                old["products"] = sorted(set(old["products"]) | set(new["products"]))
            return
    paths.append(path)


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    source = pathlib.Path(sys.argv[1])
    demo = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).resolve().parent.parent
    (demo / "rules").mkdir(parents=True, exist_ok=True)
    clinics(source, demo)
    zips(source, demo)
    cvx(source, demo)
    cdsi(source, demo)


if __name__ == "__main__":
    main()
