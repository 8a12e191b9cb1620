/* Model files: every number comes back to the last bit, and nothing but a whole model is taken for
 * one. */
#include "inr/bent.h"
#include "inr/support.h"
#include "ode/residual.h"
#include "tests/io/io_testing.h"

#include <hdf5.h>
#include <math.h>
#include <sys/stat.h>

enum { CODES = 3, CHANNELS = 2 };

static void fill_doubles(fc__rng *rng, size_t count, double **values)
{
    *values = calloc(count ? count : 1, sizeof **values);
    for (size_t i = 0; i < count; i++)
        (*values)[i] = fabs(fc__rng_normal(rng)) + 0.1;
}

static void fill_floats(fc__rng *rng, size_t count, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)fc__rng_normal(rng);
}

static fc_prior *make_prior(fc__rng *rng)
{
    fc_prior *prior = calloc(1, sizeof *prior);
    prior->codes = CODES;
    fill_doubles(rng, CODES, &prior->mean);
    fill_doubles(rng, CODES * CODES, &prior->covariance);
    fill_doubles(rng, CODES * CODES, &prior->factor);
    return prior;
}

/* Of a record: two leads, three points, one of them never observed, a cycle of two harmonics. */
static void make_residual(fc__rng *rng, fc_residual *r)
{
    enum { LEADS = 2, PLACES = 3, COLUMNS = 5 };
    double **const vectors[] = {&r->decay, &r->error, &r->variance, &r->length, &r->nugget};
    const size_t counts[] = {LEADS * CHANNELS, LEADS * CHANNELS, CHANNELS, CHANNELS, CHANNELS};
    *r = (fc_residual){
        .lead_count = LEADS, .point_count = PLACES, .harmonics = 2, .modes = 1, .ridge = 1.0 / 3.0};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        fill_doubles(rng, counts[i], vectors[i]);
    fill_doubles(rng, LEADS, &r->lead);
    fill_doubles(rng, LEADS, &r->departure);
    fill_doubles(rng, LEADS, &r->persistence);
    fill_doubles(rng, PLACES * 3, &r->coordinates);
    fill_doubles(rng, CODES * CODES, &r->baseline);
    r->climate = calloc(PLACES * CHANNELS * COLUMNS, sizeof *r->climate);
    fill_floats(rng, PLACES * CHANNELS * COLUMNS, r->climate);
    r->climate[COLUMNS] = NAN;
    r->lead[0] = 0.0;
    for (size_t i = 0; i < LEADS * CHANNELS; i++)
        r->decay[i] = 1.0 / (1.0 + r->decay[i]);
    for (size_t i = 0; i < LEADS; i++) {
        r->departure[i] = 1.0 / (1.0 + r->departure[i]);
        r->persistence[i] = 1.0 / (1.0 + r->persistence[i]);
        r->nugget[i] = 1.0 / (1.0 + r->nugget[i]);
    }
}

/* A model in which every number is different and no array is trivial. */
static fc_model *make_model(bench *in, const fc_decoder_config *decoder,
                            const fc_field_config *field)
{
    fc__rng rng = fc__rng_create(1, 2);
    fc_model *model = calloc(1, sizeof *model);
    model->domain.dims = 3;
    model->domain.axis[0] = (fc_axis){FC_AXIS_LONGITUDE, -0.1, 359.3, "lon", "degrees_east"};
    model->domain.axis[1] = (fc_axis){FC_AXIS_LATITUDE, -90.0, 60.0, "lat", "degrees_north"};
    model->domain.axis[2] = (fc_axis){FC_AXIS_PLAIN, 1.0 / 3.0, 5e3, "depth", ""};
    model->time = (fc_time_axis){"hours since 1970-01-01", "noleap", 8760.0};
    model->channel_count = CHANNELS;
    model->channels = calloc(CHANNELS, sizeof *model->channels);
    fc__copy_name(model->channels[0].name, "thetao");
    fc__copy_name(model->channels[0].units, "K");
    fc__copy_name(model->channels[1].name, "so");
    fc__copy_name(model->channels[1].long_name, "salinity");
    fill_doubles(&rng, CHANNELS, &model->mean);
    fill_doubles(&rng, CHANNELS, &model->scale);
    fill_doubles(&rng, CHANNELS, &model->noise);
    model->time_origin = -1.0 / 3.0;
    model->time_scale = 24.0;
    model->train_frames = 10;
    model->horizon = INFINITY;
    model->record = true;
    model->floor_mse = NAN;
    model->prior = make_prior(&rng);
    model->cycle = (fc_cycle){.period = 8760.0, .harmonics = 2};
    fill_doubles(&rng, 4 * CODES, &model->cycle.coefficient);
    model->lead_count = 4;
    fill_doubles(&rng, 4, &model->lead_time);
    fill_doubles(&rng, 4 * CODES, &model->lead_variance);
    model->calibration_count = 2;
    fill_doubles(&rng, 2, &model->calibration_values);
    fill_doubles(&rng, 2, &model->calibration_factor);
    for (size_t i = 0; i < 4; i++)
        model->lead_time[i] = (double)i / 3.0;
    model->calibration_values[1] = model->calibration_values[0] + 1.0;
    assert_ok(in, fc__copy_text(in->context, "{\"codes\": 3}", &model->configuration));
    assert_ok(in, fc__copy_text(in->context, "", &model->provenance));
    make_residual(&rng, &model->residual);
    assert_ok(in, fc_decoder_create(in->context, &model->domain, decoder, &model->decoder));
    fill_floats(&rng, model->decoder->parameter_count, model->decoder->parameters);
    if (!fc_decoder_is_affine(decoder))
        assert_ok(
            in, fc__decoder_set_starts(in->context, model->decoder, 2, model->decoder->parameters));
    assert_ok(in, fc_field_create(in->context, field, 5, &model->field));
    fill_floats(&rng, model->field->parameter_count, model->field->parameters);
    return model;
}

