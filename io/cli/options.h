/* options.h: a command's options as one table, from which its help, its parser, its range checks
 * and its suggestions follow. */
#ifndef FC_CLI_OPTIONS_H
#define FC_CLI_OPTIONS_H

#include "io/cli/cli.h"

enum { CLI_TEXTS_MAX = 64 };

/* The values of an option that may be repeated. */
typedef struct cli_texts {
    size_t count;
    const char *item[CLI_TEXTS_MAX];
} cli_texts;

typedef enum cli_type {
    CLI_ARGUMENT,  /* by position; const char * */
    CLI_ARGUMENTS, /* by position, all that are left; cli_texts */
    CLI_FLAG,      /* bool */
    CLI_COUNT,     /* size_t */
    CLI_SEED,      /* uint64_t, up to 2^63 - 1 */
    CLI_REAL,      /* double, finite */
    CLI_TEXT,      /* const char * */
    CLI_TEXTS,     /* cli_texts, repeatable */
    CLI_CHOICE     /* int: place of the word in the metavariable "one|two|three" */
} cli_type;

typedef struct cli_option {
    const char *name;         /* "--codes", or "DATA" of an argument by position */
    const char *metavariable; /* "C" */
    cli_type type;
    void *target; /* holds the default before parsing */
    const char *help;
    double lower, upper; /* accepted numbers, ends included; both 0 = all of the type */
    char letter;         /* short form, 0 = none */
    bool required;
    bool given; /* set by the parser */
} cli_option;

typedef struct cli_syntax {
    const char *usage;    /* "DATA -o MODEL [options]" */
    const char *summary;  /* one line */
    const char *examples; /* whole lines, indented by two */
    size_t count;
    cli_option *options;
} cli_syntax;

/* Fills the targets; *helped = true when only the help was wanted and has been printed. */
FC_NODISCARD fc_status cli_parse(const cli_session *session, const cli_syntax *syntax, int argc,
                                 char **argv, bool *helped);

/* The option of that name, which must be in the table. */
const cli_option *cli_option_named(const cli_syntax *syntax, const char *name);

/* Numbers as options hold them; false when the text is something else. */
bool cli_parse_count(const char *text, uint64_t *number);
bool cli_parse_real(const char *text, double *number);
/* Place of `text` among the words of "one|two|three", -1 when it is none of them. */
int cli_choice_of(const char *choices, const char *text);

/* Rows of the table. The target's type is checked by the compiler. */
#define CLI__TARGET(type_name, place) (1 ? (place) : (type_name *)NULL)
#define CLI_OPT_ARGUMENT(title, place, text)                                                       \
    {                                                                                              \
        .name = title, .type = CLI_ARGUMENT, .target = CLI__TARGET(const char *, place),           \
        .required = true, .help = text                                                             \
    }
#define CLI_OPT_ARGUMENTS(title, place, text)                                                      \
    {                                                                                              \
        .name = title, .type = CLI_ARGUMENTS, .target = CLI__TARGET(cli_texts, place),             \
        .required = true, .help = text                                                             \
    }
#define CLI_OPT_OUTPUT(what, place, text)                                                          \
    {                                                                                              \
        .name = "--output", .letter = 'o', .metavariable = what, .type = CLI_TEXT,                 \
        .target = CLI__TARGET(const char *, place), .required = true, .help = text                 \
    }
#define CLI__OPT(title, what, kind, type_name, place, least, most, text)                           \
    {                                                                                              \
        .name = title, .metavariable = what, .type = kind,                                         \
        .target = CLI__TARGET(type_name, place), .lower = least, .upper = most, .help = text       \
    }
#define CLI_OPT_FLAG(title, place, text) CLI__OPT(title, NULL, CLI_FLAG, bool, place, 0, 0, text)
#define CLI_OPT_TEXT(title, what, place, text)                                                     \
    CLI__OPT(title, what, CLI_TEXT, const char *, place, 0, 0, text)
#define CLI_OPT_TEXTS(title, what, place, text)                                                    \
    CLI__OPT(title, what, CLI_TEXTS, cli_texts, place, 0, 0, text)
#define CLI_OPT_CHOICE(title, words, place, text)                                                  \
    CLI__OPT(title, words, CLI_CHOICE, int, place, 0, 0, text)
#define CLI_OPT_SEED(title, place, text) CLI__OPT(title, "S", CLI_SEED, uint64_t, place, 0, 0, text)
#define CLI_OPT_COUNT(title, what, place, least, most, text)                                       \
    CLI__OPT(title, what, CLI_COUNT, size_t, place, least, most, text)
#define CLI_OPT_REAL(title, what, place, least, most, text)                                        \
    CLI__OPT(title, what, CLI_REAL, double, place, least, most, text)
#define CLI_OPT_THREADS(place)                                                                     \
    CLI_OPT_COUNT("--threads", "N", place, 0, 4096, "worker threads; 0 = all processors")

#endif
