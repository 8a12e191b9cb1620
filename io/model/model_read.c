/* Reads what model_file.h describes. Every size is checked against the others and against what the
 * file can hold before anything is allocated for it, and every number that is computed with must be
 * finite. */
#include "inr/bent.h"
#include "io/dataset_file.h"
#include "io/model/model_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CODES = 1 << 16, MOST_FILTERS = 1 << 20, MOST_LAYERS = 16, MOST_CHANNELS = 4096 };
enum { MOST_HARMONICS = 16, MOST_ENTRIES = 1 << 24, MOST_RANK = 1 << 24 };

static bool increases(size_t count, const double *values)
{
    for (size_t i = 1; i < count; i++)
        if (values[i] <= values[i - 1])
            return false;
    return true;
}

/* ---------------------------------------------------------------- description */

static fc_status read_axis(fc__h5 *h5, hid_t parent, size_t i, fc_axis *axis)
{
    fc_status status = FC_OK;
    char name[32], kind[FC_NAME_SIZE];
    hid_t group;
    snprintf(name, sizeof name, "axis_%zu", i);
    FC_TRY(fc__model_open_group(h5, parent, name, &group));
    FC_TRY(fc__model_get_text(h5, group, name, "kind", kind));
    FC_TRY(fc__model_get_text(h5, group, name, "name", axis->name));
    FC_TRY(fc__model_get_text(h5, group, name, "units", axis->units));
    FC_TRY(fc__model_get_double(h5, group, name, "lower", &axis->lower));
    FC_TRY(fc__model_get_double(h5, group, name, "upper", &axis->upper));
    if (!fc__axis_kind_parse(kind, &axis->kind))
        status = fc__model_damaged(h5, name, "its kind is not known");
done:
    return status;
}

static fc_status read_domain(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group;
    FC_TRY(fc__model_open_group(h5, h5->file, "domain", &group));
    FC_TRY(fc__model_get_size(h5, group, "domain", "dims", 1, FC_MAX_DIMS, &model->domain.dims));
    for (size_t i = 0; i < model->domain.dims; i++)
        FC_TRY(read_axis(h5, group, i, &model->domain.axis[i]));
    if (fc_domain_validate(h5->context, &model->domain) != FC_OK)
        status = fc__model_damaged(h5, "domain", fc_context_message(h5->context));
done:
    return status;
}

static fc_status read_channels(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group, channel;
    size_t count;
    FC_TRY(fc__model_open_group(h5, h5->file, "channels", &group));
    FC_TRY(fc__model_get_size(h5, group, "channels", "count", 1, MOST_CHANNELS, &count));
    FC_NEW(h5->context, &model->channels, count);
    model->channel_count = count;
    FC_TRY(
        fc__model_load_doubles(h5, group, "channels", "mean", count, 0, -INFINITY, &model->mean));
    FC_TRY(fc__model_load_doubles(h5, group, "channels", "scale", count, 0, 0.0, &model->scale));
    FC_TRY(fc__model_load_doubles(h5, group, "channels", "noise", count, 0, 0.0, &model->noise));
    for (size_t c = 0; c < count; c++) {
        char name[32];
        snprintf(name, sizeof name, "channel_%zu", c);
        if (model->scale && !(model->scale[c] > 0.0))
            FC_TRY(fc__model_damaged(h5, "channels", "a scale is zero"));
        FC_TRY(fc__model_open_group(h5, group, name, &channel));
        FC_TRY(fc__model_get_text(h5, channel, name, "name", model->channels[c].name));
        FC_TRY(fc__model_get_text(h5, channel, name, "units", model->channels[c].units));
        FC_TRY(fc__model_get_text(h5, channel, name, "long_name", model->channels[c].long_name));
        H5Gclose(channel);
    }
done:
    return status;
}

static fc_status read_root(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t file = h5->file, group;
    size_t record;
    FC_TRY(fc__model_get_double(h5, file, "root", "time_origin", &model->time_origin));
    FC_TRY(fc__model_get_double(h5, file, "root", "time_scale", &model->time_scale));
    FC_TRY(fc__model_get_size(h5, file, "root", "train_frames", 0, SIZE_MAX, &model->train_frames));
    FC_TRY(fc__model_get_double(h5, file, "root", "horizon", &model->horizon));
    FC_TRY(fc__model_get_size(h5, file, "root", "record", 0, 1, &record));
    FC_TRY(fc__model_get_double(h5, file, "root", "floor_mse", &model->floor_mse));
    model->record = record != 0;
    FC_TRY(fc__model_open_group(h5, file, "time", &group));
    FC_TRY(fc__model_get_text(h5, group, "time", "units", model->time.units));
    FC_TRY(fc__model_get_text(h5, group, "time", "calendar", model->time.calendar));
    FC_TRY(fc__model_get_double(h5, group, "time", "cycle", &model->time.cycle));
    FC_TRY(fc__h5_read_text(h5, file, "configuration", &model->configuration));
    FC_TRY(fc__h5_read_text(h5, file, "provenance", &model->provenance));
done:
    return status;
}

