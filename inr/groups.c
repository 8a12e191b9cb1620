#include "inr/groups.h"

#include <stdlib.h>

static int by_points(const void *a, const void *b)
{
    const fc__place *x = a, *y = b;
    if (x->frame->points != y->frame->points)
        return x->frame->points < y->frame->points ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

fc_status fc__groups_create(fc_context *context, const fc__frames *frames, fc__groups *groups)
{
    fc_status status = FC_OK;
    *groups = (fc__groups){.dataset = frames->dataset};
    FC_NEW(context, &groups->place, frames->count);
    FC_NEW(context, &groups->group, frames->count);
    for (size_t f = 0; f < frames->count; f++)
        groups->place[f] = (fc__place){.frame = frames->frame[f], .order = f};
    qsort(groups->place, frames->count, sizeof *groups->place, by_points);
    for (size_t f = 0; f < frames->count; f++) {
        const fc__place *place = groups->place + f;
        if (f == 0 || !fc__same_observed(frames->dataset, place[-1].frame, place->frame))
            groups->group[groups->count++].begin = f;
        groups->group[groups->count - 1].end = f + 1;
    }
done:
    return status;
}

void fc__groups_clear(fc__groups *groups)
{
    free(groups->group);
    free(groups->place);
    *groups = (fc__groups){0};
}

static size_t points_of(const fc__groups *groups, size_t group)
{
    return groups->place[groups->group[group].begin].frame->points;
}

const fc_points *fc__groups_points(const fc__groups *groups, size_t group)
{
    return &groups->dataset->points[points_of(groups, group)];
}

size_t fc__groups_run(const fc__groups *groups, size_t begin, bool *shared)
{
    size_t end = begin + 1, count = groups->count;
    *shared = end < count && points_of(groups, begin) == points_of(groups, end);
    for (; end < count; end++)
        if ((points_of(groups, end) == points_of(groups, end - 1)) != *shared)
            break;
    return *shared || end == count ? end : end - (end - begin > 1);
}
