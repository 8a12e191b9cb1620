/* The shallow water solver. */
#include "tests/data/sphere_testing.h"

static const struct {
    double steady; /* drift of steady flows, relative to the largest value */
    double linear; /* waves and decay of tiny amplitude against their formulas, relative */
    double golden; /* against the reference, relative; steps of 100 s are wrong by a third of it */
    double mass;   /* drift, relative to the largest height */
    double energy; /* drift without viscosity, relative to the kinetic energy */
    double order;  /* of the observed order of convergence, 4 */
} tolerance = {
    .steady = 2e-12, .linear = 1e-12, .golden = 1e-8, .mass = 1e-13, .energy = 5e-8, .order = 0.05};

/* The earth of shallow_water.h at any degree. */
static fc__layer *make_layer(fc_context *context, size_t degree, double viscosity)
{
    fc__layer_config config = fc__shallow_water_earth(64, viscosity);
    fc__layer *layer;
    config.degree = degree;
    CHECK(fc__layer_create(context, &config, &layer));
    return layer;
}

static size_t points_of(const fc__layer *layer)
{
    return fc__layer_rings(layer) * fc__layer_longitudes(layer);
}

static double latitude_of(const fc__layer *layer, size_t point)
{
    const double *colatitudes = fc__harmonics_colatitudes(fc__layer_harmonics(layer));
    return M_PI_2 - colatitudes[point / fc__layer_longitudes(layer)];
}

static double longitude_of(const fc__layer *layer, size_t point)
{
    size_t longitudes = fc__layer_longitudes(layer);
    return 2.0 * M_PI * (double)(point % longitudes) / (double)longitudes;
}

/* h and zeta on the solver's grid, one after the other. */
static double *values_of(fc__layer *layer)
{
    double *values = new_values(2 * points_of(layer));
    fc__harmonics_values(fc__layer_harmonics(layer), fc__layer_height(layer), values);
    fc__harmonics_values(fc__layer_harmonics(layer), fc__layer_vorticity(layer),
                         values + points_of(layer));
    return values;
}

/* Largest difference of h and of zeta, each relative to its largest value. */
static double difference(size_t points, const double *a, const double *b)
{
    double height = largest_difference(points, a, b) / largest_of(points, b);
    double vorticity = largest_difference(points, a + points, b + points);
    return fmax(height, vorticity / largest_of(points, b + points));
}

static void start_jets(fc__layer *layer, double umax, double perturbation)
{
    double *fields = new_values(2 * points_of(layer));
    fc__shallow_water_start(layer, umax, perturbation, fields);
    free(fields);
}

/* ---------------------------------------------------------------- exact solutions */

/* Case 2 of Williamson et al. 1992 (eq. 90-96): solid rotation about an axis tilted by alpha, as is
 * the axis of the earth's rotation, with the height in balance. */
static void set_solid_rotation(fc__layer *layer, double alpha)
{
    const double radius = 6.37122e6, rotation = 7.292e-5, gravity = 9.80616;
    const double speed = 2.0 * M_PI * radius / (12.0 * 86400.0);
    size_t points = points_of(layer);
    double *south = new_values(points), *east = new_values(points), *height = new_values(points);
    for (size_t p = 0; p < points; p++) {
        double phi = latitude_of(layer, p), lambda = longitude_of(layer, p);
        double along = -cos(lambda) * cos(phi) * sin(alpha) + sin(phi) * cos(alpha);
        east[p] = speed * (cos(phi) * cos(alpha) + cos(lambda) * sin(phi) * sin(alpha));
        south[p] = speed * sin(lambda) * sin(alpha);
        height[p] = -(radius * rotation * speed + 0.5 * speed * speed) * along * along / gravity;
        fc__layer_coriolis(layer)[p] = 2.0 * rotation * along;
    }
    fc__layer_set(layer, south, east, height);
    free(south);
    free(east);
    free(height);
}

static void solid_rotation_about_any_axis_stays(void **state)
{
    static const double tilts[] = {0.0, 0.05, M_PI_4, M_PI_2};
    for (size_t i = 0; i < sizeof tilts / sizeof *tilts; i++) {
        fc__layer *layer = make_layer(*state, 21, 0.0);
        set_solid_rotation(layer, tilts[i]);
        double *before = values_of(layer);
        CHECK(fc__layer_advance(*state, layer, 43200.0, 0.0, NULL));
        double *after = values_of(layer);
        double drift = difference(points_of(layer), after, before);
        if (!(drift < tolerance.steady))
            fail_msg("drift %.2e at a tilt of %g", drift, tilts[i]);
        free(before);
        free(after);
        fc__layer_destroy(layer);
    }
}

