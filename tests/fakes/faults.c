/* Simulates faults of the kernel and of the clock that must not affect a shared machine.
 * LD_PRELOAD loads it into the program under test. Before each call it reads the file named
 * by FAULTS:
 *
 *   bytes 0 to 7    offset of the wall clock in nanoseconds (signed)
 *   bytes 8 to 15   errno of clone(2), or 0 to call it
 *   bytes 16 to 23  whether fsync(2) never returns, as on a lost network file system
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const int64_t none[3];
static const volatile int64_t *faults = none;
static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_clone)(int (*)(void *), void *, int, void *, ...);

__attribute__((constructor)) static void load(void) {
  real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  real_clone = (int (*)(int (*)(void *), void *, int, void *, ...))dlsym(RTLD_NEXT, "clone");
  const char *path = getenv("FAULTS");
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
  if (shared != MAP_FAILED) faults = shared;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  const int failed = real_gettime(clock, time);
  if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
  const int64_t ahead_ns = faults[0];
  time->tv_sec += ahead_ns / 1000000000;
  time->tv_nsec += ahead_ns % 1000000000;
  if (time->tv_nsec < 0) time->tv_nsec += 1000000000, time->tv_sec--;
  if (time->tv_nsec >= 1000000000) time->tv_nsec -= 1000000000, time->tv_sec++;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec, time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

int clone(int (*run)(void *), void *stack, int flags, void *argument, ...) {
  if (faults[1]) return errno = (int)faults[1], -1;
  va_list more;
  va_start(more, argument);
  pid_t *parent_tid = va_arg(more, pid_t *);
  va_end(more);
  return real_clone(run, stack, flags, argument, parent_tid);
}

int fsync(int fd) {
  while (faults[2]) pause();
  return fdatasync(fd);
}
