/* fiber.cpp: the switch between fibers, and their stacks. */
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "fiber.h"
#include "sanitizer.h"

#if defined(__x86_64__) && !defined(FC_EMULATION_UCONTEXT)
using machine_context = void *; /* the stack pointer; the rest lies on the stack */
#else
#include <ucontext.h>
using machine_context = ucontext_t;
#endif

namespace emulation
{

constexpr size_t stack_bytes = 256 << 10; /* of which only the touched pages cost memory */

/* A place to run; between two fibers it waits in run_fibers. */
struct stack {
    char *bottom, *top;
    machine_context context;
    void *asan_state = nullptr;
    void *tsan_fiber;

    explicit stack(size_t index);
    ~stack();
};

static std::vector<std::unique_ptr<stack>> all_stacks;
static std::vector<stack *> spare_stacks; /* the last used, warm one is used next */
static fiber *running;
static void (*running_entry)();
static machine_context resumer;

[[noreturn]] static void run_fibers();

/* ---------------------------------------------------------------- the switch */

#if defined(__x86_64__) && !defined(FC_EMULATION_UCONTEXT)

/* Saves what a call preserves on the stack, its pointer in *from, and goes on where the stack `to`
 * was left: swapcontext without its two system calls. */
extern "C" void fc_emulation_switch(void **from, void *to);
asm(R"(
    .text
    .globl fc_emulation_switch
    .hidden fc_emulation_switch
    .type fc_emulation_switch, @function
    .p2align 4
fc_emulation_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size fc_emulation_switch, .-fc_emulation_switch
)");

static void prepare(stack *stack)
{
    /* As the switch leaves a stack: six registers, then where to return to, here run_fibers, and
     * above it the return address of run_fibers, 0, which ends a backtrace. */
    void **top = (void **)(void *)stack->top;
    for (int i = 1; i <= 8; i++) {
        top[-i] = nullptr;
    }
    top[-2] = (void *)run_fibers;
    stack->context = top - 8;
}

static void swap(machine_context *from, machine_context *to)
{
    fc_emulation_switch(from, *to);
}

#else

static void prepare(stack *stack)
{
    getcontext(&stack->context);
    stack->context.uc_stack.ss_sp = stack->bottom;
    stack->context.uc_stack.ss_size = (size_t)(stack->top - stack->bottom);
    stack->context.uc_link = nullptr;
    makecontext(&stack->context, run_fibers, 0);
}

static void swap(machine_context *from, machine_context *to)
{
    swapcontext(from, to);
}

#endif

/* What the sanitizers must know of who resumes. */
static struct {
    const void *bottom;
    size_t bytes;
    void *asan_state, *tsan_fiber;
} resumer_stack;

static void enter(stack *stack)
{
    resumer_stack.tsan_fiber = __tsan_get_current_fiber();
    __sanitizer_start_switch_fiber(&resumer_stack.asan_state, stack->bottom, stack_bytes);
    __tsan_switch_to_fiber(stack->tsan_fiber, 0);
    swap(&resumer, &stack->context);
    __sanitizer_finish_switch_fiber(resumer_stack.asan_state, nullptr, nullptr);
}

static void leave(stack *stack)
{
    __sanitizer_start_switch_fiber(&stack->asan_state, resumer_stack.bottom, resumer_stack.bytes);
    __tsan_switch_to_fiber(resumer_stack.tsan_fiber, 0);
    swap(&stack->context, &resumer);
    __sanitizer_finish_switch_fiber(stack->asan_state, &resumer_stack.bottom, &resumer_stack.bytes);
}

/* ---------------------------------------------------------------- stacks */

/* The page below stays without access, so that an overflow stops there. */
stack::stack(size_t index)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0) {
        perror("emulation: stack of a fiber");
        abort();
    }
    bottom = (char *)memory + page;
    /* Tops at equal places within a page would all compete for the same few cache lines. */
    top = bottom + stack_bytes - index % 16 * 256;
    tsan_fiber = __tsan_create_fiber(0);
    prepare(this);
}

stack::~stack()
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    __tsan_destroy_fiber(tsan_fiber);
    munmap(bottom - page, stack_bytes + page);
}

static stack *take_stack()
{
    if (spare_stacks.empty()) {
        all_stacks.push_back(std::make_unique<stack>(all_stacks.size()));
        spare_stacks.push_back(all_stacks.back().get());
    }
    stack *taken = spare_stacks.back();
    spare_stacks.pop_back();
    return taken;
}

/* ---------------------------------------------------------------- fibers */

static void run_fibers()
{
    __sanitizer_finish_switch_fiber(nullptr, &resumer_stack.bottom, &resumer_stack.bytes);
    for (;;) {
        running_entry();
        running->done = true;
        leave(running->where);
    }
}

void fiber_start(fiber *fiber, void (*entry)())
{
    running_entry = entry;
    fiber->where = take_stack();
    fiber->done = false;
}

void fiber_resume(fiber *fiber)
{
    running = fiber;
    enter(fiber->where);
    if (fiber->done) {
        spare_stacks.push_back(fiber->where);
        fiber->where = nullptr;
    }
}

void fiber_suspend(fiber *fiber)
{
    leave(fiber->where);
}

} // namespace emulation
