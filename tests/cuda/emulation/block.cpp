/* block.cpp: runs the blocks of a grid one after the other, the threads of a block as fibers that
 * run up to their next wait. */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include "fiber.h"
#include "internal.h"
#include "sanitizer.h"

alignas(128) unsigned char fc__shared_bytes[emulation::shared_capacity];
uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emulation
{

/* One operation of a warp, from its first lane's coming until its last lane's next operation. */
struct rendezvous {
    alignas(16) unsigned char slots[32][exchange_bytes];
    const char *operation;
    unsigned mask, arrived, holders; /* holders: lanes that may still read the slots */
};

struct pending_copy {
    void *shared;
    const void *global;
    size_t bytes;
    bool valid;
    unsigned group;
};

enum class state { fresh, ready, at_block, at_warp, returned };

struct thread {
    emulation::fiber fiber;
    emulation::state state;
    uint3 index;
    rendezvous *held; /* of its last operation, or the one that it waits for */
    std::vector<pending_copy> copies;
    unsigned groups; /* of copies, committed */
};

struct warp {
    unsigned count, living;
    std::vector<rendezvous *> open;
};

static struct {
    dim3 grid, block;
    size_t shared_bytes;
    const work *kernel;
    size_t count; /* of threads */
    std::vector<thread> threads;
    std::vector<warp> warps;
    std::vector<size_t> warp_order;
    unsigned lane_order[32];
    thread *current;
} running;

static std::vector<std::unique_ptr<rendezvous>> all_rendezvous;
static std::vector<rendezvous *> spare_rendezvous;

[[noreturn]] static void stop(const char *format, const char *operation, unsigned mask = 0)
{
    fprintf(stderr, "emulation: block (%u, %u, %u)", blockIdx.x, blockIdx.y, blockIdx.z);
    if (running.current) {
        fprintf(stderr, ", thread (%u, %u, %u)", threadIdx.x, threadIdx.y, threadIdx.z);
    }
    fprintf(stderr, ": ");
    fprintf(stderr, format, operation, mask);
    fprintf(stderr, "\n");
    abort();
}

static thread &current(const char *operation)
{
    if (!running.current) {
        fprintf(stderr, "emulation: %s outside of a kernel\n", operation);
        abort();
    }
    return *running.current;
}

static size_t number_of(const thread &self)
{
    return (size_t)(&self - running.threads.data());
}

static void suspend(thread &self, state why)
{
    self.state = why;
    fiber_suspend(&self.fiber);
}

/* ---------------------------------------------------------------- waiting in a block */

void wait_for_block()
{
    suspend(current("__syncthreads"), state::at_block);
}

/* ---------------------------------------------------------------- waiting in a warp */

unsigned lane()
{
    return (unsigned)(number_of(current("a warp operation")) % 32);
}

unsigned living_lanes()
{
    return running.warps[number_of(current("__activemask")) / 32].living;
}

static void let_go(thread &self)
{
    if (self.held && --self.held->holders == 0) {
        spare_rendezvous.push_back(self.held);
    }
    self.held = nullptr;
}

static rendezvous *find_rendezvous(warp &warp, unsigned mask, const char *operation)
{
    for (rendezvous *open : warp.open) {
        if (open->mask == mask) {
            return open;
        }
    }
    if (spare_rendezvous.empty()) {
        all_rendezvous.push_back(std::make_unique<rendezvous>());
        spare_rendezvous.push_back(all_rendezvous.back().get());
    }
    rendezvous *fresh = spare_rendezvous.back();
    spare_rendezvous.pop_back();
    fresh->operation = operation;
    fresh->mask = mask;
    fresh->arrived = fresh->holders = 0;
    warp.open.push_back(fresh);
    return fresh;
}

/* Lets the lanes go on if all of them have come. */
static bool complete(warp &warp, rendezvous *meeting)
{
    if (meeting->arrived != (meeting->mask & warp.living)) {
        return false;
    }
    warp.open.erase(std::find(warp.open.begin(), warp.open.end(), meeting));
    thread *lanes = &running.threads[(size_t)(&warp - running.warps.data()) * 32];
    for (unsigned i = 0; i < 32; i++) {
        if (!(meeting->arrived >> i & 1)) {
            memset(meeting->slots[i], 0xFF, sizeof meeting->slots[i]);
        } else if (lanes[i].state == state::at_warp && lanes[i].held == meeting) {
            lanes[i].state = state::ready;
        }
    }
    return true;
}

exchange_slots exchange(unsigned mask, const char *operation, const void *value, size_t bytes)
{
    thread &self = current(operation);
    warp &warp = running.warps[number_of(self) / 32];
    unsigned own = (unsigned)(number_of(self) % 32);
    if (!(mask >> own & 1)) {
        stop("%s: mask 0x%08x lacks the lane itself", operation, mask);
    }
    let_go(self);
    rendezvous *meeting = find_rendezvous(warp, mask, operation);
    if (meeting->operation != operation && strcmp(meeting->operation, operation) != 0) {
        fprintf(stderr, "emulation: other lanes are at %s\n", meeting->operation);
        stop("lanes of one mask meet at different operations: %s, mask 0x%08x", operation, mask);
    }
    if (bytes > 0) {
        memcpy(meeting->slots[own], value, bytes);
    }
    meeting->arrived |= 1u << own;
    meeting->holders++;
    self.held = meeting;
    if (!complete(warp, meeting)) {
        suspend(self, state::at_warp);
    }
    return meeting->slots;
}

void require_capability(int major, const char *operation)
{
    if (properties().major < major) {
        stop("%s: traps on a device below compute capability %u", operation, (unsigned)major);
    }
}

/* ---------------------------------------------------------------- cp.async */

void copy_async(void *shared, const void *global, size_t bytes, bool valid)
{
    thread &self = current("cp.async");
    size_t offset = (size_t)((unsigned char *)shared - fc__shared_bytes);
    if (offset > running.shared_bytes || running.shared_bytes - offset < bytes) {
        stop("%s: outside of the block's shared memory", "cp.async");
    }
    if (((uintptr_t)shared | (uintptr_t)global) % bytes != 0) {
        stop("%s: misaligned address", "cp.async");
    }
    self.copies.push_back({shared, global, bytes, valid, self.groups});
}

void copy_commit()
{
    current("cp.async.commit_group").groups++;
}

void copy_wait(unsigned pending_groups)
{
    thread &self = current("cp.async.wait_group");
    size_t left = 0;
    for (const pending_copy &copy : self.copies) {
        if (copy.group + pending_groups >= self.groups) {
            self.copies[left++] = copy;
        } else if (copy.valid) {
            memcpy(copy.shared, copy.global, copy.bytes);
        } else {
            memset(copy.shared, 0, copy.bytes);
        }
    }
    self.copies.resize(left);
}

/* ---------------------------------------------------------------- order */

static unsigned order_seed = [] {
    const char *order = getenv("FC_EMULATION_ORDER");
    return order ? (unsigned)strtoul(order, nullptr, 10) : 0;
}();
static uint64_t random_state;

static size_t random_below(size_t bound)
{
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t bits = (random_state ^ random_state >> 30) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBu;
    return (size_t)((bits ^ bits >> 31) % bound);
}

template <typename T> static void put_in_order(T *order, size_t count)
{
    std::iota(order, order + count, (T)0);
    if (order_seed == 1) {
        std::reverse(order, order + count);
    } else if (order_seed > 1) {
        for (size_t i = count; i > 1; i--) {
            std::swap(order[i - 1], order[random_below(i)]);
        }
    }
}

/* Blocks too many to list are shuffled by a stride that has no divisor in common with their
 * number. */
struct block_order {
    size_t count, start = 0, stride = 1;

    explicit block_order(size_t blocks) : count(blocks)
    {
        if (order_seed == 1) {
            start = stride = count - 1;
        } else if (order_seed > 1) {
            start = random_below(count);
            do {
                stride = 1 + random_below(count);
            } while (std::gcd(stride, count) != 1);
        }
    }
    size_t operator[](size_t i) const
    {
        return (size_t)((start + (unsigned __int128)i * stride) % count);
    }
};

/* ---------------------------------------------------------------- running */

static void run_thread()
{
    (*running.kernel)();
}

static void after_return(thread &self)
{
    self.state = state::returned;
    let_go(self);
    warp &warp = running.warps[number_of(self) / 32];
    warp.living &= ~(1u << number_of(self) % 32);
    /* A completed meeting leaves the list, so the walk goes backwards. */
    for (size_t i = warp.open.size(); i-- > 0;) {
        complete(warp, warp.open[i]);
    }
}

/* Runs each lane that can up to its next wait; false if none could. */
static bool run_lanes(size_t warp_number)
{
    bool any = false;
    for (unsigned own : running.lane_order) {
        size_t number = warp_number * 32 + own;
        if (number >= running.count) {
            continue;
        }
        thread &self = running.threads[number];
        if (self.state == state::fresh) {
            fiber_start(&self.fiber, run_thread);
        } else if (self.state != state::ready) {
            continue;
        }
        any = true;
        self.state = state::ready;
        threadIdx = self.index;
        running.current = &self;
        fiber_resume(&self.fiber);
        running.current = nullptr;
        if (self.fiber.done) {
            after_return(self);
        }
    }
    return any;
}

[[noreturn]] static void report_deadlock()
{
    unsigned told = 0;
    for (const thread &self : running.threads) {
        if (number_of(self) < running.count && told < 40 && self.state == state::at_warp) {
            unsigned living = running.warps[number_of(self) / 32].living;
            fprintf(stderr,
                    "emulation: thread (%u, %u, %u) waits at %s, mask 0x%08x, for lanes 0x%08x\n",
                    self.index.x, self.index.y, self.index.z, self.held->operation, self.held->mask,
                    self.held->mask & living & ~self.held->arrived);
            told++;
        }
    }
    size_t at_block = 0;
    for (size_t i = 0; i < running.count; i++) {
        at_block += running.threads[i].state == state::at_block;
    }
    fprintf(stderr, "emulation: %zu of %zu threads wait at __syncthreads\n", at_block,
            running.count);
    stop("%s: no thread can go on", "deadlock");
}

/* Opens the barrier when all that have not returned wait there; false if all have returned. */
static bool pass_barrier()
{
    size_t waiting = 0, returned = 0;
    for (size_t i = 0; i < running.count; i++) {
        waiting += running.threads[i].state == state::at_block;
        returned += running.threads[i].state == state::returned;
    }
    if (returned == running.count) {
        return false;
    }
    if (waiting + returned != running.count) {
        report_deadlock();
    }
    for (size_t i = 0; i < running.count; i++) {
        if (running.threads[i].state == state::at_block) {
            running.threads[i].state = state::ready;
        }
    }
    return true;
}

static void run_block()
{
    memset(fc__shared_bytes, 0xFF, running.shared_bytes);
    for (size_t i = 0; i < running.count; i++) {
        thread &self = running.threads[i];
        self.state = state::fresh;
        self.held = nullptr;
        self.copies.clear();
        self.groups = 0;
    }
    for (size_t i = 0; i < running.warps.size(); i++) {
        size_t count = std::min<size_t>(32, running.count - i * 32);
        running.warps[i].living = (unsigned)((1ull << count) - 1);
    }
    put_in_order(running.lane_order, 32);
    do {
        put_in_order(running.warp_order.data(), running.warp_order.size());
        for (size_t i : running.warp_order) {
            while (run_lanes(i)) {
            }
        }
    } while (pass_barrier());
}

static void prepare_threads(dim3 block)
{
    running.count = (size_t)block.x * block.y * block.z;
    if (running.threads.size() < running.count) {
        running.threads.resize(running.count);
    }
    for (size_t i = 0; i < running.count; i++) {
        running.threads[i].index = {(unsigned)(i % block.x), (unsigned)(i / block.x % block.y),
                                    (unsigned)(i / block.x / block.y)};
    }
    running.warps.resize((running.count + 31) / 32);
    running.warp_order.resize(running.warps.size());
}

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const work &kernel)
{
    gridDim = grid;
    blockDim = block;
    running.shared_bytes = shared_bytes;
    running.kernel = &kernel;
    prepare_threads(block);
    random_state = order_seed;
    __asan_poison_memory_region(fc__shared_bytes + shared_bytes, shared_capacity - shared_bytes);
    block_order order((size_t)grid.x * grid.y * grid.z);
    for (size_t i = 0; i < order.count; i++) {
        size_t number = order[i];
        blockIdx = {(unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y),
                    (unsigned)(number / grid.x / grid.y)};
        run_block();
    }
    __asan_unpoison_memory_region(fc__shared_bytes, shared_capacity);
}

} // namespace emulation

extern "C" void fc_emulation_set_order(unsigned seed)
{
    std::lock_guard<std::recursive_mutex> guard(emulation::mutex());
    emulation::order_seed = seed;
}