static const fc_decoder_config deep = {.codes = CODES,
                                       .channels = CHANNELS,
                                       .layers = 2,
                                       .filters = 5,
                                       .filter = FC_FILTER_TRAINABLE,
                                       .bandwidth = 7.0 / 3.0,
                                       .seed = UINT64_MAX - 1};
static const fc_decoder_config series = {.codes = CODES,
                                         .channels = CHANNELS,
                                         .filters = 4,
                                         .filter = FC_FILTER_RANDOM,
                                         .bandwidth = 3.0};
static const fc_decoder_config sines = {.codes = CODES,
                                        .channels = CHANNELS,
                                        .family = FC_DECODER_SIREN,
                                        .layers = 2,
                                        .width = 6,
                                        .omega0 = 10.0 / 3.0};
static const fc_decoder_config gated = {.codes = CODES,
                                        .channels = CHANNELS,
                                        .family = FC_DECODER_MULTIPLICATIVE,
                                        .layers = 2,
                                        .filters = 5,
                                        .filter = FC_FILTER_RANDOM,
                                        .bandwidth = 7.0 / 3.0};
static const fc_field_config full = {.codes = CODES, .linear = true, .rank = 4, .hidden = 6};
static const fc_field_config bilinear = {.codes = CODES, .rank = 2};

static fc_training_state make_state(size_t parameters)
{
    fc__rng rng = fc__rng_create(3, 4);
    fc_training_state state = {.seconds = 1.0 / 7.0};
    fc_trainer_state *trainer = &state.trainer;
    *trainer = (fc_trainer_state){.update = UINT64_MAX,
                                  .updates = {1, 2, 1ULL << 60, 4},
                                  .best_update = 17,
                                  .best_loss = INFINITY,
                                  .gradient_norm = NAN,
                                  .parameter_count = parameters};
    float **vectors[] = {&trainer->parameters, &trainer->first_moment, &trainer->second_moment,
                         &trainer->average, &trainer->best};
    for (size_t i = 0; parameters && i < sizeof vectors / sizeof *vectors; i++) {
        *vectors[i] = calloc(parameters, sizeof **vectors[i]);
        fill_floats(&rng, parameters, *vectors[i]);
    }
    return state;
}

/* ---------------------------------------------------------------- comparison */

static void assert_same_doubles(const double *a, const double *b, size_t count)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_same_bits(a, b, count * sizeof *a);
}

static void assert_same_scalars(const fc_model *a, const fc_model *b)
{
    assert_same_domain(&a->domain, &b->domain);
    assert_string_equal(a->time.units, b->time.units);
    assert_string_equal(a->time.calendar, b->time.calendar);
    assert_true(a->time.cycle == b->time.cycle);
    assert_true(a->time_origin == b->time_origin && a->time_scale == b->time_scale);
    assert_int_equal(a->train_frames, b->train_frames);
    assert_true(a->horizon == b->horizon);
    assert_int_equal(a->record, b->record);
    assert_same_bits(&a->floor_mse, &b->floor_mse, sizeof a->floor_mse);
    assert_string_equal(a->configuration, b->configuration);
    assert_string_equal(a->provenance, b->provenance);
}