/* ---------------------------------------------------------------- networks */

/* FC_ERROR_DATA unless the file holds all parts in these shapes: only then is anything allocated.
 */
static fc_status check_parts(fc__h5 *h5, hid_t group, const char *name, size_t count,
                             const fc__part *parts)
{
    fc_status status = FC_OK;
    for (size_t i = 0; i < count; i++) {
        size_t rank = 0, shape[FC__MAX_RANK] = {0};
        hid_t dataset = fc__h5_holds(group, parts[i].name)
                            ? H5Dopen2(group, parts[i].name, H5P_DEFAULT)
                            : H5I_INVALID_HID;
        if (dataset < 0)
            return fc__fail(h5->context, FC_ERROR_DATA, "%s: damaged model: %s: %s is missing",
                            h5->path, name, parts[i].name);
        FC_TRY(fc__h5_inspect(h5, dataset, parts[i].name, &rank, shape));
        H5Dclose(dataset);
        if (rank != parts[i].rank || memcmp(shape, parts[i].shape, rank * sizeof *shape) != 0)
            return fc__fail(h5->context, FC_ERROR_DATA,
                            "%s: damaged model: %s: the shape of %s does not fit the configuration",
                            h5->path, name, parts[i].name);
    }
done:
    return status;
}

static fc_status read_parts(fc__h5 *h5, hid_t group, const char *name, size_t count,
                            const fc__part *parts, float *parameters)
{
    fc_status status = FC_OK;
    for (size_t i = 0; i < count; i++) {
        float *values = parameters + parts[i].offset;
        size_t size = 1;
        FC_TRY(fc__h5_read_array(h5, group, parts[i].name, H5T_NATIVE_FLOAT, parts[i].rank,
                                 parts[i].shape, values));
        for (size_t k = 0; k < parts[i].rank; k++)
            size *= parts[i].shape[k];
        for (size_t k = 0; k < size; k++)
            if (!isfinite(values[k]))
                return fc__fail(h5->context, FC_ERROR_DATA,
                                "%s: damaged model: %s: %s holds the number %g", h5->path, name,
                                parts[i].name, (double)values[k]);
    }
done:
    return status;
}

/* Place of a word in a list; a file with another word is damaged. */
static fc_status find_word(fc__h5 *h5, hid_t group, const char *name, size_t count,
                           const char *const *words, size_t *place)
{
    fc_status status = FC_OK;
    char word[FC_NAME_SIZE];
    FC_TRY(fc__model_get_text(h5, group, "decoder", name, word));
    for (*place = 0; *place < count; ++*place)
        if (strcmp(word, words[*place]) == 0)
            return FC_OK;
    status = fc__model_damaged(h5, "decoder", "its kind of decoder or filter is not known");
done:
    return status;
}

/* What only one of the families has. */
static fc_status read_family(fc__h5 *h5, hid_t group, fc_decoder_config *config)
{
    fc_status status = FC_OK;
    size_t family = FC_DECODER_FOURIER, kind;
    if (fc__h5_has(group, "family"))
        FC_TRY(find_word(h5, group, "family", FC__FAMILIES, fc__family_names, &family));
    config->family = (fc_decoder_family)family;
    if (config->family == FC_DECODER_SIREN) {
        FC_TRY(fc__model_get_size(h5, group, "decoder", "width", 1, MOST_FILTERS, &config->width));
        FC_TRY(fc__model_get_double(h5, group, "decoder", "omega0", &config->omega0));
    } else {
        FC_TRY(
            fc__model_get_size(h5, group, "decoder", "filters", 1, MOST_FILTERS, &config->filters));
        FC_TRY(find_word(h5, group, "filter", FC__FILTER_KINDS, fc__filter_names, &kind));
        FC_TRY(fc__model_get_double(h5, group, "decoder", "bandwidth", &config->bandwidth));
        config->filter = (fc_filter_kind)kind;
    }
done:
    return status;
}