static void balanced_jets_stay(void **state)
{
    fc__layer *layer = make_layer(*state, 42, 0.0);
    start_jets(layer, 80.0, 0.0);
    double *before = values_of(layer);
    assert_true(largest_of(points_of(layer), before) > 500.0);
    CHECK(fc__layer_advance(*state, layer, 43200.0, 0.0, NULL));
    double *after = values_of(layer);
    double drift = difference(points_of(layer), after, before);
    if (!(drift < tolerance.steady))
        fail_msg("drift %.2e", drift);
    free(before);
    free(after);
    fc__layer_destroy(layer);
}

/* Without rotation a small bump Y(l, m) swings at omega = sqrt(g H l (l + 1)) / R. */
static void small_waves_swing_at_their_frequency(void **state)
{
    enum { DEGREE = 10, L = 6, M = 4 };
    const double amplitude = 1e-6, duration = 5e4;
    fc__layer_config config = fc__shallow_water_earth(64, 0.0);
    fc__layer *layer;
    config.degree = DEGREE;
    config.rotation = 0.0;
    CHECK(fc__layer_create(*state, &config, &layer));
    size_t points = points_of(layer);
    fc__complex bump[fc__harmonics_count(DEGREE)];
    memset(bump, 0, sizeof bump);
    double *still = new_values(points), *height = new_values(points);
    bump[fc__harmonics_index(DEGREE, L, M)][0] = amplitude;
    fc__harmonics_values(fc__layer_harmonics(layer), bump, height);
    fc__layer_set(layer, still, still, height);
    CHECK(fc__layer_advance(*state, layer, duration, duration / 7.0, NULL));
    double omega = sqrt(config.gravity * config.depth * L * (L + 1)) / config.radius;
    const double *end = fc__layer_height(layer)[fc__harmonics_index(DEGREE, L, M)];
    assert_true(fabs(end[0] - amplitude * cos(omega * duration)) < tolerance.linear * amplitude);
    end = fc__layer_divergence(layer)[fc__harmonics_index(DEGREE, L, M)];
    double expected = amplitude / config.depth * omega * sin(omega * duration);
    assert_true(fabs(end[0] - expected) < tolerance.linear * amplitude / config.depth * omega);
    free(still);
    free(height);
    fc__layer_destroy(layer);
}

/* A vortex too weak to move anything decays at the rate of the vector Laplacian,
 * nu ((l (l + 1) - 1) / R^2)^2. */
static void small_vortices_decay_at_the_rate_of_vectors(void **state)
{
    enum { DEGREE = 10, L = 7, M = 3 };
    const double viscosity = 3e7, duration = 2e5, amplitude = 1e-9;
    fc__layer_config config = fc__shallow_water_earth(64, viscosity);
    fc__layer *layer;
    config.degree = DEGREE;
    config.rotation = 0.0;
    CHECK(fc__layer_create(*state, &config, &layer));
    size_t points = points_of(layer);
    fc__complex vortex[fc__harmonics_count(DEGREE)], zero[fc__harmonics_count(DEGREE)];
    memset(vortex, 0, sizeof vortex);
    memset(zero, 0, sizeof zero);
    double *south = new_values(points), *east = new_values(points), *flat = new_values(points);
    vortex[fc__harmonics_index(DEGREE, L, M)][1] = amplitude;
    fc__harmonics_vector_values(fc__layer_harmonics(layer), zero, vortex, south, east);
    fc__layer_set(layer, south, east, flat);
    const double *zeta = fc__layer_vorticity(layer)[fc__harmonics_index(DEGREE, L, M)];
    double before = zeta[1];
    assert_true(fabs(before + sqrt(L * (L + 1.0)) / config.radius * amplitude) <
                tolerance.linear * fabs(before));
    CHECK(fc__layer_advance(*state, layer, duration, 0.0, NULL));
    zeta = fc__layer_vorticity(layer)[fc__harmonics_index(DEGREE, L, M)];
    double square = (L * (L + 1.0) - 1.0) / 32.0;
    double rate = viscosity * square * square / (config.radius * config.radius);
    assert_true(rate * duration > 0.1);
    assert_true(fabs(zeta[1] / before - exp(-rate * duration)) < tolerance.linear);
    free(south);
    free(east);
    free(flat);
    fc__layer_destroy(layer);
}

