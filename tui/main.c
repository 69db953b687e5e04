/* tui/main.c - The process around the program: signals that must not kill it, and the only exit. */
#include "tui/cli/cli.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

/* A stream that was closed before we came would give its number to the next file that is opened,
 * and what is printed would go into it. Such a stream is open now, and fails when it is used. */
static void hold_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
}

int main(int argc, char **argv)
{
    hold_streams();
    signal(
        SIGPIPE,
        SIG_IGN); /* a reader that went away and a full disk are errors of write, not our death */
    signal(SIGXFSZ, SIG_IGN);
    setlocale(LC_CTYPE, "");
    return subcommand_main(argc, argv);
}
