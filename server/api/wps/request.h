/* Requests of WPS 1.0.0 and 2.0.0 as one structure, whether they came as keys and values or as XML.
 * Nothing here knows processes: what a value means is said by the description of its input
 * (values.c). */
#ifndef API_WPS_REQUEST_H
#define API_WPS_REQUEST_H

#include "base/err.h"
#include "base/mem.h"
#include "http/ows.h"

enum wps_operation {
    WPS_CAPABILITIES,
    WPS_DESCRIBE,
    WPS_EXECUTE,
    WPS_STATUS,
    WPS_RESULT,
    WPS_DISMISS
};
enum wps_mode { WPS_SYNC, WPS_ASYNC, WPS_AUTO };
enum wps_transmission { WPS_AS_LIKED, WPS_AS_VALUE, WPS_AS_REFERENCE };

enum { WPS_MAX_PARTS = 100 }; /* inputs, outputs, identifiers */

struct wps_input {
    const char *id;
    const char *text;                      /* a literal, or what complex data hold; or: */
    const char *href, *method, *body;      /* a reference; or: */
    const char *lower, *upper, *crs;       /* the corners of a bounding box */
    const char *media, *encoding, *schema; /* NULL: not said */
};

struct wps_output {
    const char *id, *media, *encoding;
    enum wps_transmission transmission;
};

struct wps_request {
    enum wps_operation operation;
    enum ows_version version;
    const char *identifiers[WPS_MAX_PARTS];
    size_t n_identifiers;
    struct wps_input inputs[WPS_MAX_PARTS];
    size_t n_inputs;
    struct wps_output outputs[WPS_MAX_PARTS];
    size_t n_outputs;
    bool raw, store, status, lineage; /* store, status, lineage: 1.0.0 alone */
    enum wps_mode mode;               /* 2.0.0 alone */
    const char *job;
    const char *name; /* the process as PEPS's users call it; NULL: this is not their door */
};

/* What is wrong, in the words of OWS. */
struct wps_problem {
    const char *code, *locator; /* NULL: as `err` says; none */
};
bool wps_refuse(struct wps_problem *problem, const char *code, const char *locator, struct err *err,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* Keys and values. All texts are the arena's. */
struct wps_pair {
    const char *key, *value;
};
bool wps_read_pairs(const struct wps_pair *pairs, size_t count, struct arena *arena,
                    struct wps_request *ret_request, struct wps_problem *problem,
                    struct err *err) MUST_USE;
/* XML: no document type, no entities of its own, at most 64 levels. */
bool wps_read_xml(const char *bytes, size_t size, struct arena *arena,
                  struct wps_request *ret_request, struct wps_problem *problem,
                  struct err *err) MUST_USE;

/* For both readers. */
bool wps_find_operation(const char *name, struct wps_request *request, struct wps_problem *problem,
                        struct err *err);
bool wps_find_version(const char *version, struct wps_request *request, struct wps_problem *problem,
                      struct err *err);
/* The first of the accepted versions that is offered. `list`: commas between. */
bool wps_negotiate(const char *list, struct wps_request *request, struct wps_problem *problem,
                   struct err *err);
bool wps_flag(const char *name, const char *text, bool *ret_flag, struct wps_problem *problem,
              struct err *err);
struct wps_input *wps_add_input(struct wps_request *request, const char *id,
                                struct wps_problem *problem, struct err *err);
struct wps_output *wps_add_output(struct wps_request *request, const char *id,
                                  struct wps_problem *problem, struct err *err);
bool wps_add_identifier(struct wps_request *request, const char *id, struct wps_problem *problem,
                        struct err *err);
/* What an operation cannot do without. */
bool wps_check(const struct wps_request *request, struct wps_problem *problem, struct err *err);

#endif
