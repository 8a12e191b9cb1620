/* signals.h: SIGINT and SIGTERM ask the running computation to stop; a second one ends the program
 * at once. */
#ifndef FC_CLI_SIGNALS_H
#define FC_CLI_SIGNALS_H

#include "inr/inr.h"

void cli_signals_watch(fc_context *context);
void cli_signals_forget(void);
/* The signal that was caught, 0 if none. */
int cli_signals_caught(void);

#endif
