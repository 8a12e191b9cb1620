#include "io/read/file_pattern.h"
#include "io/dataset_file.h"
#include "io/read/cf_time.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OPEN = 64 }; /* files at a time */

typedef struct member {
    char *path;
    fc_dataset *dataset; /* NULL while closed */
    uint64_t used;       /* when it was last read from */
    size_t frame_count;  /* of all sequences, to know the file again */
} member;

/* Frames of one file within a sequence of the whole. */
typedef struct segment {
    size_t member, sequence; /* of the file */
    size_t begin;            /* frame of the whole that is frame 0 of the file */
} segment;

/* A sequence of the whole while it is put together. */
typedef struct series {
    size_t segment_count, frame_count;
    segment *segments;
    double *times; /* (frame_count) */
    size_t *sets;  /* (frame_count) */
} series;

typedef struct collection {
    fc_read_config config; /* of every file; texts are copies */
    char *variables, *where;
    size_t member_count, open_count;
    uint64_t clock;
    member *members;
    size_t series_count;
    series *all;
    size_t set_count; /* of the file before */
    size_t *sets;     /* (set_count) their numbers in the whole */
    fc_dataset *dataset;
} collection;

bool fc__is_pattern(const char *path)
{
    return strpbrk(path, "*?[") && access(path, F_OK) != 0;
}

/* ---------------------------------------------------------------- files */

static void collection_destroy(void *user)
{
    collection *in = user;
    for (size_t i = 0; in->members && i < in->member_count; i++) {
        fc_dataset_destroy(in->members[i].dataset);
        free(in->members[i].path);
    }
    for (size_t s = 0; s < in->series_count; s++) {
        free(in->all[s].segments);
        free(in->all[s].times);
        free(in->all[s].sets);
    }
    free(in->members);
    free(in->all);
    free(in->sets);
    free(in->variables);
    free(in->where);
    free(in);
}

static fc_status find_files(fc_context *context, const char *pattern, glob_t *found)
{
    int result = glob(pattern, 0, NULL, found);
    if (result == GLOB_NOMATCH)
        return fc__fail(context, FC_ERROR_IO, "%s: no file matches this pattern", pattern);
    if (result != 0)
        return fc__fail(context, result == GLOB_NOSPACE ? FC_ERROR_MEMORY : FC_ERROR_IO,
                        "%s: the files cannot be listed", pattern);
    return FC_OK;
}

fc_status fc__pattern_first(fc_context *context, const char *path, char **first)
{
    fc_status status = FC_OK;
    glob_t found = {0};
    if (!fc__is_pattern(path))
        return fc__copy_text(context, path, first);
    FC_TRY(find_files(context, path, &found));
    FC_TRY(fc__copy_text(context, found.gl_pathv[0], first));
done:
    globfree(&found);
    return status;
}

static fc_status find_members(fc_context *context, const char *pattern, collection *in)
{
    fc_status status = FC_OK;
    glob_t found = {0};
    FC_TRY(find_files(context, pattern, &found));
    FC_NEW(context, &in->members, found.gl_pathc);
    for (size_t i = 0; i < found.gl_pathc; i++)
        FC_TRY(fc__copy_text(context, found.gl_pathv[i], &in->members[in->member_count++].path));
done:
    globfree(&found);
    return status;
}

static void close_oldest(collection *in)
{
    member *oldest = NULL;
    for (size_t i = 0; i < in->member_count; i++)
        if (in->members[i].dataset && (!oldest || in->members[i].used < oldest->used))
            oldest = &in->members[i];
    fc_dataset_destroy(oldest->dataset);
    oldest->dataset = NULL;
    in->open_count--;
}

static size_t count_frames(const fc_dataset *dataset)
{
    size_t frames = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        frames += dataset->sequences[s].frame_count;
    return frames;
}

static fc_status open_member(fc_context *context, collection *in, member *file,
                             fc__file_traits *traits)
{
    file->used = ++in->clock;
    if (file->dataset)
        return FC_OK;
    if (in->open_count == MOST_OPEN)
        close_oldest(in);
    fc_status status = fc__file_open(context, file->path, &in->config, &file->dataset, traits);
    in->open_count += status == FC_OK;
    return status;
}

/* ---------------------------------------------------------------- one out of many */

