/* A fake FFmpeg that shows behaviour which the real one shows too seldom.
 *
 * It performs the steps in the path of the URL after `-i`, one after the other:
 * `http://127.0.0.1:9/err-20/sleep-500/exit-3`. It opens no connection. It reports a second
 * of media first, unless a step is `mute` or reports progress itself. Without steps, or
 * after the last one, it waits to be stopped. A name with a dot is not a step. If the input
 * is not an http URL, it exits at once with code 0.
 *
 *   wait           waits for SIGTERM or SIGINT, then exits with code 255
 *   mute           reports no media
 *   sleep-MS       waits for this time, or until it is stopped
 *   err-N          writes N numbered lines to stderr
 *   flood-MB       writes this many megabytes of lines to stderr; 0 is endless
 *   hose-MB        the same in large blocks, at the speed of the pipe
 *   odd            writes to stderr an error with control and invisible characters, and
 *                  one without a message
 *   endless-KB     writes one unterminated line of this many kilobytes
 *   noise-KB       writes this many kilobytes of binary data to stderr
 *   noise-out-KB   the same to stdout
 *   live-MS        plays for this time: a block of `-progress` every 100 ms; 0 is endless
 *   progress-N     writes N blocks of `-progress` to stdout
 *   mem-MB         allocates this many megabytes of memory and keeps them
 *   report         writes what it inherited to stderr: descriptors, signals, group
 *   close          closes stdout and stderr
 *   ignore-term    ignores SIGTERM and SIGINT
 *   stubborn-N     exits at the N-th SIGTERM or SIGINT
 *   stop           stops itself (SIGSTOP)
 *   grandchild     leaves a child that keeps both pipes open and obeys SIGTERM
 *   stubborn-grandchild  the same, but ignores SIGTERM
 *   daemon-S       the same, in its own session, for S seconds
 *   traced         leaves a debugger that keeps it from being reaped
 *   watch          writes endlessly what a healthy client does: each second progress and
 *                  a request, which fails occasionally
 *   chat-N         plays as `watch` does, but writes N lines a second, those of a healthy
 *                  client of a live stream, in ten bursts at most
 *   brief-MS       lives for a random time from a quarter of this to all of it
 *   flap           lives up to 2 s and ends in one of five ways, by its number
 *   first-N        the first N clients perform the following steps; the others watch
 *   only-N         client N performs the following steps; the others wait
 *   exit-N         exits with code N
 *   kill-N         ends by signal N
 *
 * The name of the executable changes its behaviour: with `hangs` in it, it never responds
 * to a probe; with `odd`, its version has an escape sequence; with `old`, it rejects the
 * options of recent years; with `ffprobe`, it lists two programs, or with `ffprobe-fails`
 * none.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Longest lifetime of a process left by a failed test, in seconds. */
#ifndef LONGEST_LIFE
#define LONGEST_LIFE 300
#endif

static char executable[4096];
static const char *user_agent = "";
static sigset_t born_blocked;
static volatile sig_atomic_t asked, needed = 1;

static void on_stop(int number) {
  (void)number;
  if (++asked >= needed) _exit(255);
}

static int is(const char *name) { return strstr(executable, name) != NULL; }

static void wait_to_be_stopped(void) {
  for (;;) pause();
}

static void sleep_ms(long ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0) {
  }
}

/* Writes all bytes; a pipe without a reader ends the process, as SIGPIPE does. */
static void put(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written > 0) {
      bytes += written;
      length -= (size_t)written;
    }
  }
}