static void assert_same_networks(const fc_model *a, const fc_model *b)
{
    assert_int_equal(a->decoder == NULL, b->decoder == NULL);
    assert_int_equal(a->prior == NULL, b->prior == NULL);
    assert_int_equal(a->field == NULL, b->field == NULL);
    if (a->decoder) {
        assert_same_bits(&a->decoder->config.seed, &b->decoder->config.seed, sizeof(uint64_t));
        assert_int_equal(a->decoder->config.family, b->decoder->config.family);
        assert_int_equal(a->decoder->config.width, b->decoder->config.width);
        assert_true(a->decoder->config.omega0 == b->decoder->config.omega0);
        assert_int_equal(a->decoder->config.filter, b->decoder->config.filter);
        assert_true(a->decoder->config.bandwidth == b->decoder->config.bandwidth);
        assert_int_equal(a->decoder->start_count, b->decoder->start_count);
        if (a->decoder->start_count)
            assert_same_bits(a->decoder->starts, b->decoder->starts,
                             a->decoder->start_count * CODES * sizeof(float));
        assert_int_equal(a->decoder->parameter_count, b->decoder->parameter_count);
        assert_same_bits(a->decoder->parameters, b->decoder->parameters,
                         a->decoder->parameter_count * sizeof(float));
    }
    if (a->prior) {
        assert_same_doubles(a->prior->mean, b->prior->mean, CODES);
        assert_same_doubles(a->prior->covariance, b->prior->covariance, CODES * CODES);
        assert_same_doubles(a->prior->factor, b->prior->factor, CODES * CODES);
    }
    if (a->field) {
        assert_int_equal(a->field->config.linear, b->field->config.linear);
        assert_int_equal(a->field->parameter_count, b->field->parameter_count);
        assert_same_bits(a->field->parameters, b->field->parameters,
                         a->field->parameter_count * sizeof(float));
    }
}

static void assert_same_residual(const fc_residual *a, const fc_residual *b)
{
    size_t leads = a->lead_count, points = a->point_count, columns = 1 + 2 * a->harmonics;
    assert_int_equal(leads, b->lead_count);
    assert_int_equal(points, b->point_count);
    assert_int_equal(a->harmonics, b->harmonics);
    assert_int_equal(a->still, b->still);
    assert_int_equal(a->modes, b->modes);
    assert_true(a->ridge == b->ridge);
    assert_same_doubles(a->lead, b->lead, leads);
    assert_same_doubles(a->departure, b->departure, leads);
    assert_same_doubles(a->persistence, b->persistence, leads);
    assert_same_doubles(a->decay, b->decay, leads * CHANNELS);
    assert_same_doubles(a->error, b->error, leads * CHANNELS);
    assert_same_doubles(a->variance, b->variance, CHANNELS);
    assert_same_doubles(a->length, b->length, CHANNELS);
    assert_same_doubles(a->nugget, b->nugget, CHANNELS);
    assert_same_doubles(a->baseline, b->baseline, CODES * CODES);
    assert_same_doubles(a->coordinates, b->coordinates, points * 3);
    if (points)
        assert_same_bits(a->climate, b->climate, points * CHANNELS * columns * sizeof *a->climate);
}

static void assert_same_model(const fc_model *a, const fc_model *b)
{
    assert_same_scalars(a, b);
    assert_same_networks(a, b);
    assert_int_equal(a->channel_count, b->channel_count);
    for (size_t c = 0; c < a->channel_count; c++) {
        assert_string_equal(a->channels[c].name, b->channels[c].name);
        assert_string_equal(a->channels[c].units, b->channels[c].units);
        assert_string_equal(a->channels[c].long_name, b->channels[c].long_name);
    }
    assert_same_doubles(a->mean, b->mean, a->channel_count);
    assert_same_doubles(a->scale, b->scale, a->channel_count);
    assert_same_doubles(a->noise, b->noise, a->channel_count);
    assert_true(a->cycle.period == b->cycle.period);
    assert_int_equal(a->cycle.harmonics, b->cycle.harmonics);
    assert_same_doubles(a->cycle.coefficient, b->cycle.coefficient, 2 * a->cycle.harmonics * CODES);
    assert_int_equal(a->lead_count, b->lead_count);
    assert_same_doubles(a->lead_time, b->lead_time, a->lead_count);
    assert_same_doubles(a->lead_variance, b->lead_variance, a->lead_count * CODES);
    assert_int_equal(a->calibration_count, b->calibration_count);
    assert_same_doubles(a->calibration_values, b->calibration_values, a->calibration_count);
    assert_same_doubles(a->calibration_factor, b->calibration_factor, a->calibration_count);
    assert_same_residual(&a->residual, &b->residual);
}

