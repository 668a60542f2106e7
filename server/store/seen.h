/* Which JSON types a property was seen with, as bits; the same in sql/0004-search.sql. Inside of
 * queryables.c and property_news.c. */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

enum seen {
    SEEN_BOOLEAN = 1,
    SEEN_NUMBER = 2,
    SEEN_STRING = 4,
    SEEN_TIME = 8, /* a string that is an RFC 3339 time or date */
    SEEN_ARRAY = 16,
    SEEN_OBJECT = 32,
};

#endif
