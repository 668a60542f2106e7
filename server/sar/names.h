/* What Sentinel-1 products are called, and what ortho-rectified tiles of them are. */
#ifndef SAR_NAMES_H
#define SAR_NAMES_H

#include "base/err.h"
#include <stdint.h>

/* "S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255" in its parts. */
struct product_title {
    char platform[4];     /* "S1A" */
    char mode[3];         /* "IW" */
    char resolution;      /* 'H' */
    char polarisation[3]; /* "DV": both of VV and VH; "SH": HH alone */
    int64_t start_ms, stop_ms;
    int absolute_orbit;
    char take[7];  /* the data take, hexadecimal: frames of one pass have the same */
    char digits[5]; /* "8255" */
};
/* Of a GRD product; ".SAFE", ".zip" and ".SAFE.zip" at the end, and "_COG" or "-cog" before it, are let pass. Errors: InvalidParameter. */
bool product_title_read(const char *title, struct product_title *ret_title, struct err *err) MUST_USE;
/* Which polarisations its letters promise: "VV", "VH"; *ret_count 1 or 2. */
void product_title_polarisations(const struct product_title *title, const char *ret_names[2], int *ret_count);
/* Frames of one pass that follow each other: same platform, orbit and polarisations, and no more than 2 s between them. */
bool product_title_follows(const struct product_title *first, const struct product_title *second);

/* A tile as S1Tiling calls it: "s1a_31TCJ_vv_ASC_008_20200108txxxxxx.tif". */
struct ortho_name {
    const char *platform;     /* "S1A" */
    const char *tile;         /* "31TCJ" */
    const char *polarisation; /* "VV" */
    bool ascending;
    int relative_orbit;
    int64_t start_ms;
    bool joined;        /* made of two frames or more: no time */
    const char *suffix; /* ortho_suffix() */
};
/* "", "_GammaNaughtRTC" or "_NormLim", "_filtered" or not; by the calibration, as requests name it */
const char *ortho_suffix(const char *calibration, bool filtered);
char *ortho_name(const struct ortho_name *name); /* with ".tif"; the caller frees */
/* The same of a layer, which is "LIA" or such: "LIA_s1a_31TCJ_ASC_008.tif". */
char *ortho_layer_name(const struct ortho_name *name, const char *layer);

#endif
