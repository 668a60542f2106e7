/* Median cut: colours are counted in cells of 5 bits a channel; the box of cells with the largest squared distances from its mean
 * is cut at the median of its widest channel, until there are enough. Rare colours (letters) are counted by the root of their
 * number, so that they get colours too. The dither is ordered, so that what does not change between pictures stays as it is. */
#include "raster/colours.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 5, LEVELS = 1 << BITS, CELLS = 1 << (3 * BITS) };
enum { FINE = 6, FINE_CELLS = 1 << (3 * FINE) }; /* of the table from colours to indices */

struct box {
    uint16_t *cells; /* a part of all that hold colours */
    size_t count;
    double error;
    int widest; /* channel */
};

struct colours {
    uint64_t counts[CELLS], sums[CELLS][3];
    double weights[CELLS];
    uint16_t cells[CELLS];
    struct box boxes[MOST_COLOURS];
    uint32_t list[MOST_COLOURS];
    size_t count;
    int amplitude;
    uint8_t nearest[FINE_CELLS];
};

struct colours *colours_new(void)
{
    return MEM_NEW(struct colours);
}

void colours_free(struct colours *colours)
{
    free(colours);
}

static int channel(uint32_t colour, int c)
{
    return (int)(colour >> (16 - 8 * c) & 255);
}

void colours_count(struct colours *colours, const uint32_t *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t p = pixels[i], cell = (p >> 19 & 31) << 10 | (p >> 11 & 31) << 5 | (p >> 3 & 31);

        colours->counts[cell]++;
        for (int c = 0; c < 3; c++)
            colours->sums[cell][c] += (uint64_t)channel(p, c);
    }
}

static double mean_of(const struct colours *colours, size_t cell, int c)
{
    return (double)colours->sums[cell][c] / (double)colours->counts[cell];
}

/* Its error, and the channel with the largest part of it. */
static void measure(const struct colours *colours, struct box *box)
{
    double worst = -1;

    box->error = 0;
    for (int c = 0; c < 3; c++) {
        double weight = 0, sum = 0, squares = 0, error;

        for (size_t i = 0; i < box->count; i++) {
            double w = colours->weights[box->cells[i]], value = mean_of(colours, box->cells[i], c);

            weight += w;
            sum += w * value;
            squares += w * value * value;
        }
        error = squares - sum * sum / weight;
        box->error += error;
        if (error > worst) {
            worst = error;
            box->widest = c;
        }
    }
    if (box->count < 2)
        box->error = -1;
}

static int level(uint16_t cell, int c)
{
    return cell >> (BITS * (2 - c)) & (LEVELS - 1);
}

/* Cells in the order of a channel: there are few levels. */
static void sort_cells(struct box *box, int c)
{
    AUTO(mem) uint16_t *sorted = mem_array(box->count, sizeof *sorted);
    size_t at[LEVELS + 1] = { 0 };

    for (size_t i = 0; i < box->count; i++)
        at[level(box->cells[i], c) + 1]++;
    for (int k = 0; k < LEVELS; k++)
        at[k + 1] += at[k];
    for (size_t i = 0; i < box->count; i++)
        sorted[at[level(box->cells[i], c)]++] = box->cells[i];
    memcpy(box->cells, sorted, box->count * sizeof *sorted);
}

static void cut(struct colours *colours, struct box *box, struct box *ret_other)
{
    double all = 0, seen = 0;
    size_t at = 0;

    sort_cells(box, box->widest);
    for (size_t i = 0; i < box->count; i++)
        all += colours->weights[box->cells[i]];
    while (at + 2 < box->count && seen + colours->weights[box->cells[at]] < all / 2)
        seen += colours->weights[box->cells[at++]];
    at++;
    *ret_other = (struct box){ .cells = box->cells + at, .count = box->count - at };
    box->count = at;
    measure(colours, box);
    measure(colours, ret_other);
}

static uint32_t colour_of(const struct colours *colours, const struct box *box)
{
    uint32_t colour = 0;

    for (int c = 0; c < 3; c++) {
        double weight = 0, sum = 0;

        for (size_t i = 0; i < box->count; i++) {
            weight += colours->weights[box->cells[i]];
            sum += colours->weights[box->cells[i]] * mean_of(colours, box->cells[i], c);
        }
        colour = colour << 8 | (uint32_t)(sum / weight + 0.5);
    }
    return colour;
}