/* Prints the relevant options under the headings of `-h full`, whatever the probe. */
static int print_help(void) {
  const int old = is("old");
  printf("Advanced global options:\n%s\n", old ? "" : "-stats_period time  set the period of statistics\n");
  printf("URLContext AVOptions:\n"
         "  -rw_timeout        <int64>      ED......... network timeout in microseconds\n\n");
  printf("http AVOptions:\n"
         "  -headers           <string>     ED......... custom headers\n"
         "  -user_agent        <string>     .D......... User-Agent (default \"Lavf/0\")\n"
         "  -reconnect         <boolean>    .D......... reconnect after the end (default false)\n"
         "  -reconnect_streamed <boolean>    .D......... also where no seek is possible\n"
         "%s  -reconnect_delay_max <int>        .D......... longest delay in seconds\n\n",
         old ? "" : "  -reconnect_on_network_error <boolean>    .D......... also on an error\n");
  printf("https AVOptions:\n\n");
  printf("tls AVOptions:\n"
         "  -tls_verify        <int>        ED......... verify the peer (from 0 to 1) (default 0)\n\n");
  printf("hls demuxer AVOptions:\n"
         "  -live_start_index  <int>        .D......... segment index to start at\n"
         "  -max_reload        <int>        .D......... reloads of a stale list (default 100)\n"
         "  -http_multiple     <boolean>    .D......... several connections (default auto)\n%s",
         old ? "" : "  -seg_max_retry     <int>        .D......... retries of a segment\n");
  return 0;
}

static int print_programs(void) {
  if (is("hangs")) pause();
  if (is("fails")) return 1;
  printf("{\"programs\":["
         "{\"program_id\":0,\"tags\":{\"variant_bitrate\":\"400000\"},\"streams\":[]},"
         "{\"program_id\":1,\"tags\":{\"variant_bitrate\":\"2500000\"},\"streams\":[]}]}\n");
  return 0;
}

static void write_lines(long count) {
  char line[128];
  for (long i = 1; i <= count; i++)
    put(2, line, (size_t)snprintf(line, sizeof line, "[fake @ 0x1] [error] line %ld of %ld\n", i, count));
}

static void flood(long megabytes) {
  static const char line[] = "[http @ 0x55d6a51a5a80] [warning] HTTP error 503 Service Unavailable, again\n";
  const long lines = megabytes * 1048576L / (long)(sizeof line - 1);
  for (long i = 0; megabytes == 0 || i < lines; i++) put(2, line, sizeof line - 1);
}

static void hose(long megabytes) {
  static const char line[] = "[http @ 0x55d6a51a5a80] [warning] HTTP error 503 Service Unavailable, again\n";
  static char block[1024 * (sizeof line - 1)];
  for (size_t at = 0; at < sizeof block; at += sizeof line - 1) memcpy(block + at, line, sizeof line - 1);
  const long blocks = megabytes * 1048576L / (long)sizeof block;
  for (long i = 0; megabytes == 0 || i < blocks; i++) put(2, block, sizeof block);
}

/* U+009B, U+202E, U+2066, U+2028 and U+200B. */
static void write_odd(void) {
  static const char lines[] = "[fake @ 0x1] [error] odd \033[31m \xc2\x9b" "2J \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa8 \xe2\x80\x8b end\n"
                              "[fake @ 0x1] [error] \n";
  put(2, lines, sizeof lines - 1);
}

static void write_endless(long kilobytes) {
  char block[1024];
  memset(block, 'x', sizeof block);
  while (kilobytes-- > 0) put(2, block, sizeof block);
}

static void write_noise(int fd, long kilobytes) {
  char block[1024];
  unsigned state = 1;
  while (kilobytes-- > 0) {
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)((state = state * 1103515245u + 12345u) >> 16);
    put(fd, block, sizeof block);
  }
}

static void play_live(long ms) {
  char text[128];
  for (long played = 100; ms == 0 || played <= ms; played += 100) {
    sleep_ms(100);
    put(1, text, (size_t)snprintf(text, sizeof text, "out_time_us=%ld\nprogress=continue\n", played * 1000));
  }
}

static void write_progress(long blocks) {
  char text[512];
  for (long i = 0; i < blocks; i++)
    put(1, text,
        (size_t)snprintf(text, sizeof text,
                         "frame=%ld\nfps=30.00\nbitrate=N/A\ntotal_size=N/A\nout_time_us=%ld\n"
                         "out_time_ms=%ld\nspeed=1.00x\nprogress=continue\n",
                         i * 30, i * 1000000, i * 1000000));
}

