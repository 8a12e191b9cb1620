#include "inr/bent.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 16, MAX_FILTERS = 65536 };

fc_decoder_config fc_decoder_config_default(void)
{
    return (fc_decoder_config){.codes = 100, .channels = 1, .filter = FC_FILTER_AUTO};
}

bool fc_decoder_is_affine(const fc_decoder_config *config)
{
    return config->family == FC_DECODER_FOURIER;
}

/* e(x) of a SIREN has two numbers for a periodic axis. */
size_t fc_decoder_inputs(const fc_decoder_config *config, const fc_domain *domain)
{
    size_t inputs = fc_domain_inputs(domain);
    for (size_t i = 0; config->family == FC_DECODER_SIREN && i < domain->dims; i++)
        inputs += domain->axis[i].kind == FC_AXIS_PERIODIC;
    return inputs;
}

/* ---------------------------------------------------------------- validation */

/* Appends a fault to a list of them. */
__attribute__((format(printf, 3, 4))) static void add_fault(char *faults, size_t size,
                                                            const char *format, ...)
{
    size_t used = strlen(faults);
    va_list arguments;
    va_start(arguments, format);
    if (used)
        used += (size_t)snprintf(faults + used, size - used, "; ");
    if (used < size)
        vsnprintf(faults + used, size - used, format, arguments);
    va_end(arguments);
}

static bool is_spherical(const fc_domain *domain)
{
    for (size_t i = 0; i < domain->dims; i++)
        if (domain->axis[i].kind == FC_AXIS_LONGITUDE)
            return true;
    return false;
}

static bool is_whole_sphere(const fc_domain *domain)
{
    enum { AROUND = 330, NEAR_THE_POLES = 75 }; /* degrees; extents are those of the data */
    bool whole = domain->dims == 2 && is_spherical(domain);
    for (size_t i = 0; i < domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i];
        if (axis->kind == FC_AXIS_LONGITUDE)
            whole = whole && axis->upper - axis->lower >= AROUND;
        if (axis->kind == FC_AXIS_LATITUDE)
            whole = whole && axis->lower <= -NEAR_THE_POLES && axis->upper >= NEAR_THE_POLES;
    }
    return whole;
}

fc_filter_kind fc__filter_kind_for(const fc_domain *domain, const fc_decoder_config *config)
{
    if (config->filter != FC_FILTER_AUTO)
        return config->filter;
    if (!is_spherical(domain))
        return FC_FILTER_INTEGER;
    bool series = config->family == FC_DECODER_FOURIER && config->layers == 0;
    return series && is_whole_sphere(domain) ? FC_FILTER_HARMONIC : FC_FILTER_RANDOM;
}

static void find_filter_faults(const fc_domain *domain, const fc_decoder_config *config,
                               char *faults, size_t size)
{
    if (config->filters < 1 || config->filters > MAX_FILTERS)
        add_fault(faults, size, "filters = %zu, 1 to %d are accepted (0 is for fitting)",
                  config->filters, MAX_FILTERS);
    bool fixed = config->filter == FC_FILTER_INTEGER || config->filter == FC_FILTER_HARMONIC;
    if (!fixed && config->filter != FC_FILTER_RANDOM && config->filter != FC_FILTER_TRAINABLE)
        add_fault(faults, size, "filter kind %d is unknown", (int)config->filter);
    if (config->filter == FC_FILTER_INTEGER && is_spherical(domain))
        add_fault(faults, size,
                  "integer filters suit planar axes only; choose harmonic, random or trainable "
                  "filters for longitude and latitude");
    if (config->filter == FC_FILTER_HARMONIC && !(is_spherical(domain) && domain->dims == 2))
        add_fault(faults, size,
                  "harmonic filters suit longitude and latitude alone; choose integer, random or "
                  "trainable filters for other axes");
    if (!fixed && (!isfinite(config->bandwidth) || config->bandwidth <= 0.0))
        add_fault(faults, size, "bandwidth = %g, a positive number is needed (0 is for fitting)",
                  config->bandwidth);
    if (config->family == FC_DECODER_MULTIPLICATIVE && config->filter == FC_FILTER_TRAINABLE)
        add_fault(faults, size, "trainable filters suit the fourier family only");
    if (config->family == FC_DECODER_MULTIPLICATIVE && config->layers < 1)
        add_fault(faults, size, "layers = 0, a multiplicative decoder needs at least 1");
}

