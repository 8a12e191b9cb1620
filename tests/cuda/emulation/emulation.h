/* emulation.h: what tests set on the emulated devices, and ask of them. */
#ifndef FC_EMULATION_H
#define FC_EMULATION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FC_EMULATION_MOST_DEVICES = 8 };

/* How many devices there are: 0 as on a machine without (cudaErrorNoDevice), -1 as on one without
 * driver (cudaErrorInsufficientDriver). At first 1. */
void fc_emulation_set_devices(int count);

/* The memory of each device; at first 4 GiB. */
void fc_emulation_set_memory(size_t bytes);

/* The devices' compute capability, and with it how much shared memory a block may have; at first
 * 9.0. */
void fc_emulation_set_capability(int major, int minor);

/* In which order the blocks of a grid and the threads of a block run up to their next wait: 0
 * forward, 1 reverse, any other a shuffle of that seed, so that a missing barrier shows. At first
 * as the environment's FC_EMULATION_ORDER says, else forward. */
void fc_emulation_set_order(unsigned seed);

/* The n-th call from now that a device can fail (allocation, copy, fill, launch, synchronisation,
 * creation of a stream, event, graph or handle, cuBLAS, cuSOLVER) does nothing but fail with
 * `error`, a cudaError_t; once. n = 0 calls that off. */
void fc_emulation_fail_after(size_t n, int error);

/* How many grids have run, alone or in a graph. Lets all streams finish first. */
size_t fc_emulation_launches(void);

/* Bytes of device memory allocated on all devices. Lets all streams finish first. */
size_t fc_emulation_allocated(void);

/* How many streams, events, graphs, handles of libraries and pieces of pinned memory there are. */
size_t fc_emulation_objects(void);

#ifdef __cplusplus
}
#endif
#endif
