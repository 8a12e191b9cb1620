#include "io/model/model_file.h"
#include "io/dataset_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- layout */

const char *const fc__filter_names[FC__FILTER_KINDS] = {
    [FC_FILTER_AUTO] = "auto",         [FC_FILTER_INTEGER] = "integer",
    [FC_FILTER_RANDOM] = "random",     [FC_FILTER_TRAINABLE] = "trainable",
    [FC_FILTER_HARMONIC] = "harmonic",
};

const char *const fc__family_names[FC__FAMILIES] = {
    [FC_DECODER_FOURIER] = "fourier",
    [FC_DECODER_SIREN] = "siren",
    [FC_DECODER_MULTIPLICATIVE] = "multiplicative",
};

const fc__state_vector fc__state_vectors[FC__STATE_VECTORS] = {
    {"parameters", offsetof(fc_trainer_state, parameters)},
    {"first_moment", offsetof(fc_trainer_state, first_moment)},
    {"second_moment", offsetof(fc_trainer_state, second_moment)},
    {"average", offsetof(fc_trainer_state, average)},
    {"best", offsetof(fc_trainer_state, best)},
};

/* Removes the parts that are empty. */
static size_t keep_parts(size_t count, const fc__part *all, fc__part *parts)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool empty = false;
        for (size_t k = 0; k < all[i].rank; k++)
            empty = empty || all[i].shape[k] == 0;
        if (!empty)
            parts[kept++] = all[i];
    }
    return kept;
}

size_t fc__decoder_parts(const fc_decoder_config *config, size_t inputs,
                         fc__part parts[FC__MOST_PARTS])
{
    fc_decoder_layout at = fc_decoder_layout_of(config, inputs);
    size_t layers = config->layers, channels = config->channels, codes = config->codes;
    size_t width = at.width, blocks = at.blocks, gates = at.gain > at.gate ? layers : 0;
    fc__part all[] = {
        {"omega", at.omega, 3, {layers + 1, config->filters, inputs}},
        {"a", at.a, 4, {layers + 1, blocks, width, codes}},
        {"b", at.b, 3, {layers + 1, blocks, width}},
        {"w", at.w, 3, {layers, width, width}},
        {"head", at.head, 2, {channels, width}},
        {"bias", at.bias, 1, {channels}},
        {"gate", at.gate, 4, {gates, blocks, width, codes}},
        {"gain", at.gain, 3, {gates, blocks, width}},
    };
    if (config->family == FC_DECODER_SIREN)
        all[0] = (fc__part){"first", at.omega, 2, {width, inputs}};
    return keep_parts(sizeof all / sizeof *all, all, parts);
}

size_t fc__field_parts(const fc_field_config *config, fc__part parts[FC__MOST_PARTS])
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, linear = config->linear ? codes : 0, rank = config->rank;
    size_t hidden = config->hidden;
    const fc__part all[] = {
        {"bias", at.bias, 1, {codes}}, {"a", at.a, 2, {linear, codes}},
        {"v", at.v, 2, {rank, codes}}, {"va", at.va, 1, {rank}},
        {"w", at.w, 2, {rank, codes}}, {"wd", at.wd, 1, {rank}},
        {"u", at.u, 2, {codes, rank}}, {"m1", at.m1, 2, {hidden, codes}},
        {"m1b", at.m1b, 1, {hidden}},  {"m2", at.m2, 2, {codes, hidden}},
    };
    return keep_parts(sizeof all / sizeof *all, all, parts);
}

size_t fc__model_codes(const fc_model *model)
{
    return model->decoder ? model->decoder->config.codes
           : model->prior ? model->prior->codes
           : model->field ? model->field->config.codes
                          : 0;
}

/* ---------------------------------------------------------------- writing */

static fc_status write_axis(fc__h5 *h5, hid_t parent, size_t i, const fc_axis *axis)
{
    fc_status status = FC_OK;
    char name[16];
    hid_t group;
    snprintf(name, sizeof name, "axis_%zu", i);
    FC_TRY(fc__h5_make_group(h5, parent, name, &group));
    FC_TRY(fc__h5_put_text(h5, group, "kind", fc__axis_kind_name(axis->kind)));
    FC_TRY(fc__h5_put_double(h5, group, "lower", axis->lower));
    FC_TRY(fc__h5_put_double(h5, group, "upper", axis->upper));
    FC_TRY(fc__h5_put_text(h5, group, "name", axis->name));
    FC_TRY(fc__h5_put_text(h5, group, "units", axis->units));
done:
    return status;
}

