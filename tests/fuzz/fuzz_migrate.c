/* Whatever comes in as an item or a collection: it is lifted to the served version, which lifting again
 * leaves alone, or refused with a reason. What the catalogue then takes can be kept and sent. */
#include "ingest/stac_migrate.h"
#include "json/js.h"
#include "store/collections.h"
#include "store/items.h"
#include "store/stac_text.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep_and_send(const json_t *object)
{
    AUTO(text) struct text kept = { 0 };
    AUTO(text) struct text sent = { 0 };
    AUTO(json) json_t *again = NULL;
    struct err err = { 0 };

    if (!stac_text_keep(object, NULL, &kept, &err)) {
        if (!err.message[0])
            abort();
        return;
    }
    stac_text_send(&sent, kept.data, "http://localhost", "{\"rel\":\"self\",\"href\":\"x\"}");
    if (!js_parse(sent.data, sent.length, JS_DEFAULT_DEPTH, &again, &err))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json) json_t *json = NULL;
    struct err err = { 0 };
    bool changed;

    if (!js_parse((const char *)data, size, 32, &json, &err))
        return 0;
    if (!stac_migrate(json, &changed, &err)) {
        if (!err.message[0])
            abort();
        return 0;
    }
    if (!stac_migrate(json, &changed, &err) || changed)
        abort();
    if (item_check(json, &err))
        keep_and_send(json);
    err_clear(&err);
    if (collection_check(json, &err))
        keep_and_send(json);
    return 0;
}
