/* XDMF 2: a text beside a native file that tells ParaView and VisIt where in it the fields lie
 * (XDMF Model and Format, xdmf.org).
 *
 * Every sequence is a temporal collection of one uniform grid a frame. Tensor grids are
 * 3DRectMesh with VXVYVZ, the axes that are missing one zero long; all other points are Polyvertex
 * with their axes apart (X_Y: z is zero, X_Y_Z). Longitude and latitude are drawn as a flat map.
 * Every array is a HyperSlab of a variable of the native file, whose layout native.c describes. */
#include "io/write/writing.h"

#include <string.h>

enum { MAX_DRAWN = 3, INDENT = 8 };

typedef struct writer {
    FILE *file;
    const fc_dataset *dataset;
    fc__layout layout;
    const char *data;            /* name of the native file as the text refers to it */
    size_t points, observations; /* of the ragged layout, in all */
    size_t set_start;            /* of the points of the frame among those of all sets */
    size_t observation;          /* of the frame among all */
} writer;

/* A box of a variable, and the shape that it is to have. */
typedef struct box {
    size_t rank, shape[FC__MAX_RANK], start[FC__MAX_RANK], count[FC__MAX_RANK];
    size_t result_rank, result[MAX_DRAWN];
} box;

static void put_escaped(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", file);
        else if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '"')
            fputs("&quot;", file);
        else
            fputc(*text, file);
    }
}

static void put_sizes(FILE *file, size_t count, const size_t *sizes)
{
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s%zu", i ? " " : "", sizes[i]);
}

static void put_reference(const writer *out, const char *variable, const char *suffix, int bytes,
                          size_t rank, const size_t *shape)
{
    fprintf(out->file,
            "%*s<DataItem Format=\"HDF\" NumberType=\"Float\" Precision=\"%d\" "
            "Dimensions=\"",
            INDENT, "", bytes);
    put_sizes(out->file, rank, shape);
    fputs("\">", out->file);
    put_escaped(out->file, out->data);
    fputs(":/", out->file);
    put_escaped(out->file, variable);
    fprintf(out->file, "%s</DataItem>\n", suffix);
}

static void put_box(const writer *out, const char *variable, const char *suffix, int bytes,
                    const box *part)
{
    fprintf(out->file, "%*s<DataItem ItemType=\"HyperSlab\" Dimensions=\"", INDENT, "");
    put_sizes(out->file, part->result_rank, part->result);
    fprintf(out->file, "\">\n%*s<DataItem Format=\"XML\" NumberType=\"Int\" Dimensions=\"3 %zu\">",
            INDENT, "", part->rank);
    put_sizes(out->file, part->rank, part->start);
    for (size_t i = 0; i < part->rank; i++)
        fputs(" 1", out->file);
    fputc(' ', out->file);
    put_sizes(out->file, part->rank, part->count);
    fputs("</DataItem>\n", out->file);
    put_reference(out, variable, suffix, bytes, part->rank, part->shape);
    fprintf(out->file, "%*s</DataItem>\n", INDENT, "");
}

/* ---------------------------------------------------------------- geometry */

static void put_grid_geometry(const writer *out)
{
    const fc_dataset *dataset = out->dataset;
    const fc_points *points = &dataset->points[0];
    size_t shape[MAX_DRAWN] = {1, 1, 1}, dims = dataset->domain.dims;
    for (size_t i = 0; i < dims; i++)
        shape[MAX_DRAWN - 1 - i] = fc__grid_length(dataset, points, i);
    fputs("      <Topology TopologyType=\"3DRectMesh\" Dimensions=\"", out->file);
    put_sizes(out->file, MAX_DRAWN, shape);
    fputs("\"/>\n      <Geometry GeometryType=\"VXVYVZ\">\n", out->file);
    for (size_t i = 0; i < MAX_DRAWN; i++) {
        size_t length = shape[MAX_DRAWN - 1 - i];
        if (i < dims)
            put_reference(out, dataset->domain.axis[i].name, "", 8, 1, &length);
        else
            fprintf(out->file,
                    "%*s<DataItem Format=\"XML\" NumberType=\"Float\" Precision=\"8\" "
                    "Dimensions=\"1\">0</DataItem>\n",
                    INDENT, "");
    }
    fputs("      </Geometry>\n", out->file);
}

static void put_point_geometry(const writer *out, size_t count)
{
    const fc_domain *domain = &out->dataset->domain;
    const box part = {.rank = 1,
                      .shape = {out->points},
                      .start = {out->set_start},
                      .count = {count},
                      .result_rank = 1,
                      .result = {count}};
    fprintf(out->file,
            "      <Topology TopologyType=\"Polyvertex\" NumberOfElements=\"%zu\" "
            "NodesPerElement=\"1\"/>\n      <Geometry GeometryType=\"%s\">\n",
            count, domain->dims == 2 ? "X_Y" : "X_Y_Z");
    for (size_t i = 0; i < domain->dims; i++)
        put_box(out, domain->axis[i].name, "", 8, &part);
    fputs("      </Geometry>\n", out->file);
}

/* ---------------------------------------------------------------- values */