static void find_siren_faults(const fc_decoder_config *config, char *faults, size_t size)
{
    if (config->width < 1 || config->width > MAX_FILTERS)
        add_fault(faults, size, "width = %zu, 1 to %d are accepted (0 is for fitting)",
                  config->width, MAX_FILTERS);
    if (!isfinite(config->omega0) || config->omega0 <= 0.0)
        add_fault(faults, size, "omega0 = %g, a positive number is needed (0 is for fitting)",
                  config->omega0);
}

/* Reports all faults of a configuration, whose filter kind is settled, at once. */
static fc_status validate(fc_context *context, const fc_domain *domain,
                          const fc_decoder_config *config)
{
    char faults[900] = "";
    if (config->codes < 1)
        add_fault(faults, sizeof faults, "codes = 0, at least 1 is needed");
    if (config->channels < 1)
        add_fault(faults, sizeof faults, "channels = 0, at least 1 is needed");
    if (config->layers > MAX_LAYERS)
        add_fault(faults, sizeof faults, "layers = %zu, 0 to %d are accepted", config->layers,
                  MAX_LAYERS);
    if (config->family == FC_DECODER_SIREN)
        find_siren_faults(config, faults, sizeof faults);
    else if (config->family == FC_DECODER_FOURIER || config->family == FC_DECODER_MULTIPLICATIVE)
        find_filter_faults(domain, config, faults, sizeof faults);
    else
        add_fault(faults, sizeof faults, "family %d is unknown", (int)config->family);
    /* Row lengths are handed to BLAS as int. */
    if (fc__product(config->channels, config->codes) > INT_MAX)
        add_fault(faults, sizeof faults, "%zu channels of %zu codes exceed %d basis values a point",
                  config->channels, config->codes, INT_MAX);
    if (faults[0])
        return fc__fail(context, FC_ERROR_USAGE, "decoder: %s", faults);
    return FC_OK;
}

/* ---------------------------------------------------------------- layout */