/* The compiler could remove unread memory unless it is volatile. */
static void take_memory(long megabytes) {
  const size_t size = (size_t)megabytes << 20;
  volatile char *taken = malloc(size);
  for (size_t at = 0; taken && at < size; at += 4096) taken[at] = 1;
}

static void report_descriptors(void) {
  char path[64], target[256];
  DIR *listing = opendir("/proc/self/fd");
  fprintf(stderr, "report fds");
  for (struct dirent *entry; listing && (entry = readdir(listing));)
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(listing)) fprintf(stderr, " %s", entry->d_name);
  snprintf(path, sizeof path, "/proc/self/fd/0");
  ssize_t length = readlink(path, target, sizeof target - 1);
  target[length > 0 ? length : 0] = 0;
  fprintf(stderr, "\nreport stdin %s\n", target);
}

static void report_signals(void) {
  fprintf(stderr, "report blocked");
  for (int number = 1; number < 65; number++)
    if (sigismember(&born_blocked, number) == 1) fprintf(stderr, " %d", number);
  fprintf(stderr, "\nreport ignored");
  for (int number = 1; number < 65; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) fprintf(stderr, " %d", number);
  }
  fprintf(stderr, "\n");
}

static void report(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  report_descriptors();
  report_signals();
  fprintf(stderr, "report group %s\n", getpgrp() == getpid() ? "own" : "shared");
  fprintf(stderr, "report nofile %lu\n", (unsigned long)files.rlim_cur);
}

static void leave_child(int heeds_term, long session_seconds) {
  if (fork() != 0) return;
  signal(SIGTERM, heeds_term ? SIG_DFL : SIG_IGN);
  if (session_seconds > 0) setsid();
  sleep_ms((session_seconds > 0 ? session_seconds : LONGEST_LIFE) * 1000);
  _exit(0);
}

/* The parent of a traced process can reap it only after its tracer. */
static void leave_tracer(void) {
  const pid_t traced = getpid();
  int seized[2];
  if (pipe(seized) != 0) return;
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  if (fork() == 0) {
    setsid();
    close(1), close(2);
    signal(SIGTERM, SIG_DFL);
    ptrace(PTRACE_SEIZE, traced, NULL, NULL);
    close(seized[0]), close(seized[1]);
    sleep_ms(LONGEST_LIFE * 1000L);
    _exit(0);
  }
  close(seized[1]);
  char end;
  while (read(seized[0], &end, 1) < 0) {
  }
}

static void end_by(int number) {
  const struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(number, SIG_DFL);
  raise(number);
}

static long own_number(void) {
  const char *last = strrchr(user_agent, '-');
  return last ? atol(last + 1) : -1;
}

/* No two lines are the same, so a program that keeps them would grow. */
static void watch(void) {
  char text[512];
  for (long second = 1;; second++) {
    sleep_ms(1000);
    const long segment = second + own_number() * 100000;
    put(1, text, (size_t)snprintf(text, sizeof text, "out_time_us=%ld000000\nprogress=continue\n", second));
    put(2, text,
        (size_t)snprintf(text, sizeof text,
                         "[hls @ 0x1] [verbose] HLS request for url 'http://127.0.0.1:9/%ld.ts', offset 0, playlist 0\n"
                         "[http @ 0x2] [info] Opening 'http://127.0.0.1:9/%ld.ts' for reading\n",
                         segment, segment));
    if (segment % 7 == 0)
      put(2, text,
          (size_t)snprintf(text, sizeof text,
                           "[http @ 0x%lx] [error] HTTP error %ld of 'http://127.0.0.1:9/%lx.ts'\n", segment,
                           400 + segment % 199, segment * 2654435761));
  }
}

/* Returns the next line of those that FFmpeg 5.1 writes at verbose for each segment of a
 * live playlist with four segments. */
