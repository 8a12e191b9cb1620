/* Time coordinates after the CF conventions (section 4.4): "UNIT since DATE" in a calendar. Days
 * are numbered from 1 January of year 0 of the calendar at hand. */
#include "io/read/cf_time.h"
#include "io/io.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const double DAY_SECONDS = 86400.0;
static const int64_t LARGEST_YEAR = 1000000;

/* ---------------------------------------------------------------- calendars */

typedef enum leap_rule {
    RULE_STANDARD,  /* Julian to 4 October 1582, Gregorian from the 15th, which is the day after */
    RULE_GREGORIAN, /* extended to all times */
    RULE_JULIAN,
    RULE_NEVER,
    RULE_ALWAYS,
    RULE_360_DAYS
} leap_rule;

typedef struct calendar {
    const char *name;
    leap_rule rule;
    double year; /* mean length, days */
} calendar;

static const calendar calendars[] = {
    {"standard", RULE_STANDARD, 365.2425},
    {"gregorian", RULE_STANDARD, 365.2425},
    {"proleptic_gregorian", RULE_GREGORIAN, 365.2425},
    {"julian", RULE_JULIAN, 365.25},
    {"noleap", RULE_NEVER, 365.0},
    {"365_day", RULE_NEVER, 365.0},
    {"all_leap", RULE_ALWAYS, 366.0},
    {"366_day", RULE_ALWAYS, 366.0},
    {"360_day", RULE_360_DAYS, 360.0},
};

/* NULL for a calendar that is not known; "" is the standard one. */
static const calendar *find_calendar(const char *name)
{
    if (name[0] == '\0')
        return &calendars[0];
    for (size_t i = 0; i < sizeof calendars / sizeof *calendars; i++)
        if (strcasecmp(calendars[i].name, name) == 0)
            return &calendars[i];
    return NULL;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days from the start of year 0 to that of `year`. */
static int64_t days_before_year(leap_rule rule, int64_t year)
{
    int64_t fourth = floor_divide(year + 3, 4);
    switch (rule) {
    case RULE_360_DAYS:
        return 360 * year;
    case RULE_NEVER:
        return 365 * year;
    case RULE_ALWAYS:
        return 366 * year;
    case RULE_JULIAN:
        return 365 * year + fourth;
    case RULE_STANDARD:
    case RULE_GREGORIAN:
        break;
    }
    return 365 * year + fourth - floor_divide(year + 99, 100) + floor_divide(year + 399, 400);
}

static int month_length(leap_rule rule, int64_t year, int month)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (rule == RULE_360_DAYS)
        return 30;
    int64_t days = days_before_year(rule, year + 1) - days_before_year(rule, year);
    return lengths[month - 1] + (month == 2 && days == 366);
}

typedef struct date {
    int64_t year;
    int month, day; /* from 1 */
    double seconds; /* of the day, in the zone of the date */
    double zone;    /* seconds east of Greenwich */
} date;

static int64_t day_number_by(leap_rule rule, const date *when)
{
    int64_t days = days_before_year(rule, when->year) + when->day - 1;
    for (int month = 1; month < when->month; month++)
        days += month_length(rule, when->year, month);
    return days;
}

static void date_by(leap_rule rule, int64_t number, date *when)
{
    int64_t year = floor_divide(number, 365);
    while (days_before_year(rule, year) > number)
        year -= 1 + (days_before_year(rule, year) - number) / 367;
    while (days_before_year(rule, year + 1) <= number)
        year++;
    int rest = (int)(number - days_before_year(rule, year)), month = 1;
    while (rest >= month_length(rule, year, month))
        rest -= month_length(rule, year, month++);
    when->year = year;
    when->month = month;
    when->day = rest + 1;
}

/* The Julian day 1582-10-05 is the Gregorian day 1582-10-15. */
static const date first_gregorian = {.year = 1582, .month = 10, .day = 15};
static const date first_gregorian_as_julian = {.year = 1582, .month = 10, .day = 5};

static int64_t julian_shift(void)
{
    return day_number_by(RULE_GREGORIAN, &first_gregorian) -
           day_number_by(RULE_JULIAN, &first_gregorian_as_julian);
}

static bool before(const date *a, const date *b)
{
    if (a->year != b->year)
        return a->year < b->year;
    return a->month != b->month ? a->month < b->month : a->day < b->day;
}

/* false for a date that the calendar does not have. */
static bool day_number(leap_rule rule, const date *when, int64_t *number)
{
    bool julian = rule == RULE_JULIAN;
    if (rule == RULE_STANDARD) {
        julian = before(when, &first_gregorian);
        if (julian && !before(when, &first_gregorian_as_julian))
            return false;
        rule = julian ? RULE_JULIAN : RULE_GREGORIAN;
        *number = julian ? julian_shift() : 0;
    } else {
        *number = 0;
    }
    if (when->month < 1 || when->month > 12 || when->day < 1 ||
        when->day > month_length(rule, when->year, when->month))
        return false;
    *number += day_number_by(rule, when);
    return true;
}

