/* Protocols of evaluation and training: later starts, windows, coarser grids, masks, thinned and
 * unequal times. */
#include "evaluate_fixture.h"
#include "training_fixture.h"

static void forecasts_from_a_later_frame_equal_plain_loops(void **state)
{
    enum { START = 2, LEFT = FRAMES - START };
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    plain forecast[2] = {{0}}, persistence[2] = {{0}}, frame[LEFT] = {{0}};
    config.integrator = tight_integrator();
    config.start = START;
    for (size_t s = 0; s < 3; s++) {
        const fc_frame *frames = dataset->sequences[s].frames + START;
        double z0[CODES];
        plain_encode(*state, model, dataset, frames, z0);
        float *u = plain_forecast(*state, model, dataset, s, START, LEFT, every_frame, z0);
        for (size_t f = 0; f < LEFT; f++) {
            const float *field = u + f * 2 * POINTS;
            size_t later = frames[f].time > 5.5; /* the horizon counts from the sequence's begin */
            plain_add(&frame[f], POINTS, 2, field, frames[f].values, NULL, true);
            if (f == 0)
                continue;
            plain_add(&forecast[later], POINTS, 2, field, frames[f].values, NULL, true);
            plain_add(&persistence[later], POINTS, 2, frames[0].values, frames[f].values, NULL,
                      true);
        }
        free(u);
    }
    fc_evaluation *e = evaluate(*state, model, dataset, &config);
    assert_score(e->in_t, &forecast[0]);
    assert_score(e->out_t, &forecast[1]);
    assert_score(e->persistence_in_t, &persistence[0]);
    assert_int_equal(e->frame_count, LEFT);
    for (size_t f = 0; f < LEFT; f++) {
        assert_near(e->frame_time[f], (double)f, 1e-12);
        assert_score(e->frame[f], &frame[f]);
    }
    fc_evaluation_destroy(e);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* Sensors that see too little of one frame see enough of several, the more so if they move. */
static void a_window_makes_up_for_missing_sensors(void **state)
{
    wave_world world = {
        .channels = 1, .sequences = 6, .frames = 8, .step = 1.0, .noise = 0.05, .seed = 9};
    fc_dataset *dataset = wave_dataset(*state, world);
    fc_model *model = wave_model(*state, 1, 0.05);
    fc_evaluate_config config = fc_evaluate_config_default();
    config.start = 4;
    fc_evaluation *all = evaluate(*state, model, dataset, &config);
    config.mask = (fc_mask){.share = 0.02, .seed = 1};
    fc_evaluation *one = evaluate(*state, model, dataset, &config);
    config.window = 5;
    fc_evaluation *five = evaluate(*state, model, dataset, &config);
    config.mask.kind = FC_MASK_FRAME;
    fc_evaluation *moving = evaluate(*state, model, dataset, &config);
    config.mask.share = 1.0;
    fc_evaluation *sure = evaluate(*state, model, dataset, &config);
    print_message("out_t %.3g from all points, %.3g from few, %.3g from a window, %.3g moving\n",
                  all->out_t.mse, one->out_t.mse, five->out_t.mse, moving->out_t.mse);
    assert_below(five->out_t.mse, 0.3 * one->out_t.mse);
    assert_below(moving->out_t.mse, 0.3 * one->out_t.mse);
    assert_below(all->out_t.mse, moving->out_t.mse);
    assert_below(sure->out_t.mse, 1.05 * all->out_t.mse);
    assert_int_equal(five->frame_count, 4);
    fc_evaluation_destroy(all);
    fc_evaluation_destroy(one);
    fc_evaluation_destroy(five);
    fc_evaluation_destroy(moving);
    fc_evaluation_destroy(sure);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* As if the other points of the encoded frames were missing. */
static void a_frame_seen_on_a_coarser_grid_is_scored_on_the_finer_one(void **state)
{
    fc_dataset *dataset = holey_waves(*state), *coarse = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    plain inside = {0}, outside = {0};
    bool seen[POINTS];
    config.integrator = tight_integrator();
    for (size_t p = 0; p < POINTS; p++)
        seen[p] = p % SIDE % 4 == 0 && p / SIDE % 2 == 0;
    for (size_t s = 0; s < 3; s++) {
        fc_frame *frames = coarse->sequences[s].frames;
        double z0[CODES];
        for (size_t i = 0; i < 2 * POINTS; i++)
            if (!seen[i / 2])
                frames[0].values[i] = NAN;
        plain_encode(*state, model, coarse, frames, z0);
        float *u = plain_forecast(*state, model, coarse, s, 0, FRAMES, every_frame, z0);
        for (size_t f = 1; f < FRAMES; f++) {
            plain_add(&inside, POINTS, 2, u + f * 2 * POINTS, frames[f].values, seen, true);
            plain_add(&outside, POINTS, 2, u + f * 2 * POINTS, frames[f].values, seen, false);
        }
        free(u);
    }
    config.mask.grid[0] = SIDE / 2;
    config.mask.grid[1] = SIDE / 4;
    fc_evaluation *e = evaluate(*state, model, dataset, &config);
    assert_score(e->in_s, &inside);
    assert_score(e->out_s, &outside);
    fc_evaluation_destroy(e);
    config.mask.grid[0] = 5;
    assert_int_equal(fc_model_evaluate(*state, model, dataset, &config, &e), FC_ERROR_DATA);
    assert_message(*state, "a coarser grid of 5 is no part of them");
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(coarse);
}

/* Whatever frames are left out, those that remain are forecast alike. */
static void thinned_frames_keep_their_forecasts(void **state)
{
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    config.integrator = tight_integrator();
    fc_evaluation *all = evaluate(*state, model, dataset, &config);
    config.every = 3;
    fc_evaluation *some = evaluate(*state, model, dataset, &config);
    assert_int_equal(some->frame_count, 3);
    for (size_t f = 0; f < 3; f++) {
        assert_near(some->frame_time[f], 3.0 * (double)f, 1e-12);
        assert_near(some->frame[f].mse / all->frame[3 * f].mse, 1.0, TOLERANCE_PLAIN);
    }
    fc_evaluation_destroy(some);
    fc_dataset *record = wave_record(*state, 20);
    fc_model *seasons = record_model(*state);
    some = evaluate(*state, seasons, record, &config);
    assert_int_equal(some->leads[0].lead, 1);
    assert_true(isfinite(some->leads[0].rmse));
    config.every = 1;
    fc_evaluation_destroy(all);
    all = evaluate(*state, seasons, record, &config);
    assert_true(all->leads[0].persistence_rmse < some->leads[0].persistence_rmse);
    fc_evaluation_destroy(all);
    fc_evaluation_destroy(some);
    fc_model_destroy(model);
    fc_model_destroy(seasons);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(record);
}

static void impossible_starts_and_windows_are_refused(void **state)
{
    fc_dataset *dataset = holey_waves(*state), *record = wave_record(*state, 20);
    fc_model *model = shifted_model(*state), *seasons = record_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    fc_evaluation *e;
    config.start = FRAMES;
    assert_int_equal(fc_model_evaluate(*state, model, dataset, &config, &e), FC_ERROR_USAGE);
    assert_message(*state, "frame 8 is to be encoded, and sequence 0 has frames 0 to 7");
    config.start = 2;
    assert_int_equal(fc_model_evaluate(*state, seasons, record, &config, &e), FC_ERROR_USAGE);
    assert_message(*state, "a record is scored from every start");
    for (config.window = 0; config.window < 5; config.window += 4) {
        assert_int_equal(fc_model_evaluate(*state, model, dataset, &config, &e), FC_ERROR_USAGE);
        assert_message(*state, "that ends with frame 2; 1 to 3 are accepted");
    }
    config = fc_evaluate_config_default();
    config.every = 0;
    assert_int_equal(fc_model_evaluate(*state, model, dataset, &config, &e), FC_ERROR_USAGE);
    fc_model_destroy(model);
    fc_model_destroy(seasons);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(record);
}

/* ---------------------------------------------------------------- training */

/* Points and frames that the mask hides might as well not exist. */
static void training_sees_nothing_but_what_the_mask_leaves(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves), *part;
    fc_train_config config = quick_config(100), whole = config;
    config.mask = (fc_mask){.share = 0.3, .seed = 4};
    config.every = 2;
    must(*state, fc_dataset_subset(*state, dataset, &config.mask, 2, &part));
    must(*state, fc_dataset_load_all(*state, part));
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            bool seen[POINTS];
            must(*state, fc_mask_points(*state, &config.mask, &dataset->domain, &dataset->points[0],
                                        s, f, seen, NULL));
            for (size_t p = 0; p < POINTS; p++)
                if (f % 2 || !seen[p])
                    dataset->sequences[s].frames[f].values[p] = 1e6f;
        }
    fc_model *a = train(*state, dataset, &config), *b = train(*state, part, &whole);
    assert_same_model(a, b);
    assert_true(a->time_scale == 1.0); /* of every second frame */
    fc_model_destroy(a);
    fc_model_destroy(b);
    fc_dataset_destroy(part);
    fc_dataset_destroy(dataset);
}