/* Nothing for an array that is not there. */
static fc_status write_vector(fc__h5 *h5, hid_t parent, const char *name, size_t count,
                              const double *values)
{
    if (!values || count == 0)
        return FC_OK;
    return fc__h5_write_array(h5, parent, name, H5T_NATIVE_DOUBLE, 1, &count, values);
}

static fc_status write_matrix(fc__h5 *h5, hid_t parent, const char *name, size_t rows,
                              size_t columns, const double *values)
{
    const size_t shape[2] = {rows, columns};
    if (!values || rows == 0 || columns == 0)
        return FC_OK;
    return fc__h5_write_array(h5, parent, name, H5T_NATIVE_DOUBLE, 2, shape, values);
}

static fc_status write_description(fc__h5 *h5, const fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group, channel;
    FC_TRY(fc__h5_make_group(h5, h5->file, "domain", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "dims", model->domain.dims));
    for (size_t i = 0; i < model->domain.dims; i++)
        FC_TRY(write_axis(h5, group, i, &model->domain.axis[i]));
    FC_TRY(fc__h5_make_group(h5, h5->file, "time", &group));
    FC_TRY(fc__h5_put_text(h5, group, "units", model->time.units));
    FC_TRY(fc__h5_put_text(h5, group, "calendar", model->time.calendar));
    FC_TRY(fc__h5_put_double(h5, group, "cycle", model->time.cycle));
    FC_TRY(fc__h5_make_group(h5, h5->file, "channels", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "count", model->channel_count));
    FC_TRY(write_vector(h5, group, "mean", model->channel_count, model->mean));
    FC_TRY(write_vector(h5, group, "scale", model->channel_count, model->scale));
    FC_TRY(write_vector(h5, group, "noise", model->channel_count, model->noise));
    for (size_t c = 0; c < model->channel_count; c++) {
        char name[32];
        snprintf(name, sizeof name, "channel_%zu", c);
        FC_TRY(fc__h5_make_group(h5, group, name, &channel));
        FC_TRY(fc__h5_put_text(h5, channel, "name", model->channels[c].name));
        FC_TRY(fc__h5_put_text(h5, channel, "units", model->channels[c].units));
        FC_TRY(fc__h5_put_text(h5, channel, "long_name", model->channels[c].long_name));
        H5Gclose(channel);
    }
done:
    return status;
}

static fc_status write_parts(fc__h5 *h5, hid_t group, size_t count, const fc__part *parts,
                             const float *parameters)
{
    fc_status status = FC_OK;
    for (size_t i = 0; i < count; i++)
        FC_TRY(fc__h5_write_array(h5, group, parts[i].name, H5T_NATIVE_FLOAT, parts[i].rank,
                                  parts[i].shape, parameters + parts[i].offset));
done:
    return status;
}

static fc_status write_decoder(fc__h5 *h5, const fc_decoder *decoder)
{
    fc_status status = FC_OK;
    hid_t group;
    fc__part parts[FC__MOST_PARTS];
    const fc_decoder_config *config = &decoder->config;
    FC_TRY(fc__h5_make_group(h5, h5->file, "decoder", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "codes", config->codes));
    FC_TRY(fc__h5_put_uint(h5, group, "channels", config->channels));
    FC_TRY(fc__h5_put_uint(h5, group, "layers", config->layers));
    FC_TRY(fc__h5_put_uint(h5, group, "seed", config->seed));
    if (!fc_decoder_is_affine(config)) /* files of older versions name no family */
        FC_TRY(fc__h5_put_text(h5, group, "family", fc__family_names[config->family]));
    if (config->family == FC_DECODER_SIREN) {
        FC_TRY(fc__h5_put_uint(h5, group, "width", config->width));
        FC_TRY(fc__h5_put_double(h5, group, "omega0", config->omega0));
    } else {
        FC_TRY(fc__h5_put_uint(h5, group, "filters", config->filters));
        FC_TRY(fc__h5_put_text(h5, group, "filter", fc__filter_names[config->filter]));
        FC_TRY(fc__h5_put_double(h5, group, "bandwidth", config->bandwidth));
    }
    size_t count = fc__decoder_parts(config, decoder->inputs, parts);
    FC_TRY(write_parts(h5, group, count, parts, decoder->parameters));
    if (!fc_decoder_is_affine(config))
        FC_TRY(fc__h5_put_uint(h5, group, "start_count", decoder->start_count));
    if (decoder->start_count) {
        const size_t shape[2] = {decoder->start_count, config->codes};
        FC_TRY(
            fc__h5_write_array(h5, group, "starts", H5T_NATIVE_FLOAT, 2, shape, decoder->starts));
    }
done:
    return status;
}

/* Variances alone where the codes are independent; large priors of independent codes are most of a
 * file otherwise. */
