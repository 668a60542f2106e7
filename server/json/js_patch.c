/* Members that are null go, objects are merged, all else replaces what is there. */
#include "json/js_patch.h"
#include "json/js.h"

static bool merge(json_t *target, const json_t *patch, int depth, struct err *err)
{
    const char *key;
    json_t *value;

    if (depth > JS_DEFAULT_DEPTH)
        return err_set(err, ERR_BadRequest, "The patch is nested deeper than %d levels", JS_DEFAULT_DEPTH);
    json_object_foreach((json_t *)patch, key, value) {
        json_t *inside = json_object_get(target, key);

        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (json_is_object(value)) {
            if (!json_is_object(inside)) {
                inside = json_object();
                json_object_set_new(target, key, inside);
            }
            if (!merge(inside, value, depth + 1, err))
                return false;
        } else {
            json_object_set_new(target, key, json_deep_copy(value));
        }
    }
    return true;
}

bool js_merge_patch(json_t **target, const json_t *patch, struct err *err)
{
    if (json_is_object(patch) && json_is_object(*target))
        return merge(*target, patch, 1, err);
    json_decref(*target);
    if (!json_is_object(patch)) {
        *target = json_deep_copy(patch);
        return true;
    }
    *target = json_object();
    return merge(*target, patch, 1, err);
}
