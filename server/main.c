/* The one executable: looks up the subcommand and runs it. */
#include "base/auto.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("sentier");
    return 0;
}
