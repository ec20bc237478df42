"""Dates and times as loggers and spreadsheets write them, in seconds."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import numpy as np

FORM = re.compile(
    r"(?:(?P<year>\d{4})(?P<s>[-/.]?)(?P<month>\d\d?)(?P=s)(?P<day>\d\d?)"
    r"|(?P<first>\d\d?)(?P<t>[-/.])(?P<second>\d\d?)(?P=t)(?P<last>\d{4}|\d\d))?"
    r"[T ]*"
    r"(?:(?P<hour>\d\d?):?(?P<minute>\d\d)(?::?(?P<seconds>\d\d(?:[.,]\d+)?))?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
    r"\s*(?:(?P<utc>Z|UTC|GMT)|(?P<zone>[+-]\d\d):?(?P<zone_minutes>\d\d)?)?"
)

CENTURY = 69  # years of two digits from which on they are of 1900, as in C


def seconds(cells: Sequence[str]) -> np.ndarray | None:
    """Return cells as seconds after the earliest (n,); None where one is not a date, a time of day or both.

    Days and months in front of a year: 31.03. and 31/03 can only be one, else dots have the day first, and slashes the
    month. Time zones count. A year of two digits is one of 1969 to 2068, and stands last: where the first of three
    numbers changes less than the last, it may be the year, and nothing is read.
    """
    matches = [FORM.fullmatch(cell.strip()) for cell in cells]
    if not all(match and any(match.groups()) for match in matches):
        return None
    found = [match for match in matches if match]
    short = [match for match in found if match["last"] and len(match["last"]) == 2]
    if len({match["last"] for match in short}) > len({match["first"] for match in short}):
        return None
    firsts = [(int(m["first"]), int(m["second"]), m["t"]) for m in found if m["first"]]
    by_day = any(a > 12 for a, _, _ in firsts) or (
        not any(b > 12 for _, b, _ in firsts) and all(mark != "/" for _, _, mark in firsts)
    )
    try:
        times = [_time(match, by_day) for match in found]
    except ValueError:  # no such day or hour
        return None
    earliest = min(times)
    return np.array([(time - earliest).total_seconds() for time in times])


def _time(match: re.Match[str], by_day: bool) -> datetime:
    """Return a moment in UTC, in 1970 where there is no date."""
    year, month, day = match["year"] or match["last"] or 1970, match["month"] or 1, match["day"] or 1
    if match["first"]:
        day, month = (match["first"], match["second"]) if by_day else (match["second"], match["first"])
    if match["last"] and len(match["last"]) == 2:
        year = int(match["last"]) + (2000 if int(match["last"]) < CENTURY else 1900)
    hour = int(match["hour"] or 0)
    if match["half"]:
        hour = hour % 12 + 12 * (match["half"][0] in "Pp")
    moment = datetime(int(year), int(month), int(day), hour, int(match["minute"] or 0), tzinfo=timezone.utc)
    if match["zone"]:
        sign = -1 if match["zone"][0] == "-" else 1
        moment -= timedelta(hours=int(match["zone"]), minutes=sign * int(match["zone_minutes"] or 0))
    return moment + timedelta(seconds=float((match["seconds"] or "0").replace(",", ".")))
