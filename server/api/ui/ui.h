/* The web client: a few static files out of the program. */
#ifndef API_UI_UI_H
#define API_UI_UI_H

#include "http/route.h"

handler_fn ui_get;      /* GET /ui */
handler_fn ui_file_get; /* GET /ui/{file} */
handler_fn ui_icon_get; /* GET /favicon.ico */

#endif