static void date_of(leap_rule rule, int64_t number, date *when)
{
    if (rule == RULE_STANDARD) {
        bool julian = number < day_number_by(RULE_GREGORIAN, &first_gregorian);
        date_by(julian ? RULE_JULIAN : RULE_GREGORIAN, number - (julian ? julian_shift() : 0),
                when);
    } else {
        date_by(rule, number, when);
    }
}

/* ---------------------------------------------------------------- text of dates */

static bool take(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

/* 1 to `most` digits. */
static bool take_digits(const char **at, int most, int64_t *value)
{
    int count = 0;
    *value = 0;
    for (; count < most && isdigit((unsigned char)**at); count++)
        *value = 10 * *value + *(*at)++ - '0';
    return count > 0 && !isdigit((unsigned char)**at);
}

static bool take_seconds(const char **at, double *seconds)
{
    int64_t whole;
    double place = 0.1;
    if (!take_digits(at, 2, &whole))
        return false;
    *seconds = (double)whole;
    if (!take(at, '.'))
        return true;
    for (; isdigit((unsigned char)**at); place /= 10.0)
        *seconds += place * (*(*at)++ - '0');
    return true;
}

/* "h[:m[:s]]" */
static bool take_clock(const char **at, double *seconds)
{
    int64_t hours, minutes = 0;
    double rest = 0.0;
    if (!take_digits(at, 2, &hours))
        return false;
    if (take(at, ':')) {
        if (!take_digits(at, 2, &minutes))
            return false;
        if (take(at, ':') && !take_seconds(at, &rest))
            return false;
    }
    *seconds = (double)(3600 * hours + 60 * minutes) + rest;
    return hours < 25 && minutes < 60 && rest < 61.0;
}

/* "Z", "UTC", "GMT", "+h", "+h:m", "+hhmm" or nothing */
static bool take_zone(const char **at, double *zone)
{
    static const char *const names[] = {"Z", "UTC", "GMT"};
    int64_t hours, minutes = 0;
    *zone = 0.0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(*at, names[i]) == 0) {
            *at += strlen(names[i]);
            return true;
        }
    }
    int sign = **at == '-' ? -1 : 1;
    if (!take(at, '+') && !take(at, '-'))
        return true;
    if (!take_digits(at, 4, &hours))
        return false;
    if (hours > 99) {
        minutes = hours % 100;
        hours /= 100;
    } else if (take(at, ':') && !take_digits(at, 2, &minutes)) {
        return false;
    }
    *zone = (double)(sign * (3600 * hours + 60 * minutes));
    return hours < 25 && minutes < 60;
}

static void skip_blanks(const char **at)
{
    while (isspace((unsigned char)**at))
        (*at)++;
}

/* "Y-M[-D][(T or blank) CLOCK][ZONE]", all of the text. */
static bool parse_date(const char *text, date *when)
{
    const char *at = text;
    int64_t month, day = 1;
    skip_blanks(&at);
    bool negative = take(&at, '-');
    if (!take_digits(&at, 7, &when->year) || !take(&at, '-') || !take_digits(&at, 2, &month))
        return false;
    if (take(&at, '-') && !take_digits(&at, 2, &day))
        return false;
    if (negative)
        when->year = -when->year;
    when->month = (int)month;
    when->day = (int)day;
    when->seconds = 0.0;
    if (!take(&at, 'T'))
        skip_blanks(&at);
    if (isdigit((unsigned char)*at) && !take_clock(&at, &when->seconds))
        return false;
    skip_blanks(&at);
    if (!take_zone(&at, &when->zone))
        return false;
    skip_blanks(&at);
    return *at == '\0' && llabs(when->year) <= LARGEST_YEAR;
}

/* ---------------------------------------------------------------- units */

typedef struct time_unit {
    const char *names; /* blank-separated */
    double seconds;    /* length; 0 where it varies */
    double years;      /* mean length of those that vary */
} time_unit;

static const time_unit time_units[] = {
    {" day days d ", 86400.0, 0.0},
    {" hour hours hr hrs h ", 3600.0, 0.0},
    {" minute minutes min mins ", 60.0, 0.0},
    {" second seconds sec secs s ", 1.0, 0.0},
    {" millisecond milliseconds msec msecs millisec millisecs ms ", 1e-3, 0.0},
    {" microsecond microseconds microsec microsecs us ", 1e-6, 0.0},
    {" week weeks ", 604800.0, 0.0},
    {" month months ", 0.0, 1.0 / 12.0},
    {" year years yr yrs ", 0.0, 1.0},
};