/* Codes that encoding may start from. */
static fc_status read_starts(fc__h5 *h5, hid_t group, fc_decoder *decoder)
{
    enum { MOST_STARTS = 65536 };
    fc_status status = FC_OK;
    size_t count;
    float *starts = NULL;
    if (fc_decoder_is_affine(&decoder->config))
        return FC_OK;
    FC_TRY(fc__model_get_size(h5, group, "decoder", "start_count", 0, MOST_STARTS, &count));
    const fc__part part = {"starts", 0, 2, {count, decoder->config.codes}};
    FC_NEW(h5->context, &starts, fc__product(count, decoder->config.codes));
    if (count) {
        FC_TRY(check_parts(h5, group, "decoder", 1, &part));
        FC_TRY(read_parts(h5, group, "decoder", 1, &part, starts));
    }
    FC_TRY(fc__decoder_set_starts(h5->context, decoder, count, starts));
done:
    free(starts);
    return status;
}

static fc_status read_decoder(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group;
    fc__part parts[FC__MOST_PARTS];
    fc_decoder_config config = {0};
    size_t channels = model->channel_count;
    FC_TRY(fc__h5_find_group(h5, h5->file, "decoder", &group));
    if (group < 0)
        goto done;
    FC_TRY(fc__model_get_size(h5, group, "decoder", "codes", 1, MOST_CODES, &config.codes));
    FC_TRY(
        fc__model_get_size(h5, group, "decoder", "channels", channels, channels, &config.channels));
    FC_TRY(fc__model_get_size(h5, group, "decoder", "layers", 0, MOST_LAYERS, &config.layers));
    FC_TRY(fc__model_get_uint(h5, group, "decoder", "seed", &config.seed));
    FC_TRY(read_family(h5, group, &config));
    size_t count = fc__decoder_parts(&config, fc_decoder_inputs(&config, &model->domain), parts);
    FC_TRY(check_parts(h5, group, "decoder", count, parts));
    status = fc_decoder_create(h5->context, &model->domain, &config, &model->decoder);
    if (status != FC_OK) {
        status = fc__model_refused(h5, status);
        goto done;
    }
    FC_TRY(read_parts(h5, group, "decoder", count, parts, model->decoder->parameters));
    FC_TRY(read_starts(h5, group, model->decoder));
done:
    return status;
}

/* Of independent codes. */
static fc_status spread_variances(fc__h5 *h5, fc_prior *prior, const double *variance)
{
    fc_status status = FC_OK;
    size_t codes = prior->codes;
    FC_NEW(h5->context, &prior->covariance, fc__product(codes, codes));
    FC_NEW(h5->context, &prior->factor, fc__product(codes, codes));
    for (size_t i = 0; i < codes; i++) {
        prior->covariance[i * (codes + 1)] = variance[i];
        prior->factor[i * (codes + 1)] = sqrt(variance[i]);
    }
done:
    return status;
}

static fc_status read_prior(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group;
    double *variance = NULL;
    size_t codes, expected = fc__model_codes(model);
    FC_TRY(fc__h5_find_group(h5, h5->file, "prior", &group));
    if (group < 0)
        goto done;
    FC_TRY(fc__model_get_size(h5, group, "prior", "codes", expected ? expected : 1,
                              expected ? expected : MOST_CODES, &codes));
    FC_NEW(h5->context, &model->prior, 1);
    model->prior->codes = codes;
    FC_TRY(fc__model_need_doubles(h5, group, "prior", "mean", codes, 0, -INFINITY,
                                  &model->prior->mean));
    FC_TRY(fc__model_load_doubles(h5, group, "prior", "variance", codes, 0, 0.0, &variance));
    if (variance) {
        FC_TRY(spread_variances(h5, model->prior, variance));
    } else {
        FC_TRY(fc__model_need_doubles(h5, group, "prior", "covariance", codes, codes, -INFINITY,
                                      &model->prior->covariance));
        FC_TRY(fc__model_need_doubles(h5, group, "prior", "factor", codes, codes, -INFINITY,
                                      &model->prior->factor));
    }
    for (size_t i = 0; i < codes; i++)
        if (!(model->prior->factor[i * codes + i] > 0.0))
            FC_TRY(fc__model_damaged(h5, "prior", "the diagonal of its factor is not positive"));
done:
    free(variance);
    return status;
}

