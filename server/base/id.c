/* Identifiers from libuuid and getrandom(2). */
#include "base/id.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

void id_uuid(char ret_uuid[static ID_UUID_SIZE])
{
    uuid_t uuid;

    uuid_generate_random(uuid);
    uuid_unparse_lower(uuid, ret_uuid);
}

bool id_is_uuid(const char *text)
{
    uuid_t uuid;

    return strlen(text) == ID_UUID_SIZE - 1 && uuid_parse(text, uuid) == 0;
}

void id_random(void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)bytes + done, size - done, 0);

        if (got > 0)
            done += (size_t)got;
    }
}

int64_t id_token63(void)
{
    int64_t token = 0;

    while (token == 0) {
        id_random(&token, sizeof token);
        token &= INT64_MAX;
    }
    return token;
}

void id_secret(char ret_secret[static ID_SECRET_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[ID_SECRET_SIZE];

    id_random(bytes, sizeof bytes);
    for (size_t i = 0; i < ID_SECRET_SIZE - 1; i++)
        ret_secret[i] = digits[bytes[i] & 63];
    ret_secret[ID_SECRET_SIZE - 1] = '\0';
}
