#include "io/plot/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- words */

/* Copies text with the typographic minus sign in place of hyphens. */
static void copy_with_minus(const char *from, char *text, size_t size)
{
    static const char minus[] = "\xe2\x88\x92";
    size_t length = 0;
    for (; *from && length + sizeof minus < size; ++from) {
        if (*from == '-') {
            memcpy(text + length, minus, sizeof minus - 1);
            length += sizeof minus - 1;
        } else {
            text[length++] = *from;
        }
    }
    text[length] = '\0';
}

/* Digits and minus sign as superscripts. */
static void superscript(int number, char *text, size_t size)
{
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char plain[16];
    snprintf(plain, sizeof plain, "%d", number);
    text[0] = '\0';
    for (const char *c = plain; *c; ++c) {
        const char *sign = *c == '-' ? "⁻" : digits[*c - '0'];
        if (strlen(text) + strlen(sign) + 1 <= size)
            strcat(text, sign);
    }
}

void fc__tick_units(const fc__ticks *ticks, const char *units, char *text, size_t size)
{
    const char *shown = units && strcmp(units, "1") != 0 ? units : "";
    if (ticks->exponent == 0) {
        snprintf(text, size, "%s", shown);
        return;
    }
    char power[64];
    superscript(ticks->exponent, power, sizeof power);
    snprintf(text, size, "×10%s%s%s", power, shown[0] ? " " : "", shown);
}

/* ---------------------------------------------------------------- even steps */

/* The smallest of 1, 2, 5 times a power of ten that is not below `step`. */
static double round_step(double step)
{
    double power = pow(10.0, floor(log10(step)));
    double digit = step / power;
    return power * (digit <= 1.0 ? 1.0 : digit <= 2.0 ? 2.0 : digit <= 5.0 ? 5.0 : 10.0);
}

static void fill_steps(fc__ticks *ticks, double lower, double upper, double step)
{
    double slack = 1e-9 * (upper - lower);
    double first = ceil((lower - slack) / step);
    for (size_t i = 0; i < FC__TICKS_MAX; ++i) {
        double value = (first + (double)i) * step;
        if (value > upper + slack)
            break;
        ticks->value[ticks->count++] = fabs(value) < 1e-6 * step ? 0.0 : value;
    }
}

static int decimals_of(double step)
{
    int decimals = -(int)floor(log10(step) + 1e-9);
    return decimals > 0 ? decimals : 0;
}

fc__ticks fc__ticks_between(double lower, double upper, size_t wanted)
{
    fc__ticks ticks = {0};
    double span = upper - lower;
    if (!(span > 1e-300) || !isfinite(span)) /* below, powers of ten would not be exact */
        return ticks;
    if (wanted > FC__TICKS_MAX - 2)
        wanted = FC__TICKS_MAX - 2;
    double step = round_step(span / (double)(wanted < 2 ? 1 : wanted));
    fill_steps(&ticks, lower, upper, step);
    double largest = fmax(fabs(lower), fabs(upper));
    if (largest >= 1e5 || largest < 1e-2)
        ticks.exponent = (int)floor(log10(largest));
    double unit = pow(10.0, ticks.exponent);
    int decimals = decimals_of(step / unit);
    for (size_t i = 0; i < ticks.count; ++i) {
        char plain[FC__TICK_TEXT];
        snprintf(plain, sizeof plain, "%.*f", decimals, ticks.value[i] / unit);
        copy_with_minus(plain, ticks.text[i], FC__TICK_TEXT);
    }
    return ticks;
}

/* ---------------------------------------------------------------- degrees */

/* -180..180 */
static double wrap_longitude(double degrees)
{
    double wrapped = fmod(degrees, 360.0);
    return wrapped > 180.0 ? wrapped - 360.0 : wrapped < -180.0 ? wrapped + 360.0 : wrapped;
}

static fc__ticks ticks_degrees(bool east, double lower, double upper, size_t wanted)
{
    static const double steps[] = {90, 60, 45, 30, 20, 15, 10, 5, 2, 1};
    fc__ticks ticks = {0};
    double span = upper - lower, least = span / (double)(wanted < 2 ? 1 : wanted);
    if (!(span > 1e-300) || !isfinite(span))
        return ticks;
    double step = least < 1.0 ? round_step(least) : steps[0];
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && least >= 1.0; ++i)
        if (steps[i] >= least)
            step = steps[i];
    fill_steps(&ticks, lower, upper, step);
    for (size_t i = 0; i < ticks.count; ++i) {
        double value = east ? wrap_longitude(ticks.value[i]) : ticks.value[i];
        bool plain = value == 0.0 || (east && fabs(value) == 180.0);
        const char *side = plain ? "" : value > 0.0 ? (east ? "E" : "N") : (east ? "W" : "S");
        snprintf(ticks.text[i], FC__TICK_TEXT, "%.*f°%s", decimals_of(step), fabs(value), side);
    }
    return ticks;
}

/* ---------------------------------------------------------------- powers of ten */

static void add_log_tick(fc__ticks *ticks, int power, int digit, bool plain)
{
    if (ticks->count == FC__TICKS_MAX)
        return;
    char *text = ticks->text[ticks->count];
    double value = digit * pow(10.0, power);
    ticks->value[ticks->count++] = value;
    if (plain) {
        snprintf(text, FC__TICK_TEXT, "%g", value);
        return;
    }
    char raised[FC__TICK_TEXT - 8];
    superscript(power, raised, sizeof raised);
    if (digit == 1)
        snprintf(text, FC__TICK_TEXT, "10%s", raised);
    else
        snprintf(text, FC__TICK_TEXT, "%d·10%s", digit, raised);
}

/* Every power of ten, or every n-th of many; of few decades 2 and 5 times them too. */
static fc__ticks ticks_log(double lower, double upper, size_t wanted)
{
    fc__ticks ticks = {0};
    if (!(lower > 0.0) || !(upper > lower) || !isfinite(upper))
        return ticks;
    double decades = log10(upper) - log10(lower);
    double low = lower * (1.0 - 1e-9), high = upper * (1.0 + 1e-9);
    bool plain = lower >= 0.9e-3 && upper <= 1.1e4;
    bool fine = decades < 0.4 * (double)wanted;
    int every = (int)ceil(decades / (double)(wanted < 2 ? 1 : wanted));
    int last = (int)floor(log10(high));
    for (int power = (int)floor(log10(low)); power <= last; ++power)
        for (int digit = 1; digit < 10; ++digit) {
            double value = digit * pow(10.0, power);
            bool named = digit == 1 ? power % (every < 1 ? 1 : every) == 0
                                    : fine && (digit == 2 || digit == 5);
            if (named && value >= low && value <= high)
                add_log_tick(&ticks, power, digit, plain);
        }
    return ticks;
}

fc__ticks fc__ticks_of(const fc_plot_axis *axis, double lower, double upper, size_t wanted)
{
    if (axis->scale == FC_SCALE_LOG) {
        fc__ticks ticks = ticks_log(lower, upper, wanted);
        return ticks.count > 1 ? ticks : fc__ticks_between(lower, upper, wanted);
    }
    if (axis->scale == FC_SCALE_LONGITUDE || axis->scale == FC_SCALE_LATITUDE)
        return ticks_degrees(axis->scale == FC_SCALE_LONGITUDE, lower, upper, wanted);
    if (axis->scale == FC_SCALE_TIME && axis->time) {
        fc__ticks ticks = fc__ticks_time(axis->time, lower, upper, wanted);
        if (ticks.count > 0)
            return ticks;
    }
    return fc__ticks_between(lower, upper, wanted);
}