/* What differs between the first file and this one, NULL when they belong together. */
static const char *difference(const fc_dataset *first, const fc_dataset *other)
{
    if (first->domain.dims != other->domain.dims)
        return "the number of axes";
    for (size_t i = 0; i < first->domain.dims; i++) {
        const fc_axis *a = &first->domain.axis[i], *b = &other->domain.axis[i];
        if (strcmp(a->name, b->name) != 0 || a->kind != b->kind || strcmp(a->units, b->units) != 0)
            return "an axis or its units";
        if (a->kind == FC_AXIS_PERIODIC && (a->lower != b->lower || a->upper != b->upper))
            return "the period of an axis";
    }
    if (first->channel_count != other->channel_count)
        return "the number of variables";
    for (size_t c = 0; c < first->channel_count; c++) {
        const fc_channel *a = &first->channels[c], *b = &other->channels[c];
        if (strcmp(a->name, b->name) != 0)
            return "the variables";
        if (strcmp(a->units, b->units) != 0)
            return "the units of a variable";
    }
    return first->record == other->record ? NULL : "whether they hold one record";
}

static bool same_points(const fc_points *a, const fc_points *b, size_t dims)
{
    return a->count == b->count && memcmp(a->grid, b->grid, sizeof a->grid) == 0 &&
           memcmp(a->coordinates, b->coordinates, a->count * dims * sizeof *a->coordinates) == 0;
}

/* Point sets like those of the file before, or of the whole so far, are theirs. */
static fc_status add_sets(fc_context *context, collection *in, const fc_dataset *from)
{
    fc_status status = FC_OK;
    fc_dataset *whole = in->dataset;
    size_t *sets = NULL;
    FC_NEW(context, &sets, from->points_count);
    for (size_t p = 0; p < from->points_count; p++) {
        const fc_points *points = &from->points[p];
        size_t like = p < in->set_count ? in->sets[p] : SIZE_MAX;
        if (like != SIZE_MAX && same_points(points, &whole->points[like], whole->domain.dims))
            sets[p] = like;
        else
            FC_TRY(fc_dataset_add_points(context, whole, points->count, points->coordinates,
                                         points->grid[0] ? points->grid : NULL, &sets[p]));
    }
    free(in->sets);
    in->sets = sets;
    in->set_count = from->points_count;
    sets = NULL;
done:
    free(sets);
    return status;
}

static fc_status grow(fc_context *context, void *array, size_t count, size_t more, size_t size)
{
    void *old, *larger;
    memcpy(&old, array, sizeof old);
    fc_status status = fc__allocate(context, count + more, size, &larger);
    if (status != FC_OK)
        return status;
    if (count)
        memcpy(larger, old, count * size);
    free(old);
    memcpy(array, &larger, sizeof larger);
    return FC_OK;
}

/* Appends a sequence of file `number` to one of the whole, with times on the axis of the whole. */
static fc_status extend(fc_context *context, collection *in, size_t number, size_t sequence,
                        series *to)
{
    fc_status status = FC_OK;
    const member *file = &in->members[number];
    const fc_sequence *from = &file->dataset->sequences[sequence];
    size_t begin = to->frame_count, count = from->frame_count;
    FC_TRY(grow(context, &to->segments, to->segment_count, 1, sizeof *to->segments));
    to->segments[to->segment_count++] =
        (segment){.member = number, .sequence = sequence, .begin = begin};
    FC_TRY(grow(context, &to->times, begin, count, sizeof *to->times));
    FC_TRY(grow(context, &to->sets, begin, count, sizeof *to->sets));
    for (size_t f = 0; f < count; f++) {
        to->times[begin + f] = from->frames[f].time;
        to->sets[begin + f] = in->sets[from->frames[f].points];
    }
    status = fc__cf_convert_times(context, &file->dataset->time, &in->dataset->time, count,
                                  to->times + begin);
    if (status != FC_OK)
        FC_TRY(fc__fail(context, status, "%s: %s", file->path,
                        context ? fc_context_message(context) : ""));
    to->frame_count += count;
    if (begin && count && !(to->times[begin] > to->times[begin - 1])) {
        char first[64], last[64];
        fc_time_format(&in->dataset->time, to->times[begin], first, sizeof first);
        fc_time_format(&in->dataset->time, to->times[begin - 1], last, sizeof last);
        status = fc__fail(context, FC_ERROR_DATA,
                          "%s: begins at %s, which does not come after %s, where %s ends; files of "
                          "one record continue each other in the order of their names",
                          file->path, first, last,
                          in->members[to->segments[to->segment_count - 2].member].path);
    }
done:
    return status;
}

static fc_status add_member(fc_context *context, collection *in, size_t number)
{
    fc_status status = FC_OK;
    const member *file = &in->members[number];
    const fc_dataset *from = file->dataset;
    fc_domain *domain = &in->dataset->domain;
    const char *different = difference(in->dataset, from);
    if (different)
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: differs from %s in %s; files of one dataset "
                        "have the same axes and variables",
                        file->path, in->members[0].path, different);
    for (size_t i = 0; i < domain->dims; i++) {
        domain->axis[i].lower = fmin(domain->axis[i].lower, from->domain.axis[i].lower);
        domain->axis[i].upper = fmax(domain->axis[i].upper, from->domain.axis[i].upper);
    }
    FC_TRY(add_sets(context, in, from));
    bool continues = from->record && from->sequence_count == 1 && in->series_count == 1;
    for (size_t s = 0; s < from->sequence_count; s++) {
        if (!continues) {
            FC_TRY(grow(context, &in->all, in->series_count, 1, sizeof *in->all));
            in->series_count++;
        }
        FC_TRY(extend(context, in, number, s, &in->all[in->series_count - 1]));
    }