static fc_status read_field(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group;
    fc__part parts[FC__MOST_PARTS];
    fc_field_config config = {0};
    size_t linear, expected = fc__model_codes(model);
    FC_TRY(fc__h5_find_group(h5, h5->file, "field", &group));
    if (group < 0)
        goto done;
    FC_TRY(fc__model_get_size(h5, group, "field", "codes", expected ? expected : 1,
                              expected ? expected : MOST_CODES, &config.codes));
    FC_TRY(fc__model_get_size(h5, group, "field", "linear", 0, 1, &linear));
    FC_TRY(fc__model_get_size(h5, group, "field", "rank", 0, MOST_RANK, &config.rank));
    FC_TRY(fc__model_get_size(h5, group, "field", "hidden", 0, MOST_RANK, &config.hidden));
    config.linear = linear != 0;
    size_t count = fc__field_parts(&config, parts);
    FC_TRY(check_parts(h5, group, "field", count, parts));
    status = fc_field_create(h5->context, &config, 0, &model->field);
    if (status != FC_OK) {
        status = fc__model_refused(h5, status);
        goto done;
    }
    FC_TRY(read_parts(h5, group, "field", count, parts, model->field->parameters));
done:
    return status;
}

/* ---------------------------------------------------------------- statistics */

static fc_status read_cycle(fc__h5 *h5, fc_model *model, size_t codes)
{
    fc_status status = FC_OK;
    hid_t group;
    fc_cycle *cycle = &model->cycle;
    FC_TRY(fc__model_open_group(h5, h5->file, "cycle", &group));
    FC_TRY(fc__model_get_double(h5, group, "cycle", "period", &cycle->period));
    FC_TRY(
        fc__model_get_size(h5, group, "cycle", "harmonics", 0, MOST_HARMONICS, &cycle->harmonics));
    if (cycle->harmonics == 0)
        goto done;
    if (!isfinite(cycle->period) || cycle->period <= 0.0)
        FC_TRY(fc__model_damaged(h5, "cycle", "its period is not positive"));
    FC_TRY(fc__model_need_doubles(h5, group, "cycle", "coefficient", 2 * cycle->harmonics, codes,
                                  -INFINITY, &cycle->coefficient));
done:
    return status;
}

static fc_status read_leads(fc__h5 *h5, fc_model *model, size_t codes)
{
    fc_status status = FC_OK;
    hid_t group;
    size_t count;
    FC_TRY(fc__model_open_group(h5, h5->file, "leads", &group));
    FC_TRY(fc__model_get_size(h5, group, "leads", "count", 0, MOST_ENTRIES, &count));
    if (count == 0)
        goto done;
    FC_TRY(fc__model_need_doubles(h5, group, "leads", "time", count, 0, 0.0, &model->lead_time));
    FC_TRY(fc__model_need_doubles(h5, group, "leads", "variance", count, codes, 0.0,
                                  &model->lead_variance));
    if (model->lead_time[0] != 0.0 || !increases(count, model->lead_time))
        FC_TRY(fc__model_damaged(h5, "leads", "the times do not increase from 0"));
    model->lead_count = count;
done:
    return status;
}

static fc_status read_calibration(fc__h5 *h5, fc_model *model)
{
    fc_status status = FC_OK;
    hid_t group;
    size_t count;
    FC_TRY(fc__model_open_group(h5, h5->file, "calibration", &group));
    FC_TRY(fc__model_get_size(h5, group, "calibration", "count", 0, MOST_ENTRIES, &count));
    if (count == 0)
        goto done;
    FC_TRY(fc__model_need_doubles(h5, group, "calibration", "values", count, 0, 0.0,
                                  &model->calibration_values));
    FC_TRY(fc__model_need_doubles(h5, group, "calibration", "factor", count, 0, 0.0,
                                  &model->calibration_factor));
    if (!increases(count, model->calibration_values))
        FC_TRY(fc__model_damaged(h5, "calibration", "the numbers of values do not increase"));
    model->calibration_count = count;
done:
    return status;
}

/* ---------------------------------------------------------------- residual of records */

