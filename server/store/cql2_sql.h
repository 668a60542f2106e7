/* A checked CQL2 tree as a condition in SQL, with the meaning that cql2/cql2.h gives it: inside of
 * conditions.c and collection_search.c. */
#ifndef STORE_CQL2_SQL_H
#define STORE_CQL2_SQL_H

#include "cql2/cql2.h"
#include "store/compose.h"
#include "store/scope.h"

struct cql2_column { /* a property that has a column */
    const char *name, *sql;
    enum cql2_type type;
    bool integer; /* the column is one */
};

struct cql2_context { /* what the properties of a tree are */
    const struct cql2_column *columns; /* to a NULL name */
    const char *document; /* jsonb of all other properties: "j.p" */
    const char *start, *end; /* of the interval that "datetime" means in T_ operators */
    int64_t longest_us;   /* these lie around i.datetime by at most this much; 0: no such column */
    const struct known *known; /* for "collection"; NULL: it is a column like others */
};

/* The condition, in the arena; its values are added to the statement. */
const char *cql2_sql(const struct cql2_node *tree, const struct cql2_context *context,
                     struct arena *arena, struct composed *statement);
/* True when it looks into the document. */
bool cql2_needs_document(const struct cql2_node *tree, const struct cql2_context *context);

#endif