static void assert_same_state(const fc_training_state *a, const fc_training_state *b)
{
    const fc_trainer_state *u = &a->trainer, *v = &b->trainer;
    size_t bytes = u->parameter_count * sizeof(float);
    assert_same_bits(&a->seconds, &b->seconds, sizeof a->seconds);
    assert_true(u->update == v->update && u->best_update == v->best_update);
    assert_same_bits(u->updates, v->updates, sizeof u->updates);
    assert_same_bits(&u->best_loss, &v->best_loss, sizeof u->best_loss);
    assert_same_bits(&u->gradient_norm, &v->gradient_norm, sizeof u->gradient_norm);
    assert_int_equal(u->parameter_count, v->parameter_count);
    if (bytes == 0)
        return;
    assert_same_bits(u->parameters, v->parameters, bytes);
    assert_same_bits(u->first_moment, v->first_moment, bytes);
    assert_same_bits(u->second_moment, v->second_moment, bytes);
    assert_same_bits(u->average, v->average, bytes);
    assert_same_bits(u->best, v->best, bytes);
}

static void check_round_trip(bench *in, fc_model *written, fc_training_state *state)
{
    fc_model *read;
    fc_training_state found;
    fc_file_kind kind;
    bool has_state;
    const char *path = in_folder(in, "model.h5");
    assert_ok(in, fc_model_write(in->context, path, written, state));
    assert_ok(in, fc_model_read(in->context, path, &read, &found, &has_state));
    assert_same_model(written, read);
    assert_int_equal(has_state, state != NULL);
    assert_ptr_equal(found.model, read);
    if (state)
        assert_same_state(state, &found);
    fc_training_state_clear(&found);
    assert_null(found.trainer.parameters);
    fc_model_destroy(read);
    assert_ok(in, fc_model_read(in->context, path, &read, NULL, &has_state));
    assert_int_equal(has_state, state != NULL);
    assert_ok(in, fc_file_probe(in->context, path, &kind));
    assert_int_equal(kind, FC_FILE_MODEL);
    assert_int_equal(count_files(in), 1);
    fc_model_destroy(read);
    fc_training_state_clear(state);
}

/* ---------------------------------------------------------------- round trips */

static void models_come_back_bit_for_bit(void **state)
{
    bench *in = *state;
    const fc_decoder_config *decoders[] = {&deep, &series, &sines, &gated};
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        fc_model *model = make_model(in, decoders[i], i ? &bilinear : &full);
        check_round_trip(in, model, NULL);
        fc_model_destroy(model);
    }
}

static void checkpoints_come_back_bit_for_bit(void **state)
{
    bench *in = *state;
    fc_model *model = make_model(in, &deep, &full);
    fc_training_state training = make_state(model->field->parameter_count);
    check_round_trip(in, model, &training);
    fc_model_destroy(model);
}

static void half_made_models_come_back_from_checkpoints(void **state)
{
    bench *in = *state;
    fc_model *model = make_model(in, &series, &full), *read;
    fc_training_state training = make_state(0);
    bool has_state;
    fc_field_destroy(model->field);
    model->field = NULL;
    free(model->noise);
    model->noise = NULL;
    fc__residual_clear(&model->residual);
    model->lead_count = model->calibration_count = 0;
    free(model->lead_time);
    free(model->lead_variance);
    free(model->calibration_values);
    free(model->calibration_factor);
    model->lead_time = model->lead_variance = NULL;
    model->calibration_values = model->calibration_factor = NULL;
    check_round_trip(in, model, &training);
    training = make_state(0);
    model->cycle.harmonics = 0;
    free(model->cycle.coefficient);
    model->cycle.coefficient = NULL;
    fc_prior_destroy(model->prior);
    fc_decoder_destroy(model->decoder);
    model->prior = NULL;
    model->decoder = NULL;
    check_round_trip(in, model, &training);
    const char *path = in_folder(in, "model.h5");
    assert_ok(in, fc_model_write(in->context, path, model, NULL));
    assert_fails(in, FC_ERROR_DATA, fc_model_read(in->context, path, &read, NULL, &has_state), path,
                 "unfinished", "decoder");
    assert_null(read);
    fc_model_destroy(model);
}