/* The unit before " since "; *reference points at the date, NULL when there is none. */
static const time_unit *split_units(const char *units, const char **reference)
{
    char word[FC_NAME_SIZE + 2];
    const char *since = NULL;
    for (const char *at = units; *at && !since; at++)
        if (strncasecmp(at, " since ", 7) == 0)
            since = at;
    *reference = since ? since + 7 : NULL;
    size_t size = since ? (size_t)(since - units) : strlen(units);
    while (size && isspace((unsigned char)*units)) {
        units++;
        size--;
    }
    while (size && isspace((unsigned char)units[size - 1]))
        size--;
    if (size == 0 || size >= FC_NAME_SIZE)
        return NULL;
    snprintf(word, sizeof word, " %.*s ", (int)size, units);
    for (char *at = word; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++)
        if (strstr(time_units[i].names, word))
            return &time_units[i];
    return NULL;
}

bool fc__cf_is_time(const char *units)
{
    const char *reference;
    return split_units(units, &reference) && reference;
}

bool fc__cf_is_duration(const char *units)
{
    const char *reference;
    return split_units(units, &reference) && !reference;
}

/* What the axis's numbers count: seconds from a reference day. */
typedef struct decoded_axis {
    leap_rule rule;
    double unit;    /* seconds */
    int64_t day;    /* number of the reference day */
    double seconds; /* of that day, UTC */
} decoded_axis;

static fc_status decode_axis(fc_context *context, const fc_time_axis *axis, decoded_axis *decoded)
{
    const char *reference;
    date when;
    const time_unit *unit = split_units(axis->units, &reference);
    const calendar *found = find_calendar(axis->calendar);
    if (!unit || !reference)
        return fc__fail(context, FC_ERROR_DATA,
                        "time units \"%s\" have no reference date; times are plain numbers",
                        axis->units);
    if (!found)
        return fc__fail(context, FC_ERROR_DATA,
                        "calendar \"%s\" is not known; standard, gregorian, proleptic_gregorian, "
                        "julian, noleap, 365_day, all_leap, 366_day and 360_day are",
                        axis->calendar);
    if (unit->seconds == 0.0)
        return fc__fail(context, FC_ERROR_DATA,
                        "time units \"%s\": months and years have no fixed length, so that dates "
                        "are not converted; times are plain numbers in this unit",
                        axis->units);
    if (!parse_date(reference, &when) || !day_number(found->rule, &when, &decoded->day))
        return fc__fail(context, FC_ERROR_DATA,
                        "time units \"%s\": \"%s\" is no date of the calendar %s", axis->units,
                        reference, found->name);
    decoded->rule = found->rule;
    decoded->unit = unit->seconds;
    decoded->seconds = when.seconds - when.zone;
    return FC_OK;
}

/* ---------------------------------------------------------------- months */

/* Number of the day that comes `months` after a date. */
static int64_t day_after_months(leap_rule rule, const date *from, int64_t months)
{
    date when = *from;
    int64_t number = 0, total = from->month - 1 + months;
    when.year += floor_divide(total, 12);
    when.month = (int)(total - 12 * floor_divide(total, 12)) + 1;
    while (!day_number(rule, &when, &number) && when.day > 1)
        when.day--;
    return number;
}

fc_status fc__cf_months_to_days(fc_context *context, fc_time_axis *axis, size_t count,
                                double *times)
{
    const char *reference;
    date from;
    int64_t start;
    char units[FC_NAME_SIZE + 16];
    const double rounding = 1e-9;
    const time_unit *unit = split_units(axis->units, &reference);
    const calendar *found = find_calendar(axis->calendar);
    if (!unit || !reference || !found || unit->years == 0.0 || !parse_date(reference, &from) ||
        !day_number(found->rule, &from, &start))
        return FC_OK;
    for (size_t i = 0; i < count; i++) {
        double months = times[i] * (unit->years * 12.0), whole = floor(months + rounding);
        if (isnan(months))
            continue;
        if (!(fabs(months) <= 12.0 * (double)LARGEST_YEAR))
            return fc__fail(context, FC_ERROR_DATA, "time %g at index %zu, in %s, is no date",
                            times[i], i, axis->units);
        int64_t day = day_after_months(found->rule, &from, (int64_t)whole);
        int64_t next = day_after_months(found->rule, &from, (int64_t)whole + 1);
        times[i] = (double)(day - start) + fmax(months - whole, 0.0) * (double)(next - day);
    }
    snprintf(units, sizeof units, "days since %s", reference);
    fc__copy_name(axis->units, units);
    return FC_OK;
}

/* ---------------------------------------------------------------- public */

