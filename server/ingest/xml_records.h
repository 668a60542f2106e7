/* Large XML documents read straight into structs, one element after the other, without a tree: tables say which
 * elements are records, and which of their elements become which member. Elements that no table names are passed by.
 * As in xml.h: no network, no document types, no entities, bounded size and depth, local names alone. A refusal names
 * the document, the line, the element, what was found and what was expected. */
#ifndef INGEST_XML_RECORDS_H
#define INGEST_XML_RECORDS_H

#include "base/err.h"
#include "base/mem.h"
#include <stdint.h>

enum xml_type {
    XML_TYPE_NUMBER,  /* double */
    XML_TYPE_WHOLE,   /* int64_t */
    XML_TYPE_TIME,    /* int64_t: nanoseconds since 1970 of a UTC time, with or without Z, also after "UTC=" */
    XML_TYPE_WORD,    /* char[room]: plain ASCII without blanks */
    XML_TYPE_NUMBERS, /* double[room], and how many into the int at `count` */
    XML_TYPE_LIST,    /* const double * into the arena, at most `room`; how many into the size_t at `count` */
};

/* What an element below a record becomes. Each stands once in its record, unless it is optional. */
struct xml_field {
    const char *path; /* from the record on: "position/x"; NULL ends the table */
    enum xml_type type;
    size_t offset, count, room;
    double min, max; /* of numbers, and of each of several; min = max: any finite one */
    bool optional;
};

#define XML_NUMBER(type_, member, path_, least, most, ...)                                                             \
    { .path = path_, .type = XML_TYPE_NUMBER, .offset = offsetof(type_, member), .min = least, .max = most, __VA_ARGS__ }
#define XML_WHOLE(type_, member, path_, least, most, ...)                                                              \
    { .path = path_, .type = XML_TYPE_WHOLE, .offset = offsetof(type_, member), .min = least, .max = most, __VA_ARGS__ }
#define XML_TIME(type_, member, path_, ...)                                                                            \
    { .path = path_, .type = XML_TYPE_TIME, .offset = offsetof(type_, member), __VA_ARGS__ }
#define XML_WORD(type_, member, path_, ...)                                                                            \
    { .path = path_, .type = XML_TYPE_WORD, .offset = offsetof(type_, member),                                         \
      .room = sizeof(((type_ *)0)->member), __VA_ARGS__ }
#define XML_NUMBERS(type_, member, count_, path_, ...)                                                                 \
    { .path = path_, .type = XML_TYPE_NUMBERS, .offset = offsetof(type_, member), .count = offsetof(type_, count_),    \
      .room = sizeof(((type_ *)0)->member) / sizeof(double), __VA_ARGS__ }
#define XML_LIST(type_, member, count_, path_, most, ...)                                                              \
    { .path = path_, .type = XML_TYPE_LIST, .offset = offsetof(type_, member), .count = offsetof(type_, count_),       \
      .room = most, __VA_ARGS__ }

/* Elements that are records: of an array of the result (in the arena), or, with size 0, the result itself. */
struct xml_record {
    const char *path; /* from the root on: "product/generalAnnotation/orbitList/orbit"; NULL ends the table */
    const struct xml_field *fields;
    size_t size, offset, count; /* of one; of the pointer and of the size_t in the result */
    size_t least, most;
};

#define XML_ROOT(path_, fields_) { .path = path_, .fields = fields_, .least = 1, .most = 1 }
#define XML_ARRAY(type_, member, count_, path_, fields_, least_, most_)                                                \
    { .path = path_, .fields = fields_, .size = sizeof *((type_ *)0)->member, .offset = offsetof(type_, member),       \
      .count = offsetof(type_, count_), .least = least_, .most = most_ }

/* Fills `result`, which the caller has zeroed. `name` is for messages. Errors: FileContentInvalid. */
bool xml_read_records(const char *bytes, size_t size, const char *name, const struct xml_record *records,
                      struct arena *arena, void *result, struct err *err) MUST_USE;

#endif