/* a + b or SIZE_MAX when that does not fit. */
static size_t saturated_sum(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

fc_decoder_layout fc_decoder_layout_of(const fc_decoder_config *config, size_t inputs)
{
    bool siren = config->family == FC_DECODER_SIREN;
    size_t layers = config->layers + 1, blocks = siren ? 1 : config->channels;
    size_t width = siren ? config->width : fc__product(2, config->filters);
    size_t first = siren ? width : fc__product(layers, config->filters);
    size_t shifts = fc__product(fc__product(layers, blocks), width);
    size_t gains = config->family == FC_DECODER_MULTIPLICATIVE
                       ? fc__product(fc__product(config->layers, blocks), width)
                       : 0;
    fc_decoder_layout layout = {.omega = 0, .width = width, .blocks = blocks};
    layout.a = fc__product(first, inputs);
    layout.b = saturated_sum(layout.a, fc__product(shifts, config->codes));
    layout.w = saturated_sum(layout.b, shifts);
    layout.head = saturated_sum(layout.w, fc__product(config->layers, fc__product(width, width)));
    layout.bias = saturated_sum(layout.head, fc__product(config->channels, width));
    layout.gate = saturated_sum(layout.bias, config->channels);
    layout.gain = saturated_sum(layout.gate, fc__product(gains, config->codes));
    layout.count = saturated_sum(layout.gain, gains);
    return layout;
}

/* ---------------------------------------------------------------- filters */

/* Order of whole wave vectors: by length, then lexicographically. */
typedef struct wave_vector {
    long square;
    int k[FC_MAX_INPUTS];
} wave_vector;

static int compare_waves(const void *left, const void *right)
{
    const wave_vector *a = left, *b = right;
    if (a->square != b->square)
        return a->square < b->square ? -1 : 1;
    for (size_t j = 0; j < FC_MAX_INPUTS; j++)
        if (a->k[j] != b->k[j])
            return a->k[j] < b->k[j] ? -1 : 1;
    return 0;
}

/* Steps through [-radius, radius]^inputs; false after the last vector. */
static bool next_wave(int radius, size_t inputs, wave_vector *wave)
{
    for (size_t j = inputs; j-- > 0;) {
        if (wave->k[j] < radius) {
            wave->k[j]++;
            return true;
        }
        wave->k[j] = -radius;
    }
    return false;
}

/* Of each pair +-k the one whose first non-zero component is positive, as the other has the same
 * sine and cosine but for a sign. */
static bool is_kept(int radius, size_t inputs, wave_vector *wave)
{
    int leading = 0;
    wave->square = 0;
    for (size_t j = 0; j < inputs; j++) {
        if (leading == 0)
            leading = wave->k[j];
        wave->square += (long)wave->k[j] * wave->k[j];
    }
    return leading >= 0 && wave->square <= (long)radius * radius;
}

/* Collects the kept vectors of a ball and returns their number; waves may be NULL to count. */
static size_t collect_waves(int radius, size_t inputs, wave_vector *waves)
{
    size_t found = 0;
    wave_vector wave = {0};
    for (size_t j = 0; j < inputs; j++)
        wave.k[j] = -radius;
    do {
        if (is_kept(radius, inputs, &wave)) {
            if (waves)
                waves[found] = wave;
            found++;
        }
    } while (next_wave(radius, inputs, &wave));
    return found;
}

/* The lowest `filters` wave vectors, in every layer. */
static fc_status whole_filters(fc_context *context, fc_decoder *decoder, float *omega)
{
    fc_status status = FC_OK;
    size_t filters = decoder->config.filters, inputs = decoder->inputs;
    wave_vector *waves = NULL;
    int radius = 1;
    while (collect_waves(radius, inputs, NULL) < filters)
        radius += 1 + radius / 4;
    size_t found = collect_waves(radius, inputs, NULL);
    FC_NEW(context, &waves, found);
    collect_waves(radius, inputs, waves);
    qsort(waves, found, sizeof *waves, compare_waves);
    for (size_t l = 0; l <= decoder->config.layers; l++)
        for (size_t f = 0; f < filters; f++)
            for (size_t j = 0; j < inputs; j++)
                *omega++ = (float)waves[f].k[j];
done:
    free(waves);
    return status;
}

/* The lowest harmonics by degree, then order, in every layer. */
static void harmonic_filters(const fc_decoder *decoder, float *omega)
{
    size_t filters = decoder->config.filters, degree = 0, order = 0;
    double largest = decoder->config.bandwidth > 0.0 ? decoder->config.bandwidth : INFINITY;
    for (size_t f = 0; f < (decoder->config.layers + 1) * filters; f++, order++) {
        if (f % filters == 0)
            degree = order = 0;
        if (order > degree || (double)order > largest) {
            degree++;
            order = 0;
        }
        omega[3 * f] = (float)degree;
        omega[3 * f + 1] = (float)order;
        omega[3 * f + 2] = 0.0f;
    }
}

/* Isotropic directions (normalised Gaussian vectors) with radii uniform in (0, bandwidth]. The
 * first of every layer is zero, as a mean field needs a constant feature. */
static void random_filters(fc_decoder *decoder, double bandwidth, fc__rng *rng, float *omega)
{
    size_t inputs = decoder->inputs;
    size_t count = (decoder->config.layers + 1) * decoder->config.filters;
    for (size_t f = 0; f < count; f++, omega += inputs) {
        if (f % decoder->config.filters == 0)
            continue;
        double direction[FC_MAX_INPUTS], square = 0.0;
        while (square < 1e-20) {
            square = 0.0;
            for (size_t j = 0; j < inputs; j++) {
                direction[j] = fc__rng_normal(rng);
                square += direction[j] * direction[j];
            }
        }
        double factor = bandwidth * (1.0 - fc__rng_uniform(rng)) / sqrt(square);
        for (size_t j = 0; j < inputs; j++)
            omega[j] = (float)(factor * direction[j]);
    }
}

/* ---------------------------------------------------------------- initial weights */

static void fill_uniform(fc__rng *rng, double bound, size_t count, float *weights)
{
    for (size_t i = 0; i < count; i++)
        weights[i] = (float)(bound * (2.0 * fc__rng_uniform(rng) - 1.0));
}

/* Sitzmann et al. 2020, sec. 3.2: W_0 within 1 / inputs, the others within sqrt(6 / width) /
 * omega0, so that phases keep a variance of 1 from layer to layer. A shift of A_l z has that scale
 * too, for codes of variance 1: bound sqrt(3 / C) / omega0, halved as it comes on top. */
static void initial_siren(fc_decoder *decoder, const fc_decoder_layout *at)
{
    fc__rng rng = fc__rng_create(decoder->config.seed, 1);
    float *parameters = decoder->parameters;
    double omega0 = decoder->config.omega0, width = (double)at->width;
    double of_codes = 0.5 * sqrt(3.0 / (double)decoder->config.codes) / omega0;
    fill_uniform(&rng, 1.0 / (double)decoder->inputs, at->a, parameters);
    fill_uniform(&rng, of_codes, at->b - at->a, parameters + at->a);
    fill_uniform(&rng, 1.0 / sqrt(width), at->w - at->b, parameters + at->b);
    fill_uniform(&rng, sqrt(6.0 / width) / omega0, at->head - at->w, parameters + at->w);
    fill_uniform(&rng, sqrt(6.0 / width), at->bias - at->head, parameters + at->head);
}

/* Every linear map gets U(+-1/sqrt(fan in)), biases included (Kaiming-uniform with a = sqrt 5). The
 * Fourier series, layers = 0, needs no head: its modes are A themselves. */
static void initial_weights(fc_decoder *decoder, const fc_decoder_layout *layout)
{
    fc__rng rng = fc__rng_create(decoder->config.seed, 1);
    float *parameters = decoder->parameters;
    size_t layers = decoder->config.layers;
    double of_codes = 1.0 / sqrt((double)decoder->config.codes);
    double of_width = 1.0 / sqrt((double)layout->width);
    fill_uniform(&rng, of_codes, layout->b - layout->a, parameters + layout->a);
    if (layers == 0) {
        for (size_t i = layout->head; i < layout->bias; i++)
            parameters[i] = 1.0f;
        return;
    }
    fill_uniform(&rng, of_codes, layout->w - layout->b, parameters + layout->b);
    fill_uniform(&rng, of_width, layout->gate - layout->w, parameters + layout->w);
    fill_uniform(&rng, of_codes, layout->gain - layout->gate, parameters + layout->gate);
    for (size_t i = layout->gain; i < layout->count; i++)
        parameters[i] = 1.0f;
}

/* ---------------------------------------------------------------- life cycle */

/* Filters, and the weights that fitting starts from. */
static fc_status initialise(fc_context *context, fc_decoder *decoder,
                            const fc_decoder_layout *layout)
{
    const fc_decoder_config *config = &decoder->config;
    fc_status status = FC_OK;
    if (config->family == FC_DECODER_SIREN) {
        initial_siren(decoder, layout);
        return FC_OK;
    }
    if (config->filter == FC_FILTER_INTEGER) {
        FC_TRY(whole_filters(context, decoder, decoder->parameters + layout->omega));
    } else if (config->filter == FC_FILTER_HARMONIC) {
        harmonic_filters(decoder, decoder->parameters + layout->omega);
    } else {
        /* A product of layers + 1 waves has their summed frequency, so that trainable filters start
         * lower (Fathony et al. 2021). */
        double bandwidth = config->bandwidth;
        if (config->filter == FC_FILTER_TRAINABLE)
            bandwidth /= sqrt((double)config->layers + 1.0);
        fc__rng rng = fc__rng_create(config->seed, 0);
        random_filters(decoder, bandwidth, &rng, decoder->parameters + layout->omega);
    }
    initial_weights(decoder, layout);
done:
    return status;
}

fc_status fc_decoder_create(fc_context *context, const fc_domain *domain,
                            const fc_decoder_config *config, fc_decoder **decoder)
{
    fc_status status = FC_OK;
    fc_decoder *made = NULL;
    *decoder = NULL;
    fc_decoder_config settled = *config;
    FC_TRY(fc_domain_validate(context, domain));
    settled.filter = fc__filter_kind_for(domain, config);
    FC_TRY(validate(context, domain, &settled));
    FC_NEW(context, &made, 1);
    made->config = settled;
    made->domain = *domain;
    made->inputs = fc_decoder_inputs(&settled, domain);
    fc_decoder_layout layout = fc_decoder_layout_of(&settled, made->inputs);
    made->parameter_count = layout.count;
    FC_NEW(context, &made->parameters, layout.count);
    FC_TRY(initialise(context, made, &layout));
    *decoder = made;
    made = NULL;
done:
    fc_decoder_destroy(made);
    return status;
}

void fc_decoder_destroy(fc_decoder *decoder)
{
    if (!decoder)
        return;
    free(decoder->parameters);
    free(decoder->starts);
    free(decoder);
}

fc_status fc__decoder_set_starts(fc_context *context, fc_decoder *decoder, size_t count,
                                 const float *starts)
{
    fc_status status = FC_OK;
    float *copy = NULL;
    size_t size = fc__product(count, decoder->config.codes);
    FC_NEW(context, &copy, size);
    if (size)
        memcpy(copy, starts, size * sizeof *copy);
    free(decoder->starts);
    decoder->starts = copy;
    decoder->start_count = count;
done:
    return status;
}

/* ---------------------------------------------------------------- change of codes */

/* Codes to start from in new coordinates: z_new = (T^T T)^-1 T^T (z_old - offset). */
static fc_status change_starts(fc_context *context, const fc_decoder *decoder, size_t new_codes,
                               const double *transform, const double *offset, float **starts)
{
    fc_status status = FC_OK;
    size_t count = decoder->start_count, codes = decoder->config.codes;
    double *normal = NULL, *from = NULL, *to = NULL;
    FC_NEW(context, starts, fc__product(count, new_codes));
    FC_NEW(context, &normal, fc__product(new_codes, new_codes));
    FC_NEW(context, &from, fc__product(count, codes));
    FC_NEW(context, &to, fc__product(count, new_codes));
    if (count == 0)
        goto done;
    for (size_t i = 0; i < count * codes; i++)
        from[i] = (double)decoder->starts[i] - offset[i % codes];
    fc__dsyrk(new_codes, codes, 1.0, transform, 0.0, normal);
    FC_TRY(fc__cholesky(context, "change of codes", new_codes, normal));
    fc__dgemm(true, true, new_codes, count, codes, 1.0, transform, new_codes, from, codes, 0.0, to,
              count);
    fc__cholesky_solve(new_codes, normal, count, to);
    for (size_t i = 0; i < count * new_codes; i++)
        (*starts)[i] = (float)to[i % new_codes * count + i / new_codes];
done:
    free(normal);
    free(from);
    free(to);
    return status;
}

/* A_new = A transform and b_new = b + A offset for the (rows, C) block of all layers and channels.
 */
static fc_status change_block(fc_context *context, size_t rows, size_t codes, size_t new_codes,
                              const double *transform, const double *offset, const float *a,
                              float *new_a, float *b)
{
    enum { TILE = 1024 };
    fc_status status = FC_OK;
    double *from = NULL, *to = NULL;
    FC_NEW(context, &from, fc__product(TILE, codes));
    FC_NEW(context, &to, fc__product(TILE, new_codes));
    for (size_t start = 0; start < rows; start += TILE) {
        size_t size = rows - start < TILE ? rows - start : TILE;
        for (size_t i = 0; i < size * codes; i++)
            from[i] = (double)a[start * codes + i];
        fc__dgemm_parallel(context, false, false, size, new_codes, codes, 1.0, from, codes,
                           transform, new_codes, 0.0, to, new_codes);
        for (size_t i = 0; i < size * new_codes; i++)
            new_a[start * new_codes + i] = (float)to[i];
        for (size_t r = 0; r < size; r++) {
            double shift = (double)b[start + r];
            for (size_t c = 0; c < codes; c++)
                shift += from[r * codes + c] * offset[c];
            b[start + r] = (float)shift;
        }
    }
done:
    free(from);
    free(to);
    return status;
}

/* A_l (offset + transform z) + b_l = (A_l transform) z + (b_l + A_l offset), B and g alike */
fc_status fc_decoder_change_codes(fc_context *context, fc_decoder *decoder, size_t new_codes,
                                  const double *transform, const double *offset)
{
    fc_status status = FC_OK;
    float *parameters = NULL, *starts = NULL;
    fc_decoder_config config = decoder->config;
    config.codes = new_codes;
    FC_TRY(validate(context, &decoder->domain, &config));
    fc_decoder_layout old = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    fc_decoder_layout new = fc_decoder_layout_of(&config, decoder->inputs);
    FC_NEW(context, &parameters, new.count);
    memcpy(parameters, decoder->parameters, old.a * sizeof *parameters);
    memcpy(parameters + new.b, decoder->parameters + old.b,
           (old.gate - old.b) * sizeof *parameters);
    memcpy(parameters + new.gain, decoder->parameters + old.gain,
           (old.count - old.gain) * sizeof *parameters);
    FC_TRY(change_block(context, old.w - old.b, decoder->config.codes, new_codes, transform, offset,
                        decoder->parameters + old.a, parameters + new.a, parameters + new.b));
    FC_TRY(change_block(context, old.count - old.gain, decoder->config.codes, new_codes, transform,
                        offset, decoder->parameters + old.gate, parameters + new.gate,
                        parameters + new.gain));
    FC_TRY(change_starts(context, decoder, new_codes, transform, offset, &starts));
    free(decoder->starts);
    decoder->starts = starts;
    starts = NULL;
    free(decoder->parameters);
    decoder->parameters = parameters;
    decoder->parameter_count = new.count;
    decoder->config = config;
    parameters = NULL;
done:
    free(parameters);
    free(starts);
    return status;
}
