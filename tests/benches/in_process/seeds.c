/* Replaces two functions of the C library while callgrind counts instructions. Each run gets the same
 * time, and the same "random" keys for hash tables, so that the tables have the same layout. */
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
  (void)flags;
  for (size_t at = 0; at < count; at++) ((unsigned char *)bytes)[at] = (unsigned char)at;
  return (ssize_t)count;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  *now = (struct timespec){.tv_sec = 1703731478, .tv_nsec = 0};
  return 0;
}
