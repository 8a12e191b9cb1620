#include "io/read/expression.h"

#include <math.h>
#include <muParserDLL.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- what is asked for */

static fc_status copy_part(fc_context *context, const char *from, const char *end, char **copy)
{
    fc_status status = FC_OK;
    while (from < end && strchr(" \t\n", *from))
        from++;
    while (end > from && strchr(" \t\n", end[-1]))
        end--;
    FC_NEW(context, copy, (size_t)(end - from) + 1);
    memcpy(*copy, from, (size_t)(end - from));
done:
    return status;
}

/* The comma that ends an entry, or the end of the text: commas in brackets belong to functions. */
static const char *end_of_entry(const char *at)
{
    for (int depth = 0; *at && (*at != ',' || depth > 0); at++)
        depth += (*at == '(') - (*at == ')');
    return at;
}

/* "name" or "name=expression". */
static fc_status parse_entry(fc_context *context, const char *from, const char *end,
                             fc__request *request)
{
    fc_status status = FC_OK;
    const char *equals = memchr(from, '=', (size_t)(end - from));
    char **name = &request->name[request->count], **text = &request->text[request->count];
    request->count++;
    FC_TRY(copy_part(context, from, equals ? equals : end, name));
    if (equals)
        FC_TRY(copy_part(context, equals + 1, end, text));
    if ((*name)[0] == '\0' || strlen(*name) >= FC__NC_NAME_SIZE || (*text && (*text)[0] == '\0'))
        status = fc__fail(context, FC_ERROR_USAGE,
                          "variables \"%.*s\": names, or name=expression, separated by commas are "
                          "accepted",
                          (int)(end - from), from);
    else if (*text && strlen(*name) >= FC_NAME_SIZE)
        status = fc__fail(context, FC_ERROR_USAGE,
                          "variables \"%s=\": the name of a channel has at most %d characters",
                          *name, FC_NAME_SIZE - 1);
done:
    return status;
}

static fc_status add_used(fc_context *context, const char *name, fc__names *used)
{
    fc_status status = FC_OK;
    char(*larger)[FC__NC_NAME_SIZE] = NULL;
    for (size_t i = 0; i < used->count; i++)
        if (strcmp(used->name[i], name) == 0)
            return FC_OK;
    FC_NEW(context, &larger, used->count + 1);
    if (used->count)
        memcpy(larger, used->name, used->count * sizeof *larger);
    snprintf(larger[used->count], sizeof *larger, "%s", name);
    free(used->name);
    used->name = larger;
    used->count++;
done:
    return status;
}

static fc_status fail_parse(fc_context *context, muParserHandle_t parser, const char *text)
{
    int position = mupGetErrorPos(parser);
    if (position < 0)
        return fc__fail(context, FC_ERROR_USAGE, "expression \"%s\": %s", text,
                        mupGetErrorMsg(parser));
    return fc__fail(context, FC_ERROR_USAGE, "expression \"%s\", character %d: %s", text,
                    position + 1, mupGetErrorMsg(parser));
}

/* muParser would assign to variables. */
static fc_status check_assignment(fc_context *context, const char *text)
{
    for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '=')) {
        if (at[1] == '=')
            at++;
        else if (at == text || !strchr("<>!", at[-1]))
            return fc__fail(context, FC_ERROR_USAGE,
                            "expression \"%s\", character %d: = is no comparison; == is accepted",
                            text, (int)(at - text) + 1);
    }
    return FC_OK;
}

/* Adds the variables of an expression. */
static fc_status find_used(fc_context *context, const char *text, fc__names *used)
{
    fc_status status = FC_OK;
    muParserHandle_t parser = mupCreate(muBASETYPE_FLOAT);
    if (text[0] == '\0')
        FC_TRY(fc__fail(context, FC_ERROR_USAGE, "expression \"\": is empty"));
    FC_TRY(check_assignment(context, text));
    mupSetExpr(parser, text);
    int count = mupError(parser) ? 0 : mupGetExprVarNum(parser);
    if (mupError(parser)) {
        status = fail_parse(context, parser, text);
        goto done;
    }
    for (int i = 0; i < count; i++) {
        const char *name = NULL;
        double *place = NULL;
        mupGetExprVar(parser, (unsigned)i, &name, &place);
        if (!name || strlen(name) >= FC__NC_NAME_SIZE) {
            status =
                fc__fail(context, FC_ERROR_USAGE, "expression \"%s\": a name is too long", text);
            goto done;
        }
        FC_TRY(add_used(context, name, used));
    }
done:
    mupRelease(parser);
    return status;
}

