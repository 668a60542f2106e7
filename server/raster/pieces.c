/* Parts come from disk and from other processes: nothing in them is believed that was not checked
 * against the plan, and no block may be missing or come twice. */
#include "raster/pieces.h"
#include "base/mem.h"

const struct plan_node *pieces_output(const struct plan *plan, size_t output)
{
    return output < plan->n_saves ? plan->saves[output] : plan->zones[output - plan->n_saves];
}

static size_t output_count(const struct plan *plan)
{
    return plan->n_saves + plan->n_zones;
}

const struct schedule *pieces_schedule(const struct pieces *pieces, size_t output)
{
    const struct plan_node *node = pieces_output(pieces->plan, output);
    const struct schedules *all = pieces->schedules;

    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->schedules[i].n_outputs; k++)
            if (all->schedules[i].outputs[k] == node)
                return &all->schedules[i];
    return NULL;
}

static size_t place(const struct schedule *s, size_t plane, size_t tile, enum piece piece)
{
    return (plane * s->blocks + tile) * PIECES + piece;
}

const struct piece_ref *pieces_get(const struct pieces *pieces, size_t output, size_t plane,
                                   size_t tile, enum piece piece)
{
    return &pieces->refs[output][place(pieces_schedule(pieces, output), plane, tile, piece)];
}

static bool put(struct pieces *pieces, const struct part *part, const struct part_entry *entry,
                struct err *err)
{
    const struct plan *plan = pieces->plan;
    const struct schedule *s;
    struct piece_ref *ref;
    size_t tile;

    if (entry->block < part->first || entry->block >= part->end ||
        entry->block >= pieces->schedules->blocks || entry->save >= output_count(plan) ||
        entry->piece >= PIECES ||
        entry->plane >= output_planes(pieces_output(plan, entry->save)))
        return err_set(err, ERR_StorageFailure,
                       "The part '%s' cannot be used: it holds what the plan has not.", part->path);
    s = schedule_of(pieces->schedules, entry->block, &tile);
    if (s != pieces_schedule(pieces, entry->save))
        return err_set(err, ERR_StorageFailure,
                       "The part '%s' cannot be used: block %u is of another result.", part->path,
                       entry->block);
    ref = &pieces->refs[entry->save][place(s, entry->plane, tile, entry->piece)];
    if (ref->entry)
        return err_set(err, ERR_StorageFailure, "Block %u is in two parts, '%s' and '%s'.",
                       entry->block, ref->part->path, part->path);
    *ref = (struct piece_ref){ part, entry };
    return true;
}

/* Every piece that the styles of the saves ask for. */
static bool complete(const struct pieces *pieces, struct err *err)
{
    for (size_t save = 0; save < output_count(pieces->plan); save++) {
        const struct plan_node *node = pieces_output(pieces->plan, save);
        const struct schedule *s = pieces_schedule(pieces, save);
        struct file_style style = { 0 };
        size_t wanted;

        if (!s)
            continue;
        if (node->op == PLAN_SAVE && !file_style_of(node, &style, err))
            return false;
        wanted = style_overviews(&style, &s->grid);
        for (size_t plane = 0; plane < output_planes(node); plane++)
            for (size_t tile = 0; tile < s->blocks; tile++)
                for (size_t piece = 0; piece < PIECES && piece <= wanted; piece++)
                    if (!pieces->refs[save][place(s, plane, tile, (enum piece)piece)].entry)
                        return err_set(err, ERR_StorageFailure,
                                       "Tile %zu of the result '%s' is in none of the %zu parts.",
                                       tile, node->id, pieces->n_parts);
    }
    return true;
}

bool pieces_open(const struct plan *plan, const struct schedules *schedules, size_t n_parts,
                 const char *const *paths, struct pieces **ret_pieces, struct err *err)
{
    AUTO(pieces) struct pieces *pieces = MEM_NEW(struct pieces);
    uint64_t fingerprint = part_fingerprint(plan);

    pieces->plan = plan;
    pieces->schedules = schedules;
    pieces->parts = mem_array(n_parts, sizeof(struct part *));
    pieces->refs = mem_array(output_count(plan), sizeof(struct piece_ref *));
    for (size_t i = 0; i < output_count(plan); i++)
        if (pieces_schedule(pieces, i))
            pieces->refs[i] = mem_array(output_planes(pieces_output(plan, i)) *
                                            pieces_schedule(pieces, i)->blocks * PIECES,
                                        sizeof(struct piece_ref));
    for (; pieces->n_parts < n_parts; pieces->n_parts++) {
        struct part **part = &pieces->parts[pieces->n_parts];

        if (!part_open(paths[pieces->n_parts], fingerprint, part, err))
            return false;
        for (size_t i = 0; i < (*part)->n_entries; i++)
            if (!put(pieces, *part, &(*part)->entries[i], err)) {
                part_free(*part);
                return false;
            }
    }
    if (!complete(pieces, err))
        return false;
    *ret_pieces = pieces;
    pieces = NULL;
    return true;
}

void pieces_free(struct pieces *pieces)
{
    if (!pieces)
        return;
    for (size_t i = 0; i < pieces->n_parts; i++)
        part_free(pieces->parts[i]);
    for (size_t i = 0; i < output_count(pieces->plan); i++)
        free(pieces->refs[i]);
    free(pieces->parts);
    free(pieces->refs);
    free(pieces);
}

bool pieces_pixels(const struct piece_ref *ref, struct encoder *encoder,
                   const struct file_style *style, size_t side, void *pixels, struct err *err)
{
    AUTO(mem) void *packed = mem_alloc(ref->entry->size);

    return part_read(ref->part, ref->entry, packed, err) &&
           encoder_unpack(encoder, style, packed, ref->entry->size, side, pixels, err);
}
