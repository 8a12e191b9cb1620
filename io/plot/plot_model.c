#include "io/plot/plot.h"

#include "inr/support.h"

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

enum { CHARTS_MAX = 3, NAME_SIZE = 160 };

/* What the charts of a model refer to. */
typedef struct model_plot {
    const fc_model *model;
    size_t codes;
    double *number, *variance, *left; /* (codes) */
    double *growth, *frequency;       /* (codes) NaN = the conjugate of another */
    double *lead, *error;             /* (lead_count) */
    double ends[2], floor[2], zero[1];
    char x_label[NAME_SIZE], y_label[NAME_SIZE], lead_label[NAME_SIZE];
    fc_series series[CHARTS_MAX][3];
    fc_chart charts[CHARTS_MAX];
    fc_plot_item items[CHARTS_MAX];
    size_t count;
} model_plot;

static void plot_clear(model_plot *plot)
{
    double *arrays[] = {plot->number,    plot->variance, plot->left, plot->growth,
                        plot->frequency, plot->lead,     plot->error};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; ++i)
        free(arrays[i]);
}

static fc_chart *add_chart(model_plot *plot, const char *title, size_t series_count)
{
    fc_chart *chart = &plot->charts[plot->count];
    *chart = (fc_chart){
        .title = title, .series_count = series_count, .series = plot->series[plot->count]};
    plot->items[plot->count] = (fc_plot_item){.chart = chart};
    ++plot->count;
    return chart;
}

/* ---------------------------------------------------------------- variance */

/* Share of the variance that each code holds, and that is left after it: of what the decoder
 * resolves the trailing codes' part, and all that it does not. */
static fc_status add_variance(fc_context *context, model_plot *plot)
{
    fc_status status;
    size_t codes = plot->codes;
    const double *covariance = plot->model->prior->covariance;
    double total = 0.0, floor = plot->model->floor_mse;
    FC_NEW(context, &plot->number, codes);
    FC_NEW(context, &plot->variance, codes);
    FC_NEW(context, &plot->left, codes);
    floor = floor > 0.0 && floor < 1.0 ? floor : 0.0;
    for (size_t c = 0; c < codes; ++c)
        total += covariance[c * codes + c];
    double rest = total;
    for (size_t c = 0; c < codes; ++c) {
        plot->number[c] = (double)(c + 1);
        plot->variance[c] = (1.0 - floor) * covariance[c * codes + c] / total;
        rest -= covariance[c * codes + c];
        plot->left[c] = (1.0 - floor) * rest / total + floor;
        if (!(plot->left[c] > 1e-12)) /* rounding */
            plot->left[c] = NAN;
    }
    plot->ends[0] = 1.0;
    plot->ends[1] = (double)codes;
    plot->floor[0] = plot->floor[1] = floor;
    fc_series *series = plot->series[plot->count];
    series[0] =
        (fc_series){"of each code", codes, plot->number, plot->variance, NULL, FC_STROKE_SOLID, 0};
    series[1] =
        (fc_series){"left after it", codes, plot->number, plot->left, NULL, FC_STROKE_DASHED, 1};
    series[2] = (fc_series){"unresolved", 2, plot->ends, plot->floor, NULL, FC_STROKE_DOTTED, 6};
    fc_chart *chart = add_chart(plot, "variance", floor > 0.0 ? 3 : 2);
    chart->x = (fc_plot_axis){.label = "code"};
    chart->y = (fc_plot_axis){.label = "share of the variance", .scale = FC_SCALE_LOG};
done:
    return status;
}

/* ---------------------------------------------------------------- rates */

/* Jacobian of the field at the mean state, z = 0, column-major. */
static fc_status form_jacobian(fc_context *context, const fc_field *field, double *jacobian)
{
    fc_status status;
    size_t codes = field->config.codes;
    double *parameters = NULL, *zero = NULL, *unit = NULL, *work = NULL;
    FC_NEW(context, &parameters, field->parameter_count);
    FC_NEW(context, &zero, codes);
    FC_NEW(context, &unit, codes);
    FC_NEW(context, &work, fc_field_work_size(&field->config, 1));
    for (size_t i = 0; i < field->parameter_count; ++i)
        parameters[i] = (double)field->parameters[i];
    for (size_t c = 0; c < codes; ++c) {
        unit[c] = 1.0;
        fc_field_jvp_double(&field->config, parameters, 1, zero, unit, jacobian + c * codes, work);
        unit[c] = 0.0;
    }
done:
    free(parameters);
    free(zero);
    free(unit);
    free(work);
    return status;
}

