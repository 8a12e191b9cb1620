#include "ode/neighbours.h"

#include <stdlib.h>
#include <string.h>

static void swap_places(fc__neighbours *n, size_t a, size_t b)
{
    size_t order = n->order[a];
    n->order[a] = n->order[b];
    n->order[b] = order;
    for (size_t k = 0; k < n->dims; k++) {
        double x = n->place[a * n->dims + k];
        n->place[a * n->dims + k] = n->place[b * n->dims + k];
        n->place[b * n->dims + k] = x;
    }
}

static size_t widest_axis(const fc__neighbours *n, size_t begin, size_t end)
{
    size_t widest = 0;
    double most = -1.0;
    for (size_t k = 0; k < n->dims; k++) {
        double least = n->place[begin * n->dims + k], greatest = least;
        for (size_t i = begin; i < end; i++) {
            double x = n->place[i * n->dims + k];
            least = x < least ? x : least;
            greatest = x > greatest ? x : greatest;
        }
        if (greatest - least > most) {
            most = greatest - least;
            widest = k;
        }
    }
    return widest;
}

/* Hoare's selection: what lies before `middle` is not greater than it, what follows not smaller. */
static void select_middle(fc__neighbours *n, size_t begin, size_t end, size_t middle, size_t axis)
{
    while (end - begin > 1) {
        double pivot = n->place[(begin + (end - begin - 1) / 2) * n->dims + axis];
        size_t i = begin, j = end - 1;
        while (i < j) {
            while (n->place[i * n->dims + axis] < pivot)
                i++;
            while (n->place[j * n->dims + axis] > pivot)
                j--;
            if (i < j)
                swap_places(n, i++, j--);
        }
        /* j + 1 parts what is not greater from what is not smaller, unless they met at i = j on a
         * place that is greater. */
        size_t split = i == j && n->place[i * n->dims + axis] > pivot ? i : j + 1;
        if (middle < split)
            end = split;
        else
            begin = split;
    }
}

static void build(fc__neighbours *n, size_t begin, size_t end)
{
    while (end - begin > 1) {
        size_t middle = begin + (end - begin) / 2, axis = widest_axis(n, begin, end);
        select_middle(n, begin, end, middle, axis);
        n->axis[middle] = (unsigned char)axis;
        build(n, begin, middle);
        begin = middle + 1;
    }
}

fc_status fc__neighbours_create(fc_context *context, size_t count, size_t dims, const double *place,
                                fc__neighbours *neighbours)
{
    fc_status status = FC_OK;
    *neighbours = (fc__neighbours){.count = count, .dims = dims};
    FC_NEW(context, &neighbours->place, fc__product(count, dims));
    FC_NEW(context, &neighbours->order, count);
    FC_NEW(context, &neighbours->axis, count);
    memcpy(neighbours->place, place, count * dims * sizeof *place);
    for (size_t i = 0; i < count; i++)
        neighbours->order[i] = i;
    build(neighbours, 0, count);
done:
    if (status != FC_OK)
        fc__neighbours_clear(neighbours);
    return status;
}

void fc__neighbours_clear(fc__neighbours *neighbours)
{
    free(neighbours->place);
    free(neighbours->order);
    free(neighbours->axis);
    *neighbours = (fc__neighbours){0};
}

/* The nearest so far. */
typedef struct search {
    const fc__neighbours *tree;
    const double *x;
    size_t most, found, *index;
    double *square;
} search;

static void consider(search *s, size_t at)
{
    const double *place = s->tree->place + at * s->tree->dims;
    size_t index = s->tree->order[at], k;
    double square = 0.0;
    for (size_t i = 0; i < s->tree->dims; i++)
        square += (s->x[i] - place[i]) * (s->x[i] - place[i]);
    if (s->found == s->most && square > s->square[s->most - 1])
        return;
    for (k = s->found; k > 0; k--) {
        bool before =
            square < s->square[k - 1] || (square == s->square[k - 1] && index < s->index[k - 1]);
        if (!before)
            break;
        if (k < s->most) {
            s->square[k] = s->square[k - 1];
            s->index[k] = s->index[k - 1];
        }
    }
    if (k == s->most)
        return;
    s->square[k] = square;
    s->index[k] = index;
    s->found += s->found < s->most;
}

static void descend(search *s, size_t begin, size_t end)
{
    while (end > begin) {
        size_t middle = begin + (end - begin) / 2;
        consider(s, middle);
        size_t axis = s->tree->axis[middle];
        double beyond = s->x[axis] - s->tree->place[middle * s->tree->dims + axis];
        size_t near_begin = beyond < 0.0 ? begin : middle + 1;
        size_t near_end = beyond < 0.0 ? middle : end;
        descend(s, near_begin, near_end);
        if (s->found == s->most && beyond * beyond > s->square[s->most - 1])
            return;
        begin = beyond < 0.0 ? middle + 1 : begin;
        end = beyond < 0.0 ? end : middle;
    }
}

size_t fc__neighbours_find(const fc__neighbours *neighbours, const double *x, size_t most,
                           size_t *index, double *square)
{
    search s = {.tree = neighbours, .x = x, .most = most, .index = index, .square = square};
    if (most)
        descend(&s, 0, neighbours->count);
    return s.found;
}
