#include "inr/gauss_newton.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_encoding_config fc_encoding_config_default(void)
{
    return (fc_encoding_config){.steps = 20, .tolerance = 1e-3};
}

/* A code and what is known there. */
typedef struct place {
    double *z;
    double cost;
    fc__linearisation at;
} place;

typedef struct search {
    const fc_prior *prior;
    const double *m;
    fc__linearise *linearise;
    void *user;
    place here, there;
    double *whitened, *mean, *sum; /* (C) scratch */
    fc_prior damped;               /* the prior with a smaller factor */
    double *factor;
} search;

static fc_status place_create(fc_context *context, size_t codes, place *p)
{
    fc_status status = FC_OK;
    FC_NEW(context, &p->z, codes);
    FC_NEW(context, &p->at.normal, fc__product(codes, codes));
    FC_NEW(context, &p->at.sum, codes);
done:
    return status;
}

static void place_clear(place *p)
{
    free(p->z);
    free(p->at.normal);
    free(p->at.sum);
}

static void search_clear(search *s)
{
    place_clear(&s->here);
    place_clear(&s->there);
    free(s->whitened);
    free(s->mean);
    free(s->sum);
    free(s->factor);
}

static fc_status search_create(fc_context *context, const fc_prior *prior, search *s)
{
    fc_status status = FC_OK;
    size_t codes = prior->codes;
    FC_TRY(place_create(context, codes, &s->here));
    FC_TRY(place_create(context, codes, &s->there));
    FC_NEW(context, &s->whitened, codes);
    FC_NEW(context, &s->mean, codes);
    FC_NEW(context, &s->sum, codes);
    FC_NEW(context, &s->factor, fc__product(codes, codes));
    s->damped = *prior;
    s->damped.factor = s->factor;
done:
    return status;
}

/* |F^-1 (a - b)|^2 */
static double prior_square(const search *s, const double *a, const double *b)
{
    size_t codes = s->prior->codes;
    double square = 0.0;
    for (size_t i = 0; i < codes; i++)
        s->whitened[i] = a[i] - b[i];
    fc__triangular_solve(false, codes, s->prior->factor, 1, s->whitened);
    for (size_t i = 0; i < codes; i++)
        square += s->whitened[i] * s->whitened[i];
    return square;
}

static fc_status look(fc_context *context, const search *s, place *p)
{
    size_t codes = s->prior->codes;
    p->at.misfit = 0.0;
    memset(p->at.normal, 0, codes * codes * sizeof *p->at.normal);
    memset(p->at.sum, 0, codes * sizeof *p->at.sum);
    fc_status status = s->linearise(s->user, context, p->z, &p->at);
    p->cost = p->at.misfit + prior_square(s, p->z, s->m);
    return status;
}

static fc_status analyse(fc_context *context, search *s, double damping, fc__analysis **analysis)
{
    size_t codes = s->prior->codes;
    fc__analysis_release(*analysis);
    for (size_t i = 0; i < codes * codes; i++)
        s->factor[i] = s->prior->factor[i] / sqrt(1.0 + damping);
    return fc__analysis_primal(context, &s->damped, s->here.at.normal, analysis);
}

/* The next code, and how far the linearised J falls on the way there: for a minimiser of
 * J + lambda |F^-1 d|^2 by d^T (N + (1 + 2 lambda) Sigma^-1) d. */
static fc_status propose(fc_context *context, search *s, double damping, fc__analysis **analysis,
                         double *fall)
{
    fc_status status = FC_OK;
    size_t codes = s->prior->codes;
    const double *z = s->here.z, *next = s->there.z;
    FC_TRY(analyse(context, s, damping, analysis));
    for (size_t i = 0; i < codes; i++)
        s->mean[i] = (s->m[i] + damping * z[i]) / (1.0 + damping);
    memcpy(s->sum, s->here.at.sum, codes * sizeof *s->sum);
    FC_TRY(fc__analysis_solve(context, *analysis, 1, s->mean, s->sum, s->there.z));
    *fall = (1.0 + 2.0 * damping) * prior_square(s, next, z);
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < codes; j++)
            *fall += (next[i] - z[i]) * (*analysis)->normal[i * codes + j] * (next[j] - z[j]);
done:
    return status;
}

static fc_status descend(fc_context *context, search *s, const fc_encoding_config *config,
                         fc__analysis **analysis, fc_encoding_report *report)
{
    const double first_damping = 1e-2, most_damping = 1e8, change = 10.0;
    fc_status status = FC_OK;
    double damping = 0.0, fall;
    while (report->steps + report->rejected < config->steps && damping <= most_damping) {
        FC_TRY(propose(context, s, damping, analysis, &fall));
        if (fall <= config->tolerance * s->here.cost) {
            report->converged = true;
            break;
        }
        FC_TRY(look(context, s, &s->there));
        if (s->there.cost < s->here.cost) { /* false for NaN */
            place old = s->here;
            s->here = s->there;
            s->there = old;
            damping = damping > first_damping ? damping / change : 0.0;
            report->steps++;
        } else {
            damping = damping > 0.0 ? damping * change : first_damping;
            report->rejected++;
        }
    }
    FC_TRY(analyse(context, s, 0.0, analysis));
done:
    return status;
}

fc_status fc__gauss_newton(fc_context *context, const fc_prior *prior, const double *m,
                           const fc_encoding_config *config, fc__linearise *linearise, void *user,
                           double *z, fc__analysis **analysis, fc_encoding_report *report)
{
    fc_status status = FC_OK;
    search s = {.prior = prior, .m = m, .linearise = linearise, .user = user};
    size_t bytes = prior->codes * sizeof *z;
    *analysis = NULL;
    *report = (fc_encoding_report){0};
    FC_TRY(search_create(context, prior, &s));
    memcpy(s.here.z, z, bytes);
    FC_TRY(look(context, &s, &s.here));
    if (!isfinite(s.here.cost)) {
        status =
            fc__fail(context, FC_ERROR_SOLVER,
                     "encoding: the misfit of the observations is %g at the code to start from",
                     s.here.at.misfit);
        goto done;
    }
    FC_TRY(descend(context, &s, config, analysis, report));
    report->cost = s.here.cost;
    memcpy(z, s.here.z, bytes);
done:
    if (status != FC_OK) {
        fc__analysis_release(*analysis);
        *analysis = NULL;
    }
    search_clear(&s);
    return status;
}
