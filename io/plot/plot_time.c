#include "io/plot/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum date_unit { SECONDS, MINUTES, HOURS, DAYS, MONTHS, YEARS } date_unit;

typedef struct date_step {
    date_unit unit;
    int count;
    double days;
} date_step;

static const date_step steps[] = {{SECONDS, 1, 1.0 / 86400},
                                  {SECONDS, 2, 1.0 / 43200},
                                  {SECONDS, 5, 1.0 / 17280},
                                  {SECONDS, 10, 1.0 / 8640},
                                  {SECONDS, 30, 1.0 / 2880},
                                  {MINUTES, 1, 1.0 / 1440},
                                  {MINUTES, 2, 1.0 / 720},
                                  {MINUTES, 5, 1.0 / 288},
                                  {MINUTES, 10, 1.0 / 144},
                                  {MINUTES, 30, 1.0 / 48},
                                  {HOURS, 1, 1.0 / 24},
                                  {HOURS, 2, 1.0 / 12},
                                  {HOURS, 3, 1.0 / 8},
                                  {HOURS, 6, 1.0 / 4},
                                  {HOURS, 12, 1.0 / 2},
                                  {DAYS, 1, 1},
                                  {DAYS, 2, 2},
                                  {DAYS, 5, 5},
                                  {DAYS, 10, 10},
                                  {MONTHS, 1, 30.4},
                                  {MONTHS, 2, 60.9},
                                  {MONTHS, 3, 91.3},
                                  {MONTHS, 6, 182.6},
                                  {YEARS, 1, 365.25},
                                  {YEARS, 2, 730.5},
                                  {YEARS, 5, 1826},
                                  {YEARS, 10, 3652.5},
                                  {YEARS, 20, 7305},
                                  {YEARS, 50, 18262},
                                  {YEARS, 100, 36525},
                                  {YEARS, 1000, 365250}};

typedef struct date {
    int year, month, day, hour, minute, second;
} date;

static bool time_of(const fc_time_axis *axis, date d, double *time)
{
    char text[64];
    if (d.year < 1 || d.year > 9999)
        return false;
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", d.year, d.month, d.day, d.hour,
             d.minute, d.second);
    return fc_time_parse(NULL, axis, text, time) == FC_OK && isfinite(*time);
}

static bool date_of(const fc_time_axis *axis, double time, date *d)
{
    char text[64];
    fc_time_format(axis, time, text, sizeof text);
    d->second = 0; /* left out where it is zero */
    return sscanf(text, "%d-%d-%dT%d:%d:%d", &d->year, &d->month, &d->day, &d->hour, &d->minute,
                  &d->second) >= 5;
}

/* The last round date that is not after d. */
static date round_down(date d, date_step step)
{
    if (step.unit == YEARS)
        return (date){d.year - d.year % step.count, 1, 1, 0, 0, 0};
    if (step.unit == MONTHS)
        return (date){d.year, d.month - (d.month - 1) % step.count, 1, 0, 0, 0};
    if (step.unit == DAYS)
        return (date){d.year, d.month, d.day - (d.day - 1) % step.count, 0, 0, 0};
    if (step.unit == HOURS)
        return (date){d.year, d.month, d.day, d.hour - d.hour % step.count, 0, 0};
    if (step.unit == MINUTES)
        return (date){d.year, d.month, d.day, d.hour, d.minute - d.minute % step.count, 0};
    d.second -= d.second % step.count;
    return d;
}

/* One step on. Days step within their month; what would crowd the next month's first is left out.
 */
static bool advance(const fc_time_axis *axis, double per_day, date_step step, date *d, double *time)
{
    if (step.unit == YEARS || step.unit == MONTHS) {
        int months = step.unit == YEARS ? 12 * step.count : step.count;
        int index = d->year * 12 + d->month - 1 + months;
        *d = (date){index / 12, index % 12 + 1, 1, 0, 0, 0};
        return time_of(axis, *d, time);
    }
    if (!date_of(axis, *time + per_day * (step.days + 1e-6), d))
        return false;
    if (step.unit == DAYS && (d->day - 1) % step.count != 0) /* in the next month already */
        d->day = 1;
    if (step.unit == DAYS && step.count > 1 && d->day + step.count / 2 > 29) {
        int index = d->year * 12 + d->month;
        *d = (date){index / 12, index % 12 + 1, 1, 0, 0, 0};
    }
    *d = round_down(*d, step);
    return time_of(axis, *d, time);
}