static bool is_diagonal(const fc_prior *prior)
{
    for (size_t i = 0; i < prior->codes; i++)
        for (size_t j = 0; j < i; j++)
            if (prior->covariance[i * prior->codes + j] != 0.0)
                return false;
    return true;
}

static fc_status write_variances(fc__h5 *h5, hid_t group, const fc_prior *prior)
{
    fc_status status = FC_OK;
    double *variance = NULL;
    FC_NEW(h5->context, &variance, prior->codes);
    for (size_t i = 0; i < prior->codes; i++)
        variance[i] = prior->covariance[i * (prior->codes + 1)];
    FC_TRY(write_vector(h5, group, "variance", prior->codes, variance));
done:
    free(variance);
    return status;
}

static fc_status write_prior(fc__h5 *h5, const fc_prior *prior, bool compact)
{
    fc_status status = FC_OK;
    hid_t group;
    size_t codes = prior->codes;
    FC_TRY(fc__h5_make_group(h5, h5->file, "prior", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "codes", codes));
    FC_TRY(write_vector(h5, group, "mean", codes, prior->mean));
    if (compact && is_diagonal(prior))
        return write_variances(h5, group, prior);
    FC_TRY(write_matrix(h5, group, "covariance", codes, codes, prior->covariance));
    FC_TRY(write_matrix(h5, group, "factor", codes, codes, prior->factor));
done:
    return status;
}

static fc_status write_field(fc__h5 *h5, const fc_field *field)
{
    fc_status status = FC_OK;
    hid_t group;
    fc__part parts[FC__MOST_PARTS];
    const fc_field_config *config = &field->config;
    FC_TRY(fc__h5_make_group(h5, h5->file, "field", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "codes", config->codes));
    FC_TRY(fc__h5_put_uint(h5, group, "linear", config->linear));
    FC_TRY(fc__h5_put_uint(h5, group, "rank", config->rank));
    FC_TRY(fc__h5_put_uint(h5, group, "hidden", config->hidden));
    size_t count = fc__field_parts(config, parts);
    FC_TRY(write_parts(h5, group, count, parts, field->parameters));
done:
    return status;
}

/* Cycle, error growth and calibration. */
static fc_status write_statistics(fc__h5 *h5, const fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group;
    size_t codes = fc__model_codes(model);
    FC_TRY(fc__h5_make_group(h5, h5->file, "cycle", &group));
    FC_TRY(fc__h5_put_double(h5, group, "period", model->cycle.period));
    FC_TRY(fc__h5_put_uint(h5, group, "harmonics", model->cycle.harmonics));
    FC_TRY(write_matrix(h5, group, "coefficient", 2 * model->cycle.harmonics, codes,
                        model->cycle.coefficient));
    FC_TRY(fc__h5_make_group(h5, h5->file, "leads", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "count", model->lead_count));
    FC_TRY(write_vector(h5, group, "time", model->lead_count, model->lead_time));
    FC_TRY(write_matrix(h5, group, "variance", model->lead_count, codes, model->lead_variance));
    FC_TRY(fc__h5_make_group(h5, h5->file, "calibration", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "count", model->calibration_count));
    FC_TRY(write_vector(h5, group, "values", model->calibration_count, model->calibration_values));
    FC_TRY(write_vector(h5, group, "factor", model->calibration_count, model->calibration_factor));
done:
    return status;
}

/* What a record's forecasts have beside the codes. */
static fc_status write_residual(fc__h5 *h5, const fc_model *model)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    size_t leads = r->lead_count, channels = model->channel_count, codes = fc__model_codes(model);
    const size_t shape[3] = {r->point_count, channels, 1 + 2 * r->harmonics};
    hid_t group;
    if (leads == 0)
        return FC_OK;
    FC_TRY(fc__h5_make_group(h5, h5->file, "residual", &group));
    FC_TRY(fc__h5_put_uint(h5, group, "leads", leads));
    FC_TRY(fc__h5_put_uint(h5, group, "points", r->point_count));
    FC_TRY(fc__h5_put_uint(h5, group, "harmonics", r->harmonics));
    FC_TRY(fc__h5_put_uint(h5, group, "still", r->still));
    FC_TRY(fc__h5_put_uint(h5, group, "modes", r->modes));
    FC_TRY(fc__h5_put_double(h5, group, "ridge", r->ridge));
    FC_TRY(write_vector(h5, group, "lead", leads, r->lead));
    FC_TRY(write_vector(h5, group, "departure", leads, r->departure));
    FC_TRY(write_vector(h5, group, "persistence", leads, r->persistence));
    FC_TRY(write_matrix(h5, group, "decay", leads, channels, r->decay));
    FC_TRY(write_matrix(h5, group, "error", leads, channels, r->error));
    FC_TRY(write_vector(h5, group, "variance", channels, r->variance));
    FC_TRY(write_vector(h5, group, "length", channels, r->length));
    FC_TRY(write_vector(h5, group, "nugget", channels, r->nugget));
    FC_TRY(write_matrix(h5, group, "baseline", codes, codes, r->baseline));
    FC_TRY(
        write_matrix(h5, group, "coordinates", r->point_count, model->domain.dims, r->coordinates));
    if (r->point_count)
        FC_TRY(fc__h5_write_array(h5, group, "climate", H5T_NATIVE_FLOAT, 3, shape, r->climate));
