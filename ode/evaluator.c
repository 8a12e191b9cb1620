#include "ode/evaluator.h"
#include "inr/support.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEW_ROWS = 8,   /* up to here an evaluation is the reading of weights */
    PATIENCE = 100, /* looks at the memory, about 5 us, before a slice is computed again */
    SPINS = 500,    /* and before the processor is offered to others */
    CACHE_LINE = 64 /* bytes; what threads write lies apart */
};

/* What a thread works with. `next` is the claim to hand out: the round of the evaluation and, in
 * the low bits, which of the slices [begin, end) that this member takes first, so that their
 * weights stay in its own cache. */
enum { SLICE_BITS = 16 };
typedef struct member {
    _Alignas(CACHE_LINE) atomic_uint_least64_t next;
    _Alignas(CACHE_LINE) size_t begin, end;
    uint64_t round; /* of z */
    float *z, *sum; /* (few rows, C) */
    float *scratch;
} member;

/* A thread may lose its processor at any time, so that no other may depend on it: a slice that is
 * not there in time is computed by whoever waits for it, and the first to raise its ticket to the
 * present round delivers. Late comers find the ticket raised. z is read under a sequence lock
 * (Boehm, MSPC 2012): a copy counts if the round is still the same afterwards. */
struct fc__evaluator {
    fc_field_config config;
    fc__field_weights weights;
    size_t members, slices;
    member *member;                 /* (members) */
    atomic_uint_least64_t *ticket;  /* (slices) last round delivered */
    float *sums;                    /* (slices, few rows, C) */
    float *z, *dz, *tape, *scratch; /* of more than few rows */
    _Atomic float *shared_z;        /* (few rows, C) */
    atomic_size_t rows;
    _Alignas(CACHE_LINE) atomic_uint_least64_t round;
    _Alignas(CACHE_LINE) atomic_size_t done;
    _Alignas(CACHE_LINE) atomic_bool closed;
};

static fc_status member_create(const fc__evaluator *e, size_t few, size_t index, member *m)
{
    fc_status status = FC_OK;
    fc__slice(e->slices, e->members, index, &m->begin, &m->end);
    atomic_init(&m->next, m->end); /* nothing to do yet */
    FC_NEW(NULL, &m->z, fc__product(few, e->config.codes));
    FC_NEW(NULL, &m->sum, fc__product(few, e->config.codes));
    FC_NEW(NULL, &m->scratch, fc__field_slice_scratch(few));
done:
    return status;
}

fc_status fc__evaluator_create(const fc_field_config *config, const fc__field_weights *weights,
                               size_t rows, size_t members, fc__evaluator **evaluator)
{
    fc_status status = FC_OK;
    fc__evaluator *made = NULL;
    size_t few = rows < FEW_ROWS ? rows : FEW_ROWS, codes = config->codes;
    *evaluator = NULL;
    FC_NEW(NULL, &made, 1);
    made->config = *config;
    made->weights = *weights;
    made->slices = fc__field_slices(config);
    made->members = members < made->slices ? members : made->slices;
    FC_NEW(NULL, &made->member, made->members);
    for (size_t m = 0; m < made->members; m++)
        FC_TRY(member_create(made, few, m, &made->member[m]));
    FC_NEW(NULL, &made->ticket, made->slices);
    FC_NEW(NULL, &made->sums, fc__product(made->slices, fc__product(few, codes)));
    FC_NEW(NULL, &made->shared_z, fc__product(few, codes));
    FC_NEW(NULL, &made->dz, fc__product(rows, codes));
    if (rows > FEW_ROWS) {
        FC_NEW(NULL, &made->z, fc__product(rows, codes));
        FC_NEW(NULL, &made->tape, fc__product(rows, fc__field_tape_width(config)));
        FC_NEW(NULL, &made->scratch, fc__product(rows, config->rank + config->hidden));
    }
    *evaluator = made;
    made = NULL;
done:
    fc__evaluator_destroy(made);
    return status;
}

void fc__evaluator_destroy(fc__evaluator *evaluator)
{
    if (!evaluator)
        return;
    for (size_t m = 0; evaluator->member && m < evaluator->members; m++) {
        free(evaluator->member[m].z);
        free(evaluator->member[m].sum);
        free(evaluator->member[m].scratch);
    }
    free(evaluator->member);
    free(evaluator->ticket);
    free(evaluator->sums);
    free(evaluator->shared_z);
    free(evaluator->z);
    free(evaluator->dz);
    free(evaluator->tape);
    free(evaluator->scratch);
    free(evaluator);
}

