/* An image brought onto a grid: calibrated power of one image at the places of the grid's pixels. */
#ifndef SAR_GEOCODE_H
#define SAR_GEOCODE_H

#include "sar/flatten.h"
#include "sar/lattice.h"
#include "sar/radiometry.h"
#include "sar/resample.h"

/* Where power comes from. A reader belongs to one thread. */
struct geocode_input {
    void *context;
    bool (*begin)(void *context, void **ret_reader, struct err *err);
    void (*end)(void *context, void *reader);
    /* A window that lies in the image; 0 is no data. */
    bool (*read)(void *context, void *reader, const struct sar_window *window, float *power, struct err *err);
};

struct geocode_want {
    const struct view *view;
    const struct dem *dem;
    struct grid grid;
    struct geocode_input input;
    enum resample_method method;
    enum flatten_area flatten; /* FLATTEN_NOTHING: the input is what is wanted; else it is beta0 */
    int threads;
    void (*progress)(void *listener, size_t done, size_t all); /* from any thread; NULL: nobody listens */
    void *listener;
    /* grid.width x grid.height; pixels that are not NaN stay as they are, so that one frame of a pass is put beside the
     * other. */
    float *pixels;
};

struct geocode_report {
    size_t filled; /* pixels that this image gave */
    size_t blocks_met;
};

/* On a grid that is coarser than the image a pixel is the mean of several positions in it. Errors: those of the input,
 * MemoryExceeded. */
bool geocode(const struct geocode_want *want, struct geocode_report *ret_report, struct err *err) MUST_USE;

#endif
