/* equation.h: pseudo-spectral evaluation of an equation (fc_equation in ode.h).
 *
 * Everything here works on complex coefficients w (channels, waves) of
 *
 *   u_c(x) = w_c(0) + 2 Re sum_k w_c(k) exp(i k . a(x)),   a(x): the angles of the periodic axes,
 *
 * k running over the equation's waves, of each pair +-k one. Products are formed on a grid on which
 * no two waves of a product alias onto a kept one. */
#ifndef FC_ODE_EQUATION_H
#define FC_ODE_EQUATION_H

#include "inr/support.h"
#include "ode/ode.h"

#include <complex.h>

typedef double complex fc__wave;

/* Multiplier of a symbol at a wave. */
fc__wave fc__symbol_multiplier(const fc_equation *equation, const fc_symbol *symbol, size_t wave);

/* Tables and plans for the evaluation of one equation, read by any number of threads. */
typedef struct fc__spectral fc__spectral;
fc_status fc__spectral_create(fc_context *context, const fc_equation *equation,
                              fc__spectral **spectral);
void fc__spectral_destroy(fc__spectral *spectral);

/* Takes over the forcing and the coefficients of terms, which may have changed; not their kinds. */
void fc__spectral_update(fc__spectral *spectral);

size_t fc__spectral_work_size(const fc__spectral *spectral); /* doubles, of one evaluation */
/* dw = f(w), both (channels, waves). */
void fc__spectral_eval(const fc__spectral *spectral, const fc__wave *w, fc__wave *dw, double *work);
/* dw_dot = (df/dw) w_dot at w. */
void fc__spectral_jvp(const fc__spectral *spectral, const fc__wave *w, const fc__wave *w_dot,
                      fc__wave *dw_dot, double *work);

/* Whether any product has a coefficient. */
bool fc__spectral_nonlinear(const fc__spectral *spectral);

/* The linear part at a wave, (channels, channels). */
const fc__wave *fc__spectral_linear(const fc__spectral *spectral, size_t wave);

/* For identification: the fields of all symbols that the products name, whether or not the
 * coefficients are zero, (symbols, stride); which of them a factor of a product is; and the
 * coefficients of values on the grid, which are destroyed. */
size_t fc__spectral_points(const fc__spectral *spectral);
size_t fc__spectral_stride(const fc__spectral *spectral);
size_t fc__spectral_symbols(const fc__spectral *spectral);
size_t fc__spectral_factor(const fc__spectral *spectral, size_t term, size_t factor);
void fc__spectral_fields(const fc__spectral *spectral, const fc__wave *w, double *fields,
                         double *work);
void fc__spectral_analyse(const fc__spectral *spectral, double *field, fc__wave *w, double *work);
/* dw_dot = (df/dw) w_dot + the term `own` without its coefficient, at w, whose fields are given:
 * the rate of change of dw/d(coefficient). */
void fc__spectral_sensitivity(const fc__spectral *spectral, const fc__wave *w, const double *fields,
                              size_t own, const fc__wave *w_dot, fc__wave *dw_dot, double *work);

/* ---------------------------------------------------------------- codes */

/* Between codes z (C) of a Fourier-series decoder and its coefficients: w = offset + lift z, and z
 * = project (w - offset), the least-squares inverse in the mean square over the domain. */
typedef struct fc__code_map {
    size_t codes, channels, waves;
    double *lift;    /* (2 channels waves, C): real and imaginary parts */
    double *offset;  /* (2 channels waves) */
    double *project; /* (C, 2 channels waves) */
} fc__code_map;
fc_status fc__code_map_create(fc_context *context, const fc_decoder *decoder, fc__code_map *map);
void fc__code_map_clear(fc__code_map *map);
void fc__code_map_lift(const fc__code_map *map, size_t rows, const double *z, fc__wave *w);

/* The number of candidates, and with it the memory of identification, grows as the third power. */
enum { FC__EQUATION_CHANNELS = 3 };

/* Whether a decoder's codes are those of a series that an equation can be written in: whole wave
 * numbers on one or two periodic axes, few channels. */
bool fc__equation_suits(const fc_decoder *decoder);

/* Takes the equation away from a field that has one. */
void fc__field_clear_equation(fc_field *field);

/* An equation without terms in the waves of a decoder. */
fc_status fc__equation_create(fc_context *context, const fc_decoder *decoder,
                              fc_equation **equation);

fc_status fc__equation_copy(fc_context *context, const fc_equation *from, fc_equation **copy);

/* ---------------------------------------------------------------- Galerkin projection */

/* dz/dt = project f(offset + lift z) */
struct fc__galerkin {
    fc__code_map map;
    fc__spectral *spectral;
};

size_t fc__galerkin_work_size(const fc__galerkin *galerkin, size_t rows); /* doubles */
void fc__galerkin_eval(const fc__galerkin *galerkin, size_t rows, const double *z, double *dz,
                       double *work);
void fc__galerkin_jvp(const fc__galerkin *galerkin, size_t rows, const double *z,
                      const double *z_dot, double *dz_dot, double *work);

/* ---------------------------------------------------------------- identification */

/* Finds the terms and the forcing of an equation from trajectories of the decoder's codes
 * (equation_fit.c); residual: mean squared error of one-interval forecasts over that of
 * persistence. */
fc_status fc__equation_fit(fc_context *context, const fc_decoder *decoder,
                           const fc_trajectories *trajectories, const fc_equation_config *config,
                           uint64_t seed, fc_equation **equation, double *residual);

#endif
