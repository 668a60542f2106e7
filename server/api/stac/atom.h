/* The feed of a collection. */
#ifndef API_STAC_ATOM_H
#define API_STAC_ATOM_H

#include "http/route.h"

handler_fn stac_atom_get;

#endif
