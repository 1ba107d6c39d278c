#!/usr/bin/env python3
"""Makes the generated files of demo/ out of a folder with the sources that LICENSES.md names.

    demo/make/make.py SOURCES [DEMO]

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


def latest(*texts):
    """Of several spans the longest: a dose that all antigens of a vaccine allow is never early for one of them."""
    return max((span(text) for text in texts if text), key=days, default=None)


def earliest(*texts):
    return min((span(text) for text in texts if text), key=days, default=None)


def dose(antigens):
    """One dose of a group out of the same dose of its antigens."""
    first = antigens[0]["dose"] == 1
    # CDSi lists alternatives by product history, which is not known when somebody books: the longest is kept.
    intervals = [i["min_interval"] for entry in antigens for i in entry.get("intervals", []) if i["from_previous"] == "Y"]
    return without_nothing({
        "min_age": latest(*(entry.get("min_age") for entry in antigens)),
        "max_age": earliest(*(entry.get("max_age") for entry in antigens)),
        "min_interval": None if first else latest(*intervals),
    })


def cdsi(source, demo):
    """Of each vaccine group the default standard series. Antigens of one group become one series."""
    groups = {}
    for series in json.loads((source / "vaccines" / "cdsi_series.json").read_text(encoding="utf-8"))["series"]:
        wanted = series["series_type"] == "Standard" and series["default_series"] == "Yes"
        if wanted and "Unknown" in (series.get("required_gender") or ["Unknown"]):
            groups.setdefault(series["vaccine_group"], {}).setdefault(series["antigen"], []).append(series)
    document = {
        "authority": f"CDC CDSi {CDSI}",
        "version": CDSI,
        "effective_from": "2025-08-27",
        "note": "CDC CDSi supporting data, reduced by demo/make/make.py. For scheduling checks, not clinical advice.",
        "series": {group: one_series(antigens) for group, antigens in sorted(groups.items())},
    }
    target = demo / "rules" / f"cdsi-{CDSI}.json"
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {len(groups)} groups")


def one_series(antigens):
    # Two defaults of one antigen are for two ages (RSV, pneumococcal): the one for the older is what adults book.
    chosen = [max(found, key=lambda series: days(series.get("min_age_to_start") or "0 days")) for found in antigens.values()]
    length = max(len(series["doses"]) for series in chosen)
    doses = [[series["doses"][n] for series in chosen if n < len(series["doses"])] for n in range(length)]
    products = {code for group in doses for entry in group for code in entry.get("preferable_cvx", []) + entry.get("allowable_cvx", [])}
    return {"doses": [dose(group) for group in doses], "products": {code: {} for code in sorted(products)}}


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
