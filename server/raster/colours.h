/* 256 colours for all pictures of a film. */
#ifndef RASTER_COLOURS_H
#define RASTER_COLOURS_H

#include <stddef.h>
#include <stdint.h>

enum { MOST_COLOURS = 255 }; /* one is kept for what stays as it was */

struct colours;
struct colours *colours_new(void);
void colours_free(struct colours *colours);
void colours_count(struct colours *colours, const uint32_t *pixels, size_t n);
/* When all are counted: chooses them. Returns how many there are; (*ret_list)[i] is 0xRRGGBB. */
size_t colours_settle(struct colours *colours, const uint32_t **ret_list);
/* A picture in these colours: a pattern that is the same on every picture mixes those in between. */
void colours_map(const struct colours *colours, const uint32_t *pixels, int width, int height, uint8_t *indices);

#endif