/* ---------------------------------------------------------------- refusals */

static void other_files_are_not_models(void **state)
{
    bench *in = *state;
    fc_model *model = make_model(in, &series, &full), *read;
    bool has_state;
    const char *path = in_folder(in, "data.nc");
    fc_dataset *dataset, *read_dataset;
    fc_sequence *sequence;
    size_t index;
    const double points[6] = {1, 2, 3, 4, 5, 6}, time = 0.0;
    assert_ok(in, fc_dataset_create(in->context, &model->domain, 1, &dataset));
    fc__copy_name(dataset->channels[0].name, "w");
    assert_ok(in, fc_dataset_add_points(in->context, dataset, 2, points, NULL, &index));
    assert_ok(in, fc_dataset_add_sequence(in->context, dataset, 1, &time, NULL, &sequence));
    assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
    assert_fails(in, FC_ERROR_DATA, fc_model_read(in->context, path, &read, NULL, &has_state), path,
                 "is a dataset, not a model");
    assert_ok(in, fc_model_write(in->context, path, model, NULL));
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read_dataset), path,
                 "is a model");
    fc_dataset_destroy(dataset);
    fc_model_destroy(model);
}

static void edit(const char *path, const char *object, const char *attribute, double value)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t id = H5Oopen(file, object, H5P_DEFAULT);
    assert_true(file >= 0 && id >= 0);
    if (attribute) {
        hid_t a = H5Aopen(id, attribute, H5P_DEFAULT);
        assert_true(H5Awrite(a, H5T_NATIVE_DOUBLE, &value) >= 0);
        H5Aclose(a);
    } else {
        double values[1024] = {value, value};
        assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    }
    H5Oclose(id);
    H5Fclose(file);
}

static void numbers_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *object, *attribute;
        double value;
        const char *expected;
    } cases[] = {
        {"/", "fieldcast_format_version", 4.0, "reads versions up to 3"},
        {"/", "time_scale", 0.0, "time_scale"},
        {"/", "time_origin", NAN, "time_origin"},
        {"/domain", "dims", 9.0, "1 to 4"},
        {"/domain/axis_0", "lower", NAN, "domain"},
        {"/domain/axis_1", "lower", 60.0, "domain"},
        {"/channels", "count", 1e6, "1 to 4096"},
        {"/channels", "count", 1.0, "mean"},
        {"/channels/scale", NULL, 0.0, "scale"},
        {"/channels/mean", NULL, NAN, "mean"},
        {"/decoder", "codes", 1e9, "codes"},
        {"/decoder", "codes", 4.0, "does not fit"},
        {"/decoder", "channels", 1.0, "channels"},
        {"/decoder", "layers", 3.0, "does not fit"},
        {"/decoder", "filters", 1048576.0, "does not fit"},
        {"/decoder", "bandwidth", -1.0, "bandwidth"},
        {"/decoder/omega", NULL, NAN, "omega"},
        {"/decoder/a", NULL, INFINITY, "a holds the number inf"},
        {"/prior", "codes", 4.0, "codes"},
        {"/prior/factor", NULL, 0.0, "not positive"},
        {"/prior/covariance", NULL, NAN, "covariance"},
        {"/cycle", "harmonics", 1000.0, "0 to 16"},
        {"/cycle", "harmonics", 3.0, "coefficient"},
        {"/cycle", "period", 0.0, "period"},
        {"/field", "codes", 2.0, "codes"},
        {"/field", "rank", 16777216.0, "does not fit"},
        {"/field", "hidden", 0.0, NULL},
        {"/field/u", NULL, NAN, "u holds"},
        {"/leads", "count", 5.0, "time"},
        {"/leads/time", NULL, 1.0, "increase from 0"},
        {"/leads/variance", NULL, -1.0, "variance"},
        {"/calibration/values", NULL, 3.0, "increase"},
        {"/residual", "leads", 1.0, "leads"},
        {"/residual", "leads", 3.0, "lead"},
        {"/residual", "points", 16777216.0, "coordinates"},
        {"/residual", "harmonics", 3.0, "0 to 2"},
        {"/residual", "harmonics", 1.0, "climate"},
        {"/residual", "modes", 4.0, "modes"},
        {"/residual", "ridge", NAN, "ridge"},
        {"/residual/lead", NULL, 0.5, "increase from 0"},
        {"/residual/decay", NULL, 1.5, "greater than 1"},
        {"/residual/persistence", NULL, 1.5, "greater than 1"},
        {"/residual/length", NULL, 0.0, "length"},
        {"/residual/nugget", NULL, 1.5, "nugget"},
        {"/residual/baseline", NULL, NAN, "baseline"},
        {"/residual/climate", NULL, INFINITY, "climate"},
        {"/training", "parameter_count", 1e15, "parameter_count"},
        {"/training", "parameter_count", 3.0, "parameters"},
    };
    bench *in = *state;
    fc_model *model = make_model(in, &deep, &full), *read;
    fc_training_state training = make_state(model->field->parameter_count), found;
    bool has_state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_folder(in, "model.h5");
        assert_ok(in, fc_model_write(in->context, path, model, &training));
        edit(path, cases[i].object, cases[i].attribute, cases[i].value);
        fc_status status = fc_model_read(in->context, path, &read, &found, &has_state);
        if (cases[i].expected) {
            if (status != FC_ERROR_DATA ||
                !strstr(fc_context_message(in->context), cases[i].expected) ||
                !strstr(fc_context_message(in->context), path))
                fail_msg("%s %s = %g: %s", cases[i].object,
                         cases[i].attribute ? cases[i].attribute : "", cases[i].value,
                         fc_context_message(in->context));
            assert_null(read);
        }
        fc_model_destroy(read);
        fc_training_state_clear(&found);
    }
    fc_training_state_clear(&training);
    fc_model_destroy(model);
}

