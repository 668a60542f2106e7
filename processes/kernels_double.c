/* The operators on registers of doubles. */
#include "base/mem.h"
#include "base/whittaker.h"
#include "processes/kernels.h"
#include "processes/kernels_rice.h"

#define T double
#define LIBM(x) x
#define OF(x) JOIN(x, _double)
#define TABLE lanes_double
#include "processes/kernels_lanes.h"
#include "processes/kernels_arrays.h"
#include "processes/kernels_series.h"
#include "processes/kernels_folds.h"
#include "processes/kernels_convert.h"
#include "processes/kernels_table.h"
