#include "io/io.h"

#include "io/hdf5/hdf5_file.h"

#include <math.h>

fc_status fc_forecast_start(fc_context *context, const char *path, double *time)
{
    fc__h5 h5 = {0};
    *time = NAN;
    fc_status status = fc__h5_open(context, path, &h5);
    if (status == FC_OK)
        fc__h5_get_double(h5.file, "observed_time", time);
    fc__h5_close(&h5);
    return status;
}
