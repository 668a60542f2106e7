/* Exception reports of OGC's older web services (OWS Common 1.1 and 2.0). */
#ifndef HTTP_OWS_H
#define HTTP_OWS_H

#include "base/err.h"

enum ows_version { OWS_1_1 /* of WPS 1.0.0 */, OWS_2_0 /* of WPS 2.0.0 */ };

/* The exception code that tells most about an error of ours. */
const char *ows_code(enum err_code code);
/* An ows:ExceptionReport without an XML declaration; locator NULL: none. The caller frees. */
char *ows_report(enum ows_version version, const char *code, const char *locator,
                 const char *message);

#endif
