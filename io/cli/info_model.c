/* What `fieldcast info` says of a model. */
#include "io/cli/info.h"

static size_t model_bytes(const fc_model *model)
{
    size_t codes = model->decoder->config.codes, square = model->field->equation ? 1 : 2 * codes;
    return sizeof(float) * (model->decoder->parameter_count + model->field->parameter_count) +
           sizeof(double) * codes * (square + model->lead_count + 2 * model->cycle.harmonics);
}

static void print_decoder_kind(const fc_decoder_config *decoder)
{
    static const char *const filters[] = {"chosen frequencies", "integer frequencies",
                                          "random frequencies", "trainable frequencies",
                                          "spherical harmonics"};
    if (decoder->family == FC_DECODER_SIREN)
        printf("  kind         SIREN of %zu layers, %zu units each, omega0 = %g\n",
               decoder->layers + 1, decoder->width, decoder->omega0);
    else if (decoder->layers == 0)
        printf("  kind         %s of %zu %s\n",
               decoder->filter == FC_FILTER_HARMONIC ? "series" : "Fourier series",
               decoder->filters, filters[decoder->filter]);
    else
        printf("  kind         %s of %zu layers, %zu %s each\n",
               decoder->family == FC_DECODER_MULTIPLICATIVE ? "multiplicative FourierNet"
                                                            : "FourierNet",
               decoder->layers + 1, decoder->filters, filters[decoder->filter]);
}

static void print_model_parts(const fc_model *model)
{
    const fc_decoder_config *decoder = &model->decoder->config;
    const fc_field_config *field = &model->field->config;
    printf("decoder\n  codes        %zu\n", decoder->codes);
    print_decoder_kind(decoder);
    printf("  parameters   %zu\n  floor        %.3g (mean square, normalised)\n",
           model->decoder->parameter_count, model->floor_mse);
    if (model->field->equation) {
        cli_info_print_equation(model);
        return;
    }
    printf("dynamics\n  terms       %s", field->linear ? " linear" : "");
    if (field->rank)
        printf("%s bilinear of rank %zu", field->linear ? "," : "", field->rank);
    if (field->hidden)
        printf("%s MLP of width %zu", field->linear || field->rank ? "," : "", field->hidden);
    printf("\n  parameters   %zu\n", model->field->parameter_count);
    if (model->cycle.harmonics)
        printf("  cycle        %g, %zu harmonics\n", model->cycle.period, model->cycle.harmonics);
}

static void print_model(const char *path, const fc_model *model, bool unfinished)
{
    printf("%s: fieldcast model%s\nvariables\n", path,
           unfinished ? ", checkpoint of unfinished training" : "");
    for (size_t c = 0; c < model->channel_count; ++c)
        printf("  %-20s %-10s mean %g, scale %g\n", model->channels[c].name,
               model->channels[c].units, model->mean[c], model->scale[c]);
    printf("domain\n");
    cli_info_print_axes(&model->domain);
    printf("time\n  unit         %s\n  step         %g\n  trained to   %g after the first frame\n",
           model->time.units, model->time_scale, model->horizon);
    print_model_parts(model);
    json_t *provenance = json_loads(model->provenance ? model->provenance : "{}", 0, NULL);
    const json_t *data = json_object_get(provenance, "data");
    const char *file = json_string_value(json_object_get(data, "file"));
    printf("trained on\n  %s: %lld sequences, %lld frames in all\n", file ? file : "unknown data",
           (long long)json_integer_value(json_object_get(data, "sequences")),
           (long long)json_integer_value(json_object_get(data, "frames")));
    json_decref(provenance);
    printf("size\n  %.3g MB\n", 1e-6 * (double)model_bytes(model));
    printf("what to do with it\n");
    if (unfinished)
        printf("    fieldcast train DATA -o %s --resume %s\n", path, path);
    printf("    fieldcast evaluate %s DATA --observe 0.05\n"
           "    fieldcast forecast %s DATA -o forecast.nc --times 0:%g:%g --std\n",
           path, path, 10.0 * model->time_scale, model->time_scale);
}

static json_t *model_json(const fc_model *model, bool unfinished)
{
    static const char *const families[] = {"fourier", "siren", "multiplicative"};
    json_t *root = json_object(), *decoder = json_object(), *field = json_object();
    cli_json_text(root, "kind", "model");
    cli_json_put(root, "finished", json_boolean(!unfinished));
    cli_json_count(decoder, "codes", model->decoder->config.codes);
    cli_json_text(decoder, "family", families[model->decoder->config.family]);
    cli_json_count(decoder, "layers", model->decoder->config.layers);
    cli_json_count(decoder, "filters", model->decoder->config.filters);
    cli_json_count(decoder, "parameters", model->decoder->parameter_count);
    cli_json_real(decoder, "floor_mse", model->floor_mse);
    cli_json_put(root, "decoder", decoder);
    cli_json_put(field, "linear", json_boolean(model->field->config.linear));
    cli_json_count(field, "rank", model->field->config.rank);
    cli_json_count(field, "hidden", model->field->config.hidden);
    cli_json_count(field, "parameters", model->field->parameter_count);
    cli_json_put(root, "field", field);
    if (model->field->equation)
        cli_json_put(root, "equation", cli_info_equation(model));
    cli_json_put(root, "axes", cli_info_axes(&model->domain));
    cli_json_put(root, "variables", cli_info_channels(model->channel_count, model->channels, NULL));
    cli_json_real(root, "time_scale", model->time_scale);
    cli_json_count(root, "train_frames", model->train_frames);
    cli_json_count(root, "harmonics", model->cycle.harmonics);
    cli_json_count(root, "bytes", model_bytes(model));
    cli_json_put(root, "configuration",
                 json_loads(model->configuration ? model->configuration : "", 0, NULL));
    cli_json_put(root, "provenance",
                 json_loads(model->provenance ? model->provenance : "", 0, NULL));
    return root;
}

fc_status cli_info_model(cli_session *session, const char *path, json_t **object)
{
    fc_status status;
    fc_model *model = NULL;
    bool unfinished = false;
    LIB_TRY(session, fc_model_read(session->context, path, &model, NULL, &unfinished));
    if (object)
        *object = model_json(model, unfinished);
    else
        print_model(path, model, unfinished);
done:
    fc_model_destroy(model);
    return status;
}