/* Factors by lead, and the correlation. */
static fc_status read_factors(fc__h5 *h5, hid_t group, const fc_model *model, fc_residual *r)
{
    fc_status status = FC_OK;
    const char *name = "residual";
    size_t leads = r->lead_count, channels = model->channel_count;
    FC_TRY(fc__model_need_doubles(h5, group, name, "lead", leads, 0, 0.0, &r->lead));
    FC_TRY(fc__model_need_doubles(h5, group, name, "departure", leads, 0, 0.0, &r->departure));
    FC_TRY(fc__model_need_doubles(h5, group, name, "persistence", leads, 0, 0.0, &r->persistence));
    FC_TRY(fc__model_need_doubles(h5, group, name, "decay", leads, channels, 0.0, &r->decay));
    FC_TRY(fc__model_need_doubles(h5, group, name, "error", leads, channels, 0.0, &r->error));
    FC_TRY(fc__model_need_doubles(h5, group, name, "variance", channels, 0, 0.0, &r->variance));
    FC_TRY(fc__model_need_doubles(h5, group, name, "length", channels, 0, 0.0, &r->length));
    FC_TRY(fc__model_need_doubles(h5, group, name, "nugget", channels, 0, 0.0, &r->nugget));
    if (r->lead[0] != 0.0 || !increases(leads, r->lead))
        FC_TRY(fc__model_damaged(h5, name, "the leads do not increase from 0"));
    for (size_t i = 0; i < leads * channels; i++)
        if (r->decay[i] > 1.0 || r->departure[i / channels] > 1.0 ||
            r->persistence[i / channels] > 1.0)
            FC_TRY(fc__model_damaged(h5, name, "a factor is greater than 1"));
    for (size_t c = 0; c < channels; c++)
        if (!(r->length[c] > 0.0) || r->nugget[c] > 1.0)
            FC_TRY(fc__model_damaged(h5, name, "a length is zero or a nugget greater than 1"));
done:
    return status;
}

/* Points and the climatology there, in which NaN stands for what is not known. */
static fc_status read_climate(fc__h5 *h5, hid_t group, const fc_model *model, fc_residual *r)
{
    fc_status status = FC_OK;
    size_t channels = model->channel_count, columns = 1 + 2 * r->harmonics, points;
    FC_TRY(fc__model_get_size(h5, group, "residual", "points", 0, MOST_ENTRIES, &points));
    if (points == 0)
        goto done;
    const size_t shape[3] = {points, channels, columns};
    FC_TRY(fc__model_need_doubles(h5, group, "residual", "coordinates", points, model->domain.dims,
                                  -INFINITY, &r->coordinates));
    FC_TRY(fc__h5_load_array(h5, group, "climate", H5T_NATIVE_FLOAT, 3, shape, &r->climate));
    if (!r->climate)
        FC_TRY(fc__model_damaged(h5, "residual", "climate is missing"));
    for (size_t i = 0; i < points * channels * columns; i++)
        if (isinf(r->climate[i]))
            FC_TRY(fc__model_damaged(h5, "residual", "climate holds an infinite number"));
    r->point_count = points;
done:
    return status;
}

static fc_status read_residual(fc__h5 *h5, fc_model *model, size_t codes)
{
    fc_status status = FC_OK;
    hid_t group;
    fc_residual *r = &model->residual;
    size_t still;
    FC_TRY(fc__h5_find_group(h5, h5->file, "residual", &group));
    if (group < 0)
        goto done;
    FC_TRY(fc__model_get_size(h5, group, "residual", "leads", 2, MOST_ENTRIES, &r->lead_count));
    FC_TRY(fc__model_get_size(h5, group, "residual", "harmonics", 0, model->cycle.harmonics,
                              &r->harmonics));
    FC_TRY(fc__model_get_size(h5, group, "residual", "still", 0, 1, &still));
    FC_TRY(fc__model_get_size(h5, group, "residual", "modes", 0, codes, &r->modes));
    FC_TRY(fc__model_get_double(h5, group, "residual", "ridge", &r->ridge));
    r->still = still != 0;
    if (!isfinite(r->ridge) || r->ridge < 0.0)
        FC_TRY(fc__model_damaged(h5, "residual", "its ridge is no usable number"));
    FC_TRY(fc__model_load_doubles(h5, group, "residual", "baseline", codes, codes, -INFINITY,
                                  &r->baseline));
    FC_TRY(read_factors(h5, group, model, r));
    FC_TRY(read_climate(h5, group, model, r));
done:
    return status;
}

/* ---------------------------------------------------------------- training state */

