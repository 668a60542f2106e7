/* The pictures of a save: each of its dates, stretched, scaled, with what is drawn upon it. */
#ifndef RASTER_FILM_H
#define RASTER_FILM_H

#include "raster/sinks.h"

/* Whether its options ask for more than the values as they are. */
bool film_wanted(const struct plan_node *save);

struct film;
/* Looks at all pixels first where a stretch or the share of valid pixels is asked for. Errors: FormatUnsuitable when no date
 * shows enough. The file is borrowed. */
bool film_open(const struct sink_file *file, struct film **ret_film, struct err *err) MUST_USE;
void film_free(struct film *film);
DEFINE_AUTO(film, struct film *, film_free)
int film_width(const struct film *film);
int film_height(const struct film *film);
size_t film_count(const struct film *film); /* of the dates that are shown; at least one */
/* The next date, 0xRRGGBB a pixel; begins again after the last one. */
bool film_next(struct film *film, uint32_t *pixels, struct err *err) MUST_USE;

#endif