/* Trained on a third of the points, others in every frame, and asked everywhere; against the
 * variance of the waves. */
static void moving_sensors_teach_the_whole_field(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(1500);
    fc_evaluate_config evaluation = fc_evaluate_config_default();
    config.mask = (fc_mask){.share = 0.3, .kind = FC_MASK_FRAME};
    config.fit.codes = CODES;
    fc_model *model = train(*state, dataset, &config);
    fc_evaluation *e = evaluate(*state, model, dataset, &evaluation);
    assert_below(e->encode.mse, 1e-3 * e->climatology_in_t.mse);
    assert_below(e->in_t.mse, 0.02 * e->climatology_in_t.mse);
    fc_evaluation_destroy(e);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

static void faults_of_masks_are_told_with_the_others(void **state)
{
    fc_train_config config = fc_train_config_default();
    config.mask.share = 1.5;
    config.every = 0;
    config.harmonics = 99;
    assert_int_equal(fc_train_config_validate(*state, &config), FC_ERROR_USAGE);
    assert_message(*state, "mask.share must lie in (0, 1]");
    assert_message(*state, "every must be at least 1");
    assert_message(*state, "harmonics");
}

/* Moves every frame but the first of a sequence by up to a third of a step, others in every
 * sequence, with the fields that belong there. */
static void make_unequal(fc_dataset *dataset, const wave_world *world)
{
    const double *x = dataset->points[0].coordinates;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        fc__rng rng = fc__rng_create(world->seed, 700 + s);
        for (size_t f = 1; f < world->frames; f++) {
            fc_frame *frame = &dataset->sequences[s].frames[f];
            double z[CODES];
            frame->time += world->step * (fc__rng_uniform(&rng) - 0.5) / 1.5;
            wave_codes(world->seed, s, frame->time - world->start, z);
            for (size_t p = 0; p < POINTS; p++)
                frame->values[p] = (float)wave_value(z, x + 2 * p, 0);
        }
    }
}

