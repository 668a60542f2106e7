/* openapi/documents.S puts the texts into the program; this finds them. */
#include "api/common/documents.h"
#include <stddef.h>
#include <string.h>

#define DOCUMENT(name) extern const char api_document_##name[];
#include "openapi/documents.def"
#undef DOCUMENT

static const char *const texts[] = {
#define DOCUMENT(name) api_document_##name,
#include "openapi/documents.def"
#undef DOCUMENT
};

const char *const api_faces[] = {
#define DOCUMENT(name) #name,
#include "openapi/documents.def"
#undef DOCUMENT
    NULL,
};

const char *api_document(const char *face)
{
    for (size_t i = 0; api_faces[i]; i++)
        if (!strcmp(api_faces[i], face))
            return texts[i];
    return NULL;
}
