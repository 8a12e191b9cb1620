#include "io/cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- help */

enum { HELP_COLUMN = 27, HELP_WIDTH = 92 };

/* Words of `text` wrapped between HELP_COLUMN and HELP_WIDTH, starting at `column`. */
static void print_wrapped(const char *text, int column)
{
    for (bool first = true; *text; first = false) {
        int length = (int)strcspn(text, " ");
        if (column + 1 + length > HELP_WIDTH) {
            printf("\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
            first = true;
        }
        column += printf("%s%.*s", first ? "" : " ", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* " (default 5)" for options whose target holds one. */
static void default_text(const cli_option *option, char *text, size_t size)
{
    text[0] = '\0';
    if (option->type == CLI_COUNT && *(const size_t *)option->target != 0)
        snprintf(text, size, " (default %zu)", *(const size_t *)option->target);
    else if (option->type == CLI_REAL && isfinite(*(const double *)option->target))
        snprintf(text, size, " (default %g)", *(const double *)option->target);
    else if (option->type == CLI_SEED)
        snprintf(text, size, " (default %llu)",
                 (unsigned long long)*(const uint64_t *)option->target);
    else if (option->type == CLI_CHOICE)
        snprintf(text, size, " (default: the first)");
    else if (option->type == CLI_TEXT && *(const char *const *)option->target)
        snprintf(text, size, " (default %s)", *(const char *const *)option->target);
}

static bool is_argument(const cli_option *option)
{
    return option->type == CLI_ARGUMENT || option->type == CLI_ARGUMENTS;
}

static void print_option(const cli_option *option)
{
    char head[128], letter[8] = "    ", fallback[64], text[1024];
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(head, sizeof head, "  %s%s%s%s", is_argument(option) ? "" : letter, option->name,
             option->metavariable ? " " : "", option->metavariable ? option->metavariable : "");
    int column = printf("%s", head);
    if (column > HELP_COLUMN - 2)
        column = printf("\n") - 1;
    printf("%*s", HELP_COLUMN - column, "");
    default_text(option, fallback, sizeof fallback);
    snprintf(text, sizeof text, "%s%s", option->help, fallback);
    print_wrapped(text, HELP_COLUMN);
}

static void print_help(const cli_session *session, const cli_syntax *syntax)
{
    printf("fieldcast %s: %s\n\nExamples\n%s\nUsage: fieldcast %s %s\n\n", session->command,
           syntax->summary, syntax->examples, session->command, syntax->usage);
    for (size_t i = 0; i < syntax->count; ++i)
        print_option(&syntax->options[i]);
    printf("  -h, --help               this text\n");
}

/* ---------------------------------------------------------------- values */

bool cli_parse_count(const char *text, uint64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && *number <= INT64_MAX;
}

bool cli_parse_real(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

int cli_choice_of(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (int place = 0; *choices; ++place) {
        size_t word = strcspn(choices, "|");
        if (word == length && strncmp(choices, text, length) == 0)
            return place;
        choices += word + (choices[word] == '|');
    }
    return -1;
}

static fc_status check_range(const cli_session *session, const cli_option *option, const char *text,
                             double number)
{
    if ((option->lower == 0.0 && option->upper == 0.0) ||
        (number >= option->lower && number <= option->upper))
        return FC_OK;
    return cli_fail(session, FC_ERROR_USAGE, "%s %s: must be from %.10g to %.10g", option->name,
                    text, option->lower, option->upper);
}

static fc_status store_count(const cli_session *session, const cli_option *option, const char *text)
{
    uint64_t number;
    if (!cli_parse_count(text, &number))
        return cli_fail(session, FC_ERROR_USAGE, "%s %s: must be a whole number from 0 on",
                        option->name, text);
    if (option->type == CLI_SEED)
        *(uint64_t *)option->target = number;
    else
        *(size_t *)option->target = (size_t)number;
    return check_range(session, option, text, (double)number);
}

static fc_status store_real(const cli_session *session, const cli_option *option, const char *text)
{
    double *target = option->target;
    if (!cli_parse_real(text, target))
        return cli_fail(session, FC_ERROR_USAGE, "%s %s: must be a finite number", option->name,
                        text);
    return check_range(session, option, text, *target);
}

static fc_status store(const cli_session *session, const cli_option *option, const char *text)
{
    switch (option->type) {
    case CLI_FLAG:
        *(bool *)option->target = true;
        return FC_OK;
    case CLI_COUNT:
    case CLI_SEED:
        return store_count(session, option, text);
    case CLI_REAL:
        return store_real(session, option, text);
    case CLI_ARGUMENT:
    case CLI_TEXT:
        *(const char **)option->target = text;
        return text[0] ? FC_OK
                       : cli_fail(session, FC_ERROR_USAGE, "%s: must not be empty", option->name);
    case CLI_ARGUMENTS:
    case CLI_TEXTS: {
        cli_texts *texts = option->target;
        if (texts->count == CLI_TEXTS_MAX)
            return cli_fail(session, FC_ERROR_USAGE, "%s: given more than %d times", option->name,
                            CLI_TEXTS_MAX);
        texts->item[texts->count++] = text;
        return FC_OK;
    }
    case CLI_CHOICE:
        *(int *)option->target = cli_choice_of(option->metavariable, text);
        if (*(int *)option->target >= 0)
            return FC_OK;
        return cli_fail(session, FC_ERROR_USAGE, "%s %s: must be %s", option->name, text,
                        option->metavariable);
    }
    return FC_ERROR_USAGE;
}

/* ---------------------------------------------------------------- parser */

const cli_option *cli_option_named(const cli_syntax *syntax, const char *name)
{
    for (size_t i = 0; i < syntax->count; ++i)
        if (strcmp(syntax->options[i].name, name) == 0)
            return &syntax->options[i];
    return NULL;
}

/* The option that `word` names, as "--name", "--name=value" or "-n". */
static cli_option *match(const cli_syntax *syntax, const char *word, const char **value)
{
    const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    for (size_t i = 0; i < syntax->count; ++i) {
        cli_option *option = &syntax->options[i];
        if (is_argument(option))
            continue;
        bool name = strlen(option->name) == length && strncmp(option->name, word, length) == 0;
        bool letter = option->letter && word[1] == option->letter && word[2] == '\0';
        if (name || letter) {
            *value = equals ? equals + 1 : NULL;
            return option;
        }
    }
    return NULL;
}

static fc_status unknown_option(const cli_session *session, const cli_syntax *syntax,
                                const char *word)
{
    const char *names[CLI_TEXTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < syntax->count && count < CLI_TEXTS_MAX; ++i)
        if (!is_argument(&syntax->options[i]))
            names[count++] = syntax->options[i].name;
    char bare[128];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word, "="), word);
    const char *near = cli_nearest(bare, count, names);
    if (near)
        return cli_fail(session, FC_ERROR_USAGE, "unknown option '%s'; did you mean '%s'?", bare,
                        near);
    return cli_fail(session, FC_ERROR_USAGE,
                    "unknown option '%s'; 'fieldcast %s --help' lists them", bare,
                    session->command);
}

/* One word of the command line, and its value, which may be the next word. */
static fc_status parse_option(const cli_session *session, const cli_syntax *syntax, int argc,
                              char **argv, int *position)
{
    const char *word = argv[*position], *value = NULL;
    cli_option *option = match(syntax, word, &value);
    if (!option)
        return unknown_option(session, syntax, word);
    if (option->type == CLI_FLAG && value)
        return cli_fail(session, FC_ERROR_USAGE, "%s: takes no value", option->name);
    if (option->type != CLI_FLAG && !value) {
        if (*position + 1 >= argc)
            return cli_fail(session, FC_ERROR_USAGE, "%s: needs a value, %s", option->name,
                            option->metavariable);
        value = argv[++*position];
    }
    if (option->given && option->type != CLI_TEXTS)
        return cli_fail(session, FC_ERROR_USAGE, "%s: given twice", option->name);
    option->given = true;
    return store(session, option, value);
}

static fc_status parse_argument(const cli_session *session, const cli_syntax *syntax,
                                const char *word)
{
    for (size_t i = 0; i < syntax->count; ++i) {
        cli_option *option = &syntax->options[i];
        if (option->type == CLI_ARGUMENTS || (option->type == CLI_ARGUMENT && !option->given)) {
            option->given = true;
            return store(session, option, word);
        }
    }
    return cli_fail(session, FC_ERROR_USAGE, "unexpected argument '%s'; usage: fieldcast %s %s",
                    word, session->command, syntax->usage);
}

fc_status cli_parse(const cli_session *session, const cli_syntax *syntax, int argc, char **argv,
                    bool *helped)
{
    fc_status status = FC_OK;
    bool only_arguments = false;
    *helped = false;
    for (int i = 1; i < argc; ++i)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(session, syntax);
            *helped = true;
            return FC_OK;
        } else if (strcmp(argv[i], "--") == 0) {
            break;
        }
    for (int i = 1; i < argc; ++i) {
        if (!only_arguments && strcmp(argv[i], "--") == 0)
            only_arguments = true;
        else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0')
            CLI_TRY(parse_option(session, syntax, argc, argv, &i));
        else
            CLI_TRY(parse_argument(session, syntax, argv[i]));
    }
    for (size_t i = 0; i < syntax->count; ++i)
        if (syntax->options[i].required && !syntax->options[i].given)
            return cli_fail(session, FC_ERROR_USAGE, "%s is missing; usage: fieldcast %s %s",
                            syntax->options[i].name, session->command, syntax->usage);
done:
    return status;
}