static size_t find_nearest(const struct colours *colours, const int c[3])
{
    size_t best = 0;
    int least = INT32_MAX;

    for (size_t i = 0; i < colours->count; i++) {
        int r = c[0] - channel(colours->list[i], 0), g = c[1] - channel(colours->list[i], 1), b = c[2] - channel(colours->list[i], 2);
        int distance = 3 * r * r + 4 * g * g + 2 * b * b; /* as eyes weigh them */

        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

static void fill_table(struct colours *colours)
{
    const int half = 1 << (7 - FINE);

    for (size_t i = 0; i < FINE_CELLS; i++) {
        int c[3];

        for (int k = 0; k < 3; k++)
            c[k] = (int)(i >> (FINE * (2 - k)) & ((1 << FINE) - 1)) << (8 - FINE) | half;
        colours->nearest[i] = (uint8_t)find_nearest(colours, c);
    }
}

/* About half of how far apart neighbouring colours are. */
static int amplitude_of(const struct colours *colours)
{
    double sum = 0;

    for (size_t i = 0; i < colours->count; i++) {
        double least = INFINITY;

        for (size_t k = 0; k < colours->count; k++) {
            double distance = 0;

            for (int c = 0; c < 3; c++)
                distance += pow(channel(colours->list[i], c) - channel(colours->list[k], c), 2);
            if (k != i && distance < least)
                least = distance;
        }
        sum += isfinite(least) ? sqrt(least) : 0;
    }
    return (int)fmin(24, sum / (double)colours->count * 0.75);
}

size_t colours_settle(struct colours *colours, const uint32_t **ret_list)
{
    struct box *boxes = colours->boxes;
    size_t n = 0;

    for (size_t i = 0; i < CELLS; i++) {
        if (!colours->counts[i])
            continue;
        colours->weights[i] = sqrt((double)colours->counts[i]);
        colours->cells[n++] = (uint16_t)i;
    }
    boxes[0] = (struct box){ .cells = colours->cells, .count = n };
    measure(colours, &boxes[0]);
    for (colours->count = 1; colours->count < MOST_COLOURS; colours->count++) {
        size_t worst = 0;

        for (size_t i = 1; i < colours->count; i++)
            if (boxes[i].error > boxes[worst].error)
                worst = i;
        if (boxes[worst].error <= 0)
            break;
        cut(colours, &boxes[worst], &boxes[colours->count]);
    }
    for (size_t i = 0; i < colours->count; i++)
        colours->list[i] = colour_of(colours, &boxes[i]);
    colours->amplitude = colours->count < MOST_COLOURS ? 0 : amplitude_of(colours); /* there are no others to be mixed */
    fill_table(colours);
    *ret_list = colours->list;
    return colours->count;
}

static int limited(int value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

void colours_map(const struct colours *colours, const uint32_t *pixels, int width, int height, uint8_t *indices)
{
    static const int8_t bayer[8][8] = {
        { 0, 32, 8, 40, 2, 34, 10, 42 }, { 48, 16, 56, 24, 50, 18, 58, 26 }, { 12, 44, 4, 36, 14, 46, 6, 38 },
        { 60, 28, 52, 20, 62, 30, 54, 22 }, { 3, 35, 11, 43, 1, 33, 9, 41 }, { 51, 19, 59, 27, 49, 17, 57, 25 },
        { 15, 47, 7, 39, 13, 45, 5, 37 }, { 63, 31, 55, 23, 61, 29, 53, 21 },
    };
    enum { SHIFT = 8 - FINE };

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint32_t p = *pixels++;
            int add = (2 * bayer[y & 7][x & 7] - 63) * colours->amplitude / 126;
            int r = limited(channel(p, 0) + add), g = limited(channel(p, 1) + add), b = limited(channel(p, 2) + add);

            *indices++ = colours->nearest[r >> SHIFT << (2 * FINE) | g >> SHIFT << FINE | b >> SHIFT];
        }
}
