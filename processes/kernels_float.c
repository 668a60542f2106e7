/* The operators on registers of floats. */
#include "base/mem.h"
#include "base/whittaker.h"
#include "processes/kernels.h"
#include "processes/kernels_rice.h"

#define T float
#define LIBM(x) x##f
#define OF(x) JOIN(x, _float)
#define TABLE lanes_float
#include "processes/kernels_lanes.h"
#include "processes/kernels_arrays.h"
#include "processes/kernels_series.h"
#include "processes/kernels_folds.h"
#include "processes/kernels_convert.h"
#include "processes/kernels_table.h"
