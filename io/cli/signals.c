#include "io/cli/signals.h"

#include <signal.h>
#include <stddef.h>

/* The only state of the program outside its session: a handler takes no argument. */
static fc_context *volatile watched;
static volatile sig_atomic_t caught;

static void stop(int signal_number)
{
    caught = signal_number;
    if (watched)
        fc_context_interrupt(watched);
}

void cli_signals_watch(fc_context *context)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    watched = context;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void cli_signals_forget(void)
{
    watched = NULL;
}

int cli_signals_caught(void)
{
    return caught;
}
