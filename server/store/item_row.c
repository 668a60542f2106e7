/* Each field is its length and its bytes in network order, or the length -1 for NULL. The promoted
 * columns are made here and nowhere else. */
#include "store/item_row.h"
#include "base/instant.h"
#include "cql2/synonyms.h"
#include "json/geojson.h"
#include "json/js.h"
#include "store/stac_text.h"
#include <arpa/inet.h>
#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 16, TEXT_OID = 25 };
#define POSTGRES_EPOCH_US (946684800LL * 1000000) /* 2000-01-01 */

static void put_length(struct text *rows, uint32_t length)
{
    length = htonl(length);
    text_addn(rows, &length, sizeof length);
}

static void put_null(struct text *rows)
{
    put_length(rows, UINT32_MAX);
}

static void put_bytes(struct text *rows, const void *bytes, size_t length)
{
    put_length(rows, (uint32_t)length);
    text_addn(rows, bytes, length);
}

static void put_text(struct text *rows, const char *text)
{
    if (text)
        put_bytes(rows, text, strlen(text));
    else
        put_null(rows);
}

static void put_integer(struct text *rows, int32_t number)
{
    uint32_t word = htonl((uint32_t)number);

    put_bytes(rows, &word, sizeof word);
}

static void put_instant(struct text *rows, int64_t us)
{
    uint64_t word = htobe64((uint64_t)(us - POSTGRES_EPOCH_US));

    put_bytes(rows, &word, sizeof word);
}

static void put_real(struct text *rows, const json_t *value)
{
    double number = json_number_value(value);
    uint64_t word;

    if (!json_is_number(value)) {
        put_null(rows);
        return;
    }
    memcpy(&word, &number, sizeof word);
    word = htobe64(word);
    put_bytes(rows, &word, sizeof word);
}

static void put_whole(struct text *rows, const json_t *value)
{
    double number = json_number_value(value);

    if (json_is_number(value) && fabs(number) < 2e9)
        put_integer(rows, (int32_t)lrint(number));
    else
        put_null(rows);
}

/* An array of texts with one dimension; what is no text in it is left out. */
static void put_texts(struct text *rows, const json_t *list)
{
    size_t at = rows->length, count = 0, i;
    const json_t *one;
    uint32_t head[5] = { htonl(1), 0, htonl(TEXT_OID), 0, htonl(1) }, length;

    if (!json_is_array(list)) {
        put_null(rows);
        return;
    }
    json_array_foreach((json_t *)list, i, one)
        count += json_is_string(one);
    head[3] = htonl((uint32_t)count);
    put_length(rows, 0);
    if (count == 0)
        head[0] = 0; /* an empty array has no dimension */
    text_addn(rows, head, count ? sizeof head : 3 * sizeof *head);
    json_array_foreach((json_t *)list, i, one)
        if (json_is_string(one))
            put_bytes(rows, json_string_value(one), json_string_length(one));
    length = htonl((uint32_t)(rows->length - at - sizeof length));
    memcpy(rows->data + at, &length, sizeof length);
}

static void put_geometry(struct text *rows, const json_t *item, struct item_row_place *place)
{
    const json_t *geometry = json_object_get(item, "geometry");
    size_t at = rows->length;

    if (json_is_object(geometry)) {
        uint32_t length;

        put_length(rows, 0);
        geojson_add_wkb(rows, geometry);
        length = htonl((uint32_t)(rows->length - at - sizeof length));
        memcpy(rows->data + at, &length, sizeof length);
        place->wrap = geojson_is_wrapped(geometry, json_object_get(item, "bbox"));
        place->doubtful = place->wrap || !geojson_is_surely_valid(geometry);
    } else {
        put_null(rows);
    }
    place->geometry = at - place->begin;
    place->geometry_length = rows->length - at;
}

/* Under any of its names. */
static void put_synonym(struct text *rows, const json_t *properties, const char *name)
{
    const char *prefix, *text = cql2_text_of(properties, name, &prefix);

    if (!text) {
        put_null(rows);
        return;
    }
    put_length(rows, (uint32_t)(strlen(prefix) + strlen(text)));
    text_add(rows, prefix);
    text_add(rows, text);
}

struct times {
    int64_t at, start, end, updated;
};

/* item_check() has seen that they parse. */
static struct times times_of(const json_t *properties)
{
    const char *at = js_text(properties, "datetime"), *start = js_text(properties, "start_datetime");
    const char *end = js_text(properties, "end_datetime"), *updated = js_text(properties, "updated");
    struct times t = { 0 };

    if (!instant_parse_us(at ? at : start, &t.at))
        t.at = 0;
    if (!start || !instant_parse_us(start, &t.start))
        t.start = t.at;
    if (!end || !instant_parse_us(end, &t.end))
        t.end = t.at;
    if (!updated || !instant_parse_us(updated, &t.updated))
        t.updated = instant_now() * 1000;
    return t;
}

static int32_t year_of(int64_t us)
{
    int64_t days = us / 86400000000 - (us % 86400000000 < 0), year;
    int month, day;

    instant_civil(days, &year, &month, &day);
    return (int32_t)year;
}

static bool put_body(struct text *rows, const json_t *item, const char *text, struct err *err)
{
    size_t at = rows->length;
    uint32_t length;

    put_length(rows, 0);
    if (!stac_text_keep(item, text, rows, err))
        return false;
    length = htonl((uint32_t)(rows->length - at - sizeof length));
    memcpy(rows->data + at, &length, sizeof length);
    return true;
}

bool item_row_add(struct text *rows, const json_t *item, const char *text,
                  struct item_row_place *ret_place, struct err *err)
{
    const json_t *p = json_object_get(item, "properties");
    struct item_row_place place = { .begin = rows->length };
    struct times t = times_of(p);
    uint16_t columns = htons(COLUMNS);

    text_addn(rows, &columns, sizeof columns);
    put_integer(rows, 0);
    put_integer(rows, 0);
    put_instant(rows, t.at);
    put_text(rows, js_text(item, "id"));
    put_instant(rows, t.start);
    put_instant(rows, t.end);
    put_geometry(rows, item, &place);
    put_real(rows, json_object_get(p, "eo:cloud_cover"));
    put_synonym(rows, p, "grid:code");
    put_whole(rows, json_object_get(p, "sat:relative_orbit"));
    put_text(rows, js_text(p, "sat:orbit_state"));
    put_text(rows, js_text(p, "platform"));
    put_synonym(rows, p, "product:type");
    put_texts(rows, json_object_get(p, "sar:polarizations"));
    put_instant(rows, t.updated);
    place.body = rows->length + sizeof(uint32_t) - place.begin;
    if (!put_body(rows, item, text, err)) {
        rows->length = place.begin;
        return false;
    }
    place.length = rows->length - place.begin;
    place.year = year_of(t.at);
    place.longest_us = t.end - t.at > t.at - t.start ? t.end - t.at : t.at - t.start;
    *ret_place = place;
    return true;
}

void item_row_set_shelf(char *row, int32_t shelf, int32_t collection)
{
    uint32_t words[2] = { htonl((uint32_t)shelf), htonl((uint32_t)collection) };

    memcpy(row + 2 + 4, &words[0], 4); /* after the number of columns and a length */
    memcpy(row + 2 + 4 + 4 + 4, &words[1], 4);
}
