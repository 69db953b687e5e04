/* tui/main.c - The process around the program: signals that must not kill it, and the only exit. */
#include "tui/cli/cli.h"

#include <locale.h>
#include <signal.h>

int main(int argc, char **argv)
{
    signal(
        SIGPIPE,
        SIG_IGN); /* a reader that went away and a full disk are errors of write, not our death */
    signal(SIGXFSZ, SIG_IGN);
    setlocale(LC_CTYPE, "");
    return subcommand_main(argc, argv);
}
