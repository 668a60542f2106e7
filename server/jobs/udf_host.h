/* Users' code for plans: which runtimes there are, where the code is, what it makes of cubes. */
#ifndef JOBS_UDF_HOST_H
#define JOBS_UDF_HOST_H

#include "graph/catalog.h"

struct url_reader;
/* What url_allow() gives a catalogue; code is run only where the reader has a listener. */
struct udf_host udf_host(const struct url_reader *reader);

#endif
