/* Orbit files (AUX_POEORB, AUX_RESORB: "*.EOF"): state vectors that are better than those of a product's annotation. */
#ifndef SAR_EOF_H
#define SAR_EOF_H

#include "sar/annotation.h"

struct sar_orbit_file {
    const char *name;  /* "S1A_OPER_AUX_RESORB_OPOD_20220918T093241_V20220918T053155_20220918T084925" */
    char type[16];     /* "AUX_POEORB" */
    char mission[16];  /* "Sentinel-1A" */
    int64_t valid_from_ns, valid_to_ns;
    size_t n_states;
    struct sar_state *states; /* in order of time; t is not set */
};

/* `name` is that of the file, with or without a folder and ".EOF". Where it says for what times the file is valid, the content
 * must say the same. Arrays lie in the arena. Errors: FileContentInvalid. */
bool sar_orbit_file_read(const char *bytes, size_t size, const char *name, struct arena *arena,
                         struct sar_orbit_file *ret_file, struct err *err) MUST_USE;
/* Of a path: an EOF, or a zip that holds one. Errors: FileNotFound, FileContentInvalid. */
bool sar_orbit_file_open(const char *path, struct arena *arena, struct sar_orbit_file *ret_file,
                         struct err *err) MUST_USE;

/* The best file of a folder for an image, by their names: a precise one before a restituted one, then the one that was made last.
 * *ret_found false: there is none. Errors: FileNotFound (there is no such folder), FileContentInvalid (of the best one). */
bool sar_orbit_file_find(const char *folder, const struct sar_annotation *annotation, struct arena *arena,
                         struct sar_orbit_file *ret_file, bool *ret_found, struct err *err) MUST_USE;

/* Is the file of this mission and valid for all lines of the image? */
bool sar_orbit_file_covers(const struct sar_orbit_file *file, const struct sar_annotation *annotation);
/* Puts the vectors from 100 s before the image to 100 s after it in place of the annotation's own. Errors: FileContentInvalid
 * when the file is of another mission, is not valid for all of the image, or has gaps there. */
bool sar_orbit_file_apply(const struct sar_orbit_file *file, struct arena *arena, struct sar_annotation *annotation,
                          struct err *err) MUST_USE;

#endif