/* ---------------------------------------------------------------- reference and budgets */

static void perturbed_jets_match_the_independent_reference(void **state)
{
    FILE *file = open_golden("shallow_water.txt");
    double degree = next_number(file), umax = next_number(file), bump = next_number(file);
    double viscosity = next_number(file), hours = next_number(file);
    fc__layer *layer = make_layer(*state, (size_t)degree, viscosity);
    start_jets(layer, umax, bump);
    CHECK(fc__layer_advance(*state, layer, hours * 3600.0, 100.0, NULL));
    double *values = values_of(layer);
    size_t points = points_of(layer), longitudes = fc__layer_longitudes(layer);
    for (size_t field = 0; field < 2; field++) {
        double largest = largest_of(points, values + field * points);
        for (size_t row = 0; row < fc__layer_rings(layer); row += 4) {
            for (size_t column = 0; column < longitudes; column += 8) {
                double error =
                    values[field * points + row * longitudes + column] - next_number(file);
                if (!(fabs(error) < tolerance.golden * largest))
                    fail_msg("field %zu, ring %zu, column %zu: %.2e", field, row, column,
                             error / largest);
            }
        }
    }
    fclose(file);
    free(values);
    fc__layer_destroy(layer);
}

/* Energy of the layer over that at rest, g (h^2) / 2 + (H + h) u.u / 2, and its kinetic part. */
static double energy_of(fc__layer *layer, double *kinetic)
{
    const fc__layer_config earth = fc__shallow_water_earth(64, 0.0);
    const fc__harmonics *harmonics = fc__layer_harmonics(layer);
    size_t points = points_of(layer), degree = 42, count = fc__harmonics_count(degree);
    fc__complex *gradient = calloc(count, sizeof *gradient), *curl = calloc(count, sizeof *curl);
    double *south = new_values(points), *east = new_values(points), *height = new_values(points);
    double sum = 0.0;
    assert_true(gradient && curl);
    for (size_t m = 0; m <= degree; m++) {
        for (size_t l = m > 1 ? m : 1; l <= degree; l++) {
            size_t i = fc__harmonics_index(degree, l, m);
            double by = -earth.radius / sqrt((double)(l * (l + 1)));
            for (int c = 0; c < 2; c++) {
                gradient[i][c] = by * fc__layer_divergence(layer)[i][c];
                curl[i][c] = by * fc__layer_vorticity(layer)[i][c];
            }
        }
    }
    fc__harmonics_vector_values(harmonics, gradient, curl, south, east);
    fc__harmonics_values(harmonics, fc__layer_height(layer), height);
    *kinetic = 0.0;
    for (size_t p = 0; p < points; p++) {
        double weight = fc__harmonics_weights(harmonics)[p / fc__layer_longitudes(layer)];
        double square = south[p] * south[p] + east[p] * east[p];
        *kinetic += 0.5 * weight * (earth.depth + height[p]) * square;
        sum += 0.5 * weight * earth.gravity * height[p] * height[p];
    }
    void *all[] = {gradient, curl, south, east, height};
    for (size_t k = 0; k < 5; k++)
        free(all[k]);
    return sum + *kinetic;
}

/* The Rossby-Haurwitz wave, case 6 of Williamson et al. 1992 (eq. 141-149), by its stream function,
 * with a height that starts in balance. */
static void set_rossby_haurwitz(fc__layer *layer)
{
    const double radius = 6.37122e6, omega = 7.848e-6, k = 7.848e-6, r = 4.0;
    size_t points = points_of(layer);
    double *south = new_values(points), *east = new_values(points);
    for (size_t p = 0; p < points; p++) {
        double phi = latitude_of(layer, p), lambda = longitude_of(layer, p), c = cos(phi);
        east[p] = radius * omega * c + radius * k * pow(c, r - 1.0) *
                                           (r * sin(phi) * sin(phi) - c * c) * cos(r * lambda);
        south[p] = radius * k * r * pow(c, r - 1.0) * sin(phi) * sin(r * lambda);
    }
    fc__layer_set(layer, south, east, NULL);
    free(south);
    free(east);
}

