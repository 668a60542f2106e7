/* The API documents (openapi/FACE.json), as texts in the program. */
#ifndef API_COMMON_DOCUMENTS_H
#define API_COMMON_DOCUMENTS_H

extern const char *const api_faces[]; /* "openeo", "ogc" ...; ends with NULL */
const char *api_document(const char *face); /* NULL when there is none */

#endif
