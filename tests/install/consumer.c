/* A program that knows fieldcast only as installed: it makes a small flow, and asks for one that is
 * impossible. */
#include <fieldcast.h>

#include <math.h>
#include <stdio.h>

int main(void)
{
    fc_context *context = NULL;
    fc_dataset *flow = NULL;
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    config.sequences = 1;
    config.frames = 2;
    config.grid = 16;
    config.burn_in = 1;

    bool good = fc_context_create(1, &context) == FC_OK &&
                fc_navier_stokes_generate(context, &config, &flow) == FC_OK &&
                flow->sequence_count == 1 && isfinite(flow->sequences[0].frames[1].values[0]);
    fc_dataset_destroy(flow);

    config.viscosity = -1;
    good = good && fc_navier_stokes_generate(context, &config, &flow) != FC_OK && !flow;
    printf("fieldcast %s: %s\n", fc_version(),
           context ? fc_context_message(context) : "no context");
    fc_context_destroy(context);
    return good ? 0 : 1;
}