static void energy_and_mass_are_conserved_without_viscosity(void **state)
{
    double kinetic, ignored;
    fc__layer *layer = make_layer(*state, 42, 0.0);
    set_rossby_haurwitz(layer);
    double before = energy_of(layer, &kinetic), mass = fc__layer_height(layer)[0][0];
    double *first = values_of(layer);
    CHECK(fc__layer_advance(*state, layer, 43200.0, 0.0, NULL));
    double *last = values_of(layer);
    double drift = fabs(energy_of(layer, &ignored) - before) / kinetic;
    if (!(drift < tolerance.energy))
        fail_msg("energy drifts by %.2e", drift);
    double largest = largest_of(points_of(layer), first);
    assert_true(fabs(fc__layer_height(layer)[0][0] - mass) < tolerance.mass * largest);
    assert_true(difference(points_of(layer), last, first) > 0.1); /* it has moved */
    free(first);
    free(last);
    fc__layer_destroy(layer);
}

static void method_is_of_order_four(void **state)
{
    double *reference = NULL, error[2] = {0};
    static const double steps[3] = {112.5, 900.0, 450.0};
    for (size_t i = 0; i < 3; i++) {
        fc__layer *layer = make_layer(*state, 21, 0.0);
        set_rossby_haurwitz(layer);
        CHECK(fc__layer_advance(*state, layer, 10800.0, steps[i], NULL));
        double *values = values_of(layer);
        if (i)
            error[i - 1] = difference(points_of(layer), values, reference);
        if (i)
            free(values);
        else
            reference = values;
        fc__layer_destroy(layer);
    }
    double order = log2(error[0] / error[1]);
    if (!(fabs(order - 4.0) < tolerance.order))
        fail_msg("order %.3f, errors %.2e and %.2e", order, error[0], error[1]);
    free(reference);
}

/* ---------------------------------------------------------------- what can go wrong */

static void flow_that_blows_up_is_a_failure_that_tells_how_far_it_came(void **state)
{
    fc__layer *layer = make_layer(*state, 15, 0.0);
    double elapsed = -1.0;
    start_jets(layer, 1e5, 0.0);
    assert_int_equal(fc__layer_advance(*state, layer, 1e7, 0.0, &elapsed), FC_ERROR_SOLVER);
    assert_true(elapsed >= 0.0 && elapsed < 1e7);
    fc__layer_destroy(layer);
}

static void interrupt_stops_before_the_next_step(void **state)
{
    fc_context *context;
    double elapsed = -1.0;
    (void)state;
    CHECK(fc_context_create(1, &context));
    fc__layer *layer = make_layer(context, 15, 1e5);
    start_jets(layer, 80.0, 0.0);
    fc_context_interrupt(context);
    assert_int_equal(fc__layer_advance(context, layer, 1e5, 0.0, &elapsed), FC_INTERRUPTED);
    assert_true(elapsed == 0.0);
    assert_int_equal(fc__layer_steps(layer), 0);
    fc__layer_destroy(layer);
    fc_context_destroy(context);
}

static void still_water_stays_still(void **state)
{
    fc__layer *layer = make_layer(*state, 15, 1e5);
    CHECK(fc__layer_advance(*state, layer, 9000.0, 0.0, NULL));
    assert_int_equal(fc__layer_steps(layer), 10);
    double *values = values_of(layer);
    assert_true(largest_of(2 * points_of(layer), values) == 0.0);
    free(values);
    fc__layer_destroy(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solid_rotation_about_any_axis_stays),
        cmocka_unit_test(balanced_jets_stay),
        cmocka_unit_test(small_waves_swing_at_their_frequency),
        cmocka_unit_test(small_vortices_decay_at_the_rate_of_vectors),
        cmocka_unit_test(perturbed_jets_match_the_independent_reference),
        cmocka_unit_test(energy_and_mass_are_conserved_without_viscosity),
        cmocka_unit_test(method_is_of_order_four),
        cmocka_unit_test(flow_that_blows_up_is_a_failure_that_tells_how_far_it_came),
        cmocka_unit_test(interrupt_stops_before_the_next_step),
        cmocka_unit_test(still_water_stays_still),
    };
    return RUN_ON_THE_SPHERE(tests);
}