fc_status fc__request_parse(fc_context *context, const fc_read_config *config, fc__request *request)
{
    fc_status status = FC_OK;
    size_t room = 1;
    const char *list = config ? config->variables : NULL;
    *request = (fc__request){0};
    for (const char *at = list; at && *at; at++)
        room += *at == ',';
    FC_NEW(context, &request->name, room);
    FC_NEW(context, &request->text, room);
    for (const char *at = list, *end; at; at = *end ? end + 1 : NULL) {
        end = end_of_entry(at);
        FC_TRY(parse_entry(context, at, end, request));
    }
    if (config && config->where)
        FC_TRY(copy_part(context, config->where, config->where + strlen(config->where),
                         &request->where));
    for (size_t c = 0; c < request->count; c++) {
        if (request->text[c])
            FC_TRY(find_used(context, request->text[c], &request->used));
        for (size_t k = 0; k < c; k++)
            if (strcmp(request->name[k], request->name[c]) == 0)
                FC_TRY(fc__fail(context, FC_ERROR_USAGE, "variables: \"%s\" is named twice",
                                request->name[c]));
    }
    if (request->where)
        FC_TRY(find_used(context, request->where, &request->used));
done:
    if (status != FC_OK)
        fc__request_release(request);
    return status;
}

void fc__request_release(fc__request *request)
{
    for (size_t c = 0; c < request->count; c++) {
        free(request->name[c]);
        free(request->text[c]);
    }
    free(request->name);
    free(request->text);
    free(request->where);
    free(request->used.name);
    *request = (fc__request){0};
}

bool fc__request_computes(const fc__request *request)
{
    bool computes = request->where != NULL;
    for (size_t c = 0; c < request->count; c++)
        computes = computes || request->text[c];
    return computes;
}

/* ---------------------------------------------------------------- computing */

enum { PIECE = 1024 }; /* points that are computed at once */

/* Where a variable of expressions comes from. */
typedef struct operand {
    char name[FC__NC_NAME_SIZE];
    size_t channel;   /* of the inner dataset; SIZE_MAX = it does not change with time */
    float **constant; /* (point sets)(points); NULL for a channel and for an axis */
    size_t axis;      /* of the domain, where neither */
    char units[FC_NAME_SIZE];
    double value[PIECE];
} operand;

typedef struct formula {
    muParserHandle_t parser; /* NULL: the inner channel as it is */
    size_t channel;
    bool *uses; /* (operands) */
} formula;

typedef struct computer {
    fc_dataset *inner;
    size_t operand_count;
    operand *operands;    /* whose addresses the parsers know */
    size_t formula_count; /* channels, and the condition after them where there is one */
    formula *formulas;
    bool conditional;
    double result[PIECE];
} computer;

static void computer_destroy(void *user)
{
    computer *in = user;
    for (size_t i = 0; in->operands && i < in->operand_count; i++) {
        for (size_t p = 0; in->operands[i].constant && p < in->inner->points_count; p++)
            free(in->operands[i].constant[p]);
        free(in->operands[i].constant);
    }
    for (size_t i = 0; in->formulas && i < in->formula_count; i++) {
        if (in->formulas[i].parser)
            mupRelease(in->formulas[i].parser);
        free(in->formulas[i].uses);
    }
    free(in->operands);
    free(in->formulas);
    fc_dataset_destroy(in->inner);
    free(in);
}

static size_t find_channel(const fc_dataset *dataset, const char *name)
{
    char cut[FC_NAME_SIZE];
    fc__copy_name(cut, name);
    for (size_t c = 0; c < dataset->channel_count; c++)
        if (strcmp(dataset->channels[c].name, cut) == 0)
            return c;
    return SIZE_MAX;
}