/* Trained and asked at unequal times, and asked at equal ones, which it never saw. */
static void unequal_times_teach_one_flow(void **state)
{
    wave_world ragged = waves, equal = waves;
    ragged.sequences = 24;
    equal.seed = 5;
    equal.frames = 20;
    equal.step = 0.25;
    fc_dataset *training = wave_dataset(*state, ragged);
    make_unequal(training, &ragged);
    ragged.seed = 6;
    fc_dataset *test = wave_dataset(*state, ragged), *other = wave_dataset(*state, equal);
    make_unequal(test, &ragged);
    fc_train_config config = quick_config(3000);
    fc_evaluate_config evaluation = fc_evaluate_config_default();
    fc_model *model = train(*state, training, &config);
    fc_evaluation *a = evaluate(*state, model, test, &evaluation);
    fc_evaluation *b = evaluate(*state, model, other, &evaluation);
    print_message("in_t / climatology %.3g, at equal times %.3g\n",
                  a->in_t.mse / a->climatology_in_t.mse, b->in_t.mse / b->climatology_in_t.mse);
    assert_below(a->in_t.mse, 0.01 * a->climatology_in_t.mse);
    assert_below(b->in_t.mse, 0.01 * b->climatology_in_t.mse);
    fc_evaluation_destroy(a);
    fc_evaluation_destroy(b);
    fc_model_destroy(model);
    fc_dataset_destroy(training);
    fc_dataset_destroy(test);
    fc_dataset_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forecasts_from_a_later_frame_equal_plain_loops),
        cmocka_unit_test(a_window_makes_up_for_missing_sensors),
        cmocka_unit_test(a_frame_seen_on_a_coarser_grid_is_scored_on_the_finer_one),
        cmocka_unit_test(thinned_frames_keep_their_forecasts),
        cmocka_unit_test(impossible_starts_and_windows_are_refused),
        cmocka_unit_test(training_sees_nothing_but_what_the_mask_leaves),
        cmocka_unit_test(moving_sensors_teach_the_whole_field),
        cmocka_unit_test(faults_of_masks_are_told_with_the_others),
        cmocka_unit_test(unequal_times_teach_one_flow),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