static fc_status read_state(fc__h5 *h5, hid_t group, fc_training_state *state)
{
    fc_status status = FC_OK;
    fc_trainer_state *trainer = &state->trainer;
    size_t most = (size_t)h5->file_size / sizeof(float);
    FC_TRY(fc__model_get_double(h5, group, "training", "seconds", &state->seconds));
    FC_TRY(fc__model_get_uint(h5, group, "training", "update", &trainer->update));
    FC_TRY(fc__model_get_uint(h5, group, "training", "best_update", &trainer->best_update));
    FC_TRY(fc__model_get_double(h5, group, "training", "best_loss", &trainer->best_loss));
    FC_TRY(fc__model_get_double(h5, group, "training", "gradient_norm", &trainer->gradient_norm));
    FC_TRY(fc__model_get_size(h5, group, "training", "parameter_count", 0, most,
                              &trainer->parameter_count));
    if (!fc__h5_get(group, "updates", H5T_NATIVE_UINT64, 4, trainer->updates))
        FC_TRY(
            fc__model_damaged(h5, "training", "attribute updates is missing or no four numbers"));
    for (size_t i = 0; trainer->parameter_count && i < FC__STATE_VECTORS; i++)
        FC_TRY(fc__h5_load_array(h5, group, fc__state_vectors[i].name, H5T_NATIVE_FLOAT, 1,
                                 &trainer->parameter_count,
                                 (char *)trainer + fc__state_vectors[i].offset));
    if (trainer->parameter_count && !trainer->parameters)
        status = fc__model_damaged(h5, "training", "parameters is missing");
done:
    return status;
}

void fc_training_state_clear(fc_training_state *state)
{
    if (!state)
        return;
    free(state->trainer.parameters);
    free(state->trainer.first_moment);
    free(state->trainer.second_moment);
    free(state->trainer.average);
    free(state->trainer.best);
    *state = (fc_training_state){0};
}

/* ---------------------------------------------------------------- the whole */

/* FC_ERROR_DATA naming what the file is instead. */
static fc_status check_format(fc__h5 *h5)
{
    char format[FC_NAME_SIZE] = "";
    fc__h5_get_text(h5->file, "fieldcast_format", format, sizeof format);
    if (strcmp(format, "model") == 0)
        return fc__h5_check_version(h5, "model", FC__MODEL_VERSION);
    if (format[0])
        return fc__fail(h5->context, FC_ERROR_DATA, "%s: is a %s, not a model", h5->path, format);
    return fc__fail(h5->context, FC_ERROR_DATA,
                    "%s: is an HDF5 file, but not a model written by fieldcast", h5->path);
}

/* What is neither finished nor can be gone on with is of no use. */
static fc_status check_complete(fc__h5 *h5, const fc_model *model, bool has_state)
{
    const char *missing = !model->mean || !model->scale ? "normalisation"
                          : !model->decoder             ? "decoder"
                          : !model->prior               ? "prior"
                          : !model->noise               ? "noise"
                          : !model->field               ? "vector field"
                                                        : NULL;
    if (missing && !has_state)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: unfinished model: it has no %s, and no training state to go on from",
                        h5->path, missing);
    if (!isfinite(model->time_origin) || !isfinite(model->time_scale) || model->time_scale < 0.0 ||
        (!missing && model->time_scale == 0.0))
        return fc__model_damaged(h5, "root", "time_origin or time_scale is no usable number");
    return FC_OK;
}

fc_status fc_model_read(fc_context *context, const char *path, fc_model **model,
                        fc_training_state *state, bool *has_state)
{
    fc_status status = FC_OK;
    fc__h5 h5;
    hid_t training;
    fc_model *read = NULL;
    *model = NULL;
    *has_state = false;
    if (state)
        *state = (fc_training_state){0};
    FC_TRY(fc__h5_open(context, path, &h5));
    FC_TRY(check_format(&h5));
    FC_NEW(context, &read, 1);
    FC_TRY(read_root(&h5, read));
    FC_TRY(read_domain(&h5, read));
    FC_TRY(read_channels(&h5, read));
    FC_TRY(read_decoder(&h5, read));
    FC_TRY(read_prior(&h5, read));
    FC_TRY(read_field(&h5, read));
    FC_TRY(fc__read_equation(&h5, read));
    FC_TRY(read_cycle(&h5, read, fc__model_codes(read)));
    FC_TRY(read_leads(&h5, read, fc__model_codes(read)));
    FC_TRY(read_calibration(&h5, read));
    FC_TRY(read_residual(&h5, read, fc__model_codes(read)));
    FC_TRY(fc__h5_find_group(&h5, h5.file, "training", &training));
    FC_TRY(check_complete(&h5, read, training >= 0));
    if (training >= 0 && state)
        FC_TRY(read_state(&h5, training, state));
    *has_state = training >= 0;
    if (state)
        state->model = read;
    *model = read;
    read = NULL;
done:
    if (status != FC_OK)
        fc_training_state_clear(state);
    fc__h5_close(&h5);
    fc_model_destroy(read);
    return status;
}
