/* libxml2's SAX interface calls us at each tag. The path of the open elements is kept as text; at a start it is compared
 * with the paths of the records, and with those of the fields of records that are open. Text is gathered for elements
 * that some field wants, and read when they end. */
#include "ingest/xml_records.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/xml.h"
#include <assert.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_RECORDS = 8, MOST_FIELDS = 64 };

/* What is known of one table while the document is read. */
struct state {
    const struct xml_record *record;
    size_t path_length;
    bool open;
    size_t n, capacity; /* records so far */
    char *items;        /* of an array, until its end */
    uint64_t seen;      /* fields of the open record */
};

struct reading {
    const char *name;
    xmlParserCtxt *parser;
    struct arena *arena;
    void *result;
    struct err *err;
    struct text path, content;
    struct state states[MOST_RECORDS];
    size_t n_states;
    struct state *wanting; /* whose field is being gathered */
    const struct xml_field *field;
    int64_t announced; /* its attribute "count"; -1: none */
    size_t wanted_at;  /* length of its path */
};

/* The first error stops the parser. */
static bool refuse(struct reading *r, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct reading *r, const char *format, ...)
{
    char what[400];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    xmlStopParser(r->parser);
    return err_set(r->err, ERR_FileContentInvalid, "%s, line %d, %s: %s", r->name, xmlSAX2GetLineNumber(r->parser),
                   r->path.data ? r->path.data : "the document", what);
}

static char *current(const struct reading *r, const struct state *state)
{
    return state->record->size ? state->items + (state->n - 1) * state->record->size : r->result;
}

static void open_record(struct reading *r, struct state *state)
{
    if (state->n >= state->record->most) {
        refuse(r, "stands more than %zu times", state->record->most);
        return;
    }
    if (state->record->size)
        state->items = mem_grow(state->items, &state->capacity, state->n + 1, state->record->size);
    state->n++;
    state->open = true;
    state->seen = 0;
}

static void close_record(struct reading *r, struct state *state)
{
    const struct xml_field *fields = state->record->fields;

    state->open = false;
    for (size_t i = 0; fields[i].path; i++)
        if (!fields[i].optional && !(state->seen >> i & 1)) {
            refuse(r, "has no '%s'", fields[i].path);
            return;
        }
}

/* Does some open record want the element that begins? */
static void look_for_field(struct reading *r)
{
    for (size_t s = 0; s < r->n_states; s++) {
        struct state *state = &r->states[s];
        const char *rest = r->path.data + state->path_length + 1;
        size_t length = r->path.length - state->path_length - 1;

        if (!state->open || r->path.length <= state->path_length + 1)
            continue;
        for (size_t i = 0; state->record->fields[i].path; i++) {
            const struct xml_field *field = &state->record->fields[i];

            if (memcmp(rest, field->path, length < strlen(field->path) ? length : strlen(field->path)) ||
                strlen(field->path) != length)
                continue;
            if (state->seen >> i & 1) {
                refuse(r, "stands twice");
                return;
            }
            state->seen |= 1ull << i;
            r->wanting = state;
            r->field = field;
            r->wanted_at = r->path.length;
            text_clear(&r->content);
            return;
        }
    }
}

/* The attribute count="650" of lists; libxml2 gives five pointers an attribute. */
static int64_t announced_count(int n_attributes, const xmlChar **attributes)
{
    for (int i = 0; i < n_attributes; i++) {
        const char *value = (const char *)attributes[5 * i + 3];
        int length = (int)((const char *)attributes[5 * i + 4] - value);
        char text[16];

        if (strcmp((const char *)attributes[5 * i], "count") || length < 1 || length > 9)
            continue;
        snprintf(text, sizeof text, "%.*s", length, value);
        return strspn(text, "0123456789") == (size_t)length ? atoll(text) : -1;
    }
    return -1;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces,
                     const xmlChar **namespaces, int n_attributes, int n_defaulted, const xmlChar **attributes)
{
    struct reading *r = ((xmlParserCtxt *)context)->_private;

    (void)prefix, (void)uri, (void)n_namespaces, (void)namespaces, (void)n_defaulted;
    if (r->path.length)
        text_addn(&r->path, "/", 1);
    text_add(&r->path, (const char *)name);
    if (r->field) {
        refuse(r, "an element where text was expected");
        return;
    }
    for (size_t s = 0; s < r->n_states; s++)
        if (!r->states[s].open && r->states[s].path_length == r->path.length &&
            !memcmp(r->states[s].record->path, r->path.data, r->path.length)) {
            open_record(r, &r->states[s]);
            return;
        }
    look_for_field(r);
    r->announced = r->field ? announced_count(n_attributes, attributes) : -1;
}