static fc_status find_operand(fc_context *context, computer *in, operand *found,
                              fc__read_constant *read_constant, void *user)
{
    fc_status status = FC_OK;
    const fc_dataset *inner = in->inner;
    found->channel = find_channel(inner, found->name);
    if (found->channel != SIZE_MAX) {
        memcpy(found->units, inner->channels[found->channel].units, sizeof found->units);
        return FC_OK;
    }
    for (size_t i = 0; i < inner->domain.dims; i++) {
        if (strcmp(inner->domain.axis[i].name, found->name) == 0) {
            found->axis = i;
            memcpy(found->units, inner->domain.axis[i].units, sizeof found->units);
            return FC_OK;
        }
    }
    FC_NEW(context, &found->constant, inner->points_count);
    for (size_t p = 0; p < inner->points_count; p++) {
        FC_NEW(context, &found->constant[p], inner->points[p].count);
        FC_TRY(read_constant(user, p, found->name, found->constant[p], found->units));
    }
done:
    return status;
}

/* Gives an expression its variables and proves that it can be computed. */
static fc_status compile(fc_context *context, computer *in, const char *text, formula *made)
{
    fc_status status = FC_OK;
    fc__names used = {0};
    FC_TRY(find_used(context, text, &used));
    FC_NEW(context, &made->uses, in->operand_count);
    made->parser = mupCreate(muBASETYPE_FLOAT);
    for (size_t i = 0; i < in->operand_count; i++) {
        for (size_t k = 0; k < used.count; k++)
            made->uses[i] |= strcmp(used.name[k], in->operands[i].name) == 0;
        if (made->uses[i])
            mupDefineVar(made->parser, in->operands[i].name, in->operands[i].value);
    }
    mupSetExpr(made->parser, text);
    int results = 1;
    mupEvalMulti(made->parser, &results);
    if (mupError(made->parser))
        status = fail_parse(context, made->parser, text);
    else if (results != 1)
        status = fc__fail(context, FC_ERROR_USAGE, "expression \"%s\": %d results; one is accepted",
                          text, results);
done:
    free(used.name);
    return status;
}

static fc_status compile_all(fc_context *context, const fc__request *request, computer *in)
{
    fc_status status = FC_OK;
    size_t channels = request->count ? request->count : in->inner->channel_count;
    in->conditional = request->where != NULL;
    FC_NEW(context, &in->formulas, channels + 1);
    for (size_t c = 0; c < channels; c++) {
        formula *made = &in->formulas[in->formula_count++];
        made->channel = request->count ? find_channel(in->inner, request->name[c]) : c;
        if (request->count && request->text[c])
            FC_TRY(compile(context, in, request->text[c], made));
    }
    if (request->where)
        FC_TRY(compile(context, in, request->where, &in->formulas[in->formula_count++]));
done:
    return status;
}

/* Operands of points [first, first + count) of a frame. */
static void gather(computer *in, const fc_frame *frame, const float *values, size_t first,
                   size_t count)
{
    const fc_points *points = &in->inner->points[frame->points];
    size_t channels = in->inner->channel_count, dims = in->inner->domain.dims;
    for (size_t i = 0; i < in->operand_count; i++) {
        operand *to = &in->operands[i];
        for (size_t k = 0; k < count; k++) {
            size_t p = first + k;
            to->value[k] = to->channel != SIZE_MAX ? (double)values[p * channels + to->channel]
                           : to->constant          ? (double)to->constant[frame->points][p]
                                                   : points->coordinates[p * dims + to->axis];
        }
    }
}

static fc_status evaluate(fc_context *context, computer *in, const formula *by, size_t count)
{
    int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* muParser would start, and leave behind, a number of its own */
    mupEvalBulk(by->parser, in->result, (int)count);
    omp_set_num_threads(threads);
    if (mupError(by->parser))
        return fc__fail(context, FC_ERROR_DATA, "expression \"%s\": %s", mupGetExpr(by->parser),
                        mupGetErrorMsg(by->parser));
    for (size_t i = 0; i < in->operand_count; i++)
        for (size_t k = 0; by->uses[i] && k < count; k++)
            if (isnan(in->operands[i].value[k]))
                in->result[k] = (double)NAN;
    return FC_OK;
}

