/* Who am I? */
#include "api/common/common.h"
#include "json/js.h"

bool me_get(struct request *rq, struct reply *reply, struct err *err)
{
    (void)err;
    return reply_json(reply, 200,
                      json_pack("{s:s, s:s, s:o, s:s}", "id", rq->user->id, "name", rq->user->name,
                                "email", js_text_or_null(*rq->user->email ? rq->user->email : NULL),
                                "role", role_name(rq->user->role)),
                      NULL);
}
