/* Equations in model files: the group `equation` with
 *
 *   terms         (terms, 8) int32: channel, factors, then channel, order, angle of each factor
 *   coefficients  (terms) double
 *   forcing       (channels, waves, 2) double
 *
 * in the waves of the decoder. */
#include "io/model/model_file.h"
#include "ode/equation.h"

#include <math.h>
#include <stdlib.h>

enum { COLUMNS = 8, MOST_TERMS = 100000, LARGEST_ORDER = 16 };

static void pack(const fc_term *term, int row[COLUMNS])
{
    row[0] = (int)term->channel;
    row[1] = (int)term->factors;
    for (size_t i = 0; i < 2; i++) {
        row[2 + 3 * i] = (int)term->factor[i].channel;
        row[3 + 3 * i] = term->factor[i].order;
        row[4 + 3 * i] = (int)term->factor[i].angle;
    }
}

/* false when the row describes no term */
static bool unpack(const int row[COLUMNS], size_t channels, fc_term *term)
{
    bool good = row[0] >= 0 && (size_t)row[0] < channels && (row[1] == 1 || row[1] == 2);
    term->channel = (size_t)row[0];
    term->factors = (size_t)row[1];
    for (size_t i = 0; i < 2; i++) {
        const int *part = row + 2 + 3 * i;
        good = good && part[0] >= 0 && (size_t)part[0] < channels &&
               abs(part[1]) <= LARGEST_ORDER && part[2] >= FC_ANGLE_ONE && part[2] <= FC_ANGLE_SIN;
        term->factor[i] =
            (fc_symbol){.channel = (size_t)part[0], .order = part[1], .angle = (fc_angle)part[2]};
    }
    return good;
}

fc_status fc__write_equation(fc__h5 *h5, const fc_equation *e)
{
    fc_status status = FC_OK;
    const size_t shape[2] = {e->term_count, COLUMNS}, forcing[3] = {e->channels, e->wave_count, 2};
    int *rows = NULL;
    double *coefficients = NULL;
    hid_t group;
    FC_NEW(h5->context, &rows, fc__product(e->term_count, COLUMNS));
    FC_NEW(h5->context, &coefficients, e->term_count);
    for (size_t t = 0; t < e->term_count; t++) {
        pack(&e->terms[t], rows + t * COLUMNS);
        coefficients[t] = e->terms[t].coefficient;
    }
    FC_TRY(fc__h5_make_group(h5, h5->file, "equation", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "terms", e->term_count));
    FC_TRY(fc__h5_write_array(h5, group, "forcing", H5T_NATIVE_DOUBLE, 3, forcing, e->forcing));
    if (e->term_count == 0)
        goto done;
    FC_TRY(fc__h5_write_array(h5, group, "terms", H5T_NATIVE_INT, 2, shape, rows));
    FC_TRY(
        fc__h5_write_array(h5, group, "coefficients", H5T_NATIVE_DOUBLE, 1, shape, coefficients));
done:
    free(rows);
    free(coefficients);
    return status;
}

static fc_status damaged(fc__h5 *h5, const char *what)
{
    return fc__fail(h5->context, FC_ERROR_DATA, "%s: damaged model: equation: %s", h5->path, what);
}

static fc_status read_terms(fc__h5 *h5, hid_t group, size_t count, fc_equation *e)
{
    fc_status status = FC_OK;
    const size_t shape[2] = {count, COLUMNS};
    int *rows = NULL;
    double *coefficients = NULL;
    if (count == 0)
        return FC_OK;
    FC_TRY(fc__h5_load_array(h5, group, "terms", H5T_NATIVE_INT, 2, shape, &rows));
    FC_TRY(
        fc__h5_load_array(h5, group, "coefficients", H5T_NATIVE_DOUBLE, 1, shape, &coefficients));
    if (!rows || !coefficients)
        FC_TRY(damaged(h5, "terms or coefficients are missing"));
    FC_NEW(h5->context, &e->terms, count);
    e->term_count = count;
    for (size_t t = 0; t < count; t++) {
        if (!unpack(rows + t * COLUMNS, e->channels, &e->terms[t]))
            FC_TRY(damaged(h5, "a row of terms describes none"));
        if (!isfinite(coefficients[t]))
            FC_TRY(damaged(h5, "a coefficient is not finite"));
        e->terms[t].coefficient = coefficients[t];
    }
done:
    free(rows);
    free(coefficients);
    return status;
}

fc_status fc__read_equation(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    fc_equation *e = NULL;
    uint64_t count;
    hid_t group;
    FC_TRY(fc__h5_find_group(h5, h5->file, "equation", &group));
    if (group < 0)
        goto done;
    if (!model->decoder || !model->field || !fc__equation_suits(model->decoder))
        FC_TRY(damaged(h5, "the decoder is no series that an equation can be written in"));
    if (!fc__h5_get(group, "terms", H5T_NATIVE_UINT64, 1, &count) || count > MOST_TERMS)
        FC_TRY(damaged(h5, "its number of terms is missing or too large"));
    FC_TRY(fc__equation_create(h5->context, model->decoder, &e));
    FC_TRY(read_terms(h5, group, (size_t)count, e));
    const size_t shape[3] = {e->channels, e->wave_count, 2};
    FC_TRY(fc__h5_read_array(h5, group, "forcing", H5T_NATIVE_DOUBLE, 3, shape, e->forcing));
    for (size_t i = 0; i < 2 * e->channels * e->wave_count; i++)
        if (!isfinite(e->forcing[i]))
            FC_TRY(damaged(h5, "the forcing is not finite"));
    FC_TRY(fc_field_set_equation(h5->context, model->field, model->decoder, e));
    e = NULL;
done:
    fc_equation_destroy(e);
    return status;
}
