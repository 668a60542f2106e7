/* A frame knows its conversion up to its last record, which is up to a second before its last line, and state vectors that
 * differ from those of its neighbour by a metre in old products. So records are those of the frame that shows their moment, and state
 * vectors, which overlap, go over from the one to the other step by step. Both frames come to the same lists around their border. */
#include "sar/pass.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t largest_gap_ns = 2000000000, same_ns = 1000000, beside_ns = 1000000000;
static const double same_m = 1e-3; /* of slant range */

static bool follows(const struct sar_annotation *first, const struct sar_annotation *second)
{
    const struct sar_ground_range *a = first->ground_ranges, *b = second->ground_ranges;

    return !strcmp(first->mission, second->mission) && !strcmp(first->swath, second->swath) &&
           !strcmp(first->polarisation, second->polarisation) && second->first_line_ns > first->first_line_ns &&
           llabs(second->first_line_ns - first->last_line_ns) <= largest_gap_ns && first->n_ground_ranges > 0 &&
           second->n_ground_ranges > 0 && fabs(a->sr0 - b->sr0) < same_m && fabs(a->gr0 - b->gr0) < same_m &&
           fabs(first->range_spacing - second->range_spacing) < same_m;
}

/* Records before the second one's first line. */
static size_t count_before(const struct sar_annotation *of, const struct sar_annotation *second)
{
    size_t n = 0;

    while (n < of->n_ground_ranges && of->ground_ranges[n].time_ns < second->first_line_ns)
        n++;
    return n;
}

/* Of the neighbour's, the one that comes next: the image has no lines beyond it. */
static void join_records(const struct sar_annotation *first, const struct sar_annotation *second, bool is_first,
                         struct sar_annotation *a, struct arena *arena)
{
    size_t end = count_before(first, second), begin = count_before(second, second), n = 0;
    size_t last = is_first && begin < second->n_ground_ranges ? begin + 1 : second->n_ground_ranges;
    struct sar_ground_range *list = arena_array(arena, end + last + 1, sizeof *list);

    for (size_t i = is_first || end == 0 ? 0 : end - 1; i < end; i++)
        list[n++] = first->ground_ranges[i];
    for (size_t i = begin; i < last; i++)
        list[n++] = second->ground_ranges[i];
    for (size_t i = 0; i < n; i++)
        list[i].t = sar_annotation_seconds(a, list[i].time_ns);
    a->ground_ranges = list;
    a->n_ground_ranges = n;
}

static void mix(const struct sar_state *from, const struct sar_state *to, double weight, struct sar_state *ret)
{
    *ret = *from;
    for (int i = 0; i < 3; i++) {
        ret->position[i] += weight * (to->position[i] - from->position[i]);
        ret->velocity[i] += weight * (to->velocity[i] - from->velocity[i]);
    }
}

/* Where the second one's begin among the first one's, when both have them at the same moments from there on; else their
 * number. */
static size_t find_overlap(const struct sar_annotation *first, const struct sar_annotation *second)
{
    size_t at = 0;

    while (at < first->n_states && first->states[at].time_ns < second->states[0].time_ns - same_ns)
        at++;
    for (size_t i = at; i < first->n_states; i++)
        if (i - at >= second->n_states || llabs(first->states[i].time_ns - second->states[i - at].time_ns) > same_ns)
            return first->n_states;
    return at;
}

static void join_states(const struct sar_annotation *first, const struct sar_annotation *second, struct sar_annotation *a,
                        struct arena *arena)
{
    size_t at = find_overlap(first, second), n = at + second->n_states;
    const struct sar_state *begin = second->states, *end = &first->states[first->n_states - 1];
    struct sar_state *list;

    if (at == first->n_states) /* they cannot be put together: each keeps its own */
        return;
    list = arena_array(arena, n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        if (i < at)
            list[i] = first->states[i];
        else if (i >= first->n_states)
            list[i] = second->states[i - at];
        else
            mix(&first->states[i], &second->states[i - at],
                (double)(first->states[i].time_ns - begin->time_ns + beside_ns) / (double)(end->time_ns - begin->time_ns + 2 * beside_ns),
                &list[i]);
        list[i].t = sar_annotation_seconds(a, list[i].time_ns);
    }
    a->states = list;
    a->n_states = n;
}

bool sar_pass_continue(struct sar_annotation *annotation, const struct sar_annotation *neighbour, struct arena *arena)
{
    const struct sar_annotation own = *annotation;
    bool later = neighbour->first_line_ns > own.first_line_ns;
    const struct sar_annotation *first = later ? &own : neighbour, *second = later ? neighbour : &own;

    if (!follows(first, second))
        return false;
    join_records(first, second, later, annotation, arena);
    join_states(first, second, annotation, arena);
    return true;
}