static void label(date_step step, date d, char text[FC__TICK_TEXT])
{
    if (step.unit == YEARS)
        snprintf(text, FC__TICK_TEXT, "%d", d.year);
    else if (step.unit == MONTHS)
        snprintf(text, FC__TICK_TEXT, "%d-%02d", d.year, d.month);
    else if (step.unit == DAYS)
        snprintf(text, FC__TICK_TEXT, "%d-%02d-%02d", d.year, d.month, d.day);
    else if (step.unit == SECONDS)
        snprintf(text, FC__TICK_TEXT, "%02d:%02d:%02d", d.hour, d.minute, d.second);
    else if (d.hour == 0 && d.minute == 0)
        snprintf(text, FC__TICK_TEXT, "%02d-%02d", d.month, d.day);
    else
        snprintf(text, FC__TICK_TEXT, "%02d:%02d", d.hour, d.minute);
}

/* Axis units in a day, 0 where the axis has no dates. */
static double units_per_day(const fc_time_axis *axis)
{
    double one, two;
    if (axis->calendar[0] == '\0' || !time_of(axis, (date){2001, 1, 1, 0, 0, 0}, &one) ||
        !time_of(axis, (date){2001, 1, 2, 0, 0, 0}, &two))
        return 0.0;
    return two - one;
}

fc__ticks fc__ticks_time(const fc_time_axis *axis, double lower, double upper, size_t wanted)
{
    fc__ticks ticks = {0}, none = {0};
    double time, day = units_per_day(axis);
    date d;
    if (!(day > 0.0) || !(upper > lower))
        return none;
    double days = (upper - lower) / day;
    size_t chosen = 0, most = sizeof steps / sizeof steps[0] - 1;
    while (chosen < most && days / steps[chosen].days > 1e-6 + (double)(wanted < 2 ? 2 : wanted))
        ++chosen;
    date_step step = steps[chosen];
    if (!date_of(axis, lower, &d))
        return none;
    d = round_down(d, step);
    if (d.year < 1)
        d.year = step.count;
    if (!time_of(axis, d, &time))
        return none;
    double slack = 1e-9 * (upper - lower);
    for (double last = -INFINITY; time <= upper + slack && ticks.count < FC__TICKS_MAX;) {
        if (time <= last) /* a calendar that does not go on */
            return none;
        last = time;
        if (time >= lower - slack) {
            if (ticks.count == 0 && step.unit < DAYS)
                snprintf(ticks.from, sizeof ticks.from, "%04d-%02d-%02d", d.year, d.month, d.day);
            ticks.value[ticks.count] = time;
            label(step, d, ticks.text[ticks.count++]);
        }
        if (!advance(axis, day, step, &d, &time))
            break;
    }
    return ticks;
}

/* ---------------------------------------------------------------- lengths of time */

double fc__natural_unit(const fc_time_axis *axis, double typical, char unit[FC_NAME_SIZE])
{
    double day = units_per_day(axis);
    if (!(day > 0.0)) {
        snprintf(unit, FC_NAME_SIZE, "%s", strcmp(axis->units, "1") == 0 ? "" : axis->units);
        return 1.0;
    }
    double days = fabs(typical) / day;
    if (days >= 1.99) {
        snprintf(unit, FC_NAME_SIZE, "d");
        return day;
    }
    bool hours = days >= 1.99 / 24.0, minutes = days >= 1.99 / 1440.0;
    snprintf(unit, FC_NAME_SIZE, "%s", hours ? "h" : minutes ? "min" : "s");
    return day / (hours ? 24.0 : minutes ? 1440.0 : 86400.0);
}

void fc_lead_format(const fc_time_axis *axis, double lead, char *text, size_t size)
{
    char unit[FC_NAME_SIZE];
    double length = lead / fc__natural_unit(axis, lead, unit);
    double rounded = fabs(length) < 1e6 ? round(10.0 * length) / 10.0 : length;
    bool exact = axis->calendar[0] == '\0';
    snprintf(text, size, "%.6g%s%s", exact ? length : rounded, unit[0] ? " " : "", unit);
}