/* Copies z for the given round; false when that round is over. */
static bool fetch(fc__evaluator *e, member *m, uint64_t round)
{
    if (m->round == round)
        return true;
    size_t size = atomic_load_explicit(&e->rows, memory_order_relaxed) * e->config.codes;
    for (size_t i = 0; i < size; i++)
        m->z[i] = atomic_load_explicit(&e->shared_z[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&e->round, memory_order_relaxed) != round)
        return false;
    m->round = round;
    return true;
}

/* Computes a slice and delivers it unless another thread has. */
static void compute(fc__evaluator *e, member *m, uint64_t round, size_t slice)
{
    if (!fetch(e, m, round))
        return;
    uint64_t before = round - 1;
    size_t rows = atomic_load_explicit(&e->rows, memory_order_relaxed);
    size_t size = rows * e->config.codes;
    fc__field_slice(&e->config, &e->weights, rows, m->z, slice, m->sum, m->scratch);
    if (!atomic_compare_exchange_strong_explicit(&e->ticket[slice], &before, round,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    memcpy(e->sums + slice * size, m->sum, size * sizeof *m->sum);
    atomic_fetch_add_explicit(&e->done, 1, memory_order_release);
}

/* Computes slices of the present evaluation, the member's own and then what others have left, until
 * none is to be had; returns their number. */
static size_t work(fc__evaluator *e, size_t index)
{
    const uint64_t mask = ((uint64_t)1 << SLICE_BITS) - 1;
    size_t count = 0;
    for (size_t k = 0; k < e->members; k++) {
        member *from = &e->member[(index + k) % e->members];
        while ((atomic_load_explicit(&from->next, memory_order_relaxed) & mask) < from->end) {
            uint64_t claim = atomic_fetch_add_explicit(&from->next, 1, memory_order_acquire);
            if ((claim & mask) >= from->end)
                break;
            compute(e, &e->member[index], claim >> SLICE_BITS, claim & mask);
            count++;
        }
    }
    return count;
}

static void wait_a_moment(size_t *idle)
{
    if (++*idle > SPINS)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

/* Opens a round with z, first of all by its number: see fetch. */
static uint64_t begin_round(fc__evaluator *e, size_t rows, const double *z)
{
    member *own = &e->member[0];
    uint64_t round = ++own->round;
    atomic_store_explicit(&e->round, round, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&e->rows, rows, memory_order_relaxed);
    for (size_t i = 0; i < rows * e->config.codes; i++) {
        own->z[i] = (float)z[i];
        atomic_store_explicit(&e->shared_z[i], own->z[i], memory_order_relaxed);
    }
    atomic_store_explicit(&e->done, 0, memory_order_relaxed);
    for (size_t m = 0; m < e->members; m++)
        atomic_store_explicit(&e->member[m].next, round << SLICE_BITS | e->member[m].begin,
                              memory_order_release);
    return round;
}

static void run_few(fc__evaluator *e, size_t rows, const double *z)
{
    size_t size = rows * e->config.codes, idle = 0;
    uint64_t round = begin_round(e, rows, z);
    work(e, 0);
    while (atomic_load_explicit(&e->done, memory_order_acquire) < e->slices) {
        wait_a_moment(&idle);
        for (size_t slice = 0; idle == PATIENCE && slice < e->slices; slice++)
            if (atomic_load_explicit(&e->ticket[slice], memory_order_relaxed) != round)
                compute(e, &e->member[0], round, slice);
    }
    memcpy(e->dz, e->sums, size * sizeof *e->dz);
    for (size_t slice = 1; slice < e->slices; slice++) {
        const float *sum = e->sums + slice * size;
        for (size_t i = 0; i < size; i++)
            e->dz[i] += sum[i];
    }
}

void fc__evaluator_run(fc__evaluator *e, size_t rows, const double *z, double *dz)
{
    size_t size = rows * e->config.codes;
    if (rows <= FEW_ROWS) {
        run_few(e, rows, z);
    } else {
        for (size_t i = 0; i < size; i++)
            e->z[i] = (float)z[i];
        fc__field_forward(&e->config, &e->weights, rows, e->z, e->dz, e->tape, e->scratch);
    }
    for (size_t i = 0; i < size; i++)
        dz[i] = (double)e->dz[i];
}

void fc__evaluator_help(fc__evaluator *e, size_t index)
{
    size_t idle = 0;
    while (index < e->members && !atomic_load_explicit(&e->closed, memory_order_acquire))
        if (work(e, index) > 0)
            idle = 0;
        else
            wait_a_moment(&idle);
}

void fc__evaluator_close(fc__evaluator *e)
{
    atomic_store_explicit(&e->closed, true, memory_order_release);
}
