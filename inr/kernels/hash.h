/* hash.h: 128 bits of XXH3, whose header holds the code for every level. */

static void hash(const void *data, size_t bytes, uint64_t half[2])
{
    XXH128_hash_t value = XXH3_128bits(data, bytes);
    half[0] = value.low64;
    half[1] = value.high64;
}
