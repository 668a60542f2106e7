/* The route table made ready for matching: patterns split once, at start. */
#ifndef HTTP_TABLE_H
#define HTTP_TABLE_H

#include "http/route.h"
#include "http/url.h"

enum { ROUTE_VARIABLES = 8 };

struct route_table;

/* Ends the program when a row cannot be meant (a bug of ours): two rows that match the same paths
 * with the same method, too many variables. */
struct route_table *route_table_new(const struct route *rows);
void route_table_free(struct route_table *table);

struct route_match {
    const struct route *route; /* NULL: none for this method */
    unsigned allowed;          /* bit 1u << method of every row for this path; 0: no such path */
    enum face face;            /* of the row, else of the rows that begin alike */
    struct url_parameter variables[ROUTE_VARIABLES];
    size_t n_variables;
};

/* A literal segment is preferred to a variable, a variable to a tail. HEAD takes the row of GET. */
void route_find(const struct route_table *table, enum method method, const struct url *url,
                struct arena *arena, struct route_match *ret_match);

enum { ROUTE_METHODS_SIZE = 64 };
/* "GET, HEAD, OPTIONS" */
const char *route_methods(unsigned allowed, char buffer[static ROUTE_METHODS_SIZE]);
extern const char *const method_names[METHOD_COUNT];

#endif
