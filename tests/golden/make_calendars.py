"""Dates in every CF calendar, computed with cftime, for tests/io/test_cf_time.c.

Each line: calendar | units | number | date

    python3 make_calendars.py > calendars.txt
"""

import cftime

CALENDARS = ("standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day")
UNITS = ("hours since 1900-01-01 00:00:00", "d since 0001-01-01",
         "minutes since 1582-10-04 12:00", "seconds since 2000-02-28T06:30:15Z",
         "hours since 1992-10-8 15:15:42.5 -06:00", "days since 2001-1-1 00:00:0.0")
DAYS = (0, -1, 31.25, 59, 60, 366, 1461.5, -1461, 36524.125, 146097, 200000.0625, 577737,
        577738, 719162, -30000.5)
SECONDS = {"days": 86400, "d": 86400, "hours": 3600, "minutes": 60, "seconds": 1}

for calendar in CALENDARS:
    for units in UNITS:
        for days in DAYS:
            number = days * 86400 / SECONDS[units.split()[0]]
            try:
                date = cftime.num2date(number, units, calendar=calendar)
            except ValueError:
                continue
            if date.year < 1:
                continue
            when = date.isoformat(timespec="milliseconds")
            print(f"{calendar}|{units}|{number!r}|{when}")