static int next_line(char *text, size_t room, long number) {
  static const char skip[] = "[hls @ 0x5577f6c24200] [info] Skip ('#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:%02ld:%02ld.000Z')\n";
  const long segment = number / 8 + own_number() * 100000;
  switch (number % 8) {
    case 0: return snprintf(text, room, "[http @ 0x5577f6c383c0] [info] Opening 'http://127.0.0.1:9/v2/index.m3u8' for reading\n");
    case 1: return snprintf(text, room, "[hls @ 0x5577f6c24200] [info] Skip ('#EXT-X-VERSION:3')\n");
    case 6: return snprintf(text, room, "[hls @ 0x5577f6c24200] [verbose] HLS request for url 'http://127.0.0.1:9/v2/%ld.ts', offset 0, playlist 2\n", segment);
    case 7: return snprintf(text, room, "[http @ 0x5577f6c97080] [info] Opening 'http://127.0.0.1:9/v2/%ld.ts' for reading\n", segment);
    default: return snprintf(text, room, skip, segment / 60 % 60, segment % 60);
  }
}

static void put_progress(long second) {
  char text[512];
  put(1, text,
      (size_t)snprintf(text, sizeof text,
                       "frame=%ld\nfps=25.00\nstream_0_0_q=-1.0\nbitrate=N/A\ntotal_size=N/A\nout_time_us=%ld000000\n"
                       "out_time_ms=%ld000000\nout_time=00:%02ld:%02ld.000000\ndup_frames=0\ndrop_frames=0\nspeed=1.00x\n"
                       "progress=continue\n",
                       second * 25, second, second, second / 60 % 60, second % 60));
}

/* Ten ticks a second, the first at a random time. The lines of a tick are one write; with
 * one write per line the cost of the fake would dominate that of its reader. */
static void chat(long per_second) {
  static const char connects[] = "[tcp @ 0x5577f6c27d40] [verbose] Starting connection attempt to 127.0.0.1 port 9\n"
                                 "[tcp @ 0x5577f6c27d40] [verbose] Successfully connected to 127.0.0.1 port 9\n";
  static char burst[65536];
  struct timespec next;
  long written = 0;
  put(2, connects, sizeof connects - 1);
  clock_gettime(CLOCK_MONOTONIC, &next);
  next.tv_nsec = (next.tv_nsec + own_number() * 7919 % 1000 * 100000L) % 1000000000L;
  next.tv_sec++;
  for (long tick = 1;; tick++) {
    size_t length = 0;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    while (written < tick * per_second / 10 && length < sizeof burst - 256)
      length += (size_t)next_line(burst + length, sizeof burst - length, written++);
    put(2, burst, length);
    if (tick % 10 == 5) put_progress(tick / 10 + 1);
    next.tv_nsec += 100000000L;
    if (next.tv_nsec >= 1000000000L) next.tv_sec++, next.tv_nsec -= 1000000000L;
  }
}

static void live_briefly(long ms) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const unsigned chance = ((unsigned)now.tv_nsec ^ (unsigned)getpid()) * 2654435761u >> 8;
  sleep_ms(ms / 4 + (long)(chance % (unsigned)(ms - ms / 4 + 1)));
}

static void flap(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  sleep_ms(now.tv_nsec / 1000 % 2000);
  switch (own_number() % 5) {
    case 0: write_lines(20); exit(1);
    case 1: end_by(SIGKILL); break;
    case 2: exit(0);
    case 3: leave_child(0, 0); exit(1);
    case 4: write_endless(64), write_noise(1, 16); end_by(SIGSEGV);
  }
}

