/* fiber.h: threads that take turns on one thread of the processor. */
#ifndef FC_EMULATION_FIBER_H
#define FC_EMULATION_FIBER_H

namespace emulation
{

struct stack;

struct fiber {
    stack *where = nullptr; /* while it runs or waits */
    bool done = false;      /* has returned */
};

/* Prepares `fiber` to call `entry` when first resumed. */
void fiber_start(fiber *fiber, void (*entry)());
/* Runs `fiber` until it suspends itself or returns. */
void fiber_resume(fiber *fiber);
/* Called by the running fiber: back to who resumed it. */
void fiber_suspend(fiber *fiber);

} // namespace emulation

#endif
