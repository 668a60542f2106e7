/* Frames of one pass that follow each other. */
#ifndef SAR_PASS_H
#define SAR_PASS_H

#include "sar/annotation.h"

/* Conversion to ground range and orbit go on from one frame to the next, as both of them see it: given to each other so,
 * frames put what lies at their border at the same place. False, and nothing is changed, when the neighbour does not follow or
 * precede the image within two seconds, or counts columns from elsewhere. Arrays lie in the arena. */
bool sar_pass_continue(struct sar_annotation *annotation, const struct sar_annotation *neighbour, struct arena *arena);

#endif
