/* check.h: what the parts of check.cpp share. */
#ifndef FC_EMULATION_CHECK_H
#define FC_EMULATION_CHECK_H

#include <cuda_runtime.h>
#include <stdio.h>
#include <vector>

#include "emulation.h"

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failures++;                                                                            \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition);  \
        }                                                                                          \
    } while (0)

template <typename T> struct device_array {
    T *data = nullptr;
    size_t count;

    explicit device_array(const std::vector<T> &values) : count(values.size())
    {
        size_t bytes = count * sizeof(T);
        CHECK(cudaMalloc(&data, bytes) == cudaSuccess);
        CHECK(cudaMemcpy(data, values.data(), bytes, cudaMemcpyHostToDevice) == cudaSuccess);
    }
    device_array(size_t size, T value) : device_array(std::vector<T>(size, value))
    {
    }
    device_array(const device_array &) = delete;
    ~device_array()
    {
        CHECK(cudaFree(data) == cudaSuccess);
    }
    /* After all that is in the streams. */
    std::vector<T> read() const
    {
        std::vector<T> values(count);
        CHECK(cudaDeviceSynchronize() == cudaSuccess);
        CHECK(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost) ==
              cudaSuccess);
        return values;
    }
};

#endif
