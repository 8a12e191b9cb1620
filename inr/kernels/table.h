/* table.h: all kernels of this room and their table, included once by each level with
 *
 *   FC__TABLE   the name of its table */
#include "inr/kernels/kernels.h"
#include "inr/kernels/product.h"

#include <math.h>

#include "inr/kernels/adam.h"

extern const fc__kernels FC__TABLE;
const fc__kernels FC__TABLE = {
    .adam = adam,
};
