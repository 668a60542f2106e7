/* The processing interface of PEPS under /resto/wps. */
#ifndef API_WPS_PEPS_H
#define API_WPS_PEPS_H

#include "http/route.h"

handler_fn peps_get, peps_status_get, peps_result_get;

#endif