/* Where the values of a frame lie in the variable of a channel. */
static box box_of_frame(const writer *out, size_t s, size_t f)
{
    const fc_dataset *dataset = out->dataset;
    const fc_sequence *sequence = &dataset->sequences[s];
    const fc_points *points = &dataset->points[sequence->frames[f].points];
    box part = {.result_rank = 1, .result = {points->count}};
    size_t dims = dataset->domain.dims;
    if (out->layout == LAYOUT_RAGGED) {
        part.rank = 1;
        part.shape[0] = out->observations;
        part.start[0] = out->observation;
        part.count[0] = points->count;
        return part;
    }
    if (fc__has_sequence_axis(dataset)) {
        part.shape[0] = dataset->sequence_count;
        part.start[0] = s;
        part.count[part.rank++] = 1;
    }
    part.shape[part.rank] = sequence->frame_count;
    part.start[part.rank] = f;
    part.count[part.rank++] = 1;
    if (out->layout == LAYOUT_POINTS) {
        part.shape[part.rank] = part.count[part.rank] = points->count;
        part.rank++;
        return part;
    }
    part.result_rank = MAX_DRAWN;
    for (size_t i = 0; i < MAX_DRAWN; i++)
        part.result[MAX_DRAWN - 1 - i] = i < dims ? fc__grid_length(dataset, points, i) : 1;
    for (size_t i = dims; i-- > 0; part.rank++)
        part.shape[part.rank] = part.count[part.rank] = fc__grid_length(dataset, points, i);
    return part;
}

static void put_channel(const writer *out, const char *name, const char *suffix, const box *part)
{
    fputs("      <Attribute Name=\"", out->file);
    put_escaped(out->file, name);
    fprintf(out->file, "%s\" AttributeType=\"Scalar\" Center=\"Node\">\n", suffix);
    put_box(out, name, suffix, 4, part);
    fputs("      </Attribute>\n", out->file);
}

static void put_frame(writer *out, size_t s, size_t f, bool deviation)
{
    const fc_dataset *dataset = out->dataset;
    const fc_frame *frame = &dataset->sequences[s].frames[f];
    const box part = box_of_frame(out, s, f);
    size_t count = dataset->points[frame->points].count;
    fprintf(out->file, "    <Grid Name=\"frame %zu\" GridType=\"Uniform\">\n", f);
    fprintf(out->file, "      <Time Value=\"%.17g\"/>\n", frame->time);
    out->set_start = 0;
    for (size_t p = 0; p < frame->points; p++)
        out->set_start += dataset->points[p].count;
    if (out->layout == LAYOUT_GRID)
        put_grid_geometry(out);
    else
        put_point_geometry(out, count);
    for (size_t c = 0; c < dataset->channel_count; c++)
        put_channel(out, dataset->channels[c].name, "", &part);
    for (size_t c = 0; deviation && c < dataset->channel_count; c++)
        put_channel(out, dataset->channels[c].name, "_std", &part);
    fputs("    </Grid>\n", out->file);
    out->observation += count;
}

static void put_sequence(writer *out, size_t s, bool deviation)
{
    fprintf(out->file,
            "  <Grid Name=\"sequence %zu\" GridType=\"Collection\" CollectionType=\"Temporal\">\n",
            s);
    fputs("    <Information Name=\"TimeUnits\" Value=\"", out->file);
    put_escaped(out->file, out->dataset->time.units);
    fputs("\"/>\n", out->file);
    for (size_t f = 0; f < out->dataset->sequences[s].frame_count; f++)
        put_frame(out, s, f, deviation);
    fputs("  </Grid>\n", out->file);
}

/* ---------------------------------------------------------------- the file */

static void count_ragged(writer *out)
{
    const fc_dataset *dataset = out->dataset;
    for (size_t p = 0; p < dataset->points_count; p++)
        out->points += dataset->points[p].count;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            out->observations += dataset->points[dataset->sequences[s].frames[f].points].count;
}

/* The native file as seen from the text: by its own name when they lie in one folder. */
static const char *name_beside(const char *path, const char *data)
{
    const char *a = strrchr(path, '/'), *b = strrchr(data, '/');
    size_t folder = a ? (size_t)(a - path) + 1 : 0, other = b ? (size_t)(b - data) + 1 : 0;
    return folder == other && memcmp(path, data, folder) == 0 ? data + other : data;
}

fc_status fc_xdmf_write(fc_context *context, const char *path, const char *data_path,
                        const fc_dataset *dataset, const fc_dataset *deviation)
{
    fc_status status = FC_OK;
    fc__text_file text = {0};
    FC_TRY(fc__check_written(context, path, dataset, deviation));
    writer out = {
        .dataset = dataset, .layout = fc__layout_of(dataset), .data = name_beside(path, data_path)};
    size_t dims = dataset->domain.dims;
    if (dims > MAX_DRAWN || (dims == 1 && out.layout != LAYOUT_GRID)) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "%s: XDMF holds grids of one to three axes and points with two or three "
                          "coordinates, these have %zu; native files (.nc) and CSV hold them",
                          path, dims);
        goto done;
    }
    count_ragged(&out);
    FC_TRY(fc__text_create(context, path, &text));
    out.file = text.file;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Xdmf Version=\"2.0\">\n <Domain>\n",
          text.file);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        put_sequence(&out, s, deviation != NULL);
    fputs(" </Domain>\n</Xdmf>\n", text.file);
    FC_TRY(fc__text_commit(&text));
done:
    fc__text_close(&text);
    return status;
}
