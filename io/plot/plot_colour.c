#include "io/plot/plot.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* IEC 61966-2-1: transfer function of sRGB. */
static double srgb_from_linear(double linear)
{
    double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1.0 / 2.4) - 0.055;
    return fmin(fmax(value, 0.0), 1.0);
}

/* Inverse of the cube-root compression of CIELAB. */
static double lab_expand(double f)
{
    return f > 6.0 / 29.0 ? f * f * f : 3.0 * (6.0 / 29.0) * (6.0 / 29.0) * (f - 4.0 / 29.0);
}

/* CIELAB (CIE 15:2004, white D65) in polar form to sRGB. */
static fc__colour colour_from_lch(double lightness, double chroma, double hue_degrees)
{
    double a = chroma * cos(hue_degrees * pi / 180.0);
    double b = chroma * sin(hue_degrees * pi / 180.0);
    double fy = (lightness + 16.0) / 116.0;
    double x = 0.95047 * lab_expand(fy + a / 500.0);
    double y = lab_expand(fy);
    double z = 1.08883 * lab_expand(fy - b / 200.0);
    return (fc__colour){
        srgb_from_linear(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
        srgb_from_linear(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
        srgb_from_linear(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
    };
}

/* Lightness rises in a straight line while the hue turns from violet to yellow; the chroma follows
 * what sRGB can show at that hue. */
static fc__colour sequential(double t)
{
    double lightness = 13.0 + 80.0 * t;
    double hue = 312.0 - 214.0 * t;
    double chroma = 40.0 - 15.0 * sin(pi * fmin(1.25 * t, 1.0)) + 20.0 * t * t * t;
    return colour_from_lch(lightness, chroma, hue);
}

/* Two straight arms of lightness that meet in near-white; rounding their tip by `smooth` avoids a
 * visible crease at zero. The chroma of each arm stays within what sRGB can show. */
static fc__colour diverging_arm(double s)
{
    const double smooth = 0.04;
    double away = (sqrt(s * s + smooth * smooth) - smooth) / (sqrt(1.0 + smooth * smooth) - smooth);
    double lightness = 97.0 - 64.0 * away;
    double darkest = s < 0.0 ? 36.0 : 68.0;
    double chroma = 130.0 * away * (1.0 - away) + darkest * away * away;
    return colour_from_lch(lightness, chroma, s < 0.0 ? 272.0 : 33.0);
}

fc__colour fc__plot_colour(bool diverging, double position)
{
    double t = fmin(fmax(position, 0.0), 1.0);
    return diverging ? diverging_arm(2.0 * t - 1.0) : sequential(t);
}

/* Okabe and Ito (2008), "Color Universal Design": the darker six of their eight colours, in an
 * order that keeps neighbours apart. */
fc__colour fc__line_colour(size_t place)
{
    static const unsigned char colours[][3] = {{0, 114, 178},   {213, 94, 0},  {0, 158, 115},
                                               {204, 121, 167}, {230, 159, 0}, {86, 180, 233},
                                               {90, 90, 90}};
    const unsigned char *c = colours[place % (sizeof colours / sizeof colours[0])];
    return (fc__colour){c[0] / 255.0, c[1] / 255.0, c[2] / 255.0};
}