static void on_text(void *context, const xmlChar *text, int length)
{
    struct reading *r = ((xmlParserCtxt *)context)->_private;

    if (r->field)
        text_addn(&r->content, text, (size_t)length);
}

static const char blanks[] = " \t\r\n";

static bool in_range(const struct xml_field *field, double number)
{
    return isfinite(number) && (field->min == field->max || (number >= field->min && number <= field->max));
}

static bool refuse_number(struct reading *r, const struct xml_field *field, const char *kind, const char *found)
{
    if (field->min == field->max)
        return refuse(r, "expected %s, found '%.60s'", kind, found);
    return refuse(r, "expected %s from %.10g to %.10g, found '%.60s'", kind, field->min, field->max, found);
}

/* The next number of a text, which moves on. No hexadecimal, no inf, no nan. */
static bool next_number(const char **text, double *ret_number)
{
    size_t length = strcspn(*text, blanks);
    char *end;

    if (strspn(*text, "+-.0123456789eE") != length)
        return false;
    *ret_number = strtod(*text, &end);
    if (end != *text + length)
        return false;
    *text = end + strspn(end, blanks);
    return true;
}

static bool read_number(struct reading *r, const char *text, void *place)
{
    double number;
    const char *rest = text;

    if (!*text || !next_number(&rest, &number) || *rest || !in_range(r->field, number))
        return refuse_number(r, r->field, "a number", text);
    memcpy(place, &number, sizeof number);
    return true;
}

static bool read_whole(struct reading *r, const char *text, void *place)
{
    double number;
    const char *rest = text;
    int64_t whole;

    if (!*text || !next_number(&rest, &number) || *rest || !in_range(r->field, number) || number != rint(number) ||
        fabs(number) > 9e15)
        return refuse_number(r, r->field, "a whole number", text);
    whole = (int64_t)number;
    memcpy(place, &whole, sizeof whole);
    return true;
}

static bool read_time(struct reading *r, const char *text, void *place)
{
    int64_t time_ns;

    if (!instant_parse_utc_ns(text_begins(text, "UTC=") ? text + 4 : text, &time_ns))
        return refuse(r, "expected a time of UTC as 2021-01-19T03:16:53.799379, found '%.60s'", text);
    memcpy(place, &time_ns, sizeof time_ns);
    return true;
}

static bool read_word(struct reading *r, const char *text, void *place)
{
    size_t length = strlen(text);

    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return refuse(r, "expected a word of plain letters, found something else");
    if (length == 0 || length >= r->field->room)
        return refuse(r, "expected a word of 1 to %zu letters, found '%.60s'", r->field->room - 1, text);
    memcpy(place, text, length + 1);
    return true;
}

/* Into `numbers`, which has room for `room`. */
static bool read_several(struct reading *r, const char *text, double *numbers, size_t room, size_t *ret_count)
{
    size_t n = 0;

    for (const char *rest = text; *rest; n++) {
        const char *start = rest;

        if (n == room)
            return refuse(r, "holds more than %zu numbers", room);
        if (!next_number(&rest, &numbers[n]) || !in_range(r->field, numbers[n])) {
            char found[61];

            snprintf(found, sizeof found, "%.*s", (int)strcspn(start, blanks), start);
            return refuse_number(r, r->field, "numbers", found);
        }
    }
    if (r->announced >= 0 && (uint64_t)r->announced != n)
        return refuse(r, "says that it holds %lld numbers, but %zu stand there", (long long)r->announced, n);
    *ret_count = n;
    return true;
}

static bool read_numbers(struct reading *r, const char *text, char *record)
{
    size_t n;
    int count;

    if (!read_several(r, text, (double *)(record + r->field->offset), r->field->room, &n))
        return false;
    count = (int)n;
    memcpy(record + r->field->count, &count, sizeof count);
    return true;
}

static bool read_list(struct reading *r, const char *text, char *record)
{
    size_t most = 0, n;
    double *numbers;

    for (const char *rest = text; *rest; most++) {
        rest += strcspn(rest, blanks);
        rest += strspn(rest, blanks);
    }
    if (most > r->field->room)
        return refuse(r, "holds more than %zu numbers", r->field->room);
    numbers = arena_array(r->arena, most ? most : 1, sizeof *numbers);
    if (!read_several(r, text, numbers, most, &n))
        return false;
    memcpy(record + r->field->offset, &numbers, sizeof numbers);
    memcpy(record + r->field->count, &n, sizeof n);
    return true;
}

