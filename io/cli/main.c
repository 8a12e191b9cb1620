/* fieldcast: learns to forecast physical fields from observations at irregular points and times. */
#include "io/cli/cli.h"
#include "io/cli/signals.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct command {
    const char *name;
    cli_command_run *run;
    const char *summary;
} command;

static const command commands[] = {
    {"generate", cli_generate, "simulate a benchmark case into a data file"},
    {"info", cli_info, "say what a file holds and what can be done with it"},
    {"validate", cli_validate, "list all faults of a file"},
    {"train", cli_train, "learn a model from observed fields"},
    {"evaluate", cli_evaluate, "score a model's forecasts against data"},
    {"forecast", cli_forecast, "forecast from observations, at any points and times"},
    {"plot", cli_plot, "draw data, forecasts, films, models and results"},
    {"doctor", cli_doctor, "report the machine and libraries, and check that they work"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *file)
{
    fputs("fieldcast learns to forecast physical fields from observations at irregular points\n"
          "and times, and answers at any point and any time.\n"
          "\n"
          "Examples\n"
          "  fieldcast generate navier-stokes -o train.nc --sequences 512 --seed 1\n"
          "  fieldcast info train.nc\n"
          "  fieldcast train train.nc -o model.h5 --minutes 5 --train-frames 10\n"
          "  fieldcast evaluate model.h5 test.nc --observe 0.05\n"
          "  fieldcast forecast model.h5 test.nc -o forecast.nc --times 0:20:0.5 --std\n"
          "  fieldcast plot forecast.nc -o forecast.png --truth test.nc\n"
          "\n"
          "Commands\n",
          file);
    for (size_t i = 0; i < COMMANDS; ++i)
        fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'fieldcast COMMAND --help' explains a command; 'fieldcast --version' names the "
          "version.\n",
          file);
}

/* A closed standard stream would lend its number to the next file that is opened, and messages
 * would be written into it; keep the place with something that can be neither read nor written. */
static void hold_standard_streams(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int stream = 0; stream < 3; ++stream)
        if (fcntl(stream, F_GETFD) < 0)
            (void)!open("/dev/null", modes[stream]);
}

static const command *find_command(cli_session *session, const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; ++i) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
        names[i] = commands[i].name;
    }
    const char *near = cli_nearest(name, COMMANDS, names);
    if (near)
        cli_note(session, "unknown command '%s'; did you mean '%s'?", name, near);
    else
        cli_note(session, "unknown command '%s'; 'fieldcast --help' lists them", name);
    return NULL;
}

static fc_status run(cli_session *session, int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return FC_ERROR_USAGE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0) {
        printf("fieldcast %s\n", fc_version());
        return FC_OK;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
        (strcmp(first, "help") == 0 && argc == 2)) {
        print_help(stdout);
        return FC_OK;
    }
    bool help = strcmp(first, "help") == 0;
    const command *wanted = find_command(session, help ? argv[2] : first);
    if (!wanted)
        return FC_ERROR_USAGE;
    session->command = wanted->name;
    if (help) {
        char *arguments[] = {argv[2], "--help", NULL};
        return wanted->run(session, 2, arguments);
    }
    return wanted->run(session, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    cli_session session = {.command = ""};
    hold_standard_streams();
    fc_status status = run(&session, argc, argv);
    fc_status flushed = cli_flush_output(&session);
    if (status == FC_OK)
        status = flushed;
    cli_signals_forget();
    fc_context_destroy(session.context);
    fc_engine_destroy(session.engine);
    if (status == FC_INTERRUPTED && cli_signals_caught())
        return 128 + cli_signals_caught();
    if (status == FC_ERROR_DATA) { /* HDF5 would complain of files too damaged to be closed */
        fflush(NULL);
        _exit(fc_status_exit_code(status));
    }
    return fc_status_exit_code(status);
}
