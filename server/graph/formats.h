/* The formats: one table of outputs that GET /file_formats shows, that save_result checks against and
 * whose options raster/ writes by, and one of inputs. */
#ifndef GRAPH_FORMATS_H
#define GRAPH_FORMATS_H

#include "graph/value.h"

enum option_kind {
    OPTION_CHOICE,  /* one of `choices`, in upper or lower case */
    OPTION_NUMBER,  /* finite, from least to greatest */
    OPTION_INTEGER, /* the same, whole */
    OPTION_BOOLEAN,
    OPTION_RANGE,   /* two numbers, the first one less */
    OPTION_AREAS,   /* {"1": 1200.5, ...}: whole numbers to numbers above 0 */
    OPTION_COLOURS, /* {"4": [0, 128, 0], ...}: 0..255 to red, green, blue and maybe alpha */
    OPTION_TEXT,    /* of at most `greatest` bytes */
    OPTION_WORDS,   /* an array of some of `choices` */
};

struct format_option {
    const char *name, *alias; /* in lower case; alias may be NULL */
    enum option_kind kind;
    const char *choices;      /* separated by blanks */
    double least, greatest;
    const char *fallback;     /* JSON; NULL: none */
    const char *description;
};

enum { FORMAT_MOST_OPTIONS = 20, FORMAT_WIDEST = 1920, FORMAT_HIGHEST = 1080, FORMAT_MOST_FRAMES = 200 };

struct file_format {
    const char *name, *title, *description;
    const char *types; /* gis_data_types, separated by blanks */
    const struct format_option *options[FORMAT_MOST_OPTIONS + 1]; /* ends with NULL */
    unsigned bands; /* which numbers of bands fit: bit n for n; 0: any */
    bool numbers;   /* needs no x and y */
    bool film;      /* all dates are frames of one file */
    const char *program; /* that is needed for it; NULL: none */
};

/* What load_uploaded_files reads; load_url and load_geojson read GeoJSON alone. */
struct file_input {
    const char *name, *title, *description; /* name: GDAL's */
    bool is_image;                          /* else features */
};
const struct file_input *format_input(const char *name); /* as format_find() */
const char *format_inputs(struct arena *arena);

/* In upper or lower case; NULL: there is none, or the program that it needs is not installed. */
const struct file_format *format_find(const char *name);
/* Whether it holds a cube of the type "raster" or "vector". */
bool format_holds(const struct file_format *format, const char *type);
/* "COG, GTiff and PNG" */
const char *format_names(struct arena *arena);
const struct format_option *format_option(const struct file_format *format, const char *key);
/* What the option takes, when it does not take `value`; NULL when it does. In the arena. */
const char *option_refuses(struct arena *arena, const struct format_option *option,
                           const struct value *value);

#endif
