/* Equations in words and in JSON. Coefficients are those of departures from the mean in physical
 * units and the file's time: with u = (v - mean) / scale and model time t / time_scale, a term's
 * coefficient is to be multiplied by the scale of its channel over those of its factors and
 * time_scale. */
#include "io/cli/info.h"

#include <string.h>

static double physical_coefficient(const fc_model *model, const fc_term *term)
{
    double coefficient = term->coefficient * model->scale[term->channel] / model->time_scale;
    for (size_t i = 0; i < term->factors; ++i)
        coefficient /= model->scale[term->factor[i].channel];
    return coefficient;
}

/* p(v) is the potential of v: -lap p = v. */
static void symbol_text(const fc_model *model, const fc_symbol *symbol, char *text, size_t size)
{
    const char *name = model->channels[symbol->channel].name;
    const char *axis = model->domain.axis[symbol->angle == FC_ANGLE_Y].name;
    bool direction = symbol->angle == FC_ANGLE_X || symbol->angle == FC_ANGLE_Y;
    bool twice = symbol->angle == FC_ANGLE_COS || symbol->angle == FC_ANGLE_SIN;
    int left = symbol->order - (direction ? 1 : twice ? 2 : 0);
    char inner[2 * FC_NAME_SIZE + 32];
    if (left == 0)
        snprintf(inner, sizeof inner, "%s", name);
    else if (left == -2)
        snprintf(inner, sizeof inner, "p(%s)", name);
    else if (left == 2)
        snprintf(inner, sizeof inner, "(-lap %s)", name);
    else if (left == 4)
        snprintf(inner, sizeof inner, "(lap lap %s)", name);
    else
        snprintf(inner, sizeof inner, "(|k|^%d %s)", left, name);
    if (direction)
        snprintf(text, size, "d%s %s", axis, inner);
    else if (twice)
        snprintf(text, size, "%s %s", symbol->angle == FC_ANGLE_COS ? "(dyy - dxx)" : "-2 dxy",
                 inner);
    else
        snprintf(text, size, "%s", inner);
}

void cli_info_print_equation(const fc_model *model)
{
    const fc_equation *e = model->field->equation;
    char text[2][4 * FC_NAME_SIZE];
    printf("dynamics\n  equation of the departures from the mean, p: -lap p = its argument\n");
    for (size_t c = 0; c < e->channels; ++c) {
        printf("    d %s / dt = forcing(x)", model->channels[c].name);
        for (size_t t = 0; t < e->term_count; ++t) {
            const fc_term *term = &e->terms[t];
            if (term->channel != c)
                continue;
            printf("\n      %+.6g", physical_coefficient(model, term));
            for (size_t i = 0; i < term->factors; ++i) {
                symbol_text(model, &term->factor[i], text[i], sizeof text[i]);
                printf(term->factors == 2 ? " [%s]" : " %s", text[i]);
            }
        }
        printf("\n");
    }
}

json_t *cli_info_equation(const fc_model *model)
{
    static const char *const angles[] = {"one", "x", "y", "cos", "sin"};
    const fc_equation *e = model->field->equation;
    json_t *terms = json_array();
    for (size_t t = 0; e && t < e->term_count; ++t) {
        const fc_term *term = &e->terms[t];
        json_t *object = json_object(), *factors = json_array();
        cli_json_text(object, "rate_of", model->channels[term->channel].name);
        cli_json_real(object, "coefficient", physical_coefficient(model, term));
        for (size_t i = 0; i < term->factors; ++i) {
            json_t *factor = json_object();
            cli_json_text(factor, "variable", model->channels[term->factor[i].channel].name);
            cli_json_put(factor, "order", json_integer(term->factor[i].order));
            cli_json_text(factor, "angle", angles[term->factor[i].angle]);
            json_array_append_new(factors, factor);
        }
        cli_json_put(object, "factors", factors);
        json_array_append_new(terms, object);
    }
    return terms;
}