fc_status fc_time_parse(fc_context *context, const fc_time_axis *axis, const char *text,
                        double *time)
{
    char *end;
    date when;
    decoded_axis decoded;
    int64_t day;
    double number = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(number)) {
        *time = number;
        return FC_OK;
    }
    if (!parse_date(text, &when))
        return fc__fail(context, FC_ERROR_USAGE,
                        "time \"%s\" is not understood; a date such as 2014-03-01T06:00 or a "
                        "number in units of \"%s\" is accepted",
                        text, axis->units);
    if (decode_axis(context, axis, &decoded) != FC_OK)
        return fc__fail(context, FC_ERROR_USAGE, "time \"%s\": %s", text,
                        context ? fc_context_message(context) : "");
    if (!day_number(decoded.rule, &when, &day))
        return fc__fail(context, FC_ERROR_USAGE, "time \"%s\" is no date of the calendar %s", text,
                        axis->calendar[0] ? axis->calendar : "standard");
    *time =
        ((double)(day - decoded.day) * DAY_SECONDS + (when.seconds - when.zone - decoded.seconds)) /
        decoded.unit;
    return FC_OK;
}

void fc_time_format(const fc_time_axis *axis, double time, char *text, size_t size)
{
    decoded_axis decoded;
    date when;
    double seconds = NAN;
    if (decode_axis(NULL, axis, &decoded) == FC_OK)
        seconds = time * decoded.unit + decoded.seconds;
    if (!(fabs(seconds) < 365.0 * DAY_SECONDS * (double)LARGEST_YEAR)) {
        snprintf(text, size, "%.15g", time);
        return;
    }
    double days = floor(seconds / DAY_SECONDS);
    long long milliseconds = llround((seconds - days * DAY_SECONDS) * 1e3);
    const long long day = 86400000;
    date_of(decoded.rule, decoded.day + (int64_t)days + milliseconds / day, &when);
    milliseconds %= day;
    int second = (int)(milliseconds / 1000 % 60), rest = (int)(milliseconds % 1000);
    char end[16] = "";
    if (rest)
        snprintf(end, sizeof end, ":%02d.%03d", second, rest);
    else if (second)
        snprintf(end, sizeof end, ":%02d", second);
    snprintf(text, size, "%s%04lld-%02d-%02dT%02d:%02d%s", when.year < 0 ? "-" : "",
             llabs(when.year), when.month, when.day, (int)(milliseconds / 3600000),
             (int)(milliseconds / 60000 % 60), end);
}

fc_status fc__cf_convert_times(fc_context *context, const fc_time_axis *from,
                               const fc_time_axis *to, size_t count, double *times)
{
    decoded_axis a, b;
    if (strcmp(from->units, to->units) == 0 && strcmp(from->calendar, to->calendar) == 0)
        return FC_OK;
    if (decode_axis(NULL, from, &a) != FC_OK || decode_axis(NULL, to, &b) != FC_OK ||
        a.rule != b.rule)
        return fc__fail(context, FC_ERROR_DATA,
                        "times in \"%s\" (calendar \"%s\") cannot be counted in \"%s\" "
                        "(calendar \"%s\")",
                        from->units, from->calendar, to->units, to->calendar);
    double offset = (double)(a.day - b.day) * DAY_SECONDS + (a.seconds - b.seconds);
    for (size_t i = 0; i < count; i++)
        times[i] = (times[i] * a.unit + offset) / b.unit;
    return FC_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

fc_status fc__cf_cycle(fc_context *context, const fc_time_axis *axis, size_t count,
                       const double *times, double *cycle)
{
    fc_status status = FC_OK;
    double *steps = NULL;
    const char *reference;
    const time_unit *unit = split_units(axis->units, &reference);
    const calendar *found = find_calendar(axis->calendar);
    *cycle = 0.0;
    if (!unit || !reference || !found || count < 2)
        return FC_OK;
    double unit_days =
        unit->seconds > 0.0 ? unit->seconds / DAY_SECONDS : unit->years * found->year;
    FC_NEW(context, &steps, count - 1);
    for (size_t i = 0; i + 1 < count; i++)
        steps[i] = (times[i + 1] - times[i]) * unit_days;
    qsort(steps, count - 1, sizeof *steps, compare_doubles);
    /* The record covers its last step as well: 24 monthly means are two years. */
    double step = steps[(count - 1) / 2], length = (times[count - 1] - times[0]) * unit_days + step;
    const double rounding = 1e-6;
    if (step >= 5.0 && step <= 100.0 && length >= 2.0 * found->year * (1.0 - 0.01))
        *cycle = found->year / unit_days;
    if (step <= 0.25 * (1.0 + rounding) && length >= 4.0 * (1.0 - rounding))
        *cycle = 1.0 / unit_days;
done:
    free(steps);
    return status;
}
