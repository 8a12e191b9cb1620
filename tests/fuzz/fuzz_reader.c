/* fuzz_reader.c: libFuzzer target for one reader: a small file of its format (FC_FUZZ_SEEDS, names
 * under tests/golden) is changed as the fuzzer's bytes say and read in both ways. What is read must
 * come with a result or a message, never both; sanitizers watch the rest. */
#include "io/io.h"
#include "tests/fuzz/edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* HDF5 1.10 loses memory when it refuses to attach a scale. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

enum { MOST_SEEDS = 16, LARGEST_SEED = 1 << 20 };

typedef struct seed {
    size_t size;
    uint8_t *bytes;
} seed;

static seed load(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", FC_TEST_GOLDEN, name);
    FILE *file = fopen(path, "rb");
    seed made = {0, malloc(LARGEST_SEED)};
    if (!file || !made.bytes) {
        fprintf(stderr, "%s cannot be read\n", path);
        abort();
    }
    made.size = fread(made.bytes, 1, LARGEST_SEED, file);
    fclose(file);
    return made;
}

/* The seeds of this target, loaded once. */
static size_t load_seeds(seed *seeds)
{
    char names[] = FC_FUZZ_SEEDS, *rest = names;
    size_t count = 0;
    for (char *name = strtok_r(names, ",", &rest); name && count < MOST_SEEDS;
         name = strtok_r(NULL, ",", &rest))
        seeds[count++] = load(name);
    return count;
}

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static void read_both_ways(fc_context *context, const char *path, const fc_read_config *config)
{
    fc_dataset *dataset = NULL, *unread = NULL;
    fc_status status = fc_dataset_read(context, path, config, &dataset);
    must(status == FC_OK ? dataset != NULL : !dataset && fc_context_message(context)[0] != '\0',
         "a failure without a message, or with a result");
    fc_status opened = fc_dataset_open(context, path, config, &unread);
    must(opened == FC_OK || !unread, "open failed and gave a result");
    for (size_t s = 0; opened == FC_OK && s < unread->sequence_count; s++) {
        size_t frames = unread->sequences[s].frame_count;
        for (size_t f = 0; f < frames; f += 3)
            opened = fc_dataset_load(context, unread, s, f, frames - f < 3 ? frames - f : 3);
    }
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(unread);
}

static void read_model(fc_context *context, const char *path)
{
    fc_model *model = NULL;
    fc_training_state state = {0};
    bool unfinished = false;
    fc_status status = fc_model_read(context, path, &model, &state, &unfinished);
    must(status == FC_OK ? model != NULL : !model && fc_context_message(context)[0] != '\0',
         "a failure without a message, or with a model");
    fc_training_state_clear(&state);
    fc_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static seed seeds[MOST_SEEDS];
    static size_t count;
    static char path[64];
    static fc_context *context;
    if (!count) {
        must(fc_context_create(1, &context) == FC_OK, "no context");
        count = load_seeds(seeds);
        snprintf(path, sizeof path, "/dev/shm/fieldcast-fuzz-%ld.h5", (long)getpid());
    }
    const uint8_t which = size > 0 ? data[0] : 0, how = size > 1 ? data[1] : 0;
    const seed *chosen = &seeds[which % count];
    FILE *file = fopen(path, "wb");
    must(file && fwrite(chosen->bytes, 1, chosen->size, file) == chosen->size,
         "no room for a file");
    fclose(file);
    if (size > 2)
        fuzz_edit_file(path, data + 2, size - 2);
    fc_read_config config = {.complete = how & 1, .max_frames = how & 2 ? 2 : 0};
    fc_file_kind kind;
    if (fc_file_probe(context, path, &kind) == FC_OK && kind == FC_FILE_MODEL)
        read_model(context, path);
    else
        read_both_ways(context, path, &config);
    unlink(path);
    return 0;
}
