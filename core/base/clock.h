#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H
double clock_now(void); /* seconds, monotonic */
#endif
