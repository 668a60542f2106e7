/* The outputs of a finished job: files and values by the ids that its process gives them. */
#ifndef API_OGC_PRODUCTS_H
#define API_OGC_PRODUCTS_H

#include "api/ogc/ogc.h"

enum { OGC_MAX_INLINE_BYTES = 64 << 20 };

struct ogc_product {
    const char *id;
    const struct job_asset *file; /* or: */
    const json_t *value;
    const char *mode; /* "value", "reference" or NULL */
    const char *media; /* of a value */
    bool base64;       /* the value is a text of bytes */
};

/* An output of several files is listed with each of them, one after the other. */
struct ogc_products {
    size_t count;
    struct ogc_product *list; /* in the arena of the request */
    json_t *values; /* owned: what the graph gave when it is no cube */
    struct job_asset *assets;
    size_t n_assets;
};
/* AUTO(ogc_products) struct ogc_products products = { 0 }; */
void ogc_products_drop(struct ogc_products *products);

/* Those that the job's request asked for. Errors: FileNotFound. */
bool ogc_products_read(struct request *rq, const struct job *job, struct ogc_products *ret_products,
                       struct err *err) MUST_USE;
/* A signed link; a value that is wanted by reference is a member of a file, which is linked. */
const char *ogc_product_href(struct request *rq, const struct job *job,
                             const struct ogc_products *products,
                             const struct ogc_product *product);
/* What an answer holds of a value: the caller frees. Errors: SourceUnreadable. */
bool ogc_product_text(const struct ogc_product *product, char **ret_bytes, size_t *ret_size, struct err *err) MUST_USE;
/* Those of a process that gave `values` and no file. */
void ogc_products_of_values(struct request *rq, const json_t *description, const json_t *asked, json_t *values_taken,
                            struct ogc_products *ret_products);
const char *ogc_product_media(const struct ogc_product *product);
/* A file of at most OGC_MAX_INLINE_BYTES; the caller frees. Errors: InvalidParameter,
 * StorageFailure. */
bool ogc_product_bytes(const struct job_asset *asset, char **ret_bytes, size_t *ret_size,
                       struct err *err) MUST_USE;

#endif
