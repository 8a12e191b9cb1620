/* Learns a model from observed fields in a few seconds, then forecasts a flow it has never seen
 * from sensors at 5 % of the points of one frame, with a standard deviation at every point. */
#include <fieldcast.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Every call says how it went; the first that fails ends the work. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != FC_OK)                                                                       \
            goto done;                                                                             \
    } while (0)

enum { GRID = 32, FRAMES = 6, SENSORS = GRID * GRID / 20 };

/* Vorticity of two-dimensional turbulence on a periodic square; another seed is another flow. */
static fc_status make_flows(fc_context *context, size_t sequences, uint64_t seed,
                            fc_dataset **flows)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    config.grid = GRID;
    config.sequences = sequences;
    config.frames = FRAMES;
    config.seed = seed;
    return fc_navier_stokes_generate(context, &config, flows);
}

static fc_status train(fc_context *context, const fc_dataset *flows, fc_model **model)
{
    fc_status status;
    fc_training *training = NULL;
    fc_train_config config = fc_train_config_default();
    config.minutes = 0.1;

    TRY(fc_training_create(context, flows, &config, NULL, &training));
    for (bool finished = false; !finished;) /* between slices a program may save or stop */
        TRY(fc_training_run(training, 1.0, &finished));
    *model = fc_training_take_model(training);
done:
    fc_training_destroy(training);
    return status;
}

/* What the sensors see: the first frame of a flow at a few points spread over the square. */
static fc_status observe(fc_context *context, const fc_dataset *flow, fc_dataset **observations)
{
    fc_status status;
    const fc_points *points = &flow->points[0];
    const fc_frame *frame = &flow->sequences[0].frames[0];
    size_t sensor[SENSORS], index;
    double coordinates[SENSORS][2];
    fc_sequence *sequence;

    for (size_t i = 0; i < SENSORS; i++) {
        sensor[i] = i * 389 % points->count;
        coordinates[i][0] = points->coordinates[2 * sensor[i]];
        coordinates[i][1] = points->coordinates[2 * sensor[i] + 1];
    }
    TRY(fc_dataset_create(context, &flow->domain, 1, observations));
    (*observations)->time = flow->time;
    (*observations)->channels[0] = flow->channels[0];
    TRY(fc_dataset_add_points(context, *observations, SENSORS, coordinates[0], NULL, &index));
    TRY(fc_dataset_add_sequence(context, *observations, 1, &frame->time, NULL, &sequence));
    for (size_t i = 0; i < SENSORS; i++)
        sequence->frames[0].values[i] = frame->values[sensor[i]];
done:
    return status;
}

/* The error of every forecast frame beside the one it expects of itself; true when most of the flow
 * is right to the end. */
static bool compare(const fc_dataset *flow, const fc_dataset *forecast, const fc_dataset *deviation)
{
    double relative = INFINITY;
    printf("time   rms error   standard deviation   relative error\n");
    for (size_t k = 0; k < FRAMES; k++) {
        const fc_frame *truth = &flow->sequences[0].frames[k];
        const float *guess = forecast->sequences[0].frames[k].values;
        const float *spread = deviation->sequences[0].frames[k].values;
        double error = 0, power = 0, sigma = 0;
        for (size_t i = 0; i < GRID * GRID; i++) {
            error += pow(guess[i] - truth->values[i], 2);
            power += pow(truth->values[i], 2);
            sigma += pow(spread[i], 2);
        }
        relative = sqrt(error / power);
        printf("%4.1f   %9.4f   %18.4f   %14.4f\n", truth->time, sqrt(error / (GRID * GRID)),
               sqrt(sigma / (GRID * GRID)), relative);
    }
    return relative < 0.5;
}

int main(void)
{
    fc_status status;
    fc_context *context = NULL;
    fc_dataset *flows = NULL, *flow = NULL, *observations = NULL;
    fc_dataset *forecast = NULL, *deviation = NULL;
    fc_model *model = NULL;
    double times[FRAMES];
    bool good = false;

    TRY(fc_context_create(0, &context));
    TRY(make_flows(context, 48, 1, &flows));
    TRY(make_flows(context, 1, 2, &flow));
    TRY(train(context, flows, &model));
    TRY(observe(context, flow, &observations));

    fc_forecast_config config = fc_forecast_config_default();
    config.deviation = true;
    for (size_t k = 0; k < FRAMES; k++)
        times[k] = flow->sequences[0].frames[k].time; /* any times from the observed one on */
    TRY(fc_model_forecast(context, model, observations, 0, FRAMES, times, &flow->points[0], &config,
                          &forecast, &deviation, NULL));
    good = compare(flow, forecast, deviation);
done:
    if (status != FC_OK)
        fprintf(stderr, "%s: %s\n", fc_status_text(status),
                context ? fc_context_message(context) : "no context");
    fc_dataset_destroy(deviation);
    fc_dataset_destroy(forecast);
    fc_dataset_destroy(observations);
    fc_model_destroy(model);
    fc_dataset_destroy(flow);
    fc_dataset_destroy(flows);
    fc_context_destroy(context);
    return status != FC_OK ? fc_status_exit_code(status) : good ? EXIT_SUCCESS : EXIT_FAILURE;
}
