/* filters.cuh: from coordinates to s(x) = [sin, cos](Omega x) inside kernels. Phases are formed and
 * reduced in double, as wave number times angle may reach hundreds; the sine is then float. */
#ifndef FC_CUDA_FILTERS_CUH
#define FC_CUDA_FILTERS_CUH

#include "cuda/device.cuh"

/* fc_domain_embed as kernels want it, handed to them by value. */
struct fc__embedding {
    int dims, inputs;
    int planar;                                     /* inputs of planar axes, which come first */
    int axis[FC_MAX_DIMS];                          /* of each planar input */
    double lower[FC_MAX_DIMS], factor[FC_MAX_DIMS]; /* input = factor (x - lower) */
    int longitude, latitude;                        /* axes, where there are more inputs */
};

fc__embedding fc__embedding_of(const fc_domain *domain);

/* x (dims) to inputs (inputs). */
__device__ inline void fc__embed(const fc__embedding &embedding, const double *x, double *inputs)
{
    for (int i = 0; i < embedding.planar; i++)
        inputs[i] = embedding.factor[i] * (x[embedding.axis[i]] - embedding.lower[i]);
    if (embedding.inputs == embedding.planar)
        return;
    double sin_lon, cos_lon, sin_lat, cos_lat;
    sincospi(x[embedding.longitude] / 180.0, &sin_lon, &cos_lon);
    sincospi(x[embedding.latitude] / 180.0, &sin_lat, &cos_lat);
    inputs += embedding.planar;
    inputs[0] = cos_lat * cos_lon;
    inputs[1] = cos_lat * sin_lon;
    inputs[2] = sin_lat;
}

/* (sine, cosine) of the phase omega . x */
__device__ inline float2 fc__filter(int inputs, const float *omega, const double *x)
{
    const double half_turns_per_radian = 0.31830988618379067154;
    double phase = 0.0;
#pragma unroll
    for (int j = 0; j < FC_MAX_INPUTS; j++)
        if (j < inputs)
            phase += static_cast<double>(omega[j]) * x[j];
    double half_turns = phase * half_turns_per_radian;
    half_turns -= 2.0 * rint(0.5 * half_turns);
    float2 s;
    sincospif(static_cast<float>(half_turns), &s.x, &s.y);
    return s;
}

#endif