static void missing_parts_are_refused(void **state)
{
    static const char *const objects[] = {"domain",
                                          "domain/axis_1",
                                          "time",
                                          "channels",
                                          "channels/channel_1",
                                          "decoder/head",
                                          "decoder/w",
                                          "prior/mean",
                                          "field/m1",
                                          "cycle/coefficient",
                                          "leads",
                                          "leads/time",
                                          "calibration",
                                          "training/parameters",
                                          "residual/lead",
                                          "residual/climate",
                                          "residual/variance"};
    bench *in = *state;
    fc_model *model = make_model(in, &deep, &full), *read;
    fc_training_state training = make_state(model->field->parameter_count), found;
    bool has_state;
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const char *path = in_folder(in, "model.h5");
        assert_ok(in, fc_model_write(in->context, path, model, &training));
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(H5Ldelete(file, objects[i], H5P_DEFAULT) >= 0);
        H5Fclose(file);
        assert_fails(in, FC_ERROR_DATA, fc_model_read(in->context, path, &read, &found, &has_state),
                     path);
        assert_null(read);
        assert_null(found.trainer.parameters);
    }
    fc_training_state_clear(&training);
    fc_model_destroy(model);
}

static void damaged_and_truncated_files_never_crash_the_reader(void **state)
{
    enum { TRIALS = 400 };
    bench *in = *state;
    fc__rng rng = fc__rng_create(11, 12);
    fc_model *model = make_model(in, &deep, &full), *read;
    fc_training_state training = make_state(model->field->parameter_count), found;
    bool has_state;
    char path[128];
    memcpy(path, in_folder(in, "model.h5"), sizeof path);
    assert_ok(in, fc_model_write(in->context, path, model, &training));
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    const char *other = in_folder(in, "damaged.h5");
    for (int k = 0; k < TRIALS; k++) {
        size_t at = fc__rng_below(&rng, size);
        char kept = bytes[at];
        bool cut = k % 4 == 0;
        bytes[at] = (char)fc__rng_below(&rng, 256);
        file = fopen(other, "wb");
        fwrite(bytes, 1, cut ? at : size, file);
        fclose(file);
        bytes[at] = kept;
        fc_status status = fc_model_read(in->context, other, &read, &found, &has_state);
        assert_true(status == FC_OK || status == FC_ERROR_DATA || status == FC_ERROR_MEMORY);
        if (cut)
            assert_int_equal(status, FC_ERROR_DATA);
        fc_model_destroy(read);
        fc_training_state_clear(&found);
    }
    free(bytes);
    fc_training_state_clear(&training);
    fc_model_destroy(model);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(models_come_back_bit_for_bit),
        TEST(checkpoints_come_back_bit_for_bit),
        TEST(half_made_models_come_back_from_checkpoints),
        TEST(other_files_are_not_models),
        TEST(numbers_that_cannot_be_are_refused),
        TEST(missing_parts_are_refused),
        TEST(damaged_and_truncated_files_never_crash_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