static fc_status add_rates(fc_context *context, model_plot *plot)
{
    fc_status status;
    const fc_model *model = plot->model;
    size_t codes = plot->codes;
    double *jacobian = NULL;
    char unit[FC_NAME_SIZE];
    FC_NEW(context, &jacobian, fc__product(codes, codes));
    FC_NEW(context, &plot->growth, codes);
    FC_NEW(context, &plot->frequency, codes);
    FC_TRY(form_jacobian(context, model->field, jacobian));
    if (LAPACKE_dgeev(LAPACK_COL_MAJOR, 'N', 'N', (lapack_int)codes, jacobian, (lapack_int)codes,
                      plot->growth, plot->frequency, NULL, 1, NULL, 1) != 0) {
        status = fc__fail(context, FC_ERROR_SOLVER,
                          "model: the eigenvalues of its dynamics cannot be computed");
        goto done;
    }
    double scale = model->time_scale / fc__natural_unit(&model->time, model->time_scale, unit);
    double lowest = 0.0, highest = 0.0; /* zero is always on the axis */
    for (size_t c = 0; c < codes; ++c) {
        plot->growth[c] /= scale;
        lowest = fmin(lowest, plot->growth[c]);
        highest = fmax(highest, plot->growth[c]);
        plot->frequency[c] =
            plot->frequency[c] < 0.0 ? NAN : plot->frequency[c] / (2.0 * pi * scale);
    }
    snprintf(plot->x_label, NAME_SIZE, "growth rate (decay if negative)%s%s", unit[0] ? ", 1/" : "",
             unit);
    snprintf(plot->y_label, NAME_SIZE, "frequency, cycles%s%s",
             unit[0] ? " per " : " per unit of time", unit);
    plot->series[plot->count][0] =
        (fc_series){NULL, codes, plot->growth, plot->frequency, NULL, FC_STROKE_POINTS, 0};
    fc_chart *chart = add_chart(plot, "dynamics at the mean", 1);
    chart->note = "eigenvalues";
    double room = 0.04 * (highest - lowest) + 1e-12;
    chart->x =
        (fc_plot_axis){.label = plot->x_label, .lower = lowest - room, .upper = highest + room};
    chart->y = (fc_plot_axis){.label = plot->y_label};
    chart->divider_count = 1;
    chart->dividers = plot->zero;
done:
    free(jacobian);
    return status;
}

/* ---------------------------------------------------------------- growth of errors */

static fc_status add_growth(fc_context *context, model_plot *plot)
{
    fc_status status;
    const fc_model *model = plot->model;
    size_t codes = plot->codes, leads = model->lead_count;
    char unit[FC_NAME_SIZE];
    double total = 0.0;
    FC_NEW(context, &plot->lead, leads);
    FC_NEW(context, &plot->error, leads);
    double longest = model->lead_time[leads - 1] * model->time_scale;
    double per_unit = fc__natural_unit(&model->time, longest, unit);
    for (size_t c = 0; c < codes; ++c)
        total += model->prior->covariance[c * codes + c];
    for (size_t i = 0; i < leads; ++i) {
        double variance = 0.0;
        for (size_t c = 0; c < codes; ++c)
            variance += model->lead_variance[i * codes + c];
        plot->lead[i] = model->lead_time[i] * model->time_scale / per_unit;
        plot->error[i] = sqrt(variance / total);
    }
    snprintf(plot->lead_label, NAME_SIZE, "lead time%s%s", unit[0] ? ", " : "", unit);
    plot->series[plot->count][0] =
        (fc_series){NULL, leads, plot->lead, plot->error, NULL, FC_STROKE_SOLID, 0};
    fc_chart *chart = add_chart(plot, "error of the codes", 1);
    chart->note = "validation";
    chart->x = (fc_plot_axis){.label = plot->lead_label};
    chart->y = (fc_plot_axis){.label = "RMSE / standard deviation"};
done:
    return status;
}

fc_status fc_plot_model(fc_context *context, const char *path, const fc_model *model)
{
    fc_status status;
    model_plot plot = {.model = model};
    char title[NAME_SIZE];
    if (!model->prior)
        return fc__fail(context, FC_ERROR_DATA,
                        "model: has no codes yet; a picture of it needs a fitted decoder");
    plot.codes = model->prior->codes;
    FC_TRY(add_variance(context, &plot));
    if (model->field)
        FC_TRY(add_rates(context, &plot));
    if (model->lead_count > 1)
        FC_TRY(add_growth(context, &plot));
    snprintf(title, sizeof title, "Model with %zu code%s", plot.codes, plot.codes == 1 ? "" : "s");
    FC_TRY(fc_plot(context, path, title, plot.count, plot.items, plot.count));
done:
    plot_clear(&plot);
    return status;
}