static void play(const char *name, long n) {
  if (!strcmp(name, "wait")) wait_to_be_stopped();
  else if (!strcmp(name, "mute")) return;
  else if (!strcmp(name, "sleep")) sleep_ms(n);
  else if (!strcmp(name, "err")) write_lines(n);
  else if (!strcmp(name, "flood")) flood(n);
  else if (!strcmp(name, "odd")) write_odd();
  else if (!strcmp(name, "endless")) write_endless(n);
  else if (!strcmp(name, "noise")) write_noise(2, n);
  else if (!strcmp(name, "noise-out")) write_noise(1, n);
  else if (!strcmp(name, "hose")) hose(n);
  else if (!strcmp(name, "live")) play_live(n);
  else if (!strcmp(name, "progress")) write_progress(n);
  else if (!strcmp(name, "mem")) take_memory(n);
  else if (!strcmp(name, "report")) report();
  else if (!strcmp(name, "close")) close(1), close(2);
  else if (!strcmp(name, "ignore-term")) signal(SIGTERM, SIG_IGN), signal(SIGINT, SIG_IGN);
  else if (!strcmp(name, "stubborn")) needed = (sig_atomic_t)n;
  else if (!strcmp(name, "stop")) raise(SIGSTOP);
  else if (!strcmp(name, "grandchild")) leave_child(1, 0);
  else if (!strcmp(name, "stubborn-grandchild")) leave_child(0, 0);
  else if (!strcmp(name, "daemon")) leave_child(0, n);
  else if (!strcmp(name, "traced")) leave_tracer();
  else if (!strcmp(name, "watch")) watch();
  else if (!strcmp(name, "chat")) chat(n);
  else if (!strcmp(name, "brief")) live_briefly(n);
  else if (!strcmp(name, "flap")) flap();
  else if (!strcmp(name, "first")) { if (own_number() >= n) watch(); }
  else if (!strcmp(name, "only")) { if (own_number() != n) wait_to_be_stopped(); }
  else if (!strcmp(name, "exit")) exit((int)n);
  else if (!strcmp(name, "kill")) end_by((int)n);
  else {
    fprintf(stderr, "fake_ffmpeg: unknown step %s\n", name);
    exit(99);
  }
}

/* A second of media, unless the steps report their own or none. */
static void receive_media(const char *steps) {
  static const char *const own[] = {"/live-", "/progress-", "/watch", "/chat-", "/first-", "/mute"};
  static const char second[] = "out_time_us=1000000\nprogress=continue\n";
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strstr(steps, own[i])) return;
  put(1, second, sizeof second - 1);
}

static void play_all(const char *url) {
  const char *host = strstr(url, "://");
  const char *path = host ? strchr(host + 3, '/') : NULL;
  char *steps = strdup(path ? path : ""), *rest = steps;
  receive_media(steps);
  for (char *step; (step = strsep(&rest, "/")) != NULL;) {
    char *dash = strrchr(step, '-'), *end = NULL;
    long n = dash ? strtol(dash + 1, &end, 10) : 0;
    if (end && end != dash + 1 && *end == 0) *dash = 0;
    if (*step && !strchr(step, '.')) play(step, n);
  }
  free(steps);
}

static void refuse_new_options(const char *option) {
  static const char *const newer[] = {"-seg_max_retry", "-reconnect_on_network_error", "-stats_period"};
  for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
    if (is("old") && !strcmp(option, newer[i])) {
      fprintf(stderr, "Unrecognized option '%s'.\n", option + 1);
      exit(1);
    }
}

int main(int argc, char **argv) {
  const char *input = NULL;
  ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
  executable[length > 0 ? length : 0] = 0;
  memmove(executable, strrchr(executable, '/') + 1, strlen(strrchr(executable, '/')));
  sigprocmask(SIG_SETMASK, NULL, &born_blocked);
  alarm(LONGEST_LIFE);
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (is("hangs") && (!strcmp(argv[i], "-version") || !strcmp(argv[i], "-h"))) pause();
    if (!strcmp(argv[i], "-version")) {
      printf("ffmpeg version 9.0-fake%s Copyright (c) the test harness\nbuilt with cc\n", is("odd") ? "\033[31m" : "");
      return 0;
    }
    if (!strcmp(argv[i], "-h")) return print_help();
    refuse_new_options(argv[i]);
    if (!strcmp(argv[i], "-user_agent")) user_agent = value;
    if (!strcmp(argv[i], "-i")) input = value;
  }
  if (is("ffprobe")) return print_programs();
  if (!input || strncmp(input, "http", 4) != 0) return 0;
  struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGINT, &stop, NULL);
  play_all(input);
  wait_to_be_stopped();
}
