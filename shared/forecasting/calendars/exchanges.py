"""Writes the tables beside it: pip install exchange_calendars==4.13.2, then python3 exchanges.py.

A table says when an exchange is open: its time zone, its hours since a date, and of each year the weekdays without a session
and, after a /, the sessions that end early, with their last minute.
"""

import pathlib

import exchange_calendars
import pandas as pd

NAMES = {
    "XETR": "Xetra, Frankfurt",
    "XHKG": "Hong Kong Stock Exchange",
    "XLON": "London Stock Exchange",
    "XTKS": "Tokyo Stock Exchange",
    "XTSE": "Toronto Stock Exchange",
}
FIRST, LAST = "2000-01-01", "2049-12-31"


def clock(time):
    return time.strftime("%H:%M")


def changes(times):
    """What holds from which date on."""
    return [(pd.Timestamp(FIRST) if since is None else since, time) for since, time in times or ()]


def at(times, day):
    known = [time for since, time in changes(times) if since <= day]
    return clock(known[-1]) if known else None


def table(mic):
    calendar = exchange_calendars.get_calendar(mic, start=FIRST, end=LAST)
    yield f"# {NAMES[mic]}, {FIRST[:4]} to {LAST[:4]}, as exchange_calendars {exchange_calendars.__version__} has it: written by exchanges.py."
    yield "# What an exchange has not announced yet follows from its rules."
    yield f"zone {calendar.tz}"
    parts = [calendar.open_times, calendar.break_start_times, calendar.break_end_times, calendar.close_times]
    for day in sorted({max(since, pd.Timestamp(FIRST)) for times in parts for since, _ in changes(times)}):
        hours = [at(times, day) for times in parts]
        yield " ".join(["hours", str(day.date()), *[time for time in hours if time]])
    sessions = set(calendar.sessions)
    early = {day: clock(calendar.session_close(day).tz_convert(calendar.tz)) for day in calendar.early_closes}
    assert not len(calendar.late_opens) and all(day.weekday() < 5 for day in sessions)
    for year in range(int(FIRST[:4]), int(LAST[:4]) + 1):
        weekdays = pd.bdate_range(f"{year}-01-01", f"{year}-12-31")
        closed = [day.strftime("%m-%d") for day in weekdays if day not in sessions]
        short = [f"{day.strftime('%m-%d')}<{time}" for day, time in sorted(early.items()) if day.year == year]
        yield " ".join([str(year), *closed, *(["/", *short] if short else [])])


for mic in NAMES:
    pathlib.Path(__file__).with_name(f"{mic}.txt").write_text("\n".join(table(mic)) + "\n")
