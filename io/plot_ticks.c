#include "io/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The smallest of 1, 2, 5 times a power of ten that is not below `step`. */
static double round_step(double step)
{
    double power = pow(10.0, floor(log10(step)));
    double digit = step / power;
    return power * (digit <= 1.0 ? 1.0 : digit <= 2.0 ? 2.0 : digit <= 5.0 ? 5.0 : 10.0);
}

fc__ticks fc__ticks_between(double lower, double upper, size_t wanted)
{
    fc__ticks ticks = {0};
    double span = upper - lower;
    if (!(span > 0.0) || !isfinite(span))
        return ticks;
    if (wanted > FC__TICKS_MAX - 2)
        wanted = FC__TICKS_MAX - 2;
    double step = round_step(span / (double)(wanted < 2 ? 1 : wanted));
    double slack = 1e-9 * span;
    double first = ceil((lower - slack) / step);
    for (size_t i = 0; i < FC__TICKS_MAX; ++i) {
        double value = (first + (double)i) * step;
        if (value > upper + slack)
            break;
        ticks.value[ticks.count++] = fabs(value) < 1e-6 * step ? 0.0 : value;
    }
    double largest = fmax(fabs(lower), fabs(upper));
    if (largest >= 1e5 || largest < 1e-2)
        ticks.exponent = (int)floor(log10(largest));
    int decimals = -(int)floor(log10(step) + 1e-9) + ticks.exponent;
    ticks.decimals = decimals > 0 ? decimals : 0;
    return ticks;
}

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

void fc__tick_text(const fc__ticks *ticks, size_t index, char text[FC__TICK_TEXT])
{
    char plain[FC__TICK_TEXT];
    double shown = ticks->value[index] / pow(10.0, ticks->exponent);
    snprintf(plain, sizeof plain, "%.*f", ticks->decimals, shown);
    copy_with_minus(plain, text, FC__TICK_TEXT);
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