done:
    return status;
}

/* ---------------------------------------------------------------- reading */

static fc_status collection_read(void *user, fc_context *context, size_t sequence, size_t first,
                                 size_t count, float *const *values)
{
    collection *in = user;
    fc_status status = FC_OK;
    const series *from = &in->all[sequence];
    size_t next = 0;
    for (size_t f = first, end; f < first + count; f = end) {
        fc__file_traits traits = {0};
        while (next + 1 < from->segment_count && from->segments[next + 1].begin <= f)
            next++;
        const segment *part = &from->segments[next];
        member *file = &in->members[part->member];
        end = next + 1 < from->segment_count ? from->segments[next + 1].begin : from->frame_count;
        end = end < first + count ? end : first + count;
        FC_TRY(open_member(context, in, file, &traits));
        if (count_frames(file->dataset) != file->frame_count)
            FC_TRY(
                fc__fail(context, FC_ERROR_IO, "%s: has changed while it was in use", file->path));
        FC_TRY(file->dataset->reader.read(file->dataset->reader.user, context, part->sequence,
                                          f - part->begin, end - f, values + (f - first)));
    }
done:
    return status;
}

/* ---------------------------------------------------------------- the dataset */

static fc_status add_all(fc_context *context, collection *in, fc__file_traits *traits)
{
    fc_status status = FC_OK;
    size_t unit = 1;
    *traits = (fc__file_traits){0};
    for (size_t i = 0; i < in->member_count; i++) {
        member *file = &in->members[i];
        fc__file_traits own = {0};
        FC_TRY(open_member(context, in, file, &own));
        traits->drops_missing = traits->drops_missing || own.drops_missing;
        traits->forecast = traits->forecast || own.forecast;
        file->frame_count = count_frames(file->dataset);
        unit = file->dataset->reader.unit > unit ? file->dataset->reader.unit : unit;
        if (i == 0) {
            const fc_dataset *first = file->dataset;
            FC_TRY(fc_dataset_create(context, &first->domain, first->channel_count, &in->dataset));
            memcpy(in->dataset->channels, first->channels,
                   first->channel_count * sizeof *first->channels);
            in->dataset->time = first->time;
            in->dataset->record = first->record;
        }
        FC_TRY(add_member(context, in, i));
    }
    in->dataset->reader.unit = unit;
done:
    return status;
}

/* Sequences of the whole, and the cycle that a long record shows though its files may not. */
static fc_status finish(fc_context *context, collection *in, size_t max_frames)
{
    fc_status status = FC_OK;
    fc_time_axis *axis = &in->dataset->time;
    fc_sequence *sequence;
    for (size_t s = 0; s < in->series_count; s++) {
        series *all = &in->all[s];
        if (max_frames && max_frames < all->frame_count)
            all->frame_count = max_frames;
        FC_TRY(fc_dataset_add_unread(context, in->dataset, all->frame_count, all->times, all->sets,
                                     &sequence));
        if (s == 0 && in->dataset->record && all->segment_count > 1)
            FC_TRY(fc__cf_cycle(context, axis, all->frame_count, all->times, &axis->cycle));
        free(all->times);
        free(all->sets);
        all->times = NULL;
        all->sets = NULL;
    }
done:
    return status;
}

fc_status fc__pattern_open(fc_context *context, const char *pattern, const fc_read_config *config,
                           fc_dataset **dataset, fc__file_traits *traits)
{
    fc_status status = FC_OK;
    collection *in = NULL;
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_NEW(context, &in, 1);
    FC_TRY(fc__copy_text(context, config ? config->variables : NULL, &in->variables));
    FC_TRY(fc__copy_text(context, config ? config->where : NULL, &in->where));
    in->config = (fc_read_config){.variables = in->variables,
                                  .where = in->where,
                                  .max_frames = config ? config->max_frames : 0};
    FC_TRY(find_members(context, pattern, in));
    FC_TRY(add_all(context, in, traits));
    FC_TRY(finish(context, in, in->config.max_frames));
    made = in->dataset;
    made->reader.user = in;
    made->reader.read = collection_read;
    made->reader.destroy = collection_destroy;
    in->dataset = NULL;
    in = NULL;
    *dataset = made;
done:
    if (in) {
        fc_dataset_destroy(in->dataset);
        collection_destroy(in);
    }
    return status;
}
