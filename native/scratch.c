/* The end of an environment's scratch. */
#include "scratch.h"

#include <stdlib.h>

void scratch_free(struct scratch *scratch) {
  free(scratch->socket);
  free(scratch->udp);
  free(scratch->train);
  free(scratch->super);
  *scratch = (struct scratch){0};
}