done:
    return status;
}

static fc_status write_state(fc__h5 *h5, const fc_training_state *state)
{
    fc_status status = FC_OK;
    hid_t group;
    const fc_trainer_state *trainer = &state->trainer;
    FC_TRY(fc__h5_make_group(h5, h5->file, "training", &group));
    FC_TRY(fc__h5_put_double(h5, group, "seconds", state->seconds));
    FC_TRY(fc__h5_put_uint(h5, group, "update", trainer->update));
    FC_TRY(fc__h5_put(h5, group, "updates", H5T_NATIVE_UINT64, 4, trainer->updates));
    FC_TRY(fc__h5_put_uint(h5, group, "best_update", trainer->best_update));
    FC_TRY(fc__h5_put_double(h5, group, "best_loss", trainer->best_loss));
    FC_TRY(fc__h5_put_double(h5, group, "gradient_norm", trainer->gradient_norm));
    FC_TRY(fc__h5_put_uint(h5, group, "parameter_count", trainer->parameter_count));
    for (size_t i = 0; trainer->parameter_count && i < FC__STATE_VECTORS; i++) {
        const float *values;
        memcpy(&values, (const char *)trainer + fc__state_vectors[i].offset, sizeof values);
        if (values)
            FC_TRY(fc__h5_write_array(h5, group, fc__state_vectors[i].name, H5T_NATIVE_FLOAT, 1,
                                      &trainer->parameter_count, values));
    }
done:
    return status;
}

static fc_status write_root(fc__h5 *h5, const fc_model *model)
{
    fc_status status = FC_OK;
    int version = model->field && model->field->equation ? FC__MODEL_VERSION
                  : model->residual.lead_count           ? 2
                                                         : 1;
    hid_t file = h5->file;
    FC_TRY(fc__h5_put_text(h5, file, "fieldcast_format", "model"));
    FC_TRY(fc__h5_put(h5, file, "fieldcast_format_version", H5T_NATIVE_INT, 1, &version));
    FC_TRY(fc__h5_put_text(h5, file, "fieldcast_version", fc_version()));
    FC_TRY(fc__h5_put_double(h5, file, "time_origin", model->time_origin));
    FC_TRY(fc__h5_put_double(h5, file, "time_scale", model->time_scale));
    FC_TRY(fc__h5_put_uint(h5, file, "train_frames", model->train_frames));
    FC_TRY(fc__h5_put_double(h5, file, "horizon", model->horizon));
    FC_TRY(fc__h5_put_uint(h5, file, "record", model->record));
    FC_TRY(fc__h5_put_double(h5, file, "floor_mse", model->floor_mse));
    if (model->configuration)
        FC_TRY(fc__h5_write_text(h5, file, "configuration", model->configuration));
    if (model->provenance)
        FC_TRY(fc__h5_write_text(h5, file, "provenance", model->provenance));
done:
    return status;
}

fc_status fc_model_write(fc_context *context, const char *path, const fc_model *model,
                         const fc_training_state *state)
{
    fc_status status = FC_OK;
    fc__h5 h5;
    FC_TRY(fc__h5_create(context, path, &h5));
    FC_TRY(write_root(&h5, model));
    FC_TRY(write_description(&h5, model));
    if (model->decoder)
        FC_TRY(write_decoder(&h5, model->decoder));
    if (model->prior)
        FC_TRY(write_prior(&h5, model->prior, model->field && model->field->equation));
    if (model->field)
        FC_TRY(write_field(&h5, model->field));
    if (model->field && model->field->equation)
        FC_TRY(fc__write_equation(&h5, model->field->equation));
    FC_TRY(write_statistics(&h5, model));
    FC_TRY(write_residual(&h5, model));
    if (state)
        FC_TRY(write_state(&h5, state));
    FC_TRY(fc__h5_commit(&h5));
done:
    fc__h5_close(&h5);
    return status;
}
