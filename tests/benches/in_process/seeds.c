/* Stands before the C library while instructions are counted: "random" numbers that are the same in
 * each run, so that the tables that are keyed with them are laid out alike. */
#include <stddef.h>
#include <sys/types.h>

ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
  (void)flags;
  for (size_t at = 0; at < count; at++) ((unsigned char *)bytes)[at] = (unsigned char)at;
  return (ssize_t)count;
}
