/* table.h: all kernels of this room and their table, included once by each level with
 *
 *   FC__TABLE   the name of its table */
#include "inr/kernels/kernels.h"
#include "inr/kernels/product.h"
#include "inr/kernels/transpose.h"

#include <math.h>

#define XXH_INLINE_ALL /* compiled for this level, nothing to link */
#include <xxhash.h>

#include "inr/kernels/adam.h"
#include "inr/kernels/fit_pass.h"
#include "inr/kernels/hash.h"
#include "inr/kernels/network.h"
#include "inr/kernels/rows.h"
#include "inr/kernels/waves.h"

extern const fc__kernels FC__TABLE;
const fc__kernels FC__TABLE = {
    .multiply = multiply,
    .panel = PANEL,
    .pack_panels = pack_panels,
    .adam = adam,
    .hash = hash,
    .widen = widen,
    .project = project,
    .fields = fields,
    .sines = sines,
    .sines_of = sines_of,
    .wave_table = wave_table,
    .waves = waves,
    .network_pack = network_pack,
    .basis_tile = basis_tile,
    .gradient_tile = gradient_tile,
    .values_tile = values_tile,
    .fit_packed_size = fit_packed_size,
    .fit_pack = fit_pack,
    .fit_tile = fit_tile,
};