/* Without blanks around it. */
static const char *trimmed(struct text *content)
{
    char *text = content->data ? content->data : (char *)"";
    size_t length = content->length;

    while (length > 0 && strchr(blanks, text[length - 1]))
        text[--length] = '\0';
    return text + strspn(text, blanks);
}

static void take_field(struct reading *r)
{
    const char *text = trimmed(&r->content);
    char *record = current(r, r->wanting), *place = record + r->field->offset;

    switch (r->field->type) {
    case XML_TYPE_NUMBER: read_number(r, text, place); break;
    case XML_TYPE_WHOLE: read_whole(r, text, place); break;
    case XML_TYPE_TIME: read_time(r, text, place); break;
    case XML_TYPE_WORD: read_word(r, text, place); break;
    case XML_TYPE_NUMBERS: read_numbers(r, text, record); break;
    case XML_TYPE_LIST: read_list(r, text, record); break;
    }
    r->field = NULL;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct reading *r = ((xmlParserCtxt *)context)->_private;
    const char *slash;

    (void)name, (void)prefix, (void)uri;
    if (r->err->code)
        return;
    if (r->field)
        take_field(r);
    for (size_t s = 0; s < r->n_states; s++)
        if (r->states[s].open && r->states[s].path_length == r->path.length)
            close_record(r, &r->states[s]);
    slash = strrchr(r->path.data, '/');
    r->path.length = slash ? (size_t)(slash - r->path.data) : 0;
    r->path.data[r->path.length] = '\0';
}

/* Called where a document type begins: before anything that it declares is read. */
static void on_type(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    struct reading *r = ((xmlParserCtxt *)context)->_private;

    (void)name, (void)external, (void)system;
    refuse(r, "a document type (DOCTYPE) is declared, which is not accepted");
}

/* An array goes to the arena when all of it is known. */
static bool finish(struct reading *r, struct state *state)
{
    const struct xml_record *record = state->record;
    void *items;

    if (state->n < record->least)
        return err_set(r->err, ERR_FileContentInvalid, "%s: expected at least %zu elements %s, found %zu", r->name,
                       record->least, record->path, state->n);
    if (record->size == 0)
        return true;
    items = arena_array(r->arena, state->n ? state->n : 1, record->size);
    if (state->n)
        memcpy(items, state->items, state->n * record->size);
    memcpy((char *)r->result + record->offset, &items, sizeof items);
    memcpy((char *)r->result + record->count, &state->n, sizeof state->n);
    return true;
}

static bool parse(struct reading *r, const char *bytes, size_t size)
{
    xmlSAXHandler *sax = r->parser->sax;
    xmlDoc *doc;
    const xmlError *problem;

    sax->startElementNs = on_start;
    sax->endElementNs = on_end;
    sax->characters = sax->ignorableWhitespace = sax->cdataBlock = on_text;
    sax->internalSubset = on_type;
    sax->comment = NULL;
    sax->processingInstruction = NULL;
    r->parser->_private = r;
    doc = xmlCtxtReadMemory(r->parser, bytes, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    problem = xmlCtxtGetLastError(r->parser);
    xmlFreeDoc(doc); /* without elements */
    if (r->err->code)
        return false;
    return (r->parser->wellFormed && doc) ||
           err_set(r->err, ERR_FileContentInvalid, "%s: no well-formed XML, line %d: %.200s", r->name,
                   problem ? problem->line : 0, problem && problem->message ? problem->message : "unknown");
}

bool xml_read_records(const char *bytes, size_t size, const char *name, const struct xml_record *records,
                      struct arena *arena, void *result, struct err *err)
{
    struct reading r = { .name = name, .arena = arena, .result = result, .err = err };
    bool good = true;

    if (size > XML_MAX_BYTES)
        return err_set(err, ERR_FileContentInvalid, "%s: is larger than %d MB", name, XML_MAX_BYTES >> 20);
    for (; records[r.n_states].path; r.n_states++) {
        assert(r.n_states < MOST_RECORDS);
        r.states[r.n_states].record = &records[r.n_states];
        r.states[r.n_states].path_length = strlen(records[r.n_states].path);
    }
    r.parser = xmlNewParserCtxt();
    good = parse(&r, bytes, size);
    for (size_t s = 0; s < r.n_states && good; s++)
        good = finish(&r, &r.states[s]);
    for (size_t s = 0; s < r.n_states; s++)
        free(r.states[s].items);
    text_drop(&r.path);
    text_drop(&r.content);
    xmlFreeParserCtxt(r.parser);
    return good;
}
