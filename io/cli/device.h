/* device.h: the choice of where a command computes. */
#ifndef FC_CLI_DEVICE_H
#define FC_CLI_DEVICE_H

#include "io/cli/options.h"

typedef struct cli_device {
    const char *name; /* "cpu", "cuda:0"; NULL = cpu */
    int precision;    /* place in CLI_PRECISIONS */
} cli_device;

#define CLI_PRECISIONS "tf32|fp32|bf16"
#define CLI_OPT_DEVICE(device)                                                                     \
    CLI_OPT_TEXT("--device", "cpu|cuda:N", &(device)->name, "where to compute"),                   \
        CLI_OPT_CHOICE("--precision", CLI_PRECISIONS, &(device)->precision,                        \
                       "factors of products on a CUDA device; sums are fp32 or better")

/* Lets the session's context, which has been started, compute there; FC_ERROR_USAGE for a name that
 * is none, FC_ERROR_DEVICE with the reason for a device that cannot be used. */
FC_NODISCARD fc_status cli_device_use(cli_session *session, const cli_device *device,
                                      const cli_syntax *syntax);

/* What `doctor` says of the devices: versions, memory, and why none can be used. */
void cli_devices_print(cli_session *session);
/* Whether device 0, where it can be used, forms the same basis as the processor. */
FC_NODISCARD fc_status cli_device_check(cli_session *session, const fc_decoder *decoder,
                                        const fc_points *points);

#endif