static fc_status compute_frame(fc_context *context, computer *in, const fc_frame *frame,
                               const float *from, float *to)
{
    fc_status status = FC_OK;
    size_t channels = in->formula_count - (in->conditional ? 1 : 0);
    size_t points = in->inner->points[frame->points].count, inner = in->inner->channel_count;
    for (size_t first = 0; first < points; first += PIECE) {
        size_t count = points - first < PIECE ? points - first : PIECE;
        gather(in, frame, from, first, count);
        for (size_t c = 0; c < channels; c++) {
            const formula *by = &in->formulas[c];
            if (by->parser)
                FC_TRY(evaluate(context, in, by, count));
            for (size_t k = 0; k < count; k++)
                to[(first + k) * channels + c] =
                    by->parser ? (float)in->result[k] : from[(first + k) * inner + by->channel];
        }
        if (!in->conditional)
            continue;
        FC_TRY(evaluate(context, in, &in->formulas[channels], count));
        for (size_t k = 0; k < count * channels; k++)
            if (isnan(in->result[k / channels]) || in->result[k / channels] == 0.0)
                to[first * channels + k] = NAN;
    }
done:
    return status;
}

static fc_status computer_read(void *user, fc_context *context, size_t sequence, size_t first,
                               size_t count, float *const *values)
{
    computer *in = user;
    fc_dataset *inner = in->inner;
    const fc_sequence *frames = &inner->sequences[sequence];
    fc_status status = FC_OK;
    size_t unit = inner->reader.unit, step = fc__block_frames(fc__frame_bytes(inner), unit);
    for (size_t f = first, end; f < first + count; f = end) {
        end = f + step - f % unit;
        end = end < first + count ? end : first + count;
        FC_TRY(fc_dataset_load(context, inner, sequence, f, end - f));
        for (size_t k = f; status == FC_OK && k < end; k++)
            status = compute_frame(context, in, &frames->frames[k], frames->frames[k].values,
                                   values[k - first]);
        fc_dataset_unload(inner, sequence, f, end - f);
        if (status != FC_OK)
            goto done;
    }
done:
    return status;
}

/* ---------------------------------------------------------------- the dataset */

/* The units of its variables where they agree. */
static void name_units(const computer *in, const formula *by, char units[FC_NAME_SIZE])
{
    const char *first = NULL;
    bool agree = true;
    for (size_t i = 0; i < in->operand_count; i++) {
        const char *own = in->operands[i].units;
        if (!by->uses[i])
            continue;
        agree = agree && (!first || strcmp(first, own) == 0);
        first = own;
    }
    fc__copy_name(units, agree && first && first[0] ? first : "1");
}

static fc_status describe(fc_context *context, const fc__request *request, const computer *in,
                          fc_dataset **dataset)
{
    fc_status status = FC_OK;
    size_t channels = in->formula_count - (in->conditional ? 1 : 0);
    FC_TRY(fc__dataset_like(context, in->inner, channels, dataset));
    for (size_t c = 0; c < channels; c++) {
        fc_channel *channel = &(*dataset)->channels[c];
        if (!in->formulas[c].parser) {
            *channel = in->inner->channels[in->formulas[c].channel];
            continue;
        }
        fc__copy_name(channel->name, request->name[c]);
        fc__copy_name(channel->long_name, request->text[c]);
        name_units(in, &in->formulas[c], channel->units);
    }
done:
    return status;
}

fc_status fc__expression_open(fc_context *context, const char *path, const fc__request *request,
                              fc_dataset *inner, fc__read_constant *read_constant, void *user,
                              fc_dataset **dataset)
{
    fc_status status = FC_OK;
    computer *in = NULL;
    *dataset = NULL;
    status = fc__allocate(context, 1, sizeof *in, &in);
    if (status != FC_OK) {
        fc_dataset_destroy(inner);
        return status;
    }
    in->inner = inner;
    FC_NEW(context, &in->operands, request->used.count);
    for (; in->operand_count < request->used.count; in->operand_count++) {
        operand *next = &in->operands[in->operand_count];
        memcpy(next->name, request->used.name[in->operand_count], sizeof next->name);
    }
    for (size_t i = 0; i < in->operand_count; i++)
        FC_TRY(find_operand(context, in, &in->operands[i], read_constant, user));
    status = compile_all(context, request, in);
    if (status != FC_OK)
        fc__fail(context, status, "%s: %s", path, fc_context_message(context));
    else
        status = describe(context, request, in, dataset);
done:
    if (status != FC_OK) {
        computer_destroy(in);
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    } else {
        (*dataset)->reader = (fc_frame_reader){.user = in,
                                               .read = computer_read,
                                               .destroy = computer_destroy,
                                               .unit = inner->reader.unit};
    }
    return status;
}
